import type { Context } from '../../../core/connector.ts';
import type { Lookup, Said } from '../../../core/lookup.ts';
import { PriceDocument, priceKey } from '../../../model/price.ts';
import type { Odoo } from '../database.ts';
import { listOf, pricelists, skuOfVariant, toPrices } from '../mapping/prices.ts';
import { relation } from '../rows.ts';
import { readPrices } from '../sources/prices.ts';
import { saidOf, variantsOf } from './known.ts';

/**
 * What a product costs at this moment, by `list/sku`: as `priceFeed` tells it, by the same Mapping table `odoo-pricelists`. What is on no such list, costs nothing,
 * or is worked out by Odoo alone (a formula, another currency) is not found.
 */
export const priceLookup = (odoo: Odoo): Lookup<typeof PriceDocument> => ({
  name: 'prices',
  gives: PriceDocument,
  keyForm: 'list/SKU',
  batch: 100,
  mappings: [pricelists],
  look: async (keys, cx, view) => {
    const wanted = new Set(keys);
    const skus = [...new Set(keys.map((key) => key.slice(key.indexOf('/') + 1)))];
    const templates = await templatesOf(odoo, await variantsOf(odoo, skus, view, cx), cx);
    const said = new Map<string, Said<typeof PriceDocument>>();
    for (const record of await readPrices(odoo, templates, await odoo.now(cx), cx))
      for (const variant of record.variants) {
        const sku = await skuOfVariant(variant, view);
        if (sku === undefined) continue;
        for (const price of variant.prices) {
          const list = listOf(price, view);
          if (list === null || !wanted.has(priceKey(list, sku))) continue;
          const one = { ...record, variants: [{ ...variant, prices: [price] }] };
          const told = await saidOf(async () => {
            const [draft] = await toPrices(one, view);
            return draft && draft.body.amount > 0 ? draft.body : null;
          });
          if (told !== null) said.set(priceKey(list, sku), told);
        }
      }
    return keys.map((key) => said.get(key) ?? null);
  },
});

/** The products that variants are of. */
async function templatesOf(odoo: Odoo, variants: readonly number[], cx: Context): Promise<number[]> {
  if (variants.length === 0) return [];
  const rows = await odoo.read('product.product', [['id', 'in', variants]], ['product_tmpl_id'], cx);
  return [...new Set(rows.map((row) => relation(row.product_tmpl_id).id))];
}
