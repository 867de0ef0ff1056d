import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { medusa } from '../../src/connectors/medusa/index.ts';
import { shopify } from '../../src/connectors/shopify/index.ts';
import type { Connection, Incoming, PollSource, Sink } from '../../src/core/connector.ts';
import { type AnyFlow, defineEstate } from '../../src/core/estate.ts';
import { Hub } from '../../src/engine/hub.ts';
import { documentPlace } from '../../src/engine/look.ts';
import { importMapping } from '../../src/engine/mappings.ts';
import { rehearseReplay } from '../../src/engine/replay.ts';
import { webCustomers } from '../../src/flows/customers.ts';
import { medusaOrders, webOrders } from '../../src/flows/web-orders.ts';
import { type Customer, CustomerDocument } from '../../src/model/customer.ts';
import { OrderDocument } from '../../src/model/order.ts';
import { ProductDocument } from '../../src/model/product.ts';
import { startMedusa } from '../../src/simulators/medusa/index.ts';
import { startShopify } from '../../src/simulators/shopify/index.ts';
import { placeOrder } from '../../src/simulators/shopify/orders.ts';
import { person } from '../../src/simulators/shopify/traffic.ts';
import { makeContext } from '../odoo/context.ts';
import { connectionOf, drained, noteHub, testLedger } from '../support/hub.ts';
import { Target } from '../support/target.ts';

/** A hub that hears what a test gives it of what its shop was read to say, in the order of the test. */
async function openHub(
  t: TestContext,
  shop: Connection,
  secret: string,
  flowsOf: (from: Connection['sources'], to: Sinks) => AnyFlow[],
) {
  const ledger = await testLedger(t);
  const rows = {
    'shopify-payment-methods': { '*': 'card' },
    'medusa-payment-methods': { '*': 'card' },
    'medusa-taxes': { '*': 'zero' },
  };
  for (const [name, table] of Object.entries(rows))
    await importMapping(ledger.db, { entity: 'main', name, rows: table, owner: 'x' }, { by: 'test', reason: 'begins' });
  const { orders, customers } = shop.sources as Record<string, PollSource<unknown>>;
  const still = (source: PollSource<unknown>): PollSource<unknown> => ({ ...source, async *pull() {} });
  const sources = { orders: still(orders!), ...(customers ? { customers: still(customers) } : {}) };
  const to: Sinks = { customer: sink(CustomerDocument), product: sink(ProductDocument), order: sink(OrderDocument) };
  const hub = new Hub({
    ...noteHub(ledger, new Target().sink()).parts,
    estate: defineEstate({
      name: 'test',
      connections: { web: connectionOf({ sources }), books: connectionOf({ sinks: to }) },
      flows: flowsOf(sources, to),
    }),
  });
  await hub.start();
  t.after(() => hub.stop());
  const cx = makeContext({ connection: 'web', secrets: { TOKEN: secret } });
  return {
    hub,
    /** All that the shop tells now. */
    read: async (source: 'orders' | 'customers'): Promise<Incoming[]> => {
      const all: Incoming[] = [];
      const from = shop.sources[source] as PollSource<unknown>;
      for await (const { items } of from.pull(null, cx)) all.push(...items);
      return all;
    },
    hear: async (source: 'orders' | 'customers', incoming: Incoming): Promise<void> => {
      await hub.intake.receive({ connection: 'web', source, incoming });
      await drained(hub);
    },
    /** The customer as the hub has it, and how often it was changed. */
    customer: async (): Promise<{ body: Customer; version: number }> => {
      const [row] = await ledger.db.query<{ key: string; version: number; body: Buffer }>(
        'customer',
        `select key, version, body_sealed as body from document where kind = 'customer'`,
      );
      const place = documentPlace('main', 'customer', row!.key);
      return { body: JSON.parse(ledger.vault.unseal(row!.body, place).toString()), version: row!.version };
    },
    outcomes: async (): Promise<string[]> =>
      (
        await ledger.db.query<{ outcome: string }>('o', 'select outcome from event_history order by finished_at, id')
      ).map(({ outcome }) => outcome),
  };
}

interface Sinks extends Record<string, Sink> {
  customer: Sink<typeof CustomerDocument>;
  product: Sink<typeof ProductDocument>;
  order: Sink<typeof OrderDocument>;
}

const sink = <D extends Sink['accepts']>(accepts: D): Sink<D> => ({
  ...(new Target().sink({ name: `${accepts.name}s` }) as unknown as Sink<D>),
  accepts,
  deliver: async (items) => items.map(({ key }) => ({ outcome: 'done', id: key })),
});

/** A shop on Shopify with one customer who buys, and its clock. */
async function openShopify(t: TestContext) {
  let now = Date.parse('2026-11-20T10:00:00Z');
  const simulator = await startShopify({ bucket: [1e6, 1e6], now: () => new Date(now) });
  t.after(() => simulator.stop());
  const { shop, url, token } = simulator;
  shop.addLocation('Warehouse');
  const { variants } = shop.addProduct('Mug', [{ sku: 'MUG', price: 1000n }]);
  const customer = person(shop, 1);
  const buyer = shop.addCustomer(customer);
  const connection = shopify({
    shop: shop.domain,
    url,
    token: { secret: 'TOKEN' },
    clientSecrets: [{ secret: 'TOKEN' }],
  });
  return {
    connection,
    token,
    buyer,
    later: (seconds: number) => {
      now += seconds * 1000;
    },
    change: (email: string) => shop.changeCustomer(buyer, { email }),
    order: () => placeOrder(shop, { lines: [{ variantId: variants[0]!.id, quantity: 1 }], customer }).id,
  };
}

