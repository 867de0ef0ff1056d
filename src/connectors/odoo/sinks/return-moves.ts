import type { Context, Item } from '../../../core/connector.ts';
import { compare, type Decimal, decimal, decimalText, fits, integer } from '../../../core/decimal.ts';
import { FaultError, rejected } from '../../../core/fault.ts';
import type { Return } from '../../../model/return.ts';
import type { Odoo, Warehouse } from '../database.ts';
import { externalId, lastKeyOf } from '../external-id.ts';
import { type Row, relation } from '../rows.ts';
import type { Cells, Loadable } from './load.ts';
import { naiveUtc } from './sink.ts';

type Line = Return['lines'][number];

/** A done move to the customer, and how many pieces of it may still come back, in the product's own unit. */
interface Shipped {
  readonly id: number;
  readonly saleLine: number;
  readonly product: number;
  readonly picking: number;
  readonly customers: number;
  /** Where the goods had left from. */
  readonly stock: number;
  readonly group: number;
  readonly partner: number;
  /** Key of the order's line in the hub, or null for a line that a person made in Odoo. */
  readonly orderLine: string | null;
  readonly code: string;
  readonly tracked: boolean;
  left: number;
}

/** What comes back of one shipped move. */
interface Part {
  readonly line: Line;
  readonly move: Shipped;
  readonly quantity: Decimal;
}

const rounded = (value: number): number => Math.round(value * 1e6) / 1e6;

/** Source document and external ids of a return's transfers. */
export function namesOf(odoo: Odoo, { key, document }: Item<Return>, cx: Context) {
  const name = (kind: string, ...more: string[]) => externalId(odoo.module(cx), kind, key, ...more);
  return { origin: `${document.number} (${key})`, back: name('return'), loss: name('return_loss'), name };
}

/**
 * What is to be loaded: what comes back, and what of that is written off at once. Throws `early` for what may be shipped in Odoo yet, `rejected` for what was never shipped or came
 * back before, and for goods that nobody has looked at yet.
 */
export async function transfersOf(odoo: Odoo, item: Item<Return>, order: number, cx: Context): Promise<Loadable[]> {
  const { document: one } = item;
  checkLines(one);
  const { shipped, isMore } = await shippedOf(odoo, item, order, cx);
  if (shipped.length === 0)
    throw new FaultError({
      kind: 'early',
      message: `return ${one.number}: nothing of order ${one.orderNumber} has been shipped in Odoo yet, so nothing can come back: ship it there, then retry`,
      cause: 'not-shipped',
      field: 'order',
    });
  const digits = (await odoo.precision(cx)).quantity ?? 6;
  const parts = one.lines.flatMap((line) => partsOf(line, shipped, digits, one, isMore));
  const place = await placeOf(odoo, one, parts[0]!.move, cx);
  const back = await transferOf(odoo, item, 'back', parts, place, cx);
  const lost = parts.filter(({ line }) => line.restock !== true);
  return lost.length === 0 ? [back] : [back, await transferOf(odoo, item, 'loss', lost, place, cx)];
}

function checkLines(one: Return): void {
  const unseen = one.lines.find(({ restock }) => restock === null);
  if (unseen)
    throw rejected(
      `return ${one.number} is here, but nobody has said whether ${unseen.sku} may be sold again: say so where it was received, then retry`,
      'not-inspected',
      'restock',
    );
  if (new Set(one.lines.map(({ id }) => id)).size < one.lines.length)
    throw rejected(`two lines of return ${one.number} have the same id`, 'line-id', 'lines');
}

