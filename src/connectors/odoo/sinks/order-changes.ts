import type { Context, Result } from '../../../core/connector.ts';
import { FaultError, rejected } from '../../../core/fault.ts';
import { currencyDigits, money, moneyText } from '../../../core/money.ts';
import type { Order } from '../../../model/order.ts';
import type { Odoo } from '../database.ts';
import { type Row, relation, rowsOf } from '../rows.ts';
import { type Cells, load } from './load.ts';
import { afterLanding } from './prepared.ts';
import { minorOf } from './sink.ts';

/** Lines of an order in Odoo, by external id. */
export type HeldLines = ReadonlyMap<string, Row>;

/** Fields of lines that tell what changed. */
export const lineFields = ['order_id', 'product_uom_qty', 'price_unit', 'qty_delivered'];

/** Whether a line has another quantity or price than it should. */
export const differs = (cells: Cells, row: Row | undefined): boolean =>
  row !== undefined &&
  ['product_uom_qty', 'price_unit'].some((field) => Math.abs(Number(row[field]) - Number(cells[field])) > 1e-9);

interface Edit {
  readonly id: number;
  readonly vals: Readonly<Record<string, number>>;
}

/**
 * What lines that are there must become: quantity and unit price, as written. Throws `rejected` where less is ordered than has left: Odoo refuses that, and a return
 * is the way.
 */
export function editsOf(order: Order, rows: readonly Cells[], held: HeldLines): Edit[] {
  return rows.flatMap((cells, place): Edit[] => {
    const row = held.get(cells.id);
    if (!row) return [];
    const wanted = { product_uom_qty: Number(cells.product_uom_qty), price_unit: Number(cells.price_unit) };
    if (!differs(cells, row)) return [];
    const delivered = Number(row.qty_delivered);
    if (delivered > 0 && wanted.product_uom_qty < delivered)
      throw rejected(
        `order ${order.number}: ${wanted.product_uom_qty} of ${order.lines[place]!.sku} are ordered now, but ${delivered} have been shipped already in Odoo: take them back as a return`,
        'already-shipped',
        'quantity',
      );
    // With a new quantity alone Odoo takes the price of its own list again (run on 18 and 19).
    return [{ id: row.id as number, vals: { ...wanted, discount: 0 } }];
  });
}

/** Changes the lines of a confirmed order in one call; its transfers follow. Whole values: a repeat changes nothing. */
export async function writeEdits(odoo: Odoo, order: number, edits: readonly Edit[], cx: Context): Promise<void> {
  if (edits.length === 0) return;
  const vals = { order_line: edits.map(({ id, vals }) => [1, id, vals]) };
  await odoo.call('sale.order', 'write', { ids: [order], args: [['vals', vals]] }, cx);
}

/**
 * Cancels an order, with its open transfers. What was invoiced is not undone by that, though Odoo says yes (run on 18 and 19): credit notes follow where refunds come as documents
 * of their own, else the order goes to a person. So does one of which something was shipped; what is still to be shipped of it is cancelled all the same, before it leaves too. 18
 * asks in a wizard unless told not to.
 */
export async function cancel(odoo: Odoo, order: Order, row: Row, cx: Context): Promise<Result> {
  const id = row.id as number;
  if (row.state === 'cancel') return { outcome: 'done', id: String(id) };
  const fields = ['qty_delivered', 'qty_invoiced', 'product_id'];
  const lines = await odoo.read('sale.order.line', [['order_id', '=', id]], fields, cx);
  const shipped = lines.filter((line) => Number(line.qty_delivered) > 0);
  if (shipped.length > 0) throw await tooLate(odoo, order, id, shipped, cx);
  if (order.refundsFollow !== true && lines.some((line) => Number(line.qty_invoiced) > 0))
    throw rejected(
      `order ${order.number} is cancelled here, but it was invoiced already in Odoo: make a credit note, then cancel it there`,
      'already-invoiced',
      'state',
    );
  const context = { disable_cancel_warning: true };
  await odoo.call('sale.order', 'action_cancel', { ids: [id], context }, cx);
  try {
    const [now] = rowsOf(await odoo.call('sale.order', 'read', { ids: [id], args: [['fields', ['state']]] }, cx));
    if (now?.state === 'cancel') return { outcome: 'done', id: String(id) };
  } catch (error) {
    return { outcome: 'failed', fault: afterLanding(error, 'the order was cancelled in Odoo') };
  }
  throw rejected(
    `Odoo asked a question instead of cancelling order ${order.number}: cancel it there by hand, then retry`,
    'not-cancelled',
    'state',
  );
}

