import { type Static, Type } from 'typebox';
import { classified, defineDocument } from '../core/document.ts';

const ShipmentSchema = Type.Object({
  id: Type.String(classified('internal')),
  /** The shipper's own number. */
  number: Type.String(classified('internal')),
  /** Key of the fulfilment order. */
  fulfilmentOrder: Type.String(classified('internal')),
  /** Key of the order document. */
  order: Type.String(classified('internal')),
  orderNumber: Type.String(classified('internal')),
  location: Type.String(classified('internal')),
  /** Each includes those before it. `ready`: prepared, waiting in the store for the customer; `collected`: handed over there, with no parcel on its way. */
  milestone: Type.Union(
    [
      Type.Literal('picked'),
      Type.Literal('packed'),
      Type.Literal('ready'),
      Type.Literal('shipped'),
      Type.Literal('collected'),
      Type.Literal('delivered'),
    ],
    classified('internal'),
  ),
  /** RFC 3339, UTC: when the milestone was reached. */
  occurredAt: Type.String(classified('internal')),
  /** Code of the hub's carriers, or null. */
  carrier: Type.Union([Type.String(), Type.Null()], classified('internal')),
  tracking: Type.Array(
    Type.Object({
      number: Type.String(classified('internal')),
      url: Type.Union([Type.String(), Type.Null()], classified('internal')),
    }),
  ),
  /** True: what the fulfilment order still wants will not come from here. */
  closes: Type.Boolean(classified('internal')),
  lines: Type.Array(
    Type.Object({
      /** Id of the fulfilment order's line. */
      id: Type.String(classified('internal')),
      orderLine: Type.Union([Type.String(), Type.Null()], classified('internal')),
      sku: Type.String(classified('public')),
      /** Plain decimal, positive: what is in this shipment. */
      quantity: Type.String(classified('internal')),
    }),
    { minItems: 1 },
  ),
});

export type Shipment = Static<typeof ShipmentSchema>;

const ranks: Readonly<Record<Shipment['milestone'], number>> = {
  picked: 0,
  packed: 1,
  ready: 2,
  shipped: 3,
  collected: 4,
  delivered: 5,
};

/** Whether one milestone comes before another. */
export const isBefore = (one: Shipment['milestone'], other: Shipment['milestone']): boolean =>
  ranks[one] < ranks[other];

/** Whether the goods have left. */
export const hasLeft = ({ milestone }: Pick<Shipment, 'milestone'>): boolean => !isBefore(milestone, 'shipped');

/** Goods on their way to a customer or handed over to one, all or a part of a fulfilment order. */
export const ShipmentDocument = defineDocument({
  name: 'shipment',
  version: '1.0',
  schema: ShipmentSchema,
  key: (shipment) => shipment.id,
  references: (shipment) => [
    ['shipment', shipment.number],
    ['order', shipment.orderNumber],
    ...shipment.tracking.map(({ number }) => ['tracking', number] as const),
  ],
  needs: (shipment) => [['order', shipment.order]],
  measure: (shipment) => ({ lines: shipment.lines.length, currency: null, minor: 0n, absolute: 0n }),
});
