import { moneyText } from '../../core/money.ts';
import { addBags, type Bag, moneyBag } from './amounts.ts';
import { metafieldOf } from './metafields.ts';
import { type PageArgs, page } from './pages.ts';
import { actionsOf } from './progress.ts';
import type {
  Customer,
  Edit,
  Fulfillment,
  Line,
  Order,
  Place,
  Product,
  Refund,
  Return,
  ReturnLine,
  ShippingLine,
  TaxLine,
  Transaction,
  Variant,
} from './records.ts';
import type { Shop } from './shop.ts';
import { currentTotalOf, totalOf } from './sums.ts';

/** How the API shows the shop's records: values, and functions for what takes arguments. */
const time = (date: Date | null): string | null => (date === null ? null : date.toISOString().replace('.000Z', 'Z'));
const own = ({ id }: { id: string | null }): string => id ?? '';

export const locationView = (shop: Shop, id: string | null) => {
  const location = id === null ? undefined : shop.locations.get(id);
  return location ? { __typename: 'Location', ...location } : null;
};

export const productView = (shop: Shop, product: Product) => ({
  __typename: 'Product',
  ...product,
  createdAt: time(product.createdAt),
  updatedAt: time(product.updatedAt),
  variants: (args: PageArgs) => page(product.variants, args, own, (variant) => variantView(shop, variant)),
});

export const variantView = (shop: Shop, variant: Variant) => ({
  __typename: 'ProductVariant',
  id: variant.id,
  sku: variant.sku,
  barcode: variant.barcode,
  title: variant.title,
  price: moneyText({ minor: variant.price, currency: shop.currency }),
  compareAtPrice:
    variant.compareAtPrice === null ? null : moneyText({ minor: variant.compareAtPrice, currency: shop.currency }),
  updatedAt: time(variant.updatedAt),
  product: () => productView(shop, shop.products.get(variant.productId)!),
  inventoryItem: () => itemView(shop, variant),
});

export const itemView = (shop: Shop, variant: Variant) => ({
  __typename: 'InventoryItem',
  id: variant.inventoryItemId,
  sku: variant.sku,
  tracked: variant.tracked,
  requiresShipping: variant.requiresShipping,
  inventoryLevel: ({ locationId }: { locationId: string }) => {
    const level = shop.level(variant.inventoryItemId, locationId);
    if (!level) return null;
    const number = level.id.split('/').at(-1);
    return {
      __typename: 'InventoryLevel',
      id: level.id,
      location: locationView(shop, locationId),
      quantities: ({ names }: { names: string[] }) =>
        names
          .filter((name) => name === 'available')
          .map((name) => ({
            __typename: 'InventoryQuantity',
            id: `gid://shopify/InventoryQuantity/${number}?name=${name}`,
            name,
            quantity: level.available,
            updatedAt: time(level.updatedAt),
          })),
    };
  },
});

/** The name in one line; without one the e-mail address or telephone number stands for it. */
const displayNameOf = ({ firstName, lastName, email, phone }: Customer): string =>
  [firstName, lastName].filter(Boolean).join(' ') || (email ?? phone ?? '');

export const customerView = (customer: Customer) => ({
  __typename: 'Customer',
  id: customer.id,
  displayName: displayNameOf(customer),
  firstName: customer.firstName,
  lastName: customer.lastName,
  createdAt: time(customer.createdAt),
  updatedAt: time(customer.updatedAt),
  defaultEmailAddress: customer.email === null ? null : { emailAddress: customer.email },
  defaultPhoneNumber: customer.phone === null ? null : { phoneNumber: customer.phone },
  defaultAddress: addressView(customer.address),
});

