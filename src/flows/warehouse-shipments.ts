import type { Beside, ShippingAdvice } from '../connectors/warehouse-files/index.ts';
import {
  badMessage,
  orderOf,
  othersOf,
  reopened,
  shipmentOf,
  shippedBy,
  shortOf,
} from '../connectors/warehouse-files/mapping.ts';
import type { Sink, Source } from '../core/connector.ts';
import { defineFlow, type Flow, type Look, type MappingSeed, type Translation } from '../core/flow.ts';
import { canonicalJson } from '../core/seal.ts';
import { hasLeft, isBefore, type Shipment, ShipmentDocument } from '../model/shipment.ts';

type Native = ShippingAdvice | Beside;

/** Of an order's shipments, by their numbers, when the warehouse sent the last that was heard of each. RFC 3339, UTC. */
type Sent = Readonly<Record<string, string>>;
type ShipmentFlow = Flow<Native, typeof ShipmentDocument, Sent>;

export interface WarehouseShipmentsParts {
  readonly from: Source<Native>;
  readonly to: { readonly shipment: Sink<typeof ShipmentDocument> };
  /** The warehouse's codes of carriers → the hub's. Default: none, so that the first one is asked for. */
  readonly carriers?: Readonly<Record<string, string>>;
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
export const warehouseShipments = ({ from, to, carriers: rows = {} }: WarehouseShipmentsParts): ShipmentFlow =>
  defineFlow({
    id: 'warehouse-shipments',
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

/** The shop hears of the same shipments, from the same files, at its own pace: either side may be away. */
export const shopShipments = ({ from, to, carriers: rows = {} }: WarehouseShipmentsParts): ShipmentFlow =>
  defineFlow({
    id: 'shop-shipments',
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
    translate: (native, look) => shipmentsOf(native, look, false),
  });

async function shipmentsOf(
  native: Native,
  look: Look<Sent>,
  asks: boolean,
): Promise<Translation<typeof ShipmentDocument, Sent>> {
  if (native.kind === 'bad') throw badMessage(native);
  if (native.kind === 'group' || isOvertaken(native, look.memory)) return { outcome: 'duplicate', documents: [] };
  const memory = { ...look.memory, ...(native.sentAt === null ? {} : { [native.shipment]: native.sentAt }) };
  return { ...(await adviceTold(native, look, asks)), memory };
}

/** Whether something that the warehouse sent later of the same shipment was heard before. */
const isOvertaken = ({ shipment, sentAt }: ShippingAdvice, sent: Sent | null): boolean =>
  sentAt !== null && sent !== null && Object.hasOwn(sent, shipment) && Date.parse(sentAt) < Date.parse(sent[shipment]!);

async function adviceTold(
  native: ShippingAdvice,
  look: Look<Sent>,
  asks: boolean,
): Promise<Translation<typeof ShipmentDocument>> {
  const order = await orderOf(native, look);
  const others = await othersOf(native.shipment, order, look);
  const told = shipmentOf(native, order, others, look);
  const known = told && (await look.current(ShipmentDocument, told.id));
  // What comes late says nothing new: goods that have left were packed.
  if (known && isBefore(native.milestone, known.milestone)) return { outcome: 'duplicate', documents: [] };
  const body = told && known ? furtherOn(known, told) : told;
  const gone = hasLeft(native);
  const shipped = asks && gone ? shippedBy(native, order, body, others) : null;
  const replies = shipped === null ? [] : [shipped];
  const people = asks && gone ? shortOf(native, order, body, others) : {};
  if (body === null) return { outcome: 'routed', documents: [], ...people, replies };
  const documents = [body, reopened(body, order, others)].flatMap((one) =>
    one === null ? [] : [{ kind: 'shipment' as const, body: one }],
  );
  if (known && documents.length === 1 && canonicalJson(known) === canonicalJson(body))
    return { outcome: 'duplicate', documents, replies };
  return { outcome: 'routed', documents, ...people, replies };
}

/** The same shipment at its next milestone; whoever tells of that need not say again how it travels. */
const furtherOn = (known: Shipment, told: Shipment): Shipment =>
  known.milestone === told.milestone
    ? told
    : {
        ...told,
        carrier: told.carrier ?? known.carrier,
        tracking: told.tracking.length > 0 ? told.tracking : known.tracking,
      };
