import type { Env } from './env.ts';
import { userError } from './errors.ts';
import { productValue } from './product.ts';
import { addExactly } from './rational.ts';
import {
  cancelMoves,
  confirmMoves,
  finishMove,
  movesOf,
  pickingChanged,
  pickingState,
  reserve,
  setQuantity,
  unreserve,
} from './reservation.ts';
import type { Json, Row, Vals } from './types.ts';

const nothingToMove = (env: Env) =>
  userError(
    env.db.version >= 19
      ? "Transfer trouble alert! Validating a zero quantity transfer? You're not moving invisible goods around are you?\nSet some quantities and let's get moving!"
      : 'You cannot validate a transfer if no quantities are reserved. To force the transfer, encode quantities.',
  );

const backorderQuestion = (ids: readonly number[]): Json => ({
  name: 'Create Backorder?',
  type: 'ir.actions.act_window',
  view_mode: 'form',
  res_model: 'stock.backorder.confirmation',
  views: [[false, 'form']],
  view_id: false,
  target: 'new',
  context: {
    button_validate_picking_ids: [...ids],
    default_show_transfers: false,
    default_pick_ids: ids.map((id) => [4, id]),
  },
});

/** When nothing is marked as picked, everything reserved counts. */
const counted = (moves: readonly Row[]): Row[] => {
  const picked = moves.filter((move) => move.picked && Number(move.quantity) > 0);
  return picked.length ? picked : moves.filter((move) => Number(move.quantity) > 0);
};

/** The part of a move that was not moved, as a move of its own. */
function remainder(env: Env, move: Row, picking: Row, moved: number): Row {
  const rest = addExactly(Number(move.product_uom_qty), -moved);
  const copied = [
    ...(env.db.version < 19 ? ['name'] : []),
    'product_id',
    'product_uom',
    'location_id',
    'location_dest_id',
    'picking_type_id',
    'partner_id',
    'company_id',
    'origin',
    'sale_line_id',
    'purchase_line_id',
    'origin_returned_move_id',
    'to_refund',
  ];
  const vals = Object.fromEntries(copied.map((name) => [name, move[name]!]));
  env.set('stock.move', move, { product_uom_qty: moved, product_qty: moved });
  return env.create('stock.move', [
    { ...vals, product_uom_qty: rest, picking_id: picking.id, reference: picking.name!, state: 'confirmed' },
  ])[0]!;
}

export const copyOf = (env: Env, picking: Row, more: Vals): Row => {
  const copied = [
    'partner_id',
    'picking_type_id',
    'location_id',
    'location_dest_id',
    'company_id',
    'origin',
    'sale_id',
    'purchase_id',
    'move_type',
  ];
  return env.create('stock.picking', [
    { ...Object.fromEntries(copied.map((name) => [name, picking[name]!])), ...more },
  ])[0]!;
};

/** Splits off what stays behind into a back-order, or drops it. */
function splitRest(env: Env, picking: Row, moved: readonly Row[], drop: boolean): void {
  const todo = movesOf(env, picking, true);
  const partial = moved.filter((move) => Number(move.quantity) < Number(move.product_uom_qty));
  const untouched = todo.filter((move) => !moved.includes(move));
  if (partial.length === 0 && untouched.length === 0) return;
  // What is moved in part still asks for all of it, as 18 and 19 leave it (stock `_action_done` with `cancel_backorder`).
  if (drop) {
    cancelMoves(env, untouched);
    return;
  }
  const backorder = copyOf(env, picking, { backorder_id: picking.id });
  unreserve(env, untouched);
  for (const move of untouched) env.set('stock.move', move, { picking_id: backorder.id, reference: backorder.name! });
  const rests = partial.map((move) => remainder(env, move, backorder, Number(move.quantity)));
  for (const move of [...rests, ...untouched]) reserve(env, move);
  pickingChanged(env, movesOf(env, backorder));
}

