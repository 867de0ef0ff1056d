import { toDeliveryDocuments } from '../connectors/odoo/mapping/deliveries.ts';
import type { DeliveryRecord } from '../connectors/odoo/sources/pickings.ts';
import type { Sink, Source } from '../core/connector.ts';
import { add, decimal, decimalText } from '../core/decimal.ts';
import type { Flow, Look, MappingSeed } from '../core/flow.ts';
import { type FulfilmentOrder, FulfilmentOrderDocument } from '../model/fulfilment-order.ts';
import type { Shipment } from '../model/shipment.ts';
import { fulfilment } from './fulfilment.ts';

export interface OdooFulfilmentParts {
  readonly from: Source<DeliveryRecord>;
  readonly to: { readonly 'fulfilment-order': Sink<typeof FulfilmentOrderDocument> };
  /** Whether this warehouse ships it. Default: all that Odoo has to deliver. */
  readonly ships?: (order: FulfilmentOrder) => boolean;
}

const tables: readonly MappingSeed[] = [
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
];

/** Deliveries of Odoo go to the warehouse that ships them. What it has shipped itself is no change of what it was asked for. */
export const odooFulfilment = ({
  from,
  to,
  ships = () => true,
}: OdooFulfilmentParts): Flow<DeliveryRecord, typeof FulfilmentOrderDocument> => ({
  ...fulfilment({
    from,
    to,
    toOrder: async (record: DeliveryRecord, look: Look) => {
      const order = await wholeOrder(record, look);
      return order !== null && ships(order) ? order : null;
    },
  }),
  mappings: tables,
});

/** All that was to be shipped, parts that have left included; null where nothing is left to ship and nobody cancelled it. */
async function wholeOrder(record: DeliveryRecord, look: Look): Promise<FulfilmentOrder | null> {
  const documents = await toDeliveryDocuments(record, look);
  const rest = documents.find(({ kind }) => kind === 'fulfilment-order')?.body as FulfilmentOrder | undefined;
  if (rest === undefined) return null;
  // Who never heard of it need not hear that it is cancelled.
  if (rest.state === 'cancelled' && !(await look.current(FulfilmentOrderDocument, rest.id))) return null;
  const shipped = documents.flatMap(({ kind, body }) => (kind === 'shipment' ? (body as Shipment).lines : []));
  return {
    ...rest,
    lines: rest.lines.map((line) => ({
      ...line,
      quantity: decimalText(
        shipped
          .filter(({ id }) => id === line.id)
          .reduce((sum, { quantity }) => add(sum, decimal(quantity)), decimal(line.quantity)),
      ),
    })),
  };
}
