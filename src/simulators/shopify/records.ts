import type { Bag, Currencies } from './amounts.ts';

/** What the simulated shop knows, in its own words: nothing of this is shared with the connector. Ids are Shopify's (`gid://shopify/Order/1`). */
export interface Location {
  readonly id: string;
  readonly name: string;
  readonly isActive: boolean;
}

export interface Variant {
  readonly id: string;
  readonly productId: string;
  readonly inventoryItemId: string;
  sku: string | null;
  barcode: string | null;
  title: string;
  /** Minor units. */
  price: bigint;
  compareAtPrice: bigint | null;
  options: readonly string[];
  tracked: boolean;
  requiresShipping: boolean;
  updatedAt: Date;
}

export interface Product {
  readonly id: string;
  handle: string;
  title: string;
  descriptionHtml: string;
  vendor: string;
  status: 'ACTIVE' | 'ARCHIVED' | 'DRAFT';
  isGiftCard: boolean;
  options: readonly string[];
  variants: Variant[];
  readonly createdAt: Date;
  updatedAt: Date;
}

/** How a market says whether prices include tax. */
type TaxStrategy = 'ADD_TAXES_AT_CHECKOUT' | 'INCLUDES_TAXES_IN_PRICE' | 'INCLUDES_TAXES_IN_PRICE_BASED_ON_COUNTRY';

export interface Market {
  readonly id: string;
  readonly name: string;
  readonly taxes: TaxStrategy;
}

/** Fixed prices of the catalog of one market or several. */
export interface PriceList {
  readonly id: string;
  readonly name: string;
  readonly currency: string;
  readonly catalog: { readonly id: string; readonly title: string };
  readonly markets: readonly Market[];
  /** Minor units of the list's currency, by variant. */
  readonly prices: Record<string, { readonly price: bigint; readonly compareAtPrice: bigint | null }>;
}

export interface Level {
  readonly id: string;
  readonly inventoryItemId: string;
  readonly locationId: string;
  available: number;
  updatedAt: Date;
}

export interface Tax {
  readonly title: string;
  /** Hundredths of a percent: 2100 is 21 %. */
  readonly rate: number;
}

export interface TaxLine extends Tax {
  readonly amount: Bag;
}

export interface Person {
  readonly id: string;
  readonly displayName: string;
  readonly email: string | null;
  readonly phone: string | null;
}

/** A customer's own record: what an order shows of its customer is read from here. */
export interface Customer {
  readonly id: string;
  firstName: string | null;
  lastName: string | null;
  email: string | null;
  /** E.164. */
  phone: string | null;
  address: Place | null;
  readonly createdAt: Date;
  updatedAt: Date;
}

export interface Place {
  readonly id: string;
  readonly name: string;
  readonly company: string | null;
  readonly address1: string;
  readonly address2: string | null;
  readonly city: string;
  readonly zip: string;
  readonly provinceCode: string | null;
  readonly countryCodeV2: string;
  readonly phone: string | null;
}

export interface Line {
  readonly id: string;
  readonly variantId: string | null;
  readonly productId: string | null;
  readonly sku: string | null;
  readonly title: string;
  readonly isGiftCard: boolean;
  readonly requiresShipping: boolean;
  readonly group: { readonly id: string; readonly title: string; readonly quantity: number } | null;
  /** Ever ordered, removed and refunded units included. */
  readonly quantity: number;
  /** Taken off by an edit, or by a refund. */
  gone: number;
  readonly unitPrice: Bag;
  readonly discounts: readonly Bag[];
  readonly taxes: readonly TaxLine[];
}

export interface ShippingLine {
  readonly id: string;
  readonly title: string;
  readonly code: string;
  isRemoved: boolean;
  readonly price: Bag;
  readonly discounts: readonly Bag[];
  readonly taxes: readonly TaxLine[];
}

export interface Transaction {
  readonly id: string;
  readonly kind: 'SALE' | 'AUTHORIZATION' | 'CAPTURE' | 'REFUND' | 'VOID';
  readonly status: 'SUCCESS' | 'FAILURE' | 'PENDING';
  readonly gateway: string | null;
  /** Of a refund: the payment that it is paid back of. */
  readonly parentId: string | null;
  readonly processedAt: Date;
  readonly amount: Bag;
}

