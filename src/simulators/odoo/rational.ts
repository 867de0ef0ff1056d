/** An exact fraction; `d` is always positive. */
export interface Rational {
  readonly n: bigint;
  readonly d: bigint;
}

export const zero: Rational = { n: 0n, d: 1n };
export const one: Rational = { n: 1n, d: 1n };
export const hundred: Rational = { n: 100n, d: 1n };

const LARGE = 1n << 96n;

function gcd(a: bigint, b: bigint): bigint {
  let x = a < 0n ? -a : a;
  let y = b;
  while (y) [x, y] = [y, x % y];
  return x;
}

/** Makes a fraction, reduced only when its parts have grown large. */
function fraction(n: bigint, d: bigint): Rational {
  if (d < LARGE) return { n, d };
  const common = gcd(n, d);
  return common > 1n ? { n: n / common, d: d / common } : { n, d };
}

/** The decimal a JavaScript number prints as: 0.1 is one tenth. */
export function rational(value: number): Rational {
  if (Number.isInteger(value)) return { n: BigInt(value), d: 1n };
  const [mantissa = '0', exponent = '0'] = String(value).toLowerCase().split('e');
  const [whole = '0', decimals = ''] = mantissa.split('.');
  const scale = decimals.length - Number(exponent);
  const digits = BigInt(whole + decimals);
  return scale >= 0 ? { n: digits, d: 10n ** BigInt(scale) } : { n: digits * 10n ** BigInt(-scale), d: 1n };
}

export const negate = (a: Rational): Rational => ({ n: -a.n, d: a.d });
export const times = (a: Rational, b: Rational): Rational => fraction(a.n * b.n, a.d * b.d);

export function plus(a: Rational, b: Rational): Rational {
  if (a.d === b.d) return { n: a.n + b.n, d: a.d };
  return fraction(a.n * b.d + b.n * a.d, a.d * b.d);
}

export const minus = (a: Rational, b: Rational): Rational => plus(a, negate(b));

/** Throws RangeError when `b` is zero. */
export function over(a: Rational, b: Rational): Rational {
  if (b.n === 0n) throw new RangeError('division by zero');
  return b.n < 0n ? fraction(-a.n * b.d, -a.d * b.n) : fraction(a.n * b.d, a.d * b.n);
}

/** The nearest multiple of `step` (such as 1/100 or 1/20), halves away from zero. */
export function roundTo(a: Rational, step: Rational): Rational {
  const n = a.n * step.d;
  const d = a.d * step.n;
  const size = n < 0n ? -n : n;
  const count = (2n * size + d) / (2n * d);
  return { n: (n < 0n ? -count : count) * step.n, d: step.d };
}

/** The nearest binary float. */
export function toNumber(a: Rational): number {
  const digits = 15n;
  const whole = a.n / a.d;
  if (whole * a.d === a.n) return Number(whole);
  const scaled = roundTo(a, { n: 1n, d: 10n ** digits });
  const negative = scaled.n < 0n;
  const text = (negative ? -scaled.n : scaled.n).toString().padStart(16, '0');
  return Number(`${negative ? '-' : ''}${text.slice(0, -15)}.${text.slice(-15)}`);
}

/** Rounds a float to `digits` decimals, halves away from zero, exactly as its printed decimals say. */
export function roundDigits(value: number, digits: number): number {
  if (Number.isInteger(value)) return value;
  return toNumber(roundTo(rational(value), { n: 1n, d: 10n ** BigInt(digits) }));
}

/** `a + b` without the noise of binary addition (0.1 + 0.2 is 0.3). */
export const addExactly = (a: number, b: number): number =>
  Number.isInteger(a) && Number.isInteger(b) ? a + b : toNumber(plus(rational(a), rational(b)));
