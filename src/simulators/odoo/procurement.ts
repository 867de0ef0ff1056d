import type { Env } from './env.ts';
import { productValue } from './product.ts';
import { addExactly } from './rational.ts';
import { isOpen } from './reservation.ts';
import { later, lineFields, pickingsOf } from './saletotals.ts';
import type { Row } from './types.ts';
import { confirm } from './validation.ts';

const isMoved = (env: Env, line: Row): boolean => {
  const product = env.find('product.product', line.product_id!);
  return product !== undefined && line.display_type === false && productValue(env, product, 'type') === 'consu';
};

/**
 * The warehouse that a line's route takes goods from, else the order's.
 *
 * @see sale_stock `_compute_warehouse_id`, Odoo 18 and 19
 */
function warehouseFor(env: Env, order: Row, line: Row): Row {
  const { route } = lineFields(env.db.version);
  const [chosen] = [line[route]].flat() as (number | false)[];
  const [own] = chosen ? env.having('stock.warehouse', 'delivery_route_id', chosen) : [];
  return own ?? env.get('stock.warehouse', order.warehouse_id!);
}

/** The open transfer of an order of one type in a warehouse, or a new one. */
function transferFor(env: Env, order: Row, code: 'outgoing' | 'incoming', warehouse: Row): Row {
  const open = pickingsOf(env, order).find((picking) => {
    const type = env.get('stock.picking.type', picking.picking_type_id!);
    return isOpen(picking) && type.code === code && type.warehouse_id === warehouse.id;
  });
  if (open) return open;
  const type = env.get('stock.picking.type', (code === 'outgoing' ? warehouse.out_type_id : warehouse.in_type_id)!);
  const customers = env.search('stock.location', [['usage', '=', 'customer']], { limit: 1, order: 'id' })[0]!.id;
  const stock = Number(warehouse.lot_stock_id);
  const reference =
    env.db.version < 19 && order.client_order_ref ? `${order.name} - ${order.client_order_ref}` : String(order.name);
  return env.create('stock.picking', [
    {
      picking_type_id: type.id,
      partner_id: order.partner_shipping_id!,
      origin: reference,
      sale_id: order.id,
      company_id: order.company_id!,
      location_id: code === 'outgoing' ? stock : customers,
      location_dest_id: code === 'outgoing' ? customers : stock,
    },
  ])[0]!;
}

/**
 * Quantity of a line already asked for by its moves, in the line's unit.
 *
 * @see sale_stock `_get_qty_procurement`, Odoo 18 and 19
 */
function requested(env: Env, line: Row): number {
  return env.having('stock.move', 'sale_line_id', line.id).reduce((sum, move) => {
    if (move.state === 'cancel' || move.origin_returned_move_id) return sum;
    const incoming = env.get('stock.location', move.location_id!).usage === 'customer';
    const asked = Number(move.state === 'done' ? move.quantity : move.product_uom_qty);
    return addExactly(sum, incoming ? -asked : asked);
  }, 0);
}

/** Makes or reduces moves until they ask for what the lines say. A negative quantity comes back from the customer. */
export function procure(env: Env, order: Row, lines: readonly Row[]): void {
  const { uom } = lineFields(env.db.version);
  if (!order.warehouse_id || order.locked) return;
  const wanted = lines
    .filter((line) => isMoved(env, line))
    .map((line) => ({ line, quantity: addExactly(Number(line.product_uom_qty), -requested(env, line)) }))
    .filter(({ quantity }) => quantity !== 0);
  const made: Row[] = [];
  for (const code of ['outgoing', 'incoming'] as const) {
    const part = wanted.filter(({ line, quantity }) =>
      code === 'outgoing' ? quantity > 0 && !raise(env, line, quantity) : quantity < 0 && !reduce(env, line, -quantity),
    );
    const places = Map.groupBy(part, ({ line }) => warehouseFor(env, order, line));
    for (const [warehouse, lines] of places) {
      const picking = transferFor(env, order, code, warehouse);
      const moves = lines.map(({ line, quantity }) => ({
        picking_id: picking.id,
        product_id: line.product_id!,
        product_uom: line[uom]!,
        product_uom_qty: Math.abs(quantity),
        sale_line_id: line.id,
        ...(env.db.version < 19 ? { name: String(line.name) } : {}),
        origin: order.name!,
      }));
      made.push(...env.create('stock.move', moves));
      confirm(env, picking);
    }
  }
  if (made.length || wanted.length) later(env, order, false);
}

/** Adds to the line's open move while it still waits for goods. A move that has all it asked for is left alone. */
function raise(env: Env, line: Row, by: number): boolean {
  const open = env
    .having('stock.move', 'sale_line_id', line.id)
    .find((move) => move.state === 'confirmed' || move.state === 'partially_available');
  if (!open || env.get('stock.location', open.location_id!).usage === 'customer') return false;
  env.write('stock.move', [open], { product_uom_qty: addExactly(Number(open.product_uom_qty), by) });
  return true;
}

/** Takes a smaller quantity out of the line's open moves. Answers false when they do not hold as much. */
function reduce(env: Env, line: Row, by: number): boolean {
  const open = env
    .having('stock.move', 'sale_line_id', line.id)
    .filter(isOpen)
    .sort((a, b) => b.id - a.id);
  let rest = by;
  if (open.reduce((sum, move) => addExactly(sum, Number(move.product_uom_qty)), 0) < by) return false;
  for (const move of open) {
    const part = Math.min(rest, Number(move.product_uom_qty));
    if (part <= 0) break;
    const left = addExactly(Number(move.product_uom_qty), -part);
    env.write('stock.move', [move], {
      quantity: Math.min(Number(move.quantity), left),
      product_uom_qty: left,
      ...(left === 0 ? { state: 'cancel' } : {}),
    });
    rest = addExactly(rest, -part);
  }
  return true;
}
