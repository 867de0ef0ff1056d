import { divideRounded } from '../../core/decimal.ts';
import { allocate } from '../../core/money.ts';
import type { Refund } from '../../model/refund.ts';
import type { ShopifyRefund } from './native.ts';
import { removals } from './order-lines.ts';
import { type Terms, tailOf } from './terms.ts';

type RefundLine = Refund['lines'][number];

type Removed = ShopifyRefund['refundLineItems']['nodes'][number];

/**
 * What a shop owes for units that edits took off. Shopify keeps a removal as a refund without money; the money goes back afterwards, as a refund without goods, for less where some
 * of it pays for what was added. So money without goods is for the units that were taken off before it.
 *
 * @see https://help.shopify.com/en/manual/fulfillment/managing-orders/editing-orders
 */
export class Owed {
  readonly #terms: Terms;
  #open: Removed[] = [];

  constructor(terms: Terms) {
    this.#terms = terms;
  }

  /** Takes note of a removal. */
  add({ refundLineItems }: ShopifyRefund): void {
    this.#open.push(...refundLineItems.nodes);
  }

  /** What of money without goods (minor units) is for units that were taken off, by line. However little it was, nothing is owed for them any more. */
  paid(money: bigint): RefundLine[] {
    if (money < 1n) return [];
    const lines = this.#taken();
    this.#open = [];
    const whole = lines.reduce((sum, { amount }) => sum + BigInt(amount), 0n);
    if (whole < 1n) return [];
    const shares = allocate(
      money < whole ? money : whole,
      lines.map(({ amount }) => BigInt(amount)),
    );
    return lines.map((line, place) => {
      const [amount, worth] = [shares[place]!, BigInt(line.amount)];
      return { ...line, amount: Number(amount), tax: Number(divideRounded(BigInt(line.tax) * amount, worth)) };
    });
  }

  /** One for each of the order's lines, with the units that are gone and what they were worth. */
  #taken(): RefundLine[] {
    const { lineItems, taxesIncluded } = this.#terms.order;
    const removed = removals(this.#terms);
    return [...Map.groupBy(this.#open, ({ lineItem }) => lineItem.id)].flatMap(([id, parts]): RefundLine[] => {
      const line = lineItems.nodes.find((one) => one.id === id);
      const sum = (of: (part: Removed) => bigint): bigint => parts.reduce((all, part) => all + of(part), 0n);
      const tax = sum(({ totalTaxSet }) => this.#terms.minor(totalTaxSet, 'refundLineItems.totalTaxSet'));
      const net = sum(({ subtotalSet }) => this.#terms.minor(subtotalSet, 'refundLineItems.subtotalSet'));
      const worth = net + (taxesIncluded ? 0n : tax);
      if (!line || worth < 1n) return [];
      return [
        {
          id: `removed-${tailOf(id)}`,
          orderLine: tailOf(id),
          description: line.name,
          quantity: String(parts.reduce((all, { quantity }) => all + quantity, 0)),
          left: String(line.quantity - (removed.get(id)?.quantity ?? 0)),
          amount: Number(worth),
          tax: Number(tax),
          taxes: this.#terms.taxCodes(line.taxLines),
        },
      ];
    });
  }
}
