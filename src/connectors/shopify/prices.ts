import type { Duration } from '../../core/clock.ts';
import type { Context, Item, Result, Sink } from '../../core/connector.ts';
import { compare, decimal } from '../../core/decimal.ts';
import { FaultError, rejected } from '../../core/fault.ts';
import { moneyText } from '../../core/money.ts';
import { type Price, PriceDocument } from '../../model/price.ts';
import { documents } from './documents.ts';
import { faultOfUserError, type UserError } from './errors.ts';
import type { Shop } from './shop.ts';
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

interface Wanted {
  readonly index: number;
  readonly item: Item<Price>;
  readonly variant: string;
}

/** A product after the other, each in a moment. What a lost call may still commit is not compared with anything, so that `settle` stays the shop's. */
const DEADLINE: Duration = '60s';

/** The shop's own prices, in its own currency, product by product. Absolute: the last one wins. */
export const prices = (shop: Shop): Sink<typeof PriceDocument> =>
  sinkOf(shop, {
    name: 'prices',
    accepts: PriceDocument,
    idempotency: 'overwrite',
    deadline: DEADLINE,
    batch: { max: 100, onFailure: 'independent' },
    deliver: (items, cx) => deliver(shop, items, cx),
  });

async function deliver(shop: Shop, items: Item<Price>[], cx: Context): Promise<Result[]> {
  const mayBegin = hasTime(DEADLINE, cx.clock);
  const results: Result[] = [];
  const wanted = items.flatMap((item, index): Wanted[] => {
    try {
      return [{ index, item, variant: variantOf(item, item.document.sku) }];
    } catch (error) {
      results[index] = failed(error);
      return [];
    }
  });
  if (wanted.length === 0) return results;
  const ids = [...new Set(wanted.map(({ variant }) => variant))];
  const told = await shop.call<Products>(documents.productsOf, { ids }, cx);
  const product = new Map(
    told.nodes.flatMap((node) => (node?.__typename === 'ProductVariant' ? [[node.id, node.product.id]] : [])),
  );
  const fits = wanted.filter((one) => {
    const wrong = wrongWith(one, product.has(one.variant), told.shop);
    if (wrong) results[one.index] = failed(wrong);
    return !wrong;
  });
  for (const [id, group] of Map.groupBy(fits, ({ variant }) => product.get(variant)!)) {
    if (!mayBegin()) {
      for (const { index } of group) results[index] = { outcome: 'untouched' };
      continue;
    }
    try {
      await setPrices(shop, id, group, results, cx);
    } catch (error) {
      for (const { index } of group) results[index] ??= failed(error);
    }
  }
  return results;
}

function wrongWith({ item: { document } }: Wanted, exists: boolean, shop: Products['shop']): FaultError | null {
  const { id, sku, currency, includesTax } = document;
  if (!exists) return rejected(`Product ${sku} is no longer in the shop.`, 'gone', 'sku');
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

const textOf = ({ currency }: Price, minor: number): string => moneyText({ minor: BigInt(minor), currency });

/** All or none: what Shopify complains of is taken out, and the rest is sent again. */
async function setPrices(
  shop: Shop,
  product: string,
  group: readonly Wanted[],
  results: Result[],
  cx: Context,
): Promise<void> {
  for (let open = group; open.length > 0; ) {
    const variants = open.map(({ variant, item: { document } }) => ({
      id: variant,
      price: textOf(document, document.amount),
      compareAtPrice: document.compareAt === null ? null : textOf(document, document.compareAt),
    }));
    const told = (await shop.call<Told>(documents.setPrices, { product, variants }, cx)).productVariantsBulkUpdate;
    const errors = told?.userErrors ?? [];
    if (errors.length === 0) {
      for (const { index, variant, item } of open)
        results[index] = heldBy(told?.productVariants ?? [], variant, item.document);
      return;
    }
    const named = new Map(
      errors.flatMap(
        (error) => error.field?.filter((part) => /^\d+$/.test(part)).map((at) => [Number(at), error]) ?? [],
      ),
    );
    open = open.filter(({ index }, at) => {
      const error = named.size === 0 ? errors[0] : named.get(at);
      if (error) results[index] = { outcome: 'failed', fault: faultOfUserError(documents.setPrices, error, fieldOf) };
      return !error;
    });
  }
}

const fieldOf = (path: readonly string[]): string => {
  const name = path.at(-1);
  return name === 'price' ? 'amount' : name === 'compareAtPrice' ? 'compareAt' : 'sku';
};

function heldBy(all: readonly { id: string; price: string }[], variant: string, document: Price): Result {
  const held = all.find(({ id }) => id === variant);
  if (held && compare(decimal(held.price), decimal(textOf(document, document.amount))) === 0)
    return { outcome: 'done', id: variant };
  return failed(new FaultError({ kind: 'unknown', message: 'Shopify did not say that the price was set' }));
}
