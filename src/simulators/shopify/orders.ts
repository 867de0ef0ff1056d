import { addBags, type Bag, bag, negative, share } from './amounts.ts';
import type {
  Edit,
  Fulfillment,
  FulfillmentOrder,
  Line,
  Order,
  Person,
  Place,
  Refund,
  Return,
  ShippingLine,
  Tax,
  Transaction,
} from './records.ts';
import type { Shop } from './shop.ts';
import { balanceOf, currentTotalOf, keptOf, leftOf, netOf, partOf, taxLines, totalOf } from './sums.ts';

export interface NewLine {
  readonly variantId?: string;
  /** For lines that are no product's: their title and price in minor units. */
  readonly title?: string;
  readonly price?: bigint;
  readonly sku?: string | null;
  readonly quantity: number;
  /** Minor units of the shop's currency, over all units. */
  readonly discounts?: readonly bigint[];
  readonly taxes?: readonly Tax[];
  readonly group?: Line['group'];
  /** Where it leaves from, and whether the customer collects it there, where that is not so of the whole order. */
  readonly locationId?: string;
  readonly collect?: boolean;
}

export interface NewOrder {
  readonly lines: readonly NewLine[];
  readonly shipping?: {
    readonly title: string;
    readonly price: bigint;
    readonly discount?: bigint;
    readonly taxes?: readonly Tax[];
  };
  readonly customer?: Person | null;
  readonly shippingAddress?: Place | null;
  readonly billingAddress?: Place | null;
  /** A sale at the counter of that location. */
  readonly retailLocationId?: string;
  readonly locationId?: string;
  readonly collect?: boolean;
  /** The last moment that checkout gave for its arrival. */
  readonly promisedAt?: Date;
  readonly gateway?: string;
  readonly paid?: boolean;
  /** Currency the customer sees, and its rate in parts per million. */
  readonly presentment?: { readonly currency: string; readonly rate: bigint };
}

function makeLine(shop: Shop, order: Pick<Order, 'currencies' | 'taxesIncluded'>, wanted: NewLine): Line {
  const variant = wanted.variantId === undefined ? undefined : shop.variants.get(wanted.variantId);
  if (wanted.variantId !== undefined && !variant) throw new RangeError(`there is no variant ${wanted.variantId}`);
  const product = variant && shop.products.get(variant.productId);
  const { currencies, taxesIncluded } = order;
  const price = wanted.price ?? variant?.price ?? 0n;
  const discounts = wanted.discounts ?? [];
  const net = price * BigInt(wanted.quantity) - discounts.reduce((sum, one) => sum + one, 0n);
  return {
    id: shop.id('LineItem'),
    variantId: variant?.id ?? null,
    productId: product?.id ?? null,
    sku: wanted.sku !== undefined ? wanted.sku : (variant?.sku ?? null),
    title: wanted.title ?? product?.title ?? 'Custom',
    isGiftCard: product?.isGiftCard ?? false,
    requiresShipping: variant?.requiresShipping ?? true,
    group: wanted.group ?? null,
    quantity: wanted.quantity,
    gone: 0,
    unitPrice: bag(price, currencies),
    discounts: discounts.map((one) => bag(one, currencies)),
    taxes: taxLines(net, wanted.taxes ?? [], taxesIncluded, currencies),
  };
}

const transaction = (
  shop: Shop,
  kind: Transaction['kind'],
  gateway: string,
  amount: Bag,
  parentId: string | null = null,
): Transaction => ({
  id: shop.id('OrderTransaction'),
  kind,
  status: 'SUCCESS',
  gateway,
  parentId,
  processedAt: shop.now(),
  amount,
});

function stockFor(shop: Shop, line: Line, locationId: string, delta: number): void {
  const variant = line.variantId === null ? undefined : shop.variants.get(line.variantId);
  const level = variant?.tracked ? shop.level(variant.inventoryItemId, locationId) : undefined;
  if (!level) return;
  shop.setLevel(level, level.available + delta);
}

const onlyLocation = (shop: Shop): string => [...shop.locations.keys()][0]!;

