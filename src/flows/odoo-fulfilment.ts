import { fulfilmentKeyOf, toDeliveryDocuments } from '../connectors/odoo/mapping/deliveries.ts';
import type { DeliveryRecord } from '../connectors/odoo/sources/pickings.ts';
import type { Sink, Source } from '../core/connector.ts';
import { add, decimal, decimalText } from '../core/decimal.ts';
import type { Flow, Look, MappingSeed } from '../core/flow.ts';
import { type FulfilmentOrder, FulfilmentOrderDocument } from '../model/fulfilment-order.ts';
import { type Order, OrderDocument } from '../model/order.ts';
import type { Shipment } from '../model/shipment.ts';
import { fulfilment } from './fulfilment.ts';

export interface OdooFulfilmentParts {
  /** One flow for each warehouse or store. Default 'fulfilment'. */
  readonly id?: string;
  readonly from: Source<DeliveryRecord>;
  readonly to: { readonly 'fulfilment-order': Sink<typeof FulfilmentOrderDocument> };
  /** Whether it is this warehouse's to ship, or this store's to hand over, such as by its location. `sold` is the order as its channel sold it; null where the hub did not bring it. Default: all that Odoo has to deliver. */
  readonly ships?: (order: FulfilmentOrder, sold: Order | null) => boolean;
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

/** Deliveries of Odoo go to the warehouse that ships them, or the store that hands them over. What it has shipped itself is no change of what it was asked for. */
export const odooFulfilment = ({
  id,
  from,
  to,
  ships = () => true,
}: OdooFulfilmentParts): Flow<DeliveryRecord, typeof FulfilmentOrderDocument> => ({
  ...fulfilment({
    ...(id === undefined ? {} : { id }),
    from,
    to,
    toOrder: async (record: DeliveryRecord, look: Look) => {
      const order = await wholeOrder(record, look);
      return order !== null && ships(order, await look.current(OrderDocument, order.order)) ? order : null;
    },
  }),
  mappings: tables,
});

/** All that was to be shipped, parts that have left included; null where nothing is left to ship and nobody cancelled it. */
async function wholeOrder(record: DeliveryRecord, look: Look): Promise<FulfilmentOrder | null> {
  const documents = await toDeliveryDocuments(record, look);
  const rest = documents.find(({ kind }) => kind === 'fulfilment-order')?.body as FulfilmentOrder | undefined;
  const key = rest?.id ?? (await fulfilmentKeyOf(record, look));
  const known = await look.current(FulfilmentOrderDocument, key);
  if (rest === undefined) return known === null || isClosed(record) ? null : lessOf(known, shippedIn(documents));
  // Who never heard of it need not hear that it is cancelled.
  if (rest.state === 'cancelled' && known === null) return null;
  const shipped = shippedIn(documents);
  const gone = (known?.lines ?? []).filter(({ id }) => rest.lines.every((line) => line.id !== id));
  const ids = (known?.lines ?? []).map(({ id }) => id);
  const place = ({ id }: Line): number => (ids.includes(id) ? ids.indexOf(id) : ids.length);
  return {
    ...rest,
    lines: [...rest.lines, ...gone.map((line) => ({ ...line, quantity: '0' }))]
      .map((line) => ({ ...line, quantity: sumOf(line, shipped) }))
      .filter(({ quantity }) => quantity !== '0')
      .sort((a, b) => place(a) - place(b)),
  };
}

type Line = FulfilmentOrder['lines'][number];

const shippedIn = (documents: Awaited<ReturnType<typeof toDeliveryDocuments>>): Shipment['lines'] =>
  documents.flatMap(({ kind, body }) => (kind === 'shipment' ? (body as Shipment).lines : []));

const sumOf = ({ id, quantity }: Line, shipped: Shipment['lines']): string =>
  decimalText(
    shipped
      .filter((line) => line.id === id)
      .reduce((sum, { quantity: more }) => add(sum, decimal(more)), decimal(quantity)),
  );

/** Whether it was shipped short and the rest is not awaited: nobody ordered less. Odoo cancels what did not leave at all; what left in part goes on asking for all of it. */
const isClosed = ({ pickings }: DeliveryRecord): boolean =>
  pickings.some(({ moves }) =>
    moves.some(({ state, wanted, moved }) => (state === 'cancel' ? wanted > 0 : state === 'done' && moved < wanted)),
  );

/** Nothing is left to ship: where less has left than was asked for, that is all there is to it, or, where nothing has, the customer wants none of it any more. */
function lessOf(known: FulfilmentOrder, shipped: Shipment['lines']): FulfilmentOrder | null {
  const gone = known.lines.map((line) => ({ ...line, quantity: sumOf({ ...line, quantity: '0' }, shipped) }));
  if (gone.every(({ quantity }, n) => Number(quantity) >= Number(known.lines[n]!.quantity))) return null;
  const lines = gone.filter(({ quantity }) => quantity !== '0');
  return lines.length > 0 ? { ...known, lines } : { ...known, state: 'cancelled' };
}
