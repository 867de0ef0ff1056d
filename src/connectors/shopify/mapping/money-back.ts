import type { Payment } from '../../../model/payment.ts';
import type { Refund } from '../../../model/refund.ts';
import type { Return } from '../../../model/return.ts';
import { claimedUnits, readClaims } from '../claims.ts';
import { refundKeyIn, returnKeyIn } from '../marks.ts';
import type { ShopifyRefund, ShopifyReturn } from '../native.ts';
import { isOff, isReceived, isRemoval, leftOf, removals, skuOf, worthOf } from './order-lines.ts';
import { Owed } from './owed.ts';
import { type Terms, tailOf } from './terms.ts';

type RefundLine = Refund['lines'][number];

/** Money that came in: each sale or capture that went well. */
export function payments(terms: Terms): Payment[] {
  const received = terms.order.transactions
    .filter(isReceived)
    .map((one) => ({ one, amount: terms.minor(one.amountSet, 'transactions.amountSet') }))
    .filter(({ amount }) => amount > 0n);
  const paid = received.reduce((sum, { amount }) => sum + amount, 0n);
  const off = worthOf(removals(terms), terms);
  const over = paid + off - terms.minor(terms.order.totalPriceSet, 'totalPriceSet');
  const beyond = Math.min(Number(over), Number(off));
  return received.map(({ one, amount }) => ({
    id: terms.key(one.id, 'payment-'),
    order: terms.key(terms.order.id),
    method: terms.paymentMethod(one.gateway),
    paidOn: terms.day(one.processedAt ?? terms.order.processedAt, 'transactions.processedAt'),
    currency: terms.currency,
    amount: Number(amount),
    ...(beyond > 0 ? { beyond } : {}),
  }));
}

/** Money that went back. Removals without money are a later version of the order instead; what a hub paid back here is in the books already. */
export function refunds(terms: Terms): Refund[] {
  const owed = new Owed(terms);
  const told = terms.order.refunds.flatMap((refund, index): Refund[] => {
    const amount = terms.minor(refund.totalRefundedSet, 'refunds.totalRefundedSet');
    if (isRemoval(refund, terms)) owed.add(refund);
    if (amount < 1n || isRemoval(refund, terms)) return [];
    const lines = refundLines(refund, amount, owed, terms);
    if (refundKeyIn(refund.note) !== null) return [];
    const paid = refund.transactions.nodes.find(({ kind, status }) => kind === 'REFUND' && status === 'SUCCESS');
    return [
      {
        id: terms.key(refund.id, 'refund-'),
        number: `${terms.order.name}-F${index + 1}`,
        order: terms.key(terms.order.id),
        orderNumber: terms.order.name,
        return: refund.return === null ? null : terms.key(refund.return.id, 'return-'),
        refundedOn: terms.day(refund.processedAt, 'refunds.processedAt'),
        method: paid ? terms.paymentMethod(paid.gateway) : null,
        currency: terms.currency,
        amount: Number(amount),
        lines,
      },
    ];
  });
  return inTurn(told);
}

/** Refunds that name one line of which units are no longer ordered go one after the other: each says what those before it have left of the line. */
function inTurn(refunds: readonly Refund[]): Refund[] {
  const named = ({ lines }: Refund) => lines.filter(({ orderLine }) => orderLine !== null);
  const off = new Set(refunds.flatMap(named).flatMap(({ left, orderLine }) => (left === undefined ? [] : [orderLine])));
  const last = new Map<string | null, string>();
  return refunds.map((refund) => {
    const own = named(refund).filter(({ orderLine }) => off.has(orderLine));
    const after = [...new Set(own.flatMap(({ orderLine }) => last.get(orderLine) ?? []))];
    for (const { orderLine } of own) last.set(orderLine, refund.id);
    return after.length === 0 ? refund : { ...refund, after };
  });
}

/** What became of a refund that a hub made here for the books. */
export interface PaidBack {
  /** Key of the refund. */
  readonly key: string;
  readonly paidOn: string;
  readonly method: string;
  /** Minor units that went back. */
  readonly amount: bigint;
  readonly failed: boolean;
}

/** What was paid back here for the books, as far as Shopify says that it went. */
export function paidBack(terms: Terms): PaidBack[] {
  return terms.order.refunds.flatMap((refund) => {
    const key = refundKeyIn(refund.note);
    if (key === null) return [];
    const back = refund.transactions.nodes.filter(({ kind }) => kind === 'REFUND');
    const [one] = back.filter(({ status }) => status === 'SUCCESS');
    const amount = terms.minor(refund.totalRefundedSet, 'refunds.totalRefundedSet');
    const failed = back.some(({ status }) => status === 'FAILURE' || status === 'ERROR');
    if (!one && !failed) return [];
    const method = one ? terms.paymentMethod(one.gateway) : '';
    return [{ key, paidOn: terms.day(refund.processedAt, 'refunds.processedAt'), method, amount, failed }];
  });
}

