import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { StockRecord } from '../../src/connectors/odoo/sources/stock-levels.ts';
import { seeded, systemClock } from '../../src/core/clock.ts';
import type { Incoming, PollSource, Result, Sink } from '../../src/core/connector.ts';
import { defineEstate } from '../../src/core/estate.ts';
import { defineFlow } from '../../src/core/flow.ts';
import { newId } from '../../src/core/ids.ts';
import { Hub } from '../../src/engine/hub.ts';
import { importMapping } from '../../src/engine/mappings.ts';
import { bindException, dismissException, editException } from '../../src/engine/resolve.ts';
import { stockFeed } from '../../src/flows/odoo-feeds.ts';
import { passOver } from '../../src/ledger/events.ts';
import { listExceptions } from '../../src/ledger/exceptions.ts';
import { readFigures } from '../../src/ledger/figures.ts';
import { appendTellings } from '../../src/ledger/in-flight.ts';
import { type Order, OrderDocument } from '../../src/model/order.ts';
import { type Return, ReturnDocument } from '../../src/model/return.ts';
import { StockLevelDocument } from '../../src/model/stock-level.ts';
import { connectionOf, drained, silent, testLedger } from '../support/hub.ts';
import { until } from '../support/target.ts';

const terms = {
  latency: 'realtime',
  promise: { within: '1m', critical: false },
  onException: { owner: 'tests', within: '1d', hold: 'lane' },
  fallback: 'none',
} as const;

