import { compare, type Decimal, decimal, fits, multiply, negate } from '../../core/decimal.ts';
import { currencyDigits } from '../../core/money.ts';

/** What a till code stands for: the values of Mapping table `till-codes`. */
export const roles = ['goods', 'voucher', 'carriage', 'discount', 'fee', 'manual', 'sample', 'service'] as const;
export type Role = (typeof roles)[number];

/** Lines beyond these are asked about first. Plain decimals; a value in the currency of the invoice; null: no limit. */
export interface Limits {
  /** Value of a manual entry: nothing says what it is for. */
  readonly manual: string | null;
  /** Value of a discount. */
  readonly discount: string | null;
  /** Value of a sample. */
  readonly sample: string | null;
  /** Value of a fee. */
  readonly fee: string | null;
  /** Pieces of goods on one line. */
  readonly quantity: string | null;
  /** Price of one piece of goods. */
  readonly price: string | null;
}

export const defaultLimits: Limits = {
  manual: '100.00',
  discount: '100.00',
  sample: '100.00',
  fee: null,
  quantity: '5000',
  price: '1000.00',
};

/** One line as the rules see it. */
export interface SalesLine {
  readonly role: Role;
  readonly quantity: Decimal;
  readonly price: Decimal;
}

/** What the rules know of the invoice around a line. */
export interface Surroundings {
  readonly cancellation: boolean;
  /** The customer is known by name or number. */
  readonly named: boolean;
  /** Other lines of the invoice have a value. */
  readonly hasValue: boolean;
  readonly currency: string;
  readonly limits: Limits;
}

export type Cause =
  | 'free-goods'
  | 'zero-price-service'
  | 'zero-quantity'
  | 'negative-price'
  | 'contradictory-sign'
  | 'adding-discount'
  | 'manual-entry'
  | 'large-discount'
  | 'large-sample'
  | 'large-fee'
  | 'quantity-out-of-range'
  | 'price-out-of-range'
  | 'fraction-of-a-cent';

/** Why a bookkeeper would stop, and what a person can do. `post` books the lines as they stand. */
export const causes: Readonly<Record<Cause, string>> = {
  'free-goods':
    'goods without a price inside a sale. They left the shop, so counting them as found stock would be wrong, and the price may be missing. `post` puts them on the order at no charge',
  'zero-price-service':
    'a service without a price: it moves no money and no stock. `post` puts it on the order at no charge',
  'zero-quantity': 'a quantity of zero: nothing was sold. `post` puts it on the order',
  'negative-price': 'a negative price. `post` books it as it stands',
  'contradictory-sign':
    'goods that come back on a sale, or are sold on a cancellation. `post` books them as they stand',
  'adding-discount': 'a discount that adds to the bill instead of lowering it. `post` books it as it stands',
  'manual-entry': 'a manual entry above the limit; nothing says what it is for. `post` books it as it stands',
  'large-discount': 'a discount above the limit. `post` books it as it stands',
  'large-sample': 'a sample above the limit. `post` books it as it stands',
  'large-fee': 'a fee above the limit. `post` books it as it stands',
  'quantity-out-of-range': 'more pieces on one line than anything usual. `post` books them as they stand',
  'price-out-of-range': 'a higher price for one piece than anything usual. `post` books it as it stands',
  'fraction-of-a-cent':
    'a value that is not a whole number of the smallest coin. `post` books it rounded to the nearest, halves away from zero',
};

const zero = decimal('0');
const sign = (value: Decimal): -1 | 0 | 1 => compare(value, zero);
const beyond = (value: Decimal, limit: string | null): boolean => {
  if (limit === null) return false;
  const size = sign(value) < 0 ? negate(value) : value;
  return compare(size, decimal(limit)) > 0;
};

/** Why the line cannot be posted without a person, or null. */
export function objectionTo(line: SalesLine, around: Surroundings): Cause | null {
  const { role, quantity, price } = line;
  const { limits } = around;
  if (sign(quantity) === 0) return 'zero-quantity';
  if (sign(price) === 0) {
    if (role !== 'goods') return 'zero-price-service';
    return around.named || around.hasValue || around.cancellation ? 'free-goods' : null;
  }
  if (sign(price) < 0) return 'negative-price';
  const value = multiply(quantity, price);
  if (role === 'discount') {
    if (sign(value) > 0) return 'adding-discount';
  } else if (around.cancellation !== sign(quantity) < 0) return 'contradictory-sign';
  if (!fits(value, currencyDigits(around.currency))) return 'fraction-of-a-cent';
  if (role === 'manual' && beyond(value, limits.manual)) return 'manual-entry';
  if (role === 'discount' && beyond(value, limits.discount)) return 'large-discount';
  if (role === 'sample' && beyond(value, limits.sample)) return 'large-sample';
  if (role === 'fee' && beyond(value, limits.fee)) return 'large-fee';
  if (role === 'goods' && beyond(quantity, limits.quantity)) return 'quantity-out-of-range';
  if (role === 'goods' && beyond(price, limits.price)) return 'price-out-of-range';
  return null;
}

/** True for lines that move stock without money. */
export const movesStockOnly = ({ role, price, quantity }: SalesLine): boolean =>
  role === 'goods' && sign(price) === 0 && sign(quantity) !== 0;

export const hasValue = ({ price, quantity }: Pick<SalesLine, 'price' | 'quantity'>): boolean =>
  sign(price) !== 0 && sign(quantity) !== 0;
