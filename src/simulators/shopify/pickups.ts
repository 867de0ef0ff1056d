import type { Shop } from './shop.ts';

interface Prepared {
  readonly lineItemsByFulfillmentOrder: readonly { readonly fulfillmentOrderId: string }[];
}

/**
 * All units of the fulfilment orders are prepared, and the customer is told of each, unless one of them cannot be: then nothing is done. What is
 * prepared already has nothing left that can be.
 *
 * @see https://shopify.dev/docs/api/admin-graphql/2026-07/enums/FulfillmentOrderLineItemsPreparedForPickupUserErrorCode
 */
export function prepareForPickup(shop: Shop, { lineItemsByFulfillmentOrder: wanted }: Prepared) {
  const refused = (index: number, code: string, message: string) => ({
    userErrors: [
      { code, field: ['input', 'lineItemsByFulfillmentOrder', String(index), 'fulfillmentOrderId'], message },
    ],
  });
  const found = wanted.map(({ fulfillmentOrderId }) => {
    const order = [...shop.orders.values()].find((one) =>
      one.fulfillmentOrders.some(({ id }) => id === fulfillmentOrderId),
    );
    return { order, part: order?.fulfillmentOrders.find(({ id }) => id === fulfillmentOrderId) };
  });
  for (const [index, { part }] of found.entries()) {
    if (part?.method !== 'PICK_UP' || part.status === 'CANCELLED')
      return refused(index, 'FULFILLMENT_ORDER_INVALID', 'Fulfillment order is invalid.');
    if (part.noticed?.length || part.lines.every(({ remaining }) => remaining === 0))
      return refused(
        index,
        'NO_LINE_ITEMS_TO_PREPARE_FOR_FULFILLMENT_ORDER',
        'The fulfillment order does not have any line items that can be prepared.',
      );
  }
  for (const { order, part } of found) {
    part!.noticed = [...(part!.noticed ?? []), shop.now()];
    shop.touchOrder(order!);
  }
  return { userErrors: [] };
}
