/** The estate of the chaos scenarios: the day-sales flow with times and batch sizes that a scenario sets. */
import { csv } from '../../src/connectors/csv/index.ts';
import { odoo } from '../../src/connectors/odoo/index.ts';
import type { Duration } from '../../src/core/clock.ts';
import { defineEstate, secret } from '../../src/core/estate.ts';
import { uci } from '../../src/flows/day-sales/columns.ts';
import { daySales } from '../../src/flows/day-sales.ts';

const { CROSSDOCK_INBOX, ODOO_URL, ODOO_DB, ODOO_LOGIN, ODOO_COMPANY, CHAOS_TIMEOUT, CHAOS_SETTLE, CHAOS_ORDERS } =
  process.env;
if (!CROSSDOCK_INBOX || !ODOO_URL || !ODOO_DB || !ODOO_LOGIN) throw new Error('this estate is started by tests/chaos');

const till = csv({ ...uci, name: 'days', entity: 'shop', folder: CROSSDOCK_INBOX });
const books = odoo({
  entity: 'shop',
  url: ODOO_URL,
  database: ODOO_DB,
  login: ODOO_LOGIN,
  key: secret('ODOO_KEY'),
  ...(ODOO_COMPANY ? { company: ODOO_COMPANY } : {}),
  timeout: (CHAOS_TIMEOUT ?? '150s') as Duration,
  settle: (CHAOS_SETTLE ?? '120s') as Duration,
  batch: { orders: Number(CHAOS_ORDERS ?? 5) },
});

export default defineEstate({
  name: 'chaos',
  connections: { till, odoo: books },
  flows: [
    daySales({
      from: till.sources.days,
      to: {
        customer: books.sinks.customers,
        product: books.sinks.products,
        order: books.sinks.saleOrders,
        'stock-adjustment': books.sinks.stockAdjustments,
      },
      options: { zone: uci.zone },
    }),
  ],
});