/** A customer buys: stock is taken, the money comes in, webhooks go out. */
export function placeOrder(shop: Shop, wanted: NewOrder): Order {
  const at = shop.now();
  const presentment = wanted.presentment ?? { currency: shop.currency, rate: 1_000_000n };
  const currencies = { shop: shop.currency, presentment: presentment.currency, rate: presentment.rate };
  const { taxesIncluded } = shop;
  const locationId = wanted.retailLocationId ?? wanted.locationId ?? onlyLocation(shop);
  const lines = wanted.lines.map((line) => makeLine(shop, { currencies, taxesIncluded }, line));
  const shipping = wanted.shipping ? [makeShipping(shop, wanted.shipping, currencies)] : [];
  const order: Order = {
    id: shop.id('Order'),
    name: `#${1001 + shop.orders.size}`,
    createdAt: at,
    updatedAt: at,
    cancelledAt: null,
    edited: false,
    currencies,
    taxesIncluded,
    customer: wanted.customer ?? null,
    shippingAddress: wanted.shippingAddress ?? null,
    billingAddress: wanted.billingAddress ?? wanted.shippingAddress ?? null,
    retailLocationId: wanted.retailLocationId ?? null,
    lines,
    shipping,
    fulfillmentOrders: [],
    fulfillments: [],
    transactions: [],
    refunds: [],
    returns: [],
  };
  if (wanted.paid !== false)
    order.transactions.push(transaction(shop, 'SALE', wanted.gateway ?? 'shopify_payments', totalOf(order)));
  const places = Map.groupBy(lines, (_line, n) => {
    const { locationId: place = locationId, collect = wanted.collect ?? false } = wanted.lines[n]!;
    return `${place} ${collect ? 'PICK_UP' : 'SHIPPING'}`;
  });
  for (const [key, part] of places) {
    const [place = '', method] = key.split(' ');
    for (const line of part) stockFor(shop, line, place, -line.quantity);
    addFulfillmentOrder(shop, order, part, place, method as 'SHIPPING' | 'PICK_UP', wanted.promisedAt);
  }
  if (wanted.retailLocationId) fulfil(shop, order, []);
  if (order.customer) shop.addCustomer(order.customer, order.billingAddress);
  shop.orders.set(order.id, order);
  shop.change('order', order.id, order);
  shop.tell('ORDERS_CREATE', order);
  return order;
}

function makeShipping(
  shop: Shop,
  wanted: NonNullable<NewOrder['shipping']>,
  currencies: Order['currencies'],
): ShippingLine {
  const discount = wanted.discount ?? 0n;
  return {
    id: shop.id('ShippingLine'),
    title: wanted.title,
    code: wanted.title.toLowerCase(),
    isRemoved: false,
    price: bag(wanted.price, currencies),
    discounts: discount === 0n ? [] : [bag(discount, currencies)],
    taxes: taxLines(wanted.price - discount, wanted.taxes ?? [], shop.taxesIncluded, currencies),
  };
}

function addFulfillmentOrder(
  shop: Shop,
  order: Order,
  lines: readonly Line[],
  locationId: string,
  method: 'SHIPPING' | 'PICK_UP',
  promisedAt: Date | null = null,
): void {
  const shipped = lines.filter(({ requiresShipping }) => requiresShipping);
  if (shipped.length === 0) return;
  order.fulfillmentOrders.push({
    id: shop.id('FulfillmentOrder'),
    locationId,
    method,
    promisedAt,
    status: 'OPEN',
    lines: shipped.map(({ id: lineId, quantity }) => ({
      id: shop.id('FulfillmentOrderLineItem'),
      lineId,
      total: quantity,
      remaining: quantity,
    })),
  });
}

const isOpen = ({ status }: FulfillmentOrder): boolean => status === 'OPEN' || status === 'IN_PROGRESS';

