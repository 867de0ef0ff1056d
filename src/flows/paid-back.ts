import type { PaidBack } from '../connectors/shopify/mapping/money-back.ts';
import { addMeasures, type Measure, nothing } from '../core/document.ts';
import type { Draft, Look, Objection } from '../core/flow.ts';
import { money, moneyText } from '../core/money.ts';
import { RefundDocument } from '../model/refund.ts';

export const notPaid = 'refund-not-paid';

/**
 * What a shop did about refunds that the books decided on (`creditNote`): one that it paid is the same refund with its method and day, and one that did not go through, or not to the
 * cent, goes to a person. Refunds that were decided elsewhere are nobody's business here. `brought`: the books are told of money once more, which the shop was told of first.
 */
export async function paidBackOf(
  told: readonly PaidBack[],
  look: Pick<Look, 'current'>,
): Promise<{ drafts: Draft<typeof RefundDocument>[]; objections: Objection[]; brought: Measure }> {
  const drafts: Draft<typeof RefundDocument>[] = [];
  const objections: Objection[] = [];
  let brought = nothing;
  for (const { key, method, paidOn, amount, failed } of told) {
    const known = await look.current(RefundDocument, key);
    if (known?.creditNote === undefined) continue;
    if (amount === BigInt(known.amount)) {
      const body = { ...known, method, refundedOn: paidOn };
      drafts.push({ kind: 'refund', body });
      if (known.method === null) brought = addMeasures(brought, RefundDocument.measure(body));
    } else if (failed || amount > 0n) {
      const text = (minor: bigint) => `${moneyText(money(minor, known.currency))} ${known.currency}`;
      const open = BigInt(known.amount) - amount;
      objections.push({
        cause: notPaid,
        field: 'amount',
        message: `Of refund ${known.number} of order ${known.orderNumber} (${text(BigInt(known.amount))}) the shop has paid back ${text(amount)}: see to the rest in Shopify.`,
        measure: { lines: 1, currency: known.currency, minor: -open, absolute: open < 0n ? -open : open },
      });
    }
  }
  const asked = objections.map(({ measure }) => measure);
  return { drafts, objections, brought: asked.reduce(addMeasures, brought) };
}
