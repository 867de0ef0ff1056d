import type { Context, Found, Item, Result, Sink } from '../../../core/connector.ts';
import { compare, type Decimal, decimal, decimalText, fits, integer } from '../../../core/decimal.ts';
import { type Fault, FaultError, rejected } from '../../../core/fault.ts';
import { hasLeft, type Shipment, ShipmentDocument } from '../../../model/shipment.ts';
import type { Odoo } from '../database.ts';
import { lastKeyOf } from '../external-id.ts';
import { lineIdOf, trackingOf } from '../mapping/deliveries.ts';
import { type Row, relation } from '../rows.ts';
import { timeOf } from '../sources/cursor.ts';
import { type DeliveryRecord, type MoveRecord, type PickingRecord, readDeliveries } from '../sources/pickings.ts';
import { note } from './milestones.ts';
import { afterLanding, deliverPrepared, linked, oneByOne } from './prepared.ts';
import { sinkOf } from './sink.ts';

/** What is to be moved of one move of a picking. */
interface Part {
  readonly move: number;
  readonly quantity: Decimal;
}

/** A picking that is not done; before that its number and what is picked may be set as often as one likes. */
const isOpen = ({ state }: { readonly state: string }): boolean => state === 'confirmed' || state === 'assigned';

/**
 * Shipments validate the delivery of their order: what is in them is set as moved on the open picking, with the tracking numbers, and the rest becomes a
 * backorder, or is dropped where the shipment `closes`. Milestones that Odoo has no state for (picked, packed, ready, delivered) are a line each in the notes of
 * the transfer, written once. Of several open transfers it is the one that the shipment's lines are of; where that cannot be told a person is asked.
 *
 * Odoo takes no key for it, so the picking carries a mark of the shipment behind its source document ("S00012 (wms:4711)"), written together with the
 * quantities before it is validated. A done picking with that mark is the shipment; one that is not done is where to go on: every step may be repeated.
 * Never more than the picking asks for, and never what it has not reserved: Odoo would take it, and go negative without a word.
 *
 * Mapping tables: `warehouses` (location of the hub → warehouse code in Odoo), `carriers` (carrier of the hub → name of the delivery method), both where a row is there.
 *
 * @see odoo.md §3 Fulfilment; recordings of partial pickings
 */
export const shipments = (odoo: Odoo, max: number): Sink<typeof ShipmentDocument> =>
  sinkOf(odoo, {
    name: 'shipments',
    accepts: ShipmentDocument,
    batch: { max, maxLines: 200, onFailure: 'independent' },
    find: async (items, cx) => {
      const found: Found[] = [];
      for (const item of items) found.push(await find(odoo, item, cx));
      return found;
    },
    deliver: (items, cx) =>
      deliverPrepared(
        items,
        (item) => Number(linked(item, 'order', item.document.order)),
        (ready) => oneByOne(ready, ({ item, prepared }) => deliverOne(odoo, item, prepared, cx)),
      ),
  });

/** A done transfer with the shipment's mark is it; one that moved something else is a person's to look at. */
async function find(odoo: Odoo, { key, document, links }: Item<Shipment>, cx: Context): Promise<Found> {
  const order = Number(links.get(`order:${document.order}`));
  if (!Number.isInteger(order) || order < 1) return { found: 'absent' };
  const deliveries = await deliveriesOf(odoo, order, cx);
  const pickings = deliveries.flatMap((delivery) => delivery.pickings);
  const done = pickings.find(({ origin, state }) => state === 'done' && origin?.endsWith(` (${key})`));
  if (!done) return { found: 'absent' };
  const result = resultOf(document, done, deliveries);
  return result.outcome === 'done'
    ? { found: 'whole', id: result.id }
    : { found: 'partial', message: (result as Extract<Result, { outcome: 'failed' }>).fault.message };
}

async function deliverOne(odoo: Odoo, item: Item<Shipment>, order: number, cx: Context): Promise<Result> {
  try {
    return await ship(odoo, item, order, cx);
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    const fault = await odoo.faultOf(error, 'stock.picking', cx).catch(() => error.fault);
    return { outcome: 'failed', fault };
  }
}

