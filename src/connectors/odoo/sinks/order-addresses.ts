import type { Context, Item, Result } from '../../../core/connector.ts';
import { FaultError } from '../../../core/fault.ts';
import { canonicalJson, sha256 } from '../../../core/seal.ts';
import type { Address } from '../../../model/address.ts';
import type { Order } from '../../../model/order.ts';
import type { Odoo } from '../database.ts';
import { externalId } from '../external-id.ts';
import { type Cells, type Loadable, load } from './load.ts';
import { linked } from './prepared.ts';

type Type = 'delivery' | 'invoice';

/** An address of a customer that an order names. Two orders that name the same one share its record. */
interface Named {
  readonly id: string;
  readonly partner: string;
  readonly type: Type;
  readonly address: Address;
}

type NotDone = Extract<Result, { outcome: 'failed' | 'untouched' }>;

const columns = { delivery: 'partner_shipping_id/.id', invoice: 'partner_invoice_id/.id' } as const;

/** Sends orders with the addresses that they name; one whose address Odoo does not take fails alone. */
export async function addressed<R extends { readonly item: Item<Order>; readonly prepared: { loadable: Loadable } }>(
  odoo: Odoo,
  ready: readonly R[],
  cx: Context,
  send: (ready: readonly R[]) => Promise<Result[]>,
): Promise<Result[]> {
  const found = await addressColumns(
    odoo,
    ready.map(({ item }) => item),
    cx,
  );
  const good = ready.flatMap((one, place) => {
    const more = found[place]!;
    if (isResult(more)) return [];
    const { loadable } = one.prepared;
    const prepared = { ...one.prepared, loadable: { ...loadable, cells: { ...loadable.cells, ...more } } };
    return [{ place, one: { ...one, prepared } }];
  });
  const sent = await send(good.map(({ one }) => one));
  return ready.map((_, place): Result => {
    const more = found[place]!;
    return isResult(more) ? more : sent[good.findIndex((one) => one.place === place)]!;
  });
}

const isResult = (one: object): one is NotDone => 'outcome' in one;

/**
 * Columns of new orders for where goods and papers go: contacts of the customer of type delivery and invoice, known by their content. One that is there is used as it is, also where a person has
 * corrected it; archived ones too. A `failed` Result in place of the columns of an order whose address Odoo does not take.
 */
async function addressColumns(
  odoo: Odoo,
  items: readonly Item<Order>[],
  cx: Context,
): Promise<(Readonly<Record<string, string>> | NotDone)[]> {
  const wanted = items.map((item) => (item.id === null ? namedBy(odoo, item, cx) : []));
  const unique = new Map(wanted.flat().map((one) => [one.id, one]));
  const known = await heldOf(odoo, [...unique.values()], cx);
  const failed = new Map<string, NotDone>();
  const missing: { named: Named; cells: Cells }[] = [];
  for (const named of unique.values()) {
    if (known.has(named.id)) continue;
    try {
      missing.push({ named, cells: await cellsOf(odoo, named, cx) });
    } catch (error) {
      if (!(error instanceof FaultError) || error.fault.kind !== 'rejected') throw error;
      failed.set(named.id, { outcome: 'failed', fault: error.fault });
    }
  }
  const loaded = await load(
    odoo,
    'res.partner',
    missing.map(({ cells }) => ({ cells })),
    cx,
  );
  for (const [place, { named }] of missing.entries()) {
    const one = loaded[place]!;
    if (one.outcome === 'landed') known.set(named.id, one.id);
    else failed.set(named.id, one);
  }
  return wanted.map((all) => {
    const bad = all.find(({ id }) => failed.has(id));
    if (bad) return failed.get(bad.id)!;
    return Object.fromEntries(all.map(({ id, type }) => [columns[type], String(known.get(id))]));
  });
}

function namedBy(odoo: Odoo, item: Item<Order>, cx: Context): Named[] {
  const { shipTo, billTo, customer } = item.document;
  const partner = linked(item, 'customer', customer);
  const named = (type: Type, address: Address | undefined): Named[] => {
    if (address === undefined) return [];
    const content = sha256(canonicalJson(address)).toString('hex').slice(0, 24);
    return [{ id: externalId(odoo.module(cx), 'address', partner, type, content), partner, type, address }];
  };
  return [...named('delivery', shipTo), ...named('invoice', billTo)];
}

async function heldOf(odoo: Odoo, named: readonly Named[], cx: Context): Promise<Map<string, number>> {
  if (named.length === 0) return new Map();
  const domain = [
    ['parent_id', 'in', [...new Set(named.map(({ partner }) => Number(partner)))]],
    ['type', 'in', ['delivery', 'invoice']],
    ['active', 'in', [true, false]],
  ];
  const names = named.map(({ id }) => id);
  const rows = await odoo.own('res.partner', domain, names, ['type'], cx);
  return new Map([...rows].map(([name, row]) => [name, row.id as number]));
}

async function cellsOf(odoo: Odoo, { id, partner, type, address }: Named, cx: Context): Promise<Cells> {
  const country = await odoo.country(address.country, cx);
  const region = address.region === null ? null : await odoo.region(country, address.region, cx);
  return {
    id,
    'parent_id/.id': partner,
    type,
    name: [address.company, address.name].filter((part) => part?.trim()).join(', '),
    street: address.street,
    street2: address.street2 ?? '',
    city: address.city,
    zip: address.postalCode ?? '',
    'state_id/.id': region === null ? '' : String(region),
    'country_id/.id': String(country),
    phone: address.phone ?? '',
    email: address.email ?? '',
  };
}
