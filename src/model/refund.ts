import { type Static, Type } from 'typebox';
import { classified, defineDocument } from '../core/document.ts';

const RefundSchema = Type.Object({
  id: Type.String(classified('internal')),
  number: Type.String(classified('internal')),
  /** Key of the order document. */
  order: Type.String(classified('internal')),
  orderNumber: Type.String(classified('internal')),
  /** Key of the return document it belongs to; null where nothing comes back. */
  return: Type.Union([Type.String(), Type.Null()], classified('internal')),
  /**
   * Number of the credit note where the books decided on the refund: they have it, and wait for the payment alone. Absent where the books are to be told of it.
   */
  creditNote: Type.Optional(Type.String(classified('internal'))),
  /** YYYY-MM-DD in the entity's time zone. */
  refundedOn: Type.String(classified('internal')),
  /** Payment method of the hub; null while nothing was paid back yet. */
  method: Type.Union([Type.String(), Type.Null()], classified('internal')),
  currency: Type.String(classified('public')),
  /** Keys of the refunds before this one that name the same lines, where units of these are no longer ordered: each is credited by what those before it have left. */
  after: Type.Optional(Type.Array(Type.String(), classified('internal'))),
  /** Minor units, 1 and up: what the customer gets, tax included. The lines add up to it. */
  amount: Type.Integer(classified('internal', { minimum: 1 })),
  lines: Type.Array(
    Type.Object({
      id: Type.String(classified('internal')),
      /** Id of the order's line (goods, shipping or discount); null for money that belongs to none. */
      orderLine: Type.Union([Type.String(), Type.Null()], classified('internal')),
      description: Type.String(classified('public')),
      /** Plain decimal; `0` where money goes back without goods. */
      quantity: Type.String(classified('internal')),
      /**
       * For units that were never shipped and are no longer ordered: how many of the line are left after this refund, a plain decimal: ordered, less those taken off until then
       * and those that the refunds before it paid back. Whoever credits them can tell from it how many had been invoiced at all. Absent for goods that were shipped, and for money.
       */
      left: Type.Optional(Type.String(classified('internal'))),
      /** Its goods are not back, and a return of their own tells of it if they come: until then they stay on the order where that can be. */
      mayReturn: Type.Optional(Type.Boolean(classified('internal'))),
      /** Location where its goods came back and are for sale again, where no return of their own tells that. */
      restockAt: Type.Optional(Type.String(classified('internal'))),
      /** Of what is for sale again. */
      sku: Type.Optional(Type.String(classified('public'))),
      /** Minor units, tax included; negative where something is kept back. */
      amount: Type.Integer(classified('internal')),
      /** Minor units: the tax within `amount`. */
      tax: Type.Integer(classified('internal')),
      /** Tax codes of the hub. */
      taxes: Type.Array(Type.String()),
    }),
    { minItems: 1 },
  ),
});

export type Refund = Static<typeof RefundSchema>;

/** Money that goes back to a customer. */
export const RefundDocument = defineDocument({
  name: 'refund',
  version: '1.4',
  schema: RefundSchema,
  key: (refund) => refund.id,
  references: (refund) => [
    ['refund', refund.number],
    ['order', refund.orderNumber],
  ],
  needs: (refund) => [['order', refund.order]],
  follows: ({ after = [] }) => after.map((key) => ['refund', key]),
  measure: (refund) => ({
    lines: refund.lines.length,
    currency: refund.currency,
    minor: -BigInt(refund.amount),
    absolute: BigInt(refund.amount),
  }),
  restocks: ({ lines }) => lines.flatMap(({ restockAt, sku }) => (restockAt !== undefined && sku ? [sku] : [])),
});
