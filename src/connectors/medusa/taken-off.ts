import { add, type Decimal, integer, negate } from '../../core/decimal.ts';
import type { MedusaLine } from './native.ts';
import { type Ordered, worthOf } from './order-lines.ts';
import type { Terms } from './terms.ts';

/** Units of a line that an edit took off. */
export interface TakenOff {
  /** Of this line and edit alone. */
  readonly id: string;
  readonly line: MedusaLine;
  readonly units: Decimal;
  /** With tax, and the tax in it; exact, in major units. */
  readonly worth: Decimal;
  readonly tax: Decimal;
}

export interface Edited {
  /** Milliseconds. */
  readonly at: number;
  readonly taken: readonly TakenOff[];
  /** What the order was worth less after it than before. */
  readonly less: Decimal;
}

const zero = integer(0);
export const sum = (all: readonly Decimal[]): Decimal => all.reduce(add, zero);
const minus = (a: Decimal, b: Decimal): Decimal => add(a, negate(b));

/** What each edit did to the order, oldest first. Shipping that an edit added is not among it. */
export function editsOf(terms: Terms, inclusive: boolean): Edited[] {
  const { edits = [] } = terms.order;
  const inOrder = [...edits].sort((a, b) => a.version - b.version);
  return inOrder.map(({ version, confirmed_at, items }) => {
    const changes = items.flatMap(({ id, from, to }) => {
      const line = terms.items.find((one) => one.id === id);
      if (!line) return [];
      const [before, after] = [worthOf(line, from, inclusive, terms), worthOf(line, to, inclusive, terms)];
      const units = minus(terms.amount(from.quantity, 'edits.quantity'), terms.amount(to.quantity, 'edits.quantity'));
      const worth = minus(before.worth, after.worth);
      return [{ id: `${id}-v${version}`, line, units, worth, tax: minus(before.tax, after.tax) }];
    });
    return {
      at: Date.parse(terms.instant(confirmed_at, 'edits.confirmed_at')),
      taken: changes.filter(({ units, worth }) => units.coefficient > 0n && worth.coefficient >= 0n),
      less: sum(changes.map(({ worth }) => worth)),
    };
  });
}

/** What the order came to at a moment, minor units: what later edits took off is added again. */
export const totalAt = (at: number, edits: readonly Edited[], { exact }: Ordered, terms: Terms): bigint =>
  terms.minor(add(exact, sum(edits.filter((edit) => edit.at > at).map(({ less }) => less))));

/**
 * Minor units: what was paid for units that edits took off, none where the money came in after the edit; and the cents by which several payments, each rounded by itself,
 * come to more than one would have.
 */
export function paidBeyond(paid: readonly Decimal[], edits: readonly Edited[], ordered: Ordered, terms: Terms): number {
  const { exact, total } = ordered;
  const once = terms.minor(sum(paid));
  const cents = paid.reduce((all, one) => all + terms.minor(one), -once);
  const worth = sum(edits.flatMap(({ taken }) => taken.map((one) => one.worth)));
  const [over, off] = [once - BigInt(total), terms.minor(add(exact, worth)) - BigInt(total)];
  const units = over < off ? over : off;
  return Number((units > 0n ? units : 0n) + (cents > 0n ? cents : 0n));
}
