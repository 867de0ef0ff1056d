import type { Context, Found, Item, Result, Sink } from '../../../core/connector.ts';
import { compare, type Decimal, decimal, decimalText, fits, integer } from '../../../core/decimal.ts';
import { type Fault, FaultError, rejected } from '../../../core/fault.ts';
import { type StockLevel, StockLevelDocument } from '../../../model/stock-level.ts';
import type { Odoo, Warehouse } from '../database.ts';
import { type Row, relation } from '../rows.ts';
import { timeOf } from '../sources/cursor.ts';
import { deliverPrepared, linked } from './prepared.ts';
import { sinkOf } from './sink.ts';

export interface LevelSettings {
  readonly max: number;
  /**
   * What the levels of a warehouse count: pieces on the shelf, or those that are free, beside what Odoo has reserved. `on-hand` never makes Odoo promise
   * what is not there.
   */
  readonly counts: 'on-hand' | 'free';
  /** As the source of stock levels takes it off. */
  readonly safety: string;
}

interface Prepared {
  readonly product: number;
  readonly warehouse: Warehouse;
  readonly wanted: number;
}

type Ready = readonly { readonly item: Item<StockLevel>; readonly prepared: Prepared }[];

/** Levels that somebody changed between reading and counting are counted again so often. */
const tries = 4;

/**
 * Stock levels become counted quantities of the warehouse's stock location: an inventory adjustment by the difference, so that the warehouse as a whole has what the
 * level says. Absolute and one call, so a repeat is harmless, and one that lands late is. (Counting and `action_apply_inventory` are two, and 19 takes a second
 * apply for a count of 0: what was on the shelf is gone.) What came of it is read, and counted again where goods moved meanwhile. Mapping table: `warehouses` (location of the hub → warehouse code in Odoo; without a row they are called the same).
 *
 * @see odoo.md §3 Stock set; §1 item 3
 */
export const stockLevelSink = (odoo: Odoo, settings: LevelSettings): Sink<typeof StockLevelDocument> =>
  sinkOf(odoo, {
    name: 'stock-levels',
    accepts: StockLevelDocument,
    idempotency: 'overwrite',
    batch: { max: settings.max, onFailure: 'independent' },
    find: (items, cx) => find(odoo, items, settings, cx),
    deliver: (items, cx) =>
      deliverPrepared(
        items,
        (item) => prepare(odoo, item, cx),
        (ready) => deliver(odoo, ready, settings, cx),
      ),
  });

async function prepare(odoo: Odoo, item: Item<StockLevel>, cx: Context): Promise<Prepared> {
  const { document: level } = item;
  const code = cx.mapping('warehouses').find(level.location) ?? level.location;
  const all = await odoo.warehouses(cx);
  const warehouse = all.find((one) => one.code === code);
  if (!warehouse)
    throw rejected(
      `Odoo has no warehouse '${code}' for location '${level.location}' (it has ${all.map((one) => one.code).join(', ')}): give Mapping table 'warehouses' a row`,
      'warehouse-unknown',
      'location',
    );
  const { quantity: digits } = await odoo.precision(cx);
  const wanted = Number(decimalText(quantityOf(level, digits ?? 6)));
  return { product: Number(linked(item, 'product', level.sku)), warehouse, wanted };
}

function quantityOf({ free, available, sku }: StockLevel, digits: number): Decimal {
  const text = free ?? available;
  let value: Decimal;
  try {
    value = decimal(text);
  } catch (error) {
    throw rejected(`stock level of ${sku}: ${(error as Error).message}`, 'not-a-number', 'available');
  }
  if (compare(value, integer(0)) >= 0 && fits(value, digits)) return value;
  throw rejected(
    `stock level of ${sku}: ${text} is negative, or has more decimals than Odoo keeps (${digits})`,
    'odoo-precision',
    'available',
  );
}

/** A level that the warehouse has is there; any other is written, for it is absolute. What cannot be prepared is `deliver`'s to say. */
async function find(
  odoo: Odoo,
  items: readonly Item<StockLevel>[],
  settings: LevelSettings,
  cx: Context,
): Promise<Found[]> {
  const found = await deliverPrepared(
    items,
    (item) => prepare(odoo, item, cx),
    async (ready) => {
      const quants = await quantsOf(odoo, ready, cx);
      return ready.map((one): Result => {
        const plan = planOf(one, quants, settings);
        return 'result' in plan ? plan.result : { outcome: 'untouched' };
      });
    },
  );
  return found.map((one) => (one.outcome === 'done' ? { found: 'whole', id: one.id } : { found: 'absent' }));
}

const placeOf = ({ prepared: { product, warehouse } }: Ready[number]): string => `${product}@${warehouse.code}`;

/** Of several levels of one place the last counts. */
async function deliver(odoo: Odoo, ready: Ready, settings: LevelSettings, cx: Context): Promise<Result[]> {
  const latest = new Map(ready.map((one) => [placeOf(one), one]));
  const results = await counted(odoo, [...latest.values()], settings, cx);
  return ready.map((one) => results.get(placeOf(one))!);
}

