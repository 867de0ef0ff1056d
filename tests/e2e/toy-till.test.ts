import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toyTill } from '../../src/connectors/toy-till/index.ts';
import { seeded, systemClock } from '../../src/core/clock.ts';
import type { Log, Sink } from '../../src/core/connector.ts';
import type { AnyDocumentType } from '../../src/core/document.ts';
import { defineEstate } from '../../src/core/estate.ts';
import { Hub } from '../../src/engine/hub.ts';
import { tillReceipts, tillSales } from '../../src/flows/till-sales.ts';
import { CustomerDocument } from '../../src/model/customer.ts';
import { type Order, OrderDocument } from '../../src/model/order.ts';
import { ProductDocument } from '../../src/model/product.ts';
import { startServer } from '../../src/server/index.ts';
import { startToyTill } from '../../src/simulators/toy-till.ts';
import { connectionOf, idle, testLedger } from '../support/hub.ts';
import { until } from '../support/target.ts';
import { SECRET, signed } from '../support/webhook.ts';

/** Books that write down every order they are given. */
function books() {
  const written: { order: Order; trace: string }[] = [];
  const sinkOf = <D extends AnyDocumentType>(accepts: D, keep: (body: unknown, trace: string) => void): Sink<D> => ({
    name: accepts.name,
    accepts,
    idempotency: 'external-id',
    settle: 0,
    deadline: '10s',
    batch: { max: 50, onFailure: 'independent' },
    deliver: async (items) =>
      items.map((item) => {
        keep(item.document, item.trace ?? '');
        return { outcome: 'done', id: item.key };
      }),
  });
  const sinks = {
    customer: sinkOf(CustomerDocument, () => undefined),
    product: sinkOf(ProductDocument, () => undefined),
    order: sinkOf(OrderDocument, (order, trace) => void written.push({ order: order as Order, trace })),
  };
  return { written, sinks };
}

test('a till that loses, doubles and thins its pushes and cuts our answers: every sale is one order, and heard of once', async (t) => {
  const ledger = await testLedger(t);
  const till = await startToyTill({
    seed: 11,
    token: 'till-token',
    secret: SECRET,
    faults: { lost: 0.15, thin: 0.15, twice: 0.2, cut: 0.2, broken: 0.1 },
  });
  t.after(() => till.stop());
  const target = books();
  const connection = toyTill({
    url: till.url,
    allowPrivate: true,
    token: { secret: 'TOKEN' },
    signedWith: [{ secret: 'SECRET' }],
    every: '1h', // only hints make it read in this test
  });
  const estate = defineEstate({
    name: 'toy',
    connections: { till: connection, books: connectionOf({ sinks: target.sinks as unknown as Record<string, Sink> }) },
    flows: [
      tillSales({ from: connection.sources.sales, to: target.sinks, zone: 'Europe/Brussels' }),
      tillReceipts({
        from: connection.sources.sales,
        to: { order: connection.sinks.orderStatus },
        zone: 'Europe/Brussels',
      }),
    ],
  });
  const attempts: Record<string, unknown>[] = [];
  const keep = (message: string, fields: Record<string, unknown> = {}) => {
    if (message === 'delivery.attempted') attempts.push(fields);
  };
  const log: Log = { debug: keep, info: keep, warn: keep, error: keep };
  const hub = new Hub({
    estate,
    db: ledger.db,
    vault: ledger.vault,
    clock: systemClock,
    random: seeded(1),
    log,
    secret: (name) => ({ TOKEN: 'till-token', SECRET })[name]!,
    terms: { pollSeconds: 0.05, retrySeconds: [0.02, 0.2], attempts: 40 },
  });
  await hub.start();
  const server = await startServer({ hub, db: ledger.db, clock: systemClock, log, port: 0, env: {} });
  t.after(async () => {
    await server.stop();
    await hub.stop();
  });
  const door = `${server.url}/in/till/sales`;

  for (let n = 0; n < 60; n += 10) await Promise.all(Array.from({ length: 10 }, () => till.sell(door)));
  const corrected = await till.sell(door, till.sales[3]);
  // The last word is a hint, whatever was lost before it: reading then brings all of it.
  const listed = till.sales.length;
  const body = JSON.stringify({ type: 'sale.changed', timestamp: corrected.soldAt, data: { id: corrected.id } });
  const hinted = await fetch(door, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...signed(body) },
  });
  assert.deepEqual([hinted.status, await hinted.json()], [202, { outcome: 'noted' }]);

  const newest = new Map(till.sales.map((sale) => [sale.id, sale]));
  await until(
    'every sale is an order',
    () => new Set(target.written.map(({ order }) => order.id)).size === newest.size,
  );
  await idle(hub);
  assert.equal(till.sales.length, listed);
  for (const [id, sale] of newest) {
    const versions = target.written.filter(({ order }) => order.id === `till:${id}`).map(({ order }) => order);
    const total = (order: Order): number => order.lines.reduce((sum, line) => sum + line.total, 0);
    assert.equal(total(versions.at(-1)!), sale.total, id);
    assert.ok(versions.length <= sale.revision, `${id} written ${versions.length} times`);
  }
  // The till's own record: told of each order version at most once, of every newest one exactly once.
  const heard = till.heard.map(({ data }) => `${data.sale} ${data.version}`);
  assert.equal(new Set(heard).size, heard.length);
  for (const id of newest.keys())
    assert.ok(
      till.heard.some(({ data }) => data.sale === id),
      id,
    );
  assert.equal(till.refused, 0);
  assert.ok(
    till.heard.some(({ times }) => times > 1),
    'answers were cut',
  );
  assert.ok(till.answers.every((status) => status === 200 || status === 202));

  // One trace for one sale, in the books' items, in the till's requests and in the log.
  for (const { traceparent } of till.heard) assert.match(String(traceparent), /^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/);
  const [, traceId] = till.heard[0]!.traceparent!.split('-');
  assert.ok(target.written.some(({ trace }) => trace.includes(traceId!)));
  const spans = attempts.filter(({ trace }) => trace === traceId).map(({ span }) => span);
  assert.ok(spans.length >= 2 && new Set(spans).size === spans.length, 'a span of its own for every attempt');
});
