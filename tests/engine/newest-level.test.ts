import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InventoryReport } from '../../src/connectors/warehouse-files/index.ts';
import { seeded, systemClock } from '../../src/core/clock.ts';
import type { PollSource, Sink } from '../../src/core/connector.ts';
import { defineEstate } from '../../src/core/estate.ts';
import { defineFlow } from '../../src/core/flow.ts';
import { Hub } from '../../src/engine/hub.ts';
import { warehouseStock } from '../../src/flows/warehouse-messages.ts';
import { listExceptions } from '../../src/ledger/exceptions.ts';
import { type StockLevel, StockLevelDocument } from '../../src/model/stock-level.ts';
import { connectionOf, drained, silent, testLedger } from '../support/hub.ts';

/** A source that only receives what the test gives to `hub.intake`. */
const pushed = <N>(name: string): PollSource<N> => ({
  kind: 'poll',
  name,
  every: '1h',
  async *pull() {},
  decode: (bytes) => JSON.parse(Buffer.from(bytes).toString()),
});

test('a count is compared with the level that was written last, though another one has a later time: a row that was deleted took its own along', async (t) => {
  const ledger = await testLedger(t);
  const levels = pushed<StockLevel>('levels');
  const inventory = pushed<InventoryReport>('inventory');
  const sink: Sink<typeof StockLevelDocument> = {
    name: 'levels',
    accepts: StockLevelDocument,
    idempotency: 'overwrite',
    needsBound: false,
    settle: 0,
    deadline: '10s',
    batch: { max: 10, onFailure: 'independent' },
    deliver: async (items) => items.map(({ key }) => ({ outcome: 'done', id: key })),
  };
  const feed = defineFlow({
    id: 'feed',
    about: 'Levels of two channels.',
    documents: [StockLevelDocument],
    from: levels,
    to: { 'stock-level': sink },
    latency: 'realtime',
    promise: { within: '1m', critical: false },
    onException: { owner: 'tests', within: '1d', hold: 'lane' },
    fallback: 'none',
    translate: (body: StockLevel) => ({ outcome: 'routed', documents: [{ kind: 'stock-level', body }] }),
  });
  const hub = new Hub({
    estate: defineEstate({
      name: 'test',
      connections: {
        books: connectionOf({ sources: { levels } }),
        wms: connectionOf({ sources: { inventory } as never }),
        shop: connectionOf({ sinks: { levels: sink as Sink } }),
      },
      flows: [feed, warehouseStock({ from: inventory, location: 'central' })],
    }),
    db: ledger.db,
    vault: ledger.vault,
    clock: systemClock,
    random: seeded(1),
    log: silent,
    secret: () => 'secret',
    terms: { pollSeconds: 0.05 },
  });
  await hub.start();
  t.after(() => hub.stop());
  let n = 0;
  const send = async (connection: string, source: string, subject: string, record: object): Promise<void> => {
    const bytes = Buffer.from(JSON.stringify(record));
    const incoming = { dedupeKey: String(++n), subject, occurredAt: new Date(), bytes };
    await hub.intake.receive({ connection, source, incoming });
    await drained(hub);
  };
  const level = (channel: string, onHand: string, hour: number) =>
    send('books', 'levels', channel, {
      ...{ id: `central/MUG@${channel}`, sku: 'MUG', location: 'central', available: onHand, onHand, free: onHand },
      asOf: `2026-11-26T${hour}:00:00Z`,
    });
  const count = async (onHand: string): Promise<string[]> => {
    const lines = [{ sku: 'MUG', onHand, available: null }];
    await send('wms', 'inventory', 'inventory', {
      kind: 'inventory',
      report: `C${n}`,
      asOf: '2026-11-26T13:00:00Z',
      lines,
    });
    return (await listExceptions(ledger.db, null, 10)).map(({ cause }) => cause);
  };
  await level('web', '5', 10);
  await level('till', '5', 12);
  await level('web', '3', 11);
  assert.deepEqual(await count('3'), [], 'three are there');
  assert.deepEqual(await count('5'), ['stock-differs']);
  await level('till', '5', 14);
  assert.deepEqual(await count('5'), [], 'and five once the other channel is told so');
});
