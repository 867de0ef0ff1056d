import type { Lookup, Said } from '../../../core/lookup.ts';
import { OrderDocument } from '../../../model/order.ts';
import { StockLevelDocument } from '../../../model/stock-level.ts';
import type { Odoo } from '../database.ts';
import { skuOf, toStockLevels } from '../mapping/stock-levels.ts';
import { hubRules, safetyStock, warehouses } from '../mapping/stock-rules.ts';
import { readStock } from '../sources/stock-levels.ts';
import { saidOf, variantsOf } from './known.ts';

/** What a key may mean. */
interface Reading {
  readonly key: string;
  readonly location: string;
  readonly sku: string;
  readonly channel: string | undefined;
}

/** `location/sku` or `location/sku@channel`; a SKU may have an `@` itself. */
function readingsOf(key: string): Reading[] {
  const slash = key.indexOf('/');
  const location = key.slice(0, slash);
  const rest = key.slice(slash + 1);
  const at = rest.lastIndexOf('@');
  const whole = { key, location, sku: rest, channel: undefined };
  return at > 0 ? [whole, { key, location, sku: rest.slice(0, at), channel: rest.slice(at + 1) }] : [whole];
}

/**
 * What may be sold at this moment, by `location/sku`, and `@channel` after it for a channel's own figure: worked out as `stockFeed` does, by the same
 * Mapping tables (`odoo-warehouses`, `safety-stock`), the connection's safety, and what is in flight. A product that keeps nothing in a location has 0 there;
 * one that Odoo does not have, and a location that is none, is not found.
 */
export const stockLookup = (odoo: Odoo, safety: string): Lookup<typeof StockLevelDocument> => ({
  name: 'stockLevels',
  gives: StockLevelDocument,
  keyForm: 'location/SKU',
  batch: 100,
  heeds: [OrderDocument.name],
  mappings: [warehouses, safetyStock],
  look: async (keys, cx, view) => {
    const readings = keys.flatMap(readingsOf);
    const skus = [...new Set(readings.map(({ sku }) => sku))];
    // Before Odoo is asked: what lands in between is then counted twice at the worst, and never not at all.
    const taken = new Map(await Promise.all(skus.map(async (sku) => [sku, await view.inFlight(sku)] as const)));
    const asOf = cx.clock.now().toISOString();
    const look = { ...view, inFlight: async (sku: string) => taken.get(sku) ?? [], current: async () => ({}) as never };
    const places = cx.mapping(warehouses.table);
    const said = new Map<string, Said<typeof StockLevelDocument>>();
    for (const record of await readStock(odoo, await variantsOf(odoo, skus, view, cx), safety, cx)) {
      const own = await skuOf(record, look);
      for (const { key, location, channel } of readings.filter(({ sku }) => sku === own))
        for (const warehouse of record.warehouses.filter((code) => places.find(code) === location)) {
          const level = await saidOf(async () => {
            const [draft] = await toStockLevels({ ...record, warehouses: [warehouse] }, look, hubRules(channel));
            return draft ? { ...draft.body, asOf } : null;
          });
          said.set(key, level);
        }
    }
    return keys.map((key) => said.get(key) ?? null);
  },
});
