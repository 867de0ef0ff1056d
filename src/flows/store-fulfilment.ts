import type { StoreReport } from '../connectors/rest-store/index.ts';
import { type Advice, orderOf, othersOf, shipmentOf, shippedBy } from '../connectors/warehouse-files/mapping.ts';
import type { Sink, Source } from '../core/connector.ts';
import { add, compare, decimal, decimalText, negate } from '../core/decimal.ts';
import { nothing } from '../core/document.ts';
import { rejected } from '../core/fault.ts';
import { defineFlow, type Flow, type Look, type MappingSeed, type Objection, type Translation } from '../core/flow.ts';
import { canonicalJson } from '../core/seal.ts';
import { type FulfilmentOrder, readyKey, shippedKey } from '../model/fulfilment-order.ts';
import { hasLeft, isBefore, type Shipment, ShipmentDocument } from '../model/shipment.ts';

export interface StoreFulfilmentsParts {
  /** One flow for each store. Default 'store-fulfilments', for shops 'shop-fulfilments'. */
  readonly id?: string;
  readonly from: Source<StoreReport>;
  readonly to: { readonly shipment: Sink<typeof ShipmentDocument> };
}

export interface ShopFulfilmentsParts extends StoreFulfilmentsParts {
  /** Whether an order is the shop's, by its key (`web:…`), and the shipment one that it hears of from here. Default: all are. */
  readonly sold?: (order: string, shipment: Shipment) => boolean;
}

/** The newest of what a store said of a fulfilment order, by its own time: pushes overtake each other. RFC 3339. */
interface Heard {
  readonly at: string;
}

const carriers: MappingSeed = {
  table: 'store-carriers',
  owner: 'logistics',
  about: "Stores' own codes of carriers → carriers of the hub; no row means the shipment is held.",
  rows: {},
};

/** What a store prepares, hands over or ships reaches the books, each once; what it cannot hand over is asked about. */
export const storeFulfilments = ({
  id = 'store-fulfilments',
  from,
  to,
}: StoreFulfilmentsParts): Flow<StoreReport, typeof ShipmentDocument, Heard> =>
  defineFlow<StoreReport, typeof ShipmentDocument, Heard>({
    id,
    about: 'What a store prepares, hands over or ships becomes shipments.',
    documents: [ShipmentDocument],
    from,
    to,
    latency: 'realtime',
    promise: { within: '10m', critical: true },
    onException: { owner: 'stores', within: '4h', hold: 'lane' },
    fallback: 'Customers get their goods all the same; the books hear of it when the store can be reached.',
    mappings: [carriers],
    translate: (report, look) => handoverOf(report, look, true),
  });

/** The shop that sold the goods hears the same, and by it the customer: that they are ready, that they were collected, that they have left. */
export const shopFulfilments = ({
  id = 'shop-fulfilments',
  from,
  to,
  sold = () => true,
}: ShopFulfilmentsParts): Flow<StoreReport, typeof ShipmentDocument, Heard> =>
  defineFlow<StoreReport, typeof ShipmentDocument, Heard>({
    id,
    about: 'The shop, and with it the customer, hears what a store has ready, handed over or shipped.',
    documents: [ShipmentDocument],
    from,
    to,
    latency: 'realtime',
    promise: { within: '10m', critical: true },
    onException: { owner: 'stores', within: '4h', hold: 'lane' },
    fallback: 'The customer is not told; the goods wait.',
    mappings: [carriers],
    // What the store cannot hand over is asked about once, by the flow to the books.
    translate: async (report, look) => {
      const told = await handoverOf(report, look, false);
      return { ...told, documents: told.documents.filter(({ body }) => sold(body.order, body)) };
    },
  });

const NOT_COLLECTED = 'not-collected';
const NOT_AVAILABLE = 'not-available';

async function handoverOf(
  report: StoreReport,
  look: Look<Heard>,
  asks: boolean,
): Promise<Translation<typeof ShipmentDocument, Heard>> {
  const isLate = look.memory !== null && Date.parse(report.at) < Date.parse(look.memory.at);
  const translation = await reported(report, look, { asks, isLate });
  return isLate ? translation : { ...translation, memory: { at: report.at } };
}

