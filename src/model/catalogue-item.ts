import { type Static, Type } from 'typebox';
import { classified, defineDocument } from '../core/document.ts';

const VariantSchema = Type.Object({
  /** Key of the product document. */
  sku: Type.String(classified('public', { minLength: 1 })),
  /** GTIN as digits, or null. */
  barcode: Type.Union([Type.String(), Type.Null()], classified('public')),
  /** One value per option of the item, in the same order: `["Red", "M"]`. */
  values: Type.Array(Type.String(), classified('public')),
  /** Grams, whole; null where the source has none. */
  weight: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()], classified('public')),
});

const CatalogueItemSchema = Type.Object({
  id: Type.String(classified('public')),
  title: Type.String(classified('public', { minLength: 1 })),
  /** HTML or plain text, as the source has it. */
  description: Type.String(classified('public')),
  brand: Type.Union([Type.String(), Type.Null()], classified('public')),
  /** Codes of the hub's categories, the most specific last. */
  categories: Type.Array(Type.String(), classified('public')),
  status: Type.Union([Type.Literal('active'), Type.Literal('draft'), Type.Literal('archived')], classified('public')),
  /** What its variants differ in, such as `["Colour", "Size"]`; empty for an item with one variant. */
  options: Type.Array(Type.String(), classified('public')),
  variants: Type.Array(VariantSchema, { minItems: 1 }),
});

export type CatalogueItem = Static<typeof CatalogueItemSchema>;

/** What channels show: a product with its variants. Each variant is what is sold, priced and counted, by its `sku`. */
export const CatalogueItemDocument = defineDocument({
  name: 'catalogue-item',
  version: '1.0',
  schema: CatalogueItemSchema,
  key: (item) => item.id,
  references: (item) =>
    item.variants.flatMap(({ sku, barcode }): (readonly [string, string])[] =>
      barcode === null
        ? [['sku', sku]]
        : [
            ['sku', sku],
            ['barcode', barcode],
          ],
    ),
});
