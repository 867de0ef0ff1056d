import type { Context, Item, Result, Sink } from '../../../core/connector.ts';
import { fits } from '../../../core/decimal.ts';
import { type Fault, FaultError, rejected } from '../../../core/fault.ts';
import { money, moneyText } from '../../../core/money.ts';
import { type Order, OrderDocument } from '../../../model/order.ts';
import type { Odoo } from '../database.ts';
import { externalId } from '../external-id.ts';
import { pair, type Row } from '../rows.ts';
import { type Cells, type Loadable, type Loaded, load } from './load.ts';
import { ordersAlike, placed } from './matches.ts';
import { addressed } from './order-addresses.ts';
import {
  cancel,
  differs,
  editsOf,
  type HeldLines,
  limitOf,
  lineFields,
  round,
  roundingOf,
  writeEdits,
} from './order-changes.ts';
import { placesOf } from './order-places.ts';
import { afterLanding, deliverPrepared, linked } from './prepared.ts';
import { otherPromise, promiseCell, promised } from './promises.ts';
import { minorOf, naiveUtc, numberOf, sinkOf } from './sink.ts';

/** Some 10 s of Odoo's time (about 30 lines a second, odoo.md §5), well below its own limit of 120 s. A larger order travels alone. */
const maxLines = 300;

interface Prepared {
  /** The whole order, as it is created. */
  readonly loadable: Loadable & { readonly lines: { readonly field: 'order_line'; readonly rows: readonly Cells[] } };
  /** External id of the line for a difference of rounding. */
  readonly rounding: string;
  /** Id of the currency it must have; 0 for the one of its pricelist. */
  readonly currency: number;
}

type Ready = readonly { readonly item: Item<Order>; readonly prepared: Prepared }[];

/**
 * Orders become confirmed sale orders in one call: `load()` with `state=sale` and an external id on the header and every line. Company, currency, prices
 * and taxes are always explicit. What landed is read back and compared with the document to the cent; a difference is reported, never passed over.
 *
 * What Odoo already holds is read first: an order that is there whole is done without a write, and a later version sends only the lines that are missing.
 * For lines of a confirmed order sent again cost more than new ones (600 of them more than the 120 s after which Odoo kills itself), and neither
 * state nor pricelist may be sent for an order that is there (all run on 18 and 19).
 *
 * @see odoo.md §1 items 1 and 2, §2 load(); recordings 16-load-order-confirm, 21-order-taxes-rounding
 */
export const saleOrders = (odoo: Odoo, max: number, limit = 5): Sink<typeof OrderDocument> =>
  sinkOf(odoo, {
    name: 'sale-orders',
    accepts: OrderDocument,
    compares: true,
    match: (items, cx) => ordersAlike(odoo, items, limit, cx),
    count: (cx) => odoo.count('sale.order', placed, cx),
    batch: { max, maxLines, onFailure: 'none-lands' },
    deliver: (items, cx) =>
      deliverPrepared(
        items,
        (item) => saleOrder(odoo, item, cx),
        async (ready) => {
          const adopted = await adoptedOf(odoo, ready, cx);
          const own = ready.filter((one) => !adopted.has(one));
          const results = await addressed(odoo, own, cx, (orders) =>
            promised(odoo, orders, cx, (some) => inWaves(some, (wave) => deliverWave(odoo, wave, limit, cx))),
          );
          return ready.map((one) => adopted.get(one) ?? results[own.indexOf(one)]!);
        },
      ),
  });

/**
 * Orders that were in Odoo before the hub, and are bound to their documents: taken as they are. What changes about them later is a person's to do there, for their lines
 * have no external ids.
 */
