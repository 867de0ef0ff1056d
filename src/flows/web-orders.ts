import type { ShopifyOrder, ShopifyProduct } from '../connectors/shopify/index.ts';
import { productsOf, type ShopDocument, toDocuments } from '../connectors/shopify/mapping.ts';
import type { MappingOptions } from '../connectors/shopify/terms.ts';
import type { Sink, Source } from '../core/connector.ts';
import { defineFlow, type Flow, type MappingSeed } from '../core/flow.ts';
import { CustomerDocument } from '../model/customer.ts';
import { OrderDocument } from '../model/order.ts';
import { PaymentDocument } from '../model/payment.ts';
import { ProductDocument } from '../model/product.ts';
import { RefundDocument } from '../model/refund.ts';
import { ReturnDocument } from '../model/return.ts';
import { broughtBy } from './brought.ts';

export interface WebOrdersParts extends MappingOptions {
  readonly from: Source<ShopifyOrder>;
  /** Kinds without a sink are left out: a shop whose money is booked elsewhere gives none for payments and refunds. */
  readonly to: {
    readonly customer: Sink<typeof CustomerDocument>;
    readonly product: Sink<typeof ProductDocument>;
    readonly order: Sink<typeof OrderDocument>;
    readonly payment?: Sink<typeof PaymentDocument>;
    readonly refund?: Sink<typeof RefundDocument>;
    readonly return?: Sink<typeof ReturnDocument>;
  };
}

const kinds = [
  CustomerDocument,
  ProductDocument,
  OrderDocument,
  PaymentDocument,
  ReturnDocument,
  RefundDocument,
] as const;

/** The tables that Shopify's own codes are looked up in; rows are the shop's. */
const seeds = (tables: string): MappingSeed[] => [
  {
    table: `${tables}-taxes`,
    owner: 'finance',
    about:
      'Taxes as Shopify names them, with the country of delivery (`BE VAT 21%`) → tax codes of the hub; no row holds the order.',
    rows: {},
  },
  {
    table: `${tables}-locations`,
    owner: 'operations',
    about:
      "Both ways: Shopify's locations (gid://shopify/Location/…) → location codes of the hub, and the codes → Shopify's.",
    rows: {},
  },
  {
    table: `${tables}-payment-methods`,
    owner: 'finance',
    about: 'Payment gateways of Shopify → payment methods of the hub; no row holds the order.',
    rows: {},
  },
  {
    table: `${tables}-shipping-services`,
    owner: 'operations',
    about: 'Codes of shipping lines → shipping services of the hub; none means the shipper decides.',
    rows: {},
  },
  {
    table: `${tables}-return-reasons`,
    owner: 'operations',
    about: 'Return reasons of Shopify → reasons of the hub.',
    rows: {},
  },
  {
    table: `${tables}-carriers`,
    owner: 'operations',
    about: "Carrier codes of the hub → names in Shopify's list of carriers.",
    rows: {},
  },
];

/** Every order of a shop becomes one order, once, however often it is told of; edits, cancellations, returns and refunds follow. */
export const webOrders = ({ from, to, ...options }: WebOrdersParts): Flow<ShopifyOrder, ShopDocument> => {
  const documents = kinds.filter(({ name }) => to[name] !== undefined);
  return defineFlow({
    id: 'web-orders',
    about: 'Orders of a web shop, with their customers, products, payments, returns and refunds.',
    documents,
    from,
    to: to as Flow<ShopifyOrder, ShopDocument>['to'],
    latency: 'realtime',
    promise: { within: '2m', critical: true },
    priority: { order: 10, payment: 5 },
    onException: { owner: 'sales-ops', within: '4h', hold: 'lane' },
    fallback: 'The shop goes on selling; its orders are read when it can be reached again.',
    mappings: seeds(options.tables ?? 'shopify'),
    translate: async (order, look) => {
      const drafts = toDocuments(order, look, options).filter(({ kind }) =>
        documents.some(({ name }) => name === kind),
      );
      return { outcome: 'routed', documents: drafts, brought: await broughtBy(drafts, documents, look) };
    },
  });
};

/** Products of a shop become the hub's, each bound to its variant: what stock levels and prices for a shop that has its own catalogue need. */
export const webProducts = ({
  from,
  to,
}: {
  readonly from: Source<ShopifyProduct>;
  readonly to: { readonly product: Sink<typeof ProductDocument> };
}): Flow<ShopifyProduct, typeof ProductDocument> =>
  defineFlow({
    id: 'web-products',
    about: 'Products of a web shop, by SKU, each bound to its variant.',
    documents: [ProductDocument],
    from,
    to,
    latency: 'realtime',
    promise: { within: '15m', critical: false },
    onException: { owner: 'sales-ops', within: '1d', hold: 'lane' },
    fallback: 'Stock levels and prices of new products wait.',
    translate: (product) => ({ outcome: 'routed', documents: productsOf(product) }),
  });
