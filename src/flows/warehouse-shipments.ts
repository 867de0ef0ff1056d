import type { Beside, ShippingAdvice } from '../connectors/warehouse-files/index.ts';
import {
  badMessage,
  closedBy,
  orderOf,
  othersOf,
  reopened,
  type Standing,
  shipmentOf,
  shippedBy,
  shortOf,
} from '../connectors/warehouse-files/mapping.ts';
import type { Sink, Source } from '../core/connector.ts';
import { nothing } from '../core/document.ts';
import { defineFlow, type Flow, type Look, type MappingSeed, type Translation } from '../core/flow.ts';
import { canonicalJson } from '../core/seal.ts';
import type { FulfilmentOrder } from '../model/fulfilment-order.ts';
import { hasLeft, isBefore, type Shipment, ShipmentDocument } from '../model/shipment.ts';

type Native = ShippingAdvice | Beside;

/** When the warehouse sent the last that was heard of each of an order's shipments, by their numbers. RFC 3339, UTC. */
type Sent = Readonly<Record<string, string>>;

/** What the warehouse said of an order. */
interface Heard {
  readonly sent: Sent;
  /** Ids of lines of which no more will come. */
  readonly closed: readonly string[];
}

type ShipmentFlow = Flow<Native, typeof ShipmentDocument, Heard>;

/** Earlier versions of the hub kept only when it was sent. */
const heardBefore = (memory: Heard | Sent | null): Heard =>
  typeof memory?.sent === 'object' ? (memory as Heard) : { sent: (memory ?? {}) as Sent, closed: [] };

export interface WarehouseShipmentsParts {
  /** One flow for each warehouse. Default 'warehouse-shipments', for shops 'shop-shipments'. */
  readonly id?: string;
  readonly from: Source<Native>;
  readonly to: { readonly shipment: Sink<typeof ShipmentDocument> };
  /** The warehouse's codes of carriers → the hub's. Default: none, so that the first one is asked for. */
  readonly carriers?: Readonly<Record<string, string>>;
}

export interface ShopShipmentsParts extends WarehouseShipmentsParts {
  /** Whether an order is the shop's, by its key (`web:…`), and the shipment one that it hears of from here. Default: all are. */
  readonly sold?: (order: string, shipment: Shipment) => boolean;
}

const carriers = (rows: Readonly<Record<string, string>>): MappingSeed => ({
  table: 'warehouse-carriers',
  owner: 'logistics',
  about: "The warehouse's codes of carriers → the hub's; no row means the shipment is held.",
  rows,
});

const deliveryMethods: MappingSeed = {
  table: 'carriers',
  owner: 'logistics',
  about: 'Carriers of the hub → names of delivery methods in Odoo; no row: none is set.',
  rows: {},
};

/** Each shipment the warehouse advises is told to the books, once, however often its file comes; a correction is the next version of it. */
export const warehouseShipments = ({
  id = 'warehouse-shipments',
  from,
  to,
  carriers: rows = {},
}: WarehouseShipmentsParts): ShipmentFlow =>
  defineFlow({
    id,
    about: "The warehouse's shipping advices become shipments.",
    documents: [ShipmentDocument],
    from,
    to,
    latency: 'realtime',
    promise: { within: '10m', critical: true },
    onException: { owner: 'logistics', within: '4h', hold: 'lane' },
    fallback: 'Goods leave all the same; their shipments are told when the files are read.',
    mappings: [carriers(rows), deliveryMethods],
    translate: (native, look) => shipmentsOf(native, look, true),
  });

