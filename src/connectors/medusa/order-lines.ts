import { add, type Decimal, decimal, decimalText, integer, multiply, negate } from '../../core/decimal.ts';
import { rejected } from '../../core/fault.ts';
import { moneyText } from '../../core/money.ts';
import type { Order } from '../../model/order.ts';
import type { MedusaEdit, MedusaLine, MedusaShippingMethod, MedusaTax } from './native.ts';
import { plainText, type Terms } from './terms.ts';

type OrderLine = Order['lines'][number];

/** What something costs, exact and in major units: before discounts, and off it; both with tax where prices have it. */
interface Charge {
  readonly id: string;
  readonly sku: string;
  readonly description: string;
  readonly quantity: Decimal;
  readonly unit: Decimal;
  readonly off: Decimal;
  readonly taxes: readonly MedusaTax[];
  readonly discounted: boolean;
  /** Share that is still there after goods came back: Medusa's own total is of that. */
  readonly left: readonly [part: Decimal, of: Decimal];
}

const zero = integer(0);
/** Decimals to which a division is carried: far below a cent. */
const PLACES = 12;

const sumOf = (all: readonly Decimal[]): Decimal => all.reduce(add, zero);

/** `a × part ÷ whole`, to twelve decimals. */
export function share(a: Decimal, part: Decimal, whole: Decimal): Decimal {
  if (whole.coefficient === 0n) return zero;
  const numerator = a.coefficient * part.coefficient * 10n ** BigInt(PLACES + whole.scale);
  const denominator = whole.coefficient * 10n ** BigInt(a.scale + part.scale);
  return { coefficient: numerator / denominator, scale: PLACES };
}

/** SKU of a line as the hub writes it: upper case. A product without one cannot be told from others. */
export function skuOf(line: MedusaLine, terms: Terms): string {
  const sku = line.variant_sku?.trim();
  if (sku) return sku.toUpperCase();
  if (line.variant_id === null) return terms.skus.custom;
  throw rejected(
    `Order ${terms.number}: '${nameOf(line)}' has no SKU in Medusa. Give its variant one, then retry.`,
    'no-sku',
    'sku',
  );
}

export const nameOf = ({ title, variant_title }: MedusaLine): string =>
  variant_title && variant_title !== 'Default variant' ? `${title} - ${variant_title}` : title;

type Adjusted = Pick<MedusaLine, 'adjustments' | 'tax_lines'>;

const rateOf = (taxes: readonly MedusaTax[]): Decimal => sumOf(taxes.map(({ rate }) => decimal(plainText(rate))));

/** What discounts take off, as prices are: an adjustment may be told with tax or without. */
function offOf({ adjustments, tax_lines }: Adjusted, inclusive: boolean, terms: Terms): Decimal {
  const hundred = integer(100);
  const gross = add(hundred, rateOf(tax_lines));
  return sumOf(
    adjustments.map(({ amount, is_tax_inclusive = false }) => {
      const exact = terms.amount(amount, 'adjustments.amount');
      if (is_tax_inclusive === inclusive) return exact;
      return inclusive ? share(exact, gross, hundred) : share(exact, hundred, gross);
    }),
  );
}

function chargesOf(terms: Terms, inclusive: boolean, items: readonly MedusaLine[] = terms.items): Charge[] {
  const { edits = [], shipping_methods } = terms.order;
  // A discount that an edit took off again keeps its line: whoever has it must hear of it.
  const once = new Set(
    edits.flatMap(({ items }) => items.flatMap(({ id, from }) => (from.adjustments.length > 0 ? id : []))),
  );
  const goods = items.map((line): Charge => {
    const quantity = terms.amount(line.quantity, 'items.quantity');
    const { return_received_quantity: back, return_dismissed_quantity: dismissed } = line.detail;
    const gone = add(terms.amount(back, 'items.detail'), terms.amount(dismissed, 'items.detail'));
    return {
      id: line.id,
      sku: skuOf(line, terms),
      description: nameOf(line),
      quantity,
      unit: terms.amount(line.unit_price, 'items.unit_price'),
      off: offOf(line, inclusive, terms),
      taxes: line.tax_lines,
      discounted: line.adjustments.length > 0 || once.has(line.id),
      left: [add(quantity, negate(gone)), quantity],
    };
  });
  const shipping = shipping_methods.map(
    (method: MedusaShippingMethod): Charge => ({
      id: method.id,
      sku: terms.skus.shipping,
      description: method.name,
      quantity: integer(1),
      unit: terms.amount(method.amount, 'shipping_methods.amount'),
      off: offOf(method, inclusive, terms),
      taxes: method.tax_lines,
      discounted: method.adjustments.length > 0,
      left: [integer(1), integer(1)],
    }),
  );
  return [...goods, ...shipping];
}

/** Whether prices have their tax in them; where nothing is taxed it does not matter. */
function pricesIncludeTax(terms: Terms): boolean {
  const taxed = [...terms.items, ...terms.order.shipping_methods].filter(({ tax_lines }) =>
    tax_lines.some(({ rate }) => rate !== 0),
  );
  const ways = new Set(taxed.map(({ is_tax_inclusive }) => is_tax_inclusive));
  if (ways.size > 1)
    throw rejected(
      `Order ${terms.number} has prices with and without tax. Set the same price preference for goods and shipping in Medusa.`,
      'mixed-tax',
      'is_tax_inclusive',
    );
  return ways.has(true);
}

/** Net as prices are, and the tax on it or in it. */
function taxed(
  charge: Pick<Charge, 'unit' | 'quantity' | 'off' | 'taxes'>,
  inclusive: boolean,
): { gross: Decimal; net: Decimal; tax: Decimal } {
  const gross = multiply(charge.unit, charge.quantity);
  const net = add(gross, negate(charge.off));
  const rate = rateOf(charge.taxes);
  const tax = share(net, rate, inclusive ? add(integer(100), rate) : integer(100));
  return { gross, net, tax };
}