/** Ships what is left of every open fulfilment order, or of the given ones. */
export function fulfil(
  shop: Shop,
  order: Order,
  tracking: Fulfillment['tracking'],
  chosen?: ReadonlyMap<string, number>,
): Fulfillment {
  const lines: Fulfillment['lines'][number][] = [];
  let locationId: string | null = null;
  for (const one of order.fulfillmentOrders.filter(isOpen)) {
    const quantityOf = (line: (typeof one.lines)[number]) => (chosen ? (chosen.get(line.id) ?? 0) : line.remaining);
    if (one.lines.every((line) => quantityOf(line) === 0)) continue;
    for (const line of one.lines) {
      const quantity = quantityOf(line);
      if (quantity === 0) continue;
      line.remaining -= quantity;
      locationId = one.locationId;
      lines.push({ id: shop.id('FulfillmentLineItem'), lineId: line.lineId, quantity });
    }
    one.status = one.lines.every(({ remaining }) => remaining === 0) ? 'CLOSED' : 'IN_PROGRESS';
  }
  const made: Fulfillment = {
    id: shop.id('Fulfillment'),
    status: 'SUCCESS',
    locationId,
    createdAt: shop.now(),
    tracking,
    lines,
    events: [],
  };
  order.fulfillments.push(made);
  if (shop.orders.has(order.id)) shop.touchOrder(order, 'ORDERS_FULFILLED');
  return made;
}

/** Takes units off the order; the removal is a refund without money, as Shopify keeps it. */
export function removeUnits(shop: Shop, order: Order, lineId: string, quantity: number): void {
  const removal = makeRefund(shop, order, [{ lineId, quantity, restockType: 'CANCEL' }], { money: 0n });
  order.refunds.push(removal);
  const [{ subtotal, tax }] = removal.lines as [Refund['lines'][number]];
  const worth = addBags([subtotal, ...(order.taxesIncluded ? [] : [tax])]);
  edit(shop, order, { action: 'RETURN', lineId, quantity: -quantity, amount: negative(worth) });
  shop.touchOrder(order, 'ORDERS_EDITED', 'REFUNDS_CREATE');
}

function edit(shop: Shop, order: Order, sale: Omit<Edit['sales'][number], 'id'>): void {
  const made = { id: shop.id('SalesAgreement'), happenedAt: shop.now(), sales: [{ id: shop.id('Sale'), ...sale }] };
  order.edits = [...(order.edits ?? []), made];
  order.edited = true;
}

/** Adds a line to an order that exists, and takes the money for it; unless it is to be paid later, or what was taken off pays for it. */
export function addLine(shop: Shop, order: Order, wanted: NewLine, { paid = true } = {}): Line {
  const line = makeLine(shop, order, wanted);
  order.lines.push(line);
  const worth = addBags([netOf(line), ...(order.taxesIncluded ? [] : line.taxes.map(({ amount }) => amount))]);
  edit(shop, order, { action: 'ORDER', lineId: line.id, quantity: line.quantity, amount: worth });
  if (paid) order.transactions.push(transaction(shop, 'SALE', 'shopify_payments', worth));
  stockFor(shop, line, onlyLocation(shop), -line.quantity);
  addFulfillmentOrder(shop, order, [line], onlyLocation(shop), 'SHIPPING');
  shop.touchOrder(order, 'ORDERS_EDITED');
  return line;
}

/** The customer pays what is left to pay. */
export function payRest(shop: Shop, order: Order): void {
  const rest = negative(balanceOf(order));
  if (rest.shop <= 0n) return;
  order.transactions.push(transaction(shop, 'SALE', 'shopify_payments', rest));
  shop.touchOrder(order, 'ORDER_TRANSACTIONS_CREATE');
}

export interface WantedRefund {
  readonly lineId: string;
  readonly quantity: number;
  readonly restockType: 'CANCEL' | 'NO_RESTOCK' | 'RETURN';
  readonly locationId?: string | null;
}

interface RefundOptions {
  readonly money?: bigint;
  /** All of it, or an amount in minor units of the shop's currency. */
  readonly shipping?: boolean | bigint;
  readonly returnId?: string | null;
  readonly note?: string | null;
  /** Money by the payment it is paid back of, null for store credit; else all of it of the first. */
  readonly paid?: readonly { readonly parent: Transaction | null; readonly amount: Bag }[];
}

