import type { MedusaOrder, MedusaProduct } from '../connectors/medusa/index.ts';
import * as medusa from '../connectors/medusa/mapping.ts';
import type { MappingOptions as MedusaOptions } from '../connectors/medusa/terms.ts';
import type { ShopifyOrder, ShopifyProduct } from '../connectors/shopify/index.ts';
import type { PaidBack } from '../connectors/shopify/mapping/money-back.ts';
import * as shopify from '../connectors/shopify/mapping/orders.ts';
import type { MappingOptions as ShopifyOptions } from '../connectors/shopify/mapping/terms.ts';
import type { Sink, Source } from '../core/connector.ts';
import { addMeasures, nothing } from '../core/document.ts';
import { type Draft, defineFlow, type Flow, type Look, type MappingSeed } from '../core/flow.ts';
import { knownZone } from '../core/moment.ts';
import { CustomerDocument } from '../model/customer.ts';
import { OrderDocument } from '../model/order.ts';
import { PaymentDocument } from '../model/payment.ts';
import { ProductDocument } from '../model/product.ts';
import { RefundDocument } from '../model/refund.ts';
import { ReturnDocument } from '../model/return.ts';
import { type OrderRule, orderRules } from '../model/rules/order.ts';
import { broughtBy } from './brought.ts';
import { notPaid, paidBackOf } from './paid-back.ts';

type ShopDocument =
  | typeof CustomerDocument
  | typeof ProductDocument
  | typeof OrderDocument
  | typeof PaymentDocument
  | typeof RefundDocument
  | typeof ReturnDocument;

/** What differs from shop to shop. */
interface ShopKind<N> {
  /** Orders change no customer that is known. */
  readonly newCustomersOnly: boolean;
  readonly mappings: readonly MappingSeed[];
  /** IANA time zone of its business days. */
  readonly zone: string;
  toDocuments(order: N, look: Look): Draft<ShopDocument>[];
  /** What the shop did about refunds that were told to it. */
  paidBack?(order: N, look: Look): PaidBack[];
}

