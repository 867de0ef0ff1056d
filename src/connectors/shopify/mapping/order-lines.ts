import { divideRounded } from '../../../core/decimal.ts';
import { rejected } from '../../../core/fault.ts';
import { moneyText } from '../../../core/money.ts';
import type { Order } from '../../../model/order.ts';
import type {
  ShopifyFulfillmentOrder,
  ShopifyLine,
  ShopifyOrder,
  ShopifyRefund,
  ShopifyShippingLine,
  ShopifyTax,
} from '../native.ts';
import { type Terms, tailOf } from './terms.ts';

type OrderLine = Order['lines'][number];

/** Units taken off, and what they were worth. */
interface Removed {
  quantity: number;
  subtotal: bigint;
  tax: bigint;
}

/** Money that came in. */
export const isReceived = ({ kind, status }: ShopifyOrder['transactions'][number]): boolean =>
  (kind === 'SALE' || kind === 'CAPTURE') && status === 'SUCCESS';

/** A refund through which no money went back and that belongs to no return. */
export const isRemoval = (refund: ShopifyRefund, terms: Terms): boolean =>
  refund.return === null && terms.minor(refund.totalRefundedSet, 'totalRefundedSet') === 0n && noneUnderWay(refund);

const noneUnderWay = ({ transactions }: ShopifyRefund): boolean =>
  !transactions.nodes.some(({ status }) => status === 'PENDING' || status === 'AWAITING_RESPONSE');

/**
 * Whether a refund's line is of units that are no longer to be shipped: `CANCEL` is the only kind that makes fewer of them. A cancelled order stays as it was ordered.
 *
 * @see https://shopify.dev/docs/api/admin-graphql/latest/enums/RefundLineItemRestockType
 */
const isTakenOff = (
  refund: ShopifyRefund,
  { restockType }: Pick<ShopifyRefund['refundLineItems']['nodes'][number], 'restockType'>,
  terms: Terms,
): boolean => isRemoval(refund, terms) || (restockType === 'CANCEL' && terms.order.cancelledAt === null);

/** Units taken off by edits, which Shopify keeps as refunds without money, and by refunds before they were shipped; by line. */
export function removals(terms: Terms): Map<string, Removed> {
  const all = new Map<string, Removed>();
  for (const refund of terms.order.refunds)
    for (const line of refund.refundLineItems.nodes) {
      if (!isTakenOff(refund, line, terms)) continue;
      const { lineItem, quantity, subtotalSet, totalTaxSet } = line;
      const known = all.get(lineItem.id) ?? { quantity: 0, subtotal: 0n, tax: 0n };
      known.quantity += quantity;
      known.subtotal += terms.minor(subtotalSet, 'subtotalSet');
      known.tax += terms.minor(totalTaxSet, 'totalTaxSet');
      all.set(lineItem.id, known);
    }
  return all;
}

/** Whether a refund's line is of units that will never be shipped: also those of a cancelled order. */
export const isOff = (
  refund: ShopifyRefund,
  { restockType }: Pick<ShopifyRefund['refundLineItems']['nodes'][number], 'restockType'>,
  terms: Terms,
): boolean => isRemoval(refund, terms) || restockType === 'CANCEL';

/** Units of a line that are left after a refund: ordered, less those taken off until then, less those that the refunds before it paid back as goods. */
export function leftOf(line: ShopifyLine, refund: ShopifyRefund, terms: Terms): number {
  const { refunds } = terms.order;
  const place = refunds.indexOf(refund);
  const units = (some: readonly ShopifyRefund[], which: (refund: ShopifyRefund, off: boolean) => boolean): number =>
    some
      .flatMap((one) => one.refundLineItems.nodes.filter((goods) => which(one, isOff(one, goods, terms))))
      .filter(({ lineItem }) => lineItem.id === line.id)
      .reduce((sum, { quantity }) => sum + quantity, 0);
  const isPaidBack = ({ totalRefundedSet }: ShopifyRefund): boolean =>
    terms.minor(totalRefundedSet, 'totalRefundedSet') > 0n;
  // What is still to be paid back is told when it is, and is not reckoned with before.
  const isTold = (one: ShopifyRefund): boolean => isRemoval(one, terms) || isPaidBack(one);
  const off = units(refunds.slice(0, place + 1), (one, never) => never && isTold(one));
  const back = units(refunds.slice(0, place), (one, never) => !never && isPaidBack(one));
  return Math.max(0, line.quantity - off - back);
}

/** What something costs: before discounts, off it, and the tax on what is left; minor units. */
interface Charge {
  readonly id: string;
  readonly sku: string;
  readonly description: string;
  readonly quantity: number;
  readonly unit: bigint;
  readonly net: bigint;
  readonly tax: bigint;
  readonly taxes: readonly ShopifyTax[];
  readonly discounted: boolean;
  readonly place?: Place | undefined;
}