/** Views of one order's parts, in its currencies. */
export function orderView(shop: Shop, order: Order) {
  const money = (amount: Bag) => moneyBag(amount, order.currencies);
  const taxView = ({ title, rate, amount }: TaxLine) => ({
    title,
    rate: rate / 10_000,
    ratePercentage: rate / 100,
    priceSet: money(amount),
  });
  const discounts = ({ discounts: all }: { discounts: readonly Bag[] }) =>
    all.map((amount) => ({ allocatedAmountSet: money(amount) }));
  const lineView = (line: Line) => {
    const variant = line.variantId === null ? undefined : shop.variants.get(line.variantId);
    const product = line.productId === null ? undefined : shop.products.get(line.productId);
    return {
      __typename: 'LineItem',
      id: line.id,
      sku: line.sku,
      name: variant && variant.title !== 'Default Title' ? `${line.title} - ${variant.title}` : line.title,
      title: line.title,
      quantity: line.quantity,
      currentQuantity: line.quantity - line.gone,
      refundableQuantity: line.quantity - line.gone,
      isGiftCard: line.isGiftCard,
      requiresShipping: line.requiresShipping,
      product: product ? productView(shop, product) : null,
      variant: variant ? variantView(shop, variant) : null,
      lineItemGroup: line.group,
      originalUnitPriceSet: money(line.unitPrice),
      discountAllocations: discounts(line),
      taxLines: line.taxes.map(taxView),
      duties: [],
    };
  };
  const lineOf = (id: string) => lineView(order.lines.find((line) => line.id === id)!);
  const shippingView = (line: ShippingLine) => ({
    id: line.id,
    title: line.title,
    code: line.code,
    isRemoved: line.isRemoved,
    originalPriceSet: money(line.price),
    discountAllocations: discounts(line),
    taxLines: line.taxes.map(taxView),
  });
  const transactionView = (one: Transaction): object => ({
    __typename: 'OrderTransaction',
    id: one.id,
    kind: one.kind,
    status: one.status,
    gateway: one.gateway,
    processedAt: time(one.processedAt),
    amountSet: money(one.amount),
    parentTransaction: () => {
      const parent = order.transactions.find(({ id }) => id === one.parentId);
      return parent ? transactionView(parent) : null;
    },
  });
  const editView = ({ id, happenedAt, sales }: Edit) => ({
    __typename: 'OrderEditAgreement',
    id,
    happenedAt: time(happenedAt),
    reason: 'ORDER_EDIT',
    sales: (args: PageArgs) =>
      page(sales, args, own, ({ id: sale, action, lineId, quantity, amount }) => ({
        __typename: 'ProductSale',
        id: sale,
        actionType: action,
        lineType: 'PRODUCT',
        quantity,
        totalAmount: money(amount),
        lineItem: lineOf(lineId),
      })),
  });
  const returnView = (one: Return) => ({
    __typename: 'Return',
    id: one.id,
    name: one.name,
    status: one.status,
    createdAt: time(one.createdAt),
    closedAt: time(one.closedAt),
    returnLineItems: (args: PageArgs) =>
      page(one.lines, args, own, (line) => ({
        __typename: 'ReturnLineItem',
        id: line.id,
        quantity: line.quantity,
        returnReasonDefinition: reasonView(line.reason),
        returnReasonNote: line.note ?? '',
        processedQuantity: line.quantity - unprocessed(one, line),
        unprocessedQuantity: unprocessed(one, line),
        fulfillmentLineItem: { id: line.fulfillmentLineId, quantity: line.quantity, lineItem: lineOf(line.lineId) },
      })),
    reverseFulfillmentOrders: (args: PageArgs) =>
      page(reversesOf(order, one), args, own, ({ id, lines }) => ({
        __typename: 'ReverseFulfillmentOrder',
        id,
        status: one.status === 'OPEN' ? 'OPEN' : 'CLOSED',
        lineItems: (inner: PageArgs) =>
          page(lines, inner, own, (line) => ({
            __typename: 'ReverseFulfillmentOrderLineItem',
            id: reverseIdOf(line),
            totalQuantity: line.quantity,
            dispositions: (line.dispositions ?? []).map((made) => ({
              ...made,
              location: locationView(shop, made.locationId),
            })),
            fulfillmentLineItem: { id: line.fulfillmentLineId, quantity: line.quantity, lineItem: lineOf(line.lineId) },
          })),
      })),
  });
  const refundView = (refund: Refund) => ({
    __typename: 'Refund',
    id: refund.id,
    processedAt: time(refund.processedAt),
    note: refund.note,
    return: () => {
      const one = order.returns.find(({ id }) => id === refund.returnId);
      return one ? returnView(one) : null;
    },
    totalRefundedSet: money(
      addBags(refund.transactions.filter(({ status }) => status === 'SUCCESS').map(({ amount }) => amount)),
    ),
    refundLineItems: (args: PageArgs) =>
      page(refund.lines, args, own, (line) => ({
        id: line.id,
        quantity: line.quantity,
        restockType: line.restockType,
        location: locationView(shop, line.locationId),
        lineItem: lineOf(line.lineId),
        subtotalSet: money(line.subtotal),
        totalTaxSet: money(line.tax),
      })),
    refundShippingLines: (args: PageArgs) =>
      page(refund.shipping, args, own, (line) => ({
        id: line.id,
        shippingLine: shippingView(order.shipping.find(({ id }) => id === line.shippingLineId)!),
        subtotalAmountSet: money(line.subtotal),
        taxAmountSet: money(line.tax),
      })),
    orderAdjustments: (args: PageArgs) =>
      page(refund.adjustments, args, own, ({ id, reason, amount }) => ({
        id,
        reason,
        amountSet: money(amount),
        taxAmountSet: money({ shop: 0n, presentment: 0n }),
      })),
    transactions: (args: PageArgs) => page(refund.transactions, args, own, transactionView),
  });
  return {
    __typename: 'Order',
    id: order.id,
    name: order.name,
    createdAt: time(order.createdAt),
    processedAt: time(order.createdAt),
    updatedAt: time(order.updatedAt),
    cancelledAt: time(order.cancelledAt),
    edited: order.edited,
    returnStatus: returnStatusOf(order),
    test: false,
    currencyCode: order.currencies.shop,
    presentmentCurrencyCode: order.currencies.presentment,
    taxesIncluded: order.taxesIncluded,
    requiresShipping: order.lines.some(({ requiresShipping }) => requiresShipping),
    email: order.customer?.email ?? null,
    phone: order.customer?.phone ?? null,
    totalPriceSet: money(totalOf(order)),
    currentTotalPriceSet: money(currentTotalOf(order)),
    customer: () => {
      const customer = shop.customers.get(order.customer?.id ?? '');
      return customer ? customerView(customer) : null;
    },
    shippingAddress: addressView(order.shippingAddress),
    billingAddress: addressView(order.billingAddress),
    retailLocation: locationView(shop, order.retailLocationId),
    additionalFees: [],
    metafield: (args: { namespace?: string | null; key: string }) => metafieldOf(order, args),
    lineItems: (args: PageArgs) => page(order.lines, args, own, lineView),
    shippingLines: (args: PageArgs & { includeRemovals?: boolean }) =>
      page(
        order.shipping.filter(({ isRemoved }) => args.includeRemovals || !isRemoved),
        args,
        own,
        shippingView,
      ),
    fulfillmentOrders: (args: PageArgs) =>
      page(order.fulfillmentOrders, args, own, (one) => ({
        __typename: 'FulfillmentOrder',
        id: one.id,
        status: one.status,
        order: () => orderView(shop, order),
        supportedActions: actionsOf(one).map((action) => ({ action })),
        assignedLocation: {
          name: shop.locations.get(one.locationId)!.name,
          location: locationView(shop, one.locationId),
        },
        deliveryMethod: {
          id: one.id.replace('FulfillmentOrder', 'DeliveryMethod'),
          methodType: one.method,
          minDeliveryDateTime: null,
          maxDeliveryDateTime: time(one.promisedAt),
        },
        lineItems: (inner: PageArgs) =>
          page(one.lines, inner, own, (line) => ({
            id: line.id,
            remainingQuantity: line.remaining,
            totalQuantity: line.total,
            lineItem: lineOf(line.lineId),
          })),
      })),
    fulfillments: ({ first }: { first?: number | null }) =>
      order.fulfillments.slice(0, first ?? undefined).map((one) => ({
        __typename: 'Fulfillment',
        id: one.id,
        status: one.status,
        createdAt: time(one.createdAt),
        location: locationView(shop, one.locationId ?? null),
        trackingInfo: ({ first }: { first?: number | null }) => one.tracking.slice(0, first ?? undefined),
        events: (args: PageArgs) => page(one.events, args, own, eventView),
        fulfillmentLineItems: (args: PageArgs) =>
          page(one.lines, args, own, ({ id, quantity, lineId }) => ({ id, quantity, lineItem: lineOf(lineId) })),
      })),
    transactions: ({ first }: { first?: number | null }) =>
      order.transactions.slice(0, first ?? undefined).map(transactionView),
    refunds: ({ first }: { first?: number | null }) => order.refunds.slice(0, first ?? undefined).map(refundView),
    returns: (args: PageArgs) => page(order.returns, args, own, returnView),
    // Those of the order itself and of its refunds are left out: nobody asks for them.
    agreements: (args: PageArgs) => page(order.edits ?? [], args, own, editView),
  };
}

