import type { Context, PollSource } from '../../../core/connector.ts';
import type { Odoo } from '../database.ts';
import { type Row, relation } from '../rows.ts';
import { later } from './cursor.ts';
import { type Capture, feed, type Native } from './feed.ts';

/** What one product has in each warehouse of the company, at one moment. */
export interface StockRecord extends Native {
  /** Internal reference; null where the product has none. */
  readonly code: string | null;
  /** Codes of all warehouses of the company. */
  readonly warehouses: readonly string[];
  /** By warehouse: on hand and reserved, in the product's own unit. Absent: it keeps nothing there. */
  readonly levels: Readonly<Record<string, { readonly onHand: number; readonly reserved: number }>>;
  /** Plain decimal: pieces that are never promised, in each warehouse. */
  readonly safety: string;
}

export interface StockSettings {
  readonly every: PollSource<StockRecord>['every'];
  readonly safety: string;
}

/**
 * Stock by warehouse. Quants tell of quantities and of reservations; what was moved done is watched as well, for Odoo deletes quants that are empty.
 * The free quantity is what Odoo itself calls so: on hand − reserved, over all locations of the warehouse. Kits have no stock of their own.
 */
export const stockLevels = (capture: Capture, { every, safety }: StockSettings): PollSource<StockRecord> => {
  const { odoo } = capture;
  return feed<StockRecord>(capture, {
    name: 'stockLevels',
    every,
    noun: 'stock',
    watched: async (cx) => {
      const domain = [['company_id', '=', (await odoo.company(cx)).id]];
      return [
        { model: 'stock.quant', domain, root: 'product_id' },
        { model: 'stock.move.line', domain: [...domain, ['state', '=', 'done']], root: 'product_id' },
      ];
    },
    all: async (cx) => ({ model: 'product.product', domain: (await odoo.dialect(cx)).stored }),
    read: (ids, _now, cx) => readStock(odoo, ids, safety, cx),
    labels: ({ code }) => (code === null ? {} : { sku: code }),
    decode: (bytes) => JSON.parse(Buffer.from(bytes).toString()) as StockRecord,
  });
};

/** What products have in each warehouse now; those that are not stored are left out. */
export async function readStock(
  odoo: Odoo,
  ids: readonly number[],
  safety: string,
  cx: Context,
): Promise<StockRecord[]> {
  if (ids.length === 0) return [];
  const { stored } = await odoo.dialect(cx);
  const { id: company } = await odoo.company(cx);
  // Movements first: one that ends between the calls is then missing here and not in the quants, and comes with the next poll.
  const moved = await odoo.newest(
    'stock.move.line',
    [
      ['product_id', 'in', ids],
      ['state', '=', 'done'],
      ['company_id', '=', company],
    ],
    'product_id',
    cx,
  );
  const quants = await odoo.read(
    'stock.quant',
    [
      ['product_id', 'in', ids],
      ['company_id', '=', company],
    ],
    ['product_id', 'warehouse_id', 'quantity', 'reserved_quantity', 'write_date'],
    cx,
  );
  const places = [...new Set(quants.map((row) => relation(row.warehouse_id).id))];
  const codes = await odoo.warehouseCodes(cx, places);
  const own = Map.groupBy(quants, (row) => relation(row.product_id).id);
  const domain = [...stored, ['id', 'in', ids], ['active', 'in', [true, false]]];
  const products = await odoo.read('product.product', domain, ['default_code', 'create_date'], cx);
  return products.map((product): StockRecord => {
    const id = product.id as number;
    const rows = own.get(id) ?? [];
    const times = rows.map((row) => String(row.write_date).slice(0, 19));
    return {
      id,
      version: [String(product.create_date).slice(0, 19), moved.get(id) ?? '', ...times].reduce(later),
      code: typeof product.default_code === 'string' ? product.default_code : null,
      warehouses: [...codes.values()],
      levels: levelsOf(rows, codes),
      safety,
    };
  });
}

/** Sums by warehouse; a quant outside of all warehouses (in transit, at a customer) is nowhere. */
function levelsOf(rows: readonly Row[], codes: ReadonlyMap<number, string>): StockRecord['levels'] {
  const levels: Record<string, StockRecord['levels'][string]> = {};
  for (const row of rows) {
    const code = codes.get(relation(row.warehouse_id).id);
    if (code === undefined) continue;
    const { onHand, reserved } = levels[code] ?? { onHand: 0, reserved: 0 };
    levels[code] = {
      onHand: sixDecimals(onHand + Number(row.quantity)),
      reserved: sixDecimals(reserved + Number(row.reserved_quantity)),
    };
  }
  return levels;
}

/** Floats that are sums of decimals: what lies behind the sixth digit is theirs, not the stock's. */
const sixDecimals = (value: number): number => Math.round(value * 1e6) / 1e6;
