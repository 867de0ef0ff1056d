import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../src/core/clock.ts';
import type { Context, Sink } from '../../src/core/connector.ts';
import { FaultError } from '../../src/core/fault.ts';
import { Breaker } from '../../src/engine/breaker.ts';
import { Deliverer } from '../../src/engine/deliver.ts';
import type { Database } from '../../src/ledger/database.ts';
import { readFigures } from '../../src/ledger/figures.ts';
import { type NoteDocument, noteHub, send, testLedger } from '../support/hub.ts';
import { gate, Target, until } from '../support/target.ts';

/** Notes `a`, `b`, … that are owed to a target, and a hub that is not running: each call is made by hand, by a clock that stands at `time.now`. */
async function owed(t: TestContext, count: number, sink: Sink<typeof NoteDocument>, leaseSeconds = 30) {
  const ledger = await testLedger(t);
  const { db } = ledger;
  await db.query(
    'known',
    `insert into connection (name, entity, connector, state) values ('target', 'main', 'test', 'paused')`,
  );
  const router = noteHub(ledger, sink);
  await router.start();
  for (const id of 'abc'.slice(0, count)) await send(router, { id, n: 1 });
  await until('they are routed', async () => (await readFigures(db)).events.waiting === 0);
  await router.stop();
  const time = { now: 0 };
  let statements = 0;
  const during = { claim: () => {} };
  const counting = new Proxy(db, {
    get: (_, name) => {
      if (name === 'query') statements += 1;
      if (name === 'transaction') during.claim();
      const found = db[name as keyof Database];
      return typeof found === 'function' ? found.bind(db) : found;
    },
  });
  const { parts } = noteHub({ ...ledger, db: counting }, sink, {
    clock: { ...systemClock, monotonic: () => time.now },
    terms: { leaseSeconds },
  });
  const breaker = new Breaker(parts.clock);
  const deliverer = new Deliverer(parts, parts.wiring.sinks[0]!, breaker);
  const states = () => db.query<{ state: string }>('states', 'select state from delivery order by lane_key');
  return {
    db,
    time,
    breaker,
    during,
    once: (allowed = true) => deliverer.once(() => allowed),
    states,
    asked: () => statements,
  };
}

