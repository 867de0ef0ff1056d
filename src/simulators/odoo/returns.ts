import type { Env } from './env.ts';
import { userError } from './errors.ts';
import { boolean, char, many2one, one2many } from './fields.ts';
import { defineModel, type Model, onRows } from './model.ts';
import { movesOf } from './reservation.ts';
import type { Json, Row } from './types.ts';
import { confirm, copyOf } from './validation.ts';

/** One line of the return wizard for each done move, at quantity 0. */
function returnLines(env: Env, wizard: Row): void {
  const done = movesOf(env, env.get('stock.picking', wizard.picking_id!)).filter((move) => move.state === 'done');
  env.create(
    'stock.return.picking.line',
    done.map((move) => ({
      wizard_id: wizard.id,
      product_id: move.product_id!,
      move_id: move.id,
      quantity: 0,
      uom_id: move.product_uom!,
    })),
  );
}

function createReturn(env: Env, rows: readonly Row[]): Json {
  const wizard = rows[0]!;
  const lines = env
    .having('stock.return.picking.line', 'wizard_id', wizard.id)
    .filter((line) => Number(line.quantity) > 0);
  if (lines.length === 0) throw userError('Please specify at least one non-zero quantity.');
  const origin = env.get('stock.picking', wizard.picking_id!);
  const outgoing = env.get('stock.picking.type', origin.picking_type_id!);
  const warehouse = env.find('stock.warehouse', outgoing.warehouse_id!);
  const back = copyOf(env, origin, {
    picking_type_id: warehouse && outgoing.code === 'outgoing' ? warehouse.in_type_id! : outgoing.id,
    location_id: origin.location_dest_id!,
    location_dest_id: origin.location_id!,
    return_id: origin.id,
    origin: `Return of ${origin.name}`,
  });
  for (const line of lines) {
    const move = env.get('stock.move', line.move_id!);
    env.create('stock.move', [
      {
        picking_id: back.id,
        ...(env.db.version < 19 ? { name: move.name! } : {}),
        product_id: move.product_id!,
        product_uom: move.product_uom!,
        product_uom_qty: Number(line.quantity),
        sale_line_id: move.sale_line_id!,
        origin: move.origin!,
        origin_returned_move_id: move.id,
        to_refund: true,
      },
    ]);
  }
  confirm(env, back);
  return {
    name: 'Returned Picking',
    view_mode: 'form',
    res_model: 'stock.picking',
    res_id: back.id,
    type: 'ir.actions.act_window',
    context: {},
  };
}

export const returns = (): Model[] => [
  defineModel({
    name: 'stock.return.picking',
    label: 'Return Picking',
    fields: {
      picking_id: many2one('stock.picking', 'Picking', { required: true }),
      product_return_moves: one2many('stock.return.picking.line', 'wizard_id', 'Moves'),
    },
    created: (env, rows) => {
      for (const row of rows) returnLines(env, row);
    },
    methods: { action_create_returns: onRows('stock.return.picking', createReturn) },
  }),
  defineModel({
    name: 'stock.return.picking.line',
    label: 'Return Picking Line',
    fields: {
      wizard_id: many2one('stock.return.picking', 'Wizard', { onDelete: 'cascade' }),
      product_id: many2one('product.product', 'Product', { required: true }),
      quantity: { type: 'float', label: 'Quantity' },
      uom_id: many2one('uom.uom', 'Unit of Measure'),
      move_id: many2one('stock.move', 'Move'),
    },
  }),
  defineModel({
    name: 'delivery.carrier',
    label: 'Shipping Methods',
    fields: {
      name: char('Delivery Method', { required: true }),
      product_id: many2one('product.product', 'Delivery Product'),
      active: boolean('Active', { default: true }),
    },
  }),
];
