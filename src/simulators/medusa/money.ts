import type { Order, Payment } from './records.ts';
import { invalid, missing, notAllowed, type Shop, totalOf } from './shop.ts';

const sum = (all: readonly { readonly amount: number }[]): number => all.reduce((so, one) => so + one.amount, 0);

const paymentsOf = ({ collections }: Order): Payment[] => collections.flatMap(({ payment }) => payment ?? []);

function find(shop: Shop, id: string): { payment: Payment; order: Order } {
  const payment = shop.payments.get(id);
  if (!payment) throw missing('Payment', id);
  return { payment, order: shop.order(payment.order) };
}

/** What is still to be paid of an order; negative where money is owed. */
function pendingOf(order: Order, inclusive: boolean): number {
  const kept = paymentsOf(order).reduce((so, { captures, refunds }) => so + sum(captures) - sum(refunds), 0);
  return Number((totalOf(order, inclusive) - kept).toFixed(8));
}

/** The whole of it: a second capture does nothing. Medusa leaves the order's time as it is. */
export function capture(shop: Shop, id: string): Payment {
  const { payment, order } = find(shop, id);
  if (payment.canceledAt !== null) throw invalid(`The payment: ${id} has been canceled.`);
  if (payment.capturedAt !== null) return payment;
  payment.captures.push({ id: shop.id('capt'), amount: payment.amount, created_at: shop.now() });
  payment.capturedAt = shop.now();
  payment.updatedAt = shop.now();
  order.collections.find(({ id: one }) => one === payment.collection)!.status = 'completed';
  return payment;
}

/** What is given back beyond what is owed becomes a credit line of the order; else the order stays as it is. */
export function refund(shop: Shop, id: string, amount: number): Payment {
  const { payment, order } = find(shop, id);
  if (sum(payment.refunds) + amount > sum(payment.captures))
    throw invalid('You are not allowed to refund more than the captured amount');
  const owed = -pendingOf(order, shop.inclusive);
  giveBack(shop, payment, amount);
  if (amount <= owed) return payment;
  // Seen to be given back all the same.
  shop.free(order);
  order.credit += amount - Math.max(0, owed);
  shop.touch(order);
  return payment;
}

function giveBack(shop: Shop, payment: Payment, amount: number): void {
  payment.refunds.push({ id: shop.id('ref'), amount, created_at: shop.now() });
}

/** What was captured goes back, as a credit line; what was not is cancelled. Lines stay as they are. */
export function cancel(shop: Shop, id: string): Order {
  const order = shop.order(id);
  if (order.status === 'canceled') throw invalid(`Order with id ${id} has been canceled.`);
  if (order.fulfilments.some(({ canceledAt }) => canceledAt === null))
    throw notAllowed('All fulfillments must be canceled before canceling an order');
  shop.free(order);
  for (const payment of paymentsOf(order)) {
    const left = Number((sum(payment.captures) - sum(payment.refunds)).toFixed(8));
    if (payment.captures.length === 0) giveUp(shop, payment);
    else if (left > 0) {
      giveBack(shop, payment, left);
      order.credit += left;
    }
  }
  for (const one of order.collections) one.status = 'canceled';
  order.status = 'canceled';
  order.canceledAt = shop.now();
  for (const item of order.items) {
    shop.level(item.variant.inventoryItem!, shop.location).reserved -= item.reserved;
    item.reserved = 0;
  }
  shop.touch(order);
  return order;
}

function giveUp(shop: Shop, payment: Payment): void {
  payment.canceledAt = shop.now();
  payment.updatedAt = shop.now();
}

/** After an edit: what is to be paid is asked for anew, and an authorisation for the order as it was is given up. */
export function askAnew(shop: Shop, order: Order): void {
  const pending = pendingOf(order, shop.inclusive);
  const open = order.collections.find(({ status }) => status === 'not_paid' || status === 'authorized');
  if (open?.status === 'not_paid') {
    if (pending >= 0) open.amount = pending;
    return;
  }
  if (pending <= 0) return;
  order.collections.push({ id: shop.id('pay_col'), status: 'not_paid', amount: pending, payment: null });
  if (!open) return;
  open.status = 'canceled';
  if (open.payment) giveUp(shop, open.payment);
}

/** Paid outside of Medusa: captured at once. */
export function markAsPaid(shop: Shop, id: string, orderId: string): Order {
  const order = shop.order(orderId);
  const collection = order.collections.find((one) => one.id === id);
  if (!collection) throw missing('PaymentCollection', id);
  const at = shop.now();
  const payment: Payment = {
    id: shop.id('pay'),
    order: order.id,
    collection: id,
    amount: collection.amount,
    createdAt: at,
    updatedAt: at,
    capturedAt: null,
    canceledAt: null,
    captures: [],
    refunds: [],
  };
  collection.payment = payment;
  shop.payments.set(payment.id, payment);
  capture(shop, payment.id);
  return order;
}
