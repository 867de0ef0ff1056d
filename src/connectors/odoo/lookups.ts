import type { Context } from '../../core/connector.ts';
import type { Look } from '../../core/flow.ts';
import type { Lookup } from '../../core/lookup.ts';
import { type StockLevel, StockLevelDocument } from '../../model/stock-level.ts';
import type { Odoo } from './database.ts';
import { toStockLevels } from './mapping/stock-levels.ts';
import { readStock } from './sources/stock-levels.ts';

/**
 * Stock as Odoo has it at this moment, by `location/sku`: the same figures as the feed's, from the same Mapping table `odoo-warehouses`. A product that
 * keeps nothing in a location has 0 there; one that Odoo does not know by its internal reference is not found.
 */
export const stockLookup = (odoo: Odoo, safety: string): Lookup<typeof StockLevelDocument> => ({
  name: 'stockLevels',
  gives: StockLevelDocument,
  batch: 100,
  look: async (keys, cx) => {
    const skus = [...new Set(keys.map((key) => key.slice(key.indexOf('/') + 1)))];
    const asOf = cx.clock.now().toISOString();
    const levels = new Map<string, StockLevel>();
    for (const record of await readStock(odoo, await productsOf(odoo, skus, cx), safety, cx))
      for (const { body } of await toStockLevels(record, lookOf(cx))) levels.set(body.id, { ...body, asOf });
    return keys.map((key) => levels.get(key) ?? null);
  },
});

/** Ids of the products with these codes, in any case of letters. */
async function productsOf(odoo: Odoo, skus: readonly string[], cx: Context): Promise<number[]> {
  const alike = skus.map((sku) => ['default_code', '=ilike', sku.replaceAll(/[%_\\]/g, String.raw`\$&`)]);
  const rows = await odoo.read('product.product', [...alike.slice(1).map(() => '|'), ...alike], ['default_code'], cx);
  return rows.map(({ id }) => id as number);
}

/** No ledger: a product is known by its code, and a warehouse without a level has nothing. */
const lookOf = (cx: Context): Look => ({
  connection: cx.connection,
  entity: cx.entity,
  memory: null,
  receivedAt: cx.clock.now(),
  decision: null,
  mapping: (table) => cx.mapping(table),
  keyOf: async () => null,
  current: async () => ({}) as never,
  inFlight: async () => [],
  find: async () => [],
});
