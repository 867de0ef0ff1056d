import type { Context, Item, Result, Sink } from '../../../core/connector.ts';
import { add, compare, type Decimal, decimal, decimalText, fits, integer, negate } from '../../../core/decimal.ts';
import { type Fault, rejected } from '../../../core/fault.ts';
import { type StockAdjustment, StockAdjustmentDocument } from '../../../model/stock-adjustment.ts';
import type { Odoo } from '../database.ts';
import { externalId } from '../external-id.ts';
import { pair, rowsOf } from '../rows.ts';
import { type Cells, type Loadable, type Loaded, load } from './load.ts';
import { afterLanding, deliverPrepared, linked } from './prepared.ts';
import { naiveUtc, sinkOf } from './sink.ts';

type Line = StockAdjustment['lines'][number];
type Direction = 'out' | 'in';

/** All lines of one adjustment that go the same way: one transfer in Odoo. */
interface Transfer {
  readonly externalId: string;
  readonly origin: string;
  readonly moved: Decimal;
  readonly loadable: Loadable;
}

interface Held {
  readonly id: number;
  readonly state: string;
}

/** What became of one transfer so far. */
type Stage = Held | Exclude<Loaded, { outcome: 'landed' }>;

/**
 * Goods written off or found become done transfers between the warehouse's stock and the product's inventory loss location, one for each direction,
 * with external ids on the transfer and its moves. Never a written quantity: that would race with sales and be no longer the same when repeated.
 *
 * Three steps, each guarded by what Odoo already holds: `load()` the transfers that are not there, `button_validate` those that are not done, read back
 * state and quantity. A repeat after any of them goes on where it stopped.
 *
 * @see odoo.md §1 item 3 (a wizard instead of an effect), §3 Fulfilment; recording 27-picking-full (a second validation)
 */
export const stockAdjustments = (odoo: Odoo, max: number): Sink<typeof StockAdjustmentDocument> =>
  sinkOf(odoo, {
    name: 'stock-adjustments',
    accepts: StockAdjustmentDocument,
    batch: { max, maxLines: 600, onFailure: 'none-lands' },
    deliver: async (items, cx) => {
      const losses = await lossLocations(odoo, items, cx);
      return deliverPrepared(
        items,
        (item) => transfersOf(odoo, item, losses, cx),
        async (ready) => {
          const transfers = ready.flatMap(({ prepared }) => prepared);
          const stages = await settle(odoo, transfers, cx);
          return ready.map(({ prepared }) => together(prepared.map((transfer) => stages.get(transfer.externalId)!)));
        },
      );
    },
  });

/** Inventory loss location of each product that the adjustments name. */
async function lossLocations(
  odoo: Odoo,
  items: readonly Item<StockAdjustment>[],
  cx: Context,
): Promise<Map<string, number>> {
  const ids = new Set(
    items.flatMap(({ links, document }) => document.lines.flatMap((line) => links.get(`product:${line.sku}`) ?? [])),
  );
  const domain = [
    ['id', 'in', [...ids].map(Number)],
    ['active', 'in', [true, false]],
  ];
  const rows = ids.size === 0 ? [] : await odoo.read('product.product', domain, ['property_stock_inventory'], cx);
  return new Map(rows.map((row) => [String(row.id), pair(row.property_stock_inventory as never).id]));
}

async function transfersOf(
  odoo: Odoo,
  item: Item<StockAdjustment>,
  losses: ReadonlyMap<string, number>,
  cx: Context,
): Promise<Transfer[]> {
  const { document } = item;
  const lines = document.lines.map((line) => ({ line, quantity: quantityOf(line, document.origin) }));
  const zero = integer(0);
  const out = lines.filter(({ quantity }) => compare(quantity, zero) < 0);
  const back = lines.filter(({ quantity }) => compare(quantity, zero) > 0);
  if (out.length + back.length === 0)
    throw rejected(
      `the adjustment of ${document.origin} moves nothing: every quantity is 0`,
      'nothing-to-move',
      'lines',
    );
  const transfers: Transfer[] = [];
  if (out.length > 0) transfers.push(await transferOf(odoo, item, 'out', out, losses, cx));
  if (back.length > 0) transfers.push(await transferOf(odoo, item, 'in', back, losses, cx));
  return transfers;
}

