import { divideRounded } from '../../../core/decimal.ts';
import { allocate } from '../../../core/money.ts';
import type { Refund } from '../../../model/refund.ts';
import type { ShopifyMoney, ShopifyRefund } from '../native.ts';
import { isReceived, leftOf } from './order-lines.ts';
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

/** Money, in minor units, and when: milliseconds. */
interface Moved {
  readonly at: number;
  readonly minor: bigint;
}

/**
 * What a shop owes for units that edits took off. Shopify keeps a removal as a refund without money; the money goes back afterwards, as a refund without goods, for less where some
 * of it pays for what was added. So money without goods is for the units that were taken off before it, as far as they were paid: for units that nobody had paid nothing is owed.
 *
 * What was paid for is told by what came in until then, and by when edits added what they added. An order that was read before edits were says the latter of none: what came in later was for what was
 * added later.
 *
 * @see https://help.shopify.com/en/manual/fulfillment/managing-orders/editing-orders
 */
export class Owed {
  readonly #terms: Terms;
  readonly #open = new Map<string, Open>();
  readonly #received: readonly Moved[];
  readonly #added: readonly Moved[];
  /** What was taken off, less what went back for it, less all that was ever ordered; minor units. */
  #balance: bigint;

  constructor(terms: Terms) {
    this.#terms = terms;
    const { transactions, processedAt, totalPriceSet, edits, edited } = terms.order;
    const moved = (time: string, amount: ShopifyMoney, field: string): Moved => ({
      at: Date.parse(terms.instant(time, field)),
      minor: terms.minor(amount, field),
    });
    this.#received = transactions
      .filter(isReceived)
      .map((one) => moved(one.processedAt ?? processedAt, one.amountSet, 'transactions'));
    const added = edits?.flatMap(({ happenedAt, sales }) =>
      sales.nodes
        .filter(({ actionType }) => actionType !== 'RETURN')
        .map(({ totalAmount }) => moved(happenedAt, totalAmount, 'edits')),
    );
    this.#added = added ?? (edited ? this.#received : []);
    this.#balance = -terms.minor(totalPriceSet, 'totalPriceSet');
  }

  /** What is owed when a refund is made, minor units. */
  at(refund: ShopifyRefund): bigint {
    const worth = [...this.#open.values()].reduce((sum, one) => sum + one.worth, 0n);
    const beyond = this.#beyond(this.#momentOf(refund));
    return beyond < 0n ? 0n : lesser(beyond, worth);
  }

  #momentOf({ processedAt }: ShopifyRefund): number {
    return Date.parse(this.#terms.instant(processedAt, 'refunds.processedAt'));
  }

  /** What was paid until a moment beyond what was ordered then, in minor units; below zero where more was ordered than paid. */
  #beyond(then: number): bigint {
    const sum = (all: readonly Moved[]): bigint => all.reduce((so, { minor }) => so + minor, 0n);
    const [paid, later] = [this.#received.filter(({ at }) => at <= then), this.#added.filter(({ at }) => at > then)];
    return this.#balance + sum(paid) + sum(later);
  }

  /** Takes note of a removal. Its units are of no account where nobody had paid them, nor has since. */
  add(refund: ShopifyRefund): void {
    const moments = [this.#momentOf(refund), Number.POSITIVE_INFINITY];
    for (const { lineItem, quantity, subtotalSet, totalTaxSet } of refund.refundLineItems.nodes) {
      const tax = this.#terms.minor(totalTaxSet, 'refundLineItems.totalTaxSet');
      const net = this.#terms.minor(subtotalSet, 'refundLineItems.subtotalSet');
      const worth = net + (this.#terms.order.taxesIncluded ? 0n : tax);
      this.#balance += worth;
      if (worth < 1n || moments.every((moment) => this.#beyond(moment) < 1n)) continue;
      const known = this.#open.get(lineItem.id) ?? { quantity: 0, worth: 0n, tax: 0n };
      const all = { quantity: known.quantity + quantity, worth: known.worth + worth, tax: known.tax + tax };
      this.#open.set(lineItem.id, all);
    }
  }

  /** What of money without goods (minor units) is for units that were taken off, by line. The first money names the units; what follows is for the same ones, and names none. */
  paid(refund: ShopifyRefund, money: bigint): RefundLine[] {
    const part = lesser(money, this.at(refund));
    if (part < 1n) return [];
    const open = [...this.#open];
    const shares = allocate(
      part,
      open.map(([, { worth }]) => worth),
    );
    this.#balance -= part;
    const isSettled = this.#beyond(this.#momentOf(refund)) === 0n;
    return open.flatMap(([id, one], place) => {
      const amount = shares[place]!;
      const tax = divideRounded(one.tax * amount, one.worth);
      const left = { quantity: 0, worth: one.worth - amount, tax: one.tax - tax };
      if (isSettled || left.worth === 0n) this.#open.delete(id);
      else this.#open.set(id, left);
      return this.#line(refund, id, { ...one, worth: amount, tax });
    });
  }

  #line(refund: ShopifyRefund, id: string, { quantity, worth, tax }: Open): RefundLine[] {
    const line = this.#terms.order.lineItems.nodes.find((one) => one.id === id);
    if (!line) return [];
    return [
      {
        id: `removed-${tailOf(id)}`,
        orderLine: tailOf(id),
        description: line.name,
        quantity: String(quantity),
        ...(quantity > 0 ? { left: String(leftOf(line, refund, this.#terms)) } : {}),
        amount: Number(worth),
        tax: Number(tax),
        taxes: this.#terms.taxCodes(line.taxLines),
      },
    ];
  }
}

const lesser = (a: bigint, b: bigint): bigint => (a < b ? a : b);
