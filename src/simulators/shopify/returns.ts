import { refundOrder } from './orders.ts';
import { type PageArgs, page } from './pages.ts';
import type { Order, Return, ReturnLine } from './records.ts';
import type { Shop } from './shop.ts';
import { orderView, reasonView, reverseIdOf, unprocessed } from './views.ts';

interface Complaint {
  readonly code: string;
  readonly field: readonly string[];
  readonly message: string;
}

const refused = (code: string, message: string, ...field: string[]) => ({
  return: null,
  userErrors: [{ code, field, message }] satisfies Complaint[],
});

const answer = (shop: Shop, order: Order, { id }: Return) => ({
  return: orderView(shop, order)
    .returns({ first: 250 })
    .nodes.find((one) => one.id === id)!,
  userErrors: [],
});

/** Handles of Shopify's reasons, some of them. */
const handles = ['other', 'unknown', 'unwanted', 'defective', 'wrong-item', 'size-too-small', 'size-too-large'];

export const reasons = (wanted: readonly string[] | null, args: PageArgs) =>
  page(
    handles.filter((handle) => wanted === null || wanted.includes(handle)).map((id) => ({ id })),
    args,
    ({ id }) => id,
    ({ id }) => reasonView(id),
  );

/** Units of a fulfilment's line that may come back: shipped, in no return that stands, and not refunded without one. */
function leftOf(order: Order, { id, lineId, quantity }: Order['fulfillments'][number]['lines'][number]): number {
  const coming = order.returns
    .filter(({ status }) => status !== 'CANCELED' && status !== 'DECLINED')
    .flatMap(({ lines }) => lines)
    .filter(({ fulfillmentLineId }) => fulfillmentLineId === id)
    .reduce((sum, line) => sum + line.quantity, 0);
  const refunded = order.refunds
    .filter(({ returnId }) => returnId === null)
    .flatMap(({ lines }) => lines)
    .filter((line) => line.lineId === lineId && line.restockType !== 'CANCEL')
    .reduce((sum, line) => sum + line.quantity, 0);
  return Math.max(0, quantity - coming - refunded);
}

export function returnable(shop: Shop, orderId: string, args: PageArgs) {
  const order = shop.orders.get(orderId);
  const made = (order?.fulfillments ?? []).filter(({ status }) => status === 'SUCCESS');
  return page(
    made,
    args,
    ({ id }) => id,
    (one) => {
      const view = orderView(shop, order!)
        .fulfillments({})
        .find(({ id }) => id === one.id)!;
      const lines = one.lines.filter((line) => leftOf(order!, line) > 0);
      return {
        __typename: 'ReturnableFulfillment',
        id: one.id.replace('Fulfillment', 'ReturnableFulfillment'),
        fulfillment: view,
        returnableFulfillmentLineItems: (inner: PageArgs) =>
          page(
            lines,
            inner,
            ({ id }) => id,
            (line) => ({
              quantity: leftOf(order!, line),
              fulfillmentLineItem: view.fulfillmentLineItems({ first: 250 }).nodes.find(({ id }) => id === line.id)!,
            }),
          ),
      };
    },
  );
}

interface NewReturn {
  readonly returnInput: {
    readonly orderId: string;
    readonly returnLineItems: readonly {
      readonly fulfillmentLineItemId: string;
      readonly quantity: number;
      readonly returnReasonDefinitionId?: string | null;
      readonly returnReasonNote?: string | null;
    }[];
  };
}

/** Goods that one place awaits of whatever return has them. */
export const reverseOrder = (shop: Shop, id: string) =>
  [...shop.orders.values()]
    .filter(({ returns }) => returns.length > 0)
    .flatMap((order) => orderView(shop, order).returns({ first: 250 }).nodes)
    .flatMap((one) => one.reverseFulfillmentOrders({ first: 250 }).nodes)
    .find((one) => one.id === id) ?? null;

