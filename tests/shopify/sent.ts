import { bulkCalls, bulkQueries } from '../../src/connectors/shopify/bulk-documents.ts';
import { customerCalls } from '../../src/connectors/shopify/customer-documents.ts';
import { type Document, documents } from '../../src/connectors/shopify/documents.ts';
import { pickupCalls } from '../../src/connectors/shopify/pickup-documents.ts';
import { priceListCalls } from '../../src/connectors/shopify/price-list-documents.ts';
import { refundCalls } from '../../src/connectors/shopify/refund-documents.ts';
import { returnCalls } from '../../src/connectors/shopify/return-documents.ts';

/** Every text that is sent by itself. */
export const calls: readonly Document[] = [
  ...Object.values(documents),
  ...Object.values(bulkCalls),
  ...Object.values(pickupCalls),
  ...Object.values(priceListCalls),
  ...Object.values(refundCalls),
  ...Object.values(customerCalls),
  ...Object.values(returnCalls),
];

/** Every text that is sent, those within bulk operations too. */
export const sent: readonly Document[] = [
  ...calls,
  ...Object.values(bulkQueries).map((asks) => asks("updated_at:>='2026-11-01T00:00:00Z'")),
];