function quantityOf(line: Line, origin: string): Decimal {
  try {
    return decimal(line.quantity);
  } catch (error) {
    throw rejected(`adjustment of ${origin}: ${(error as Error).message}`, 'not-a-number', 'quantity');
  }
}

async function transferOf(
  odoo: Odoo,
  item: Item<StockAdjustment>,
  direction: Direction,
  lines: readonly { line: Line; quantity: Decimal }[],
  losses: ReadonlyMap<string, number>,
  cx: Context,
): Promise<Transfer> {
  const { key, document } = item;
  const { stockLocation, internalType } = await odoo.warehouse(cx);
  const { moveName } = await odoo.dialect(cx);
  const { quantity: digits } = await odoo.precision(cx);
  const name = (kind: string, ...more: string[]) => externalId(odoo.module(cx), kind, key, ...more);
  const way = (loss: number): [from: string, to: string] =>
    direction === 'out' ? [String(stockLocation), String(loss)] : [String(loss), String(stockLocation)];
  let moved = integer(0);
  const ends: [string, string][] = [];
  const rows: Cells[] = [];
  for (const { line, quantity } of lines) {
    const product = linked(item, 'product', line.sku);
    if (digits !== null && !fits(quantity, digits))
      throw rejected(
        `adjustment of ${document.origin}: quantity ${line.quantity} of ${line.sku} has more decimals than Odoo keeps (${digits}); raise the Decimal Accuracy in Odoo's settings`,
        'odoo-precision',
        'quantity',
      );
    const loss = losses.get(product);
    if (!loss)
      throw rejected(
        `product '${line.sku}' is no longer in Odoo or has no inventory loss location`,
        'product-missing',
        'lines',
      );
    const [from, to] = way(loss);
    const positive = direction === 'out' ? negate(quantity) : quantity;
    moved = add(moved, positive);
    ends.push([from, to]);
    rows.push({
      id: name('adjustment_line', line.id),
      ...(moveName ? { name: line.reason.trim() || document.origin } : {}),
      'product_id/.id': product,
      // Demand alone would be done only as far as there is stock, behind a question about a backorder.
      product_uom_qty: decimalText(positive),
      quantity: decimalText(positive),
      picked: 'True',
      'location_id/.id': from,
      'location_dest_id/.id': to,
    });
  }
  if (new Set(rows.map((row) => row.id)).size < rows.length)
    throw rejected(`two lines of the adjustment of ${document.origin} have the same id`, 'line-id', 'lines');
  const origin = `${document.origin} (${key})`;
  const cells: Cells = {
    id: name('adjustment', direction),
    'picking_type_id/.id': String(internalType),
    'location_id/.id': ends[0]![0],
    'location_dest_id/.id': ends[0]![1],
    origin,
    scheduled_date: naiveUtc(document.occurredAt, 'occurredAt'),
    note: [...new Set(lines.map(({ line }) => line.reason.trim()))].filter(Boolean).map(escaped).join('; '),
  };
  return { externalId: cells.id, origin, moved, loadable: { cells, lines: { field: 'move_ids', rows } } };
}

const escaped = (text: string): string => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');

async function settle(odoo: Odoo, transfers: readonly Transfer[], cx: Context): Promise<Map<string, Stage>> {
  const held = await heldOf(odoo, transfers, cx);
  const missing = transfers.filter((transfer) => !held.has(transfer.externalId));
  const loaded = await load(
    odoo,
    'stock.picking',
    missing.map((transfer) => transfer.loadable),
    cx,
  );
  const stages = new Map<string, Stage>(held);
  missing.forEach((transfer, place) => {
    const one = loaded[place]!;
    stages.set(transfer.externalId, one.outcome === 'landed' ? { id: one.id, state: 'draft' } : one);
  });
  const open = transfers.filter((transfer) => {
    const stage = stages.get(transfer.externalId)!;
    return 'id' in stage && stage.state !== 'done';
  });
  for (const [transfer, stage] of await validate(odoo, open, stages, cx)) stages.set(transfer.externalId, stage);
  // Done before: a done transfer cannot take more lines, so what it moved must be what is asked for now.
  const before = transfers.filter((transfer) => isDone(held.get(transfer.externalId)));
  const ids = before.map((transfer) => (held.get(transfer.externalId) as Held).id);
  if (before.length > 0)
    for (const [transfer, stage] of await readBack(odoo, before, ids, new Map(), cx))
      stages.set(transfer.externalId, stage);
  return stages;
}