/** Where a line leaves from and how it reaches the customer, as far as Shopify says. */
type Place = Pick<OrderLine, 'location' | 'method'>;

/** A line, and beside it one for what was taken off; the tax that was charged on the rest is shared out over both so that it adds up. */
function linesOf(charge: Charge, terms: Terms): OrderLine[] {
  const { id, sku, description, quantity, unit, net, tax } = charge;
  const { currency, skus } = terms;
  const gross = unit * BigInt(quantity);
  const off = net - gross;
  const grossTax = net === 0n ? tax : divideRounded(tax * gross, net);
  const taxes = terms.taxCodes(charge.taxes);
  const common = { taxes, ...charge.place };
  const line: OrderLine = {
    id,
    sku,
    description,
    quantity: String(quantity),
    unitPrice: moneyText({ minor: unit, currency }),
    ...common,
    total: Number(gross),
    tax: Number(grossTax),
  };
  if (!charge.discounted && off === 0n) return [line];
  const reduction: OrderLine = {
    id: `${id}-discount`,
    sku: skus.discount,
    description: `Discount: ${description}`,
    quantity: '1',
    unitPrice: moneyText({ minor: off, currency }),
    ...common,
    total: Number(off),
    tax: Number(tax - grossTax),
  };
  return [line, reduction];
}

const taxOf = (taxes: readonly ShopifyTax[], terms: Terms): bigint =>
  terms.sum(
    taxes.map(({ priceSet }) => priceSet),
    'taxLines',
  );

const discountsOf = ({ discountAllocations }: Pick<ShopifyLine, 'discountAllocations'>, terms: Terms): bigint =>
  terms.sum(
    discountAllocations.map(({ allocatedAmountSet }) => allocatedAmountSet),
    'discountAllocations',
  );

/** SKU of a line as the hub writes it: upper case. A product without one cannot be told from others. */
export function skuOf(line: ShopifyLine, terms: Terms): string {
  const sku = line.sku?.trim();
  if (sku) return sku.toUpperCase();
  if (line.product === null) return terms.skus.custom;
  throw rejected(
    `Order ${terms.order.name}: '${line.name}' has no SKU in Shopify. Give its variant one, then retry.`,
    'no-sku',
    'sku',
  );
}

function goods(line: ShopifyLine, removed: Removed | undefined, terms: Terms): Charge {
  const quantity = line.quantity - (removed?.quantity ?? 0);
  const unit = terms.minor(line.originalUnitPriceSet, 'originalUnitPriceSet');
  const full = unit * BigInt(line.quantity) - discountsOf(line, terms);
  const group = line.lineItemGroup ? ` (${line.lineItemGroup.title})` : '';
  return {
    id: tailOf(line.id),
    sku: skuOf(line, terms),
    description: `${line.name}${group}`,
    quantity,
    unit,
    net: full - (removed?.subtotal ?? 0n),
    tax: taxOf(line.taxLines, terms) - (removed?.tax ?? 0n),
    taxes: line.taxLines,
    discounted: line.discountAllocations.length > 0,
    place: placeOf(line, quantity, terms),
  };
}

function shipping(line: ShopifyShippingLine, index: number, terms: Terms): Charge {
  const unit = terms.minor(line.originalPriceSet, 'originalPriceSet');
  const there = line.isRemoved ? 0n : 1n;
  return {
    id: `shipping-${line.id === null ? index + 1 : tailOf(line.id)}`,
    sku: terms.skus.shipping,
    description: line.title,
    quantity: Number(there),
    unit,
    net: there * (unit - discountsOf(line, terms)),
    tax: there * taxOf(line.taxLines, terms),
    taxes: line.taxLines,
    discounted: line.discountAllocations.length > 0,
  };
}

/** Duties and fees. */
function extras(terms: Terms): Charge[] {
  const { lineItems, additionalFees } = terms.order;
  const duties = lineItems.nodes.flatMap((line) =>
    line.duties.map((duty) => ({ ...duty, kind: 'duty', sku: terms.skus.duties, description: `Duties: ${line.name}` })),
  );
  const fees = additionalFees.map((fee) => ({ ...fee, kind: 'fee', sku: terms.skus.fees, description: fee.name }));
  return [...duties, ...fees].map(({ id, kind, sku, description, price, taxLines }) => {
    const unit = terms.minor(price, kind);
    const tax = taxOf(taxLines, terms);
    return {
      id: `${kind}-${tailOf(id)}`,
      sku,
      description,
      quantity: 1,
      unit,
      net: unit,
      tax,
      taxes: taxLines,
      discounted: false,
    };
  });
}

