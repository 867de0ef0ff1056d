import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { systemClock } from '../../src/core/clock.ts';
import { newId } from '../../src/core/ids.ts';
import { Breaker } from '../../src/engine/breaker.ts';
import { Deliverer } from '../../src/engine/deliver.ts';
import { LeaseKeeper } from '../../src/engine/leases.ts';
import { storeRead } from '../../src/engine/poll.ts';
import { shardOf } from '../../src/engine/wiring.ts';
import { readCursor } from '../../src/ledger/connections.ts';
import { SHARDS } from '../../src/ledger/events.ts';
import { listExceptions } from '../../src/ledger/exceptions.ts';
import { readFigures } from '../../src/ledger/figures.ts';
import { takeLeases } from '../../src/ledger/leases.ts';
import { drained, idle, noteHub, send, silent, type TestLedger, testLedger } from '../support/hub.ts';
import { gate, type NoteItem, rejection, Target, until } from '../support/target.ts';

const expireLanes = (ledger: TestLedger) =>
  ledger.db.query('expire', 'update lane set lease_until = clock_timestamp() where holder is not null');

/** A hub that routed one note and then called the target, which has it in hand when the hub's lease runs out. */
async function frozenCall(ledger: TestLedger, target: Target, options: { commits: boolean; idempotency?: 'unsafe' }) {
  const { opened, open } = gate();
  const answer = async (items: readonly NoteItem[]) => {
    if (options.commits) target.commit(items);
    await opened;
    return [rejection('said long after')];
  };
  const sink = {
    settle: '1s',
    deadline: '1s',
    ...(options.idempotency ? { idempotency: options.idempotency } : {}),
  } as const;
  const frozen = noteHub(ledger, target.sink({ ...sink, answer }));
  await ledger.db.query(
    'known',
    `insert into connection (name, entity, connector, state) values ('target', 'main', 'test', 'paused')`,
  );
  await frozen.start();
  await send(frozen, { id: 'a', n: 1 });
  await until('it is routed', async () => (await readFigures(ledger.db)).events.waiting === 0);
  await frozen.stop();
  await ledger.db.query('resume', `update connection set state = 'active'`);
  const call = new Deliverer(frozen.parts, frozen.parts.wiring.sinks[0]!, new Breaker(systemClock)).once(() => true);
  await until('the call is under way', () => target.calls.length === 1);
  await expireLanes(ledger);
  return { other: noteHub(ledger, target.sink(sink)), open, call };
}

