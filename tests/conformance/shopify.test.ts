import { createHmac } from 'node:crypto';
import { conform, type Signer, type SinkUnderTest, type WebhookSourceUnderTest } from '../../src/conformance/index.ts';
import { shopify } from '../../src/connectors/shopify/index.ts';
import type { Item } from '../../src/core/connector.ts';
import { startShopify } from '../../src/simulators/shopify/index.ts';
import { fulfil, placeOrder } from '../../src/simulators/shopify/orders.ts';
import { person, place } from '../../src/simulators/shopify/traffic.ts';
import { hollow, invalidToken, item, operationOf, secrets, start, started } from './shopify-lab.ts';

async function stockLevels(): Promise<SinkUnderTest> {
  const { shop, connection, variants } = await start();
  const [location] = [...shop.locations.keys()];
  const wanted = (n: number): number => 100_000 + n;
  const levelOf = (key: string, sku: string, n: number, variant: string) =>
    item(key, { id: key, sku, location: 'WH', available: `${wanted(n)}.5`, asOf: '2026-11-25T10:00:00Z' }, [
      [`product:${sku}`, variant],
    ]);
  return {
    sink: connection.sinks.stockLevels,
    secrets,
    mappings: { 'shopify-locations': { WH: location! } },
    item: (n) => levelOf(`WH/${variants[n]!.sku}`, variants[n]!.sku!, n, variants[n]!.id),
    bad: (n) => levelOf(`WH/NONE-${n}`, 'NONE', n, 'gid://shopify/ProductVariant/7'),
    badIsFoundBy: 'sink',
    badField: 'sku',
    held: async ({ document }) => {
      const { sku, available } = document as { sku: string; available: string };
      const variant = variants.find((one) => one.sku === sku);
      return variant && shop.level(variant.inventoryItemId, location!)!.available === Math.floor(Number(available))
        ? 1
        : 0;
    },
    writes: (request) => operationOf(request) === 'SetStock',
    hollow: hollow({ inventorySetQuantities: { inventoryAdjustmentGroup: null, userErrors: [] } }),
    refuses: invalidToken,
  };
}

async function catalogue(): Promise<SinkUnderTest> {
  const { shop, connection } = await start();
  const document = (n: number, title: string) => ({
    id: `item ${n}`,
    title,
    description: '<p>Good</p>',
    brand: null,
    categories: [],
    status: 'active',
    options: ['Size'],
    variants: ['S', 'M'].map((size) => ({ sku: `NEW-${n}-${size}`, barcode: null, values: [size], weight: 100 })),
  });
  return {
    sink: connection.sinks.catalogue,
    secrets,
    item: (n) => item(`item ${n}`, document(n, `Thing ${n}`), []),
    bad: (n) => item(`item ${n}`, document(n, 'x'.repeat(300)), []),
    badIsFoundBy: 'target',
    badField: 'title',
    held: async ({ document: wanted }) => {
      const { title, variants } = wanted as ReturnType<typeof document>;
      return [...shop.products.values()].filter(
        (one) =>
          one.title === title && one.variants.map(({ sku }) => sku).join() === variants.map(({ sku }) => sku).join(),
      ).length;
    },
    writes: (request) => operationOf(request) === 'SetProduct',
    hollow: hollow({ productSet: { product: null, userErrors: [] } }),
    refuses: invalidToken,
  };
}

const shipments = () => shipmentsAt('shipped');
const picked = () => shipmentsAt('picked');

