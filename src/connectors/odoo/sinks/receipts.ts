import type { Context, Found, Item, Result, Sink } from '../../../core/connector.ts';
import { decimal, decimalText } from '../../../core/decimal.ts';
import { type Fault, FaultError, rejected } from '../../../core/fault.ts';
import { type Receipt, ReceiptDocument } from '../../../model/receipt.ts';
import type { Odoo } from '../database.ts';
import { type Row, relation } from '../rows.ts';
import { afterLanding, deliverPrepared, linked, oneByOne } from './prepared.ts';
import { sinkOf } from './sink.ts';

/** An incoming transfer. */
interface Incoming {
  readonly id: number;
  readonly name: string;
  readonly state: string;
  readonly origin: string;
}

/** Pieces received of each product, by its id in Odoo. */
type Pieces = ReadonlyMap<number, number>;

const isOpen = ({ state }: Incoming): boolean => state === 'confirmed' || state === 'assigned';
const rounded = (value: number): number => Math.round(value * 1e6) / 1e6;

/**
 * Goods that came in validate the incoming transfer of the purchase order that announced them, or the transfer that is named itself: what came is set as moved, the rest
 * becomes a backorder, and what came beyond is moved too, as Odoo allows (the purchase order then says that more was received than ordered). Goods that nobody
 * ordered, and numbers that Odoo does not know, go to a person.
 *
 * Odoo takes no key for it, so the transfer carries a mark of the receipt behind its source document ("P00012 (wms:RC1)"), as shipments do (docs/decisions.md, 19).
 * Transfers are found by their source document, which is the purchase order's number: that asks for no rights in Purchase.
 *
 * @see purchase_stock `_prepare_picking`, Odoo 18 and 19
 */
export const receipts = (odoo: Odoo, max: number): Sink<typeof ReceiptDocument> =>
  sinkOf(odoo, {
    name: 'receipts',
    accepts: ReceiptDocument,
    batch: { max, maxLines: 200, onFailure: 'independent' },
    find: async (items, cx) => {
      const found: Found[] = [];
      for (const item of items) {
        const done = doneIn(await incomingOf(odoo, item.document, cx), item);
        const result = done && (await readBack(odoo, item, done, cx));
        if (!result) found.push({ found: 'absent' });
        else if (result.outcome === 'done') found.push({ found: 'whole', id: result.id });
        else found.push({ found: 'partial', message: (result as { fault: Fault }).fault.message });
      }
      return found;
    },
    deliver: (items, cx) =>
      deliverPrepared(
        items,
        (item) => piecesOf(item),
        (ready) => oneByOne(ready, ({ item, prepared }) => deliverOne(odoo, item, prepared, cx)),
      ),
  });

const markOf = ({ key }: Item<Receipt>): string => ` (${key})`;
/** The source document without a mark. */
const bare = (origin: string): string => origin.replace(/ \([^()\s]+:[^()]*\)$/, '');

/** A done transfer counts before its backorder, which has copied its mark. */
const doneIn = (all: readonly Incoming[], item: Item<Receipt>): Incoming | undefined =>
  all.find(({ state, origin }) => state === 'done' && origin.endsWith(markOf(item)));

function piecesOf(item: Item<Receipt>): Pieces {
  const pieces = new Map<number, number>();
  for (const { sku, quantity } of item.document.lines) {
    const product = Number(linked(item, 'product', sku));
    let units: number;
    try {
      units = Number(decimalText(decimal(quantity)));
    } catch (error) {
      throw rejected(`receipt ${item.document.number}: ${(error as Error).message}`, 'not-a-number', 'quantity');
    }
    if (units <= 0)
      throw rejected(`receipt ${item.document.number}: ${quantity} of ${sku} is nothing`, 'not-positive', 'quantity');
    pieces.set(product, rounded((pieces.get(product) ?? 0) + units));
  }
  return pieces;
}

async function deliverOne(odoo: Odoo, item: Item<Receipt>, pieces: Pieces, cx: Context): Promise<Result> {
  try {
    return await receive(odoo, item, pieces, cx);
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    const fault = await odoo.faultOf(error, 'stock.picking', cx).catch(() => error.fault);
    return { outcome: 'failed', fault };
  }
}

