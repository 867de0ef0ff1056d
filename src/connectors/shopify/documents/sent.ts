import { bulkCalls, bulkQueries } from './bulk.ts';
import { customerCalls } from './customers.ts';
import type { Document } from './document.ts';
import { orderCalls } from './orders.ts';
import { pickupCalls } from './pickups.ts';
import { priceListCalls } from './price-lists.ts';
import { priceCalls } from './prices.ts';
import { productCalls } from './products.ts';
import { promiseCalls } from './promises.ts';
import { refundCalls } from './refunds.ts';
import { returnCalls } from './returns.ts';
import { shipmentCalls } from './shipments.ts';
import { shopCalls } from './shop.ts';
import { stockCalls } from './stock-levels.ts';

/** Every text that is sent by itself. */
export const calls: readonly Document[] = [
  ...Object.values(orderCalls),
  ...Object.values(productCalls),
  ...Object.values(priceCalls),
  ...Object.values(stockCalls),
  ...Object.values(shipmentCalls),
  ...Object.values(shopCalls),
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