async function shipmentsAt(milestone: 'picked' | 'shipped'): Promise<SinkUnderTest> {
  const isPicked = milestone === 'picked';
  const { shop, connection, variants } = await start();
  const [location] = [...shop.locations.keys()];
  const orders = new Map<string, ReturnType<typeof placeOrder>>();
  const shipmentOf = (n: number, quantity: string) => {
    const order = placeOrder(shop, {
      lines: [{ variantId: variants[n]!.id, quantity: 3 }],
      customer: person(shop, n),
      shippingAddress: place(shop, 'A'),
    });
    orders.set(`out-${n}`, order);
    const document = {
      id: `out-${n}`,
      number: `OUT/${n}`,
      fulfilmentOrder: `f-${n}`,
      order: `web:${n}`,
      orderNumber: order.name,
      location: 'WH',
      milestone,
      occurredAt: '2026-11-25T10:00:00Z',
      carrier: 'bpost',
      tracking: n % 2 ? [{ number: `T${n}`, url: null }] : [],
      closes: false,
      lines: [{ id: '1', orderLine: order.lines[0]!.id.split('/').at(-1)!, sku: variants[n]!.sku!, quantity }],
    };
    return item(`out-${n}`, document, [[`order:web:${n}`, order.id]]);
  };
  return {
    sink: connection.sinks.shipments,
    secrets,
    mappings: { 'shopify-locations': { WH: location! }, 'shopify-carriers': {} },
    // Two of three: a repeat would find one left, and more than one parcel would show.
    item: (n) => shipmentOf(n, '1'),
    bad: (n) => shipmentOf(n, '1.5'),
    badIsFoundBy: 'sink',
    badField: 'quantity',
    held: async ({ key }) => {
      const { fulfillments, fulfillmentOrders } = orders.get(key)!;
      return isPicked ? (fulfillmentOrders[0]!.reports ?? []).length : fulfillments.length;
    },
    writes: (request) => operationOf(request) === (isPicked ? 'ReportProgress' : 'Fulfil'),
    hollow: hollow({
      [isPicked ? 'fulfillmentOrderReportProgress' : 'fulfillmentCreate']: { fulfillment: null, userErrors: [] },
    }),
    refuses: invalidToken,
  };
}

async function refunds(): Promise<SinkUnderTest> {
  const { shop, connection, variants } = await start();
  const orders = new Map<string, ReturnType<typeof placeOrder>>();
  const refundOf = (n: number, quantity: string) => {
    const order = placeOrder(shop, { lines: [{ variantId: variants[n]!.id, quantity: 3 }], customer: person(shop, n) });
    orders.set(`back-${n}`, order);
    const line = { id: '1', orderLine: order.lines[0]!.id.split('/').at(-1)!, description: 'Goods', tax: 0, taxes: [] };
    const document = {
      id: `back-${n}`,
      number: `RF/${n}`,
      order: `web:${n}`,
      orderNumber: order.name,
      return: null,
      refundedOn: '2026-11-25',
      method: n % 2 ? null : 'card',
      currency: 'EUR',
      amount: 100 + n,
      lines: [{ ...line, quantity, amount: 100 + n }],
    };
    return item(`back-${n}`, document, [[`order:web:${n}`, order.id]]);
  };
  return {
    sink: connection.sinks.refunds,
    secrets,
    mappings: { 'shopify-payment-methods': { shopify_payments: 'card' } },
    // One of three, for less than it cost: a repeat would find enough left of both.
    item: (n) => refundOf(n, '1'),
    bad: (n) => refundOf(n, '1.5'),
    badIsFoundBy: 'sink',
    badField: 'quantity',
    held: async ({ key }) => orders.get(key)!.refunds.length,
    writes: (request) => operationOf(request) === 'MakeRefund',
    hollow: hollow({ refundCreate: { refund: null, userErrors: [] } }),
    refuses: invalidToken,
  };
}

async function returns(): Promise<SinkUnderTest> {
  const { shop, connection, variants } = await start();
  const [location] = shop.locations.keys();
  const orders = new Map<string, ReturnType<typeof placeOrder>>();
  const returnOf = (n: number, quantity: string) => {
    const order = placeOrder(shop, { lines: [{ variantId: variants[n]!.id, quantity: 3 }], customer: person(shop, n) });
    fulfil(shop, order, []);
    orders.set(`came-${n}`, order);
    const line = {
      id: '1',
      orderLine: order.lines[0]!.id.split('/').at(-1)!,
      sku: 'A',
      reason: 'unknown',
      restock: true,
    };
    const document = {
      id: `came-${n}`,
      number: `WH/IN/${n}`,
      order: `web:${n}`,
      orderNumber: order.name,
      state: 'received',
      location: 'here',
      occurredAt: '2026-11-25T10:00:00Z',
      lines: [{ ...line, quantity }],
    };
    return item(`came-${n}`, document, [[`order:web:${n}`, order.id]]);
  };
  return {
    sink: connection.sinks.returns,
    secrets,
    mappings: { 'shopify-locations': { here: location! }, 'shopify-return-reasons': {} },
    // One of three: a repeat would find enough left.
    item: (n) => returnOf(n, '1'),
    bad: (n) => returnOf(n, '1.5'),
    badIsFoundBy: 'sink',
    badField: 'lines',
    held: async ({ key }) => orders.get(key)!.returns.filter(({ status }) => status === 'CLOSED').length,
    writes: (request) => ['OpenReturn', 'ProcessReturn', 'CloseReturn'].includes(operationOf(request)),
    hollow: hollow({
      returnCreate: { return: null, userErrors: [] },
      returnProcess: { return: null, userErrors: [] },
      returnClose: { return: null, userErrors: [] },
    }),
    refuses: invalidToken,
  };
}

