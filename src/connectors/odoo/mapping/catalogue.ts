import { rejected } from '../../../core/fault.ts';
import type { Draft, Look } from '../../../core/flow.ts';
import { type CatalogueItem, CatalogueItemDocument } from '../../../model/catalogue-item.ts';
import { ProductDocument } from '../../../model/product.ts';
import type { CatalogueRecord, VariantRecord } from '../sources/catalogue.ts';

const GRAMS: Readonly<Record<string, number>> = { kg: 1000, lb: 453.59237 };

/**
 * Message Translator: what channels show of a product. An item that was never for sale is none of the hub's; one that no longer is, is archived.
 * Categories are Odoo's names, the most specific last. Throws `rejected` for a variant without an internal reference, a barcode that is no GTIN or a
 * unit of weight that is not known.
 */
export async function toCatalogueItems(
  record: CatalogueRecord,
  look: Look,
): Promise<Draft<typeof CatalogueItemDocument>[]> {
  const id = (await look.keyOf(CatalogueItemDocument, String(record.id))) ?? `${look.connection}:${String(record.id)}`;
  if (!record.sold && !(await look.current(CatalogueItemDocument, id))) return [];
  const active = record.variants.filter((variant) => variant.active);
  const shown = active.length > 0 ? active : record.variants;
  const variants: CatalogueItem['variants'] = [];
  for (const variant of shown) variants.push(await variantOf(record, variant, look));
  return [
    {
      kind: 'catalogue-item',
      externalId: String(record.id),
      body: {
        id,
        title: record.name,
        description: record.description,
        brand: null,
        categories: record.category === null ? [] : record.category.split(' / '),
        status: record.sold && active.length > 0 ? 'active' : 'archived',
        options: [...record.options],
        variants,
      },
    },
  ];
}

async function variantOf(
  { name, unit }: CatalogueRecord,
  variant: VariantRecord,
  look: Look,
): Promise<CatalogueItem['variants'][number]> {
  const which = [name, ...variant.values].join(' ');
  const sku = (await look.keyOf(ProductDocument, String(variant.id))) ?? variant.code?.toUpperCase();
  if (sku === undefined)
    throw rejected(
      `'${which}' has no internal reference in Odoo: channels know what is sold by it; enter one there`,
      'no-sku',
      'default_code',
    );
  if (variant.barcode !== null && !/^\d{6,14}$/.test(variant.barcode))
    throw rejected(
      `'${which}' (${sku}) has a barcode that is no GTIN: correct it in Odoo, or empty it`,
      'not-a-barcode',
      'barcode',
    );
  return { sku, barcode: variant.barcode, values: [...variant.values], weight: gramsOf(variant.weight, unit, which) };
}

function gramsOf(weight: number, unit: string, which: string): number | null {
  if (weight === 0) return null;
  const grams = Math.round(weight * (GRAMS[unit] ?? Number.NaN));
  if (Number.isSafeInteger(grams) && grams >= 0) return grams;
  throw rejected(`'${which}' weighs ${weight} ${unit}: neither kg nor lb, or no weight`, 'not-a-weight', 'weight');
}
