/**
 * A till's day files → Odoo. `crossdock start --config examples/day-sales/crossdock.config.ts --inbox FOLDER` reads the folder; the Odoo is
 * ODOO_URL, ODOO_DB, ODOO_LOGIN and ODOO_KEY (and ODOO_COMPANY where the user has several), or a simulator that the command starts when ODOO_URL is not set.
 */
import { csv, daySales, defineEstate, odoo, secret, uci } from 'crossdock';

const till = csv({
  ...uci,
  name: 'days',
  entity: 'main',
  folder: process.env.CROSSDOCK_INBOX ?? './inbox',
  keep: process.env.CROSSDOCK_KEEP === '1',
});

const books = odoo({
  url: process.env.ODOO_URL ?? 'http://127.0.0.1:8069',
  database: process.env.ODOO_DB ?? 'odoo',
  login: process.env.ODOO_LOGIN ?? 'admin',
  key: secret('ODOO_KEY'),
  ...(process.env.ODOO_COMPANY ? { company: process.env.ODOO_COMPANY } : {}),
});

export default defineEstate({
  name: 'day-sales',
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