async function cancellations(): Promise<SinkUnderTest> {
  const { shop, connection, variants } = await start();
  const orders = new Map<string, ReturnType<typeof placeOrder>>();
  const cancellationOf = (n: number) => {
    const order = placeOrder(shop, { lines: [{ variantId: variants[n]!.id, quantity: 1 }], customer: person(shop, n) });
    orders.set(`cancel-${n}`, order);
    const at = { order: `web:${n}`, orderNumber: order.name, reason: 'customer', occurredAt: '2026-11-25T10:00:00Z' };
    return item(`cancel-${n}`, { id: `cancel-${n}`, ...at }, [[`order:web:${n}`, order.id]]);
  };
  return {
    sink: connection.sinks.cancellations,
    secrets,
    item: cancellationOf,
    bad: (n) => {
      const one = cancellationOf(n);
      fulfil(shop, orders.get(one.key)!, []);
      return one;
    },
    badIsFoundBy: 'sink',
    badField: 'order',
    held: async ({ key }) => {
      // A job may still be on its way.
      await new Promise((resolve) => setTimeout(resolve, 60));
      return orders.get(key)!.refunds.length;
    },
    writes: (request) => operationOf(request) === 'CancelOrder',
    hollow: hollow({ orderCancel: { job: null, orderCancelUserErrors: [] } }),
    refuses: invalidToken,
  };
}

async function promises(): Promise<SinkUnderTest> {
  const { shop, connection, variants } = await start();
  const orders = new Map<string, ReturnType<typeof placeOrder>>();
  const promiseOf = (n: number, promisedAt = '2026-12-01T12:00:00Z') => {
    const order = placeOrder(shop, { lines: [{ variantId: variants[n]!.id, quantity: 1 }], customer: person(shop, n) });
    orders.set(`web:${n}`, order);
    const body = { order: `web:${n}`, orderNumber: order.name, promisedAt };
    return item(`web:${n}`, body, [[`order:web:${n}`, order.id]]);
  };
  return {
    sink: connection.sinks.promises,
    secrets,
    item: (n) => promiseOf(n),
    bad: (n) => promiseOf(n, 'next week'),
    badIsFoundBy: 'target',
    badField: 'promisedAt',
    held: async ({ key }) => {
      const [field] = orders.get(key)!.metafields ?? [];
      return field?.value === '2026-12-01T12:00:00+00:00' ? 1 : 0;
    },
    writes: (request) => operationOf(request) === 'SetPromise',
    hollow: hollow({ metafieldsSet: { metafields: null, userErrors: [] } }),
    refuses: invalidToken,
  };
}

async function customers(): Promise<SinkUnderTest> {
  const { shop, connection } = await start();
  const known = new Map<string, string>();
  const customerOf = (n: number, phone: string, id = shop.addCustomer(person(shop, n)).id): Item<unknown> => {
    known.set(`web:${n}`, id);
    return {
      ...item(`web:${n}`, { id: `web:${n}`, number: String(n), name: `A ${n}`, country: null, email: null, phone }, []),
      id,
      fields: ['phone'],
    };
  };
  return {
    sink: connection.sinks.customers,
    secrets,
    item: (n) => customerOf(n, `+32 470 ${100_000 + n}`),
    bad: (n) => customerOf(n, 'not a number'),
    badIsFoundBy: 'target',
    badField: 'phone',
    held: async ({ key, document }) => {
      const { phone } = document as { phone: string };
      return shop.customers.get(known.get(key)!)!.phone === phone.replaceAll(' ', '') ? 1 : 0;
    },
    writes: (request) => operationOf(request) === 'SetCustomer',
    hollow: hollow({ customerUpdate: { customer: null, userErrors: [] } }),
    refuses: invalidToken,
  };
}

