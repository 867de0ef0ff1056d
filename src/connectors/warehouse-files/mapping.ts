import { add, compare, type Decimal, decimal, decimalText, integer, negate } from '../../core/decimal.ts';
import { nothing } from '../../core/document.ts';
import { rejected } from '../../core/fault.ts';
import type { Look, Objection, Reply } from '../../core/flow.ts';
import { type FulfilmentOrder, FulfilmentOrderDocument, shippedKey } from '../../model/fulfilment-order.ts';
import type { Receipt as GoodsReceipt } from '../../model/receipt.ts';
import { hasLeft, type Shipment, ShipmentDocument } from '../../model/shipment.ts';
import type { StockAdjustment } from '../../model/stock-adjustment.ts';
import type { Acknowledgement, BadMessage, InventoryReport, Receipt, ShippingAdvice } from './messages.ts';

/** How far goods of a fulfilment order have come, whoever tells it: a warehouse by files, or a store. */
export type Advice = Omit<ShippingAdvice, 'kind' | 'milestone' | 'sentAt'> & Pick<Shipment, 'milestone'>;

/** The fulfilment order that is named by its number: by what it was sent, else by the number itself. Throws `rejected`. */
export async function orderOf(
  advice: Pick<Advice, 'shipment' | 'order'>,
  look: Pick<Look, 'keyOf' | 'current' | 'find'>,
): Promise<FulfilmentOrder> {
  const key = await look.keyOf(FulfilmentOrderDocument, advice.order);
  const sent = key === null ? null : await look.current(FulfilmentOrderDocument, key);
  if (sent) return sent;
  const found = await look.find(FulfilmentOrderDocument, ['fulfilment-order', advice.order]);
  if (found.length === 1) return found[0]!;
  throw rejected(
    found.length === 0
      ? `Shipment ${advice.shipment} is of fulfilment order ${advice.order}, which is not known here. Ask there what it is; when the order is there, retry.`
      : `Shipment ${advice.shipment} is of fulfilment order ${advice.order}, and ${found.length} orders have that number. Dismiss this, and enter the shipment in the system that has the right one.`,
    found.length === 0 ? 'unknown-order' : 'ambiguous-order',
    'order',
  );
}

/** Of an order, what has left in other shipments than the named one, as far as they are known. */
export const othersOf = async (
  shipment: string,
  { id, orderNumber }: FulfilmentOrder,
  look: Pick<Look, 'find'>,
): Promise<Shipment[]> =>
  (await look.find(ShipmentDocument, ['order', orderNumber])).filter(
    (one) => hasLeft(one) && one.fulfilmentOrder === id && one.number !== shipment,
  );

/** What a shipping advice means; null when nothing left at all. `before` is what left in others, `carriers` is the Mapping table of the teller's codes. Throws `rejected` for goods that the order has not, or not so many. */
export function shipmentOf(
  advice: Advice,
  order: FulfilmentOrder,
  before: readonly Shipment[],
  look: Pick<Look, 'connection' | 'mapping'>,
  carriers = 'warehouse-carriers',
): Shipment | null {
  const taken = allocate(advice, order);
  if (taken.size === 0) return null;
  const lines = order.lines.flatMap(({ id, orderLine, sku }) => {
    const quantity = taken.get(id);
    return quantity === undefined ? [] : [{ id, orderLine, sku, quantity: decimalText(quantity) }];
  });
  return {
    id: `${look.connection}:${advice.shipment}`,
    number: advice.shipment,
    fulfilmentOrder: order.id,
    order: order.order,
    orderNumber: order.orderNumber,
    location: order.location,
    milestone: advice.milestone,
    occurredAt: advice.shippedAt,
    carrier: advice.carrier === null ? null : look.mapping(carriers).get(advice.carrier),
    tracking: advice.tracking.map((number) => ({ number, url: null })),
    closes:
      isLastWord(advice, order) &&
      !before.some(({ closes }) => closes) &&
      isShort(order, [...before.flatMap((one) => one.lines), ...lines]),
    lines,
  };
}

/** Of the others the one that closes the order, where with what is told now nothing is left to be dropped: it closes nothing any more. Null where all stay as they are. */
export function reopened(told: Shipment, order: FulfilmentOrder, before: readonly Shipment[]): Shipment | null {
  const closing = before.find(({ closes }) => closes);
  const isWhole = !isShort(
    order,
    [...before, told].flatMap((one) => one.lines),
  );
  return closing && hasLeft(told) && isWhole ? { ...closing, closes: false } : null;
}

type Lines = Shipment['lines'];

const leftOf = (id: string, lines: Lines): Decimal =>
  lines
    .filter((line) => line.id === id)
    .map(({ quantity }) => decimal(quantity))
    .reduce(add, zero);

/** Whether something will not come at all. Where all has left nothing is to be dropped: its shipments may be booked in any order. */
const isShort = (order: FulfilmentOrder, lines: Lines): boolean =>
  order.lines.some(({ id, quantity }) => compare(leftOf(id, lines), decimal(quantity)) < 0);