async function receive(odoo: Odoo, item: Item<Receipt>, pieces: Pieces, cx: Context): Promise<Result> {
  const { document } = item;
  const all = await incomingOf(odoo, document, cx);
  const before = doneIn(all, item);
  if (before) return readBack(odoo, item, before, cx);
  const { transfer, moves } = await chosen(odoo, item, all, pieces, cx);
  await prepare(odoo, item, transfer, movedOf(document, transfer, moves, pieces), cx);
  const refusal = await validate(odoo, transfer, cx);
  try {
    const done = doneIn(await incomingOf(odoo, document, cx), item);
    if (done) return await readBack(odoo, item, done, cx);
  } catch (error) {
    return { outcome: 'failed', fault: afterLanding(error, 'the receipt was validated in Odoo') };
  }
  const message = `Odoo asked a question instead of validating ${transfer.name} for receipt ${document.number}: open it in Odoo and validate it by hand, then retry`;
  return { outcome: 'failed', fault: refusal ?? { kind: 'rejected', message, cause: 'transfer-not-done' } };
}

/** Incoming transfers that a receipt names: by their own number, or by what they come from. */
async function incomingOf(odoo: Odoo, { reference }: Receipt, cx: Context): Promise<Incoming[]> {
  const escaped = reference.replaceAll(/[%_\\]/g, String.raw`\$&`);
  const named = ['|', ['name', '=', reference], '|', ['origin', '=', reference], ['origin', '=like', `${escaped} (%`]];
  const domain = [
    ['company_id', '=', (await odoo.company(cx)).id],
    ['picking_type_id.code', '=', 'incoming'],
    ...named,
  ];
  const rows = await odoo.read('stock.picking', domain, ['name', 'state', 'origin'], cx);
  return rows.map((row) => ({
    id: row.id as number,
    name: String(row.name),
    state: String(row.state),
    origin: typeof row.origin === 'string' ? row.origin : '',
  }));
}

const openMoves = (odoo: Odoo, ids: readonly number[], cx: Context): Promise<Row[]> =>
  odoo.read(
    'stock.move',
    [
      ['picking_id', 'in', ids],
      ['state', 'not in', ['done', 'cancel']],
    ],
    ['picking_id', 'product_id', 'product_qty', 'product_uom_qty', 'has_tracking'],
    cx,
  );

/** The open transfer that the goods belong to, with its open moves. Throws `rejected` where there is none, or one cannot tell which. */
async function chosen(
  odoo: Odoo,
  item: Item<Receipt>,
  all: readonly Incoming[],
  pieces: Pieces,
  cx: Context,
): Promise<{ transfer: Incoming; moves: Row[] }> {
  const { number, reference } = item.document;
  const open = all.filter(isOpen);
  const moves = await openMoves(
    odoo,
    open.map(({ id }) => id),
    cx,
  );
  const own = (transfer: Incoming): Row[] => moves.filter((row) => relation(row.picking_id).id === transfer.id);
  const fits = open.filter((transfer) =>
    [...pieces.keys()].every((product) => own(transfer).some((row) => relation(row.product_id).id === product)),
  );
  const begun = open.find(({ origin }) => origin.endsWith(markOf(item)));
  const candidates = begun ? [begun] : fits.length > 0 ? fits : open;
  if (candidates.length === 1) return { transfer: candidates[0]!, moves: own(candidates[0]!) };
  if (all.length === 0)
    throw rejected(
      `receipt ${number} is of ${reference}, and Odoo knows no purchase order or incoming transfer of that number: ask the warehouse what came; correct the number with an edit, or book the goods in Odoo and dismiss this`,
      'unknown-reference',
      'reference',
    );
  const names = candidates.map(({ name }) => name).join(', ');
  throw rejected(
    candidates.length === 0
      ? `receipt ${number} is of ${reference}, of which Odoo awaits nothing more: was it booked there by hand, or is it more than was ordered? Book in Odoo what came beyond, then dismiss this`
      : `receipt ${number} is of ${reference}, which has several open transfers in Odoo (${names}): name one of them with an edit`,
    candidates.length === 0 ? 'nothing-to-receive' : 'transfer-ambiguous',
    'reference',
  );
}