async function ship(odoo: Odoo, item: Item<Shipment>, order: number, cx: Context): Promise<Result> {
  const { key, document: shipment } = item;
  const mark = ` (${key})`;
  const deliveries = await deliveriesOf(odoo, order, cx);
  const marked = deliveries.flatMap(({ pickings }) => pickings.filter(({ origin }) => origin?.endsWith(mark)));
  const before = marked.find(({ state }) => state === 'done');
  if (before) return finished(odoo, item, before, deliveries, cx);
  if (!hasLeft(shipment)) {
    // Where none is left, the goods themselves will say.
    const open = openOf(deliveries, warehouseOf(shipment, cx));
    const meant = meantBy(shipment, open);
    if (open.length > 0 && meant.length === 0) throw ambiguous(shipment, open);
    for (const { id } of meant) await note(odoo, item, id, cx);
    return { outcome: 'done', id: `order-${order}` };
  }
  const open =
    marked.find(isOpen) ??
    (await cancelledFirst(odoo, shipment, deliveries, order, cx)) ??
    chosen(shipment, deliveries, warehouseOf(shipment, cx));
  const parts = await partsOf(odoo, shipment, open, cx);
  await prepare(odoo, shipment, open, parts, `${deliveries[0]!.order.name}${mark}`, cx);
  const refusal = await validate(odoo, shipment, open, cx);
  try {
    const now = await deliveriesOf(odoo, order, cx);
    const picking = now.flatMap(({ pickings }) => pickings).find(({ id }) => id === open.id);
    if (picking?.state === 'done') return await finished(odoo, item, picking, now, cx);
  } catch (error) {
    return { outcome: 'failed', fault: afterLanding(error, 'the transfer was validated in Odoo') };
  }
  return { outcome: 'failed', fault: refusal ?? notDone(shipment, open) };
}

/** A transfer that is done, and where the goods have come further since, the note that says so. */
async function finished(
  odoo: Odoo,
  item: Item<Shipment>,
  picking: PickingRecord,
  deliveries: readonly DeliveryRecord[],
  cx: Context,
): Promise<Result> {
  const result = resultOf(item.document, picking, deliveries);
  if (result.outcome === 'done' && item.document.milestone === 'delivered') await note(odoo, item, picking.id, cx);
  return result;
}

const warehouseOf = ({ location }: Shipment, cx: Context): string =>
  cx.mapping('warehouses').find(location) ?? location;

async function deliveriesOf(odoo: Odoo, order: number, cx: Context): Promise<DeliveryRecord[]> {
  const rows = await odoo.read(
    'stock.picking',
    [
      ['sale_id', '=', order],
      ['picking_type_id.code', '=', 'outgoing'],
    ],
    ['state'],
    cx,
  );
  return readDeliveries(
    odoo,
    rows.map(({ id }) => id as number),
    cx,
  );
}

/** Null, unless the order was cancelled before its goods were said to have left: throws `rejected` then, for they must come back. */
async function cancelledFirst(
  odoo: Odoo,
  shipment: Shipment,
  deliveries: readonly DeliveryRecord[],
  order: number,
  cx: Context,
): Promise<null> {
  if (deliveries.some(({ pickings }) => pickings.some(isOpen))) return null;
  const [sale] = await odoo.read('sale.order', [['id', '=', order]], ['state'], cx);
  if (sale?.state !== 'cancel') return null;
  const goods = shipment.lines.map(({ quantity, sku }) => `${quantity} × ${sku}`).join(', ');
  const parcel = shipment.tracking.map(({ number }) => number).join(', ') || shipment.number;
  throw rejected(
    `order ${shipment.orderNumber} was cancelled, and ${goods} left all the same (${shipment.milestone === 'collected' ? `handed over as ${parcel}` : `parcel ${parcel}`}): call ${shipment.milestone === 'collected' ? 'the customer' : 'the parcel back'}, or take the goods back as a return; Odoo still counts them as in stock, so book them out and in there, then dismiss this; an Exception of the shop about a shipment of order ${shipment.orderNumber} (\`nothing-to-ship\`) is the same matter`,
    'shipped-after-cancellation',
    'order',
  );
}

/** Open pickings of the warehouse; where it has none, all that are open. */
function openOf(deliveries: readonly DeliveryRecord[], warehouse: string): PickingRecord[] {
  const open = (some: readonly DeliveryRecord[]) => some.flatMap(({ pickings }) => pickings.filter(isOpen));
  const own = open(deliveries.filter((delivery) => delivery.warehouse === warehouse));
  return own.length > 0 ? own : open(deliveries);
}

/** Open pickings that a shipment's goods are of: the only one, or those that its lines name. None where a line is of several of them, or of none. */
function meantBy({ lines }: Shipment, open: readonly PickingRecord[]): readonly PickingRecord[] {
  if (open.length < 2) return open;
  const named = lines.map((line) =>
    open.filter((picking) => picking.moves.some((move) => isWanted(move) && isOf(line, move, picking))),
  );
  return named.every(({ length }) => length === 1) ? [...new Set(named.flat())] : [];
}

const isWanted = ({ state, wanted }: MoveRecord): boolean => wanted > 0 && state !== 'done' && state !== 'cancel';

