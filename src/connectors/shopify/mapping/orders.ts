import { rejected } from '../../../core/fault.ts';
import type { Draft, Look } from '../../../core/flow.ts';
import type { Address } from '../../../model/address.ts';
import type { Customer, CustomerDocument } from '../../../model/customer.ts';
import type { Order, OrderDocument } from '../../../model/order.ts';
import type { PaymentDocument } from '../../../model/payment.ts';
import type { Product, ProductDocument } from '../../../model/product.ts';
import type { RefundDocument } from '../../../model/refund.ts';
import type { ReturnDocument } from '../../../model/return.ts';
import type { ShopifyCustomer, ShopifyOrder, ShopifyPlace, ShopifyProduct } from '../native.ts';
import { type PaidBack, paidBack as paidBackIn, payments, refunds, returns } from './money-back.ts';
import { orderLines, skuOf } from './order-lines.ts';
import { keyOf, type MappingOptions, Terms, tailOf } from './terms.ts';

export type ShopDocument =
  | typeof CustomerDocument
  | typeof ProductDocument
  | typeof OrderDocument
  | typeof PaymentDocument
  | typeof RefundDocument
  | typeof ReturnDocument;

/**
 * Message Translator: what one state of an order means. Throws `rejected` where its sums do not agree to the cent, a code is not mapped or a product
 * has no SKU. A flow takes of it the kinds it carries.
 */
export function toDocuments(
  order: ShopifyOrder,
  look: Pick<Look, 'connection' | 'mapping'>,
  options: MappingOptions,
): Draft<ShopDocument>[] {
  if (order.test)
    throw rejected(`Order ${order.name} is a test order of Shopify: nobody paid. Dismiss it.`, 'test-order', 'test');
  const terms = new Terms(order, look, options);
  const customer = customerOf(terms);
  const { lines, total } = orderLines(terms);
  const { shippingAddress, billingAddress } = order;
  const shipTo = addressOf(shippingAddress, order.email);
  const billTo = addressOf(billingAddress, order.email);
  const delivery = deliveryOf(terms);
  const body: Order = {
    id: terms.key(order.id),
    number: order.name,
    kind: 'sale',
    refersTo: null,
    placedAt: terms.instant(order.processedAt, 'processedAt'),
    businessDay: terms.day(order.processedAt, 'processedAt'),
    customer: customer.body.id,
    currency: terms.currency,
    pricesIncludeTax: order.taxesIncluded,
    lines,
    total,
    state: order.cancelledAt === null ? 'open' : 'cancelled',
    ...(delivery ? { delivery } : {}),
    ...(shipTo ? { shipTo } : {}),
    ...(billTo ? { billTo } : {}),
  };
  return [
    customer,
    ...products(terms, lines),
    { kind: 'order', body, externalId: order.id },
    ...payments(terms).map((one): Draft<typeof PaymentDocument> => ({ kind: 'payment', body: one })),
    ...returns(terms).map((one): Draft<typeof ReturnDocument> => ({ kind: 'return', body: one })),
    ...refunds(terms).map((one): Draft<typeof RefundDocument> => ({ kind: 'refund', body: one })),
  ];
}

/** What an order says of refunds that a hub made there for the books. */
export const paidBack = (
  order: ShopifyOrder,
  look: Pick<Look, 'connection' | 'mapping'>,
  options: MappingOptions,
): PaidBack[] => paidBackIn(new Terms(order, look, options));

/** Who bought: Shopify's customer, a guest known by the order's address, or the till's walk-in. */
function customerOf(terms: Terms): Draft<typeof CustomerDocument> & { body: Customer } {
  const { customer, billingAddress, shippingAddress, email, phone, id } = terms.order;
  if (customer)
    return { ...customerAs(terms.key(customer.id), customer), ...(terms.newCustomersOnly ? { onlyIfNew: true } : {}) };
  const place = billingAddress ?? shippingAddress;
  if (!place?.name)
    return {
      kind: 'customer',
      onlyIfNew: true,
      body: { id: terms.walkIn, number: null, name: 'Walk-in customer', country: null },
    };
  const body: Customer = {
    id: terms.key(id, 'guest-'),
    number: null,
    name: place.name,
    country: place.countryCodeV2,
    email,
    phone: phone ?? place.phone,
  };
  return { kind: 'customer', body };
}

