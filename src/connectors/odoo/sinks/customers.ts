import type { Context, Item, Result, Sink } from '../../../core/connector.ts';
import { type Customer, CustomerDocument } from '../../../model/customer.ts';
import type { Odoo } from '../database.ts';
import { externalId } from '../external-id.ts';
import { load } from './load.ts';
import { customersAlike, persons } from './matches.ts';
import { type Owned, saidBefore, update } from './owned.ts';
import { deliverPrepared } from './prepared.ts';
import { findBy, resultOf, sinkOf } from './sink.ts';

interface Prepared {
  readonly now: Owned;
  readonly before: ReturnType<typeof saidBefore>;
}

type Ready = readonly { readonly item: Item<Customer>; readonly prepared: Prepared }[];

/**
 * Customers become partners (`res.partner`): name, reference, and, where the channel says them, country, e-mail address and telephone number. Of these fields what
 * changed in the hub is written, and nothing else; all other fields are people's own. Where a flow carries some of a customer's fields only, the others are written to
 * a partner that is made, and to one that is there where they are empty and nothing was ever written.
 */
export const customers = (odoo: Odoo, max: number): Sink<typeof CustomerDocument> =>
  sinkOf(odoo, {
    name: 'customers',
    accepts: CustomerDocument,
    compares: true,
    batch: { max, onFailure: 'none-lands' },
    find: findBy(odoo, { model: 'res.partner', kind: 'customer', field: 'ref' }),
    match: (items, cx) => customersAlike(odoo, items, cx),
    count: (cx) => odoo.count('res.partner', persons, cx),
    deliver: (items, cx) =>
      deliverPrepared(
        items,
        (item) => prepare(odoo, item, cx),
        (ready) => deliver(odoo, ready, cx),
      ),
  });

async function prepare(odoo: Odoo, item: Item<Customer>, cx: Context): Promise<Prepared> {
  const { document } = item;
  const country = document.country === null ? null : String(await odoo.country(document.country, cx));
  const owned = (one: Customer): Owned => ownedOf(one, one.country === document.country ? country : '');
  return { now: owned(document), before: saidBefore(item, owned) };
}

/** Columns of each field, as `load` takes them. */
const columns: Readonly<Record<string, string>> = {
  name: 'name',
  number: 'ref',
  email: 'email',
  phone: 'phone',
  country: 'country_id/.id',
};

/** What of a customer may be written to the partner that is bound to it. */
function toBound({ fields }: Item<Customer>, { now, before }: Prepared): Owned {
  if (fields === undefined || before === null) return now;
  const own = new Set(fields.map((field) => columns[field]));
  return Object.fromEntries(Object.entries(now).filter(([column]) => own.has(column)));
}

const ownedOf = ({ name, number, email, phone }: Customer, country: string | null): Owned => ({
  name,
  ref: number ?? '',
  ...(email === undefined ? {} : { email: email?.trim() ?? '' }),
  ...(phone === undefined ? {} : { phone: phone?.trim() ?? '' }),
  ...(country === null ? {} : { 'country_id/.id': country }),
});

/** What may be written to a partner that an attempt made whose answer was lost: people may have filled in since what the hub had nothing to say about. */
function toMade({ fields, version }: Item<Customer>, { now }: Prepared): Owned {
  const own = fields && new Set(fields.map((field) => columns[field]));
  return Object.fromEntries(
    Object.entries(now).filter(([column, text]) => (own ? own.has(column) : version > 1 || text !== '')),
  );
}

/** Partners of customers that are bound to none, by key: a call that was not answered made them. */
async function madeBefore(odoo: Odoo, items: readonly Item<Customer>[], cx: Context): Promise<Map<string, string>> {
  const numbers = items.flatMap(({ document: { number } }) => number ?? []);
  if (numbers.length === 0) return new Map();
  const names = new Map(items.map(({ key }) => [externalId(odoo.module(cx), 'customer', key), key]));
  const domain = [
    ['ref', 'in', numbers],
    ['active', 'in', [true, false]],
  ];
  const rows = await odoo.own('res.partner', domain, [...names.keys()], ['ref'], cx);
  return new Map([...rows].map(([name, { id }]) => [names.get(name)!, String(id)]));
}

async function deliver(odoo: Odoo, ready: Ready, cx: Context): Promise<Result[]> {
  const free = ready.filter(({ item }) => item.id === null);
  const made = await madeBefore(
    odoo,
    free.map(({ item }) => item),
    cx,
  );
  const bound = ready.filter(({ item }) => item.id !== null || made.has(item.key));
  const updated = await update(
    odoo,
    'res.partner',
    bound.map(({ item, prepared }) =>
      item.id === null
        ? { item: { ...item, id: made.get(item.key)! }, now: toMade(item, prepared), before: 'unknown' as const }
        : { item, ...prepared, now: toBound(item, prepared) },
    ),
    cx,
  );
  const known = new Map(bound.map((one, place) => [one, updated[place] ?? null]));
  const missing = ready.filter((one) => (known.get(one) ?? null) === null);
  const loaded = await load(
    odoo,
    'res.partner',
    missing.map(({ item, prepared }) => ({
      cells: { id: externalId(odoo.module(cx), 'customer', item.key), ...prepared.now },
    })),
    cx,
  );
  return ready.map((one) => known.get(one) ?? resultOf(loaded[missing.indexOf(one)]!));
}