async function adoptedOf(odoo: Odoo, ready: Ready, cx: Context): Promise<Map<Ready[number], Result>> {
  const bound = ready.filter(({ item }) => item.id !== null);
  if (bound.length === 0) return new Map();
  const ids = bound.map(({ item }) => Number(item.id));
  const names = await odoo.externalIds('sale.order', ids, cx);
  const adopted = bound.filter((one) => names.get(Number(one.item.id)) !== nameOf(one));
  if (adopted.length === 0) return new Map();
  const rows = new Map((await odoo.read('sale.order', [['id', 'in', ids]], compared, cx)).map((row) => [row.id, row]));
  return new Map(
    adopted.map((one): [Ready[number], Result] => {
      const { before, document, id } = one.item;
      const fault = before === undefined ? null : difference(document, one.prepared.currency, rows.get(Number(id)));
      if (fault === null) return [one, { outcome: 'done', id: id! }];
      const message = `${fault.message}; it was in Odoo before the hub: change it there, then retry`;
      return [one, { outcome: 'failed', fault: { ...fault, message } }];
    }),
  );
}

/** Several versions of one order go one after the other, each only when the one before is done. */
async function inWaves(ready: Ready, deliver: (wave: Ready) => Promise<Result[]>): Promise<Result[]> {
  const results = ready.map((): Result => ({ outcome: 'untouched' }));
  const occurrence = ready.map(
    ({ item }, place) => ready.slice(0, place).filter((one) => one.item.key === item.key).length,
  );
  const stuck = new Set<string>();
  for (let wave = 0; occurrence.includes(wave); wave++) {
    const members = ready.flatMap((one, place) =>
      occurrence[place] === wave && !stuck.has(one.item.key) ? [{ one, place }] : [],
    );
    const outcomes = members.length === 0 ? [] : await deliver(members.map(({ one }) => one));
    members.forEach(({ one, place }, index) => {
      results[place] = outcomes[index]!;
      if (outcomes[index]!.outcome !== 'done') stuck.add(one.item.key);
    });
  }
  return results;
}

async function deliverWave(odoo: Odoo, wave: Ready, limit: number, cx: Context): Promise<Result[]> {
  const held = await heldOf(odoo, wave, cx);
  const lines = await linesOf(odoo, wave, held, cx);
  const plans = wave.map((one) => planOf(one, held.get(nameOf(one)), lines));
  const open = plans.flatMap((plan, place) => ('send' in plan ? [{ plan, place }] : []));
  const absent = async (records: readonly Loadable[]) => {
    const names = new Set(records.map((record) => record.cells.id));
    const created = wave.filter((one) => names.has(nameOf(one)) && !held.has(nameOf(one)));
    return (await heldOf(odoo, created, cx)).size === 0;
  };
  const loaded = await load(
    odoo,
    'sale.order',
    open.map(({ plan }) => plan.send),
    cx,
    absent,
  );
  const sent = await readBack(
    odoo,
    open.map(({ place }) => wave[place]!),
    loaded,
    held,
    cx,
  );
  const results: Result[] = [];
  for (const [place, plan] of plans.entries()) {
    const at = open.findIndex((one) => one.place === place);
    const result =
      'known' in plan
        ? plan.known
        : at < 0 || ('changed' in plan && plan.changed && sent[at]!.outcome === 'done')
          ? null
          : sent[at]!;
    const broken = results.some((one) => one.outcome === 'failed' && one.fault.kind !== 'rejected');
    const next =
      broken && result === null
        ? ({ outcome: 'untouched' } as const)
        : await mended(odoo, wave[place]!, result, held, limit, cx);
    results.push(next);
  }
  return results;
}

const nameOf = ({ prepared }: Ready[number]): string => prepared.loadable.cells.id;

const compared = [
  'commitment_date',
  'state',
  'client_order_ref',
  'order_line',
  'amount_untaxed',
  'amount_total',
  'currency_id',
  'locked',
];

/** Orders that Odoo already has. */
function heldOf(odoo: Odoo, wave: Ready, cx: Context): Promise<Map<string, Row>> {
  if (wave.length === 0) return Promise.resolve(new Map());
  const numbers = wave.map(({ item }) => item.document.number);
  const bound = wave.flatMap(({ item }) => (item.id === null ? [] : [Number(item.id)]));
  const domain = ['|', ['id', 'in', bound], ['client_order_ref', 'in', numbers]];
  return odoo.own('sale.order', domain, wave.map(nameOf), compared, cx);
}

