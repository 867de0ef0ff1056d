import type { Context, Item, Result, Sink } from '../../../core/connector.ts';
import { type Product, ProductDocument } from '../../../model/product.ts';
import type { Odoo } from '../database.ts';
import { externalId } from '../external-id.ts';
import { type Loadable, load } from './load.ts';
import { type Bound, type Owned, saidBefore, update } from './owned.ts';
import { deliverPrepared } from './prepared.ts';
import { type Candidate, candidatesOf, matchOf } from './product-candidates.ts';
import { findBy, resultOf, sinkOf } from './sink.ts';

/** Row of Mapping table `accounts` with the account that vouchers are sold to; without it a voucher is a service like any other. */
const voucherLiability = 'voucher-liability';

interface Prepared {
  readonly now: Owned;
  readonly before: ReturnType<typeof saidBefore>;
  /** The whole product, as it is created. */
  readonly loadable: Loadable;
}

type Ready = readonly { readonly item: Item<Product>; readonly prepared: Prepared }[];

/**
 * Products become `product.product` with code and barcode. One that Odoo has already by either, made by a person, is bound and not made again; where two could be meant, a
 * person decides. Taxes, price and invoicing policy are set when the product is new and are the bookkeeper's from then on (every order line brings its own price and
 * taxes); of name, code, barcode and kind what changed in the hub is written. Services and vouchers are invoiced as ordered, for nothing of them is ever delivered.
 */
export const products = (odoo: Odoo, max: number): Sink<typeof ProductDocument> =>
  sinkOf(odoo, {
    name: 'products',
    accepts: ProductDocument,
    compares: true,
    batch: { max, onFailure: 'none-lands' },
    find: findBy(odoo, { model: 'product.product', kind: 'product', field: 'default_code' }),
    match: async (items, cx) => (await candidatesOf(odoo, items, cx)).map(matchOf),
    count: (cx) => odoo.count('product.product', [], cx),
    deliver: (items, cx) =>
      deliverPrepared(
        items,
        (item) => prepare(odoo, item, cx),
        (ready) => deliver(odoo, ready, cx),
      ),
  });

async function prepare(odoo: Odoo, item: Item<Product>, cx: Context): Promise<Prepared> {
  const { key, document, before } = item;
  const { goods, service } = await odoo.dialect(cx);
  const stored = document.kind === 'goods';
  const kind = stored ? goods : service;
  const other = stored ? service : goods;
  const turned = before !== undefined && before !== null && (before.kind === 'goods') !== stored;
  const owned = (one: Product): Owned => ({
    name: one.name,
    default_code: one.code,
    ...(one.barcode === undefined ? {} : { barcode: one.barcode ?? '' }),
    ...(turned ? ((one.kind === 'goods') === stored ? kind : other) : {}),
  });
  const id = externalId(odoo.module(cx), 'product', key);
  const now = owned(document);
  const fresh = { 'taxes_id/.id': '', list_price: '0', ...(stored ? {} : { invoice_policy: 'order' }) };
  const account = document.kind === 'voucher' ? cx.mapping('accounts').find(voucherLiability) : null;
  const liability =
    account === null ? {} : { 'property_account_income_id/.id': String(await odoo.account(account, cx)) };
  const cells = { id, ...now, sale_ok: 'True', ...kind, ...fresh, ...liability };
  return { now, before: saidBefore(item, owned), loadable: { cells } };
}

async function deliver(odoo: Odoo, ready: Ready, cx: Context): Promise<Result[]> {
  const free = ready.filter(({ item }) => item.id === null);
  const candidates = await candidatesOf(
    odoo,
    free.map(({ item }) => item),
    cx,
  );
  const found = new Map<Ready[number], Candidate>(free.map((one, place) => [one, candidates[place]!]));
  const bound = ready.flatMap((one): (Bound & { one: Ready[number] })[] => {
    const candidate = found.get(one);
    const { now, before } = one.prepared;
    if (candidate === undefined) return [{ one, item: one.item, now, before }];
    return 'id' in candidate ? [{ one, item: { ...one.item, id: candidate.id }, now, before: null }] : [];
  });
  const updated = await update(odoo, 'product.product', bound, cx);
  const known = new Map(bound.map(({ one }, place) => [one, updated[place] ?? null]));
  const missing = ready.filter((one) => {
    const candidate = found.get(one);
    return (known.get(one) ?? null) === null && !(candidate && 'fault' in candidate);
  });
  const loaded = await load(
    odoo,
    'product.product',
    missing.map(({ prepared }) => prepared.loadable),
    cx,
  );
  return ready.map((one): Result => {
    const candidate = found.get(one);
    if (candidate && 'fault' in candidate) return { outcome: 'failed', fault: candidate.fault };
    return known.get(one) ?? resultOf(loaded[missing.indexOf(one)]!);
  });
}