/** `money`: what is paid back instead of what the lines come to, in minor units of the shop's currency; the difference is an adjustment. */
function makeRefund(
  shop: Shop,
  order: Order,
  wanted: readonly WantedRefund[],
  { money, shipping = false, returnId = null, note = null, paid: parts }: RefundOptions,
): Refund {
  const lines = wanted.map(({ lineId, quantity, restockType, locationId: at }) => {
    const own = order.fulfillmentOrders.find((one) => one.lines.some((line) => line.lineId === lineId));
    const locationId = at ?? own?.locationId ?? order.fulfillmentOrders[0]?.locationId ?? onlyLocation(shop);
    const line = order.lines.find(({ id }) => id === lineId)!;
    if (line.gone + quantity > line.quantity) throw new RangeError(`${quantity} units of ${lineId} are not there`);
    const { subtotal, tax } = partOf(line, quantity);
    line.gone += quantity;
    takeFromFulfilment(order, lineId, quantity, restockType);
    if (restockType !== 'NO_RESTOCK') stockFor(shop, line, locationId, quantity);
    return { id: shop.id('RefundLineItem'), lineId, quantity, restockType, locationId, subtotal, tax };
  });
  const shippings = shipping === false ? [] : refundShipping(shop, order, shipping);
  const worth = addBags(
    [...lines, ...shippings].flatMap(({ subtotal, tax }) => [subtotal, ...(order.taxesIncluded ? [] : [tax])]),
  );
  const paid = parts
    ? addBags(parts.map(({ amount }) => amount))
    : money === undefined
      ? worth
      : bag(money, order.currencies);
  const [sale] = order.transactions;
  const all = parts ?? (paid.shop === 0n ? [] : [{ parent: sale, amount: paid }]);
  const transactions = all.map(({ parent, amount }) =>
    transaction(shop, 'REFUND', gatewayOf(parent), amount, parent?.id ?? null),
  );
  order.transactions.push(...transactions);
  const off = addBags([worth, negative(paid)]);
  const adjusted = paid.shop !== 0n && off.shop !== 0n;
  return {
    id: shop.id('Refund'),
    processedAt: shop.now(),
    note,
    returnId,
    lines,
    shipping: shippings,
    adjustments: adjusted ? [{ id: shop.id('OrderAdjustment'), reason: 'REFUND_DISCREPANCY', amount: off }] : [],
    transactions,
  };
}

const gatewayOf = (parent: Transaction | null | undefined): string =>
  parent === null ? 'shopify_store_credit' : (parent?.gateway ?? 'manual');

function refundShipping(shop: Shop, order: Order, wanted: true | bigint): Refund['shipping'] {
  const refunded = new Set(
    order.refunds.flatMap(({ shipping }) => shipping.map(({ shippingLineId }) => shippingLineId)),
  );
  const lines = wanted === true ? order.shipping.filter(({ id }) => !refunded.has(id)) : order.shipping.slice(0, 1);
  return lines.map((line) => {
    const whole = addBags([line.price, ...line.discounts.map(negative)]);
    const tax = addBags(line.taxes.map(({ amount }) => amount));
    const subtotal = wanted === true ? whole : bag(wanted, order.currencies);
    return {
      id: shop.id('RefundShippingLine'),
      shippingLineId: line.id,
      subtotal,
      tax: wanted === true ? tax : share(tax, subtotal.shop, whole.shop),
    };
  });
}

/** What was not shipped yet need not be any more: no other kind of refund makes fewer units to ship. */
function takeFromFulfilment(order: Order, lineId: string, quantity: number, restockType: string): void {
  if (restockType !== 'CANCEL') return;
  let left = quantity;
  for (const one of order.fulfillmentOrders)
    for (const line of one.lines.filter((candidate) => candidate.lineId === lineId)) {
      const taken = Math.min(left, line.remaining);
      line.remaining -= taken;
      left -= taken;
      if (isOpen(one) && one.lines.every(({ remaining }) => remaining === 0)) one.status = 'CLOSED';
    }
}

