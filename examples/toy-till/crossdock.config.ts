/**
 * A Toy Till → Odoo, and word of each recorded order back to the till. The till pushes to `POST /in/till/sales`, signed with TILL_SECRET
 * (TILL_SECRET_OLD too while it is replaced); TILL_URL and TILL_TOKEN are its own address and token.
 */
import { defineEstate, odoo, secret, tillReceipts, tillSales, toyTill } from 'crossdock';

const zone = 'Europe/Brussels';

const till = toyTill({
  url: process.env.TILL_URL ?? 'http://127.0.0.1:7090',
  allowPrivate: true,
  token: secret('TILL_TOKEN'),
  signedWith: [secret('TILL_SECRET'), secret('TILL_SECRET_OLD')],
  signWith: [secret('TILL_SECRET')],
});

const books = odoo({
  url: process.env.ODOO_URL ?? 'http://127.0.0.1:8069',
  database: process.env.ODOO_DB ?? 'odoo',
  login: process.env.ODOO_LOGIN ?? 'admin',
  key: secret('ODOO_KEY'),
});

export default defineEstate({
  name: 'toy-till',
  connections: { till, odoo: books },
  flows: [
    tillSales({
      from: till.sources.sales,
      to: { customer: books.sinks.customers, product: books.sinks.products, order: books.sinks.saleOrders },
      zone,
    }),
    tillReceipts({ from: till.sources.sales, to: { order: till.sinks.orderStatus }, zone }),
  ],
});
