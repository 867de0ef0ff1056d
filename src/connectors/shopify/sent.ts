import { bulkCalls, bulkQueries } from './bulk-documents.ts';
import { customerCalls } from './customer-documents.ts';
import { type Document, documents } from './documents.ts';
import { pickupCalls } from './pickup-documents.ts';
import { priceListCalls } from './price-list-documents.ts';
import { promiseCalls } from './promise-documents.ts';
import { refundCalls } from './refund-documents.ts';
import { returnCalls } from './return-documents.ts';

/** Every text that is sent by itself. */
export const calls: readonly Document[] = [
  ...Object.values(documents),
  ...Object.values(bulkCalls),
  ...Object.values(pickupCalls),
  ...Object.values(priceListCalls),
  ...Object.values(promiseCalls),
  ...Object.values(refundCalls),
  ...Object.values(customerCalls),
  ...Object.values(returnCalls),
];

/** Every text that is sent, those within bulk operations too. */
export const sent: readonly Document[] = [
  ...calls,
  ...Object.values(bulkQueries).map((asks) => asks("updated_at:>='2026-11-01T00:00:00Z'")),
];