/** A state of a customer, at the same version whether an order or the list of customers told it. */
function customerAs(id: string, customer: ShopifyCustomer): Draft<typeof CustomerDocument> & { body: Customer } {
  const at = Date.parse(customer.updatedAt ?? '');
  const body: Customer = {
    id,
    number: tailOf(customer.id),
    name: customer.displayName || 'A customer without a name',
    country: customer.defaultAddress?.countryCodeV2 ?? null,
    email: customer.defaultEmailAddress?.emailAddress ?? null,
    phone: customer.defaultPhoneNumber?.phoneNumber ?? null,
  };
  return {
    kind: 'customer',
    body,
    externalId: customer.id,
    ...(Number.isNaN(at) ? {} : { sourceVersion: BigInt(at) }),
  };
}

/** A customer as the shop has it, under the key that orders know it by too. */
export const customerFrom = (customer: ShopifyCustomer, { connection }: Pick<Look, 'connection'>) =>
  customerAs(keyOf(connection, customer.id), customer);

/** Products the order is of; one that the hub knows already stays as it is. */
function products(terms: Terms, lines: Order['lines']): Draft<typeof ProductDocument>[] {
  const bodies = new Map<string, Product>();
  for (const line of terms.order.lineItems.nodes) {
    const sku = skuOf(line, terms);
    const kind = line.isGiftCard ? 'voucher' : line.product !== null && line.requiresShipping ? 'goods' : 'service';
    bodies.set(sku, { sku, code: line.sku?.trim() || sku, name: line.product === null ? sku : line.name, kind });
  }
  for (const { sku } of lines) if (!bodies.has(sku)) bodies.set(sku, { sku, code: sku, name: sku, kind: 'service' });
  return [...bodies.values()].map((body) => ({ kind: 'product', onlyIfNew: true, body }));
}

function deliveryOf(terms: Terms): Order['delivery'] | undefined {
  const { fulfillmentOrders, retailLocation, requiresShipping, shippingLines } = terms.order;
  const methods = new Set(fulfillmentOrders.nodes.map(({ deliveryMethod }) => deliveryMethod?.methodType));
  const ships = methods.has('SHIPPING') || methods.has('LOCAL') || methods.has('PICKUP_POINT');
  const line = shippingLines.nodes.find(({ isRemoved }) => !isRemoved);
  const service = line ? terms.shippingService(line.code ?? line.title) : null;
  const promisedAt = promiseOf(terms.order);
  if (methods.has('PICK_UP') && !ships) return { method: 'collect', service, promisedAt };
  if (retailLocation && !line) return undefined;
  return requiresShipping ? { method: 'ship', service, promisedAt } : undefined;
}

/**
 * The last moment that checkout gave the customer for the arrival of anything that is still to come; null where it gave none. When the merchant must have shipped
 * (`fulfillBy`) is no promise to anybody.
 *
 * @see https://shopify.dev/docs/api/admin-graphql/2026-07/objects/DeliveryMethod
 */
function promiseOf({ fulfillmentOrders }: ShopifyOrder): string | null {
  const times = fulfillmentOrders.nodes
    .filter(({ status }) => status !== 'CANCELLED')
    .flatMap(({ deliveryMethod }) => deliveryMethod?.maxDeliveryDateTime ?? [])
    .map((text) => Date.parse(text))
    .filter((time) => !Number.isNaN(time));
  return times.length === 0 ? null : new Date(Math.max(...times)).toISOString();
}

function addressOf(place: ShopifyPlace | null, email: string | null): Address | undefined {
  if (!place?.countryCodeV2) return undefined;
  return {
    name: place.name ?? place.company ?? '',
    company: place.company,
    street: place.address1 ?? '',
    street2: place.address2,
    city: place.city ?? '',
    postalCode: place.zip,
    region: place.provinceCode,
    country: place.countryCodeV2,
    phone: place.phone,
    email,
  };
}

/** The variants of a product of Shopify's, each a product of the hub, bound to it; variants without a SKU are none. */
export function productsOf(product: ShopifyProduct): Draft<typeof ProductDocument>[] {
  return product.variants.nodes.flatMap((variant) => {
    const code = variant.sku?.trim();
    if (!code) return [];
    const title = variant.title === 'Default Title' ? '' : ` - ${variant.title}`;
    const body: Product = {
      sku: code.toUpperCase(),
      code,
      name: `${product.title}${title}`,
      kind: product.isGiftCard ? 'voucher' : variant.inventoryItem.requiresShipping ? 'goods' : 'service',
      barcode: variant.barcode && /^\d{8,14}$/.test(variant.barcode) ? variant.barcode : null,
    };
    return [{ kind: 'product', body, externalId: variant.id }];
  });
}
