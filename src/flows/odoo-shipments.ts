import { toDeliveryDocuments } from '../connectors/odoo/mapping/deliveries.ts';
import type { DeliveryRecord } from '../connectors/odoo/sources/pickings.ts';
import type { Sink, Source } from '../core/connector.ts';
import { type Draft, defineFlow, type Flow } from '../core/flow.ts';
import { type Shipment, ShipmentDocument } from '../model/shipment.ts';

export interface OdooShipmentsParts {
  /** One flow for each shop. Default 'odoo-shipments'. */
  readonly id?: string;
  readonly from: Source<DeliveryRecord>;
  readonly to: { readonly shipment: Sink<typeof ShipmentDocument> };
  /** Whether an order is the shop's, by its key (`web:…`), and the shipment one that the shop hears of from here, such as by its location. */
  readonly sold: (order: string, shipment: Shipment) => boolean;
}

/** Deliveries that are done in Odoo are told to the shop that sold the goods, and by it to the customer, each once. */
export const odooShipments = ({
  id = 'odoo-shipments',
  from,
  to,
  sold,
}: OdooShipmentsParts): Flow<DeliveryRecord, typeof ShipmentDocument> =>
  defineFlow({
    id,
    about: 'What Odoo has shipped of a shop’s orders is told to the shop.',
    documents: [ShipmentDocument],
    from,
    to,
    latency: 'realtime',
    promise: { within: '5m', critical: true },
    onException: { owner: 'logistics', within: '4h', hold: 'lane' },
    fallback: 'The customer sees the order as not yet shipped.',
    mappings: [
      {
        table: 'odoo-warehouses',
        owner: 'logistics',
        about: 'Codes of warehouses in Odoo → location codes of the hub; no row means the delivery is held.',
        rows: {},
      },
      {
        table: 'odoo-carriers',
        owner: 'logistics',
        about: 'Delivery methods of Odoo → carriers of the hub.',
        rows: {},
      },
    ],
    translate: async (record, look) => {
      const drafts = await toDeliveryDocuments(record, look);
      const isShipment = (draft: (typeof drafts)[number]): draft is Draft<typeof ShipmentDocument> =>
        draft.kind === 'shipment';
      return { outcome: 'routed', documents: drafts.filter(isShipment).filter(({ body }) => sold(body.order, body)) };
    },
  });
