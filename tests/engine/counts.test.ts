import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { InventoryReport } from '../../src/connectors/warehouse-files/index.ts';
import { seeded, systemClock } from '../../src/core/clock.ts';
import type { PollSource, Sink } from '../../src/core/connector.ts';
import { defineEstate } from '../../src/core/estate.ts';
import { defineFlow } from '../../src/core/flow.ts';
import { Hub } from '../../src/engine/hub.ts';
import { dismissException, retryException } from '../../src/engine/resolve.ts';
import { warehouseStock } from '../../src/flows/warehouse-messages.ts';
import { countExceptions, listExceptions } from '../../src/ledger/exceptions.ts';
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

/** A hub that hears of mugs and teas from books and shop, and of counts from a warehouse. Times of the day are `9:30`. */
async function countingHub(t: TestContext) {
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
  /** Long ago: versions are kept from the moment on in which they are replaced. */
  const moment = (time: string): string => `2020-05-04T${time.padStart(5, '0')}:00Z`;
  const level = (time: string, onHand: string, { sku = 'MUG', channel = 'web' } = {}) =>
    send('books', 'levels', `${sku}@${channel}`, {
      ...{ id: `central/${sku}@${channel}`, sku, location: 'central', available: onHand, onHand, free: onHand },
      asOf: moment(time),
    });
  const open = async (): Promise<string[]> =>
    (await listExceptions(ledger.db, null, 10)).map(({ id, message_sealed }) =>
      ledger.vault.unseal(message_sealed, `exception:${id}`).toString(),
    );
  /** What people are asked about once the count is read. */
  const count = async (time: string, report: string, onHand: Readonly<Record<string, string>>): Promise<string[]> => {
    const lines = Object.entries(onHand).map(([sku, counted]) => ({ sku, onHand: counted, available: null }));
    await send('wms', 'inventory', 'inventory', { kind: 'inventory', report, asOf: moment(time), lines });
    return (await open()).map(
      (words) => /differs from the books in central: (.*)\. Find out/.exec(words)?.[1] ?? words,
    );
  };
  const retry = async (): Promise<void> => {
    const [exception] = await listExceptions(ledger.db, null, 10);
    await retryException(hub.parts, exception!, { by: 'anna', reason: 'the books are right now' });
    await drained(hub);
  };
  const dismiss = async (): Promise<void> => {
    const [exception] = await listExceptions(ledger.db, null, 10);
    await dismissException(hub.parts, exception!, { by: 'anna', reason: 'they are on the other shelf' });
  };
  const opened = (): Promise<number> => countExceptions(ledger.db, 'stock-differs');
  return { level, count, retry, dismiss, opened };
}

test('a count is compared with the level that was written last, though another one has a later time: a row that was deleted took its own along', async (t) => {
  const { level, count } = await countingHub(t);
  await level('10:00', '5');
  await level('12:00', '5', { channel: 'till' });
  await level('11:00', '3');
  assert.deepEqual(await count('13:00', 'C1', { MUG: '3' }), [], 'three are there');
  assert.deepEqual(await count('13:10', 'C2', { MUG: '5' }), ['MUG 5 on the shelf (books: 3)']);
  await level('14:00', '5', { channel: 'till' });
  assert.deepEqual(await count('15:00', 'C3', { MUG: '5' }), [], 'and five once the other channel is told so');
});

test('a count is compared with what the books had at its moment, however much has moved since', async (t) => {
  const { level, count, opened } = await countingHub(t);
  await level('10:00', '5');
  await level('10:20', '4');
  await level('10:40', '3');
  await level('10:50', '2');
  assert.deepEqual(await count('10:30', 'C1', { MUG: '4' }), [], 'four were there');
  assert.deepEqual(await count('10:31', 'C2', { MUG: '6' }), ['MUG 6 on the shelf (books: 4)'], 'never six');
  assert.deepEqual(await count('10:55', 'C3', { MUG: '2' }), []);
  assert.equal(await opened(), 1);
});

test('a count that names what the goods became only later, or within its own minute, neither asks nor closes', async (t) => {
  const { level, count, opened } = await countingHub(t);
  await level('10:00', '5');
  await level('10:30', '4');
  await level('10:31', '3');
  assert.deepEqual(await count('10:30', 'C1', { MUG: '4' }), []);
  assert.deepEqual(await count('10:30', 'C2', { MUG: '3' }), []);
  assert.equal(await opened(), 0);
  const asked = ['MUG 2 on the shelf (books: 3)'];
  assert.deepEqual(await count('10:40', 'C3', { MUG: '2' }), asked);
  await level('10:50', '2');
  assert.deepEqual(await count('10:45', 'C4', { MUG: '2' }), asked, 'it may be the piece that left since');
  assert.equal(await opened(), 1, 'nor is it asked a second time');
  assert.deepEqual(await count('10:55', 'C5', { MUG: '2' }), []);
});

test('a difference stands while no count says otherwise of the same goods, beside what later ones find', async (t) => {
  const { level, count, dismiss, opened } = await countingHub(t);
  await level('10:00', '5');
  await level('10:00', '8', { sku: 'TEA' });
  const mug = ['MUG 4 on the shelf (books: 5)'];
  assert.deepEqual(await count('11:00', 'C1', { MUG: '4' }), mug);
  assert.deepEqual(await count('11:10', 'C2', { TEA: '8' }), mug, 'mugs were not counted');
  assert.equal(await opened(), 1);
  assert.deepEqual(await count('11:20', 'C3', { TEA: '7' }), [
    'TEA 7 on the shelf (books: 8), MUG 4 on the shelf (books: 5 in count C1)',
  ]);
  assert.deepEqual(await count('11:30', 'C4', { TEA: '8' }), mug, 'tea is right again');
  await dismiss();
  assert.deepEqual(await count('11:40', 'C5', { TEA: '8' }), [], 'what a person has settled is not asked again');
  assert.deepEqual(await count('11:50', 'C6', { MUG: '4' }), mug, 'unless it is counted once more');
  assert.deepEqual(await count('11:55', 'C7', { MUG: '5' }), []);
});

test('who puts the books right and retries is asked no more; what still differs is asked again', async (t) => {
  const { level, count, retry } = await countingHub(t);
  await level('10:00', '5');
  await level('10:00', '8', { sku: 'TEA' });
  await count('11:00', 'C1', { MUG: '4', TEA: '7' });
  await level('11:10', '4');
  await retry();
  const tea = ['TEA 7 on the shelf (books: 8)'];
  assert.deepEqual(await count('11:05', 'C2', {}), tea);
  await level('11:20', '7', { sku: 'TEA' });
  await retry();
  assert.deepEqual(await count('11:06', 'C3', {}), []);
});