interface RefundLine {
  readonly id: string;
  readonly lineId: string;
  readonly quantity: number;
  readonly restockType: 'CANCEL' | 'NO_RESTOCK' | 'RETURN';
  readonly locationId: string | null;
  readonly subtotal: Bag;
  readonly tax: Bag;
}

export interface Refund {
  readonly id: string;
  readonly processedAt: Date;
  readonly note: string | null;
  readonly returnId: string | null;
  readonly lines: readonly RefundLine[];
  readonly shipping: readonly { id: string; shippingLineId: string; subtotal: Bag; tax: Bag }[];
  readonly adjustments: readonly { id: string; reason: 'REFUND_DISCREPANCY'; amount: Bag }[];
  readonly transactions: readonly Transaction[];
}

export interface Return {
  readonly id: string;
  readonly name: string;
  status: 'REQUESTED' | 'OPEN' | 'CLOSED' | 'CANCELED' | 'DECLINED';
  readonly createdAt: Date;
  closedAt: Date | null;
  readonly lines: readonly ReturnLine[];
}

export interface ReturnLine {
  readonly id: string;
  readonly fulfillmentLineId: string;
  readonly lineId: string;
  readonly quantity: number;
  readonly reason: string;
  readonly note?: string;
  /** What became of its units so far. */
  dispositions?: readonly {
    readonly id: string;
    readonly type: string;
    readonly quantity: number;
    readonly locationId: string | null;
  }[];
  processed?: number;
}

export interface FulfillmentOrder {
  readonly id: string;
  readonly locationId: string;
  readonly method: 'SHIPPING' | 'PICK_UP';
  /** The last moment that checkout gave for its arrival. */
  readonly promisedAt: Date | null;
  status: 'OPEN' | 'IN_PROGRESS' | 'CLOSED' | 'CANCELLED';
  /** What was told of work on it, oldest first: it shows in the order's history, and nowhere in the API. */
  reports?: readonly { readonly at: Date; readonly notes: string | null }[];
  /** When its customer was told that it can be collected: each time. */
  noticed?: Date[];
  readonly lines: { readonly id: string; readonly lineId: string; readonly total: number; remaining: number }[];
}

export interface Fulfillment {
  readonly id: string;
  readonly status: 'SUCCESS' | 'CANCELLED';
  readonly locationId?: string | null;
  readonly createdAt: Date;
  tracking: readonly { company: string | null; number: string | null; url: string | null }[];
  readonly lines: readonly { id: string; lineId: string; quantity: number }[];
  /** What was told of it since, oldest first. */
  readonly events: { readonly id: string; readonly status: string; readonly happenedAt: Date }[];
}

/** What an edit took off or added. */
export interface Edit {
  readonly id: string;
  readonly happenedAt: Date;
  readonly sales: readonly {
    readonly id: string;
    readonly action: 'ORDER' | 'RETURN';
    readonly lineId: string;
    readonly quantity: number;
    /** Tax included; below zero where units were taken off. */
    readonly amount: Bag;
  }[];
}

export interface Order {
  readonly id: string;
  readonly name: string;
  readonly createdAt: Date;
  updatedAt: Date;
  cancelledAt: Date | null;
  /** Why: `CUSTOMER` by the shop's own page, else what was told to `orderCancel`. */
  cancelReason?: string;
  edited: boolean;
  readonly currencies: Currencies;
  readonly taxesIncluded: boolean;
  readonly customer: Person | null;
  readonly shippingAddress: Place | null;
  readonly billingAddress: Place | null;
  readonly retailLocationId: string | null;
  readonly lines: Line[];
  readonly shipping: ShippingLine[];
  readonly fulfillmentOrders: FulfillmentOrder[];
  readonly fulfillments: Fulfillment[];
  readonly transactions: Transaction[];
  readonly refunds: Refund[];
  readonly returns: Return[];
  metafields?: readonly Metafield[];
  edits?: readonly Edit[];
}

export interface Metafield {
  readonly id: string;
  readonly namespace: string;
  readonly key: string;
  readonly type: string;
  readonly value: string;
}

export interface Subscription {
  readonly id: string;
  readonly topic: string;
  readonly uri: string;
  readonly includeFields: readonly string[];
  readonly createdAt: Date;
}
