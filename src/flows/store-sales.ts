import type { StoreSale } from '../connectors/rest-store/index.ts';
import { toDocuments } from '../connectors/rest-store/mapping.ts';
import type { Flow, MappingSeed } from '../core/flow.ts';
import { CustomerDocument } from '../model/customer.ts';
import { OrderDocument } from '../model/order.ts';
import { ProductDocument } from '../model/product.ts';
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
