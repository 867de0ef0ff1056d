import { after } from 'node:test';
import {
  conform,
  type SeenRequest,
  type Signer,
  type SinkUnderTest,
  type WebhookSourceUnderTest,
} from '../../src/conformance/index.ts';
import { type MedusaConfig, medusa } from '../../src/connectors/medusa/index.ts';
import type { Item } from '../../src/core/connector.ts';
import { signedHeaders } from '../../src/core/standard-webhooks.ts';
import { type MedusaOptions, type MedusaSimulator, startMedusa } from '../../src/simulators/medusa/index.ts';

const started: MedusaSimulator[] = [];
after(async () => {
  for (const one of started) await one.stop();
});

const whsec = (byte: number): string => `whsec_${Buffer.alloc(32, byte).toString('base64')}`;
const secrets = { KEY: 'sk_0123456789', NEW: whsec(1), OLD: whsec(2) };

/** A shop with 400 variants, and the connector to it. */
async function start(options: MedusaOptions = {}, config: Partial<MedusaConfig> = {}) {
  const simulator = await startMedusa({ key: secrets.KEY, ...options });
  started.push(simulator);
  for (let n = 0; n < 400; n++)
    simulator.shop.addProduct(`Thing ${n}`, [{ title: 'S', sku: `THING-${n}`, price: 1 + n }]);
  const connection = medusa({
    url: simulator.url,
    key: { secret: 'KEY' },
    signedWith: [{ secret: 'NEW' }, { secret: 'OLD' }],
    settle: '1s',
    ...config,
  });
  return { shop: simulator.shop, connection, variants: [...simulator.shop.variants.values()] };
}

const item = <T>(key: string, document: T, links: [string, string][]): Item<unknown> => ({
  key,
  id: null,
  version: 1,
  document,
  links: new Map(links),
});

const writes = ({ method }: SeenRequest): boolean => method !== 'GET';
const unauthorized = () => new Response(JSON.stringify({ message: 'Unauthorized' }), { status: 401 });
const empty = () => new Response(JSON.stringify({}));

async function stockLevels(): Promise<SinkUnderTest> {
  const { shop, connection, variants } = await start();
  const levelOf = (key: string, sku: string, n: number, variant: string) =>
    item(key, { id: key, sku, location: 'WH', available: `${1000 + n}.5`, asOf: '2026-11-25T10:00:00Z' }, [
      [`product:${sku}`, variant],
    ]);
  return {
    sink: connection.sinks.stockLevels,
    secrets,
    mappings: { 'medusa-locations': { WH: shop.location } },
    item: (n) => levelOf(`WH/${variants[n]!.sku}`, variants[n]!.sku!, n, variants[n]!.id),
    bad: (n) => levelOf(`WH/NONE-${n}`, 'NONE', n, 'variant_01NONE'),
    badIsFoundBy: 'sink',
    badField: 'sku',
    held: async ({ document }) => {
      const { sku, available } = document as { sku: string; available: string };
      const variant = variants.find((one) => one.sku === sku);
      const level = variant && shop.level(variant.inventoryItem!, shop.location);
      return level?.stocked === Math.floor(Number(available)) ? 1 : 0;
    },
    writes,
    hollow: empty,
    refuses: unauthorized,
  };
}

async function prices(): Promise<SinkUnderTest> {
  const { shop, connection, variants } = await start();
  const priceOf = (sku: string, n: number, variant: string) => {
    const price = { id: `web/${sku}`, sku, list: 'web', currency: 'EUR', amount: 700_000 + n };
    return item(`web/${sku}`, { ...price, compareAt: null, includesTax: false }, [[`product:${sku}`, variant]]);
  };
  return {
    sink: connection.sinks.prices,
    secrets,
    item: (n) => priceOf(variants[n]!.sku!, n, variants[n]!.id),
    bad: (n) => priceOf(`NONE-${n}`, n, 'variant_01NONE'),
    badIsFoundBy: 'sink',
    badField: 'sku',
    held: async ({ document }) => {
      const { amount } = document as { amount: number };
      const all = [...shop.variants.values()].flatMap((variant) => variant.prices);
      return all.filter((price) => price.amount === amount / 100).length;
    },
    writes,
    hollow: empty,
    refuses: unauthorized,
  };
}

