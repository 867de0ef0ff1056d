import { divideRounded } from '../../core/decimal.ts';
import { allocate } from '../../core/money.ts';
import type { Refund } from '../../model/refund.ts';
import type { ShopifyRefund } from './native.ts';
import { isReceived, removals } from './order-lines.ts';
import { type Terms, tailOf } from './terms.ts';

type RefundLine = Refund['lines'][number];

/** Units of a line that an edit took off and that were paid. */
interface Open {
  /** Those that no refund has named yet. */
  quantity: number;
  /** What is to go back for them, and the tax in it; minor units. */
  worth: bigint;
  tax: bigint;
}

/**
 * What a shop owes for units that edits took off. Shopify keeps a removal as a refund without money; the money goes back afterwards, as a refund without goods, for less where some
 * of it pays for what was added. So money without goods is for the units that were taken off before it, as far as they were paid: for units that nobody had paid nothing is owed.
 *
 * Shopify does not say when a line was added to the order: it counts from the beginning, with whatever was paid for it.
 *
 * @see https://help.shopify.com/en/manual/fulfillment/managing-orders/editing-orders
 */
export class Owed {
  readonly #terms: Terms;
  readonly #open = new Map<string, Open>();
  /** What was paid beyond what is ordered, in minor units; below zero while more is ordered than paid. */
  #beyond: bigint;

  constructor(terms: Terms) {
    this.#terms = terms;
    const { transactions, totalPriceSet } = terms.order;
    const paid = terms.sum(
      transactions.filter(isReceived).map(({ amountSet }) => amountSet),
      'transactions.amountSet',
    );
    this.#beyond = paid - terms.minor(totalPriceSet, 'totalPriceSet');
  }

  /** Minor units. */
  get amount(): bigint {
    const worth = [...this.#open.values()].reduce((sum, one) => sum + one.worth, 0n);
    return this.#beyond < 0n ? 0n : lesser(this.#beyond, worth);
  }

  /** Takes note of a removal. */
  add({ refundLineItems }: ShopifyRefund): void {
    for (const { lineItem, quantity, subtotalSet, totalTaxSet } of refundLineItems.nodes) {
      const tax = this.#terms.minor(totalTaxSet, 'refundLineItems.totalTaxSet');
      const net = this.#terms.minor(subtotalSet, 'refundLineItems.subtotalSet');
      const worth = net + (this.#terms.order.taxesIncluded ? 0n : tax);
      this.#beyond += worth;
      if (worth < 1n || this.#beyond < 1n) continue;
      const known = this.#open.get(lineItem.id) ?? { quantity: 0, worth: 0n, tax: 0n };
      const all = { quantity: known.quantity + quantity, worth: known.worth + worth, tax: known.tax + tax };
      this.#open.set(lineItem.id, all);
    }
  }

  /** What of money without goods (minor units) is for units that were taken off, by line. The first money names the units; what follows is for the same ones, and names none. */
  paid(money: bigint): RefundLine[] {
    const part = lesser(money, this.amount);
    if (part < 1n) return [];
    const open = [...this.#open];
    const shares = allocate(
      part,
      open.map(([, { worth }]) => worth),
    );
    this.#beyond -= part;
    const isSettled = this.#beyond === 0n;
    return open.flatMap(([id, one], place) => {
      const amount = shares[place]!;
      const tax = divideRounded(one.tax * amount, one.worth);
      const left = { quantity: 0, worth: one.worth - amount, tax: one.tax - tax };
      if (isSettled || left.worth === 0n) this.#open.delete(id);
      else this.#open.set(id, left);
      return this.#line(id, one.quantity, amount, tax);
    });
  }

  #line(id: string, quantity: number, amount: bigint, tax: bigint): RefundLine[] {
    const line = this.#terms.order.lineItems.nodes.find((one) => one.id === id);
    if (!line) return [];
    const left = line.quantity - (removals(this.#terms).get(id)?.quantity ?? 0);
    return [
      {
        id: `removed-${tailOf(id)}`,
        orderLine: tailOf(id),
        description: line.name,
        quantity: String(quantity),
        ...(quantity > 0 ? { left: String(left) } : {}),
        amount: Number(amount),
        tax: Number(tax),
        taxes: this.#terms.taxCodes(line.taxLines),
      },
    ];
  }
}

const lesser = (a: bigint, b: bigint): bigint => (a < b ? a : b);