const isDone = (stage: Stage | undefined): boolean => stage !== undefined && 'state' in stage && stage.state === 'done';

/** Transfers that Odoo already has. */
async function heldOf(odoo: Odoo, transfers: readonly Transfer[], cx: Context): Promise<Map<string, Stage>> {
  const origins = [...new Set(transfers.map((transfer) => transfer.origin))];
  const names = transfers.map((transfer) => transfer.externalId);
  const own = await odoo.own('stock.picking', [['origin', 'in', origins]], names, ['state'], cx);
  const cancelled = failed({
    kind: 'rejected',
    message: 'the transfer was cancelled in Odoo',
    cause: 'transfer-cancelled',
  });
  return new Map(
    [...own].map(([name, row]) => [
      name,
      row.state === 'cancel' ? cancelled : { id: row.id as number, state: String(row.state) },
    ]),
  );
}

const failed = (fault: Fault): Stage => ({ outcome: 'failed', fault });

async function validate(
  odoo: Odoo,
  open: readonly Transfer[],
  stages: ReadonlyMap<string, Stage>,
  cx: Context,
): Promise<Map<Transfer, Stage>> {
  if (open.length === 0) return new Map();
  const ids = open.map((transfer) => (stages.get(transfer.externalId) as Held).id);
  const refusals = new Map<number, Fault>();
  const fault = await press(odoo, ids, cx);
  if (fault?.kind === 'rejected' && ids.length > 1)
    for (const id of ids) {
      const own = await press(odoo, [id], cx);
      if (own) refusals.set(id, own);
      if (own && own.kind !== 'rejected') break;
    }
  else if (fault) for (const id of ids) refusals.set(id, fault);
  return readBack(odoo, open, ids, refusals, cx);
}

/** Null when Odoo took the call, whatever it did; the wizard it may open instead shows in the state. */
async function press(odoo: Odoo, ids: number[], cx: Context): Promise<Fault | null> {
  try {
    await odoo.call('stock.picking', 'button_validate', { ids }, cx);
    return null;
  } catch (error) {
    return odoo.faultOf(error, 'stock.picking', cx);
  }
}

async function readBack(
  odoo: Odoo,
  open: readonly Transfer[],
  ids: readonly number[],
  refusals: ReadonlyMap<number, Fault>,
  cx: Context,
): Promise<Map<Transfer, Stage>> {
  try {
    const pickings = await odoo.read('stock.picking', [['id', 'in', ids]], ['state'], cx);
    const states = new Map(pickings.map((row) => [row.id, String(row.state)]));
    const moves = await odoo.read('stock.move', [['picking_id', 'in', ids]], ['picking_id', 'quantity', 'state'], cx);
    return new Map(
      open.map((transfer, place) => {
        const id = ids[place]!;
        const state = states.get(id) ?? 'missing';
        const refusal = refusals.get(id);
        if (state !== 'done') return [transfer, failed(refusal ?? notDone(state))];
        const quantity = rowsOf(moves)
          .filter((row) => pair(row.picking_id as never).id === id && row.state === 'done')
          .reduce((all, row) => all + Number(row.quantity), 0);
        const expected = Number(decimalText(transfer.moved));
        return [
          transfer,
          Math.abs(quantity - expected) < 1e-6 ? { id, state } : failed(otherQuantity(quantity, expected)),
        ];
      }),
    );
  } catch (error) {
    const fault = afterLanding(error, 'the transfer was validated in Odoo');
    return new Map(open.map((transfer) => [transfer, failed(fault)]));
  }
}

const notDone = (state: string): Fault => ({
  kind: 'rejected',
  message: `Odoo has the transfer, but asked a question instead of doing it (state '${state}'): open it in Odoo and validate it by hand, then repeat`,
  cause: 'transfer-not-done',
});

const otherQuantity = (there: number, here: number): Fault => ({
  kind: 'rejected',
  message: `the transfer is done in Odoo, but moved ${there} there and ${here} here`,
  cause: 'read-back-quantity',
});

/** The result of an adjustment from those of its transfers; its id names them all. */
function together(stages: readonly Stage[]): Result {
  const bad = stages.find((stage) => 'outcome' in stage && stage.outcome === 'failed');
  const waiting = stages.find((stage) => 'outcome' in stage);
  if (bad ?? waiting) return (bad ?? waiting) as Result;
  return { outcome: 'done', id: stages.map((stage) => (stage as Held).id).join(',') };
}
