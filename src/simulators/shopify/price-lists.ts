import { decimal, roundTo } from '../../core/decimal.ts';
import { currencyDigits, moneyText } from '../../core/money.ts';
import { type PageArgs, page, refusal } from './pages.ts';
import type { PriceList } from './records.ts';
import type { Shop } from './shop.ts';
import { variantView } from './views.ts';

const MOST = 250;

interface Money {
  readonly amount: string;
  readonly currencyCode: string;
}

interface FixedPrice {
  readonly variantId: string;
  readonly price: Money;
  readonly compareAtPrice?: Money | null;
}

/** `markets`: asked whether the app may see markets; it throws where it may not. */
export function priceListView(shop: Shop, list: PriceList, markets: () => void) {
  const { id, name, currency, catalog } = list;
  return {
    __typename: 'PriceList',
    id,
    name,
    currency,
    fixedPricesCount: Object.keys(list.prices).filter((variant) => shop.variants.has(variant)).length,
    catalog: {
      __typename: 'MarketCatalog',
      ...catalog,
      markets: (args: PageArgs) => {
        markets();
        return page(list.markets, args, (one) => one.id, marketView);
      },
    },
  };
}

const marketView = ({ id, name, taxes }: PriceList['markets'][number]) => ({
  __typename: 'Market',
  id,
  name,
  priceInclusions: { inclusiveTaxPricingStrategy: taxes },
});

/** `priceListFixedPricesAdd`: all or nothing; a fixed price takes the place of the one before, also of its compare-at price. */
export function addFixedPrices(shop: Shop, { priceListId, prices }: { priceListId: string; prices: FixedPrice[] }) {
  if (prices.length > MOST)
    throw refusal(
      `The input array size of ${prices.length} is greater than the maximum allowed of ${MOST}.`,
      'MAX_INPUT_SIZE_EXCEEDED',
    );
  const list = shop.priceLists.get(priceListId);
  const complaint = (field: string[], message: string, code: string) => ({ field, message, code });
  const refused = (...userErrors: ReturnType<typeof complaint>[]) => ({ prices: null, userErrors });
  if (!list) return refused(complaint(['priceListId'], 'Price list does not exist.', 'PRICE_LIST_NOT_FOUND'));
  const wrong = prices.flatMap(({ variantId, price, compareAtPrice }, index) => {
    const at = (...names: string[]): string[] => ['prices', String(index), ...names];
    if (!shop.variants.has(variantId))
      return [complaint(at('variantId'), 'Product variant does not exist.', 'VARIANT_NOT_FOUND')];
    return Object.entries({ price, compareAtPrice }).flatMap(([name, money]) =>
      money && money.currencyCode !== list.currency
        ? [
            complaint(
              at(name, 'currencyCode'),
              "The specified currency does not match the price list's currency.",
              'PRICE_LIST_CURRENCY_MISMATCH',
            ),
          ]
        : [],
    );
  });
  if (wrong.length > 0) return refused(...wrong);
  const minor = (money: Money): bigint => roundTo(decimal(money.amount), currencyDigits(list.currency));
  for (const { variantId, price, compareAtPrice } of prices)
    list.prices[variantId] = {
      price: minor(price),
      compareAtPrice: compareAtPrice ? minor(compareAtPrice) : null,
    };
  shop.touchPriceList(list);
  return { prices: prices.map(({ variantId }) => fixedPriceView(shop, list, variantId)), userErrors: [] };
}

/** `priceListFixedPricesDelete`: all or nothing; of a variant without a fixed price there is nothing to delete. */
export function deleteFixedPrices(
  shop: Shop,
  { priceListId, variantIds }: { priceListId: string; variantIds: readonly string[] },
) {
  const list = shop.priceLists.get(priceListId);
  const complaint = (field: string[], message: string, code: string) => ({ field, message, code });
  const refused = (...userErrors: ReturnType<typeof complaint>[]) => ({
    deletedFixedPriceVariantIds: null,
    userErrors,
  });
  if (!list) return refused(complaint(['priceListId'], 'Price list does not exist.', 'PRICE_LIST_NOT_FOUND'));
  const wrong = variantIds.flatMap((id, index) => {
    const at = ['variantIds', String(index)];
    if (!shop.variants.has(id))
      return [complaint(at, 'A fixed price for the specified product variant does not exist.', 'VARIANT_NOT_FOUND')];
    return list.prices[id] ? [] : [complaint(at, 'Only fixed prices can be deleted.', 'PRICE_NOT_FIXED')];
  });
  if (wrong.length > 0) return refused(...wrong);
  for (const id of variantIds) delete list.prices[id];
  shop.touchPriceList(list);
  return { deletedFixedPriceVariantIds: variantIds, userErrors: [] };
}

function fixedPriceView(shop: Shop, list: PriceList, variantId: string) {
  const { price, compareAtPrice } = list.prices[variantId]!;
  const view = (minor: bigint) => ({
    amount: moneyText({ minor, currency: list.currency }),
    currencyCode: list.currency,
  });
  return {
    price: view(price),
    compareAtPrice: compareAtPrice === null ? null : view(compareAtPrice),
    originType: 'FIXED',
    variant: variantView(shop, shop.variants.get(variantId)!),
  };
}