function finish(env: Env, picking: Row): void {
  const moved = counted(movesOf(env, picking, true));
  const dropped = ((env.context.picking_ids_not_to_backorder as number[]) ?? []).includes(picking.id);
  splitRest(env, picking, moved, dropped);
  for (const move of moved) finishMove(env, move);
  env.set('stock.picking', picking, { ...pickingState(env, picking.id), date_done: env.tx.now.slice(0, 19) });
  noteDelivered(env, moved);
}

/** Tells the order lines what was delivered. */
function noteDelivered(env: Env, moves: readonly Row[]): void {
  const lines = new Set(moves.map((move) => move.sale_line_id).filter((id) => typeof id === 'number'));
  for (const id of lines) {
    const line = env.get('sale.order.line', id);
    const delivered = env
      .having('stock.move', 'sale_line_id', id)
      .reduce((sum, move) => addExactly(sum, deliveredBy(env, move)), 0);
    env.write('sale.order.line', [line], { qty_delivered: delivered });
  }
}

function deliveredBy(env: Env, move: Row): number {
  if (move.state !== 'done') return 0;
  const toCustomer = env.get('stock.location', move.location_dest_id!).usage === 'customer';
  const fromCustomer = env.get('stock.location', move.location_id!).usage === 'customer';
  if (toCustomer) return Number(move.quantity);
  return fromCustomer && move.to_refund ? -Number(move.quantity) : 0;
}

/** A draft is confirmed first; what could not be reserved at all is taken as moved. */
function confirmDraft(env: Env, picking: Row): void {
  if (picking.state !== 'draft') return;
  confirm(env, picking);
  for (const move of movesOf(env, picking, true))
    if (Number(move.quantity) === 0) setQuantity(env, move, Number(move.product_uom_qty));
  env.set('stock.picking', picking, pickingState(env, picking.id));
}

/** Refuses transfers that cannot be validated as they are. */
function check(env: Env, pickings: readonly Row[]): void {
  const empty = pickings.filter((picking) => movesOf(env, picking).length === 0);
  if (empty.length)
    throw userError(`Transfers ${empty.map((picking) => picking.name).join(', ')}: Please add some items to move.`);
  for (const picking of pickings) confirmDraft(env, picking);
  for (const picking of pickings) {
    const moved = counted(movesOf(env, picking, true));
    if (moved.length === 0) throw nothingToMove(env);
    const tracked = moved
      .map((move) => env.get('product.product', move.product_id!))
      .filter((product) => productValue(env, product, 'tracking') !== 'none');
    if (tracked.length)
      throw userError(
        `You need to supply a Lot/Serial number for products ${tracked.map((product) => productValue(env, product, 'name')).join(', ')}.`,
      );
  }
}

const isShort = (env: Env, picking: Row): boolean => {
  const moves = movesOf(env, picking, true);
  const moved = counted(moves);
  return moves.some((move) => !moved.includes(move) || Number(move.quantity) < Number(move.product_uom_qty));
};

/** Validates transfers; answers a question instead when something would stay behind and nobody said what to do with it. */
export function validate(env: Env, pickings: readonly Row[]): Json {
  const open = pickings.filter((picking) => picking.state !== 'done');
  const again = env.db.version < 19 && open.length === 0;
  if (again && pickings.length > 1) {
    // 18 says yes to several that are done, and dates them anew.
    for (const picking of pickings) env.set('stock.picking', picking, { date_done: env.tx.now.slice(0, 19) });
    return true;
  }
  const todo = again ? pickings : open;
  check(env, todo);
  for (const picking of todo) {
    const moves = movesOf(env, picking, true);
    if (!moves.some((move) => move.picked)) for (const move of moves) env.set('stock.move', move, { picked: true });
  }
  const short = env.context.skip_backorder ? [] : todo.filter((picking) => isShort(env, picking));
  if (short.length) return backorderQuestion(short.map((picking) => picking.id));
  for (const picking of todo) finish(env, picking);
  return true;
}

export function confirm(env: Env, picking: Row): void {
  const moves = movesOf(env, picking, true);
  confirmMoves(env, moves);
  env.set('stock.picking', picking, pickingState(env, picking.id));
}