/** The last word on an order: said of the whole, or of each of its lines. */
const isLastWord = (advice: Advice, order: FulfilmentOrder): boolean =>
  advice.closes === 'order' ||
  (advice.closes === 'lines' &&
    order.lines.every((line, index) => advice.lines.some((said) => isOf(said, line, index))));

/** Whether no more of a line will come, as the advice says. */
const isClosedBy = (advice: Advice, line: FulfilmentOrder['lines'][number], index: number): boolean =>
  advice.closes === 'order' || (advice.closes === 'lines' && advice.lines.some((said) => isOf(said, line, index)));

const isOf = (said: Advice['lines'][number], line: FulfilmentOrder['lines'][number], index: number): boolean =>
  said.line === null ? said.sku === line.sku : said.line === index + 1;

const zero = integer(0);
const least = (a: Decimal, b: Decimal): Decimal => (compare(a, b) < 0 ? a : b);

/** Also by the order's own number, which people know it by. */
const named = ({ number, orderNumber }: FulfilmentOrder): string => `fulfilment order ${number} (order ${orderNumber})`;

/** How much of each line of the order left, by line id. Goods named without a line fill the lines that want them, first to last. */
function allocate(advice: Advice, order: FulfilmentOrder): Map<string, Decimal> {
  const taken = new Map<string, Decimal>();
  for (const said of advice.lines) {
    let rest = decimal(said.quantity);
    const own = order.lines.filter((line, index) => isOf(said, line, index) && line.sku === said.sku);
    if (own.length === 0)
      throw rejected(
        `Shipment ${advice.shipment}: ${named(order)} has no ${said.sku}${said.line === null ? '' : ` in line ${said.line}`}. Ask there what left; correct the code with an edit, or dismiss this and enter the shipment by hand.`,
        'unknown-sku',
        'lines.sku',
      );
    for (const line of own) {
      const before = taken.get(line.id) ?? zero;
      const more = least(rest, add(decimal(line.quantity), negate(before)));
      if (compare(more, zero) <= 0) continue;
      taken.set(line.id, add(before, more));
      rest = add(rest, negate(more));
    }
    if (compare(rest, zero) > 0)
      throw rejected(
        `Shipment ${advice.shipment}: ${said.quantity} of ${said.sku} left for ${named(order)}, which wants ${decimalText(rest)} less. Ask there whether that is so; correct it with an edit, or dismiss this and enter the shipment by hand.`,
        'more-than-ordered',
        'lines.quantity',
      );
  }
  return taken;
}

/** Lines of an order of which no more will come, by their ids, as the advice says. */
export const closedBy = (advice: Advice, order: FulfilmentOrder): string[] =>
  order.lines.filter((line, index) => isClosedBy(advice, line, index)).map(({ id }) => id);

/** What of an order has left, and the lines of which the warehouse said that no more will come. */
export interface Standing {
  readonly shipments: readonly Shipment[];
  readonly closed: readonly string[];
}

/** Goods that will not come any more, and that have not left either. */
function missingOf(order: FulfilmentOrder, { shipments, closed }: Standing): string[] {
  const left = shipments.flatMap(({ lines }) => lines);
  return order.lines
    .filter(({ id }) => shipments.some(({ closes }) => closes) || closed.includes(id))
    .map(({ id, sku, quantity }) => ({ sku, quantity: add(decimal(quantity), negate(leftOf(id, left))) }))
    .filter(({ quantity }) => compare(quantity, zero) > 0)
    .map(({ sku, quantity }) => `${decimalText(quantity)} × ${sku}`);
}

/**
 * What people are asked about, and which of their questions that ends: goods that will not come, as the warehouse has said by `now`. There somebody must tell the customer.
 * What it said `before` as well is not asked a second time.
 */
export function shortOf(
  order: FulfilmentOrder,
  before: Standing,
  now: Standing,
): { readonly objections: Objection[]; readonly answers: string[] } {
  const [asked, missing] = [missingOf(order, before), missingOf(order, now)];
  if (missing.length > 0 && missing.join() === asked.join()) return { objections: [], answers: [] };
  const { shipments, closed } = now;
  const isClosed = order.lines.every(({ id }) => closed.includes(id)) || shipments.some(({ closes }) => closes);
  const isWhole = !isShort(
    order,
    shipments.flatMap(({ lines }) => lines),
  );
  const answers = [
    ...(shipments.length > 0 ? ['nothing-shipped'] : []),
    ...(isClosed || isWhole || asked.length > 0 ? ['shipped-short'] : []),
  ];
  if (missing.length === 0) return { objections: [], answers };
  const nothingAtAll = shipments.length === 0 && missing.length === order.lines.length;
  const objection = {
    cause: nothingAtAll ? 'nothing-shipped' : 'shipped-short',
    message: nothingAtAll
      ? `The warehouse has nothing of ${named(order)} and closes it. Ship it from elsewhere, or cancel it and tell the customer.`
      : `The warehouse ships ${named(order)} short: ${missing.join(', ')} will not come. Ship that from elsewhere, or take it off the order, give the money back and tell the customer; then dismiss this.`,
    field: 'lines.quantity',
    measure: { ...nothing, lines: missing.length },
  };
  return { objections: [objection], answers };
}