async function counted(odoo: Odoo, places: Ready, settings: LevelSettings, cx: Context): Promise<Map<string, Result>> {
  const failed = (fault: Fault) =>
    new Map(places.map((one): [string, Result] => [placeOf(one), { outcome: 'failed', fault }]));
  try {
    return await count(odoo, places, settings, cx);
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    const fault = await odoo.faultOf(error, 'stock.quant', cx).catch(() => error.fault);
    if (fault.kind !== 'rejected' || places.length === 1) return failed(fault);
  }
  // One of them is not to be counted: Odoo took none, and does not say which.
  const results = new Map<string, Result>();
  for (const one of places)
    for (const [place, result] of await counted(odoo, [one], settings, cx)) results.set(place, result);
  return results;
}

async function count(odoo: Odoo, places: Ready, settings: LevelSettings, cx: Context): Promise<Map<string, Result>> {
  const results = new Map<string, Result>();
  let open = places;
  for (let attempt = 1; open.length > 0; attempt++) {
    const quants = await quantsOf(odoo, open, cx);
    const plans = open.map((one) => ({ one, plan: planOf(one, quants, settings) }));
    for (const { one, plan } of plans) if ('result' in plan) results.set(placeOf(one), plan.result);
    const todo = plans.flatMap(({ one, plan }) => ('vals' in plan ? [{ one, vals: plan.vals }] : []));
    open = todo.map(({ one }) => one);
    if (open.length === 0) break;
    if (attempt > tries) {
      const fault: Fault = { kind: 'transient', message: 'goods were moved in Odoo each time they were counted' };
      for (const one of open) results.set(placeOf(one), { outcome: 'failed', fault });
      break;
    }
    if (attempt > 1) await cx.clock.sleep(attempt * 200, cx.signal);
    const vals = todo.map((one) => one.vals);
    await odoo.call('stock.quant', 'create', { args: [['vals_list', vals]], context: { inventory_mode: true } }, cx);
  }
  return results;
}

async function quantsOf(odoo: Odoo, places: Ready, cx: Context): Promise<Map<number, Row[]>> {
  const { id: company } = await odoo.company(cx);
  const domain = [
    ['product_id', 'in', [...new Set(places.map(({ prepared }) => prepared.product))]],
    ['company_id', '=', company],
  ];
  const fields = ['product_id', 'location_id', 'warehouse_id', 'lot_id', 'quantity', 'reserved_quantity', 'write_date'];
  return Map.groupBy(await odoo.read('stock.quant', domain, fields, cx), (row) => relation(row.product_id).id);
}

const rounded = (value: number): number => Math.round(value * 1e6) / 1e6;
const sum = (rows: readonly Row[], field: string): number =>
  rounded(rows.reduce((all, row) => all + Number(row[field]), 0));

/** What must be counted in the stock location for the warehouse to have what the level says; a result where it has it, or cannot. */
function planOf(
  { item, prepared: { product, warehouse, wanted } }: Ready[number],
  quants: ReadonlyMap<number, readonly Row[]>,
  { counts, safety }: LevelSettings,
): { result: Result } | { vals: object } {
  const own = (quants.get(product) ?? []).filter((row) => relation(row.warehouse_id).id === warehouse.id);
  const reserved = sum(own, 'reserved_quantity');
  const there = sum(own, 'quantity');
  const target = counts === 'free' ? rounded(wanted + reserved) : wanted;
  if (there === target) return { result: { ...held(own, safety), id: `${product}@${warehouse.code}` } };
  const elsewhere = own.filter((row) => relation(row.location_id).id !== warehouse.stockLocation);
  const no = (message: string, cause: string) =>
    ({ result: { outcome: 'failed', fault: { kind: 'rejected', cause, field: 'available', message } } }) as const;
  if (own.some((row) => row.lot_id !== false))
    return no(`${item.document.sku} is kept by lot or serial number in Odoo: count it there`, 'lots');
  const here = rounded(target - sum(elsewhere, 'quantity'));
  if (here < 0)
    return no(
      `${item.document.sku}: ${target} are to be in warehouse ${warehouse.code}, but Odoo has ${sum(elsewhere, 'quantity')} in locations below or beside its stock location: count them there`,
      'stock-elsewhere',
    );
  return { vals: { product_id: product, location_id: warehouse.stockLocation, inventory_quantity_auto_apply: here } };
}

/** What the warehouse has now, as the source of stock levels tells it. */
function held(rows: readonly Row[], safety: string): Omit<Extract<Result, { outcome: 'done' }>, 'id'> {
  const free = rounded(sum(rows, 'quantity') - sum(rows, 'reserved_quantity'));
  const available = String(Math.max(rounded(free - Number(safety)), 0));
  const times = rows.map((row) => timeOf(String(row.write_date).slice(0, 19)));
  return {
    outcome: 'done',
    held: { available, free: String(free) },
    ...(times.length === 0 ? {} : { version: BigInt(Math.trunc(Math.max(...times) / 1000)) }),
  };
}