const withCustomers = (from: Connection['sources'], to: Sinks): AnyFlow[] => [
  webOrders({ from: from.orders!, to, zone: 'UTC', newCustomersOnly: true }),
  webCustomers({ from: from.customers!, to }),
];

test('a customer whom an order brings as they are now does not go back to an older state that is routed later', async (t) => {
  const shop = await openShopify(t);
  const { read, hear, customer, outcomes } = await openHub(t, shop.connection, shop.token, withCustomers);
  const [older] = await read('customers');
  shop.later(2);
  shop.change('new@example.com');
  shop.order();
  const [order] = await read('orders');
  await hear('orders', order!);
  await hear('customers', older!);
  assert.deepEqual([(await customer()).body.email, (await customer()).version], ['new@example.com', 1]);
  assert.deepEqual(await outcomes(), ['routed', 'late']);
  const [newest] = await read('customers');
  await hear('customers', newest!);
  assert.equal((await customer()).version, 1);
  shop.later(2);
  shop.change('newer@example.com');
  const [last] = await read('customers');
  await hear('customers', last!);
  assert.equal((await customer()).body.email, 'newer@example.com');
});

test('of two states of one second the customers’ own source has the last word', async (t) => {
  const shop = await openShopify(t);
  const { read, hear, customer } = await openHub(t, shop.connection, shop.token, withCustomers);
  const [older] = await read('customers');
  shop.change('new@example.com');
  shop.order();
  const [order] = await read('orders');
  const [newest] = await read('customers');
  for (const [source, incoming] of [
    ['orders', order],
    ['customers', older],
    ['customers', newest],
  ] as const)
    await hear(source, incoming!);
  assert.equal((await customer()).body.email, 'new@example.com');
});

test('an order is the same fact when nothing but the time of its customer’s last change is another', async (t) => {
  const shop = await openShopify(t);
  const { read } = await openHub(t, shop.connection, shop.token, withCustomers);
  shop.order();
  const [first] = await read('orders');
  shop.buyer.updatedAt = new Date(shop.buyer.updatedAt.getTime() + 60_000);
  const [second] = await read('orders');
  assert.notDeepEqual(first!.bytes, second!.bytes);
  assert.equal(first!.dedupeKey, second!.dedupeKey);
  shop.later(61);
  shop.change('new@example.com');
  const [third] = await read('orders');
  assert.notEqual(third!.dedupeKey, first!.dedupeKey);
});

/** A shop on Medusa whose customer buys. */
async function openMedusa(t: TestContext) {
  let now = Date.parse('2026-11-20T10:00:00Z');
  const simulator = await startMedusa({ now: () => new Date(now) });
  t.after(() => simulator.stop());
  const { shop, url, key } = simulator;
  const [variant] = shop.addProduct('Mug', [{ title: 'S', sku: 'MUG', price: 10 }]).variants;
  return {
    connection: medusa({ url, key: { secret: 'TOKEN' } }),
    token: key,
    later: (seconds: number) => {
      now += seconds * 1000;
    },
    change: (email: string) => shop.changeCustomer({ email }),
    order: () => shop.place({ lines: [[variant!.id, 1]] }).id,
  };
}

const shops = {
  Shopify: [
    openShopify,
    (from: Connection['sources'], to: Sinks) => [webOrders({ from: from.orders!, to, zone: 'UTC' })],
  ],
  Medusa: [
    openMedusa,
    (from: Connection['sources'], to: Sinks) => [medusaOrders({ from: from.orders!, to, zone: 'UTC' })],
  ],
} as const;

for (const [name, [open, flowsOf]] of Object.entries(shops))
  test(`an order of ${name} that is routed late, or told again, leaves its customer as a later order had them`, async (t) => {
    const shop = await open(t);
    const { hub, read, hear, customer, outcomes } = await openHub(t, shop.connection, shop.token, flowsOf);
    shop.order();
    const [first] = await read('orders');
    shop.later(2);
    shop.change('new@example.com');
    const id = shop.order();
    const second = (await read('orders')).find(({ subject }) => subject === `order:${id}`);
    await hear('orders', second!);
    await hear('orders', first!);
    assert.deepEqual([(await customer()).body.email, (await customer()).version], ['new@example.com', 1]);
    assert.deepEqual(await outcomes(), ['routed', 'routed']);
    const [flow] = hub.parts.wiring.flowsOf('web', 'orders');
    const where = { connection: 'web', subject: first!.subject, entity: 'main' };
    const { changes, trouble } = await rehearseReplay(hub.parts, flow!, where);
    assert.deepEqual([changes, trouble], [[], null]);
  });