/** What a line was worth in some state of it, with tax, and the tax in that; exact. */
export function worthOf(
  { tax_lines }: MedusaLine,
  state: MedusaEdit['items'][number]['from'],
  inclusive: boolean,
  terms: Terms,
): { worth: Decimal; tax: Decimal } {
  const { net, tax } = taxed(
    {
      unit: terms.amount(state.unit_price, 'edits.unit_price'),
      quantity: terms.amount(state.quantity, 'edits.quantity'),
      off: state.quantity === 0 ? zero : offOf({ tax_lines, adjustments: state.adjustments }, inclusive, terms),
      taxes: tax_lines,
    },
    inclusive,
  );
  return { worth: inclusive ? net : add(net, tax), tax };
}

/** The lines of an order and its total, minor units. */
export interface Ordered {
  readonly lines: OrderLine[];
  readonly total: number;
  /** The total as it is before it is rounded, in major units. */
  readonly exact: Decimal;
  readonly inclusive: boolean;
}

/**
 * The order's lines and its total, minor units. Medusa rounds nothing: each line is rounded here, the total once as a payment provider rounds it, and what
 * lies between stands in a line of its own. Goods that came back take nothing off: they are documents of their own. A line that edits took off has quantity 0. Throws `rejected` where Medusa's own
 * total is another one, with both.
 */
export function orderLines(terms: Terms): Ordered {
  const inclusive = pricesIncludeTax(terms);
  const charges = chargesOf(terms, inclusive);
  const { lines, exact, left, rest } = sumsOf(charges, inclusive, terms);
  agrees(left, terms);
  const rounded = rest !== 0 || wasRounded(terms, inclusive) ? [...lines, rounding(rest, terms)] : lines;
  return { lines: rounded, total: Number(terms.minor(exact)), exact, inclusive };
}

/** Lines, what they come to, what of that is left after goods came back, and the cents by which the rounded lines miss the rounded total. */
function sumsOf(charges: readonly Charge[], inclusive: boolean, terms: Terms) {
  const all = charges.map((charge) => ({ charge, ...taxed(charge, inclusive) }));
  const paid = all.map(({ charge, net, tax }) => ({ charge, amount: inclusive ? net : add(net, tax) }));
  const exact = sumOf(paid.map(({ amount }) => amount));
  const left = sumOf(paid.map(({ charge, amount }) => share(amount, ...charge.left)));
  const lines = all.flatMap(({ charge, gross, tax }) => linesOf(charge, { gross, tax }, terms));
  const sum = lines.reduce((so, line) => so + line.total + (inclusive ? 0 : (line.tax ?? 0)), 0);
  return { lines, exact, left, rest: Number(terms.minor(exact)) - sum };
}

/** Whether a state of the order before one of its edits had cents between: a line that was there stays, for whoever has it must hear of it. */
function wasRounded(terms: Terms, inclusive: boolean): boolean {
  let items = terms.items;
  const edits = [...(terms.order.edits ?? [])].sort((a, b) => b.version - a.version);
  return edits.some((edit) => {
    items = items.map((line) => ({ ...line, ...edit.items.find(({ id }) => id === line.id)?.from }));
    return sumsOf(chargesOf(terms, inclusive, items), inclusive, terms).rest !== 0;
  });
}

function agrees(left: Decimal, terms: Terms): void {
  const { total, credit_line_total = 0 } = terms.order;
  const says = add(terms.amount(total, 'total'), terms.amount(credit_line_total, 'credit_line_total'));
  const apart = terms.minor(multiply(add(left, negate(says)), integer(10)));
  if (apart <= 1n && apart >= -1n) return;
  const shown = (value: Decimal): string => `${moneyText({ minor: terms.minor(value), currency: terms.currency })}`;
  throw rejected(
    `Order ${terms.number}: its lines come to ${shown(left)} ${terms.currency}, but Medusa says ${shown(says)}.`,
    'totals-differ',
    'total',
  );
}

/** A line, and beside it one for what was taken off, with its share of the tax. */
function linesOf(charge: Charge, { gross, tax }: { gross: Decimal; tax: Decimal }, terms: Terms): OrderLine[] {
  const { id, sku, description, quantity, unit, off } = charge;
  const net = add(gross, negate(off));
  const taxes = terms.taxCodes(charge.taxes);
  const whole = terms.minor(tax);
  const grossTax = net.coefficient === 0n ? whole : terms.minor(share(tax, gross, net));
  const line: OrderLine = {
    id,
    sku,
    description,
    quantity: decimalText(quantity),
    unitPrice: decimalText(unit),
    taxes,
    total: Number(terms.minor(gross)),
    tax: Number(grossTax),
  };
  if (!charge.discounted && off.coefficient === 0n) return [line];
  const less = -terms.minor(off);
  return [
    line,
    {
      id: `${id}-discount`,
      sku: terms.skus.discount,
      description: `Discount: ${description}`,
      quantity: '1',
      unitPrice: moneyText({ minor: less, currency: terms.currency }),
      taxes,
      total: Number(less),
      tax: Number(whole - grossTax),
    },
  ];
}

const rounding = (minor: number, terms: Terms): OrderLine => ({
  id: 'rounding',
  sku: terms.skus.rounding,
  description: 'Rounding of the total to the currency',
  quantity: '1',
  unitPrice: moneyText({ minor: BigInt(minor), currency: terms.currency }),
  taxes: [],
  total: minor,
  tax: 0,
});