/** The goods of a return by the location that they left from. */
function reversesOf({ fulfillments }: Order, { lines }: Return) {
  const placeOf = ({ fulfillmentLineId }: ReturnLine) =>
    fulfillments.find((one) => one.lines.some(({ id }) => id === fulfillmentLineId))?.locationId;
  return [...Map.groupBy(lines, placeOf).values()].map((part) => ({
    id: part[0]!.id.replace('ReturnLineItem', 'ReverseFulfillmentOrder'),
    lines: part,
  }));
}

/** Id of a return's line as the warehouse has it. */
export const reverseIdOf = ({ id }: ReturnLine): string =>
  id.replace('ReturnLineItem', 'ReverseFulfillmentOrderLineItem');

/** Units of a return's line that nobody has looked at yet. */
export const unprocessed = ({ status }: Return, { quantity, processed = 0 }: ReturnLine): number =>
  status === 'OPEN' ? quantity - processed : 0;

export const reasonView = (handle: string) => ({
  __typename: 'ReturnReasonDefinition',
  id: `gid://shopify/ReturnReasonDefinition/${handle}`,
  handle,
  name: handle,
});

/** One word for all returns of an order: what is still under way comes first. */
function returnStatusOf({ returns }: Order): string {
  const has = (...wanted: Return['status'][]): boolean => returns.some(({ status }) => wanted.includes(status));
  if (has('OPEN')) return 'IN_PROGRESS';
  if (has('REQUESTED')) return 'RETURN_REQUESTED';
  if (has('CLOSED')) return 'RETURNED';
  return 'NO_RETURN';
}

export const eventView = ({ id, status, happenedAt }: Fulfillment['events'][number]) => ({
  __typename: 'FulfillmentEvent',
  id,
  status,
  happenedAt: time(happenedAt),
});

const addressView = (place: Place | null) => (place === null ? null : { __typename: 'MailingAddress', ...place });