/** Lines of ours that the held orders have, by external id. */
async function linesOf(odoo: Odoo, wave: Ready, held: ReadonlyMap<string, Row>, cx: Context): Promise<HeldLines> {
  const names = wave.flatMap((one) =>
    held.has(nameOf(one)) ? [one.prepared.rounding, ...one.prepared.loadable.lines.rows.map((row) => row.id)] : [],
  );
  if (names.length === 0) return new Map();
  const orders = [...held.values()].map((row) => row.id);
  return odoo.own('sale.order.line', [['order_id', 'in', orders]], names, lineFields, cx);
}

/**
 * What `load` left over: an order that is cancelled, lines that changed, cents that Odoo adds up otherwise. `result` is null where nothing was sent, and it must be looked at.
 */
async function mended(
  odoo: Odoo,
  one: Ready[number],
  result: Result | null,
  held: ReadonlyMap<string, Row>,
  limit: number,
  cx: Context,
): Promise<Result> {
  const amountDiffers =
    result?.outcome === 'failed' && result.fault.kind === 'rejected' && result.fault.cause === 'read-back-amount';
  if (result !== null && !amountDiffers) return result;
  try {
    const before = held.get(nameOf(one));
    if (one.item.document.state === 'cancelled' && before) return await cancel(odoo, one.item.document, before, cx);
    return await mend(odoo, one, limit, cx);
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    const fault = await odoo.faultOf(error, 'sale.order', cx).catch(() => error.fault);
    return { outcome: 'failed', fault };
  }
}

async function mend(odoo: Odoo, one: Ready[number], limit: number, cx: Context): Promise<Result> {
  const { item, prepared } = one;
  const order = item.document;
  const look = async () => {
    const held = await heldOf(odoo, [one], cx);
    return { row: held.get(nameOf(one)), lines: await linesOf(odoo, [one], held, cx) };
  };
  let { row, lines } = await look();
  const edits = item.version > 1 ? editsOf(order, prepared.loadable.lines.rows, lines) : [];
  if (row && edits.length > 0) {
    await writeEdits(odoo, row.id as number, edits, cx);
    ({ row, lines } = await look());
  }
  const rounding = roundingOf(lines.get(prepared.rounding), order.currency);
  const first = difference(order, prepared.currency, row, lines.has(prepared.rounding) ? 1 : 0);
  if (row && first?.cause === 'read-back-amount' && order.total !== undefined) {
    const { lineTaxes } = await odoo.dialect(cx);
    const theirs = minorOf(row.amount_total, order.currency) - rounding;
    const charged = BigInt(order.total);
    const names = { order: nameOf(one), line: prepared.rounding, taxes: lineTaxes };
    await round(odoo, order, { ...names, charged, theirs, limit: limitOf(limit, order.currency) }, cx);
    ({ row, lines } = await look());
  }
  const fault = difference(order, prepared.currency, row, lines.has(prepared.rounding) ? 1 : 0);
  return fault ? { outcome: 'failed', fault } : { outcome: 'done', id: String(row!.id) };
}

