import type { Duration } from '../../../core/clock.ts';
import type { Context, Item, Result, Sink } from '../../../core/connector.ts';
import { compare, decimal } from '../../../core/decimal.ts';
import { type FaultError, rejected } from '../../../core/fault.ts';
import { type Price, PriceDocument } from '../../../model/price.ts';
import type { Document } from '../documents/document.ts';
import { priceListCalls } from '../documents/price-lists.ts';
import { priceCalls } from '../documents/prices.ts';
import type { UserError } from '../errors.ts';
import type { Shop } from '../shop.ts';
import { readPriceLists, sendListPrices, wrongWithList } from './price-lists.ts';
import { faultOfPrice, held, type Refused, type Sent, sendTogether, textOf, type Wanted } from './price-sending.ts';
import { withdraw } from './price-withdrawals.ts';
import { failed, hasTime, sinkOf, variantOf } from './sink.ts';

interface Products {
  readonly shop: { readonly currencyCode: string; readonly taxesIncluded: boolean };
  readonly nodes: readonly ({
    readonly __typename: string;
    readonly id: string;
    readonly product: { readonly id: string };
  } | null)[];
}

interface Told {
  readonly productVariantsBulkUpdate: {
    readonly productVariants:
      | readonly { readonly id: string; readonly price: string; readonly compareAtPrice: string | null }[]
      | null;
    readonly userErrors: readonly UserError[];
  } | null;
}

/** Prices that go in one call. */
interface Group {
  readonly document: Document;
  readonly prices: readonly Wanted[];
  send(open: readonly Wanted[]): Promise<Sent>;
}

/** A call after the other, each in a moment. What a lost call may still commit is not compared with anything, so that `settle` stays the shop's. */
const DEADLINE: Duration = '60s';

/**
 * The shop's own prices, in its own currency, product by product; those of lists that the connection's `priceLists` names go to the markets' price lists, list
 * by list, and are taken off them when they are none any more. Absolute: the last one wins.
 *
 * @see https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/priceListFixedPricesAdd
 */
export const prices = (shop: Shop): Sink<typeof PriceDocument> =>
  sinkOf(shop, {
    name: 'prices',
    accepts: PriceDocument,
    idempotency: 'overwrite',
    deadline: DEADLINE,
    withdraws: true,
    batch: { max: 100, onFailure: 'independent' },
    deliver: (items, cx) => deliver(shop, items, cx),
  });

async function deliver(shop: Shop, items: Item<Price>[], cx: Context): Promise<Result[]> {
  const mayBegin = hasTime(DEADLINE, cx.clock);
  const results: Result[] = [];
  const wanted = items.flatMap((item, index): Wanted[] => {
    const { sku, list } = item.document;
    try {
      return [{ index, item, variant: variantOf(item, sku), list: shop.settings.priceLists.get(list) ?? null }];
    } catch (error) {
      results[index] = failed(error);
      return [];
    }
  });
  const gone = wanted.filter(({ item }) => item.document.withdrawn);
  const set = wanted.filter((one) => !gone.includes(one));
  try {
    await withdraw(shop, gone, mayBegin, results, cx);
  } catch (error) {
    for (const { index } of gone) results[index] ??= failed(error);
  }
  if (set.length === 0) return results;
  for (const { document, prices: open, send } of await groupsOf(shop, set, results, cx)) {
    const refused: Refused = (_, error) => ({ outcome: 'failed', fault: faultOfPrice(document, error) });
    try {
      await sendTogether(refused, open, send, mayBegin, results);
    } catch (error) {
      for (const { index } of open) results[index] ??= failed(error);
    }
  }
  return results;
}

