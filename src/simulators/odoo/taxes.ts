import { hundred, minus, negate, one, over, plus, type Rational, roundTo, times, zero } from './rational.ts';
import type { Version } from './types.ts';

/** A sales tax, or a group that stands for its children. */
export interface Tax {
  readonly id: number;
  readonly type: 'percent' | 'fixed' | 'group';
  readonly amount: Rational;
  readonly included: boolean;
  readonly includeBase: boolean;
  readonly baseAffected: boolean;
  readonly sequence: number;
  readonly children: readonly Tax[];
}

/** Quantity, unit price and discount in percent, already rounded to their decimal precisions. */
interface TotalLine {
  readonly quantity: Rational;
  readonly price: Rational;
  readonly discount: Rational;
  readonly taxes: readonly Tax[];
}

interface TaxShare {
  readonly tax: Tax;
  readonly amount: Rational;
  readonly base: Rational;
}

interface LineTotals {
  readonly untaxed: Rational;
  readonly shares: readonly TaxShare[];
  readonly subtotal: Rational;
  readonly total: Rational;
}

export interface OrderTotals {
  readonly lines: readonly LineTotals[];
  readonly untaxed: Rational;
  readonly tax: Rational;
  readonly total: Rational;
  /** Rounded amount and base of each tax, in the order first met. */
  readonly taxes: readonly TaxShare[];
}

/** How a company computes: its version, the currency's rounding step, and whether each line is rounded or only the sum. */
export interface Rounding {
  readonly version: Version;
  readonly step: Rational;
  readonly perLine: boolean;
}

/** The taxes in the order they apply, groups replaced by their children. */
function applied(taxes: readonly Tax[]): Tax[] {
  const sorted = [...taxes].sort((a, b) => a.sequence - b.sequence || a.id - b.id);
  return sorted.flatMap((tax) => (tax.type === 'group' ? applied(tax.children) : [tax]));
}

/** For each tax the number of its run: neighbours that are computed together. */
function runsOf(taxes: readonly Tax[]): number[] {
  const runs: number[] = new Array(taxes.length).fill(0);
  let run = 0;
  for (let i = taxes.length - 2; i >= 0; i--) {
    const tax = taxes[i]!;
    const next = taxes[i + 1]!;
    const alike = tax.type === next.type && tax.included === next.included && tax.includeBase === next.includeBase;
    if (!alike || (tax.includeBase && next.baseAffected)) run++;
    runs[i] = run;
  }
  return runs;
}

/** One line's taxes in exact fractions. */
class LineComputation {
  readonly taxes: readonly Tax[];
  readonly runs: readonly number[];
  readonly amounts: Rational[];
  readonly shifts: Rational[];
  readonly gross: Rational;
  readonly round: (value: Rational) => Rational;

  constructor(line: TotalLine, rounding: Rounding) {
    this.taxes = applied(line.taxes);
    this.runs = runsOf(this.taxes);
    this.amounts = this.taxes.map(() => zero);
    this.shifts = this.taxes.map(() => zero);
    this.round = rounding.perLine ? (value) => roundTo(value, rounding.step) : (value) => value;
    const unit = line.discount.n === 0n ? line.price : times(line.price, minus(one, over(line.discount, hundred)));
    this.gross = this.round(times(line.quantity, unit));
    const sign = rounding.version >= 19 && unit.n < 0n ? negate(line.quantity) : line.quantity;
    this.pass('fixed', undefined, (tax) => times(sign, tax.amount));
    this.pass('percent', true, (tax, i) => {
      const rates = this.runSum(i, (other) => this.taxes[other]!.amount);
      return times(over(this.basis(i), plus(one, over(rates, hundred))), over(tax.amount, hundred));
    });
    this.pass('percent', false, (tax, i) => times(this.basis(i), over(tax.amount, hundred)));
  }

  private basis(i: number): Rational {
    return plus(this.gross, this.shifts[i]!);
  }

  private runSum(i: number, value: (index: number) => Rational): Rational {
    let sum = zero;
    for (let other = 0; other < this.taxes.length; other++)
      if (this.runs[other] === this.runs[i]) sum = plus(sum, value(other));
    return sum;
  }

  /** Excluded percent taxes are settled first to last, all others last to first. */
  private pass(type: Tax['type'], included: boolean | undefined, amount: (tax: Tax, i: number) => Rational): void {
    const indexes = this.taxes.map((_, i) => i);
    if (included !== false) indexes.reverse();
    for (const i of indexes) {
      const tax = this.taxes[i]!;
      if (tax.type !== type || (included !== undefined && tax.included !== included)) continue;
      this.amounts[i] = this.round(amount(tax, i));
      this.settle(i);
    }
  }

  private settle(i: number): void {
    const tax = this.taxes[i]!;
    const amount = this.amounts[i]!;
    for (let other = 0; other < this.taxes.length; other++) {
      if (this.runs[other] === this.runs[i]) continue;
      const builds = other > i && tax.includeBase && this.taxes[other]!.baseAffected;
      if (tax.included ? !builds : builds)
        this.shifts[other] = plus(this.shifts[other]!, tax.included ? negate(amount) : amount);
    }
  }

  base(i: number): Rational {
    const own = this.taxes[i]!.included ? this.runSum(i, (other) => this.amounts[other]!) : zero;
    return minus(this.basis(i), own);
  }
}

/** Untaxed amount, taxes and stored totals of one line. */
function lineTotals(line: TotalLine, rounding: Rounding): LineTotals {
  const computed = new LineComputation(line, rounding);
  const shares = computed.taxes.map((tax, i) => ({ tax, amount: computed.amounts[i]!, base: computed.base(i) }));
  const untaxed = shares[0]?.base ?? computed.gross;
  const subtotal = roundTo(untaxed, rounding.step);
  const total =
    rounding.version >= 19
      ? shares.reduce((sum, share) => plus(sum, roundTo(share.amount, rounding.step)), subtotal)
      : roundTo(
          shares.reduce((sum, share) => plus(sum, share.amount), untaxed),
          rounding.step,
        );
  return { untaxed, shares, subtotal, total };
}

function sumPerTax(lines: readonly LineTotals[]): TaxShare[] {
  const sums = new Map<number, TaxShare>();
  for (const { tax, amount, base } of lines.flatMap((line) => line.shares)) {
    const before = sums.get(tax.id);
    sums.set(
      tax.id,
      before ? { tax, amount: plus(before.amount, amount), base: plus(before.base, base) } : { tax, amount, base },
    );
  }
  return [...sums.values()];
}

/** The totals of a whole order. In global mode they are not the sum of the line totals. */
export function orderTotals(lines: readonly TotalLine[], rounding: Rounding): OrderTotals {
  const computed = lines.map((line) => lineTotals(line, rounding));
  const sums = sumPerTax(computed);
  const round = (value: Rational) => roundTo(value, rounding.step);
  const taxes = sums.map(({ tax, amount, base }) => ({ tax, amount: round(amount), base: round(base) }));
  const tax = taxes.reduce((sum, share) => plus(sum, share.amount), zero);
  const exactUntaxed = computed.reduce((sum, line) => plus(sum, line.untaxed), zero);
  let untaxed = round(exactUntaxed);
  if (rounding.version >= 19 && sums.length > 0 && sums.every((share) => share.tax.included)) {
    const exactTotal = sums.reduce((sum, share) => plus(sum, share.amount), exactUntaxed);
    untaxed = minus(round(exactTotal), tax);
  }
  return { lines: computed, untaxed, tax, total: plus(untaxed, tax), taxes };
}