/** What left of an order, and whether more of it is to leave. */
async function shippedOf(
  odoo: Odoo,
  item: Item<Return>,
  order: number,
  cx: Context,
): Promise<{ shipped: Shipped[]; isMore: boolean }> {
  const group = await odoo.has('stock.move', ['group_id'], cx);
  const fields = ['sale_line_id', 'product_id', 'picking_id', 'location_id', 'location_dest_id', 'partner_id'];
  const amounts = ['quantity', 'product_qty', 'product_uom_qty', 'has_tracking'];
  const domain = [
    ['sale_line_id.order_id', '=', order],
    ['state', 'not in', ['draft', 'cancel']],
    ['picking_id.picking_type_id.code', '=', 'outgoing'],
  ];
  const moves = await odoo.read('stock.move', domain, ['state', ...fields, ...amounts, ...group], cx);
  const rows = moves.filter(({ state }) => state === 'done');
  const isMore = rows.length < moves.length;
  if (rows.length === 0) return { shipped: [], isMore };
  const returned = await returnedOf(odoo, item, rows, cx);
  const lines = [...new Set(rows.map((row) => relation(row.sale_line_id).id))];
  const names = await odoo.externalIds('sale.order.line', lines, cx);
  const codes = await codesOf(odoo, rows, cx);
  const shipped = rows.map((row): Shipped => {
    const saleLine = relation(row.sale_line_id).id;
    const product = relation(row.product_id).id;
    const name = names.get(saleLine);
    return {
      id: row.id as number,
      saleLine,
      product,
      picking: relation(row.picking_id).id,
      customers: relation(row.location_dest_id).id,
      stock: relation(row.location_id).id,
      group: relation(row.group_id).id,
      partner: relation(row.partner_id).id,
      orderLine: name === undefined ? null : lastKeyOf(name),
      code: codes.get(product) ?? '',
      tracked: row.has_tracking !== 'none' && row.has_tracking !== undefined,
      left: rounded(inOwnUnit(row) - (returned.get(row.id as number) ?? 0)),
    };
  });
  return { shipped, isMore };
}

const inOwnUnit = (row: Row): number =>
  (Number(row.quantity) * Number(row.product_qty)) / (Number(row.product_uom_qty) || 1);

/** What has come back, or is about to, of shipped moves: by the hub's other returns or by hand. */
async function returnedOf(odoo: Odoo, item: Item<Return>, rows: readonly Row[], cx: Context) {
  const domain = [
    ['origin_returned_move_id', 'in', rows.map(({ id }) => id)],
    ['state', '!=', 'cancel'],
    ['picking_id.origin', '!=', namesOf(odoo, item, cx).origin],
  ];
  const fields = ['origin_returned_move_id', 'product_qty', 'product_uom_qty', 'quantity', 'state'];
  const returned = new Map<number, number>();
  for (const row of await odoo.read('stock.move', domain, fields, cx)) {
    const { id } = relation(row.origin_returned_move_id);
    const pieces = row.state === 'done' ? inOwnUnit(row) : Number(row.product_qty);
    returned.set(id, rounded((returned.get(id) ?? 0) + pieces));
  }
  return returned;
}

async function codesOf(odoo: Odoo, rows: readonly Row[], cx: Context): Promise<Map<number, string>> {
  const domain = [
    ['id', 'in', [...new Set(rows.map((row) => relation(row.product_id).id))]],
    ['active', 'in', [true, false]],
  ];
  const products = await odoo.read('product.product', domain, ['default_code'], cx);
  return new Map(products.map((row) => [row.id as number, String(row.default_code || '').toUpperCase()]));
}

/** Takes a line's pieces from what was shipped of it. `isMore`: more of the order is to leave. */
function partsOf(line: Line, shipped: readonly Shipped[], digits: number, { number }: Return, isMore: boolean): Part[] {
  let wanted = Number(decimalText(quantityOf(line, digits, number)));
  const own = shipped.filter(({ orderLine }) => orderLine === line.orderLine);
  const moves = own.length > 0 ? own : shipped.filter(({ orderLine, code }) => orderLine === null && code === line.sku);
  const parts: Part[] = [];
  for (const move of moves) {
    if (move.tracked)
      throw rejected(
        `${line.sku} of return ${number} is kept by lot or serial number in Odoo, which the hub does not carry: take it back there`,
        'lots',
        'lines',
      );
    const take = rounded(Math.min(wanted, move.left));
    if (take <= 0) continue;
    move.left = rounded(move.left - take);
    wanted = rounded(wanted - take);
    parts.push({ line, move, quantity: decimal(take.toFixed(6)) });
  }
  if (wanted > 0)
    throw new FaultError({
      kind: isMore ? 'early' : 'rejected',
      message: `return ${number} has ${line.quantity} of ${line.sku}, ${wanted} more than was shipped in Odoo and has not come back yet: correct it there or here, then retry`,
      cause: 'more-than-shipped',
      field: 'lines',
    });
  return parts;
}

function quantityOf({ quantity: text, sku }: Line, digits: number, number: string): Decimal {
  let value: Decimal;
  try {
    value = decimal(text);
  } catch (error) {
    throw rejected(`return ${number}: ${(error as Error).message}`, 'not-a-number', 'quantity');
  }
  if (compare(value, integer(0)) > 0 && fits(value, digits)) return value;
  throw rejected(
    `return ${number}: quantity ${text} of ${sku} is not positive, or has more decimals than Odoo keeps (${digits})`,
    'odoo-precision',
    'quantity',
  );
}