/** What came of each move, in its own unit, by the move's id: what was asked for first, and what came beyond on the last one of the product. Throws `rejected` for what nobody ordered. */
function movedOf(document: Receipt, transfer: Incoming, moves: readonly Row[], pieces: Pieces): Map<number, number> {
  const moved = new Map<number, number>();
  for (const [product, units] of pieces) {
    const own = moves.filter((row) => relation(row.product_id).id === product);
    const [first] = own;
    const sku = first ? relation(first.product_id).name : `product ${product}`;
    if (!first) {
      const goods = document.lines.map(({ quantity, sku }) => `${quantity} × ${sku}`).join(', ');
      throw rejected(
        `receipt ${document.number} (${goods}) has goods that ${transfer.name} of ${document.reference} does not await in Odoo: add them to the purchase order and retry, or book them by hand and take them out with an edit`,
        'not-ordered',
        'lines',
      );
    }
    if (own.some(({ has_tracking: kept }) => kept !== 'none' && kept !== undefined))
      throw rejected(
        `${sku} of receipt ${document.number} is kept by lot or serial number in Odoo, which the hub does not carry: validate the transfer there`,
        'lots',
        'lines',
      );
    let rest = units;
    for (const row of own) {
      const takes = row === own.at(-1) ? rest : Math.min(rest, Number(row.product_qty));
      const ratio = Number(row.product_qty) === 0 ? 1 : Number(row.product_uom_qty) / Number(row.product_qty);
      moved.set(row.id as number, rounded(takes * ratio));
      rest = rounded(rest - takes);
    }
  }
  return new Map(moves.map((row) => [row.id as number, moved.get(row.id as number) ?? 0]));
}

const escaped = (text: string): string => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');

/** Everything that is to be true of the transfer before it is validated, in one call; what came damaged stands in its notes, once. */
async function prepare(
  odoo: Odoo,
  item: Item<Receipt>,
  transfer: Incoming,
  moved: ReadonlyMap<number, number>,
  cx: Context,
): Promise<void> {
  const amiss = item.document.lines.filter(({ condition }) => condition !== null);
  const words = amiss.map(({ quantity, sku, condition }) => `${quantity} × ${sku} ${condition}`).join(', ');
  const line = `${item.key} received ${words}`;
  const [row] = amiss.length === 0 ? [] : await odoo.read('stock.picking', [['id', '=', transfer.id]], ['note'], cx);
  const notes = typeof row?.note === 'string' ? row.note : '';
  const vals = {
    origin: `${bare(transfer.origin) || item.document.reference}${markOf(item)}`,
    ...(amiss.length === 0 || notes.includes(escaped(line)) ? {} : { note: `${notes}<p>${escaped(line)}</p>` }),
    move_ids: [...moved].map(([move, quantity]) => [
      1,
      move,
      quantity > 0 ? { quantity, picked: true } : { picked: false },
    ]),
  };
  await odoo.call('stock.picking', 'write', { ids: [transfer.id], args: [['vals', vals]] }, cx);
}

/** Null, or why Odoo refused. What is read afterwards decides. */
async function validate(odoo: Odoo, { id }: Incoming, cx: Context): Promise<Fault | null> {
  const context = { skip_backorder: true, skip_sms: true };
  try {
    await odoo.call('stock.picking', 'button_validate', { ids: [id], context }, cx);
    return null;
  } catch (error) {
    const fault = await odoo.faultOf(error, 'stock.picking', cx);
    if (fault.kind !== 'rejected') throw error;
    return fault;
  }
}

/** What Odoo holds of a receipt; `failed` when it moved something else, such as for a later correction of it: what is done stays done. */
async function readBack(odoo: Odoo, item: Item<Receipt>, { id, name }: Incoming, cx: Context): Promise<Result> {
  const domain = [
    ['picking_id', '=', id],
    ['state', '=', 'done'],
  ];
  const rows = await odoo.read('stock.move', domain, ['product_id', 'product_qty', 'product_uom_qty', 'quantity'], cx);
  const theirs = new Map<number, number>();
  for (const row of rows) {
    const product = relation(row.product_id).id;
    const ratio = Number(row.product_uom_qty) === 0 ? 1 : Number(row.product_qty) / Number(row.product_uom_qty);
    theirs.set(product, rounded((theirs.get(product) ?? 0) + Number(row.quantity) * ratio));
  }
  const ours = piecesOf(item);
  const same = [...ours].every(([product, units]) => theirs.get(product) === units) && theirs.size === ours.size;
  if (same) return { outcome: 'done', id: String(id) };
  const message = `${name} is done in Odoo for receipt ${item.document.number}, with other quantities than the warehouse says: correct it in Odoo, then dismiss this`;
  return { outcome: 'failed', fault: { kind: 'rejected', message, cause: 'read-back-quantity' } };
}