/** Goods, shipping, what was owed for units that were taken off before, and by name what is paid beyond or kept back. The lines add up to what went back. */
function refundLines(refund: ShopifyRefund, amount: bigint, owed: Owed, terms: Terms): RefundLine[] {
  const { lineItems, shippingLines, taxesIncluded } = terms.order;
  const withTax = (net: bigint, tax: bigint): number => Number(net + (taxesIncluded ? 0n : tax));
  const goods = refund.refundLineItems.nodes.map((one, index): RefundLine => {
    const line = lineItems.nodes.find(({ id }) => id === one.lineItem.id);
    const tax = terms.minor(one.totalTaxSet, 'refundLineItems.totalTaxSet');
    return {
      id: one.id === null ? `line-${index + 1}` : tailOf(one.id),
      orderLine: tailOf(one.lineItem.id),
      description: line?.name ?? 'Goods',
      quantity: String(one.quantity),
      ...(line && isOff(refund, one, terms) ? { left: String(leftOf(line, refund, terms)) } : {}),
      amount: withTax(terms.minor(one.subtotalSet, 'refundLineItems.subtotalSet'), tax),
      tax: Number(tax),
      taxes: line ? terms.taxCodes(line.taxLines) : [],
    };
  });
  const shipping = refund.refundShippingLines.nodes.map((one): RefundLine => {
    const line = shippingLines.nodes.find(({ id }) => id === one.shippingLine.id);
    const tax = terms.minor(one.taxAmountSet, 'refundShippingLines.taxAmountSet');
    return {
      id: `shipping-${tailOf(one.id)}`,
      orderLine: one.shippingLine.id === null ? null : `shipping-${tailOf(one.shippingLine.id)}`,
      description: line?.title ?? 'Shipping',
      quantity: '1',
      amount: withTax(terms.minor(one.subtotalAmountSet, 'refundShippingLines.subtotalAmountSet'), tax),
      tax: Number(tax),
      taxes: line ? terms.taxCodes(line.taxLines) : [],
    };
  });
  const sumOf = (lines: readonly RefundLine[]): number => lines.reduce((sum, line) => sum + line.amount, 0);
  const told = [...goods, ...shipping];
  const beside = amount - BigInt(sumOf(told));
  const named = [...told, ...(isForOwed(refund, beside, told.length, owed) ? owed.paid(refund, beside) : [])];
  const rest = Number(amount) - sumOf(named);
  if (rest === 0 && named.length > 0) return named;
  const reasons = refund.orderAdjustments.nodes.flatMap(({ reason }) =>
    reason ? [reason.toLowerCase().replaceAll('_', ' ')] : [],
  );
  const description =
    named.length === 0 ? 'Money without goods' : `Difference (${reasons.join(', ') || 'not explained by Shopify'})`;
  return [...named, { id: 'difference', orderLine: null, description, quantity: '0', amount: rest, tax: 0, taxes: [] }];
}

/**
 * Whether money beside goods is for units that were taken off before. Beside goods it may be cents, or what was kept back; and what the books decided on may be for goods that were shipped: it is
 * where it is all that is owed.
 */
function isForOwed(refund: ShopifyRefund, money: bigint, goods: number, owed: Owed): boolean {
  if (refundKeyIn(refund.note) !== null) return money === owed.at(refund);
  return goods === 0 || money >= owed.at(refund);
}

const states: Readonly<Record<string, Return['state']>> = {
  OPEN: 'announced',
  CLOSED: 'received',
  CANCELED: 'cancelled',
  DECLINED: 'cancelled',
};

/** Goods that come back, once the shop has agreed to it. What was asked for only is none yet; what a hub told here came from the books, also where the customer had opened the return. */
export function returns(terms: Terms): Return[] {
  const told = claimedUnits(readClaims(terms.order.returnsTaken?.value, 'read anew'));
  return terms.order.returns.nodes.flatMap((one) => {
    const state = states[one.status];
    if (one.returnLineItems.nodes.some(({ returnReasonNote }) => returnKeyIn(returnReasonNote) !== null)) return [];
    const lines = state === undefined ? [] : returnLines(one, told, terms);
    if (state === undefined || lines.length === 0) return [];
    const came = restockOf(one, terms)[0];
    return [
      {
        id: terms.key(one.id, 'return-'),
        number: one.name,
        order: terms.key(terms.order.id),
        orderNumber: terms.order.name,
        state,
        location: came?.location ? terms.location(came.location.id) : null,
        occurredAt: terms.instant(one.closedAt ?? one.createdAt, 'returns.createdAt'),
        lines,
      },
    ];
  });
}

/** Lines of refunds that belong to the return: Shopify says there what became of the goods. */
const restockOf = ({ id }: ShopifyReturn, { order }: Terms) =>
  order.refunds.filter((refund) => refund.return?.id === id).flatMap(({ refundLineItems }) => refundLineItems.nodes);

function returnLines(one: ShopifyReturn, told: ReadonlyMap<string, number>, terms: Terms): Return['lines'] {
  const came = restockOf(one, terms);
  return one.returnLineItems.nodes.flatMap(({ id, quantity: all, returnReasonDefinition, fulfillmentLineItem }) => {
    const line = terms.order.lineItems.nodes.find((candidate) => candidate.id === fulfillmentLineItem?.lineItem.id);
    const quantity = all - (told.get(id) ?? 0);
    if (!line || quantity <= 0) return [];
    const back = came.find(({ lineItem }) => lineItem.id === line.id);
    return [
      {
        id: tailOf(id),
        orderLine: tailOf(line.id),
        sku: skuOf(line, terms),
        quantity: String(quantity),
        reason: terms.returnReason(returnReasonDefinition?.handle ?? 'unknown'),
        restock: back ? back.restockType === 'RETURN' || back.restockType === 'LEGACY_RESTOCK' : null,
      },
    ];
  });
}