describe('leases', { concurrency: 4 }, () => {
  for (const commits of [true, false])
    test(`a lease lost after its Intent leaves an unknown outcome, asked for when settled (the target ${commits ? 'had' : 'had not'} committed)`, async (t) => {
      const ledger = await testLedger(t);
      const target = new Target({ byKey: false });
      const { other, open, call } = await frozenCall(ledger, target, { commits });
      const started = performance.now();
      await other.start();
      await until('the lease is reaped', async () => (await readFigures(ledger.db)).deliveries.leased === 0);
      const [delivery] = await ledger.db.query<{ state: string; held: boolean }>(
        'reaped',
        'select state, not_before >= intent_settles as held from delivery',
      );
      if (delivery) assert.deepEqual(delivery, { state: 'unknown', held: true });
      await idle(other);
      await other.stop();
      open();
      await call;
      assert.equal(target.records.get('a')!.length, 1);
      assert.equal(target.finds.length, 1);
      assert.ok(target.finds[0]!.at - started > 0);
    });

  test('what a hub says about a lane that was taken over is not written', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    const { other, open, call } = await frozenCall(ledger, target, { commits: true });
    await other.start();
    await idle(other);
    const before = await readFigures(ledger.db);
    assert.equal(before.deliveries.delivered, 1);
    open();
    await call;
    await idle(other);
    await other.stop();
    assert.deepEqual(await readFigures(ledger.db), before);
    assert.equal((await listExceptions(ledger.db, null, 10)).length, 0);
    assert.deepEqual(target.values('a'), [1]);
  });

  test('what a hub says about a lane that was taken over and is leased anew is not written', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    const { opened, open } = gate();
    const late = { settle: '1s', deadline: '60s' } as const;
    const first = await frozenCall(ledger, target, { commits: false });
    const second = noteHub(
      ledger,
      target.sink({ ...late, answer: async (items) => opened.then(() => target.commit(items)) }),
    );
    await second.start();
    await until('the second call is under way', () => target.calls.length === 2);
    first.open();
    await first.call;
    const { deliveries } = await readFigures(ledger.db);
    assert.deepEqual([deliveries.leased, deliveries.parked, deliveries.delivered], [1, 0, 0]);
    open();
    await idle(second);
    await second.stop();
    assert.equal((await readFigures(ledger.db)).deliveries.delivered, 1);
    assert.equal((await listExceptions(ledger.db, null, 10)).length, 0);
  });

  test('a call to an unprotected target whose hub is gone is a question to a person, never a second call', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target({ byKey: false });
    const { other, open, call } = await frozenCall(ledger, target, { commits: true, idempotency: 'unsafe' });
    await other.start();
    await idle(other);
    await other.stop();
    open();
    await call;
    assert.equal(target.calls.length, 1);
    assert.equal((await listExceptions(ledger.db, null, 10))[0]!.cause, 'outcome-unknown');
  });

  test("a call's lease is renewed while it is alive, by the ledger's clock, and no longer than its deadline", async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    const { opened, open } = gate();
    const skewed = { ...systemClock, now: () => new Date(Date.now() - 3_600_000) };
    const answer = (items: readonly NoteItem[]) => opened.then(() => target.commit(items));
    const hub = noteHub(ledger, target.sink({ deadline: '60s', answer }), {
      clock: skewed,
      terms: { leaseSeconds: 2 },
    });
    await hub.start();
    await send(hub, { id: 'a', n: 1 });
    await until('the call is under way', () => target.calls.length === 1);
    const lease = async () =>
      (
        await ledger.db.query<{ until: Date; alive: boolean; bounded: boolean }>(
          'lease',
          `select lease_until as until, lease_until > clock_timestamp() as alive, lease_until <= intent_deadline as bounded from lane join delivery on lane_key = lane.key`,
        )
      )[0]!;
    const first = await lease();
    await until('it is renewed', async () => (await lease()).until > first.until);
    const renewed = await lease();
    assert.deepEqual([renewed.alive, renewed.bounded], [true, true]);
    open();
    await idle(hub);
    await hub.stop();
    assert.equal(target.calls.length, 1);
  });

  test('two hubs are one writer', async (t) => {
    const ledger = await testLedger(t);
    const target = new Target();
    let calls = 0;
    let most = 0;
    const answer = async (items: readonly NoteItem[]) => {
      calls += 1;
      most = Math.max(most, calls);
      await new Promise((resolve) => setTimeout(resolve, 10));
      calls -= 1;
      return target.commit(items);
    };
    const sink = () => target.sink({ answer, batch: { max: 5, onFailure: 'independent' } });
    const hubs = [
      noteHub(ledger, sink(), { writer: 'odoo' }),
      noteHub(ledger, sink(), { writer: 'odoo', terms: { leaseSeconds: 6 } }),
    ] as const;
    await Promise.all(hubs.map((hub) => hub.start()));
    await Promise.all(Array.from({ length: 100 }, (_, n) => send(hubs[n % 2]!, { id: `a${n}`, n: 1 })));
    await until('some are delivered', () => target.effects.length > 0);
    const [lease] = await ledger.db.query<{ holder: string }>(
      'writer',
      `select holder from lease where name = 'writer:odoo'`,
    );
    const holder = hubs.find(({ parts }) => parts.node === lease!.holder)!;
    await holder.stop();
    const left = hubs.find((hub) => hub !== holder)!;
    await until('the other one writes', async () => {
      await send(left, { id: `b${Math.random()}`, n: 1 });
      return (await ledger.db.query('wrote', 'select from attempt where node = $1', [left.parts.node])).length > 0;
    });
    await drained(left);
    await left.stop();
    assert.equal(most, 1);
  });

  test('a zombie poller cannot move the cursor back, nor store what it read', async (t) => {
    const ledger = await testLedger(t);
    const hub = noteHub(ledger, new Target().sink());
    const port = hub.parts.wiring.sources[0]!;
    const item = (key: string) => ({ dedupeKey: key, subject: key, occurredAt: new Date(), bytes: Buffer.from('{}') });
    const rung: string[] = [];
    hub.parts.bell.ring = (topic) => void rung.push(topic);
    const [zombie] = await takeLeases(ledger.db, newId(), ['poller'], 30);
    assert.equal((await storeRead(hub.parts, port, zombie!, [item('a')], 'page 1'))?.size, 1);
    await ledger.db.query('expire', `update lease set expires_at = clock_timestamp()`);
    const [current] = await takeLeases(ledger.db, newId(), ['poller'], 30);
    assert.equal((await storeRead(hub.parts, port, current!, [item('b')], 'page 2'))?.size, 1);
    assert.equal(await storeRead(hub.parts, port, zombie!, [item('c')], 'page 1b'), null);
    assert.equal(await readCursor(ledger.db, 'from', 'notes'), 'page 2');
    assert.deepEqual(rung, ['route', 'route'], 'the router is woken for what was stored');
    assert.equal((await readFigures(ledger.db)).events.received, 2);
  });

  test('a polled record whose names cannot be stored does not hold up what comes after it', async (t) => {
    const ledger = await testLedger(t);
    const hub = noteHub(ledger, new Target().sink());
    const port = hub.parts.wiring.sources[0]!;
    const [lease] = await takeLeases(ledger.db, newId(), ['poller'], 30);
    const item = {
      dedupeKey: 'a\0',
      subject: 'note:\0',
      occurredAt: new Date(),
      bytes: Buffer.from('\0'),
      labels: { invoice: 'A\ud800B' },
    };
    assert.equal((await storeRead(hub.parts, port, lease!, [item], 'page 1'))?.size, 1);
    const rows = await ledger.db.query('names', 'select subject, labels from event');
    assert.deepEqual(rows, [{ subject: 'note:\ufffd', labels: { invoice: 'A\ufffdB' } }]);
  });

  test('a lease is given up by our own clock before the ledger lets another take it', async (t) => {
    const ledger = await testLedger(t);
    let now = 0;
    const clock = { ...systemClock, monotonic: () => now };
    const keeper = new LeaseKeeper({ db: ledger.db, clock, log: silent, holder: newId(), seconds: 30 });
    keeper.want('x');
    await keeper.refresh();
    now = 28_900;
    assert.equal(keeper.held('x')?.name, 'x');
    now = 29_000;
    assert.equal(keeper.held('x'), null);
    const other = newId();
    assert.deepEqual(await takeLeases(ledger.db, other, ['x'], 30), [], "by the ledger's clock it is still ours");
    await ledger.db.query('expire', 'update lease set expires_at = clock_timestamp()');
    const [taken] = await takeLeases(ledger.db, other, ['x'], 30);
    await keeper.refresh();
    assert.equal(keeper.held('x'), null);
    await keeper.release();
    assert.deepEqual((await takeLeases(ledger.db, other, ['x'], 30))[0]!.epoch, taken!.epoch, 'still the other one');
  });

  test('refreshing and releasing at the same time forget nothing and keep nothing', async (t) => {
    const ledger = await testLedger(t);
    const keeper = new LeaseKeeper({ db: ledger.db, clock: systemClock, log: silent, holder: newId(), seconds: 30 });
    for (let round = 0; round < 20; round++) {
      const name = `x${round}`;
      keeper.want(name);
      await Promise.all([keeper.refresh(), keeper.refresh(), keeper.refresh()]);
      assert.equal(keeper.held(name)?.name, name);
      await Promise.all([keeper.refresh(), keeper.release([name]), keeper.refresh()]);
      assert.equal(keeper.held(name), null);
    }
    const held = await ledger.db.query('held', 'select name from lease where holder is not null');
    assert.deepEqual(held, []);
  });

  test('two hubs share the shards fairly, and one takes all when it is left alone', async (t) => {
    const ledger = await testLedger(t);
    const ids = Array.from({ length: SHARDS }, (_, shard) => {
      for (let n = 0; ; n++) if (shardOf('from', `note:s${n}`) === shard) return `s${n}`;
    });
    const hubs = [noteHub(ledger, new Target().sink()), noteHub(ledger, new Target().sink())] as const;
    let n = 0;
    const work = () => Promise.all(ids.map((id) => send(hubs[0], { id, n: ++n })));
    const shares = async () => {
      await work();
      const rows = await ledger.db.query<{ holder: string; count: number }>(
        'shares',
        `select holder, count(*)::int as count from lease where name like 'router:%' and holder is not null and expires_at > clock_timestamp() group by holder`,
      );
      return hubs.map((hub) => rows.find(({ holder }) => holder === hub.parts.node)?.count ?? 0);
    };
    await hubs[0].start();
    await until('the first has all', async () => (await shares())[0] === SHARDS);
    await hubs[1].start();
    await until('both have half', async () => (await shares()).every((count) => count === SHARDS / 2));
    await hubs[1].stop();
    await until('the first has all again', async () => (await shares())[0] === SHARDS);
    await hubs[0].stop();
  });
});
