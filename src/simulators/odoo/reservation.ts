import { unitSize } from './base.ts';
import type { Env } from './env.ts';
import { userError } from './errors.ts';
import { below } from './levels.ts';
import { productValue } from './product.ts';
import { addExactly } from './rational.ts';
import type { Row } from './types.ts';

export const isOpen = (row: Row): boolean => row.state !== 'done' && row.state !== 'cancel';

export const linesOf = (env: Env, move: Row): Row[] =>
  env.having('stock.move.line', 'move_id', move.id).sort((a, b) => a.id - b.id);

/** The quant of a product at a place; made when first needed. */
export function quantAt(env: Env, product: number, location: number): Row {
  const found = env.having('stock.quant', 'product_id', product).find((quant) => quant.location_id === location);
  return (
    found ??
    env.create('stock.quant', [{ product_id: product, location_id: location, in_date: env.tx.now.slice(0, 19) }])[0]!
  );
}

export const shift = (env: Env, quant: Row, field: 'quantity' | 'reserved_quantity', by: number): void =>
  env.set('stock.quant', quant, { [field]: addExactly(Number(quant[field]), by) });

/** Whether stock at a place is limited: only own places, and only for products that are tracked. */
export function isLimited(env: Env, product: number, location: number): boolean {
  const { usage } = env.get('stock.location', location);
  return (
    (usage === 'internal' || usage === 'transit') &&
    Boolean(productValue(env, env.get('product.product', product), 'is_storable'))
  );
}

/** Quantity in the product's own unit for one unit of the move. */
export function unitRatio(env: Env, move: Row): number {
  const own = Number(productValue(env, env.get('product.product', move.product_id!), 'uom_id'));
  if (!move.product_uom || move.product_uom === own) return 1;
  return unitSize(env, env.get('uom.uom', move.product_uom)) / unitSize(env, env.get('uom.uom', own));
}

function addLine(env: Env, move: Row, location: number, quantity: number): void {
  const same = linesOf(env, move).find((line) => line.location_id === location && line.state !== 'done');
  if (same) env.set('stock.move.line', same, { quantity: addExactly(Number(same.quantity), quantity) });
  else
    env.create('stock.move.line', [
      {
        move_id: move.id,
        picking_id: move.picking_id!,
        product_id: move.product_id!,
        product_uom_id: move.product_uom!,
        quantity,
        location_id: location,
        location_dest_id: move.location_dest_id!,
        company_id: move.company_id!,
        state: move.state!,
      },
    ]);
}

/** Takes stock for a move, as much of `wanted` as is free; more when forced. Answers what was taken. */
function take(env: Env, move: Row, wanted: number, forced: boolean): number {
  const product = Number(move.product_id);
  const source = Number(move.location_id);
  if (!isLimited(env, product, source)) {
    addLine(env, move, source, wanted);
    return wanted;
  }
  const places = below(env, source);
  let rest = wanted;
  const quants = env
    .having('stock.quant', 'product_id', product)
    .filter((quant) => places.has(Number(quant.location_id)))
    .sort((a, b) => a.id - b.id);
  for (const quant of quants) {
    const part = Math.min(rest, addExactly(Number(quant.quantity), -Number(quant.reserved_quantity)));
    if (part <= 0) continue;
    shift(env, quant, 'reserved_quantity', part);
    addLine(env, move, Number(quant.location_id), part);
    rest = addExactly(rest, -part);
    if (rest === 0) break;
  }
  if (forced && rest > 0) {
    shift(env, quantAt(env, product, source), 'reserved_quantity', rest);
    addLine(env, move, source, rest);
    rest = 0;
  }
  return addExactly(wanted, -rest);
}

/** Gives reserved stock back and forgets the lines. */
function giveBack(env: Env, move: Row): void {
  const lines = linesOf(env, move).filter((line) => line.state !== 'done');
  for (const line of lines) {
    if (isLimited(env, Number(line.product_id), Number(line.location_id)))
      shift(
        env,
        quantAt(env, Number(line.product_id), Number(line.location_id)),
        'reserved_quantity',
        -Number(line.quantity),
      );
  }
  if (lines.length) env.unlink('stock.move.line', lines);
  env.set('stock.move', move, { quantity: 0 });
}

export function setState(env: Env, move: Row, state: string): void {
  env.set('stock.move', move, { state });
  for (const line of linesOf(env, move)) env.set('stock.move.line', line, { state });
}

/** Reserved in full, in part, or not at all. */
export const stateFor = (move: Row): string =>
  Number(move.quantity) >= Number(move.product_uom_qty)
    ? 'assigned'
    : Number(move.quantity) > 0
      ? 'partially_available'
      : 'confirmed';

/** Reserves what is missing of a confirmed move. */
export function reserve(env: Env, move: Row): void {
  if (!isOpen(move) || move.state === 'draft') return;
  const missing = addExactly(Number(move.product_uom_qty), -Number(move.quantity));
  const ratio = unitRatio(env, move);
  const taken = missing > 0 ? take(env, move, missing * ratio, false) / ratio : 0;
  const quantity = addExactly(Number(move.quantity), taken);
  env.set('stock.move', move, { quantity });
  setState(env, move, stateFor(move));
}

