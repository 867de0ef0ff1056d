import type { FulfilmentOrder } from '../../model/fulfilment-order.ts';

/** What a warehouse is told: one fulfilment order, its change or its cancellation. */
export interface OrderMessage {
  /** Counts what this warehouse is sent; its acknowledgement names it. 1 and up. */
  readonly number: number;
  readonly action: 'new' | 'change' | 'cancel';
  /** Since when it is owed: the same however often it is written. */
  readonly at: Date;
  readonly order: FulfilmentOrder;
}

/** How far goods have come, in order; each includes those before it. */
export const milestones = ['picked', 'packed', 'shipped', 'delivered'] as const;

/** Goods that left, or how far they have come otherwise, as the warehouse says. Of one shipment there may be corrections: the one sent last counts. */
export interface ShippingAdvice {
  readonly kind: 'shipping-advice';
  /** The warehouse's own number of the shipment. */
  readonly shipment: string;
  /** Number of the fulfilment order. */
  readonly order: string;
  /** X12 tells of nothing before it has left (945), nor afterwards. */
  readonly milestone: (typeof milestones)[number];
  /** RFC 3339, UTC: when the milestone was reached. */
  readonly shippedAt: string;
  /** The warehouse's code of the carrier, or null. */
  readonly carrier: string | null;
  readonly tracking: readonly string[];
  /** What will not come any more: what is still open of the whole `order`, or of the `lines` named here, or `nothing`: the rest follows. */
  readonly closes: 'order' | 'lines' | 'nothing';
  /** RFC 3339, UTC, or null: when the warehouse sent this. */
  readonly sentAt: string | null;
  readonly lines: readonly {
    /** Number of the order's line, 1 and up, or null where the warehouse names goods only. */
    readonly line: number | null;
    readonly sku: string;
    /** Plain decimal, 0 for what was not there. */
    readonly quantity: string;
  }[];
}

/** Goods that came in. */
export interface Receipt {
  readonly kind: 'receipt';
  readonly receipt: string;
  /** What was announced, such as a purchase order's number, or null. */
  readonly reference: string | null;
  readonly receivedAt: string;
  readonly sentAt: string | null;
  /** `condition` in the warehouse's words; null is as it should be. */
  readonly lines: readonly { readonly sku: string; readonly quantity: string; readonly condition: string | null }[];
}

/** What the warehouse counts on its shelves. */
export interface InventoryReport {
  readonly kind: 'inventory';
  readonly report: string;
  readonly asOf: string;
  readonly lines: readonly CountLine[];
}

/** Plain decimals; null where the warehouse does not say, never both. */
export interface CountLine {
  readonly sku: string;
  /** On its shelves, what orders have claimed included. */
  readonly onHand: string | null;
  /** What no order has claimed. */
  readonly available: string | null;
}

/** Whether the warehouse took what it was sent. */
export interface Acknowledgement {
  readonly kind: 'acknowledgement';
  /** Number of the order message. */
  readonly to: number;
  readonly accepted: boolean;
  readonly sentAt: string | null;
  /** Where it is wrong, in the words of the format (`W01 in segment 7`), and why. */
  readonly problems: readonly { readonly where: string | null; readonly why: string }[];
}

/** A message that came whole, and says of itself that it is not right: nothing of it is used, and the warehouse hears of it where the format can say so. */
export interface BadMessage {
  readonly kind: 'bad';
  /** What it would have been about, as far as that can be read. */
  readonly about: string;
  readonly why: string;
  readonly where: string | null;
}

/** A group of X12 messages that was read: what the warehouse hears of it (997). */
export interface ReceivedGroup {
  readonly kind: 'group';
  /** Code of its purpose, such as SW, and its control number, as they stood there. */
  readonly functional: string;
  readonly control: string;
  readonly sets: readonly {
    readonly type: string;
    readonly control: string;
    /** Empty when it was taken. `segment` counts from ST, which is 1; null is about the whole. */
    readonly problems: readonly SetProblem[];
  }[];
}

export interface SetProblem {
  readonly segment: { readonly id: string; readonly place: number } | null;
  /** AK304 where it is about a segment, else AK502. */
  readonly code: string;
  readonly why: string;
}

/** What a source brings beside its own messages. */
export type Beside = BadMessage | ReceivedGroup;

export type Message = ShippingAdvice | Receipt | InventoryReport | Acknowledgement;
export type MessageKind = Message['kind'];
export type MessageOf<K extends MessageKind> = Extract<Message, { kind: K }>;

/** One way to write all this down. Pure: text in, text out; what is wrong as a whole throws a `rejected` Fault that names the file and the place. */
export interface Codec {
  /** Of the files it writes, without the dot. */
  readonly extension: string;
  /** Begin of the names of files with orders. */
  readonly prefix: string;
  /** Default names of the files of each kind, as patterns. */
  readonly patterns: Readonly<Record<MessageKind, string>>;
  writeOrder(message: OrderMessage): string;
  /** Throws `rejected` for an order that the format cannot say. */
  checkOrder(order: FulfilmentOrder): void;
  /** X12's 997; absent in formats that know no such thing. */
  writeAcknowledgement?(number: number, at: Date, group: ReceivedGroup): string;
  read<K extends MessageKind>(kind: K, file: string, text: string): readonly (MessageOf<K> | Beside)[];
}
