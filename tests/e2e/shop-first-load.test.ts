import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shopify } from '../../src/connectors/shopify/index.ts';
import { seeded, systemClock } from '../../src/core/clock.ts';
import type { Sink } from '../../src/core/connector.ts';
import { defineEstate } from '../../src/core/estate.ts';
import { Hub } from '../../src/engine/hub.ts';
import { webOrders } from '../../src/flows/web-orders.ts';
import { CustomerDocument } from '../../src/model/customer.ts';
import { OrderDocument } from '../../src/model/order.ts';
import { ProductDocument } from '../../src/model/product.ts';
import { startShopify } from '../../src/simulators/shopify/index.ts';
import { placeOrder } from '../../src/simulators/shopify/orders.ts';
import { furnish, person } from '../../src/simulators/shopify/traffic.ts';
import { connectionOf, silent, testLedger } from '../support/hub.ts';
import { recording, type Written } from '../support/recording.ts';
import { until } from '../support/target.ts';

const ORDERS = 400;

test('a shop that has much comes in bulk, through broken files and hubs that go away, each order once, and what is sold meanwhile too', async (t) => {
  let ago = 86_400_000;
  const simulator = await startShopify({ bucket: [1e6, 1e6], seed: 5, now: () => new Date(Date.now() - ago) });
  t.after(() => simulator.stop());
  const { shop, faults } = simulator;
  furnish(shop);
  const [variant] = shop.variants.values();
  const sell = (n: number): void =>
    void placeOrder(shop, { lines: [{ variantId: variant!.id, quantity: 1 }], customer: person(shop, n) });
  for (let n = 0; n < ORDERS; n++) sell(n);
  ago = 0;
  Object.assign(faults, { cut: 0.05, broken: 0.05, throttled: 0.05, cutFiles: 0.5 });
  const written: Written[] = [];
  const to = {
    customer: recording(CustomerDocument, written),
    product: recording(ProductDocument, written),
    order: recording(OrderDocument, written),
  };
  const ledger = await testLedger(t);
  /** A hub with a memory of its own, on the same ledger. */
  const start = async (): Promise<Hub> => {
    const web = shopify({
      shop: shop.domain,
      url: simulator.url,
      token: { secret: 'TOKEN' },
      clientSecrets: [{ secret: 'TOKEN' }],
      every: 100,
      bulkFrom: 100,
    });
    const flow = webOrders({ from: web.sources.orders, to, zone: 'UTC' });
    const mappings = flow.mappings!.map((seed) =>
      seed.table === 'shopify-payment-methods' ? { ...seed, rows: { shopify_payments: 'card' } } : seed,
    );
    const hub = new Hub({
      estate: defineEstate({
        name: 'first',
        connections: { web, books: connectionOf({ sinks: to as unknown as Record<string, Sink> }) },
        flows: [{ ...flow, mappings }],
      }),
      db: ledger.db,
      vault: ledger.vault,
      clock: systemClock,
      random: seeded(5),
      log: silent,
      secret: () => simulator.token,
      terms: { pollSeconds: 0.05, retrySeconds: [0.02, 0.2], attempts: 60 },
    });
    await hub.start();
    return hub;
  };
  const cursor = async (): Promise<string> => {
    const [row] = await ledger.db.query<{ cursor: string }>('cursor', 'select value as cursor from cursor');
    return row?.cursor ?? '';
  };
  let hub = await start();
  t.after(() => hub.stop());
  for (let times = 0, before = ''; times < 4; times++) {
    await until('it has gone on a little', async () => (await cursor()) !== before, 60);
    await hub.stop();
    before = await cursor();
    sell(ORDERS + times);
    hub = await start();
  }
  const came = () => written.filter(({ kind }) => kind === 'order');
  await until('everything has come', async () => new Set(came().map(({ key }) => key)).size === ORDERS + 4, 120);
  const seen = came().map(({ key, version }) => `${key} ${version}`);
  assert.equal(new Set(seen).size, seen.length, 'a version came twice');
  const calls = (operation: string): number => simulator.requests.filter((one) => one.operation === operation).length;
  assert.equal(simulator.bulk.operations.size, 1);
  assert.ok(calls('OrdersWhole') < ORDERS / 10, `${calls('OrdersWhole')} calls for single orders`);
});
