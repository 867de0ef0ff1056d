import { type Static, Type } from 'typebox';
import { classified, defineDocument } from '../core/document.ts';
import { AddressSchema } from './address.ts';

const FulfilmentOrderSchema = Type.Object({
  id: Type.String(classified('internal')),
  /** The number people know it by, such as Odoo's `WH/OUT/00012`. */
  number: Type.String(classified('internal')),
  /** Key of the order document. */
  order: Type.String(classified('internal')),
  /** The order's own number, for labels and packing slips. */
  orderNumber: Type.String(classified('internal')),
  /** Location code of the hub that ships, or where the customer collects. */
  location: Type.String(classified('internal')),
  method: Type.Union([Type.Literal('ship'), Type.Literal('collect')], classified('internal')),
  /** `cancelled`: whoever has not begun must not begin. */
  state: Type.Union([Type.Literal('open'), Type.Literal('cancelled')], classified('internal')),
  /** Code of the hub's shipping services, or null for the shipper's choice. */
  service: Type.Union([Type.String(), Type.Null()], classified('internal')),
  /** RFC 3339, UTC: what the customer was promised, or null. */
  promisedAt: Type.Union([Type.String(), Type.Null()], classified('internal')),
  shipTo: AddressSchema,
  lines: Type.Array(
    Type.Object({
      /** Stable for the life of the fulfilment order. */
      id: Type.String(classified('internal')),
      /** Id of the order's line, or null where the source does not say. */
      orderLine: Type.Union([Type.String(), Type.Null()], classified('internal')),
      sku: Type.String(classified('public')),
      description: Type.String(classified('public')),
      /** Plain decimal, positive: what is still to ship. */
      quantity: Type.String(classified('internal')),
    }),
    { minItems: 1 },
  ),
});

export type FulfilmentOrder = Static<typeof FulfilmentOrderSchema>;

/** Under which key it is awaited that a fulfilment order is prepared, by its number. */
export const readyKey = (number: string): string => `ready:${number}`;

/** Under which key it is awaited that all of it has left, or was handed over. */
export const shippedKey = (number: string): string => `shipped:${number}`;

/** What one location must ship, or keep ready, of an order. */
export const FulfilmentOrderDocument = defineDocument({
  name: 'fulfilment-order',
  version: '1.0',
  schema: FulfilmentOrderSchema,
  key: (order) => order.id,
  references: (order) => [
    ['fulfilment-order', order.number],
    ['order', order.orderNumber],
  ],
  measure: (order) => ({ lines: order.lines.length, currency: null, minor: 0n, absolute: 0n }),
});
