import { type Duration, milliseconds } from '../../core/clock.ts';
import { compare, type Decimal, decimal, integer, multiply, negate, roundTo } from '../../core/decimal.ts';
import { rejected } from '../../core/fault.ts';
import type { Draft, Rule, Surroundings } from '../../core/flow.ts';
import { currencyDigits, exactMoney, isCurrency, storedText } from '../../core/money.ts';
import type { Order, OrderDocument } from '../order.ts';
import type { ProductDocument } from '../product.ts';

/**
 * What every order passes before it goes to the books, from whichever channel it comes. Sums are wrong or right; what is odd only (`passable`) a person may let pass.
 * docs/rules.md lists the causes and what to do.
 */
export type OrderRule = Rule<typeof OrderDocument>;

/** What is beyond these is asked about. */
export interface OrderBounds {
  /** ISO 4217 codes that the company deals in; null: all. */
  readonly currencies: readonly string[] | null;
  /** Units on one line: a plain decimal; null: no bound. */
  readonly quantity: string | null;
  /** What an order may come to, by currency: plain decimals in major units. No bound in a currency that is not named. */
  readonly amount: Readonly<Record<string, string>>;
  /** How far ahead of its receipt it may have been placed: clocks and zones differ. */
  readonly ahead: Duration;
  /** Whether goods may stand on an order at no price and without a discount. */
  readonly freeGoods: 'asked' | 'allowed';
}

/** Nobody orders more of one thing; a million of a currency whose unit is worth something. */
export const orderBounds: OrderBounds = {
  currencies: null,
  quantity: '10000',
  amount: Object.fromEntries(
    ['AUD', 'CAD', 'CHF', 'DKK', 'EUR', 'GBP', 'NOK', 'NZD', 'PLN', 'SEK', 'USD'].map((code) => [code, '1000000']),
  ),
  ahead: '1d',
  freeGoods: 'asked',
};

/** The rules of the channels' flows; `bounds` change what is not as the default has it. */
export function orderRules(bounds: Partial<OrderBounds> = {}): OrderRule[] {
  const { currencies, quantity, amount, ahead, freeGoods } = { ...orderBounds, ...bounds };
  return [
    hasLines,
    knownCurrency(currencies),
    linesBalance,
    totalBalances,
    ...(freeGoods === 'asked' ? [nothingForNothing] : []),
    noNegatives,
    notAhead(ahead),
    ...(quantity === null ? [] : [usualQuantity(quantity)]),
    usualAmount(amount),
  ];
}

/** What no order may be without: for flows that ask about what is odd in a way of their own. */
export const orderSums = (): OrderRule[] => [hasLines, knownCurrency(null), linesBalance, totalBalances];

type Line = Order['lines'][number];

const named = ({ number }: Order): string => `Order ${number}`;
const shown = (minor: bigint | number, { currency }: Order): string =>
  `${storedText({ minor: BigInt(minor), currency })} ${currency}`;

/** Null for what is no number: `linesBalance` says so. */
function numberIn(text: string): Decimal | null {
  try {
    return decimal(text);
  } catch {
    return null;
  }
}

/** -1, 0 or 1; NaN for what is no number. */
const signOf = (text: string): number => {
  const value = numberIn(text);
  return value === null ? Number.NaN : compare(value, integer(0));
};

/** `line 2 (MUG, 3 × 9.99)`, the first three of them. */
function tellLines(order: Order, some: readonly Line[]): string {
  const words = some
    .slice(0, 3)
    .map((line) => `line ${order.lines.indexOf(line) + 1} (${line.sku}, ${line.quantity} × ${line.unitPrice})`);
  return `${words.join(', ')}${some.length > 3 ? ` and ${some.length - 3} more` : ''}`;
}

/** `no-lines`. */
export const hasLines: OrderRule = (order) =>
  order.lines.length > 0
    ? null
    : { cause: 'no-lines', message: `${named(order)} has no lines: nothing was sold.`, field: 'lines' };

const currencyBreach = (number: string, currency: string) => ({
  cause: 'currency-unknown',
  message: isCurrency(currency)
    ? `Order ${number} is in ${currency}, in which the company does not deal.`
    : `Order ${number}: '${currency.slice(0, 10)}' is no currency (ISO 4217).`,
  field: 'currency',
});

/** `currency-unknown`: none of ISO 4217, or none that the company deals in. */
export const knownCurrency =
  (currencies: readonly string[] | null): OrderRule =>
  ({ number, currency }) =>
    isCurrency(currency) && (currencies?.includes(currency) ?? true) ? null : currencyBreach(number, currency);

/** For connectors that reckon in a currency before there is an order: throws `rejected` as `knownCurrency` says it. */
export function requireCurrency(number: string, currency: string): void {
  if (isCurrency(currency)) return;
  const { message, cause, field } = currencyBreach(number, currency);
  throw rejected(message, cause, field);
}

/** `totals-differ`, `not-a-number`: each line is its quantity × its price, rounded to the currency, halves away from zero. A discount is a line of its own. */
export const linesBalance: OrderRule = (order) => {
  if (!isCurrency(order.currency)) return null;
  const digits = currencyDigits(order.currency);
  for (const [index, { sku, quantity, unitPrice, total }] of order.lines.entries()) {
    const [units, price] = [numberIn(quantity), numberIn(unitPrice)];
    const line = `${named(order)}, line ${index + 1} (${sku})`;
    if (units === null || price === null) {
      const [text, field] = units === null ? [quantity, 'quantity'] : [unitPrice, 'unitPrice'];
      return { cause: 'not-a-number', message: `${line}: '${text.slice(0, 40)}' is no number.`, field };
    }
    const value = roundTo(multiply(units, price), digits);
    if (value !== BigInt(total))
      return {
        cause: 'totals-differ',
        message: `${line}: ${quantity} × ${unitPrice} is ${shown(value, order)}, but it says ${shown(total, order)}.`,
        field: 'lines',
      };
  }
  return null;
};

