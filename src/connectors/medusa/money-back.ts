import type { Payment } from '../../model/payment.ts';
import type { Return } from '../../model/return.ts';
import type { MedusaReturn } from './native.ts';
import { type Ordered, skuOf } from './order-lines.ts';
import { editsOf, paidBeyond } from './taken-off.ts';
import { plainText, type Terms } from './terms.ts';

const paymentsOf = ({ order }: Terms) => order.payment_collections.flatMap(({ payments }) => payments);

/** Money that came in: each capture. What is authorised only is none yet. */
export function payments(terms: Terms, ordered: Ordered): Payment[] {
  const captures = paymentsOf(terms)
    .flatMap(({ provider_id, captures: all }) => all.map((one) => ({ ...one, provider_id })))
    .map((one) => ({ ...one, exact: terms.amount(one.amount, 'captures.amount') }))
    .map((one) => ({ ...one, minor: terms.minor(one.exact) }))
    .filter(({ minor }) => minor > 0n);
  const paid = captures.map(({ exact }) => exact);
  const beyond = paidBeyond(paid, editsOf(terms, ordered.inclusive), ordered, terms);
  return captures.map(({ id, provider_id, created_at, minor }) => ({
    id: terms.key(id),
    order: terms.key(terms.order.id),
    method: terms.paymentMethod(provider_id),
    paidOn: terms.day(created_at, 'captures.created_at'),
    currency: terms.currency,
    amount: Number(minor),
    ...(beyond > 0 ? { beyond } : {}),
  }));
}

/** What came in parts is announced until all of it is here. */
const states: Readonly<Record<string, Return['state']>> = {
  requested: 'announced',
  partially_received: 'announced',
  received: 'received',
  canceled: 'cancelled',
};

/** Goods that come back, once the shop has agreed to it. What is being put together only is none yet. */
export const returns = (terms: Terms): Return[] =>
  terms.order.returns.flatMap((one) => {
    const state = states[one.status];
    const lines = state === undefined ? [] : returnLines(one, state, terms);
    if (state === undefined || lines.length === 0) return [];
    return [
      {
        id: terms.key(one.id),
        number: `R${one.display_id}`,
        order: terms.key(terms.order.id),
        orderNumber: terms.number,
        state,
        location: one.location_id === null ? null : terms.location(one.location_id),
        occurredAt: terms.instant(one.received_at ?? one.requested_at ?? one.created_at, 'returns.requested_at'),
        lines,
      },
    ];
  });

/** A line for what may be sold again and one for what may not, once it was looked at. */
function returnLines(one: MedusaReturn, state: Return['state'], terms: Terms): Return['lines'] {
  return one.items.flatMap((item) => {
    const line = terms.order.items.find(({ id }) => id === item.item_id);
    if (!line) return [];
    const common = {
      orderLine: line.id,
      sku: skuOf(line, terms),
      reason: terms.returnReason(item.reason?.value ?? 'unknown'),
    };
    const good = item.received_quantity - item.damaged_quantity;
    const parts =
      state === 'received'
        ? ([
            [item.id, good, true],
            [`${item.id}-damaged`, item.damaged_quantity, false],
          ] as const)
        : ([[item.id, item.quantity, null]] as const);
    return parts.flatMap(([id, quantity, restock]) =>
      quantity > 0 ? [{ ...common, id, quantity: plainText(quantity), restock }] : [],
    );
  });
}
