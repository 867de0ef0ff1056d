import type { Refund } from '../../model/refund.ts';
import { refundKeyIn } from './marks.ts';
import type { ShopifyRefund } from './native.ts';
import { isRemoval, removals } from './order-lines.ts';
import { type Terms, tailOf } from './terms.ts';

type RefundLine = Refund['lines'][number];
type Removed = ShopifyRefund['refundLineItems']['nodes'][number];

const isMoneyAlone = ({ return: back, refundLineItems, refundShippingLines }: ShopifyRefund): boolean =>
  back === null && refundLineItems.nodes.length === 0 && refundShippingLines.nodes.length === 0;

/**
 * An edit takes units off without money, and what was paid for them goes back by a refund that names none. Where that is just what the edits before it took off, its lines are those units: what of them was on no
 * invoice is not credited. Null for money that went back for something else.
 */
export function editedOff(refund: ShopifyRefund, terms: Terms): RefundLine[] | null {
  let open: Removed[] = [];
  for (const one of terms.order.refunds) {
    if (isRemoval(one, terms)) open.push(...one.refundLineItems.nodes);
    // What a hub paid back here was decided in the books, for something of theirs.
    if (!isMoneyAlone(one) || refundKeyIn(one.note) !== null) continue;
    const lines = linesOf(open, terms);
    const worth = lines.reduce((sum, { amount }) => sum + BigInt(amount), 0n);
    const whole = lines.length > 0 && worth === terms.minor(one.totalRefundedSet, 'refunds.totalRefundedSet');
    if (one === refund) return whole ? lines : null;
    if (whole) open = [];
  }
  return null;
}

/** One for each of the order's lines, with so many units and what they were worth. */
function linesOf(open: readonly Removed[], terms: Terms): RefundLine[] {
  const { lineItems, taxesIncluded } = terms.order;
  const removed = removals(terms);
  return [...Map.groupBy(open, ({ lineItem }) => lineItem.id)].flatMap(([id, parts]): RefundLine[] => {
    const line = lineItems.nodes.find((one) => one.id === id);
    if (!line) return [];
    const sum = (of: (part: Removed) => bigint): bigint => parts.reduce((all, part) => all + of(part), 0n);
    const tax = sum(({ totalTaxSet }) => terms.minor(totalTaxSet, 'refundLineItems.totalTaxSet'));
    const net = sum(({ subtotalSet }) => terms.minor(subtotalSet, 'refundLineItems.subtotalSet'));
    return [
      {
        id: `removed-${tailOf(id)}`,
        orderLine: tailOf(id),
        description: line.name,
        quantity: String(parts.reduce((all, { quantity }) => all + quantity, 0)),
        left: String(line.quantity - (removed.get(id)?.quantity ?? 0)),
        amount: Number(net + (taxesIncluded ? 0n : tax)),
        tax: Number(tax),
        taxes: terms.taxCodes(line.taxLines),
      },
    ];
  });
}