/** What is left to do for an order: nothing, a call of `load`, or a closer look. */
function planOf(
  { item, prepared }: Ready[number],
  row: Row | undefined,
  lines: HeldLines,
): { known: Result } | { send: Loadable; changed: boolean } | { look: true } {
  const { loadable, currency } = prepared;
  if (!row) return { send: loadable, changed: false };
  if (item.document.state === 'cancelled') return { look: true };
  const fault = difference(item.document, currency, row, lines.has(prepared.rounding) ? 1 : 0);
  // A first version that differs was changed by a person in Odoo: that is told, not written over.
  const changed = item.version > 1 && loadable.lines.rows.some((cells) => differs(cells, lines.get(cells.id)));
  if (!fault) return changed ? { look: true } : { known: { outcome: 'done', id: String(row.id) } };
  const rows = loadable.lines.rows.filter((line) => !lines.has(line.id));
  const grows = fault.cause === 'read-back-lines' && rows.length > 0;
  if (!grows)
    return changed || fault.cause === 'read-back-amount' ? { look: true } : { known: { outcome: 'failed', fault } };
  if (row.locked === true)
    return {
      known: {
        outcome: 'failed',
        fault: {
          kind: 'rejected',
          message: `order ${item.document.number} is locked in Odoo and has ${rows.length} more lines here: unlock it there, then repeat`,
          cause: 'order-locked',
        },
      },
    };
  return { send: { cells: { id: loadable.cells.id }, lines: { field: 'order_line', rows } }, changed };
}

async function saleOrder(odoo: Odoo, item: Item<Order>, cx: Context): Promise<Prepared> {
  const { key, document: order } = item;
  const repeated = order.lines.find((line, place) =>
    order.lines.some((other, at) => at < place && other.id === line.id),
  );
  if (repeated) throw rejected(`two lines of order ${order.number} have the id '${repeated.id}'`, 'line-id', 'lines');
  const pricelist = await odoo.pricelist(order.currency, cx);
  const places = await placesOf(odoo, order, cx);
  const cells: Cells = {
    id: externalId(odoo.module(cx), 'order', key),
    'partner_id/.id': linked(item, 'customer', order.customer),
    client_order_ref: order.number,
    origin: order.refersTo ?? '',
    date_order: naiveUtc(order.placedAt, 'placedAt'),
    state: order.state === 'cancelled' ? 'cancel' : 'sale',
    ...promiseCell(order),
    ...(places.warehouse === null ? {} : { 'warehouse_id/.id': String(places.warehouse) }),
  };
  const rows: Cells[] = [];
  for (const line of order.lines) rows.push({ ...(await orderLine(odoo, item, line, cx)), ...places.cellsOf(line) });
  return {
    loadable: {
      cells,
      lines: { field: 'order_line', rows },
      // Not a column: Odoo refuses to be told the pricelist of a confirmed order, even the one it has (run on 18 and 19).
      context: { default_pricelist_id: pricelist ?? false },
    },
    rounding: externalId(odoo.module(cx), 'order_rounding', key),
    currency: pricelist === null ? (await odoo.company(cx)).currency.id : 0,
  };
}

async function orderLine(odoo: Odoo, item: Item<Order>, line: Order['lines'][number], cx: Context): Promise<Cells> {
  const { lineTaxes } = await odoo.dialect(cx);
  const precision = await odoo.precision(cx);
  const taxes: number[] = [];
  for (const code of line.taxes) taxes.push(...(await odoo.taxes(code, cx)));
  return {
    id: externalId(odoo.module(cx), 'order_line', item.key, line.id),
    'product_id/.id': linked(item, 'product', line.sku),
    name: line.description.trim() || line.sku,
    product_uom_qty: exactly(line.quantity, precision.quantity, 'quantity', item, line.sku),
    price_unit: exactly(line.unitPrice, precision.price, 'unitPrice', item, line.sku),
    discount: '0',
    [`${lineTaxes}/.id`]: [...new Set(taxes)].join(','),
  };
}

/** The number as the document has it. Throws `rejected` when Odoo would round it. */
function exactly(text: string, digits: number | null, field: string, { document }: Item<Order>, sku: string): string {
  const value = numberOf(text, field, document.number);
  if (digits === null || fits(value, digits)) return text;
  throw rejected(
    `order ${document.number}: ${field} ${text} of ${sku} has more decimals than Odoo keeps (${digits}); raise the Decimal Accuracy in Odoo's settings`,
    'odoo-precision',
    field,
  );
}

