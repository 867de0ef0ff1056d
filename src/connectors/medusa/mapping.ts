import { rejected } from '../../core/fault.ts';
import type { Draft, Look } from '../../core/flow.ts';
import { momentOf } from '../../core/moment.ts';
import type { Address } from '../../model/address.ts';
import type { Customer, CustomerDocument } from '../../model/customer.ts';
import type { Order, OrderDocument } from '../../model/order.ts';
import type { PaymentDocument } from '../../model/payment.ts';
import type { Product, ProductDocument } from '../../model/product.ts';
import type { RefundDocument } from '../../model/refund.ts';
import type { ReturnDocument } from '../../model/return.ts';
import { payments, returns } from './money-back.ts';
import type { MedusaOrder, MedusaPlace, MedusaProduct } from './native.ts';
import { nameOf, orderLines, skuOf } from './order-lines.ts';
import { refunds } from './refunds.ts';
import { type MappingOptions, Terms } from './terms.ts';

type ShopDocument =
  | typeof CustomerDocument
  | typeof ProductDocument
  | typeof OrderDocument
  | typeof PaymentDocument
  | typeof RefundDocument
  | typeof ReturnDocument;

/**
 * Message Translator: what one state of an order means. Throws `rejected` where its sums do not agree, a code is not mapped or a product has no SKU. A flow
 * takes of it the kinds it carries; a draft order is none yet.
 */
export function toDocuments(
  order: MedusaOrder,
  look: Pick<Look, 'connection' | 'mapping'>,
  options: MappingOptions,
): Draft<ShopDocument>[] {
  if (order.is_draft_order || order.status === 'draft') return [];
  const terms = new Terms(order, look, options);
  const customer = customerOf(terms);
  const ordered = orderLines(terms);
  const { lines, total, inclusive } = ordered;
  const shipTo = addressOf(order.shipping_address, order.email);
  const billTo = addressOf(order.billing_address, order.email);
  const delivery = deliveryOf(terms);
  const body: Order = {
    id: terms.key(order.id),
    number: terms.number,
    kind: 'sale',
    refersTo: null,
    placedAt: terms.instant(order.created_at, 'created_at'),
    businessDay: terms.day(order.created_at, 'created_at'),
    customer: customer.body.id,
    currency: terms.currency,
    pricesIncludeTax: inclusive,
    lines,
    total,
    state: order.status === 'canceled' ? 'cancelled' : 'open',
    ...(delivery ? { delivery } : {}),
    ...(shipTo ? { shipTo } : {}),
    ...(billTo ? { billTo } : {}),
  };
  return [
    customer,
    ...products(terms, lines),
    { kind: 'order', body, externalId: order.id },
    ...payments(terms, ordered).map((one): Draft<typeof PaymentDocument> => ({ kind: 'payment', body: one })),
    ...returns(terms).map(
      (one): Draft<typeof ReturnDocument> => ({ kind: 'return', body: one, externalId: one.id.split(':').pop()! }),
    ),
    ...refunds(terms, ordered).map((one): Draft<typeof RefundDocument> => ({ kind: 'refund', body: one })),
  ];
}

/** Who bought. Medusa keeps a customer for every guest too, and often knows the name from the address only. */
function customerOf(terms: Terms): Draft<typeof CustomerDocument> & { body: Customer } {
  const { customer, billing_address, shipping_address, email, id } = terms.order;
  const place = billing_address ?? shipping_address;
  const fullName = (one: Pick<MedusaPlace, 'first_name' | 'last_name'> | null | undefined): string =>
    [one?.first_name, one?.last_name].filter(Boolean).join(' ');
  const name = fullName(customer) || fullName(place) || customer?.company_name || place?.company;
  const body: Customer = {
    id: terms.key(customer?.id ?? `guest-${id}`),
    number: customer?.id ?? null,
    name: name || 'A customer without a name',
    country: place?.country_code?.toUpperCase() ?? null,
    email: customer?.email ?? email,
    phone: customer?.phone ?? place?.phone ?? null,
  };
  if (!customer) return { kind: 'customer', body };
  const at = Date.parse(customer.updated_at ?? '');
  return {
    kind: 'customer',
    body,
    externalId: customer.id,
    ...(terms.newCustomersOnly ? { onlyIfNew: true } : {}),
    ...(Number.isNaN(at) ? {} : { sourceVersion: BigInt(at) }),
  };
}

/** Products the order is of; one that the hub knows already stays as it is. */
function products(terms: Terms, lines: Order['lines']): Draft<typeof ProductDocument>[] {
  const bodies = new Map<string, Product>();
  for (const line of terms.items) {
    const sku = skuOf(line, terms);
    const kind = line.is_giftcard
      ? 'voucher'
      : line.variant_id !== null && line.requires_shipping
        ? 'goods'
        : 'service';
    bodies.set(sku, { sku, code: line.variant_sku?.trim() || sku, name: line.variant_id ? nameOf(line) : sku, kind });
  }
  for (const { sku } of lines) if (!bodies.has(sku)) bodies.set(sku, { sku, code: sku, name: sku, kind: 'service' });
  return [...bodies.values()].map((body) => ({ kind: 'product', onlyIfNew: true, body }));
}

function deliveryOf(terms: Terms): Order['delivery'] | undefined {
  const [method] = terms.order.shipping_methods;
  if (!method || !terms.items.some(({ requires_shipping }) => requires_shipping)) return undefined;
  const service = terms.shippingService(method.shipping_option_id ?? method.name) ?? terms.shippingService(method.name);
  return { method: 'ship', service, promisedAt: promiseOf(terms) };
}

/** When the shop's checkout has promised the order for, which Medusa has no field for but `metadata`. Throws `rejected` for what is no time. */
function promiseOf({ order, number }: Terms): string | null {
  const told = order.metadata?.promised_at ?? '';
  if (told === '') return null;
  const at = typeof told === 'string' ? momentOf(told) : Number.NaN;
  if (!Number.isNaN(at)) return new Date(at).toISOString();
  const held = typeof told === 'string' ? `'${told.slice(0, 40)}'` : 'what stands there';
  throw rejected(
    `Order ${number}: ${held} is not an RFC 3339 time: write metadata.promised_at as in 2026-12-01T17:00:00Z, then dismiss this.`,
    'not-a-time',
    'metadata.promised_at',
  );
}

function addressOf(place: MedusaPlace | null | undefined, email: string | null): Address | undefined {
  if (!place?.country_code) return undefined;
  return {
    name: [place.first_name, place.last_name].filter(Boolean).join(' ') || (place.company ?? ''),
    company: place.company,
    street: place.address_1 ?? '',
    street2: place.address_2,
    city: place.city ?? '',
    postalCode: place.postal_code,
    region: place.province,
    country: place.country_code.toUpperCase(),
    phone: place.phone,
    email,
  };
}

/** The variants of a product of Medusa's, each a product of the hub, bound to it; variants without a SKU are none. */
export function productsOf(product: MedusaProduct): Draft<typeof ProductDocument>[] {
  return product.variants.flatMap((variant) => {
    const code = variant.sku?.trim();
    if (!code) return [];
    const title = !variant.title || variant.title === 'Default variant' ? '' : ` - ${variant.title}`;
    const barcode = [variant.ean, variant.upc, variant.barcode].find((one) => one && /^\d{8,14}$/.test(one)) ?? null;
    const body: Product = {
      sku: code.toUpperCase(),
      code,
      name: `${product.title}${title}`,
      kind: product.is_giftcard ? 'voucher' : 'goods',
      barcode,
    };
    return [{ kind: 'product', body, externalId: variant.id }];
  });
}