const openStates = ['OPEN', 'IN_PROGRESS', 'ON_HOLD', 'SCHEDULED'];

/**
 * Where a line is to leave from: the store it was sold in, the only place that fulfils the order, or the one that its own units are assigned to; those that are still to be
 * shipped, where there are any. Throws `rejected` for a line whose units leave from several places, or from none that Shopify tells: `left` units of it are still ordered.
 */
function placeOf(line: ShopifyLine, left: number, terms: Terms): Place {
  const { retailLocation, fulfillmentOrders, name, cancelledAt } = terms.order;
  if (retailLocation) return { location: terms.locationMust(retailLocation.id) };
  const live = fulfillmentOrders.nodes.filter(({ status }) => status !== 'CANCELLED');
  const placesIn = (some: readonly ShopifyFulfillmentOrder[]) => [
    ...new Set(some.flatMap(({ assignedLocation: { location } }) => location?.id ?? [])),
  ];
  const at = (gid: string | undefined): Place => {
    const location = gid === undefined ? null : terms.location(gid);
    return location === null ? {} : { location };
  };
  const collects = ({ deliveryMethod }: ShopifyFulfillmentOrder): boolean => deliveryMethod?.methodType === 'PICK_UP';
  const mixed = live.some(collects) && !live.every(collects);
  const all = placesIn(live);
  if (all.length <= 1 && !mixed) return at(all[0]);
  const own = live.filter(({ lineItems }) =>
    lineItems?.nodes.some(({ lineItem, totalQuantity }) => lineItem.id === line.id && totalQuantity > 0),
  );
  if (own.length === 0 && line.requiresShipping && left > 0 && cancelledAt === null)
    throw rejected(
      `Order ${name}: Shopify does not say where '${line.name}' leaves from, and several places fulfil the order. Look at its fulfilment there, change the order (a note will do) and it is read again.`,
      'no-place',
      'fulfillmentOrders',
    );
  const open = own.filter(({ status }) => openStates.includes(status));
  const some = open.length > 0 ? open : own;
  const places = placesIn(some);
  if (places.length > 1)
    throw rejected(
      `Order ${name}: units of '${line.name}' leave from ${places.length} places. Let one place fulfil the whole line in Shopify (Change location), then retry.`,
      'line-split',
      'fulfillmentOrders',
    );
  const [first] = some;
  return { ...at(places[0]), ...(mixed && first ? { method: collects(first) ? 'collect' : 'ship' } : {}) };
}

/** What units that were taken off had cost, tax included; minor units. */
export const worthOf = (removed: ReadonlyMap<string, Removed>, { order }: Terms): bigint =>
  [...removed.values()].reduce((all, { subtotal, tax }) => all + subtotal + (order.taxesIncluded ? 0n : tax), 0n);

/**
 * The order's lines and its total, minor units: what is still ordered after edits, and after refunds of what was not shipped yet. Other refunds take nothing off: they are
 * documents of their own.
 * Cents that come of converting each amount by itself have a line; any other difference is for the order's rules.
 */
export function orderLines(terms: Terms): { lines: OrderLine[]; total: number } {
  const { order } = terms;
  const removed = removals(terms);
  const charges = [
    ...order.lineItems.nodes.map((line) => goods(line, removed.get(line.id), terms)),
    ...order.shippingLines.nodes.map((line, index) => shipping(line, index, terms)),
    ...extras(terms),
  ];
  const taxed = (net: bigint, tax: bigint): bigint => net + (order.taxesIncluded ? 0n : tax);
  const sum = charges.reduce((all, { net, tax }) => all + taxed(net, tax), 0n);
  const off = worthOf(removed, terms);
  const total = terms.minor(order.totalPriceSet, 'totalPriceSet') - off;
  const lines = charges.flatMap((charge) => linesOf(charge, terms));
  const difference = total - sum;
  const converted = order.currencyCode !== order.presentmentCurrencyCode;
  const cents = difference <= BigInt(lines.length * 2) && -difference <= BigInt(lines.length * 2);
  const rounded = difference !== 0n && converted && cents ? [...lines, roundingLine(difference, terms)] : lines;
  return { lines: rounded, total: Number(total) };
}

const roundingLine = (difference: bigint, { skus, currency, order }: Terms): OrderLine => ({
  id: 'rounding',
  sku: skus.rounding,
  description: `Rounding of ${order.presentmentCurrencyCode} to ${order.currencyCode}`,
  quantity: '1',
  unitPrice: moneyText({ minor: difference, currency }),
  taxes: [],
  total: Number(difference),
  tax: 0,
});
