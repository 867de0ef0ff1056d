import type { Context } from '../../../core/connector.ts';
import { decimal } from '../../../core/decimal.ts';
import { rejected } from '../../../core/fault.ts';
import { exactMoney, moneyText } from '../../../core/money.ts';
import type { Refund } from '../../../model/refund.ts';
import { refundCalls } from '../documents/refunds.ts';
import { refundKeyIn } from '../marks.ts';
import type { ShopifyMoney } from '../native.ts';
import { allOf, type Page } from '../pages.ts';
import type { Shop } from '../shop.ts';

/** Units that are off the order, of which the money is to go back alone. */
export interface Gone {
  /** Shopify's number of the line. */
  readonly line: string;
  /** How many of its units are off the order, or may be yet. */
  readonly off: number;
  readonly units: number;
}

/** What the shop has of the order that the money is of. */
interface Order {
  readonly name: string;
  readonly cancelledAt: string | null;
  readonly refunds: readonly { readonly id: string; readonly note: string | null }[];
}

interface Refunded {
  readonly processedAt: string;
  readonly totalRefundedSet: ShopifyMoney;
  readonly return: { readonly id: string } | null;
  readonly refundLineItems: Page<{ readonly quantity: number; readonly lineItem: { readonly id: string } }>;
}

/**
 * Throws `rejected` where the shop has paid for units by itself, or may have: people there and in the books decided on the same thing, and the customer would get the money twice. No unit may be in two refunds
 * that name it; what the hub paid for units that were off names none, so that beside money of the shop's own for units of the line nobody knows which they were. Money of the shop's own that names no units counts as money for these where it came once the order was cancelled, or with the return `back` (Shopify's id; null: with whichever return).
 */
export async function assertNotPaid(
  shop: Shop,
  document: Refund,
  { name, cancelledAt, refunds }: Order,
  gone: readonly Gone[],
  back: string | null,
  cx: Context,
): Promise<void> {
  if (gone.length === 0) return;
  const paid = new Map<string, number>();
  const byShop = new Set<string>();
  let own = 0n;
  let isPaidAlone = false;
  for (const { id, note } of refunds) {
    const { one, lines } = await read(shop, id, cx);
    const money = one ? exactMoney(decimal(one.totalRefundedSet.money.amount), document.currency).minor : 0n;
    if (!one || money === 0n) continue;
    const isOwn = refundKeyIn(note) === null;
    for (const { lineItem, quantity } of lines) {
      const line = lineItem.id.slice(lineItem.id.lastIndexOf('/') + 1);
      paid.set(line, (paid.get(line) ?? 0) + quantity);
      if (isOwn) byShop.add(line);
    }
    if (!isOwn && lines.length === 0) isPaidAlone = true;
    const isOfCancellation = cancelledAt !== null && Date.parse(one.processedAt) >= Date.parse(cancelledAt);
    const isOfReturn = one.return !== null && (back === null || one.return.id === back);
    if (isOwn && (lines.length > 0 || isOfCancellation || isOfReturn)) own += money;
    if (isOwn && lines.length === 0 && (isOfCancellation || isOfReturn))
      for (const { line } of gone) paid.set(line, Number.POSITIVE_INFINITY);
  }
  const isUnclear = isPaidAlone && gone.some(({ line }) => byShop.has(line));
  const isDoubled = gone.some(({ line, off, units }) => paid.has(line) && units + paid.get(line)! > off);
  if (!isUnclear && !isDoubled) return;
  if (own === 0n)
    throw rejected(
      `Refund ${document.number} is for more units than are off order ${name} and were not refunded before: credit less, or make the refund in Shopify and dismiss this with its id.`,
      'too-many-units',
      'lines',
    );
  throw rejected(
    `The shop has paid back ${moneyText({ minor: own, currency: document.currency })} ${document.currency} of order ${name} by itself, and refund ${document.number} would pay for the same goods once more: where it is the same money, set it against the credit note in the books and dismiss this; where it is not, make the refund in Shopify and dismiss this with its id.`,
    'paid-there',
    'lines',
  );
}

async function read(shop: Shop, id: string, cx: Context) {
  const ask = async (after: string | null) =>
    (await shop.call<{ refund: Refunded | null }>(refundCalls.refunded, after === null ? { id } : { id, after }, cx))
      .refund;
  const one = await ask(null);
  const lines = one ? await allOf(one.refundLineItems, async (after) => (await ask(after))?.refundLineItems) : [];
  return { one, lines };
}