/** The open picking that a shipment is a part of. */
function chosen(shipment: Shipment, deliveries: readonly DeliveryRecord[], warehouse: string): PickingRecord {
  const open = openOf(deliveries, warehouse);
  const [only, ...others] = meantBy(shipment, open);
  if (only && others.length === 0) return only;
  if (open.length > 0) throw ambiguous(shipment, open);
  throw rejected(
    `order ${shipment.orderNumber} has nothing left to ship in Odoo: was it shipped there by hand, or cancelled?`,
    'nothing-to-ship',
    'order',
  );
}

const ambiguous = (shipment: Shipment, open: readonly PickingRecord[]): FaultError =>
  rejected(
    `order ${shipment.orderNumber} has several open transfers in Odoo (${open.map(({ name }) => name).join(', ')}), and shipment ${shipment.number} (${shipment.milestone}) does not say which: let its lines name goods of one of them, or see to it there, then dismiss this`,
    'transfer-ambiguous',
    'order',
  );

const openMoves = (odoo: Odoo, { id }: PickingRecord, cx: Context): Promise<Row[]> =>
  odoo.read(
    'stock.move',
    [
      ['picking_id', '=', id],
      ['state', 'not in', ['done', 'cancel', 'draft']],
    ],
    ['product_id', 'sale_line_id', 'product_qty', 'product_uom_qty', 'quantity', 'has_tracking'],
    cx,
  );

/** What is to be moved of each move. What is not reserved is asked for once more: it may have come in since. Throws `rejected` for what is not there. */
async function partsOf(odoo: Odoo, shipment: Shipment, picking: PickingRecord, cx: Context): Promise<Part[]> {
  const digits = (await odoo.precision(cx)).quantity ?? 6;
  const rows = await openMoves(odoo, picking, cx);
  const parts = spread(shipment, picking, rows, digits);
  if (!short(parts, rows)) return parts;
  await odoo.call('stock.picking', 'action_assign', { ids: [picking.id] }, cx);
  const lacking = short(parts, await openMoves(odoo, picking, cx));
  if (!lacking) return parts;
  throw rejected(
    `${named(shipment)} has ${decimalText(lacking.part.quantity).replace(/\.?0+$/, '')} of ${relation(lacking.row.product_id).name}, but Odoo has reserved only ${Number(lacking.row.quantity)} for ${picking.name}: put its stock right there, then retry`,
    'not-in-stock',
    'lines',
  );
}

/** The first part that is more than Odoo has reserved. */
function short(parts: readonly Part[], rows: readonly Row[]): { part: Part; row: Row } | undefined {
  return parts
    .flatMap((part) => rows.filter(({ id }) => id === part.move).map((row) => ({ part, row })))
    .find(({ part, row }) => Number(decimalText(part.quantity)) > Number(row.quantity) + 1e-6);
}

/** Spreads the lines of a shipment over the moves of its picking. Throws `rejected` for what the picking does not ask for, or keeps by lots. */
function spread(shipment: Shipment, picking: PickingRecord, rows: readonly Row[], digits: number): Part[] {
  const left = new Map(rows.map((row) => [row.id as number, Number(row.product_qty)]));
  const parts = new Map<number, number>();
  for (const line of shipment.lines) {
    let wanted = Number(decimalText(quantityOf(line.quantity, digits, shipment)));
    for (const row of rows.filter((one) => isOf(line, ownOf(one), picking))) {
      tracked(row, line.sku, shipment);
      const id = row.id as number;
      const take = Math.min(wanted, left.get(id)!);
      if (take <= 0) continue;
      parts.set(id, rounded((parts.get(id) ?? 0) + take));
      left.set(id, rounded(left.get(id)! - take));
      wanted = rounded(wanted - take);
    }
    if (wanted > 0)
      throw rejected(
        `${named(shipment)} has ${line.quantity} of ${line.sku}, ${wanted} more than ${picking.name} asks for in Odoo: correct it there or here, then retry`,
        'more-than-ordered',
        'lines',
      );
  }
  return rows.map((row): Part => {
    const ratio = Number(row.product_uom_qty) / Number(row.product_qty || 1);
    const quantity = decimal(rounded((parts.get(row.id as number) ?? 0) * ratio).toFixed(6));
    return { move: row.id as number, quantity };
  });
}

/** People know the order by its number, and find it by that. */
const named = ({ number, orderNumber }: Shipment): string => `shipment ${number} of order ${orderNumber}`;

const rounded = (value: number): number => Math.round(value * 1e6) / 1e6;

type Own = Pick<MoveRecord, 'saleLine' | 'product'>;

const ownOf = (row: Row): Own => ({
  saleLine: relation(row.sale_line_id).id || null,
  product: relation(row.product_id).id,
});

