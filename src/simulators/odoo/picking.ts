import { nextNumber } from './base.ts';
import type { Env } from './env.ts';
import { userError } from './errors.ts';
import { boolean, char, datetime, html, many2one, one2many, selection } from './fields.ts';
import { defineModel, type Model, onRows } from './model.ts';
import { moveModels } from './moves.ts';
import { cancelMoves, confirmMoves, isOpen, movesOf, pickingState, unreserve } from './reservation.ts';
import { returns } from './returns.ts';
import type { Json, Row, Vals, Version } from './types.ts';
import { confirm, validate } from './validation.ts';

const states = [
  ['draft', 'Draft'],
  ['waiting', 'Waiting Another Operation'],
  ['confirmed', 'Waiting'],
  ['assigned', 'Ready'],
  ['done', 'Done'],
  ['cancel', 'Cancelled'],
] as const;

function assign(env: Env, pickings: readonly Row[]): Json {
  for (const picking of pickings) {
    const moves = movesOf(env, picking, true);
    if (moves.length === 0) throw userError('Nothing to check the availability for.');
    confirmMoves(env, moves);
    env.set('stock.picking', picking, pickingState(env, picking.id));
  }
  return true;
}

/** Cancels transfers with their moves. Throws UserError for one that is done. */
export function cancelPickings(env: Env, pickings: readonly Row[]): Json {
  for (const picking of pickings) {
    cancelMoves(env, movesOf(env, picking));
    env.set('stock.picking', picking, { state: 'cancel' });
    if (typeof picking.sale_id === 'number')
      env.defer(`status:${picking.sale_id}`, () =>
        env.write('sale.order', [env.get('sale.order', picking.sale_id!)], {}),
      );
  }
  return true;
}

function unreserveAll(env: Env, pickings: readonly Row[]): Json {
  for (const picking of pickings) {
    unreserve(env, movesOf(env, picking, true));
    env.set('stock.picking', picking, pickingState(env, picking.id));
  }
  return null;
}

/** Fills in number and places from the operation type. The state is never taken as given: it follows from the moves. */
function completePicking(env: Env, { state: _given, ...vals }: Vals): Vals {
  const filled: Vals = { ...vals };
  const type = env.find('stock.picking.type', vals.picking_type_id);
  if (!type) return filled;
  const warehouse = env.find('stock.warehouse', type.warehouse_id!);
  filled.location_id = vals.location_id || type.default_location_src_id!;
  filled.location_dest_id = vals.location_dest_id || type.default_location_dest_id!;
  filled.company_id = vals.company_id || type.company_id!;
  if (!vals.name || vals.name === '/') {
    const prefix = `${warehouse?.code ?? 'WH'}/${type.sequence_code}/`;
    filled.name = nextNumber(env, `stock.picking.type:${type.id}`, prefix, 5);
  }
  return filled;
}

function availability(env: Env, row: Row): Json {
  const moves = movesOf(env, row, true);
  if (moves.length === 0 || row.state === 'draft') return false;
  return moves.every((move) => Number(move.quantity) >= Number(move.product_uom_qty)) ? 'available' : 'late';
}

const pickings = (version: Version): Model =>
  defineModel({
    name: 'stock.picking',
    label: 'Transfer',
    order: 'priority desc, scheduled_date asc, id desc',
    companyRule: true,
    fields: {
      name: char('Reference', { default: '/', index: true }),
      state: selection('Status', states, { default: 'draft', index: true }),
      origin: char('Source Document', { index: true }),
      note: html('Notes'),
      partner_id: many2one('res.partner', 'Contact'),
      priority: selection(
        'Priority',
        [
          ['0', 'Normal'],
          ['1', 'Urgent'],
        ],
        { default: '0' },
      ),
      move_type: selection(
        'Shipping Policy',
        [
          ['direct', 'As soon as possible'],
          ['one', 'When all products are ready'],
        ],
        { default: 'direct' },
      ),
      picking_type_code: selection(
        'Type of Operation',
        [
          ['incoming', 'Receipt'],
          ['outgoing', 'Delivery'],
          ['internal', 'Internal Transfer'],
        ],
        { related: 'picking_type_id.code' },
      ),
      location_id: many2one('stock.location', 'Source Location', { required: true }),
      location_dest_id: many2one('stock.location', 'Destination Location', { required: true }),
      picking_type_id: many2one('stock.picking.type', 'Operation Type', { required: true, index: true }),
      company_id: many2one('res.company', 'Company'),
      scheduled_date: datetime('Scheduled Date', { default: (env) => env.tx.now.slice(0, 19) }),
      date_done: datetime('Date of Transfer'),
      user_id: many2one('res.users', 'Responsible'),
      backorder_id: many2one('stock.picking', 'Back Order of', { index: true }),
      return_id: many2one('stock.picking', 'Return of', { index: true }),
      sale_id: many2one('sale.order', 'Sales Order', { index: true }),
      purchase_id: many2one('purchase.order', 'Purchase Orders', { index: true }),
      carrier_id: many2one('delivery.carrier', 'Carrier'),
      carrier_tracking_ref: char('Tracking Reference'),
      move_ids: one2many('stock.move', 'picking_id', 'Stock Moves'),
      ...(version < 19 ? { move_ids_without_package: one2many('stock.move', 'picking_id', 'Stock move') } : {}),
      move_line_ids: one2many('stock.move.line', 'picking_id', 'Operations'),
      products_availability_state: selection(
        'Products Availability State',
        [
          ['available', 'Available'],
          ['expected', 'Expected'],
          ['late', 'Late'],
        ],
        { compute: availability },
      ),
      is_locked: boolean('Is Locked', { default: true }),
    },
    complete: completePicking,
    writing: (_env, rows, { state: _given, ...vals }) => {
      if ('picking_type_id' in vals && rows.some((row) => !isOpen(row)))
        throw userError('Changing the operation type of this record is forbidden at this point.');
      return vals;
    },
    written: (env, rows, vals) => {
      for (const row of rows)
        if ('location_id' in vals || 'location_dest_id' in vals)
          for (const move of movesOf(env, row, true))
            env.set('stock.move', move, { location_id: row.location_id!, location_dest_id: row.location_dest_id! });
    },
    unlinking: (env, rows) => {
      for (const row of rows) cancelMoves(env, movesOf(env, row));
    },
    methods: {
      button_validate: onRows('stock.picking', validate),
      action_confirm: onRows('stock.picking', (env, rows) => {
        for (const row of rows) confirm(env, row);
        return true;
      }),
      action_assign: onRows('stock.picking', assign),
      action_cancel: onRows('stock.picking', cancelPickings),
      do_unreserve: onRows('stock.picking', unreserveAll),
    },
  });

/** Transfers, their moves, and returns. */
export const pickingModels = (version: Version): Model[] => [pickings(version), ...moveModels(version), ...returns()];