async function catalogue(): Promise<SinkUnderTest> {
  const { shop, connection } = await start();
  const document = (n: number, sizes: readonly string[]) => ({
    id: `item ${n}`,
    title: `Item ${n}`,
    description: '<p>Good</p>',
    brand: null,
    categories: [],
    status: 'active',
    options: ['Size'],
    variants: sizes.map((size, at) => ({ sku: `NEW-${n}-${at}`, barcode: null, values: [size], weight: 100 })),
  });
  return {
    sink: connection.sinks.catalogue,
    secrets,
    mappings: { 'medusa-locations': { [shop.location]: 'WH' } },
    item: (n) => item(`item ${n}`, document(n, ['S', 'M']), []),
    bad: (n) => item(`item ${n}`, document(n, ['S', 'S']), []),
    badIsFoundBy: 'sink',
    badField: 'variants',
    // Whole, with what both of its variants are counted by; a second one would show.
    held: async ({ document: wanted }) => {
      const { title, variants } = wanted as ReturnType<typeof document>;
      const stocked = ({ inventoryItem }: { inventoryItem: string | null }) =>
        shop.levels.has(`${inventoryItem} ${shop.location}`);
      return [...shop.products.values()].filter(
        (one) =>
          one.title === title &&
          one.status === 'published' &&
          one.variants.every(stocked) &&
          one.variants.map(({ sku }) => sku).join() === variants.map(({ sku }) => sku).join(),
      ).length;
    },
    writes,
    hollow: empty,
    refuses: unauthorized,
  };
}

async function promises(): Promise<SinkUnderTest> {
  const { shop, connection, variants } = await start();
  const promiseOf = (key: string, n: number, order: string) => {
    const promise = { order: key, orderNumber: `S${n}`, promisedAt: new Date(1_800_000_000_000 + n).toISOString() };
    return item(key, promise, [[`order:${key}`, order]]);
  };
  return {
    sink: connection.sinks.promises,
    secrets,
    item: (n) => {
      const order = shop.place({ lines: [[variants[n]!.id, 1]], metadata: { note: `of ${n}` } });
      return promiseOf(`web:${order.id}`, n, order.id);
    },
    bad: (n) => promiseOf(`web:none-${n}`, n, 'order_01NONE'),
    badIsFoundBy: 'sink',
    badField: 'order',
    // Beside what stands there.
    held: async ({ document }) => {
      const { order, promisedAt } = document as { order: string; promisedAt: string };
      const metadata = shop.orders.get(order.slice('web:'.length))?.metadata;
      return metadata?.crossdock_promised_at === promisedAt && /^of/.test(String(metadata.note)) ? 1 : 0;
    },
    writes,
    hollow: empty,
    refuses: unauthorized,
  };
}

async function shipments(): Promise<SinkUnderTest> {
  const { shop, connection, variants } = await start();
  const orders = new Map<string, ReturnType<typeof shop.place>>();
  const shipmentOf = (n: number, quantity: string) => {
    const order = shop.place({ lines: [[variants[n]!.id, 3]] });
    orders.set(`out-${n}`, order);
    const document = {
      id: `out-${n}`,
      number: `OUT/${n}`,
      fulfilmentOrder: `f-${n}`,
      order: `web:${n}`,
      orderNumber: String(order.displayId),
      location: 'WH',
      milestone: 'shipped',
      occurredAt: '2026-11-25T10:00:00Z',
      carrier: null,
      tracking: n % 2 ? [{ number: `T${n}`, url: null }] : [],
      closes: false,
      lines: [{ id: '1', orderLine: order.items[0]!.id, sku: variants[n]!.sku!, quantity }],
    };
    return item(`out-${n}`, document, [[`order:web:${n}`, order.id]]);
  };
  return {
    sink: connection.sinks.shipments,
    secrets,
    mappings: { 'medusa-locations': { WH: shop.location } },
    // One of three: a repeat would find two left, and more than one parcel would show.
    item: (n) => shipmentOf(n, '1'),
    bad: (n) => shipmentOf(n, '1.5'),
    badIsFoundBy: 'sink',
    badField: 'quantity',
    held: async ({ key }) => orders.get(key)!.fulfilments.filter(({ shippedAt }) => shippedAt !== null).length,
    writes,
    hollow: empty,
    refuses: unauthorized,
  };
}