/** Opens a return, each time it is asked to: Shopify takes no key for it. */
export function createReturn(shop: Shop, { returnInput: input }: NewReturn) {
  const order = shop.orders.get(input.orderId);
  if (!order) return refused('NOT_FOUND', 'Order not found.', 'returnInput', 'orderId');
  if (input.returnLineItems.length === 0) return refused('BLANK', "Return line items can't be blank.", 'returnInput');
  const shipped = order.fulfillments.filter(({ status }) => status === 'SUCCESS').flatMap(({ lines }) => lines);
  const lines: ReturnLine[] = [];
  for (const [index, wanted] of input.returnLineItems.entries()) {
    const at = ['returnInput', 'returnLineItems', String(index)];
    const unit = shipped.find(({ id }) => id === wanted.fulfillmentLineItemId);
    if (!unit) return refused('NOT_FOUND', 'Fulfillment line item not found.', ...at, 'fulfillmentLineItemId');
    const note = wanted.returnReasonNote ?? '';
    if (note.length > 255) return refused('TOO_LONG', 'Note is too long (maximum is 255 characters).', ...at);
    if (wanted.quantity < 1 || wanted.quantity > leftOf(order, unit))
      return refused('INVALID', 'Quantity is not available to be returned.', ...at, 'quantity');
    lines.push({
      id: shop.id('ReturnLineItem'),
      fulfillmentLineId: unit.id,
      lineId: unit.lineId,
      quantity: wanted.quantity,
      reason: (wanted.returnReasonDefinitionId ?? 'unknown').replace(/^.*\//, ''),
      note,
    });
  }
  const made: Return = {
    id: shop.id('Return'),
    name: `${order.name}-R${order.returns.length + 1}`,
    status: 'OPEN',
    createdAt: shop.now(),
    closedAt: null,
    lines,
  };
  order.returns.push(made);
  shop.touchOrder(order, 'RETURNS_APPROVE');
  return answer(shop, order, made);
}

interface Processing {
  readonly input: {
    readonly returnId: string;
    readonly returnLineItems?:
      | readonly {
          readonly id: string;
          readonly quantity: number;
          readonly dispositions?:
            | readonly {
                readonly reverseFulfillmentOrderLineItemId: string;
                readonly quantity: number;
                readonly dispositionType: string;
                readonly locationId?: string | null;
              }[]
            | null;
        }[]
      | null;
  };
}

function find(shop: Shop, id: string): { order: Order; one: Return } | null {
  for (const order of shop.orders.values()) {
    const one = order.returns.find((candidate) => candidate.id === id);
    if (one) return { order, one };
  }
  return null;
}

/**
 * What came back is taken off the order, restocked or not. Here that stands among the order's refunds, without money and tied to the return: Shopify does not say whether it does, and a
 * refund without money is what an edit looks like.
 */
export function processReturn(shop: Shop, { input }: Processing) {
  const found = find(shop, input.returnId);
  if (!found) return refused('NOT_FOUND', 'Return not found.', 'input', 'returnId');
  const { order, one } = found;
  if (one.status !== 'OPEN') return refused('INVALID_STATE', 'Return is not open.', 'input', 'returnId');
  const wanted: Parameters<typeof refundOrder>[2][number][] = [];
  for (const { id, quantity, dispositions } of input.returnLineItems ?? []) {
    const line = one.lines.find((candidate) => candidate.id === id);
    if (!line) return refused('NOT_FOUND', 'Return line item not found.', 'input', 'returnLineItems');
    if (quantity < 1 || quantity > unprocessed(one, line))
      return refused('INVALID', 'Quantity exceeds what can be processed.', 'input', 'returnLineItems');
    for (const { reverseFulfillmentOrderLineItemId: reverse, dispositionType, locationId } of dispositions ?? []) {
      if (reverse !== reverseIdOf(line))
        return refused('NOT_FOUND', 'Reverse fulfillment order line item not found.', 'input', 'returnLineItems');
      if (dispositionType === 'RESTOCKED' && !locationId)
        return refused('BLANK', 'Location is required to restock.', 'input', 'returnLineItems');
    }
    if ((dispositions ?? []).reduce((sum, made) => sum + made.quantity, 0) > quantity)
      return refused('TOO_BIG', 'Dispositions exceed the quantity.', 'input', 'returnLineItems');
    for (const { quantity: units, dispositionType, locationId } of dispositions ?? [])
      wanted.push({
        lineId: line.lineId,
        quantity: units,
        restockType: dispositionType === 'RESTOCKED' ? 'RETURN' : 'NO_RESTOCK',
        locationId: locationId ?? null,
      });
  }
  for (const { id, quantity, dispositions } of input.returnLineItems ?? []) {
    const line = one.lines.find((candidate) => candidate.id === id)!;
    line.processed = (line.processed ?? 0) + quantity;
    line.dispositions = [
      ...(line.dispositions ?? []),
      ...(dispositions ?? []).map(({ dispositionType: type, quantity: units, locationId }) => ({
        id: shop.id('ReverseFulfillmentOrderDisposition'),
        type,
        quantity: units,
        locationId: locationId ?? null,
      })),
    ];
  }
  refundOrder(shop, order, wanted, { money: 0n, returnId: one.id });
  shop.touchOrder(order, 'RETURNS_PROCESS');
  return answer(shop, order, one);
}

/** The return is done with. */
export function closeOpen(shop: Shop, { id }: { id: string }) {
  const found = find(shop, id);
  if (!found) return refused('NOT_FOUND', 'Return not found.', 'id');
  const { order, one } = found;
  if (one.status !== 'OPEN') return refused('INVALID_STATE', 'Return is not open.', 'id');
  one.status = 'CLOSED';
  one.closedAt = shop.now();
  shop.touchOrder(order, 'RETURNS_CLOSE');
  return answer(shop, order, one);
}
