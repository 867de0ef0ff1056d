import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { FaultError } from '../../src/core/fault.ts';
import { patienceOf, raiseForlorn } from '../../src/engine/awaited.ts';
import { dismissException, retryException } from '../../src/engine/resolve.ts';
import { listExceptions } from '../../src/ledger/exceptions.ts';
import { noteReadToEnd } from '../../src/ledger/leases.ts';
import { traceSteps } from '../../src/ledger/trace.ts';
import { readVitals } from '../../src/ledger/vitals.ts';
import { drained, noteHub, send, testLedger } from '../support/hub.ts';
import { Target, until } from '../support/target.ts';

const by = { by: 'ops', reason: 'as they said' };
const POLLER = 'poller:from:notes';

/** A hub whose notes may wait for one another, and a target that is away when told. */
async function desk(t: TestContext) {
  const ledger = await testLedger(t);
  const target = new Target();
  let away = false;
  const sink = target.sink({
    answer: (items) => {
      if (away) throw new FaultError({ kind: 'transient', message: 'nobody answers' });
      return target.commit(items);
    },
  });
  const hub = noteHub(ledger, sink, { terms: { attempts: 1000, awaitedSeconds: 3600 } });
  await hub.start();
  return {
    ledger,
    target,
    hub,
    setAway: (now: boolean) => {
      away = now;
    },
    tell: async (id: string, ...needs: string[]) => {
      await send(hub, { id, n: 1, needs });
      await until('the note is routed', async () => (await hub.progress()).routable === 0);
    },
    /** Minutes pass for what is owed; events and deliveries that are not told to stay as they are. */
    pass: (minutes: number) =>
      ledger.db.query('pass', 'update delivery set promised_at = promised_at - make_interval(mins => $1)', [minutes]),
    look: async (paused = new Set<string>(), { isRead = true } = {}) => {
      if (isRead) await noteReadToEnd(ledger.db, [POLLER]);
      return raiseForlorn(hub.parts, paused);
    },
    open: async () =>
      (await listExceptions(ledger.db, null, 50)).map((row) => ({
        row,
        cause: row.cause,
        words: ledger.vault.unseal(row.message_sealed, `exception:${row.id}`).toString(),
      })),
  };
}

test('what waits far past its promise for records that nobody brings is one Exception, raised once, that closes when they come', async (t) => {
  const box = await desk(t);
  for (const id of ['a', 'b', 'c']) await box.tell(id, `${id}-needed`);
  await box.pass(3);
  assert.equal(await box.look(), 0, 'the promise is over, but not by far');
  await box.pass(10);
  const raised = await Promise.all([box.look(), box.look(), box.look()]);
  assert.equal(raised[0]! + raised[1]! + raised[2]!, 3);
  assert.equal(await box.look(), 0);
  const [told, ...others] = await box.open();
  assert.deepEqual(
    [told!.cause, told!.row.owner, told!.row.holds, others.length],
    ['awaits-nobody', 'tests', false, 0],
  );
  assert.match(
    told!.words,
    /^3 note for target wait for 3 note records a-needed, b-needed, c-needed, which target does not have and nothing brings\. The first has waited since 20.*; flow 'notes' promises 1m\. Flow 'notes' brings each note from from: .*crossdock adopt --flow notes/,
  );
  const steps = await traceSteps(box.ledger.db, box.ledger.vault, 'a');
  const delivery = steps.find(({ what }) => what === 'delivery')!;
  assert.deepEqual(delivery.detail.awaits, [{ kind: 'note', key: 'a-needed' }]);
  assert.ok(steps.some(({ what, about }) => what === 'exception' && about === 'awaits-nobody'));

  await box.tell('b-needed');
  await drained(box.hub);
  await box.look();
  assert.match((await box.open())[0]!.words, /^2 note for target wait for 2 note records a-needed, c-needed,/);
  for (const id of ['a-needed', 'c-needed']) await box.tell(id);
  await drained(box.hub);
  await box.look();
  assert.deepEqual(await box.open(), []);
  assert.deepEqual([...box.target.records.keys()].sort(), ['a', 'a-needed', 'b', 'b-needed', 'c', 'c-needed']);
  const audit = await box.ledger.db.query<{ action: string }>(
    'audit',
    "select action from audit where action like 'exception.%' order by at",
  );
  assert.deepEqual(
    audit.map(({ action }) => action),
    ['exception.opened', 'exception.answered'],
  );
});

