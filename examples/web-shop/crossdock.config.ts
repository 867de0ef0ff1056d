/**
 * An estate to copy from when your system has no connector yet: a shop (here two orders in this file, one of them empty) polled into Odoo.
 * docs/writing-a-flow.md and docs/writing-a-connector.md explain the parts.
 */
import {
  type Connection,
  CustomerDocument,
  defineEstate,
  defineFlow,
  defineLookup,
  OrderDocument,
  odoo,
  type PollSource,
  ProductDocument,
  rejected,
  secret,
} from 'crossdock';

interface ShopOrder {
  number: string;
  items: { sku: string; name: string; quantity: number; pence: number }[];
}

const sold: ShopOrder[] = [
  { number: 'W1', items: [{ sku: 'MUG', name: 'MUG', quantity: 2, pence: 1250 }] },
  { number: 'W2', items: [] },
];

/** All orders at once, then nothing new: the cursor says how many were read. */
const orders: PollSource<ShopOrder> = {
  kind: 'poll',
  name: 'orders',
  every: '1s',
  async *pull(cursor) {
    const from = Number(cursor ?? 0);
    const items = sold.slice(from).map((order) => ({
      dedupeKey: `order/${order.number}`,
      subject: `order:${order.number}`,
      occurredAt: new Date('2026-11-25T10:00:00Z'),
      bytes: new TextEncoder().encode(JSON.stringify(order)),
      labels: { order: order.number },
    }));
    if (items.length > 0) yield { items, cursor: String(sold.length) };
  },
  decode: (bytes) => JSON.parse(new TextDecoder().decode(bytes)) as ShopOrder,
};

const shop = {
  connector: 'shop',
  entity: 'main',
  sources: { orders },
  sinks: {},
  async *check() {
    yield { level: 'ok', subject: 'reachable', message: 'the shop is in this file' } as const;
  },
} satisfies Connection;

const books = odoo({
  url: process.env.ODOO_URL ?? 'http://127.0.0.1:8069',
  database: process.env.ODOO_DB ?? 'odoo',
  login: process.env.ODOO_LOGIN ?? 'admin',
  key: secret('ODOO_KEY'),
});

const webOrders = defineFlow({
  id: 'web-orders',
  about: 'A paid web order becomes one confirmed sale order, once.',
  documents: [CustomerDocument, ProductDocument, OrderDocument],
  from: shop.sources.orders,
  to: { customer: books.sinks.customers, product: books.sinks.products, order: books.sinks.saleOrders },
  latency: 'realtime',
  promise: { within: '2m', critical: true },
  onException: { owner: 'sales-ops', within: '1d', hold: 'lane' },
  fallback: 'The shop goes on; orders wait here.',
  translate: (native: ShopOrder) => {
    if (native.items.length === 0) throw rejected(`Order ${native.number} has no lines.`, 'no-lines');
    return {
      outcome: 'routed' as const,
      documents: [
        {
          kind: 'customer' as const,
          body: { id: 'web', number: null, name: 'Web shop', country: 'GB' },
          onlyIfNew: true,
        },
        ...native.items.map(({ sku, name }) => ({
          kind: 'product' as const,
          body: { sku, code: sku, name, kind: 'goods' as const },
          onlyIfNew: true,
        })),
        {
          kind: 'order' as const,
          body: {
            id: native.number,
            number: native.number,
            kind: 'sale' as const,
            refersTo: null,
            placedAt: '2026-11-25T10:00:00Z',
            businessDay: '2026-11-25',
            customer: 'web',
            currency: 'GBP',
            pricesIncludeTax: false,
            lines: native.items.map(({ sku, name, quantity, pence }, index) => ({
              id: String(index + 1),
              sku,
              description: name,
              quantity: String(quantity),
              unitPrice: (pence / 100).toFixed(2),
              taxes: [],
              total: quantity * pence,
            })),
          },
        },
      ],
    };
  },
});

export default defineEstate({
  name: 'shop',
  connections: { shop, odoo: books },
  flows: [webOrders],
  // Simple reads that wait for no flow: GET /api/v1/lookups/stock?keys=central/MUG
  lookups: [
    defineLookup({
      id: 'stock',
      about: 'What may be sold of a product now, by location/SKU.',
      from: books.lookups.stockLevels,
      fresh: '5s',
      stale: '10m',
      within: '2s',
    }),
    defineLookup({
      id: 'prices',
      about: 'What a product costs now, by list/SKU.',
      from: books.lookups.prices,
      fresh: '1m',
      stale: '1d',
      within: '2s',
    }),
  ],
});