async function returns(): Promise<SinkUnderTest> {
  const { shop, connection, variants } = await start();
  const orders = new Map<string, ReturnType<typeof shop.place>>();
  const returnOf = (n: number, quantity: string) => {
    const order = shop.place({ lines: [[variants[n]!.id, 3]] });
    shop.fulfil(order.id, [{ id: order.items[0]!.id, quantity: 3 }], shop.location, undefined);
    shop.ship(order.id, order.fulfilments[0]!.id, []);
    orders.set(`back-${n}`, order);
    const line = { id: '1', orderLine: order.items[0]!.id, sku: variants[n]!.sku!, quantity };
    const document = {
      id: `back-${n}`,
      number: `BACK${n}`,
      order: `web:${n}`,
      orderNumber: String(order.displayId),
      state: 'received',
      location: 'WH',
      occurredAt: '2026-11-25T10:00:00Z',
      lines: [{ ...line, reason: 'unknown', restock: true }],
    };
    return item(`back-${n}`, document, [[`order:web:${n}`, order.id]]);
  };
  return {
    sink: connection.sinks.returns,
    secrets,
    mappings: { 'medusa-locations': { WH: shop.location } },
    item: (n) => returnOf(n, '1'),
    bad: (n) => returnOf(n, '1.5'),
    badIsFoundBy: 'sink',
    badField: 'quantity',
    held: async ({ key }) => orders.get(key)!.items[0]!.received,
    writes,
    hollow: empty,
    refuses: unauthorized,
  };
}

/** A shop whose time goes on by a minute with each record. */
async function clocked() {
  let now = Date.parse('2026-11-20T10:00:00Z');
  const simulator = await startMedusa({ key: secrets.KEY, now: () => new Date(now) });
  started.push(simulator);
  const connection = medusa({ url: simulator.url, key: { secret: 'KEY' } });
  return {
    shop: simulator.shop,
    connection,
    tick: () => {
      now += 60_000;
    },
  };
}

async function orders() {
  const { shop, connection, tick } = await clocked();
  const [variant] = shop.addProduct('Thing', [{ title: 'S', sku: 'THING', price: 1 }]).variants;
  return {
    source: connection.sources.orders,
    secrets,
    pageSize: 25,
    refuses: unauthorized,
    make: async (count: number) =>
      Array.from({ length: count }, () => {
        tick();
        return `order:${shop.place({ lines: [[variant!.id, 1]] }).id}`;
      }),
  };
}

async function products() {
  const { shop, connection, tick } = await clocked();
  return {
    source: connection.sources.products,
    secrets,
    pageSize: 50,
    refuses: unauthorized,
    make: async (count: number) =>
      Array.from({ length: count }, () => {
        tick();
        return `product:${shop.addProduct('Thing', [{ title: 'S', sku: `T-${shop.now()}`, price: 1 }]).id}`;
      }),
  };
}

/** Notices of the subscriber in Medusa: an event's name and an id. */
async function notices(kind: 'order' | 'product', id: string): Promise<WebhookSourceUnderTest> {
  const { connection } = await start();
  const keys: Record<Signer, string> = { current: secrets.NEW, previous: secrets.OLD, stranger: whsec(9) };
  let sent = 0;
  const told = (body: object): Buffer => Buffer.from(JSON.stringify(body));
  return {
    source: connection.sources[`${kind}Notices`],
    feeds: connection.sources[`${kind}s`],
    secrets,
    signedHeaders: ['webhook-id', 'webhook-timestamp', 'webhook-signature'],
    tolerance: '5m',
    rotates: true,
    sign: (body, signer, at) => ({
      headers: signedHeaders({ id: `msg_${++sent}`, timestamp: Math.floor(at.getTime() / 1000), body }, [keys[signer]]),
      query: '',
      body,
      receivedAt: new Date(),
    }),
    hints: [
      told({ type: `${kind}.updated`, data: { id } }),
      told({ type: 'order.return_received', data: { order_id: id } }),
    ],
    // Only what was subscribed to is sent.
    pings: [],
    malformed: [
      told({ type: `${kind}.updated` }),
      told({ type: `${kind}.updated`, data: { id: 7 } }),
      told({ data: { id } }),
      told({ type: `${kind}.updated`, data: { id: 'Größe' } }),
    ],
  };
}

conform({
  sinks: {
    'medusa stock levels': stockLevels,
    'medusa prices': prices,
    'medusa catalogue': catalogue,
    'medusa promises': promises,
    'medusa shipments': shipments,
    'medusa returns': returns,
  },
  polls: { 'medusa orders': orders, 'medusa products': products },
  webhooks: {
    'medusa order notices': () => notices('order', 'order_01J'),
    'medusa product notices': () => notices('product', 'prod_01J'),
  },
});
