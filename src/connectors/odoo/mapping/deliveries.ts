import type { Draft, Look } from '../../../core/flow.ts';
import { type FulfilmentOrder, FulfilmentOrderDocument } from '../../../model/fulfilment-order.ts';
import { type Order, OrderDocument } from '../../../model/order.ts';
import { ProductDocument } from '../../../model/product.ts';
import { type Shipment, ShipmentDocument } from '../../../model/shipment.ts';
import { lastKeyOf, orderKeyOf } from '../external-id.ts';
import type { DeliveryRecord, MoveRecord, PickingRecord } from '../sources/pickings.ts';

type Drafts = Draft<typeof FulfilmentOrderDocument | typeof ShipmentDocument>[];

/**
 * Message Translator: a delivery of Odoo becomes one fulfilment order, whatever is still to ship of it, and a shipment for each picking that is done. Mapping
 * tables `odoo-warehouses` and, where a carrier stands on a picking, `odoo-carriers` (its name → carrier of the hub).
 */
export async function toDeliveryDocuments(record: DeliveryRecord, look: Look): Promise<Drafts> {
  const order =
    (await look.keyOf(OrderDocument, String(record.order.id))) ??
    writtenHere(record) ??
    `${look.connection}:${record.order.id}`;
  const known = await look.current(OrderDocument, order);
  const head = {
    id: await fulfilmentKeyOf(record, look),
    order,
    orderNumber: record.order.reference ?? record.order.name,
    location: look.mapping('odoo-warehouses').get(record.warehouse),
  };
  const drafts: Drafts = [];
  const open = record.pickings.filter(({ state }) => state === 'confirmed' || state === 'assigned');
  const done = record.pickings.filter(({ state }) => state === 'done');
  const dropped = record.pickings.filter(({ state }) => state === 'cancel');
  const rest = open.length > 0 ? open : dropped;
  const lines = await linesOf(rest, look, ({ wanted }) => wanted);
  if (lines.length > 0) {
    const body: FulfilmentOrder = {
      ...head,
      number: record.pickings[0]!.name,
      method: methodOf(lines, known),
      state: open.length > 0 ? 'open' : 'cancelled',
      service: known?.delivery?.service ?? null,
      promisedAt: record.promisedAt ?? known?.delivery?.promisedAt ?? null,
      shipTo: record.shipTo,
      lines,
    };
    drafts.push({ kind: 'fulfilment-order', externalId: String(record.id), body });
  }
  for (const picking of done) {
    const shipment = await shipmentOf(picking, record, { ...head, sold: known }, look);
    if (shipment) drafts.push({ kind: 'shipment', externalId: String(picking.id), body: shipment });
  }
  return drafts;
}

/** Key of the fulfilment order that a delivery is. */
export const fulfilmentKeyOf = async ({ id }: Pick<DeliveryRecord, 'id'>, look: Look): Promise<string> =>
  (await look.keyOf(FulfilmentOrderDocument, String(id))) ?? `${look.connection}:${id}`;

/** The hub's own key of an order, from the ids it gave the order's lines: the delivery may be read before the answer that tells the order's id. */
const writtenHere = ({ pickings }: DeliveryRecord): string | null => {
  const ids = pickings.flatMap(({ moves }) => moves.flatMap(({ externalId }) => externalId ?? []));
  return ids.map(orderKeyOf).find((key) => key !== null) ?? null;
};

/** How a delivery's goods reach the customer: as their own lines say, else the order. */
function methodOf(lines: FulfilmentOrder['lines'], order: Order | null): FulfilmentOrder['method'] {
  const said = lines.map(({ orderLine }) => order?.lines.find(({ id }) => id === orderLine)?.method);
  if (said.length > 0 && said.every((method) => method === 'collect')) return 'collect';
  return said.some((method) => method !== undefined) ? 'ship' : (order?.delivery?.method ?? 'ship');
}

async function shipmentOf(
  picking: PickingRecord,
  { pickings }: DeliveryRecord,
  head: { id: string; order: string; orderNumber: string; location: string; sold: Order | null },
  look: Look,
): Promise<Shipment | null> {
  const { id, sold, ...order } = head;
  const lines = await linesOf([picking], look, ({ moved, state }) => (state === 'done' ? moved : 0));
  if (lines.length === 0) return null;
  const tracking = trackingOf(picking.tracking);
  return {
    ...order,
    id: (await look.keyOf(ShipmentDocument, String(picking.id))) ?? `${look.connection}:${picking.id}`,
    number: picking.name,
    fulfilmentOrder: id,
    // A parcel that is sent after all has a number.
    milestone: methodOf(lines, sold) === 'collect' && tracking.length === 0 ? 'collected' : 'shipped',
    occurredAt: picking.doneAt!,
    carrier: picking.carrier === null ? null : look.mapping('odoo-carriers').get(picking.carrier),
    tracking,
    closes: !pickings.some(({ rest, state }) => rest === picking.id && state !== 'cancel'),
    lines: lines.map(({ id: line, orderLine, sku, quantity }) => ({ id: line, orderLine, sku, quantity })),
  };
}

/** Several numbers stand in one field, parted by commas or semicolons. */
export const trackingOf = (text: string | null): Shipment['tracking'] =>
  (text ?? '')
    .split(/[,;]/)
    .map((number) => number.trim())
    .filter((number) => number !== '')
    .map((number) => ({ number, url: null }));

/** Lines of pickings: moves of one sale line and product together, those of nothing left out. */
async function linesOf(
  pickings: readonly PickingRecord[],
  look: Look,
  quantityOf: (move: MoveRecord) => number,
): Promise<FulfilmentOrder['lines']> {
  const groups = Map.groupBy(
    pickings.flatMap(({ moves }) => moves),
    lineIdOf,
  );
  const lines: FulfilmentOrder['lines'] = [];
  for (const [id, moves] of groups) {
    const quantity = Math.round(moves.reduce((sum, move) => sum + quantityOf(move), 0) * 1e6) / 1e6;
    if (quantity <= 0) continue;
    const { externalId, product, code, description } = moves[0]!;
    lines.push({
      id,
      orderLine: externalId === null ? null : lastKeyOf(externalId),
      sku: (await look.keyOf(ProductDocument, String(product))) ?? code?.toUpperCase() ?? `odoo-${product}`,
      description,
      quantity: String(quantity),
    });
  }
  return lines;
}

/** Stable through backorders, which split moves. */
export const lineIdOf = ({ saleLine, product }: Pick<MoveRecord, 'saleLine' | 'product'>): string =>
  saleLine === null ? `product-${product}` : `${saleLine}-${product}`;