/** `before`: what of them was in Odoo already. Its Delivery Date is not looked at: `promised` writes it after this, where people have not. */
async function readBack(
  odoo: Odoo,
  sent: Ready,
  loaded: readonly Loaded[],
  before: ReadonlyMap<string, Row>,
  cx: Context,
): Promise<Result[]> {
  const ids = loaded.flatMap((one) => (one.outcome === 'landed' ? [one.id] : []));
  let held = new Map<unknown, Row>();
  try {
    if (ids.length > 0)
      held = new Map((await odoo.read('sale.order', [['id', 'in', ids]], compared, cx)).map((row) => [row.id, row]));
  } catch (error) {
    const fault = afterLanding(error, 'the order was written to Odoo');
    return loaded.map((one) => (one.outcome === 'landed' ? { outcome: 'failed', fault } : one));
  }
  return loaded.map((one, place): Result => {
    if (one.outcome !== 'landed') return one;
    const { item, prepared } = sent[place]!;
    const row = held.get(one.id);
    const made = !before.has(nameOf(sent[place]!));
    const fault = difference(item.document, prepared.currency, row) ?? (made ? otherPromise(item.document, row) : null);
    if (!fault) return { outcome: 'done', id: String(one.id) };
    cx.log.warn('odoo holds another order than was sent', { id: one.id, cause: fault.cause });
    return { outcome: 'failed', fault };
  });
}

/**
 * What the order in Odoo has otherwise than the document, or null. `currency` 0: any but the company's, as its pricelist has it. `extra`: lines that are the hub's own,
 * for rounding. What the customer was charged counts where the document says it, else the sum of the lines. An order that people have cancelled there, and that is the same else, is none: of such a one
 * cents of rounding are nobody's any more.
 */
export function difference(
  order: Order,
  currency: number,
  row: Row | undefined,
  extra = 0,
): Extract<Fault, { kind: 'rejected' }> | null {
  const landed = `order ${order.number} has landed in Odoo, but`;
  const isGone = order.state !== 'cancelled' && row?.state === 'cancel';
  const other = (message: string, cause: string) =>
    ({
      kind: 'rejected',
      message: `${landed} ${isGone ? `was cancelled there, and ${message}` : message}`,
      cause: isGone ? 'read-back-state' : cause,
    }) as const;
  if (!row) return other('cannot be read back there (another company, or deleted meanwhile)', 'read-back-missing');
  if (row.client_order_ref !== order.number)
    return other(`carries the reference '${String(row.client_order_ref)}'`, 'read-back-reference');
  if (order.state === 'cancelled')
    return row.state === 'cancel'
      ? null
      : other(`is in state '${String(row.state)}' there, not cancelled`, 'read-back-state');
  if (row.state !== 'sale' && row.state !== 'done' && !isGone)
    return other(`is in state '${String(row.state)}' there, not confirmed`, 'read-back-state');
  const lines = Array.isArray(row.order_line) ? row.order_line.length : 0;
  if (lines - extra !== order.lines.length)
    return other(`has ${lines - extra} lines there and ${order.lines.length} here`, 'read-back-lines');
  const held = pair(row.currency_id as never);
  if ((currency !== 0 && held.id !== currency) || (currency === 0 && held.name !== order.currency))
    return other(`is in ${held.name} there and in ${order.currency} here`, 'read-back-currency');
  const sum = order.lines.reduce((all, line) => all + BigInt(line.total), 0n);
  const ours = order.total === undefined ? sum : BigInt(order.total);
  const kind =
    order.total !== undefined || order.pricesIncludeTax || order.lines.every((line) => line.taxes.length === 0)
      ? 'total'
      : 'untaxed';
  const theirs = minorOf(row[`amount_${kind}`], order.currency);
  if (theirs === ours) return null;
  const apart = theirs < ours ? ours - theirs : theirs - ours;
  if (isGone && apart <= BigInt(lines)) return null;
  const amount = (minor: bigint) => `${moneyText(money(minor, order.currency))} ${order.currency}`;
  return other(
    `its ${kind === 'total' ? 'total' : 'untaxed amount'} is ${amount(theirs)} there and ${amount(ours)} here`,
    'read-back-amount',
  );
}