/** Books that count stock and take orders when they are told to, and two channels that are told levels. */
async function shop(t: TestContext, safety: Record<string, string> = { '*': '0' }) {
  const ledger = await testLedger(t);
  const pages = Object.assign([] as Incoming[][], { slow: Promise.resolve() });
  const state = { taking: true, answer: { outcome: 'done', id: 'SO1' } as Result, shelf: null as Result | null };
  const json = <N>(name: string): Pick<PollSource<N>, 'kind' | 'name' | 'every' | 'decode'> => ({
    kind: 'poll',
    name,
    every: '1h',
    decode: (bytes) => JSON.parse(Buffer.from(bytes).toString()),
  });
  const stock: PollSource<StockRecord> = {
    ...json<StockRecord>('stockLevels'),
    coarseVersions: true,
    whole: true,
    async *pull() {
      const own = [...pages];
      await pages.slow;
      pages.splice(0, own.length);
      for (const items of own) yield { items, cursor: 'x' };
    },
  };
  const orders: PollSource<Order> = { ...json<Order>('orders'), async *pull() {} };
  const overwriting = { idempotency: 'overwrite', settle: '0s', deadline: '60s', needsBound: false } as const;
  const one = { max: 1, onFailure: 'independent' } as const;
  const books: Sink<typeof OrderDocument> = {
    ...overwriting,
    name: 'saleOrders',
    accepts: OrderDocument,
    batch: one,
    deliver: async (items, cx) => {
      while (!state.taking && !cx.signal.aborted) await systemClock.sleep(10);
      return items.map(() => state.answer);
    },
  };
  const told: Record<string, string[]> = { web: [], till: [] };
  const levels = (channel: string): Sink<typeof StockLevelDocument> => ({
    ...overwriting,
    name: 'levels',
    accepts: StockLevelDocument,
    batch: one,
    deliver: async (items) =>
      items.map(({ key, document }) => {
        told[channel]!.push(document.available);
        return { outcome: 'done', id: key };
      }),
  });
  const [web, till] = [levels('web'), levels('till')];
  const comeBack: PollSource<Return> = { ...json<Return>('returns'), async *pull() {} };
  // It puts goods on its own shelf, and says nothing of that.
  const shelf: Sink<typeof ReturnDocument> = {
    ...overwriting,
    name: 'returns',
    accepts: ReturnDocument,
    batch: one,
    deliver: async (items) => items.map(({ key }) => state.shelf ?? { outcome: 'done', id: key }),
  };
  const feed = { from: stock, locations: ['central'] };
  const hub = new Hub({
    estate: defineEstate({
      name: 'stock',
      connections: {
        books: connectionOf({ sources: { stock, comeBack }, sinks: { books: books as unknown as Sink } }),
        web: connectionOf({
          sources: { orders },
          sinks: { web: web as unknown as Sink, shelf: shelf as unknown as Sink },
        }),
        till: connectionOf({ sinks: { till: till as unknown as Sink } }),
      },
      flows: [
        defineFlow({
          id: 'orders',
          about: 'orders of a test',
          documents: [OrderDocument],
          from: orders,
          to: { order: books },
          ...terms,
          translate: (body) => ({ outcome: 'routed', documents: [{ kind: 'order', body }] }),
        }),
        defineFlow({
          id: 'returns',
          about: 'returns of a test',
          documents: [ReturnDocument],
          from: comeBack,
          to: { return: shelf },
          ...terms,
          translate: (body) => ({ outcome: 'routed', documents: [{ kind: 'return', body }] }),
        }),
        stockFeed({ ...feed, id: 'stock-web', to: { 'stock-level': web }, channel: 'web' }),
        stockFeed({ ...feed, id: 'stock-till', to: { 'stock-level': till }, channel: 'till' }),
      ],
    }),
    db: ledger.db,
    vault: ledger.vault,
    clock: systemClock,
    random: seeded(1),
    log: silent,
    secret: () => '',
    terms: { pollSeconds: 0.05, retrySeconds: [0.02, 0.05], attempts: 1000 },
  });
  const table = (name: string, rows: Record<string, string>) =>
    importMapping(ledger.db, { entity: 'main', name, rows, owner: 'x' }, { by: 'test', reason: 'the estate begins' });
  await table('odoo-warehouses', { WH: 'central' });
  await table('safety-stock', safety);
  await hub.start();
  t.after(() => hub.stop());

  let version = 0;
  const incoming = (subject: string, body: object): Incoming => ({
    dedupeKey: `${subject} ${++version}`,
    subject,
    occurredAt: new Date(),
    bytes: Buffer.from(JSON.stringify(body)),
  });
  const record = (onHand: number, reserved: number): Incoming =>
    incoming('stock:1', {
      id: 1,
      version: '2026-05-01 10:00:00',
      code: 'mug',
      warehouses: ['WH'],
      levels: { WH: { onHand, reserved } },
      safety: '0',
    } satisfies StockRecord);
  return {
    hub,
    ledger,
    pages,
    told,
    state,
    record,
    /** The books are read to the end; these records have changed. */
    read: async (...items: Incoming[]) => {
      pages.push(items);
      hub.parts.bell.ring('read poller:books:stockLevels');
      while (pages.length > 0) await systemClock.sleep(5);
      // Landing follows the last page.
      await systemClock.sleep(50);
      await settled(hub, state.taking);
    },
    takeBack: async (id: string, sku: string, restock: boolean) => {
      const line = { id: '1', orderLine: '1', sku, quantity: '1', reason: 'unknown', restock };
      const one: Return = {
        id,
        number: id,
        order: 'A',
        orderNumber: 'A',
        state: 'received',
        location: 'central',
        occurredAt: '2026-05-02T10:00:00Z',
        lines: [line],
      };
      await hub.intake.receive({ connection: 'books', source: 'returns', incoming: incoming(`return:${id}`, one) });
      await settled(hub, state.taking);
    },
    order: async (id: string, quantity: string, more: Partial<Order> = {}) => {
      const line = { id: '1', sku: 'MUG', description: 'Mug', quantity, unitPrice: '1.00', taxes: [], total: 100 };
      const order: Order = {
        id,
        number: id,
        kind: 'sale',
        refersTo: null,
        placedAt: '2026-05-01T10:00:00Z',
        businessDay: '2026-05-01',
        customer: 'C1',
        currency: 'EUR',
        pricesIncludeTax: true,
        lines: [{ ...line, location: 'central' }],
        ...more,
      };
      await hub.intake.receive({ connection: 'web', source: 'orders', incoming: incoming(`order:${id}`, order) });
      await settled(hub, state.taking);
    },
  };
}

/** Until the hub rests; while the books do not answer until all levels are told. */
async function settled(hub: Hub, taking: boolean): Promise<void> {
  if (taking) return drained(hub);
  for (let quiet = 0; quiet < 4; ) {
    const { routable } = await hub.progress();
    const [row] = await hub.parts.db.query<{ open: boolean }>(
      'test_open_levels',
      "select exists (select from delivery where kind = 'stock-level') or exists (select from nudge) as open",
    );
    quiet = routable === 0 && !row!.open ? quiet + 1 : 0;
    await systemClock.sleep(50);
  }
}

