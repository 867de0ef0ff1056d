import type { TillSale } from '../connectors/toy-till/index.ts';
import { toDocuments } from '../connectors/toy-till/mapping.ts';
import type { Flow } from '../core/flow.ts';
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

export const tillSales = (parts: SalesParts<TillSale>): Flow<TillSale, SalesDocuments> =>
  channelSales(
    {
      id: 'till-sales',
      about: 'Sales of a Toy Till become orders, with the customers and products they need.',
      fallback: 'The till goes on selling; its sales are listed again when it can be reached.',
      documents: [CustomerDocument, ProductDocument, OrderDocument],
      mappings: [
        {
          table: 'toy-till-taxes',
          owner: 'finance',
          about: 'Tax codes of the Toy Till → tax codes of the hub; no row means the sale is held.',
          rows: { standard: 'standard', reduced: 'reduced', zero: 'zero' },
        },
      ],
      toDocuments,
    },
    parts,
  );

export const tillReceipts = (parts: ReceiptParts<TillSale>): Flow<TillSale, typeof OrderDocument> =>
  channelReceipts(
    {
      id: 'till-receipts',
      about: 'The Toy Till is told of each order that was recorded.',
      fallback: 'The till shows the order as not yet recorded.',
      toDocuments,
    },
    parts,
  );