async function customersPolled() {
  let now = Date.parse('2026-11-20T10:00:00Z');
  const { shop, connection } = await start({ now: () => new Date(now) });
  return {
    source: connection.sources.customers,
    secrets,
    pageSize: 100,
    refuses: invalidToken,
    make: async (count: number) =>
      Array.from({ length: count }, (_, n) => {
        now += 60_000;
        return `customer:${shop.addCustomer(person(shop, n)).id}`;
      }),
  };
}

/** A shop whose time goes on by a minute with each order. */
async function orders() {
  let now = Date.parse('2026-11-20T10:00:00Z');
  const { shop, connection, variants } = await start({ now: () => new Date(now) });
  return {
    source: connection.sources.orders,
    secrets,
    pageSize: 3,
    refuses: invalidToken,
    make: async (count: number) =>
      Array.from({ length: count }, (_, n) => {
        now += 60_000;
        return `order:${placeOrder(shop, { lines: [{ variantId: variants[n]!.id, quantity: 1 }], customer: person(shop, n) }).id}`;
      }),
  };
}

async function products() {
  let now = Date.parse('2026-11-20T10:00:00Z');
  const simulator = await startShopify({ token: secrets.TOKEN, bucket: [1e6, 1e6], now: () => new Date(now) });
  started.push(simulator);
  const { shop, url } = simulator;
  const connection = shopify({
    shop: shop.domain,
    url,
    token: { secret: 'TOKEN' },
    clientSecrets: [{ secret: 'NEW' }],
  });
  return {
    source: connection.sources.products,
    secrets,
    pageSize: 15,
    refuses: invalidToken,
    make: async (count: number) =>
      Array.from({ length: count }, () => {
        now += 60_000;
        return `product:${shop.addProduct(`Thing ${now}`, [{ sku: `T-${now}` }]).id}`;
      }),
  };
}

/** Notices of records of one kind: Shopify signs the body only, and names the shop beside it. */
async function notices(kind: 'order' | 'product' | 'customer', record: string): Promise<WebhookSourceUnderTest> {
  const { shop, connection } = await start();
  const keys: Record<Signer, string> = { current: secrets.NEW, previous: secrets.OLD, stranger: 'shpss_stranger' };
  const told = (body: object): Buffer => Buffer.from(JSON.stringify(body));
  return {
    source: connection.sources[`${kind}Notices`],
    feeds: connection.sources[`${kind}s`],
    secrets,
    signedHeaders: ['x-shopify-hmac-sha256'],
    rotates: true,
    sign: (body, signer) => ({
      headers: {
        'x-shopify-hmac-sha256': createHmac('sha256', keys[signer]).update(body).digest('base64'),
        'x-shopify-shop-domain': shop.domain,
      },
      query: '',
      body,
      receivedAt: new Date(),
    }),
    hints: [told({ id: 7, admin_graphql_api_id: `gid://shopify/${record}/7`, name: 'süß' })],
    // Only what was subscribed to is sent.
    pings: [],
    malformed: [told({ id: 7 }), told({ admin_graphql_api_id: 7 }), told({ admin_graphql_api_id: `${record}/7` })],
  };
}

conform({
  sinks: {
    'shopify stock levels': stockLevels,
    'shopify catalogue': catalogue,
    'shopify shipments': shipments,
    'shopify shipments that are picked': picked,
    'shopify refunds': refunds,
    'shopify returns': returns,
    'shopify cancellations': cancellations,
    'shopify promises': promises,
    'shopify customers': customers,
  },
  polls: { 'shopify orders': orders, 'shopify products': products, 'shopify customers': customersPolled },
  webhooks: {
    'shopify order notices': () => notices('order', 'Order'),
    'shopify product notices': () => notices('product', 'Product'),
    'shopify customer notices': () => notices('customer', 'Customer'),
  },
});
