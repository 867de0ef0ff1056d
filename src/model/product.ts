import { type Static, Type } from 'typebox';
import { classified, defineDocument } from '../core/document.ts';

const ProductSchema = Type.Object({
  /** The code in upper case: codes that differ in letter case only are one product. */
  sku: Type.String(classified('public')),
  /** The code as first seen. */
  code: Type.String(classified('public')),
  name: Type.String(classified('public')),
  /** `goods` are stored and counted; `service` is neither; `voucher` is sold as a liability, not as revenue. */
  kind: Type.Union([Type.Literal('goods'), Type.Literal('service'), Type.Literal('voucher')]),
  /** GTIN as digits, or null. */
  barcode: Type.Optional(Type.Union([Type.String(), Type.Null()], classified('public'))),
});

export type Product = Static<typeof ProductSchema>;

/** What is sold, by the code that channels use. */
export const ProductDocument = defineDocument({
  name: 'product',
  version: '1.1',
  schema: ProductSchema,
  key: (product) => product.sku,
  references: ({ sku, barcode }) => [['sku', sku], ...(barcode ? [['barcode', barcode] as const] : [])],
});
