import type { Env } from './env.ts';
import { requiredMissing, userError } from './errors.ts';
import { boolean, char, datetime, float, integer, many2one, one2many, selection } from './fields.ts';
import { defineModel, type Model } from './model.ts';
import { productValue } from './product.ts';
import { addExactly } from './rational.ts';
import {
  finishMove,
  isLimited,
  isOpen,
  linesOf,
  pickingChanged,
  quantAt,
  reserve,
  setQuantity,
  setState,
  shift,
  stateFor,
  unitRatio,
} from './reservation.ts';
import type { Row, Vals, Version } from './types.ts';

const states = [
  ['draft', 'New'],
  ['waiting', 'Waiting Another Move'],
  ['confirmed', 'Waiting'],
  ['partially_available', 'Partially Available'],
  ['assigned', 'Available'],
  ['done', 'Done'],
  ['cancel', 'Cancelled'],
] as const;

function completeMove(env: Env, vals: Vals): Vals {
  const product = env.find('product.product', vals.product_id);
  const picking = env.find('stock.picking', vals.picking_id);
  const filled: Vals = { ...vals };
  if (Number(vals.quantity) && !vals.location_id) throw lacking(env, 'location_id');
  if (product && !filled.product_uom) filled.product_uom = productValue(env, product, 'uom_id');
  if (picking) {
    for (const name of ['location_id', 'location_dest_id', 'picking_type_id', 'company_id', 'origin', 'partner_id'])
      if (filled[name] === undefined || filled[name] === false) filled[name] = picking[name]!;
    filled.reference ??= picking.name!;
  }
  return filled;
}

/** A move that comes with its quantity must say where the goods are. */
const lacking = (env: Env, field: string): Error => {
  const { label, fields } = env.model('stock.move');
  return requiredMissing(env.db.version, {
    model: 'stock.move',
    modelLabel: label,
    field,
    fieldLabel: fields[field]!.label,
  });
};

/** Context key: moves that cancel themselves out, as negative ones do, go without asking. */
const WITHDRAWN = 'withdrawn';

/** Settles a new move that may come with its quantity, or already done. */
function begin(env: Env, row: Row, quantity: number): void {
  const picking = env.find('stock.picking', row.picking_id!);
  const done = row.state === 'done' || (picking?.state === 'done' && row.picked === true);
  if (done) setState(env, row, 'confirmed');
  if (quantity > 0) {
    env.set('stock.move', row, { quantity: 0 });
    setQuantity(env, row, quantity);
  }
  if (done) finishMove(env, row);
  else if (quantity > 0 && row.state === 'draft') {
    const free = row.picked && !isLimited(env, Number(row.product_id), Number(row.location_id));
    setState(env, row, free ? 'confirmed' : stateFor(row));
  }
}

function changed(env: Env, row: Row, vals: Vals, before: Row): void {
  if ('quantity' in vals && row.state === 'done')
    correct(env, row, addExactly(Number(row.quantity), -Number(before.quantity)));
  else if ('quantity' in vals && row.quantity !== before.quantity) setQuantity(env, row, Number(vals.quantity));
  else if ('quantity' in vals && isOpen(row) && row.state !== 'draft' && row.quantity)
    setState(env, row, stateFor(row));
  else if ('product_uom_qty' in vals && isOpen(row) && row.product_uom_qty !== before.product_uom_qty)
    reserve(env, row);
}

/** A done move's quantity may still be corrected; the stock follows. */
function correct(env: Env, move: Row, by: number): void {
  const line = linesOf(env, move)[0];
  if (by === 0 || !line) return;
  const [product, moved] = [Number(line.product_id), by * unitRatio(env, move)];
  env.set('stock.move.line', line, { quantity: addExactly(Number(line.quantity), moved) });
  if (!productValue(env, env.get('product.product', product), 'is_storable')) return;
  shift(env, quantAt(env, product, Number(line.location_id)), 'quantity', -moved);
  shift(env, quantAt(env, product, Number(line.location_dest_id)), 'quantity', moved);
}

/** Keeps the quantity in the product's own unit beside the one of the move. */
function refreshMoves(env: Env, rows: readonly Row[]): void {
  for (const row of rows)
    env.set('stock.move', row, { product_qty: Number(row.product_uom_qty) * unitRatio(env, row) });
}

const moveName = (env: Env, row: Row): string => {
  const places = [row.location_id, row.location_dest_id].map((id) => env.get('stock.location', id!).name);
  const code = env.find('product.product', row.product_id!)?.default_code;
  return `${row.origin ? `${row.origin}/` : ''}${code ? `${code}: ` : ''}${places.join('>')}`;
};

