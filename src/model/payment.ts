import { type Static, Type } from 'typebox';
import { classified, defineDocument } from '../core/document.ts';

const PaymentSchema = Type.Object({
  /** The payment's own reference at whoever took the money, such as `ch_3PqJ2x`: a target that cannot be given a key is searched by it. */
  id: Type.String(classified('internal', { minLength: 1, maxLength: 120 })),
  /** Key of the order document it pays. */
  order: Type.String(classified('internal')),
  /** Payment method of the hub, such as `card`; Mapping table `payment-methods` says where it is booked. */
  method: Type.String(classified('internal')),
  /** YYYY-MM-DD in the entity's time zone. */
  paidOn: Type.String(classified('internal')),
  currency: Type.String(classified('public')),
  /** Minor units, what came in: 1 and up. Money that goes back is another document. */
  amount: Type.Integer(classified('internal', { minimum: 1 })),
  /** Minor units: what was paid on the order for units that are no longer ordered, where there are any, and cents by which payments that were rounded apart exceed it. So much more than the order is worth now is no mistake. */
  beyond: Type.Optional(Type.Integer(classified('internal', { minimum: 1 }))),
});

export type Payment = Static<typeof PaymentSchema>;

/** Money that a customer paid for an order. */
export const PaymentDocument = defineDocument({
  name: 'payment',
  version: '1.1',
  schema: PaymentSchema,
  key: (payment) => payment.id,
  references: (payment) => [
    ['payment', payment.id],
    ['order', payment.order],
  ],
  needs: (payment) => [['order', payment.order]],
  measure: (payment) => ({
    lines: 1,
    currency: payment.currency,
    minor: BigInt(payment.amount),
    absolute: BigInt(payment.amount),
  }),
});
