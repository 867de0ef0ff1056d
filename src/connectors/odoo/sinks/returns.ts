import type { Context, Found, Item, Result, Sink } from '../../../core/connector.ts';
import { type Fault, FaultError, rejected } from '../../../core/fault.ts';
import { type Return, ReturnDocument } from '../../../model/return.ts';
import type { Odoo } from '../database.ts';
import { type Row, relation } from '../rows.ts';
import { maybeDone } from './done-before.ts';
import { type Loadable, load } from './load.ts';
import { afterLanding, deliverPrepared, linked, oneByOne } from './prepared.ts';
import { returnsAlike } from './return-matches.ts';
import { namesOf, transfersOf } from './return-moves.ts';
import { sinkOf } from './sink.ts';

/**
 * Returns become receipts of what was shipped: done transfers from the customer to the warehouse's stock, each move tied to the one that had brought the goods there,
 * so that the order's delivered quantity falls as with Odoo's own button. What may not be sold again goes on from stock to the product's inventory loss
 * location, in a transfer of its own that is validated in the same call. The button's wizard cannot be given a key; `load()` can, on transfers and moves.
 *
 * One that people received before the hub came is bound to its receipt (`match`) and taken as it is. Where Odoo has one that may be it, of an order that people made there, nothing is made.
 *
 * An announced return writes nothing. Never more than was shipped and has not come back yet: Odoo itself takes any quantity (run on 18 and 19).
 *
 * Mapping table: `warehouses` (location of the hub → warehouse code in Odoo), where it has a row.
 *
 * @see odoo.md §3 Returns
 */
export const returns = (odoo: Odoo, max: number): Sink<typeof ReturnDocument> =>
  sinkOf(odoo, {
    name: 'returns',
    accepts: ReturnDocument,
    batch: { max, maxLines: 200, onFailure: 'independent' },
    find: (items, cx) => find(odoo, items, cx),
    match: (items, cx) => returnsAlike(odoo, items, cx),
    deliver: (items, cx) =>
      deliverPrepared(
        items,
        (item) => Number(linked(item, 'order', item.document.order)),
        (ready) => oneByOne(ready, ({ item, prepared }) => deliverOne(odoo, item, prepared, cx)),
      ),
  });

async function find(odoo: Odoo, items: readonly Item<Return>[], cx: Context): Promise<Found[]> {
  const found: Found[] = [];
  for (const item of items) {
    const held = [...(await heldOf(odoo, item, cx)).values()].filter(({ state }) => state === 'done');
    const wanted = item.document.lines.some(({ restock }) => restock !== true) ? 2 : 1;
    found.push(held.length === wanted ? { found: 'whole', id: idOf(held) } : { found: 'absent' });
  }
  return found;
}

/** Transfers of a return that Odoo has, by external id. */
function heldOf(odoo: Odoo, item: Item<Return>, cx: Context): Promise<Map<string, Row>> {
  const { origin, back, loss } = namesOf(odoo, item, cx);
  return odoo.own('stock.picking', [['origin', '=', origin]], [back, loss], ['state', 'name'], cx);
}

const idOf = (rows: readonly Row[]): string => String(Math.min(...rows.map(({ id }) => id as number)));

async function deliverOne(odoo: Odoo, item: Item<Return>, order: number, cx: Context): Promise<Result> {
  try {
    return await takeBack(odoo, item, order, cx);
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    const fault = await odoo.faultOf(error, 'stock.picking', cx).catch(() => error.fault);
    return { outcome: 'failed', fault };
  }
}

async function takeBack(odoo: Odoo, item: Item<Return>, order: number, cx: Context): Promise<Result> {
  const { document: one } = item;
  const held = await heldOf(odoo, item, cx);
  const adopted = held.size === 0 ? await adoptedOf(odoo, item, cx) : null;
  const done = adopted ? [adopted] : [...held.values()].filter(({ state }) => state === 'done');
  if (one.state !== 'received') {
    if (done.length === 0) return { outcome: 'done', id: `order-${order}` };
    throw rejected(
      `return ${one.number} is ${one.state} here, but its goods came back in Odoo already (${done.map(({ name }) => name).join(', ')}): put that right there`,
      'already-returned',
      'state',
    );
  }
  if (adopted) return { outcome: 'done', id: String(adopted.id) };
  if (held.size === 0) {
    const maybe = await maybeDone(odoo, [item], (items) => returnsAlike(odoo, items, cx), cx);
    for (const fault of maybe.values()) throw new FaultError(fault);
  }
  const cancelled = [...held.values()].find(({ state }) => state === 'cancel');
  if (cancelled)
    throw rejected(
      `the transfer ${String(cancelled.name)} of return ${one.number} was cancelled in Odoo: take the goods back there by hand, then dismiss this`,
      'transfer-cancelled',
      'state',
    );
  if (done.length > 0 && done.length === held.size) return readBack(odoo, item, cx, null);
  const transfers = await transfersOf(odoo, item, order, cx);
  await create(
    odoo,
    transfers.filter(({ cells }) => !held.has(cells.id)),
    cx,
  );
  return readBack(odoo, item, cx, await validate(odoo, item, cx));
}

