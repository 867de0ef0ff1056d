import { decimal } from '../../core/decimal.ts';
import { exactMoney } from '../../core/money.ts';
import { type Bag, bag, share } from './amounts.ts';
import { cancelOrder, refundOrder, type WantedRefund } from './orders.ts';
import type { Order, Transaction } from './records.ts';
import type { Shop } from './shop.ts';
import { keptOf, leftOf } from './sums.ts';
import { orderView } from './views.ts';

interface RefundInput {
  orderId: string;
  note?: string | null;
  currency?: string | null;
  allowOverRefunding?: boolean | null;
  refundLineItems?:
    | { lineItemId: string; quantity: number; restockType?: string | null; locationId?: string | null }[]
    | null;
  shipping?: { amount?: string | null; fullRefund?: boolean | null } | null;
  transactions?: { amount: string; gateway: string; kind: string; orderId: string; parentId?: string | null }[] | null;
}

const complaint = (field: string[], message: string) => ({ field, message });

/** An amount as the customer saw it, and what that is in the shop's currency. */
function bagOf(text: string, { shop, presentment, rate }: Order['currencies']): Bag {
  const { minor } = exactMoney(decimal(text), presentment);
  if (shop === presentment) return bag(minor, { shop, presentment, rate });
  return { shop: share({ shop: minor, presentment: 0n }, 1_000_000n, rate).shop, presentment: minor };
}

/** Money goes back of the payments that are named, goods and shipping are refunded with it; more than was paid or bought is refused. */
export function createRefund(shop: Shop, input: RefundInput) {
  const order = shop.orders.get(input.orderId);
  const refused = (field: string[], message: string) => ({
    order: null,
    refund: null,
    userErrors: [complaint(field, message)],
  });
  if (!order) return refused(['orderId'], 'Order does not exist');
  const { currencies } = order;
  if (currencies.shop !== currencies.presentment && input.currency !== currencies.presentment)
    return refused(['currency'], 'Currency must be the presentment currency of the order');
  const wanted: WantedRefund[] = [];
  for (const { lineItemId, quantity, restockType, locationId } of input.refundLineItems ?? []) {
    const line = order.lines.find(({ id }) => id === lineItemId);
    if (!line || quantity < 1 || line.gone + quantity > line.quantity)
      return refused(['refundLineItems'], 'Quantity cannot refund more items than were purchased');
    if (restockType && restockType !== 'NO_RESTOCK' && !locationId)
      return refused(['refundLineItems'], 'Location must be specified to restock line items');
    wanted.push({
      lineId: lineItemId,
      quantity,
      locationId: locationId ?? null,
      restockType: (restockType ?? 'NO_RESTOCK') as WantedRefund['restockType'],
    });
  }
  const paid: { parent: Transaction; amount: Bag }[] = [];
  for (const [index, { amount, kind, parentId }] of (input.transactions ?? []).entries()) {
    const parent = order.transactions.find(
      (one) => one.id === parentId && (one.kind === 'SALE' || one.kind === 'CAPTURE'),
    );
    if (!parent || kind !== 'REFUND') return refused(['transactions', String(index)], 'Transaction parent is invalid');
    const part = bagOf(amount, currencies);
    const named = paid.reduce((sum, one) => sum + one.amount.presentment, part.presentment);
    if (part.presentment > leftOf(order, parent).presentment || named > keptOf(order).presentment)
      return refused(['transactions', String(index)], 'Refund amount exceeds the amount that is available to refund');
    paid.push({ parent, amount: part });
  }
  if (wanted.length === 0 && paid.length === 0) return refused([], 'Refund must have line items or transactions');
  const { amount, fullRefund } = input.shipping ?? {};
  const shipping = fullRefund === true || (amount ? bagOf(amount, currencies).shop : false);
  const made = refundOrder(shop, order, wanted, { paid, shipping, note: input.note ?? null });
  const view = orderView(shop, order);
  return { order: view, refund: view.refunds({}).find(({ id }) => id === made.id)!, userErrors: [] };
}

/** Milliseconds until a cancellation, which is a job of its own, is done. */
const JOB_MS = 30;

/** Takes the order for cancelling; refuses one that is cancelled or was shipped. */
export function orderCancel(
  shop: Shop,
  {
    orderId,
    reason,
    restock,
    refundMethod,
  }: {
    orderId: string;
    reason: string;
    restock: boolean;
    refundMethod?: { readonly originalPaymentMethodsRefund?: boolean | null } | null;
  },
) {
  const refused = (code: string, message: string) => ({
    job: null,
    orderCancelUserErrors: [{ code, field: ['orderId'], message }],
  });
  const order = shop.orders.get(orderId);
  if (!order) return refused('NOT_FOUND', 'Order not found');
  if (order.cancelledAt !== null) return refused('INVALID', 'Order has already been cancelled');
  if (
    order.fulfillments.some(({ status }) => status === 'SUCCESS') ||
    order.returns.some(({ status }) => status === 'OPEN')
  )
    return refused('INVALID', 'Cannot cancel an order that has been fulfilled');
  setTimeout(() => {
    // A second job finds nothing to do.
    const paysBack = refundMethod?.originalPaymentMethodsRefund === true;
    if (order.cancelledAt === null) cancelOrder(shop, order, { restock, paysBack, reason });
  }, JOB_MS).unref();
  return { job: { id: shop.id('Job'), done: false }, orderCancelUserErrors: [] };
}