interface OrdersParts<N> {
  /** Flow's id where an estate has several shops. Default 'web-orders'. */
  readonly id?: string;
  readonly from: Source<N>;
  /** Kinds without a sink are left out: a shop whose money is booked elsewhere gives none for payments and refunds. */
  readonly to: {
    readonly customer: Sink<typeof CustomerDocument>;
    readonly product: Sink<typeof ProductDocument>;
    readonly order: Sink<typeof OrderDocument>;
    readonly payment?: Sink<typeof PaymentDocument>;
    readonly refund?: Sink<typeof RefundDocument>;
    readonly return?: Sink<typeof ReturnDocument>;
  };
  /** What must hold of every order. Default: `orderRules()`. */
  readonly rules?: readonly OrderRule[];
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
const shopifySeeds = (tables: string): MappingSeed[] => [
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

/** The tables that Medusa's own codes are looked up in; rows are the shop's. */
const medusaSeeds = (tables: string): MappingSeed[] => [
  {
    table: `${tables}-taxes`,
    owner: 'finance',
    about:
      'Tax lines of Medusa, with the country of delivery (`BE BE21 21%`: country, code, rate) → tax codes of the hub; no row holds the order.',
    rows: {},
  },
  {
    table: `${tables}-locations`,
    owner: 'operations',
    about: "Both ways: Medusa's stock locations (sloc_…) → location codes of the hub, and the codes → Medusa's.",
    rows: {},
  },
  {
    table: `${tables}-payment-methods`,
    owner: 'finance',
    about: 'Payment providers of Medusa (`pp_stripe_stripe`) → payment methods of the hub; no row holds the order.',
    rows: {},
  },
  {
    table: `${tables}-shipping-services`,
    owner: 'operations',
    about: 'Ids or names of shipping options → shipping services of the hub; none means the shipper decides.',
    rows: {},
  },
  {
    table: `${tables}-return-reasons`,
    owner: 'operations',
    about: 'Return reasons of Medusa → reasons of the hub.',
    rows: {},
  },
];

const isOrder = (draft: Draft<ShopDocument>): draft is Draft<typeof OrderDocument> => draft.kind === 'order';

/** Cancelled orders say that their refunds are told too. */
const withRefunds = (draft: Draft<ShopDocument>): Draft<ShopDocument> =>
  isOrder(draft) && draft.body.state === 'cancelled'
    ? { ...draft, body: { ...draft.body, refundsFollow: true } }
    : draft;

const ordersFlow = <N>(
  kind: ShopKind<N>,
  { id = 'web-orders', from, to, rules = orderRules() }: OrdersParts<N>,
): Flow<N, ShopDocument> => {
  knownZone(kind.zone, `flow '${id}'`);
  const documents = kinds.filter(({ name }) => to[name] !== undefined);
  return defineFlow({
    id,
    about: 'Orders of a web shop, with their customers, products, payments, returns and refunds.',
    documents,
    from,
    to: to as Flow<N, ShopDocument>['to'],
    latency: 'realtime',
    promise: { within: '2m', critical: true },
    priority: { order: 10, payment: 5 },
    onException: { owner: 'sales-ops', within: '4h', hold: 'lane' },
    fallback: 'The shop goes on selling; its orders are read when it can be reached again.',
    mappings: kind.mappings,
    rules: { order: rules },
    // Guests and products are of no other flow's making.
    makes: kind.newCustomersOnly ? ['customer', 'product'] : ['product'],
    translate: async (order, look) => {
      const drafts = kind
        .toDocuments(order, look)
        .filter(({ kind: name }) => documents.some((document) => document.name === name))
        .map((draft) => (to.refund ? withRefunds(draft) : draft));
      const paid = to.refund && kind.paidBack ? await paidBackOf(kind.paidBack(order, look), look) : null;
      return {
        outcome: 'routed',
        documents: [...drafts, ...(paid?.drafts ?? [])],
        objections: paid?.objections ?? [],
        answers: [notPaid],
        brought: addMeasures(await broughtBy(drafts, documents, look), paid?.brought ?? nothing),
      };
    },
  });
};

export interface WebOrdersParts extends OrdersParts<ShopifyOrder>, ShopifyOptions {}

/** Every order of a Shopify shop becomes one order, once, however often it is told of; edits, cancellations, returns and refunds follow. */
export const webOrders = ({ id, from, to, rules, ...options }: WebOrdersParts): Flow<ShopifyOrder, ShopDocument> =>
  ordersFlow(
    {
      newCustomersOnly: options.newCustomersOnly === true,
      mappings: shopifySeeds(options.tables ?? 'shopify'),
      zone: options.zone,
      toDocuments: (order, look) => shopify.toDocuments(order, look, options),
      paidBack: (order, look) => shopify.paidBack(order, look, options),
    },
    { ...(id === undefined ? {} : { id }), ...(rules ? { rules } : {}), from, to },
  );

export interface MedusaOrdersParts extends OrdersParts<MedusaOrder>, MedusaOptions {}

/** The same of a shop on Medusa. */
export const medusaOrders = ({ id, from, to, rules, ...options }: MedusaOrdersParts): Flow<MedusaOrder, ShopDocument> =>
  ordersFlow(
    {
      newCustomersOnly: options.newCustomersOnly === true,
      mappings: medusaSeeds(options.tables ?? 'medusa'),
      zone: options.zone,
      toDocuments: (order, look) => medusa.toDocuments(order, look, options),
    },
    { ...(id === undefined ? {} : { id }), ...(rules ? { rules } : {}), from, to },
  );

interface ProductsParts<N> {
  readonly id?: string;
  readonly from: Source<N>;
  readonly to: { readonly product: Sink<typeof ProductDocument> };
  /** Whether a product of this code is the shop's own; one that the shop was told of (`catalogueFeed`) is not told back. Default: all are. */
  readonly owns?: (sku: string) => boolean;
}

const productsFlow = <N>(
  productsOf: (product: N) => Draft<typeof ProductDocument>[],
  { id = 'web-products', from, to, owns = () => true }: ProductsParts<N>,
): Flow<N, typeof ProductDocument> =>
  defineFlow({
    id,
    about: 'Products of a web shop, by SKU, each bound to its variant.',
    documents: [ProductDocument],
    from,
    to,
    latency: 'realtime',
    promise: { within: '15m', critical: false },
    onException: { owner: 'sales-ops', within: '1d', hold: 'lane' },
    fallback: 'Stock levels and prices of new products wait.',
    translate: (product) => ({
      outcome: 'routed',
      documents: productsOf(product).filter(({ body }) => owns(body.sku)),
    }),
  });

/** Products of a shop become the hub's, each bound to its variant: what stock levels and prices for a shop that has its own catalogue need. */
export const webProducts = (parts: ProductsParts<ShopifyProduct>): Flow<ShopifyProduct, typeof ProductDocument> =>
  productsFlow(shopify.productsOf, parts);

/** The same of a shop on Medusa. */
export const medusaProducts = (parts: ProductsParts<MedusaProduct>): Flow<MedusaProduct, typeof ProductDocument> =>
  productsFlow(medusa.productsOf, parts);
