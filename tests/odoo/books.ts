import type { Odoo } from '../../src/connectors/odoo/database.ts';
import type { Row } from '../../src/connectors/odoo/rows.ts';
import type { Context } from '../../src/core/connector.ts';
import type { OdooLedger } from '../../src/simulators/verify.ts';

/** What an Odoo holds of the invoices whose number begins with `run`, read through its public API: the same for a real and a simulated one. */
export async function readBooks(odoo: Odoo, run: string, cx: Context): Promise<OdooLedger & { outOfOrder: string[] }> {
  const orders = await odoo.read(
    'sale.order',
    [['client_order_ref', '=like', `${run}%`]],
    ['client_order_ref', 'state', 'name'],
    cx,
  );
  const lines = await odoo.read(
    'sale.order.line',
    [['order_id.client_order_ref', '=like', `${run}%`]],
    ['order_id', 'product_id', 'product_uom_qty', 'price_unit', 'discount'],
    cx,
  );
  const pickings = await odoo.read('stock.picking', [['origin', '=like', `${run}%`]], ['origin', 'state'], cx);
  const moves = await odoo.read(
    'stock.move',
    [['picking_id', 'in', pickings.map(({ id }) => id)]],
    ['picking_id', 'product_id', 'quantity', 'state', 'location_dest_id'],
    cx,
  );
  const losses = new Set(
    (await odoo.read('stock.location', [['usage', '=', 'inventory']], ['usage'], cx)).map(({ id }) => id),
  );
  const products = await odoo.read(
    'product.product',
    [['id', 'in', [...lines, ...moves].map(productOf)]],
    ['default_code'],
    cx,
  );
  const codes = new Map(products.map(({ id, default_code }) => [id, String(default_code)]));
  const code = (row: Row) => codes.get(productOf(row)) ?? null;
  return {
    sale_orders: orders.map((order) => ({
      name: String(order.name),
      xmlid: null,
      client_order_ref: String(order.client_order_ref),
      state: String(order.state),
      lines: lines
        .filter((line) => idOf(line.order_id) === order.id)
        .map((line) => ({
          default_code: code(line),
          quantity: Number(line.product_uom_qty),
          price_unit: Number(line.price_unit),
          discount: Number(line.discount),
        })),
    })),
    pickings: pickings.map((picking) => ({
      xmlid: null,
      origin: String(picking.origin),
      state: String(picking.state),
      moves: moves
        .filter((move) => idOf(move.picking_id) === picking.id)
        .map((move) => ({
          state: String(move.state),
          default_code: code(move),
          quantity: Number(move.quantity),
          to: losses.has(idOf(move.location_dest_id)) ? 'Inventory adjustment' : 'elsewhere',
        })),
    })),
    writes: [],
    outOfOrder: await outOfOrder(odoo, lines, cx),
  };
}

/** Odoo numbers what it creates: within an order, the line of a later version has the higher id. */
async function outOfOrder(odoo: Odoo, lines: readonly Row[], cx: Context): Promise<string[]> {
  if (lines.length === 0) return [];
  const ids = lines.map(({ id }) => id as number);
  const names = (await odoo.call('sale.order.line', 'get_external_id', { ids }, cx)) as Record<string, string>;
  const problems: string[] = [];
  const highest = new Map<unknown, number>();
  for (const line of lines) {
    const place = Number(/-(\d+)$/.exec(names[String(line.id)] ?? '')?.[1] ?? Number.NaN);
    const order = idOf(line.order_id);
    if (!(place > (highest.get(order) ?? 0)))
      problems.push(`line ${names[String(line.id)]} came after line ${highest.get(order)}`);
    highest.set(order, place);
  }
  return problems;
}

const idOf = (value: unknown): unknown => (Array.isArray(value) ? value[0] : value);
const productOf = ({ product_id }: Row): unknown => idOf(product_id);
