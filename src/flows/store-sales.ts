import type { StoreSale } from '../connectors/rest-store/index.ts';
import { toDocuments } from '../connectors/rest-store/mapping.ts';
import type { Sink } from '../core/connector.ts';
import { type Draft, defineFlow, type Flow, type MappingSeed } from '../core/flow.ts';
import { knownZone } from '../core/moment.ts';
import { CustomerDocument } from '../model/customer.ts';
import { type Order, OrderDocument } from '../model/order.ts';
import { ProductDocument } from '../model/product.ts';
import { type Shipment, ShipmentDocument } from '../model/shipment.ts';
import { broughtBy } from './brought.ts';
import {
  channelReceipts,
  channelSales,
  type ReceiptParts,
  type SalesDocuments,
  type SalesParts,
} from './channel-sales.ts';

const mappings: readonly MappingSeed[] = [
  {
    table: 'store-taxes',
    owner: 'finance',
    about: 'Tax codes of stores → tax codes of the hub; no row means the sale is held.',
    rows: { standard: 'standard', reduced: 'reduced', zero: 'zero' },
  },
  {
    table: 'store-locations',
    owner: 'stores',
    about: "Stores' own codes of places → location codes of the hub; no row means the sale is held.",
    rows: {},
  },
];

interface HandoverParts extends Pick<SalesParts<StoreSale>, 'from' | 'zone'> {
  readonly to: { readonly shipment: Sink<typeof ShipmentDocument> };
}

/** Sales of a store that speaks the store contract. `id` tells several stores of one estate apart. */
export const storeSales = (parts: SalesParts<StoreSale>, id = 'store-sales'): Flow<StoreSale, SalesDocuments> =>
  channelSales(
    {
      id,
      about: 'Sales of a store become orders, with the customers and products they need.',
      fallback: 'The store goes on selling; its sales are listed again when it can be reached.',
      documents: [CustomerDocument, ProductDocument, OrderDocument],
      mappings,
      toDocuments,
    },
    parts,
  );

/** Of a sale, the goods that were handed over: they have left. What comes back is put away by people; what is to be collected or shipped later is still here. */
function handoverOf(sale: StoreSale, order: Order): Draft<typeof ShipmentDocument>[] {
  if (sale.delivery) return [];
  const handed = new Set(
    sale.lines
      .filter(({ kind = 'goods', quantity }) => kind === 'goods' && !quantity.startsWith('-'))
      .map(({ id }) => id),
  );
  const lines = order.lines.filter(({ id }) => handed.has(id));
  if (lines.length === 0) return [];
  const body: Shipment = {
    id: `${order.id}/handover`,
    number: order.number,
    fulfilmentOrder: order.id,
    order: order.id,
    orderNumber: order.number,
    location: lines[0]!.location!,
    milestone: 'shipped',
    occurredAt: order.placedAt,
    carrier: null,
    tracking: [],
    closes: true,
    lines: lines.map(({ id, sku, quantity }) => ({ id, orderLine: id, sku, quantity })),
  };
  return [{ kind: 'shipment', body }];
}

/** Goods that were sold over the counter have left: the transfer of their order is validated in the books. `id` as above. */
export const storeHandovers = (
  { from, to, zone }: HandoverParts,
  id = 'store-handovers',
): Flow<StoreSale, typeof ShipmentDocument> => {
  knownZone(zone, `flow '${id}'`);
  return defineFlow({
    id,
    about: 'What a store handed over has left the shelf in the books too.',
    documents: [ShipmentDocument],
    from,
    to,
    latency: 'realtime',
    promise: { within: '5m', critical: false },
    onException: { owner: 'stores', within: '1d', hold: 'lane' },
    fallback: 'The goods stay reserved in the books, and are not promised to anybody.',
    translate: async (sale, look) => {
      const orders = toDocuments(sale, look, zone).filter(
        (draft): draft is Draft<typeof OrderDocument> => draft.kind === 'order',
      );
      const brought = await broughtBy(orders, [OrderDocument], look);
      return { outcome: 'routed', documents: orders.flatMap(({ body }) => handoverOf(sale, body)), brought };
    },
  });
};

export const storeReceipts = (
  parts: ReceiptParts<StoreSale>,
  id = 'store-receipts',
): Flow<StoreSale, typeof OrderDocument> =>
  channelReceipts(
    {
      id,
      about: 'The store is told of each order that was recorded.',
      fallback: 'The store shows the order as not yet recorded.',
      toDocuments,
    },
    parts,
  );
