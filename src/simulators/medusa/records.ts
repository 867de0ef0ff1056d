/** Records of the simulated shop as it keeps them. Amounts are numbers in major units, as Medusa's JSON has them. */

/** Who buys here; orders keep the address that it had. */
export interface Customer {
  readonly id: string;
  email: string;
  phone: string | null;
  updatedAt: string;
}

export interface Variant {
  readonly id: string;
  readonly productId: string;
  title: string;
  sku: string | null;
  barcode: string | null;
  ean: string | null;
  weight: number | null;
  /** Whether it is counted. */
  managed: boolean;
  readonly createdAt: string;
  updatedAt: string;
  /** Values by the ids of options. */
  choice: Map<string, string>;
  /** What it is counted by; null where it is not counted. */
  inventoryItem: string | null;
  prices: Price[];
}

export interface ProductOption {
  readonly id: string;
  title: string;
  readonly values: { readonly id: string; readonly value: string }[];
}

export interface InventoryItem {
  readonly id: string;
  readonly sku: string | null;
  readonly title: string | null;
}

export interface Price {
  readonly id: string;
  readonly currency_code: string;
  readonly amount: number;
  readonly min_quantity: number | null;
  readonly max_quantity: number | null;
  readonly rules: Readonly<Record<string, string>>;
}

export interface Product {
  readonly id: string;
  title: string;
  readonly handle: string;
  readonly externalId: string | null;
  description: string | null;
  status: string;
  readonly createdAt: string;
  updatedAt: string;
  options: ProductOption[];
  readonly variants: Variant[];
}

export interface Level {
  readonly id: string;
  readonly item: string;
  readonly location: string;
  stocked: number;
  reserved: number;
}

export interface Item {
  readonly id: string;
  readonly variant: Variant;
  readonly title: string;
  readonly unitPrice: number;
  /** 0 for a line that an edit took off: the order no longer shows it. */
  quantity: number;
  /** Versions of the order that had it; the last is null while it is there. */
  readonly since: number;
  until: number | null;
  /** What the last version that had it had. */
  last: number;
  readonly rate: number | null;
  /** Taken off by the promotion `TEN`, all units together. */
  readonly off: number;
  reserved: number;
  fulfilled: number;
  shipped: number;
  requested: number;
  received: number;
  dismissed: number;
}

export interface Fulfilment {
  readonly id: string;
  readonly location: string;
  readonly items: { readonly item: string; readonly quantity: number }[];
  readonly metadata: Record<string, unknown> | null;
  shippedAt: string | null;
  deliveredAt: string | null;
  readonly canceledAt: string | null;
  labels: { tracking_number: string; tracking_url: string; label_url: string }[];
}

export interface Return {
  readonly id: string;
  readonly displayId: number;
  readonly order: string;
  readonly location: string | null;
  readonly metadata: Record<string, unknown> | null;
  status: 'open' | 'requested' | 'partially_received' | 'received' | 'canceled';
  readonly createdAt: string;
  updatedAt: string;
  requestedAt: string | null;
  receivedAt: string | null;
  items: { readonly id: string; readonly item: string; readonly quantity: number; received: number; damaged: number }[];
}

/** The one change of an order that is under way. */
export interface OrderChange {
  readonly kind: 'return_request' | 'return_receive' | 'edit';
  /** Null for an edit. */
  readonly returnId: string | null;
  readonly asked: { readonly item: string; readonly quantity: number }[];
  readonly good: { readonly item: string; readonly quantity: number }[];
  readonly bad: { readonly item: string; readonly quantity: number }[];
  readonly edits: EditAction[];
}

/** What an edit changes: a line's quantity, or a line more. */
export interface EditAction {
  readonly id: string;
  readonly action: 'ITEM_UPDATE' | 'ITEM_ADD';
  readonly item: string;
  readonly quantity: number;
  /** To what the order had when it was asked for; only of a line that is there. */
  readonly difference?: number;
  /** Only of a line more. */
  readonly variant?: Variant;
}

interface ConfirmedEdit {
  readonly id: string;
  readonly version: number;
  readonly confirmedAt: string;
  readonly actions: readonly EditAction[];
}

export type Metadata = Readonly<Record<string, unknown>>;

/** A change of the metadata, as it was asked for. */
interface Update {
  readonly id: string;
  readonly version: number;
  readonly at: string;
  readonly before: Metadata | null;
  readonly asked: Metadata | null;
}

interface Moved {
  readonly id: string;
  readonly amount: number;
  readonly created_at: string;
}

export interface Payment {
  readonly id: string;
  readonly order: string;
  readonly collection: string;
  readonly amount: number;
  readonly createdAt: string;
  updatedAt: string;
  capturedAt: string | null;
  canceledAt: string | null;
  readonly captures: Moved[];
  readonly refunds: Moved[];
}

/** Money that is asked for, and the payment it came as. */
interface Collection {
  readonly id: string;
  status: 'not_paid' | 'authorized' | 'completed' | 'canceled';
  amount: number;
  payment: Payment | null;
}

export interface Order {
  readonly id: string;
  readonly displayId: number;
  readonly country: string;
  readonly email: string;
  readonly createdAt: string;
  readonly shippingAmount: number;
  readonly shippingRate: number | null;
  updatedAt: string;
  version: number;
  status: 'pending' | 'canceled';
  canceledAt: string | null;
  credit: number;
  readonly items: Item[];
  /** That of the checkout. */
  readonly payment: Payment;
  readonly collections: Collection[];
  readonly edits: ConfirmedEdit[];
  metadata: Metadata | null;
  /** What was changed of it without an edit. */
  readonly updates: Update[];
  readonly fulfilments: Fulfilment[];
  change: OrderChange | null;
}
