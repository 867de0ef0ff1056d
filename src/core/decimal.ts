/** An exact decimal number: `coefficient` × 10^-`scale`. Never a binary float. */
export interface Decimal {
  readonly coefficient: bigint;
  readonly scale: number;
}

const pattern = /^([+-]?)(\d+)(?:\.(\d+))?$/;

/** Reads plain notation ("-12.50"). Throws RangeError for anything else, exponents, NaN, separators and more than 30 digits included. */
export function decimal(text: string): Decimal {
  const parts = pattern.exec(text);
  if (!parts || text.length > 32)
    throw new RangeError(`'${text.slice(0, 40)}' is not a plain decimal number such as -12.50`);
  const [, sign, whole, fraction = ''] = parts;
  const coefficient = BigInt(whole! + fraction);
  return { coefficient: sign === '-' ? -coefficient : coefficient, scale: fraction.length };
}

export const integer = (value: bigint | number): Decimal => ({ coefficient: BigInt(value), scale: 0 });

const power = (digits: number): bigint => 10n ** BigInt(digits);

export const multiply = (a: Decimal, b: Decimal): Decimal => ({
  coefficient: a.coefficient * b.coefficient,
  scale: a.scale + b.scale,
});

export function add(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale);
  return { coefficient: a.coefficient * power(scale - a.scale) + b.coefficient * power(scale - b.scale), scale };
}

export const negate = (a: Decimal): Decimal => ({ coefficient: -a.coefficient, scale: a.scale });

/** -1, 0 or 1. */
export function compare(a: Decimal, b: Decimal): -1 | 0 | 1 {
  const difference = add(a, negate(b)).coefficient;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** `numerator / denominator` to the nearest integer, halves away from zero and symmetric: round(-x) = -round(x). */
export function divideRounded(numerator: bigint, denominator: bigint): bigint {
  const negative = numerator < 0n !== denominator < 0n;
  const n = numerator < 0n ? -numerator : numerator;
  const d = denominator < 0n ? -denominator : denominator;
  const rounded = (2n * n + d) / (2n * d);
  return negative ? -rounded : rounded;
}

/** The value as an integer of 10^-`digits` units, halves away from zero. */
export const roundTo = (a: Decimal, digits: number): bigint =>
  a.scale <= digits ? a.coefficient * power(digits - a.scale) : divideRounded(a.coefficient, power(a.scale - digits));

/** True when the value needs no more than `digits` decimals. */
export const fits = (a: Decimal, digits: number): boolean =>
  a.scale <= digits || a.coefficient % power(a.scale - digits) === 0n;

/** Plain notation with exactly the decimals the value carries. */
export function decimalText(a: Decimal): string {
  const digits = (a.coefficient < 0n ? -a.coefficient : a.coefficient).toString().padStart(a.scale + 1, '0');
  const cut = digits.length - a.scale;
  return `${a.coefficient < 0n ? '-' : ''}${digits.slice(0, cut)}${a.scale ? `.${digits.slice(cut)}` : ''}`;
}