/** A target that is called over the network: counts what reached it. */
async function listener(t: TestContext): Promise<{ url: string; received(): number }> {
  let received = 0;
  const server = createServer((_request, response) => {
    received += 1;
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received: () => received };
}

/** A sink that does `first` and then sends, if it still may; what it was refused for is in `refused`. */
function sending(url: string, first: (cx: Context) => unknown, options: Parameters<Target['sink']>[0] = {}) {
  const target = new Target();
  const refused: string[] = [];
  const sink = target.sink({
    settle: '1s',
    deadline: '60s',
    ...options,
    answer: async (items, cx) => {
      await first(cx);
      await cx.fetch(url).catch((error: unknown) => {
        if (error instanceof FaultError) refused.push(error.fault.kind);
        throw error;
      });
      return target.commit(items);
    },
  });
  return { sink, refused };
}

test('a call that is no longer allowed sends nothing, and what it was for waits', async (t) => {
  const { url, received } = await listener(t);
  const { sink, refused } = sending(url, () => undefined);
  const world = await owed(t, 1, sink);
  assert.equal(await world.once(false), 1);
  assert.deepEqual([received(), refused, await world.states()], [0, ['transient'], [{ state: 'waiting' }]]);
});

for (const { lease, deadline, last } of [
  { lease: 30, deadline: '60s', last: 29_500 },
  { lease: 30, deadline: '10s', last: 9_500 },
] as const)
  test(`half a second before its lease of ${lease} s or its deadline of ${deadline} is over, by our own clock, nothing more is sent`, async (t) => {
    const { url, received } = await listener(t);
    let now = 0;
    const { sink } = sending(
      url,
      () => {
        world.time.now = now;
      },
      { deadline },
    );
    const world = await owed(t, 1, sink, lease);
    now = last;
    assert.equal(await world.once(), 1);
    assert.equal(received(), 0);
    world.time.now = 100_000;
    await until('its time has come again', async () => {
      now = 100_000 + last - 1;
      const tried = await world.once();
      world.time.now = 100_000;
      return tried !== null && tried > 0;
    });
    assert.equal(received(), 1);
  });

for (const { at, last, why } of [
  { at: 600, last: 2_099, why: 'two seconds from when it was asked for' },
  { at: 9_000, last: 9_499, why: 'to the deadline at the longest' },
])
  test(`a renewal makes the time of a call longer: ${why}`, async (t) => {
    const { url, received } = await listener(t);
    const { sink, refused } = sending(
      url,
      async () => {
        const end = async () =>
          (await world.db.query<{ at: Date }>('end', 'select lease_until as at from lane where holder is not null'))[0]!
            .at;
        world.time.now = at;
        const before = await end();
        await until('it is renewed', async () => (await end()) > before);
        // The hub hears of it a moment after it stands in the ledger; the next time comes two thirds of a second later.
        await new Promise((resolve) => setTimeout(resolve, 200));
        world.time.now = last;
      },
      { deadline: '10s' },
    );
    const world = await owed(t, 3, sink, 2);
    assert.equal(await world.once(), 3);
    assert.deepEqual([received(), refused], [1, []]);
    const asked = world.asked();
    await new Promise((resolve) => setTimeout(resolve, 1500));
    assert.equal(world.asked(), asked, 'with the call its renewals end');
  });

test('a lease that was taken over ends the call', async (t) => {
  const target = new Target();
  const ended = gate();
  const sink = target.sink({
    deadline: '60s',
    answer: async (items, cx) => {
      await world.db.query('over', `update lane set epoch = epoch + 1 where key = (select min(key) from lane)`);
      await new Promise((resolve) => cx.signal.addEventListener('abort', resolve, { once: true }));
      assert.match(String(cx.signal.reason), /taken over/);
      ended.open();
      return target.commit(items);
    },
  });
  const world = await owed(t, 2, sink, 1);
  await Promise.all([world.once(), ended.opened]);
  assert.deepEqual(await world.states(), [{ state: 'leased' }], 'of that lane nothing is written, of the other all');
});

test('an answer for other than what was sent leaves it unknown; one about fewer than was asked says nothing', async (t) => {
  const fewer = await owed(t, 2, new Target().sink({ settle: '60s', answer: () => [] }));
  assert.equal(await fewer.once(), 2);
  assert.deepEqual(await fewer.states(), [{ state: 'unknown' }, { state: 'unknown' }]);

  for (const broken of ['answers too few', 'cannot find'] as const) {
    const target = new Target({ byKey: false });
    const sink: Sink<typeof NoteDocument> = target.sink({ settle: 0, find: () => [] });
    if (broken === 'cannot find') delete (sink as { find?: unknown }).find;
    const world = await owed(t, 1, sink);
    await world.db.query('doubt', "update delivery set state = 'unknown', settled_at = now(), attempts = 1");
    assert.equal(await world.once(), 1, broken);
    assert.deepEqual([target.calls, await world.states()], [[], [{ state: 'unknown' }]], broken);
  }
});

test('nothing is claimed while the connection is to be left alone', async (t) => {
  const target = new Target();
  const world = await owed(t, 1, target.sink());
  world.breaker.wait(5);
  assert.equal(await world.once(), null);
  assert.deepEqual(await world.states(), [{ state: 'waiting' }]);
  world.time.now = 5_000;
  assert.equal(await world.once(), 1);
  assert.equal(await world.once(), 0, 'nothing is left');
  assert.deepEqual(target.values('a'), [1]);
});

test('what the target asked for stands, also where a call that was on its way lands after it, and for what was claimed before it was heard', async (t) => {
  const target = new Target();
  const world = await owed(t, 1, target.sink());
  world.breaker.wait(5);
  world.breaker.succeeded();
  assert.equal(await world.once(), null);
  world.time.now = 5_000;
  world.during.claim = () => world.breaker.wait(5);
  assert.equal(await world.once(), null);
  assert.deepEqual(target.calls, []);
  assert.deepEqual(await world.db.query('given back', 'select state, attempts from delivery'), [
    { state: 'waiting', attempts: 0 },
  ]);
  world.during.claim = () => {};
  world.time.now = 10_000;
  assert.equal(await world.once(), 1);
  assert.deepEqual(target.values('a'), [1]);
});