/** A line names the fulfilment order's line, as the source told it, or else the product alone. */
function isOf(line: Shipment['lines'][number], own: Own, { moves }: PickingRecord): boolean {
  if (line.id === lineIdOf(own)) return true;
  if (moves.some((move) => lineIdOf(move) === line.id)) return false;
  const move = moves.find(({ saleLine, product }) => saleLine === own.saleLine && product === own.product);
  if (!move) return false;
  const orderLine = move.externalId === null ? null : lastKeyOf(move.externalId);
  if (line.orderLine !== null && orderLine !== null) return orderLine === line.orderLine;
  return move.code?.toUpperCase() === line.sku;
}

function quantityOf(text: string, digits: number, shipment: Shipment): Decimal {
  let value: Decimal;
  try {
    value = decimal(text);
  } catch (error) {
    throw rejected(`${named(shipment)}: ${(error as Error).message}`, 'not-a-number', 'quantity');
  }
  if (compare(value, integer(0)) > 0 && fits(value, digits)) return value;
  throw rejected(
    `${named(shipment)}: quantity ${text} is not positive, or has more decimals than Odoo keeps (${digits})`,
    'odoo-precision',
    'quantity',
  );
}

function tracked(row: Row, sku: string, shipment: Shipment): void {
  if (row.has_tracking === 'none' || row.has_tracking === undefined) return;
  throw rejected(
    `${sku} of ${named(shipment)} is kept by lot or serial number in Odoo, which the hub does not carry: validate the transfer there`,
    'lots',
    'lines',
  );
}

/** Everything that is to be true of the picking before it is validated, in one call. */
async function prepare(
  odoo: Odoo,
  shipment: Shipment,
  picking: PickingRecord,
  parts: readonly Part[],
  origin: string,
  cx: Context,
): Promise<void> {
  const carrier = shipment.carrier === null ? null : cx.mapping('carriers').find(shipment.carrier);
  const numbers = shipment.tracking.map(({ number }) => number).join(', ');
  const wanted: Record<string, unknown> = {
    ...(numbers === '' ? {} : { carrier_tracking_ref: numbers }),
    ...(carrier === null ? {} : { carrier_id: await odoo.carrier(carrier, cx) }),
  };
  const known = await odoo.has('stock.picking', Object.keys(wanted), cx);
  const vals = {
    ...Object.fromEntries(known.map((field) => [field, wanted[field]])),
    origin,
    move_ids: parts.map(({ move, quantity }) => {
      const moved = Number(decimalText(quantity));
      return [1, move, moved > 0 ? { quantity: moved, picked: true } : { picked: false }];
    }),
  };
  await odoo.call('stock.picking', 'write', { ids: [picking.id], args: [['vals', vals]] }, cx);
}

/** Null, or why Odoo refused. What is read afterwards decides: another call of ours may have done it meanwhile. */
async function validate(odoo: Odoo, shipment: Shipment, picking: PickingRecord, cx: Context): Promise<Fault | null> {
  const context = {
    skip_backorder: true,
    skip_sms: true,
    ...(shipment.closes ? { picking_ids_not_to_backorder: [picking.id] } : {}),
  };
  try {
    await odoo.call('stock.picking', 'button_validate', { ids: [picking.id], context }, cx);
    return null;
  } catch (error) {
    const fault = await odoo.faultOf(error, 'stock.picking', cx);
    if (fault.kind !== 'rejected') throw error;
    return fault;
  }
}

const notDone = ({ number }: Shipment, { name }: PickingRecord): Fault => ({
  kind: 'rejected',
  message: `Odoo asked a question instead of validating ${name} for shipment ${number}: open it in Odoo and validate it by hand, then retry`,
  cause: 'transfer-not-done',
});

/** What Odoo holds of a shipment, as its own source tells it; `failed` when it moved something else. */
function resultOf(shipment: Shipment, picking: PickingRecord, deliveries: readonly DeliveryRecord[]): Result {
  const moved = picking.moves.filter(({ state, moved }) => state === 'done' && moved > 0);
  const theirs = rounded(moved.reduce((sum, move) => sum + move.moved, 0));
  const ours = rounded(shipment.lines.reduce((sum, line) => sum + Number(line.quantity), 0));
  if (theirs !== ours)
    return {
      outcome: 'failed',
      fault: {
        kind: 'rejected',
        message: `${picking.name} is done in Odoo for shipment ${shipment.number}, but moved ${theirs} there and ${ours} here`,
        cause: 'read-back-quantity',
      },
    };
  const delivery = deliveries.find(({ pickings }) => pickings.some(({ id }) => id === picking.id))!;
  const numbers = trackingOf(picking.tracking);
  return {
    outcome: 'done',
    id: String(picking.id),
    held: {
      milestone: shipment.milestone === 'collected' ? 'collected' : 'shipped',
      occurredAt: picking.doneAt,
      tracking: numbers,
    },
    version: BigInt(Math.trunc(timeOf(delivery.version) / 1000)),
  };
}