const moves = (version: Version): Model =>
  defineModel({
    name: 'stock.move',
    label: 'Stock Move',
    order: 'sequence, id',
    companyRule: true,
    fields: {
      ...(version < 19 ? { name: char('Description', { required: true }) } : {}),
      sequence: integer('Sequence', { default: 10 }),
      product_id: many2one('product.product', 'Product', { required: true, index: true, onDelete: 'restrict' }),
      product_uom_qty: float('Demand', {
        required: true,
        default: version >= 19 ? 0 : 1,
        digits: version >= 19 ? 'Product Unit' : 'Product Unit of Measure',
      }),
      product_qty: float('Real Quantity'),
      product_uom: many2one('uom.uom', version >= 19 ? 'Unit' : 'UoM', { required: true }),
      quantity: float('Quantity', { digits: version >= 19 ? 'Product Unit' : 'Product Unit of Measure' }),
      picked: boolean('Picked'),
      state: selection('Status', states, { default: 'draft', index: true }),
      picking_id: many2one('stock.picking', 'Transfer', { index: true, onDelete: 'cascade' }),
      picking_type_id: many2one('stock.picking.type', 'Operation Type'),
      partner_id: many2one('res.partner', 'Destination Address'),
      location_id: many2one('stock.location', 'Source Location', { required: true }),
      location_dest_id: many2one('stock.location', 'Intermediate Location', {
        required: true,
      }),
      company_id: many2one('res.company', 'Company', { required: true, default: (env) => env.company }),
      date_deadline: datetime('Deadline'),
      date: datetime('Date Scheduled', { required: true, default: (env) => env.tx.now.slice(0, 19) }),
      origin: char('Source Document'),
      reference: char('Reference'),
      sale_line_id: many2one('sale.order.line', 'Sale Line', { index: true }),
      purchase_line_id: many2one('purchase.order.line', 'Purchase Order Line', { index: true }),
      origin_returned_move_id: many2one('stock.move', 'Origin return move'),
      to_refund: boolean('Update quantities on SO/PO', { default: true }),
      has_tracking: selection(
        'Product with Tracking',
        [
          ['serial', 'By Unique Serial Number'],
          ['lot', 'By Lots'],
          ['none', 'By Quantity'],
        ],
        { related: 'product_id.tracking' },
      ),
      is_inventory: boolean('Inventory'),
      move_line_ids: one2many('stock.move.line', 'move_id', 'Move Lines'),
    },
    display: moveName,
    complete: completeMove,
    created: (env, rows, list) => {
      refreshMoves(env, rows);
      for (const [i, row] of rows.entries()) begin(env, row, Number(list[i]!.quantity ?? 0));
      pickingChanged(env, rows);
      const negative = rows.filter((row) => Number(row.product_uom_qty) < 0);
      if (negative.length) env.with({ [WITHDRAWN]: true }).unlink('stock.move', negative);
    },
    written: (env, rows, vals, before) => {
      if ('product_uom_qty' in vals || 'product_uom' in vals) refreshMoves(env, rows);
      for (const [i, row] of rows.entries()) changed(env, row, vals, before[i]!);
      pickingChanged(env, rows);
    },
    unlinking: (env, rows) => {
      if (env.context[WITHDRAWN]) return;
      if (rows.some((row) => row.state !== 'draft' && row.state !== 'cancel'))
        throw userError('You can only delete draft or cancelled moves.');
    },
  });

const moveLines = (version: Version): Model =>
  defineModel({
    name: 'stock.move.line',
    label: 'Product Moves (Stock Move Line)',
    fields: {
      move_id: many2one('stock.move', 'Stock Operation', { index: true, onDelete: 'cascade' }),
      picking_id: many2one('stock.picking', 'Transfer', { index: true }),
      product_id: many2one('product.product', 'Product', { required: true, index: true, onDelete: 'restrict' }),
      product_uom_id: many2one('uom.uom', version >= 19 ? 'Unit' : 'Unit of Measure'),
      quantity: float('Quantity'),
      picked: boolean('Picked'),
      lot_id: many2one('stock.lot', 'Lot/Serial Number'),
      state: selection('Status', states, { default: 'draft', index: true }),
      location_id: many2one('stock.location', 'From', { required: true }),
      location_dest_id: many2one('stock.location', 'To', { required: true }),
      company_id: many2one('res.company', 'Company', { default: (env) => env.company }),
      date: datetime('Date', { default: (env) => env.tx.now.slice(0, 19) }),
      reference: char('Reference'),
    },
    display: (env, row) => env.display('product.product', Number(row.product_id)),
    complete: (env, vals) => {
      const move = env.find('stock.move', vals.move_id);
      return move && !vals.reference ? { ...vals, reference: move.reference! } : vals;
    },
  });

/** Movements of stock. */
export const moveModels = (version: Version): Model[] => [moves(version), moveLines(version)];
