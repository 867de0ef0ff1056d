import { nextNumber } from './base.ts';
import type { Env } from './env.ts';
import { userError } from './errors.ts';
import { char, datetime, float, many2one, one2many, selection } from './fields.ts';
import { defineModel, type Model, onRows } from './model.ts';
import { cancelPickings } from './picking.ts';
import { productValue } from './product.ts';
import { addExactly } from './rational.ts';
import { isOpen } from './reservation.ts';
import type { Json, Row, Vals, Version } from './types.ts';
import { confirm } from './validation.ts';

const linesOf = (env: Env, order: Row): Row[] =>
  env.having('purchase.order.line', 'order_id', order.id).sort((a, b) => a.id - b.id);

const pickingsOf = (env: Env, order: Row): Row[] => env.having('stock.picking', 'purchase_id', order.id);

/** Pieces of a line that came in, less those that went back. More than was ordered is possible. */
const received = (env: Env, line: Row): number =>
  env
    .having('stock.move', 'purchase_line_id', line.id)
    .filter(({ state }) => state === 'done')
    .reduce(
      (sum, move) => addExactly(sum, move.origin_returned_move_id ? -Number(move.quantity) : Number(move.quantity)),
      0,
    );

/** Confirmed at once, as where no approval of a second person is asked for: one receipt of all that is ordered, reserved whole, for a vendor's stock has no end. */
function confirmOrders(env: Env, orders: readonly Row[]): Json {
  for (const order of orders.filter(({ state }) => state === 'draft' || state === 'sent')) {
    env.write('purchase.order', [order], { state: 'purchase', date_approve: env.tx.now.slice(0, 19) });
    const lines = linesOf(env, order).filter((line) => isMoved(env, line));
    if (lines.length > 0) receive(env, order, lines);
  }
  return true;
}

const isMoved = (env: Env, line: Row): boolean =>
  productValue(env, env.get('product.product', line.product_id!), 'type') === 'consu' && Number(line.product_qty) > 0;

/** @see purchase_stock `_create_picking`, Odoo 18 and 19 */
function receive(env: Env, order: Row, lines: readonly Row[]): void {
  const type = env.get('stock.picking.type', order.picking_type_id!);
  const [picking] = env.create('stock.picking', [
    {
      picking_type_id: type.id,
      partner_id: order.partner_id!,
      origin: order.name!,
      purchase_id: order.id,
      company_id: order.company_id!,
      location_id: type.default_location_src_id!,
      location_dest_id: type.default_location_dest_id!,
    },
  ]);
  env.create(
    'stock.move',
    lines.map((line) => ({
      picking_id: picking!.id,
      product_id: line.product_id!,
      product_uom: line[uomOf(env.db.version)]!,
      product_uom_qty: Number(line.product_qty),
      purchase_line_id: line.id,
      ...(env.db.version < 19 ? { name: String(line.name) } : {}),
      origin: order.name!,
    })),
  );
  confirm(env, picking!);
}

function cancelOrders(env: Env, orders: readonly Row[]): Json {
  for (const order of orders) {
    const pickings = pickingsOf(env, order);
    if (pickings.some(({ state }) => state === 'done'))
      throw userError(`Unable to cancel purchase order ${order.name} as some receptions have already been done.`);
    cancelPickings(env, pickings.filter(isOpen));
    env.write('purchase.order', [order], { state: 'cancel' });
  }
  return null;
}

const uomOf = (version: Version): string => (version >= 19 ? 'product_uom_id' : 'product_uom');

function completeOrder(env: Env, vals: Vals): Vals {
  const company = Number(vals.company_id || env.company);
  const [warehouse] = env
    .having('stock.warehouse', 'company_id', company)
    .sort((a, b) => Number(a.sequence) - Number(b.sequence) || a.id - b.id);
  const filled: Vals = { company_id: company, picking_type_id: warehouse?.in_type_id ?? false, ...vals };
  if (!filled.name || filled.name === 'New') filled.name = nextNumber(env, 'purchase.order', 'P', 5);
  return filled;
}

function completeLine(env: Env, vals: Vals): Vals {
  const product = env.find('product.product', vals.product_id);
  const uom = uomOf(env.db.version);
  if (!product) return vals;
  return {
    ...vals,
    name: vals.name || env.display('product.product', product.id),
    [uom]: vals[uom] || productValue(env, product, 'uom_id'),
  };
}

const orders = (): Model =>
  defineModel({
    name: 'purchase.order',
    label: 'Purchase Order',
    order: 'id desc',
    companyRule: true,
    nameSearch: ['name', 'partner_ref'],
    fields: {
      name: char('Order Reference', { index: true, default: 'New' }),
      state: selection(
        'Status',
        [
          ['draft', 'RFQ'],
          ['sent', 'RFQ Sent'],
          ['to approve', 'To Approve'],
          ['purchase', 'Purchase Order'],
          ['cancel', 'Cancelled'],
        ],
        { default: 'draft', index: true },
      ),
      partner_ref: char('Vendor Reference'),
      origin: char('Source'),
      partner_id: many2one('res.partner', 'Vendor', { required: true, onDelete: 'restrict' }),
      company_id: many2one('res.company', 'Company', { required: true }),
      picking_type_id: many2one('stock.picking.type', 'Deliver To', { required: true }),
      date_order: datetime('Order Deadline', { required: true, default: (env) => env.tx.now.slice(0, 19) }),
      date_approve: datetime('Confirmation Date'),
      order_line: one2many('purchase.order.line', 'order_id', 'Order Lines'),
      picking_ids: one2many('stock.picking', 'purchase_id', 'Receptions'),
    },
    complete: completeOrder,
    methods: {
      button_confirm: onRows('purchase.order', confirmOrders),
      button_cancel: onRows('purchase.order', cancelOrders),
    },
  });

const lines = (version: Version): Model =>
  defineModel({
    name: 'purchase.order.line',
    label: 'Purchase Order Line',
    order: 'order_id, id',
    fields: {
      order_id: many2one('purchase.order', 'Order Reference', { required: true, index: true, onDelete: 'cascade' }),
      name: char('Description', { required: true }),
      product_id: many2one('product.product', 'Product', { required: true, onDelete: 'restrict' }),
      product_qty: float('Quantity', { required: true, default: 1 }),
      [uomOf(version)]: many2one('uom.uom', version >= 19 ? 'Unit' : 'Unit of Measure', { required: true }),
      price_unit: float('Unit Price'),
      qty_received: float('Received Qty', { compute: received }),
      move_ids: one2many('stock.move', 'purchase_line_id', 'Reservation'),
    },
    complete: completeLine,
  });

/** Purchase orders, as far as they bring goods in. */
export const purchaseModels = (version: Version): Model[] => [orders(), lines(version)];