async function reported(
  report: StoreReport,
  look: Look<Heard>,
  { asks, isLate }: { readonly asks: boolean; readonly isLate: boolean },
): Promise<Translation<typeof ShipmentDocument, Heard>> {
  const named = { shipment: report.parcel?.number ?? report.fulfilment, order: report.fulfilment };
  const order = await orderOf(named, look);
  const known = await look.current(ShipmentDocument, `${look.connection}:${named.shipment}`);
  if (report.status === NOT_COLLECTED || report.status === NOT_AVAILABLE) {
    if (!asks || isLate || (known && hasLeft(known))) return { outcome: 'duplicate', documents: [] };
    return { outcome: 'routed', documents: [], objections: [refusalOf(report.status, order)], replies: allOver(order) };
  }
  const advice = adviceOf(report, named, order);
  const others = await othersOf(named.shipment, order, look);
  const told = shipmentOf(advice, order, others, look, carriers.table);
  // What comes late says nothing new: what was collected was ready.
  if (told === null || (known && isBefore(told.milestone, known.milestone)))
    return { outcome: 'duplicate', documents: [] };
  const documents = [{ kind: 'shipment' as const, body: told }];
  const outcome = known && canonicalJson(known) === canonicalJson(told) ? 'duplicate' : 'routed';
  if (!asks) return { outcome, documents };
  return {
    outcome,
    documents,
    // What was said before the question was is no answer to it, unless the goods are gone.
    answers: isLate && !hasLeft(told) ? [] : [NOT_COLLECTED, NOT_AVAILABLE],
    objections: report.status === 'collected' ? leftBehind(told, order) : [],
    replies: hasLeft(told) ? repliesOf(advice, order, told, others) : [{ to: readyKey(order.number), unasked: true }],
  };
}

const allOver = ({ number }: FulfilmentOrder) =>
  [readyKey(number), shippedKey(number)].map((to) => ({ to, unasked: true }));

/** What is handed over at the counter is awaited no more, all of it or not; of parcels all must leave. */
function repliesOf(advice: Advice, order: FulfilmentOrder, told: Shipment, others: readonly Shipment[]) {
  if (told.milestone === 'collected') return allOver(order);
  const shipped = shippedBy(advice, order, told, others);
  return shipped === null ? [] : [shipped];
}

type Said = Extract<StoreReport['status'], Shipment['milestone']>;

function adviceOf(
  { status, at, lines, parcel }: StoreReport,
  named: { readonly shipment: string; readonly order: string },
  order: FulfilmentOrder,
): Advice {
  const placeOf = (id: string): number => {
    const index = order.lines.findIndex((line) => line.id === id);
    if (index >= 0) return index;
    throw rejected(
      `Fulfilment order ${order.number} has no line ${id}. Ask the store what was handed over; correct it with an edit, or dismiss this and enter it by hand.`,
      'unknown-line',
      'lines.id',
    );
  };
  const all = order.lines.map(({ id, quantity }) => ({ id, quantity }));
  const last = parcel === undefined ? status === 'collected' : parcel.last || lines === undefined;
  return {
    ...named,
    milestone: status as Said,
    shippedAt: new Date(at).toISOString(),
    carrier: parcel?.carrier ?? null,
    tracking: parcel?.tracking ?? [],
    closes: last ? 'order' : 'nothing',
    lines: (lines ?? all).map(({ id, quantity }) => {
      const index = placeOf(id);
      return { line: index + 1, sku: order.lines[index]!.sku, quantity };
    }),
  };
}

const measureOf = (order: FulfilmentOrder) => ({ ...nothing, lines: order.lines.length });

const refusalOf = (cause: typeof NOT_COLLECTED | typeof NOT_AVAILABLE, order: FulfilmentOrder): Objection => {
  const what = `fulfilment order ${order.number} (order ${order.orderNumber})`;
  return {
    cause,
    message:
      cause === NOT_COLLECTED
        ? `Nobody came for ${what}, and the goods are back on the shelf. Agree with the customer, or cancel the order in the shop, which gives the money back; then dismiss this. When it is collected after all, this closes by itself.`
        : `The store does not have the goods of ${what}. Ship them from elsewhere, or cancel the order in the shop and tell the customer; then dismiss this. When the store has them after all, this closes by itself.`,
    measure: measureOf(order),
  };
};

/** What the customer did not take of what was asked for: it is back on the shelf, and its money is still here. */
function leftBehind(told: Shipment, order: FulfilmentOrder): Objection[] {
  const rest = order.lines.flatMap(({ id, sku, quantity }) => {
    const taken = told.lines.find((line) => line.id === id)?.quantity ?? '0';
    const left = add(decimal(quantity), negate(decimal(taken)));
    return compare(left, decimal('0')) > 0 ? [`${decimalText(left)} × ${sku}`] : [];
  });
  if (rest.length === 0) return [];
  return [
    {
      cause: NOT_COLLECTED,
      message: `The customer did not take ${rest.join(', ')} of fulfilment order ${order.number} (order ${order.orderNumber}); the goods are back on the shelf. Refund them in the shop, then dismiss this.`,
      field: 'lines.quantity',
      measure: { ...nothing, lines: rest.length },
    },
  ];
}
