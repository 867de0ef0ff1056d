import { type Decimal, decimalText, divideRounded, fits, roundTo } from './decimal.ts';

/** An amount of money: `minor` in the currency's smallest unit (cents, pence, yen), `currency` as ISO 4217. */
export interface Money {
  readonly minor: bigint;
  readonly currency: string;
}

const currencies = new Set(Intl.supportedValuesOf('currency'));

/**
 * Currencies that have other than two decimals. Not from Intl: it tells how amounts are usually shown, which for the forint or the
 * Colombian peso is without the decimals that they have.
 *
 * @see ISO 4217, list one
 */
const exponents = new Map(
  Object.entries({
    0: 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF',
    3: 'BHD IQD JOD KWD LYD OMR TND',
  }).flatMap(([digits, codes]) => codes.split(' ').map((code) => [code, Number(digits)] as const)),
);

export const isCurrency = (code: string): boolean => currencies.has(code);

/** Decimals of an ISO 4217 currency: 2 for EUR, 0 for JPY, 3 for KWD. Throws RangeError for an unknown code. */
export function currencyDigits(currency: string): number {
  if (!isCurrency(currency)) throw new RangeError(`'${currency}' is not an ISO 4217 currency code`);
  return exponents.get(currency) ?? 2;
}

export const money = (minor: bigint, currency: string): Money => ({ minor, currency });

/** The exact amount. Throws RangeError when the value does not fit the currency's decimals: an amount is never rounded unseen. */
export function exactMoney(value: Decimal, currency: string): Money {
  const digits = currencyDigits(currency);
  if (!fits(value, digits))
    throw new RangeError(`${decimalText(value)} has more decimals than ${currency} allows (${digits})`);
  return { minor: roundTo(value, digits), currency };
}

/** The amount rounded to the currency, halves away from zero. */
export const roundedMoney = (value: Decimal, currency: string): Money => ({
  minor: roundTo(value, currencyDigits(currency)),
  currency,
});

/** "-12.50": the amount in plain decimal notation, without the currency. */
export const moneyText = ({ minor, currency }: Money): string =>
  decimalText({ coefficient: minor, scale: currencyDigits(currency) });

/** The amount for people, of whatever currency it was stored with: one that is none has no known decimals, and its smallest units are shown as they are. Never throws. */
export const storedText = (amount: Money): string =>
  isCurrency(amount.currency) ? moneyText(amount) : String(amount.minor);

/** Sum of amounts of one currency. Throws RangeError when currencies are mixed. */
export function sum(amounts: Iterable<Money>, currency: string): Money {
  let minor = 0n;
  for (const amount of amounts) {
    if (amount.currency !== currency) throw new RangeError(`cannot add ${amount.currency} to ${currency}`);
    minor += amount.minor;
  }
  return { minor, currency };
}

/**
 * Splits `total` (minor units, may be negative) in proportion to `weights` so that the parts add up to it exactly.
 * Deterministic; a zero weight gets nothing, all-zero weights share equally. Each part is cumulative(n) − cumulative(n−1).
 */
export function allocate(total: bigint, weights: readonly bigint[]): bigint[] {
  if (weights.length === 0) throw new RangeError('allocate needs at least one weight');
  if (weights.some((weight) => weight < 0n)) throw new RangeError('weights must not be negative');
  const whole = weights.reduce((a, b) => a + b, 0n);
  const effective = whole === 0n ? weights.map(() => 1n) : weights;
  const sumOfWeights = whole === 0n ? BigInt(weights.length) : whole;
  let seen = 0n;
  let given = 0n;
  return effective.map((weight) => {
    seen += weight;
    const upTo = divideRounded(total * seen, sumOfWeights);
    const part = upTo - given;
    given = upTo;
    return part;
  });
}