test('what is sold is not promised again while it is on its way, nor taken off twice once the books count it', async (t) => {
  const { state, told, order, read, record } = await shop(t);
  await read(record(10, 0));
  assert.deepEqual(told, { web: ['10'], till: ['10'] });
  state.taking = false;
  await order('A', '3');
  assert.deepEqual(told, { web: ['10', '7'], till: ['10', '7'] });
  await order('B', '2');
  // Two more are gone from the shelf, and the books do not know the orders yet.
  await read(record(8, 0));
  assert.deepEqual(told.till, ['10', '7', '5', '3']);
  state.taking = true;
  await order('C', '1');
  assert.deepEqual(told.till, ['10', '7', '5', '3', '2']);
  await read(record(8, 6));
  // Told again although it is the same: the channel may have sold while the shelf was filled.
  assert.deepEqual(told.till, ['10', '7', '5', '3', '2', '2']);
  assert.deepEqual(told.web, told.till);
});

test('a reading that began before an order was in the books does not let it land', async (t) => {
  const { state, told, order, read, record, pages } = await shop(t);
  await read(record(10, 0));
  const before = record(10, 0);
  pages.slow = systemClock.sleep(1500);
  const reading = read(before);
  await systemClock.sleep(100);
  state.taking = true;
  await order('A', '3');
  // The next reading begins as soon as this one has ended.
  let end = (): void => undefined;
  pages.slow = new Promise<void>((resolve) => {
    end = resolve;
  });
  await reading;
  assert.deepEqual(told.web, ['10', '7']);
  end();
  await read();
  // Nothing is reserved, as the books say in a reading that began later: they count it, whatever it came to.
  assert.deepEqual(told.web, ['10', '7', '10']);
});

test('what an order takes that was tried in vain while it changed, the changed one takes', async (t) => {
  const { hub, state, told, order, read, record, ledger } = await shop(t);
  await read(record(10, 0));
  state.taking = false;
  await order('A', '3');
  await order('A', '5');
  assert.deepEqual(told.web, ['10', '7', '5']);
  state.answer = { outcome: 'untouched' };
  state.taking = true;
  await until('it gave way', async () => (await readFigures(ledger.db)).deliveries.superseded > 0);
  state.taking = false;
  await read(record(9, 0));
  // Told again although it is the same: by the reading, and because one gave way.
  assert.deepEqual([...new Set(told.web)], ['10', '7', '5', '4']);
  Object.assign(state, { answer: { outcome: 'done', id: 'SO1' }, taking: true });
  await drained(hub);
  await read(record(9, 5));
  assert.equal(told.web!.at(-1), '4');
});

test('what an order takes that a person dismissed for its newer version, that one takes', async (t) => {
  const { hub, state, told, order, read, record } = await shop(t);
  await read(record(10, 0));
  state.answer = { outcome: 'failed', fault: { kind: 'rejected', cause: 'no', message: 'No.' } };
  await order('A', '3');
  const [exception] = await listExceptions(hub.parts.db, null, 10);
  await order('A', '4');
  assert.deepEqual(told.web, ['10', '7', '6']);
  state.taking = false;
  await dismissException(hub.parts, exception!, { by: 'x', reason: 'the newer one is right' });
  await read(record(9, 0));
  assert.equal(told.web!.at(-1), '5');
  Object.assign(state, { answer: { outcome: 'done', id: 'SO1' }, taking: true });
  await drained(hub);
  await read(record(9, 4));
  assert.equal(told.web!.at(-1), '5');
});

test('of a changed order the difference is in flight; a cancelled or dismissed one takes nothing', async (t) => {
  const { hub, state, told, order, read, record } = await shop(t);
  await read(record(10, 0));
  state.taking = false;
  await order('A', '3');
  await order('B', '1');
  await order('B', '4');
  await order('B', '2');
  assert.deepEqual(told.web, ['10', '7', '6', '3', '5']);
  await order('B', '2', { state: 'cancelled' });
  assert.equal(told.web!.at(-1), '7');
  state.answer = { outcome: 'failed', fault: { kind: 'rejected', cause: 'no', message: 'No.' } };
  state.taking = true;
  await order('C', '4');
  // Held for a person: still sold.
  assert.equal(told.web!.at(-1), '3');
  for (const exception of await listExceptions(hub.parts.db, null, 10))
    await dismissException(hub.parts, exception, { by: 'x', reason: 'y' });
  await drained(hub);
  assert.equal(told.web!.at(-1), '10');
  // What nobody was to get is wanted again: all of it is sold, and none of it has gone before.
  await order('C', '4', { customer: 'C2' });
  assert.equal(told.web!.at(-1), '6');
  const [held] = await listExceptions(hub.parts.db, null, 10);
  state.taking = false;
  const fewer = new Map([['/lines/0/quantity', '1']]);
  await editException(hub.parts, held!, { by: 'x', reason: 'three of them are not wanted' }, fewer);
  await until('the level is told', async () => told.web!.at(-1) === '9');
});

