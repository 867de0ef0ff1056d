import type { FulfillmentOrder } from './records.ts';
import type { Shop } from './shop.ts';

/** Characters of a report's notes. */
const MOST_NOTES = 256;

const isOpen = ({ status }: FulfillmentOrder): boolean => status === 'OPEN' || status === 'IN_PROGRESS';

/** What may be done with a fulfilment order of a location that the merchant manages, as it is now. */
export function actionsOf(one: FulfillmentOrder): string[] {
  if (!isOpen(one)) return [];
  const reports = one.method === 'SHIPPING' ? ['REPORT_PROGRESS'] : [];
  return ['CREATE_FULFILLMENT', ...reports, ...(one.reports ? ['MARK_AS_OPEN'] : ['HOLD', 'MOVE', 'SPLIT'])];
}

/**
 * Notes that somebody is at work on a fulfilment order, which is in progress from then on; each time it is asked to, for Shopify takes no key. Whether a pickup may be
 * reported is not said where Shopify describes it; here it may not, as one of the codes says of some delivery methods.
 *
 * @see https://shopify.dev/changelog/posts/report-fulfillment-order-progress-with-new-fulfillmentorderreportprogress-graphql-mutation
 * @see https://shopify.dev/docs/api/admin-graphql/2026-07/enums/FulfillmentOrderReportProgressUserErrorCode
 */
export function reportProgress(
  shop: Shop,
  {
    id,
    progressReport,
  }: { readonly id: string; readonly progressReport?: { readonly reasonNotes?: string | null } | null },
): { fulfillmentOrder: string | null; userErrors: object[] } {
  const refused = (code: string | null, message: string, field = ['id']) => ({
    fulfillmentOrder: null,
    userErrors: [{ code, field, message }],
  });
  const order = [...shop.orders.values()].find(({ fulfillmentOrders }) =>
    fulfillmentOrders.some((one) => one.id === id),
  );
  const one = order?.fulfillmentOrders.find((part) => part.id === id);
  if (!order || !one) return refused('FULFILLMENT_ORDER_NOT_FOUND', 'Fulfillment order does not exist.');
  if (!isOpen(one)) return refused('FULFILLMENT_ORDER_STATUS_INVALID', 'The fulfillment order status is invalid.');
  if (one.method !== 'SHIPPING')
    return refused(
      'FULFILLMENT_ORDER_INVALID_DELIVERY_METHOD',
      'Progress cannot be reported for a fulfillment order with this delivery method.',
    );
  const notes = progressReport?.reasonNotes ?? null;
  if (notes !== null && notes.length > MOST_NOTES)
    return refused(null, `Reason notes is too long (maximum is ${MOST_NOTES} characters)`, [
      'progressReport',
      'reasonNotes',
    ]);
  one.reports = [...(one.reports ?? []), { at: shop.now(), notes }];
  one.status = 'IN_PROGRESS';
  shop.touchOrder(order);
  return { fulfillmentOrder: id, userErrors: [] };
}