/** Looks at what the prices are of, and rejects those that fit neither the shop nor the list. */
async function groupsOf(shop: Shop, wanted: readonly Wanted[], results: Result[], cx: Context): Promise<Group[]> {
  const ids = [...new Set(wanted.map(({ variant }) => variant))];
  const told = await shop.call<Products>(priceCalls.productsOf, { ids }, cx);
  const product = new Map(
    told.nodes.flatMap((node) => (node?.__typename === 'ProductVariant' ? [[node.id, node.product.id]] : [])),
  );
  const there = keep(wanted, results, ({ variant, item: { document } }) =>
    product.has(variant) ? null : rejected(`Product ${document.sku} is no longer in the shop.`, 'gone', 'sku'),
  );
  const own = keep(
    there.filter(({ list }) => list === null),
    results,
    ({ item: { document }, variant }) => wrongWithOwn(document, told.shop) ?? clash(there, variant, document),
  );
  const groups = [...Map.groupBy(own, ({ variant }) => product.get(variant)!)].map(
    ([id, open]): Group => ({
      document: priceCalls.setPrices,
      prices: open,
      send: (left) => sendOwn(shop, id, left, cx),
    }),
  );
  return [...groups, ...(await listGroups(shop, there, results, cx))];
}

/** Where the price lists cannot be read, their prices fail and the shop's own go on. */
async function listGroups(shop: Shop, wanted: readonly Wanted[], results: Result[], cx: Context): Promise<Group[]> {
  const byList = Map.groupBy(wanted, ({ list }) => list);
  byList.delete(null);
  if (byList.size === 0) return [];
  try {
    const found = await readPriceLists(shop, [...byList.keys()] as string[], cx);
    return [...byList].map(([list, open]) => ({
      document: priceListCalls.setListPrices,
      prices: keep(open, results, ({ item: { document } }) => wrongWithList(document, found.get(list!))),
      send: (left) => sendListPrices(shop, list!, left, cx),
    }));
  } catch (error) {
    for (const { index } of [...byList.values()].flat()) results[index] = failed(error);
    return [];
  }
}

/** Those with which nothing is wrong; the others have failed. */
function keep(all: readonly Wanted[], results: Result[], wrongWith: (one: Wanted) => FaultError | null): Wanted[] {
  return all.filter((one) => {
    const wrong = wrongWith(one);
    if (wrong) results[one.index] = failed(wrong);
    return !wrong;
  });
}

function wrongWithOwn({ id, currency, includesTax }: Price, shop: Products['shop']): FaultError | null {
  if (currency !== shop.currencyCode)
    return rejected(
      `Price ${id} is in ${currency}, the shop sells in ${shop.currencyCode}.`,
      'other-currency',
      'currency',
    );
  if (includesTax === shop.taxesIncluded) return null;
  const [has, wants] = includesTax ? ['includes', 'without'] : ['does not include', 'with'];
  return rejected(`Price ${id} ${has} tax, the shop keeps prices ${wants} it.`, 'other-tax', 'includesTax');
}

/** Two lists for one price: whichever came last would win, and nobody would see it. */
function clash(all: readonly Wanted[], variant: string, { id, list }: Price): FaultError | null {
  const other = all.find((one) => one.list === null && one.variant === variant && one.item.document.list !== list);
  if (!other) return null;
  return rejected(
    `Prices ${id} and ${other.item.document.id} would both be the shop's own: name the list of a market in the connection's priceLists.`,
    'two-lists',
    'list',
  );
}

/** Sends the shop's own prices of one product. */
async function sendOwn(shop: Shop, product: string, open: readonly Wanted[], cx: Context): Promise<Sent> {
  const variants = open.map(({ variant, item: { document } }) => ({
    id: variant,
    price: textOf(document, document.amount),
    compareAtPrice: document.compareAt === null ? null : textOf(document, document.compareAt),
  }));
  const told = (await shop.call<Told>(priceCalls.setPrices, { product, variants }, cx)).productVariantsBulkUpdate;
  return {
    errors: told?.userErrors ?? [],
    resultOf: ({ variant, item: { document } }) => {
      const set = told?.productVariants?.find(({ id }) => id === variant);
      const right = set !== undefined && compare(decimal(set.price), decimal(textOf(document, document.amount))) === 0;
      return held(right, variant, 'set');
    },
  };
}