/** Gives money back for lines, and for shipping where that is wanted. */
export function refundOrder(
  shop: Shop,
  order: Order,
  wanted: readonly WantedRefund[],
  options: RefundOptions = {},
): Refund {
  const refund = makeRefund(shop, order, wanted, options);
  order.refunds.push(refund);
  shop.touchOrder(order, 'REFUNDS_CREATE', ...(refund.transactions.length > 0 ? ['ORDER_TRANSACTIONS_CREATE'] : []));
  return refund;
}

/** What is to go back for all that is still ordered, as far as it was paid and did not go back before, by payment. */
function restOf(order: Order, storeCredit: boolean): NonNullable<RefundOptions['paid']> {
  const [total, kept] = [currentTotalOf(order), keptOf(order)];
  let rest = total.shop < kept.shop ? total : kept;
  if (storeCredit) return rest.shop > 0n ? [{ parent: null, amount: rest }] : [];
  return order.transactions
    .filter(({ kind }) => kind === 'SALE')
    .flatMap((parent) => {
      const left = leftOf(order, parent);
      const amount = left.shop < rest.shop ? left : rest;
      if (amount.shop <= 0n) return [];
      rest = addBags([rest, negative(amount)]);
      return [{ parent, amount }];
    });
}

/** Cancels what was not shipped; paid money goes back, unless nobody wants that. */
export function cancelOrder(
  shop: Shop,
  order: Order,
  {
    restock = true,
    paysBack = true,
    storeCredit = false,
    reason = 'CUSTOMER',
  }: { restock?: boolean; paysBack?: boolean; storeCredit?: boolean; reason?: string } = {},
): void {
  const left = order.lines.filter(({ gone, quantity }) => gone < quantity);
  const wanted = left.map(({ id, gone, quantity }) => ({
    lineId: id,
    quantity: quantity - gone,
    restockType: restock ? ('CANCEL' as const) : ('NO_RESTOCK' as const),
  }));
  const paid = paysBack ? restOf(order, storeCredit) : [];
  order.refunds.push(makeRefund(shop, order, wanted, paid.length > 0 ? { shipping: true, paid } : { money: 0n }));
  order.cancelledAt = shop.now();
  order.cancelReason = reason;
  for (const one of order.fulfillmentOrders) if (isOpen(one)) one.status = 'CANCELLED';
  shop.touchOrder(order, 'ORDERS_CANCELLED', 'REFUNDS_CREATE');
}

/** A return is opened for shipped units. */
export function openReturn(shop: Shop, order: Order, lineId: string, quantity: number, reason = 'unwanted'): Return {
  const shipped = order.fulfillments.flatMap(({ lines }) => lines).find((line) => line.lineId === lineId);
  if (!shipped) throw new RangeError(`${lineId} was not shipped`);
  const made: Return = {
    id: shop.id('Return'),
    name: `${order.name}-R${order.returns.length + 1}`,
    status: 'OPEN',
    createdAt: shop.now(),
    closedAt: null,
    lines: [{ id: shop.id('ReturnLineItem'), fulfillmentLineId: shipped.id, lineId, quantity, reason }],
  };
  order.returns.push(made);
  shop.touchOrder(order, 'RETURNS_APPROVE');
  return made;
}

/** The goods are back: restocked or not, the money is paid, the return is closed. */
export function closeReturn(shop: Shop, order: Order, one: Return, restock = true): Refund {
  const wanted = one.lines.map(({ lineId, quantity }) => ({
    lineId,
    quantity,
    restockType: restock ? ('RETURN' as const) : ('NO_RESTOCK' as const),
  }));
  const refund = makeRefund(shop, order, wanted, { returnId: one.id });
  order.refunds.push(refund);
  one.status = 'CLOSED';
  one.closedAt = shop.now();
  shop.touchOrder(order, 'RETURNS_CLOSE', 'REFUNDS_CREATE');
  return refund;
}
