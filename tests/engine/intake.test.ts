import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Incoming } from '../../src/core/connector.ts';
import { Doorbell } from '../../src/engine/doorbell.ts';
import { Intake } from '../../src/engine/intake.ts';
import { Database, isAway } from '../../src/ledger/database.ts';
import { noteHub, testLedger } from '../support/hub.ts';
import { Target, until } from '../support/target.ts';

const ledger = await testLedger();
after(() => ledger.db.close());
const { estate, clock, terms } = noteHub(ledger, new Target().sink()).parts;

const incoming = (key: string, changes: Partial<Incoming> = {}): Incoming => ({
  dedupeKey: key,
  subject: `note:${key}`,
  occurredAt: new Date(),
  bytes: Buffer.from(key),
  ...changes,
});

function intakeOn(db: Database) {
  const intake = new Intake({ db, vault: ledger.vault, estate, clock, terms, bell: new Doorbell() });
  return (key: string, changes?: Partial<Incoming>) =>
    intake.receive({ connection: 'from', source: 'notes', incoming: incoming(key, changes) });
}

async function stored(prefix: string): Promise<string[]> {
  const rows = await ledger.db.query<{ subject: string }>(
    'stored',
    'select subject from event where subject like $1 order by seq',
    [`note:${prefix}%`],
  );
  return rows.map(({ subject }) => subject.slice('note:'.length));
}

test('arrivals at the same time share commits', async () => {
  let commits = 0;
  const counting = {
    statement: (work: Parameters<Database['statement']>[0], patience: number) => {
      commits += 1;
      return ledger.db.statement(work, patience);
    },
  } as Database;
  const receive = intakeOn(counting);
  const keys = Array.from({ length: 300 }, (_, n) => `shared-${String(n).padStart(3, '0')}`);
  const receipts = await Promise.all(keys.map((key) => receive(key)));
  assert.deepEqual(new Set(receipts), new Set(['new']));
  assert.deepEqual(await stored('shared-'), keys, 'in the order of their arrival');
  assert.equal(commits, 1);
});

test('fifty sends of one key at the same instant, to two hubs, are one event', async () => {
  const doors = [intakeOn(ledger.db), intakeOn(ledger.db)];
  for (let round = 0; round < 5; round++) {
    const receipts = await Promise.all(Array.from({ length: 50 }, (_, n) => doors[n % 2]!(`same-${round}`)));
    assert.equal(receipts.filter((receipt) => receipt === 'new').length, 1);
    assert.equal((await stored(`same-${round}`)).length, 1);
  }
});

test('a poisoned arrival in a shared commit is refused alone', async () => {
  const receive = intakeOn(ledger.db);
  const outcomes = await Promise.allSettled([
    receive('poison-first'),
    receive('poison-a'),
    receive('poison-nul', { labels: { invoice: 'A\0B' } }),
    receive('poison-b'),
    receive('poison-surrogate', { labels: { invoice: 'A\ud800B' } }),
    receive('poison-subject', { subject: 'note:poison-\0' }),
    receive('poison-c'),
  ]);
  const told = outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : 'refused'));
  assert.deepEqual(told, ['new', 'new', 'refused', 'new', 'refused', 'refused', 'new']);
  assert.deepEqual(await stored('poison-'), ['poison-first', 'poison-a', 'poison-b', 'poison-c']);
});

const repeatsOf = async (key: string): Promise<number> =>
  (
    await ledger.db.query('repeats', "select from event_history where subject = $1 and outcome = 'duplicate'", [
      `note:${key}`,
    ])
  ).length;

test('what comes again is in history when it is answered, be it in the same commit', async () => {
  const receive = intakeOn(ledger.db);
  assert.equal(await receive('again'), 'new');
  assert.equal(await receive('again'), 'duplicate');
  assert.equal(await repeatsOf('again'), 1);
  const [, ...together] = await Promise.all([
    receive('first'),
    ...['twice', 'twice', 'again'].map((key) => receive(key)),
  ]);
  assert.deepEqual(together, ['new', 'duplicate', 'duplicate']);
  assert.deepEqual([await repeatsOf('twice'), await repeatsOf('again')], [1, 2]);
});

test('a repeat that history does not take is not acknowledged, and what was new beside it is', async () => {
  let broken = true;
  const statement: Database['statement'] = (work, patience) =>
    ledger.db.statement(
      (sql) =>
        work({
          query: (name, text, values) =>
            broken && name === 'events_repeated' ? Promise.reject(new Error('no room')) : sql.query(name, text, values),
        }),
      patience,
    );
  const receive = intakeOn({ statement } as Database);
  assert.equal(await receive('kept'), 'new');
  const sent = [receive('before'), receive('kept'), receive('beside')];
  const outcomes = await Promise.allSettled(sent);
  assert.deepEqual(
    outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : 'refused')),
    ['new', 'refused', 'new'],
  );
  assert.equal(await repeatsOf('beside'), 0);
  broken = false;
  assert.equal(await receive('kept'), 'duplicate');
});

test('an absent ledger is an error, never an acknowledgement', async () => {
  const nowhere = Database.open('postgres://nobody@127.0.0.1:1/nothing');
  await assert.rejects(intakeOn(nowhere)('away'), (error) => isAway(error));
  await nowhere.close();
});

test('a ledger that breaks off in the middle of a commit is an error; the sender sends again and it is stored once', async () => {
  const own = Database.open(ledger.url, { application: 'breaks-off' });
  const receive = intakeOn(own);
  const lock = await ledger.db.session();
  await lock.query('begin; lock table event in exclusive mode');
  const sent = Promise.all([
    assert.rejects(receive('broken-1'), (error) => isAway(error)),
    assert.rejects(receive('broken-2'), (error) => isAway(error)),
  ]);
  const kill = `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'breaks-off' and wait_event_type = 'Lock'`;
  let killed = 0;
  await until('their commit is broken off', async () => {
    killed += (await ledger.db.query('kill', kill)).length;
    return killed > 0;
  });
  await sent;
  await lock.query('rollback');
  lock.release();
  assert.deepEqual(await stored('broken-'), []);
  assert.deepEqual(await Promise.all([receive('broken-1'), receive('broken-2')]), ['new', 'new']);
  assert.equal(await receive('broken-2'), 'duplicate');
  assert.deepEqual(await stored('broken-'), ['broken-1', 'broken-2']);
  await own.close();
});
