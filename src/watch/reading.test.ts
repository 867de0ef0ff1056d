import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testLedger } from '../../tests/support/hub.ts';
import { systemClock } from '../core/clock.ts';
import { newId } from '../core/ids.ts';
import { appendAudit, sealAudit } from '../ledger/audit.ts';
import type { Reader } from '../ledger/database.ts';
import { openExceptions } from '../ledger/exceptions.ts';
import { heartbeat } from '../ledger/leases.ts';
import { latestExceptions, readVitals } from '../ledger/vitals.ts';
import { LedgerReader } from './reading.ts';

const ledger = await testLedger();
after(() => ledger.db.close());

test('vitals of a new ledger, then with a node, an audit record and its seal', async () => {
  const { db } = ledger;
  assert.deepEqual(await readVitals(db), {
    oldestWaitingSeconds: 0,
    lateDeliveries: 0,
    oldestUnroutedSeconds: 0,
    unsealedAudit: 0,
    liveNodes: 0,
  });
  await heartbeat(db, newId(), {});
  await appendAudit(db, [{ entity: 'main', actor: 'test', action: 'test.done', object: 'test:1' }]);
  assert.deepEqual(await readVitals(db), {
    oldestWaitingSeconds: 0,
    lateDeliveries: 0,
    oldestUnroutedSeconds: 0,
    unsealedAudit: 1,
    liveNodes: 1,
  });
  // Other transactions of the cluster may hold the sealing horizon back for a moment.
  for (let tries = 0; tries < 100 && (await sealAudit(db)) === 0; tries++) await systemClock.sleep(50);
  assert.equal((await readVitals(db)).unsealedAudit, 0);
});

test('the latest open Exceptions come first, and a reading holds them', async () => {
  const { db, vault } = ledger;
  const ids = Array.from({ length: 25 }, () => newId());
  await openExceptions(
    db,
    ids.map((id, n) => ({
      id,
      entity: 'main',
      flow: 'f',
      connection: 'c',
      subject: null,
      kind: null,
      key: null,
      eventId: null,
      deliveryId: null,
      holds: false,
      cause: 'test',
      field: null,
      message: vault.seal(`message ${n}`, `exception:${id}`),
      owner: 'tests',
      dueSeconds: 60,
      labels: {},
      lines: 1,
      currency: 'EUR',
      minor: 5n,
      absolute: 5n,
    })),
  );
  assert.deepEqual(
    (await latestExceptions(db, 3)).map(({ id }) => id),
    ids.slice(-3).reverse(),
  );
  const reading = await new LedgerReader(db, systemClock).read();
  assert.equal(reading.exceptions.length, 20);
  assert.deepEqual(reading.figures.exceptions, [{ cause: 'test', currency: 'EUR', count: 25, lines: 25, minor: 125n }]);
});

/** A stub whose statements are counted, wait for `gate`, and fail while `broken`. */
function stub() {
  const state = { asked: 0, broken: false, time: 0, gate: Promise.resolve() };
  const db: Reader = {
    snapshot: (work) => work(db),
    async query<Row>() {
      state.asked++;
      await state.gate;
      if (state.broken) throw new Error('Connection terminated');
      return [] as Row[];
    },
  };
  return { state, db, clock: { ...systemClock, monotonic: () => state.time } };
}

test('many who look at once cost one reading, and it is kept five seconds', async () => {
  const { state, db, clock } = stub();
  const reader = new LedgerReader(db, clock);
  const readings = await Promise.all(Array.from({ length: 50 }, () => reader.read()));
  const cost = state.asked;
  assert.equal(new Set(readings).size, 1);
  state.time = 4_999;
  await reader.read();
  assert.equal(state.asked, cost);
  state.time = 5_001;
  await reader.read();
  assert.equal(state.asked, 2 * cost);
});

test('a failing ledger is LEDGER_AWAY, the last reading stays, and the next look asks again', async () => {
  const { state, db, clock } = stub();
  const reader = new LedgerReader(db, clock);
  const first = await reader.read();
  Object.assign(state, { broken: true, time: 60_000 });
  await assert.rejects(reader.read(), { code: 'LEDGER_AWAY' });
  assert.equal(reader.last, first);
  state.broken = false;
  assert.notEqual(await reader.read(), first);
});

test('a ledger that hangs is given up after the patience', async () => {
  const { state, db } = stub();
  state.gate = new Promise(() => undefined);
  const reader = new LedgerReader(db, { ...systemClock, sleep: async () => undefined });
  await assert.rejects(reader.read(), { code: 'LEDGER_AWAY', message: /no answer within 8 s/ });
});
