import assert from 'node:assert/strict';
import { test } from 'node:test';
import { restStore } from '../../src/connectors/rest-store/index.ts';
import { seeded, systemClock } from '../../src/core/clock.ts';
import type { PollSource, Sink } from '../../src/core/connector.ts';
import type { AnyDocumentType } from '../../src/core/document.ts';
import { defineEstate } from '../../src/core/estate.ts';
import { defineFlow } from '../../src/core/flow.ts';
import { Hub } from '../../src/engine/hub.ts';
import { importMapping } from '../../src/engine/mappings.ts';
import { storeReceipts, storeSales } from '../../src/flows/store-sales.ts';
import { readFigures } from '../../src/ledger/figures.ts';
import { CustomerDocument } from '../../src/model/customer.ts';
import { type Order, OrderDocument } from '../../src/model/order.ts';
import { ProductDocument } from '../../src/model/product.ts';
import { StockLevelDocument } from '../../src/model/stock-level.ts';
import { startServer } from '../../src/server/index.ts';
import { startRestStore } from '../../src/simulators/rest-store.ts';
import { summarise } from '../../src/watch/summary.ts';
import { connectionOf, idle, send, silent, testLedger } from '../support/hub.ts';
import { SECRET } from '../support/webhook.ts';

const ZONE = 'Europe/Brussels';
const SKUS = 20;

test('a store that loses, doubles and thins its pushes and cuts answers: every sale is one order, every level the newest', async (t) => {
  const ledger = await testLedger(t);
  const store = await startRestStore({
    seed: 4,
    token: 'store-token',
    secret: SECRET,
    faults: { lost: 0.15, thin: 0.15, twice: 0.2, cut: 0.2, broken: 0.1 },
  });
  t.after(() => store.stop());
  const written: Order[] = [];
  const sinkOf = <D extends AnyDocumentType>(accepts: D): Sink<D> => ({
    name: accepts.name,
    accepts,
    idempotency: 'external-id',
    settle: 0,
    deadline: '10s',
    batch: { max: 50, onFailure: 'independent' },
    deliver: async (items) =>
      items.map(({ key, document }) => {
        if (accepts.name === 'order') written.push(document as Order);
        return { outcome: 'done', id: key };
      }),
  });
  const books = { customer: sinkOf(CustomerDocument), product: sinkOf(ProductDocument), order: sinkOf(OrderDocument) };
  const till = restStore({
    url: store.url,
    allowPrivate: true,
    token: { secret: 'TOKEN' },
    signedWith: [{ secret: 'SECRET' }],
    every: '1s',
    locations: { 'shop-1': 'front' },
  });
  const counts: PollSource<{ sku: string; n: number }> = {
    kind: 'poll',
    name: 'notes',
    every: '1h',
    async *pull() {},
    decode: (bytes) => JSON.parse(Buffer.from(bytes).toString()),
  };
  const hub = new Hub({
    estate: defineEstate({
      name: 'stores',
      connections: {
        till,
        books: connectionOf({ sinks: books as unknown as Record<string, Sink> }),
        from: connectionOf({ sources: { counts } }),
      },
      flows: [
        storeSales({ from: till.sources.sales, to: books, zone: ZONE }),
        storeReceipts({ from: till.sources.sales, to: { order: till.sinks.orderStatus }, zone: ZONE }),
        defineFlow({
          id: 'stock',
          about: 'counts become levels',
          documents: [StockLevelDocument],
          from: counts,
          to: { 'stock-level': till.sinks.stockLevels },
          latency: 'realtime',
          promise: { within: '1m', critical: false },
          onException: { owner: 'x', within: '1d', hold: 'lane' },
          fallback: 'none',
          translate: ({ id, n }: { id: string; n: number }) => ({
            outcome: 'routed',
            documents: [
              {
                kind: 'stock-level',
                body: {
                  id: `shop-1/${id}`,
                  sku: id,
                  location: 'shop-1',
                  available: String(n),
                  asOf: '2026-05-01T10:00:00Z',
                },
              },
            ],
          }),
        } as never),
      ],
    }),
    db: ledger.db,
    vault: ledger.vault,
    clock: systemClock,
    random: seeded(1),
    log: silent,
    secret: (name) => ({ TOKEN: 'store-token', SECRET })[name]!,
    terms: { pollSeconds: 0.05, retrySeconds: [0.02, 0.2], attempts: 40 },
  });
  await hub.start();
  await importMapping(
    ledger.db,
    { entity: 'main', name: 'store-locations', rows: { front: 'shop-1' } },
    { by: 'test', reason: 'the shop opens' },
  );
  await hub.parts.mappings.refresh();
  const server = await startServer({ hub, db: ledger.db, clock: systemClock, log: silent, port: 0, env: {} });
  t.after(async () => {
    await server.stop();
    await hub.stop();
  });

  const door = `${server.url}/in/till/sales`;
  const counted = async () => {
    for (let n = 1; n <= 30; n++)
      await Promise.all(
        Array.from({ length: SKUS }, (_, sku) => send(hub, { id: `A${sku}`, n }, { sourceVersion: BigInt(n) })),
      );
  };
  const sold = async () => {
    for (let n = 0; n < 50; n += 10) await Promise.all(Array.from({ length: 10 }, () => store.sell(door)));
    await store.sell(door, store.sales[3]);
  };
  await Promise.all([counted(), sold()]);
  store.write({ id: 'bad', lines: 'none' });
  await idle(hub, 120);
  const newest = new Map(store.sales.filter(({ id }) => id !== 'bad').map((one) => [one.id, one]));
  while (new Set(written.map(({ id }) => id)).size < newest.size)
    await new Promise((resolve) => setTimeout(resolve, 200));
  await idle(hub, 120);

  for (const [id, one] of newest) {
    const last = written.filter((order) => order.id === `till:${id}`).at(-1)!;
    assert.equal(
      last.lines.reduce((sum, { total }) => sum + total, 0),
      one.total,
      id,
    );
    assert.ok(
      [...store.recorded.values()].some(({ sale }) => sale === id),
      `${id} is told`,
    );
  }
  assert.deepEqual(
    [...store.levels].map(([key, { value }]) => [key, value]).sort(),
    Array.from({ length: SKUS }, (_, sku) => [`front/A${sku}`, '30']).sort(),
  );
  assert.equal(store.refused, 0);
  const { money } = summarise(await readFigures(ledger.db));
  const charged = [...newest.values()].reduce((sum, { total }) => sum + total, 0);
  // Each count of the other source is an event worth its number, and its level is worth nothing.
  const counting = (SKUS * 30 * 31) / 2;
  assert.deepEqual(
    [money.EUR?.posted, money.EUR?.received],
    [(charged / 100).toFixed(2), ((charged + counting) / 100).toFixed(2)],
    'receipts are not posted once more, and a correction counts what it changes',
  );
  const exceptions = await ledger.db.query<{ cause: string }>(
    'test_causes',
    "select cause from exception where state = 'open'",
  );
  assert.deepEqual(
    exceptions.map(({ cause }) => cause),
    ['not-the-contract'],
  );
});