/** `totals-differ`: the lines, with their tax where prices are without it, come to the order's total, where it has one. */
export const totalBalances: OrderRule = (order) => {
  const { lines, pricesIncludeTax, total } = order;
  const untold = !pricesIncludeTax && lines.every(({ tax }) => tax === undefined);
  // Without what the tax is nothing can be compared with a total that has it.
  if (total === undefined || (untold && lines.some(({ taxes }) => taxes.length > 0))) return null;
  const sum = lines.reduce(
    (all, line) => all + BigInt(line.total) + (pricesIncludeTax ? 0n : BigInt(line.tax ?? 0)),
    0n,
  );
  if (sum === BigInt(total)) return null;
  return {
    cause: 'totals-differ',
    message: `${named(order)}: its lines come to ${shown(sum, order)}, but it says ${shown(total, order)}; ${shown(BigInt(total) - sum, order)} differ.`,
    field: 'total',
  };
};

const isProduct = (draft: Draft): draft is Draft<typeof ProductDocument> => draft.kind === 'product';

/** Lines of what is stored: shipping, discounts and rounding may be free or below zero. The products come with the order; what is not known to be goods is not judged. */
function goodsOf({ lines }: Order, { documents }: Surroundings): Line[] {
  const goods = new Set(
    documents
      .filter(isProduct)
      .filter(({ body }) => body.kind === 'goods')
      .map(({ body }) => body.sku),
  );
  return lines.filter(({ sku }) => goods.has(sku));
}

/** `free-goods`: goods are sold at no price, and no discount says why (it would stand on a line of its own, beside the price). */
export const nothingForNothing: OrderRule = (order, around) => {
  if (order.kind !== 'sale') return null;
  const free = goodsOf(order, around).filter(
    ({ quantity, unitPrice }) => signOf(unitPrice) === 0 && signOf(quantity) > 0,
  );
  if (free.length === 0) return null;
  return {
    cause: 'free-goods',
    message: `${named(order)} gives goods away without a discount that says so: ${tellLines(order, free)}.`,
    field: 'unitPrice',
    passable: true,
  };
};

/** `negative-price`, `negative-quantity`: goods below zero. Over the counter they may come back within a sale; what is delivered cannot. */
export const noNegatives: OrderRule = (order, around) => {
  const goods = goodsOf(order, around);
  const below = goods.filter(({ unitPrice }) => signOf(unitPrice) < 0);
  if (below.length > 0)
    return {
      cause: 'negative-price',
      message: `${named(order)} has goods at a price below zero: ${tellLines(order, below)}.`,
      field: 'unitPrice',
      passable: true,
    };
  const back =
    order.delivery === undefined || order.kind !== 'sale' ? [] : goods.filter(({ quantity }) => signOf(quantity) < 0);
  if (back.length === 0) return null;
  return {
    cause: 'negative-quantity',
    message: `${named(order)} is to be delivered and has goods with a quantity below zero: ${tellLines(order, back)}.`,
    field: 'quantity',
    passable: true,
  };
};

/** `in-the-future`: a wrong clock or a wrong year would put it on a business day that is yet to come. */
export const notAhead = (most: Duration): OrderRule => {
  const ahead = milliseconds(most);
  return (order, { receivedAt }) =>
    Date.parse(order.placedAt) <= receivedAt.getTime() + ahead
      ? null
      : {
          cause: 'in-the-future',
          message: `${named(order)} says that it was placed on ${order.placedAt.slice(0, 10)}, which is still to come.`,
          field: 'placedAt',
          passable: true,
        };
};

const sizeOf = (value: Decimal): Decimal => (value.coefficient < 0n ? negate(value) : value);

/** `quantity-out-of-range`: `most` is a plain decimal. */
export const usualQuantity = (most: string): OrderRule => {
  const limit = decimal(most);
  return (order) => {
    const beyond = order.lines.filter(({ quantity }) => {
      const units = numberIn(quantity);
      return units !== null && compare(sizeOf(units), limit) > 0;
    });
    if (beyond.length === 0) return null;
    return {
      cause: 'quantity-out-of-range',
      message: `${named(order)} has more than ${most} units on a line: ${tellLines(order, beyond)}.`,
      field: 'quantity',
      passable: true,
    };
  };
};

/** `amount-out-of-range`: `most` by currency, plain decimals in major units. */
export const usualAmount = (most: Readonly<Record<string, string>>): OrderRule => {
  const limits = new Map(
    Object.entries(most).map(([currency, text]) => [currency, exactMoney(decimal(text), currency).minor] as const),
  );
  return (order) => {
    const worth = BigInt(order.total ?? order.lines.reduce((all, { total }) => all + total, 0));
    const limit = limits.get(order.currency);
    if (limit === undefined || (worth <= limit && worth >= -limit)) return null;
    return {
      cause: 'amount-out-of-range',
      message: `${named(order)} comes to ${shown(worth, order)}; more than ${shown(limit, order)} is unusual.`,
      field: 'total',
      passable: true,
    };
  };
};
