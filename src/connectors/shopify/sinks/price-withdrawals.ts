import type { Context, Result } from '../../../core/connector.ts';
import { priceListCalls } from '../documents/price-lists.ts';
import type { Shop } from '../shop.ts';
import { faultOfPrice, held, type Refused, type Sent, sendTogether, type Wanted } from './price-sending.ts';

interface Told {
  readonly priceListFixedPricesDelete: {
    readonly deletedFixedPriceVariantIds: readonly string[] | null;
    readonly userErrors: Sent['errors'];
  } | null;
}

/** What Shopify says of a fixed price that is not there: it was taken away before, or went with its variant or its list. */
const absent = new Set(['variant-not-found', 'price-not-fixed', 'price-list-not-found']);

/**
 * Takes fixed prices off the markets' price lists, list by list: there a product costs again what the list makes of the shop's own price. The shop's own price cannot be taken away, and stays.
 *
 * @see https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/priceListFixedPricesDelete
 */
export async function withdraw(
  shop: Shop,
  gone: readonly Wanted[],
  mayBegin: () => boolean,
  results: Result[],
  cx: Context,
): Promise<void> {
  for (const [list, prices] of Map.groupBy(gone, (one) => one.list)) {
    if (list === null) for (const { index, variant } of prices) results[index] = { outcome: 'done', id: variant };
    else {
      const send = (open: readonly Wanted[]) => takeOff(shop, list, open, cx);
      await sendTogether(refused, prices, send, mayBegin, results);
    }
  }
}

/** Decided complaint by complaint: of several that are taken away together, the next call may be lost. */
const refused: Refused = (one, error) => {
  const fault = faultOfPrice(priceListCalls.deleteListPrices, error);
  const gone = fault.kind === 'rejected' && absent.has(fault.cause ?? '');
  return gone ? { outcome: 'done', id: `${one.list} ${one.variant}` } : { outcome: 'failed', fault };
};

async function takeOff(shop: Shop, list: string, open: readonly Wanted[], cx: Context): Promise<Sent> {
  const variants = open.map(({ variant }) => variant);
  const { priceListFixedPricesDelete: told } = await shop.call<Told>(
    priceListCalls.deleteListPrices,
    { list, variants },
    cx,
  );
  return {
    errors: told?.userErrors ?? [],
    resultOf: ({ variant }) =>
      held(told?.deletedFixedPriceVariantIds?.includes(variant) === true, `${list} ${variant}`, 'taken away'),
  };
}