/** The shop hears of the same shipments, of what it sold, from the same files, at its own pace: either side may be away. */
export const shopShipments = ({
  id = 'shop-shipments',
  from,
  to,
  carriers: rows = {},
  sold = () => true,
}: ShopShipmentsParts): ShipmentFlow =>
  defineFlow({
    id,
    about: 'The shop, and with it the customer, hears of each shipment of the warehouse.',
    documents: [ShipmentDocument],
    from,
    to,
    latency: 'realtime',
    promise: { within: '10m', critical: true },
    onException: { owner: 'logistics', within: '4h', hold: 'lane' },
    fallback: 'The customer sees the order as not yet shipped.',
    mappings: [carriers(rows)],
    // What nobody can ship is asked about once, by the flow to the books.
    translate: async (native, look) => {
      const told = await shipmentsOf(native, look, false);
      return { ...told, documents: told.documents.filter(({ body }) => sold(body.order, body)) };
    },
  });

async function shipmentsOf(
  native: Native,
  look: Look<Heard>,
  asks: boolean,
): Promise<Translation<typeof ShipmentDocument, Heard>> {
  if (native.kind === 'bad') throw badMessage(native);
  const { sent, closed } = heardBefore(look.memory);
  if (native.kind === 'group' || isOvertaken(native, sent)) return { outcome: 'duplicate', documents: [] };
  const order = await orderOf(native, look);
  const now = {
    sent: { ...sent, ...(native.sentAt === null ? {} : { [native.shipment]: native.sentAt }) },
    closed: [...new Set([...closed, ...(hasLeft(native) ? closedBy(native, order) : [])])],
  };
  return { ...(await adviceTold(native, order, look, { asks, before: closed, closed: now.closed })), memory: now };
}

/** Whether something that the warehouse sent later of the same shipment was heard before. */
const isOvertaken = ({ shipment, sentAt }: ShippingAdvice, sent: Sent): boolean =>
  sentAt !== null && Object.hasOwn(sent, shipment) && Date.parse(sentAt) < Date.parse(sent[shipment]!);

async function adviceTold(
  native: ShippingAdvice,
  order: FulfilmentOrder,
  look: Look<Heard>,
  {
    asks,
    before,
    closed,
  }: { readonly asks: boolean; readonly before: readonly string[]; readonly closed: readonly string[] },
): Promise<Translation<typeof ShipmentDocument>> {
  const others = await othersOf(native.shipment, order, look);
  const told = shipmentOf(native, order, others, look);
  const known = told && (await look.current(ShipmentDocument, told.id));
  const body = told && known ? furtherOn(known, told) : told;
  const gone = hasLeft(native);
  const shipped = asks && gone ? shippedBy(native, order, body, others) : null;
  const replies = shipped === null ? [] : [shipped];
  const standing = (own: Shipment | null, lines: readonly string[]): Standing => ({
    shipments: own && hasLeft(own) ? [...others, own] : others,
    closed: lines,
  });
  const people = asks && gone ? shortOf(order, standing(known, before), standing(body, closed)) : {};
  if (body === null) return { outcome: 'routed', documents: [], ...people, replies };
  const documents = [body, reopened(body, order, others)].flatMap((one) =>
    one === null ? [] : [{ kind: 'shipment' as const, body: one }],
  );
  if (known === null || documents.length > 1 || canonicalJson(known) !== canonicalJson(body))
    return { outcome: 'routed', documents, ...people, replies };
  // That no more of a line will come is news as well, to be heard by a replay; its goods are counted.
  const outcome = closed.length > before.length ? 'routed' : 'duplicate';
  return { outcome, documents, ...people, replies, brought: nothing };
}

/** The same shipment as far as it has come; whoever tells of its next milestone need not say again how it travels. */
function furtherOn(known: Shipment, told: Shipment): Shipment {
  if (known.milestone === told.milestone) return told;
  // What comes late says nothing new of goods, for those that have left were packed; but it may be the last word.
  if (isBefore(told.milestone, known.milestone))
    return { ...known, closes: known.closes || (hasLeft(told) && told.closes) };
  return {
    ...told,
    carrier: told.carrier ?? known.carrier,
    tracking: told.tracking.length > 0 ? told.tracking : known.tracking,
  };
}
