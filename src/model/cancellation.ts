import { type Static, Type } from 'typebox';
import { classified, defineDocument } from '../core/document.ts';

const CancellationSchema = Type.Object({
  id: Type.String(classified('internal')),
  /** Key of the order document. */
  order: Type.String(classified('internal')),
  orderNumber: Type.String(classified('internal')),
  /** `customer`: asked for it; `stock`: the goods are not there; `fraud`, `payment`: what it says; `other`. */
  reason: Type.Union(
    [
      Type.Literal('customer'),
      Type.Literal('stock'),
      Type.Literal('fraud'),
      Type.Literal('payment'),
      Type.Literal('other'),
    ],
    classified('internal'),
  ),
  /** True: what was paid goes back by refunds of their own, told elsewhere. Absent: with the cancellation. */
  refundsFollow: Type.Optional(Type.Boolean()),
  /** RFC 3339, UTC. */
  occurredAt: Type.String(classified('internal')),
});

export type Cancellation = Static<typeof CancellationSchema>;

/** An order that will not be carried out, told to where it was placed. What was paid goes back there, unless refunds of their own follow, and comes from there as a refund. */
export const CancellationDocument = defineDocument({
  name: 'cancellation',
  version: '1.1',
  schema: CancellationSchema,
  key: (one) => one.id,
  references: (one) => [['order', one.orderNumber]],
  needs: (one) => [['order', one.order]],
  measure: () => ({ lines: 1, currency: null, minor: 0n, absolute: 0n }),
});