/** The receipt that people made, and that the return is bound to: once done it does not change any more. */
async function adoptedOf(odoo: Odoo, { id }: Item<Return>, cx: Context): Promise<Row | null> {
  if (!Number(id)) return null;
  const domain = [
    ['id', '=', Number(id)],
    ['state', '=', 'done'],
  ];
  const [row] = await odoo.read('stock.picking', domain, ['state', 'name'], cx);
  return row ?? null;
}

async function create(odoo: Odoo, missing: readonly Loadable[], cx: Context): Promise<void> {
  for (const loaded of await load(odoo, 'stock.picking', missing, cx)) {
    if (loaded.outcome === 'failed') throw new FaultError(loaded.fault);
    if (loaded.outcome === 'untouched')
      throw new FaultError({ kind: 'transient', message: 'Odoo did not take the transfer; nothing was moved' });
  }
}

/** Both transfers in one call, so that nobody is promised what is to be written off. Null, or why Odoo refused. */
async function validate(odoo: Odoo, item: Item<Return>, cx: Context): Promise<Fault | null> {
  const open = [...(await heldOf(odoo, item, cx)).values()].filter(({ state }) => state !== 'done');
  const ids = open.map(({ id }) => id as number).sort((a, b) => a - b);
  if (ids.length === 0) return null;
  try {
    await odoo.call('stock.picking', 'button_validate', { ids, context: { skip_backorder: true, skip_sms: true } }, cx);
    return null;
  } catch (error) {
    const fault = await odoo.faultOf(error, 'stock.picking', cx);
    if (fault.kind !== 'rejected') throw error;
    return fault;
  }
}

async function readBack(odoo: Odoo, item: Item<Return>, cx: Context, refusal: Fault | null): Promise<Result> {
  try {
    const held = await heldOf(odoo, item, cx);
    const rows = [...held.values()];
    const open = rows.find(({ state }) => state !== 'done');
    if (rows.length === 0 || open)
      return { outcome: 'failed', fault: refusal ?? notDone(item.document, String(open?.name ?? 'the transfer')) };
    const { back, loss } = namesOf(odoo, item, cx);
    const moved = await movedBy(odoo, rows, cx);
    const count = (name: string) => moved.get(held.get(name)?.id as number) ?? 0;
    const wanted = totalOf(item.document.lines);
    const lost = totalOf(item.document.lines.filter(({ restock }) => restock !== true));
    if (count(back) === wanted && count(loss) === lost) return { outcome: 'done', id: idOf(rows) };
    const message = `return ${item.document.number} is done in Odoo, but ${count(back)} came back there and ${count(loss)} of it were written off; here it is ${wanted} and ${lost}: put that right there`;
    return { outcome: 'failed', fault: { kind: 'rejected', message, cause: 'read-back-quantity', field: 'lines' } };
  } catch (error) {
    return { outcome: 'failed', fault: afterLanding(error, 'the return was validated in Odoo') };
  }
}

const rounded = (value: number): number => Math.round(value * 1e6) / 1e6;

const totalOf = (lines: Return['lines']): number =>
  rounded(lines.reduce((sum, { quantity }) => sum + Number(quantity), 0));

/** Pieces that done transfers moved. */
async function movedBy(odoo: Odoo, rows: readonly Row[], cx: Context): Promise<Map<number, number>> {
  const domain = [
    ['picking_id', 'in', rows.map(({ id }) => id)],
    ['state', '=', 'done'],
  ];
  const moved = new Map<number, number>();
  for (const move of await odoo.read('stock.move', domain, ['picking_id', 'quantity'], cx)) {
    const { id } = relation(move.picking_id);
    moved.set(id, rounded((moved.get(id) ?? 0) + Number(move.quantity)));
  }
  return moved;
}

const notDone = ({ number }: Return, name: string): Fault => ({
  kind: 'rejected',
  message: `Odoo asked a question instead of validating ${name} for return ${number}: open it in Odoo and validate it by hand, then retry`,
  cause: 'transfer-not-done',
});
