import { type Static, Type } from 'typebox';
import { classified, defineDocument } from '../core/document.ts';

const ReturnSchema = Type.Object({
  id: Type.String(classified('internal')),
  number: Type.String(classified('internal')),
  /** Key of the order document. */
  order: Type.String(classified('internal')),
  orderNumber: Type.String(classified('internal')),
  /** `announced`: the customer sends it; `received`: it is here and was looked at. */
  state: Type.Union(
    [Type.Literal('announced'), Type.Literal('received'), Type.Literal('cancelled')],
    classified('internal'),
  ),
  /** Where it goes or went, or null before that is known. */
  location: Type.Union([Type.String(), Type.Null()], classified('internal')),
  /** RFC 3339, UTC. */
  occurredAt: Type.String(classified('internal')),
  lines: Type.Array(
    Type.Object({
      id: Type.String(classified('internal')),
      /** Id of the order's line. */
      orderLine: Type.String(classified('internal')),
      sku: Type.String(classified('public')),
      /** Plain decimal, positive. */
      quantity: Type.String(classified('internal')),
      /** The customer's reason, a code of the hub. */
      reason: Type.String(classified('internal')),
      /** Whether it may be sold again; null before it was looked at. */
      restock: Type.Union([Type.Boolean(), Type.Null()], classified('internal')),
    }),
    { minItems: 1 },
  ),
});

export type Return = Static<typeof ReturnSchema>;

/** Goods that come back. The money is a document of its own, the refund. */
export const ReturnDocument = defineDocument({
  name: 'return',
  version: '1.0',
  schema: ReturnSchema,
  key: (one) => one.id,
  references: (one) => [
    ['return', one.number],
    ['order', one.orderNumber],
  ],
  needs: (one) => [['order', one.order]],
  measure: (one) => ({ lines: one.lines.length, currency: null, minor: 0n, absolute: 0n }),
  restocks: ({ lines }) => lines.flatMap(({ restock, sku }) => (restock ? [sku] : [])),
});