test('what is under way is waited for: its own delivery, whatever else a system that is away is owed, and events that are not routed', async (t) => {
  const box = await desk(t);
  box.setAway(true);
  await box.tell('needed');
  await box.tell('a', 'needed');
  await box.pass(60);
  assert.equal(await box.look(), 0, 'the record is on its way');
  await box.tell('b', 'comes-with-another');
  await box.ledger.db.query(
    'older',
    "update delivery set created_at = created_at - interval '2 hours' where key = 'needed'",
  );
  await box.pass(60);
  assert.equal(await box.look(), 0, 'the target is away: that is its own matter');
  box.setAway(false);
  await drained(box.hub);
  // Every hour, so three hours are too long.
  for (const readAt of [null, "now() - interval '4 hours'"]) {
    await box.ledger.db.query(`unread ${readAt}`, `update lease set read_at = ${readAt} where name = '${POLLER}'`);
    assert.equal(await box.look(new Set(), { isRead: false }), 0, 'the source was not read of late, by any hub');
  }
  for (const paused of ['from', 'target']) assert.equal(await box.look(new Set([paused])), 0);
  await box.ledger.db.query(
    'event',
    `insert into event (id, entity, connection, source, subject, shard, occurred_at, received_at, not_before)
     values (gen_random_uuid(), 'main', 'from', 'notes', 'note:x', 1, now(), now() - interval '3 hours', now() + interval '1 hour')`,
  );
  assert.equal(await box.look(), 0, 'an event that may bring it is not routed yet');
  await box.ledger.db.query('routed', 'delete from event');
  assert.equal(await box.look(), 1);
  assert.match((await box.open())[0]!.words, /^1 note for target waits for the note comes-with-another,/);
});

test('a person may let it wait: dismissed it is not told again, retried it is after the time of its owner; new ones are told', async (t) => {
  const box = await desk(t);
  await box.tell('a', 'one');
  await box.pass(60);
  await box.look();
  await retryException(box.hub.parts, (await box.open())[0]!.row, by);
  assert.equal(await box.look(), 0);
  assert.deepEqual(await box.open(), []);
  await box.ledger.db.query('patient', "update binding set patient_until = patient_until - interval '1 day'");
  assert.equal(await box.look(), 1);
  const late = async () => (await readVitals(box.ledger.db)).lateDeliveries;
  assert.equal(await late(), 1);
  await dismissException(box.hub.parts, (await box.open())[0]!.row, by);
  assert.equal(await box.look(), 0);
  assert.equal(await late(), 0, 'somebody said that it is right so');
  await box.tell('b', 'two');
  await box.pass(60);
  assert.equal(await box.look(), 1);
  const [told, ...others] = await box.open();
  assert.equal(others.length, 0);
  assert.match(told!.words, /^1 note for target waits for the note two,/);
  await box.tell('one');
  await drained(box.hub);
  assert.ok(box.target.records.has('a'), 'what was dismissed goes on all the same when its record comes');
});

test('patience: once more the promise where it is critical, three times where not, at least 5 minutes, at most the owner’s time', () => {
  const of = (within: '1m' | '30m' | '4h', critical: boolean, owner: '1m' | '1h' | '1d') =>
    patienceOf({ promise: { within, critical }, onException: { owner: 'x', within: owner, hold: 'lane' } }) / 60_000;
  assert.deepEqual(
    [of('1m', true, '1h'), of('30m', true, '1d'), of('30m', false, '1d'), of('4h', false, '1h'), of('1m', true, '1m')],
    [5, 30, 90, 60, 1],
  );
});
