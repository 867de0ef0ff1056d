import { addBags, type Bag, bag, negative, share } from './amounts.ts';
import type { Line, Order, ShippingLine, Tax, TaxLine, Transaction } from './records.ts';

const times = ({ shop, presentment }: Bag, quantity: bigint): Bag => ({
  shop: shop * quantity,
  presentment: presentment * quantity,
});

/** What a line costs after its discounts, all units that were ever ordered. */
export const netOf = (line: Line): Bag =>
  addBags([times(line.unitPrice, BigInt(line.quantity)), ...line.discounts.map(negative)]);

const shippingNet = (line: ShippingLine): Bag => addBags([line.price, ...line.discounts.map(negative)]);

const taxOf = ({ taxes }: { readonly taxes: readonly TaxLine[] }): Bag => addBags(taxes.map(({ amount }) => amount));

/** Tax lines of an amount, each rounded by itself; within the amount where prices include tax. */
export function taxLines(
  net: bigint,
  taxes: readonly Tax[],
  included: boolean,
  currencies: Order['currencies'],
): TaxLine[] {
  const whole = 10_000n + BigInt(taxes.reduce((sum, { rate }) => sum + rate, 0));
  return taxes.map(({ title, rate }) => ({
    title,
    rate,
    amount: bag(share({ shop: net, presentment: 0n }, BigInt(rate), included ? whole : 10_000n).shop, currencies),
  }));
}

/** Before anything was refunded or removed. */
export function totalOf(order: Order): Bag {
  const shipping = order.shipping.filter(({ isRemoved }) => !isRemoved);
  const taxed = [...order.lines, ...shipping];
  return addBags([
    ...order.lines.map(netOf),
    ...shipping.map(shippingNet),
    ...(order.taxesIncluded ? [] : taxed.map(taxOf)),
  ]);
}

/** What is left after refunds and removals. */
export function currentTotalOf(order: Order): Bag {
  const taken = order.refunds.flatMap(({ lines, shipping }) => [
    ...lines.flatMap(({ subtotal, tax }) => [subtotal, ...(order.taxesIncluded ? [] : [tax])]),
    ...shipping.flatMap(({ subtotal, tax }) => [subtotal, ...(order.taxesIncluded ? [] : [tax])]),
  ]);
  return addBags([totalOf(order), ...taken.map(negative)]);
}

/**
 * What was paid for what is no longer ordered and has not gone back; below zero what is left to pay. Refunds of goods settle themselves.
 */
export function balanceOf(order: Order): Bag {
  const removed = order.refunds.filter(({ transactions, returnId }) => transactions.length === 0 && returnId === null);
  const off = removed.flatMap(({ lines }) => lines);
  const alone = order.refunds.filter(({ lines }) => lines.length === 0).flatMap(({ transactions }) => transactions);
  return addBags([
    negative(totalOf(order)),
    ...order.transactions.filter(({ kind }) => kind === 'SALE').map(({ amount }) => amount),
    ...off.flatMap(({ subtotal, tax }) => [subtotal, ...(order.taxesIncluded ? [] : [tax])]),
    ...alone.map(({ amount }) => negative(amount)),
  ]);
}

/** What may still be paid back of a payment. */
export const leftOf = (order: Order, parent: Transaction): Bag =>
  addBags([
    parent.amount,
    ...order.transactions
      .filter(({ kind, parentId }) => kind === 'REFUND' && parentId === parent.id)
      .map(({ amount }) => negative(amount)),
  ]);

/** What may still be paid back of an order, whichever way the rest went: also as store credit, which is out of no payment. */
export const keptOf = (order: Order): Bag =>
  addBags(
    order.transactions.flatMap(({ kind, amount }) => {
      if (kind === 'REFUND') return [negative(amount)];
      return kind === 'SALE' || kind === 'CAPTURE' ? [amount] : [];
    }),
  );

/** What `quantity` more units of a line are worth when `gone` of them went before: cumulative, so that all together are the whole. */
export function partOf(line: Line, quantity: number): { subtotal: Bag; tax: Bag } {
  const [before, after, whole] = [line.gone, line.gone + quantity, line.quantity].map(BigInt) as [
    bigint,
    bigint,
    bigint,
  ];
  const slice = (all: Bag): Bag => addBags([share(all, after, whole), negative(share(all, before, whole))]);
  return { subtotal: slice(netOf(line)), tax: slice(taxOf(line)) };
}