test('an order that is first heard as cancelled has the level told again: a channel that was told in between has added the goods to it', async (t) => {
  const { hub, told, order, read, record } = await shop(t);
  await read(record(10, 0));
  await order('A', '3', { state: 'cancelled' });
  assert.deepEqual(told.web, ['10', '10']);
  await order('B', '0');
  assert.deepEqual(told.web, ['10', '10', '10'], 'a line that was taken off again');
  await hub.stop();
  const asked = { connection: 'books', source: 'stockLevels', subject: 'stock:1' };
  const { db } = hub.parts;
  const [event] = await db.query<{ shard: number }>('test_shard_of', 'select shard from concern limit 1');
  const telling = { ...asked, entity: 'main', shard: event!.shard, looked_at: null, id: newId() };
  await appendTellings(db, [{ ...telling, afresh: true }]);
  for (const reserved of [1, 0]) await hub.intake.receive({ ...asked, incoming: record(10, reserved) });
  await passOver(db, event!.shard, [asked]);
  const rows = await db.query<{ afresh: boolean; telling: boolean }>(
    'test_afresh',
    'select afresh, payload_sealed is null as telling from event',
  );
  assert.deepEqual(
    rows,
    [{ afresh: true, telling: false }],
    'what is passed over leaves what it asked for to its heir',
  );
});

test('who puts goods on a shelf of its own because of what it was told has the level told again afterwards', async (t) => {
  const { told, read, record, takeBack } = await shop(t);
  await read(record(10, 0));
  await takeBack('R1', 'MUG', true);
  assert.deepEqual(told, { web: ['10', '10'], till: ['10', '10'] });
  await takeBack('R2', 'MUG', false);
  await takeBack('R3', 'CUP', true);
  assert.deepEqual(told.web, ['10', '10'], 'what is not for sale, and what nobody tells figures of');
});

test('so it is where a person has seen that the goods are on that shelf already', async (t) => {
  const { hub, ledger, told, read, record, state, takeBack } = await shop(t);
  await read(record(10, 0));
  state.shelf = { outcome: 'failed', fault: { kind: 'rejected', message: 'half of it is there', cause: 'in-part' } };
  await takeBack('R1', 'MUG', true);
  assert.deepEqual(told.web, ['10']);
  const [exception] = await listExceptions(ledger.db, null, 10);
  await bindException(hub.parts, exception!, { by: 'cli:anna', reason: 'it is there' }, 'RET-1');
  await settled(hub, state.taking);
  assert.deepEqual(told, { web: ['10', '10'], till: ['10', '10'] });
});

test('safety stock is kept back by channel, place and SKU, never below nothing', async (t) => {
  const { told, order, read, record } = await shop(t, { '*': '1', 'web/*': '4', 'web/central/MUG': '2' });
  await read(record(5, 0));
  assert.deepEqual(told, { web: ['3'], till: ['4'] });
  await order('A', '4');
  assert.deepEqual(told, { web: ['3', '0'], till: ['4', '0'] });
});

test('of records that wait only the last is told, what a person decided on stays', async (t) => {
  const { hub, told, record, read } = await shop(t);
  await read(record(10, 0));
  await hub.stop();
  const { db } = hub.parts;
  const source = { connection: 'books', source: 'stockLevels' };
  for (const onHand of [9, 8, 7]) await hub.intake.receive({ ...source, incoming: record(onHand, 0) });
  const [{ shard }] = (await db.query<{ shard: number }>('test_shard', 'select shard from event limit 1')) as [
    { shard: number },
  ];
  await db.query('test_decided', "update event set decision = 'go on' where seq = (select min(seq) from event)");
  const passed = await db.transaction((sql) => passOver(sql, shard, [source]));
  assert.equal(passed.length, 1);
  assert.deepEqual(await db.transaction((sql) => passOver(sql, shard, [source])), []);
  assert.deepEqual(await db.transaction((sql) => passOver(sql, shard, [{ ...source, source: 'other' }])), []);
  const left = await db.query<{ decision: string | null }>('test_left', 'select decision from event order by seq');
  assert.deepEqual(
    left.map(({ decision }) => decision),
    ['go on', null],
  );
  const rows = await db.query<{ outcome: string }>(
    'test_late',
    "select outcome from event_history where outcome = 'late'",
  );
  assert.equal(rows.length, 1);
  assert.deepEqual(told.web, ['10']);
});