/** Sets the quantity a person says was moved, whether it is in stock or not. */
export function setQuantity(env: Env, move: Row, quantity: number): void {
  giveBack(env, move);
  if (quantity > 0) take(env, move, quantity * unitRatio(env, move), true);
  env.set('stock.move', move, { quantity });
  if (isOpen(move) && move.state !== 'draft') setState(env, move, stateFor(move));
}

/** Confirms draft moves and reserves them. */
export function confirmMoves(env: Env, moves: readonly Row[]): void {
  for (const move of moves) if (move.state === 'draft') setState(env, move, 'confirmed');
  for (const move of moves) reserve(env, move);
}

export function unreserve(env: Env, moves: readonly Row[]): void {
  for (const move of moves) {
    if (!isOpen(move)) continue;
    giveBack(env, move);
    if (move.state !== 'draft') setState(env, move, 'confirmed');
  }
}

export function cancelMoves(env: Env, moves: readonly Row[]): void {
  if (moves.some((move) => move.state === 'done'))
    throw userError(
      "You cannot cancel a stock move that has been set to 'Done'. Create a return in order to reverse the moves which took place.",
    );
  for (const move of moves) {
    giveBack(env, move);
    setState(env, move, 'cancel');
  }
}

/** Goods taken although others had reserved them: the others lose their reservation, the newest first. */
function freeOverbooked(env: Env, quant: Row, by: Row): void {
  let excess = addExactly(Number(quant.reserved_quantity), -Math.max(Number(quant.quantity), 0));
  if (excess <= 0) return;
  const lines = env
    .having('stock.move.line', 'product_id', Number(quant.product_id))
    .filter((line) => isOpen(line) && line.location_id === quant.location_id && line.move_id !== by.id)
    .sort((a, b) => b.id - a.id);
  for (const line of lines) {
    const move = env.get('stock.move', line.move_id!);
    const part = Math.min(excess, Number(line.quantity));
    if (part <= 0 || move.picked) continue;
    shift(env, quant, 'reserved_quantity', -part);
    env.set('stock.move.line', line, { quantity: addExactly(Number(line.quantity), -part) });
    env.set('stock.move', move, { quantity: addExactly(Number(move.quantity), -part / unitRatio(env, move)) });
    setState(env, move, stateFor(move));
    pickingChanged(env, [move]);
    excess = addExactly(excess, -part);
    if (excess <= 0) return;
  }
}

/** Moves the stock of a move's lines from place to place. */
export function finishMove(env: Env, move: Row): void {
  for (const line of linesOf(env, move)) {
    if (line.state === 'done') continue;
    const [product, quantity] = [Number(line.product_id), Number(line.quantity)];
    if (productValue(env, env.get('product.product', product), 'is_storable')) {
      const source = quantAt(env, product, Number(line.location_id));
      if (isLimited(env, product, Number(line.location_id))) shift(env, source, 'reserved_quantity', -quantity);
      shift(env, source, 'quantity', -quantity);
      freeOverbooked(env, source, move);
      shift(env, quantAt(env, product, Number(line.location_dest_id)), 'quantity', quantity);
    }
    env.set('stock.move.line', line, { state: 'done', picked: true, date: env.tx.now.slice(0, 19) });
  }
  env.set('stock.move', move, { state: 'done', picked: true, date: env.tx.now.slice(0, 19) });
}

/** Stock that moves without a transfer: a count, a scrap. */
export function doneAtOnce(
  env: Env,
  what: { product: number; quantity: number; from: number; to: number; reference: string; inventory: boolean },
): Row {
  const [move] = env.create('stock.move', [
    {
      product_id: what.product,
      product_uom_qty: what.quantity,
      ...(env.db.version < 19 ? { name: what.reference } : {}),
      location_id: what.from,
      location_dest_id: what.to,
      reference: what.reference,
      is_inventory: what.inventory,
      state: 'confirmed',
    },
  ]);
  const name = { reference: what.reference };
  setQuantity(env, move!, what.quantity);
  for (const line of linesOf(env, move!)) env.set('stock.move.line', line, name);
  finishMove(env, move!);
  return move!;
}

export const pickingChanged = (env: Env, rows: readonly Row[]): void => {
  for (const id of new Set(rows.map((row) => row.picking_id)))
    if (typeof id === 'number') env.set('stock.picking', env.get('stock.picking', id), pickingState(env, id));
};

/** A transfer's state follows from its moves. */
export function pickingState(env: Env, picking: number): { state: string } {
  const moves = env.having('stock.move', 'picking_id', picking);
  const has = (state: string) => moves.some((move) => move.state === state);
  if (moves.length === 0 || has('draft')) return { state: 'draft' };
  if (moves.every((move) => move.state === 'cancel')) return { state: 'cancel' };
  if (moves.every((move) => !isOpen(move))) return { state: 'done' };
  const ready = moves.some((move) => move.state === 'confirmed' && Number(move.quantity) > 0);
  if (ready || has('assigned') || has('partially_available')) return { state: 'assigned' };
  return { state: has('confirmed') ? 'confirmed' : 'waiting' };
}

/** Moves of a transfer that are still to do, or all of them. */
export const movesOf = (env: Env, picking: Row, open = false): Row[] =>
  env
    .having('stock.move', 'picking_id', picking.id)
    .filter((move) => !open || isOpen(move))
    .sort((a, b) => a.id - b.id);