/** What is still to be shipped is cancelled; what has left needs a person, who is told what and whether anything was stopped. */
async function tooLate(
  odoo: Odoo,
  order: Order,
  id: number,
  shipped: readonly Row[],
  cx: Context,
): Promise<FaultError> {
  const domain = [
    ['sale_id', '=', id],
    ['picking_type_id.code', '=', 'outgoing'],
    ['state', 'not in', ['done', 'cancel']],
  ];
  const open = await odoo.read('stock.picking', domain, ['name'], cx);
  const ids = open.map((row) => row.id as number);
  if (ids.length > 0) await odoo.call('stock.picking', 'action_cancel', { ids }, cx);
  const goods = shipped.map((row) => `${Number(row.qty_delivered)} × ${relation(row.product_id).name}`).join(', ');
  const rest =
    open.length > 0 ? `${open.map(({ name }) => String(name)).join(', ')} with the rest was cancelled. ` : '';
  return rejected(
    `order ${order.number} is cancelled here, but goods of it were shipped already in Odoo (${goods}). ${rest}Call the parcel back, or take the goods back as a return; when they are back in Odoo, retry; an Exception of the shop about a shipment of order ${order.number} (\`nothing-to-ship\`) is the same matter`,
    'already-shipped',
    'state',
  );
}

/** Row of Mapping table `sale-products` with the internal reference of the service that differences of rounding are booked on. */
const roundingProduct = 'rounding';

interface Difference {
  /** External ids of the order and of its rounding line. */
  readonly order: string;
  readonly line: string;
  /** What the customer was charged, and what Odoo makes of the order without a rounding line, in minor units. */
  readonly charged: bigint;
  readonly theirs: bigint;
  /** Minor units. */
  readonly limit: bigint;
  readonly taxes: string;
}

/**
 * A line of its own for what Odoo adds up otherwise than the channel did, within the limit: the customer's total stands, and the cents have a place. Throws
 * `rejected` with both figures above it.
 */
export async function round(odoo: Odoo, order: Order, difference: Difference, cx: Context): Promise<void> {
  const { charged, theirs, limit } = difference;
  const by = charged - theirs;
  const shown = (minor: bigint) => `${moneyText(money(minor, order.currency))} ${order.currency}`;
  if (by > limit || -by > limit)
    throw rejected(
      `order ${order.number} has landed in Odoo, but its total is ${shown(theirs)} there, and the customer was charged ${shown(charged)}: more than ${shown(limit)} apart`,
      'read-back-amount',
      'total',
    );
  const code = cx.mapping('sale-products').get(roundingProduct);
  const products = await odoo.read('product.product', [['default_code', '=', code]], ['name'], cx);
  if (products.length !== 1)
    throw rejected(
      `Odoo has ${products.length === 0 ? 'no product' : `${products.length} products`} with the internal reference '${code}' (row '${roundingProduct}' of Mapping table 'sale-products')`,
      'rounding-product',
      'total',
    );
  const cells = {
    id: difference.line,
    'product_id/.id': String(products[0]!.id),
    name: 'Rounding',
    product_uom_qty: '1',
    price_unit: moneyText(money(by, order.currency)),
    discount: '0',
    [`${difference.taxes}/.id`]: '',
  };
  const line = { cells: { id: difference.order }, lines: { field: 'order_line', rows: [cells] } };
  const [loaded] = await load(odoo, 'sale.order', [line], cx);
  if (loaded!.outcome === 'failed') throw new FaultError(loaded!.fault);
  if (loaded!.outcome === 'untouched')
    throw new FaultError({ kind: 'transient', message: 'Odoo did not take the rounding line; nothing was changed' });
}

/** Minor units of a rounding line; 0 where there is none. */
export const roundingOf = (row: Row | undefined, currency: string): bigint =>
  row ? minorOf(Number(row.price_unit) * Number(row.product_uom_qty), currency) : 0n;

/** The limit in a currency: one whole unit at most where there are no smaller ones. */
export const limitOf = (minor: number, currency: string): bigint =>
  BigInt(currencyDigits(currency) === 0 ? Math.min(minor, 1) : minor);
