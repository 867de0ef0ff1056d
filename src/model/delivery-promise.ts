import { type Static, Type } from 'typebox';
import { classified, defineDocument } from '../core/document.ts';

const DeliveryPromiseSchema = Type.Object({
  /** Key of the order document. */
  order: Type.String(classified('internal')),
  orderNumber: Type.String(classified('internal')),
  /** RFC 3339, UTC: by when the customer has what is still to come; null where nothing is promised any more. */
  promisedAt: Type.Union([Type.String(), Type.Null()], classified('internal')),
});

export type DeliveryPromise = Static<typeof DeliveryPromiseSchema>;

/** When an order is promised for now, after people have changed what its channel promised at first. */
export const DeliveryPromiseDocument = defineDocument({
  name: 'delivery-promise',
  version: '1.0',
  schema: DeliveryPromiseSchema,
  key: (one) => one.order,
  references: (one) => [['order', one.orderNumber]],
  needs: (one) => [['order', one.order]],
  measure: () => ({ lines: 1, currency: null, minor: 0n, absolute: 0n }),
});
