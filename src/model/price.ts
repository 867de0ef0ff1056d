import { type Static, Type } from 'typebox';
import { classified, defineDocument } from '../core/document.ts';

const PriceSchema = Type.Object({
  /** `list/sku`. */
  id: Type.String(classified('public')),
  /** Key of the product document. */
  sku: Type.String(classified('public')),
  /** Price list of the hub, such as `web-eur`; channels map it to their own. */
  list: Type.String(classified('public')),
  currency: Type.String(classified('public')),
  /** Minor units. */
  amount: Type.Integer(classified('public', { minimum: 0 })),
  /** Minor units: the price before a reduction, or null. */
  compareAt: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()], classified('public')),
  includesTax: Type.Boolean(classified('public')),
  /** The product has no price on the list any more, and the amounts are the last ones. For sinks that say `withdraws`. */
  withdrawn: Type.Optional(Type.Literal(true, classified('public'))),
});

export type Price = Static<typeof PriceSchema>;

export const priceKey = (list: string, sku: string): string => `${list}/${sku}`;

/** What one product costs on one price list, now. */
export const PriceDocument = defineDocument({
  name: 'price',
  version: '1.1',
  schema: PriceSchema,
  key: (price) => price.id,
  references: (price) => [['sku', price.sku]],
  needs: (price) => [['product', price.sku]],
});
