import type { Context, Item, Result, Sink } from '../../core/connector.ts';
import { FaultError, rejected } from '../../core/fault.ts';
import { moneyText } from '../../core/money.ts';
import { type Price, PriceDocument } from '../../model/price.ts';
import { listed, type Shop } from './shop.ts';
import { failed, sinkOf, variantOf } from './sink.ts';

interface Held {
  readonly id: string;
  readonly currency_code: string;
  readonly amount: number;
  readonly min_quantity: number | null;
  readonly max_quantity: number | null;
  readonly rules?: Readonly<Record<string, string>>;
}

interface Variant {
  readonly id: string;
  readonly product_id: string;
  readonly prices: readonly Held[];
}

/** As Medusa answers it. */
type Told = Omit<Variant, 'prices'> & Partial<Variant>;

/** Whether the shop keeps prices with tax, by currency it sells in. */
type Currencies = ReadonlyMap<string, boolean>;

/** Without its `price_rules` each price reads as if it had no rules, and a region's would be taken for everybody's. */
const FIELDS = 'id,product_id,prices.*,prices.price_rules.*';

/**
 * The price of each currency. Medusa replaces all prices of a variant at once and says so of nothing, not even a currency or variant that it has not: so the
 * others are read and given again, and what it holds afterwards is read. Absolute: the last one wins.
 */
export const prices = (shop: Shop): Sink<typeof PriceDocument> =>
  sinkOf(shop, {
    name: 'prices',
    accepts: PriceDocument,
    idempotency: 'overwrite',
    batch: { max: 20, onFailure: 'independent' },
    deliver: async (items, cx) => {
      const currencies = await currenciesOf(shop, cx);
      const results: Result[] = [];
      for (const item of items) results.push(await set(shop, item, currencies, cx).catch(failed));
      return results;
    },
  });

async function currenciesOf(shop: Shop, cx: Context): Promise<Currencies> {
  const { stores } = await shop.read<{ stores: { supported_currencies: { currency_code: string }[] }[] }>(
    '/admin/stores',
    { fields: 'id,supported_currencies.currency_code' },
    cx,
  );
  const { price_preferences } = await shop.read<{ price_preferences: { value: string; is_tax_inclusive: boolean }[] }>(
    '/admin/price-preferences',
    { attribute: 'currency_code' },
    cx,
  );
  const codes = stores.flatMap((store) => store.supported_currencies.map(({ currency_code }) => currency_code));
  const withTax = new Set(price_preferences.flatMap(({ value, is_tax_inclusive }) => (is_tax_inclusive ? value : [])));
  return new Map(codes.map((code) => [code, withTax.has(code)]));
}

async function variantNow(shop: Shop, id: string, sku: string, cx: Context): Promise<Variant> {
  const query = { fields: FIELDS, 'id[]': id };
  const { variants } = await shop.read<{ variants: Told[] }>('/admin/product-variants', query, cx);
  const [variant] = variants;
  if (!variant) throw rejected(`Product ${sku} is no longer in the shop.`, 'gone', 'sku');
  return { ...variant, prices: listed(variant.prices, `the prices of ${sku}`) };
}

/** The price that everybody pays who buys any quantity. */
const isBase = ({ min_quantity, max_quantity, rules }: Held): boolean =>
  min_quantity === null && max_quantity === null && Object.keys(rules ?? {}).length === 0;

async function set(shop: Shop, item: Item<Price>, currencies: Currencies, cx: Context): Promise<Result> {
  const { document } = item;
  const id = variantOf(item, document.sku);
  const code = document.currency.toLowerCase();
  fits(document, currencies.get(code));
  const variant = await variantNow(shop, id, document.sku, cx);
  const amount = Number(moneyText({ minor: BigInt(document.amount), currency: document.currency }));
  const base = (one: Held): boolean => one.currency_code === code && isBase(one);
  const holds = ({ prices: all }: Variant): boolean => all.filter(base).every((one) => one.amount === amount);
  if (variant.prices.some(base) && holds(variant)) return { outcome: 'done', id };
  const others = variant.prices
    .filter((one) => !base(one))
    .map(({ id: known, currency_code, amount: same, min_quantity, max_quantity, rules }) => ({
      id: known,
      currency_code,
      amount: same,
      ...(min_quantity === null ? {} : { min_quantity }),
      ...(max_quantity === null ? {} : { max_quantity }),
      ...(rules && Object.keys(rules).length > 0 ? { rules } : {}),
    }));
  const body = { prices: [...others, { currency_code: code, amount }] };
  await shop.write('a price', `/admin/products/${variant.product_id}/variants/${id}`, body, cx);
  const after = await variantNow(shop, id, document.sku, cx).catch((error: unknown) => {
    throw new FaultError(
      { kind: 'unknown', message: 'the price was set, and could not be read back' },
      { cause: error },
    );
  });
  if (after.prices.some(base) && holds(after)) return { outcome: 'done', id };
  throw new FaultError({ kind: 'unknown', message: 'Medusa does not show that the price was set' });
}

function fits({ id, currency, includesTax }: Price, withTax: boolean | undefined): void {
  if (withTax === undefined)
    throw rejected(`Price ${id} is in ${currency}, in which the shop does not sell.`, 'other-currency', 'currency');
  if (includesTax === withTax) return;
  const [has, wants] = includesTax ? ['includes', 'without'] : ['does not include', 'with'];
  throw rejected(
    `Price ${id} ${has} tax, the shop keeps prices in ${currency} ${wants} it.`,
    'other-tax',
    'includesTax',
  );
}