/** A message that is wrong in itself, as an Exception. */
export const badMessage = ({ why, where }: BadMessage) =>
  rejected(
    `${why} Nothing of this message was used. Ask the warehouse to send it again, put right.`,
    'message-wrong',
    ...(where === null ? [] : [where]),
  );

/**
 * What an advice answers of that: lines of which no more will come, because it says so, or because with what left `before` they have left whole.
 */
export function shippedBy(
  advice: Advice,
  order: FulfilmentOrder,
  shipment: Shipment | null,
  before: readonly Shipment[],
): Reply | null {
  const lines = [...(shipment ? [shipment] : []), ...before].flatMap((one) => one.lines);
  const closed = closedBy(advice, order);
  const parts = order.lines
    .filter((line) => closed.includes(line.id) || compare(leftOf(line.id, lines), decimal(line.quantity)) >= 0)
    .map(({ id }) => id);
  return parts.length === 0 ? null : { to: shippedKey(order.number), unasked: true, parts };
}

/** What an acknowledgement answers. */
export function replyOf({ to, accepted, problems }: Acknowledgement, connection: string): Reply {
  const reasons = problems.map(({ where, why }) => (where === null ? why : `${where}: ${why}`));
  const [first] = problems;
  return {
    to: `acknowledgement:${to}`,
    ...(accepted
      ? {}
      : {
          refusal: {
            cause: 'rejected-by-warehouse',
            message: `${connection} rejected message ${to}: ${reasons.join('; ') || 'no reason was given'}. It will not ship it: correct it where it comes from, or agree with the warehouse.`,
            ...(first?.where ? { field: first.where } : {}),
          },
        }),
  };
}

/** Lines of what came at all. */
const cameIn = ({ lines }: Receipt): Receipt['lines'] =>
  lines.filter(({ quantity }) => compare(decimal(quantity), zero) > 0);

/** Goods that came in and were announced; null where nothing came. */
export function receiptOf(receipt: Receipt, reference: string, connection: string): GoodsReceipt | null {
  const lines = cameIn(receipt);
  if (lines.length === 0) return null;
  return {
    id: `${connection}:${receipt.receipt}`,
    number: receipt.receipt,
    reference,
    receivedAt: receipt.receivedAt,
    lines: lines.map((line, index) => ({ id: String(index + 1), ...line })),
  };
}

/** Goods that came in unannounced, as stock found at the warehouse. */
export const adjustmentOf = (receipt: Receipt, connection: string): StockAdjustment | null => {
  const lines = cameIn(receipt);
  if (lines.length === 0) return null;
  return {
    id: `${connection}:${receipt.receipt}`,
    origin: receipt.reference ?? receipt.receipt,
    occurredAt: receipt.receivedAt,
    lines: lines.map(({ sku, quantity, condition }, index) => ({
      id: String(index + 1),
      sku,
      quantity,
      reason: condition === null ? 'received' : `received, ${condition}`,
    })),
  };
};

/** Plain decimals that the hub heard of goods in the location; null where it did not. */
interface Figures {
  readonly onHand: string | null;
  readonly free: string | null;
}

/** What the hub heard of goods: as they were at the moment of a count, and what they became since. */
export interface Known {
  readonly then: Figures;
  readonly since: readonly Figures[];
}

/** A figure of the warehouse's beside the hub's of the same moment. */
export interface Comparison {
  readonly sku: string;
  readonly counted: string;
  readonly known: string;
  readonly what: 'on the shelf' | 'available';
  /** `moved`: it is not what was known then, but what the goods became since. */
  readonly verdict: 'agrees' | 'moved' | 'differs';
}

/**
 * The warehouse's count beside what the hub heard of the same: shelves are compared with what is on hand, and what no order has claimed with what is free.
 * Never with what is promised, which is less by safety stock and by orders that the warehouse has not heard of. Goods of which the hub heard nothing are left out.
 */
export const comparisonsOf = (report: InventoryReport, known: ReadonlyMap<string, Known>): Comparison[] =>
  report.lines.flatMap(({ sku, onHand, available }) => {
    const held = known.get(sku);
    if (held === undefined) return [];
    const compared = (
      counted: string | null,
      figure: (figures: Figures) => string | null,
      what: Comparison['what'],
    ): Comparison[] => {
      const ours = figure(held.then);
      if (counted === null || ours === null) return [];
      const isCounted = (text: string | null): boolean =>
        text !== null && compare(decimal(text), decimal(counted)) === 0;
      const moved = held.since.some((figures) => isCounted(figure(figures)));
      const verdict = isCounted(ours) ? 'agrees' : moved ? 'moved' : 'differs';
      return [{ sku, counted, known: ours, what, verdict }];
    };
    return [
      ...compared(onHand, (figures) => figures.onHand, 'on the shelf'),
      ...compared(available, ({ free }) => free, 'available'),
    ];
  });
