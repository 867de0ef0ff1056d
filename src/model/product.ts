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
});

export type Product = Static<typeof ProductSchema>;

/** What is sold, by the code that channels use. */
export const ProductDocument = defineDocument({
  name: 'product',
  version: '1.0',
  schema: ProductSchema,
  key: (product) => product.sku,
  references: (product) => [['sku', product.sku]],
});