interface Place {
  readonly warehouse: Warehouse;
  /** Where what comes back is put. */
  readonly stock: number;
}

/** The warehouse that is told, or the one that the goods had left. */
async function placeOf(odoo: Odoo, one: Return, { stock, picking }: Shipped, cx: Context): Promise<Place> {
  const all = await odoo.warehouses(cx);
  const code = one.location === null ? null : (cx.mapping('warehouses').find(one.location) ?? one.location);
  if (code !== null) {
    const warehouse = all.find((candidate) => candidate.code === code);
    if (warehouse) return { warehouse, stock: warehouse.stockLocation };
    throw rejected(
      `Odoo has no warehouse '${code}' for location '${one.location}' (it has ${all.map((each) => each.code).join(', ')}): give Mapping table 'warehouses' a row`,
      'warehouse-unknown',
      'location',
    );
  }
  const [row] = await odoo.read('stock.picking', [['id', '=', picking]], ['picking_type_id'], cx);
  const type = relation(row?.picking_type_id).id;
  const own = (await odoo.pickingTypes(cx, [type])).get(type);
  const warehouse = all.find((candidate) => candidate.code === own) ?? (await odoo.warehouse(cx));
  return { warehouse, stock };
}

async function transferOf(
  odoo: Odoo,
  item: Item<Return>,
  way: 'back' | 'loss',
  parts: readonly Part[],
  { warehouse, stock }: Place,
  cx: Context,
): Promise<Loadable> {
  const names = namesOf(odoo, item, cx);
  const { moveName } = await odoo.dialect(cx);
  const losses = way === 'loss' ? await lossesOf(odoo, parts, cx) : new Map<number, number>();
  const first = parts[0]!.move;
  const ends = ({ customers, product }: Shipped): [string, string] =>
    way === 'back' ? [String(customers), String(stock)] : [String(stock), String(losses.get(product))];
  const rows = parts.map(({ line, move, quantity }): Cells => {
    const [from, to] = ends(move);
    const pieces = decimalText(quantity);
    return {
      id: names.name(way === 'back' ? 'return_line' : 'return_loss_line', line.id, String(move.id)),
      ...(moveName ? { name: `${item.document.number}: ${line.reason}` } : {}),
      'product_id/.id': String(move.product),
      product_uom_qty: pieces,
      quantity: pieces,
      picked: 'True',
      'location_id/.id': from,
      'location_dest_id/.id': to,
      ...(way === 'back' ? tiesOf(move) : {}),
    };
  });
  const [from, to] = ends(first);
  const cells: Cells = {
    id: names[way],
    'picking_type_id/.id': String(way === 'back' ? warehouse.incomingType : warehouse.internalType),
    'location_id/.id': from,
    'location_dest_id/.id': to,
    origin: names.origin,
    scheduled_date: naiveUtc(item.document.occurredAt, 'occurredAt'),
    ...(way === 'back' ? headOf(first) : {}),
  };
  return { cells, lines: { field: 'move_ids', rows } };
}

/** 18 works out the shipping policy of a transfer only when it belongs to no group, and asks for it otherwise (run on 18). */
const headOf = ({ picking, partner, group }: Shipped) => ({
  'return_id/.id': String(picking),
  'partner_id/.id': partner === 0 ? '' : String(partner),
  ...(group === 0 ? {} : { move_type: 'direct' }),
});

/** What makes a move the return of another one, for the order's delivered quantity. On 18 the group also puts the transfer among the order's. */
const tiesOf = ({ id, saleLine, group }: Shipped) => ({
  'origin_returned_move_id/.id': String(id),
  'sale_line_id/.id': String(saleLine),
  to_refund: 'True',
  ...(group === 0 ? {} : { 'group_id/.id': String(group) }),
});

async function lossesOf(odoo: Odoo, parts: readonly Part[], cx: Context): Promise<Map<number, number>> {
  const domain = [
    ['id', 'in', [...new Set(parts.map(({ move }) => move.product))]],
    ['active', 'in', [true, false]],
  ];
  const rows = await odoo.read('product.product', domain, ['property_stock_inventory'], cx);
  return new Map(rows.map((row) => [row.id as number, relation(row.property_stock_inventory).id]));
}
