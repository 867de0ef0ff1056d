import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Incoming } from '../../src/core/connector.ts';
import { TRACE_LABEL } from '../../src/core/trace.ts';
import { Doorbell } from '../../src/engine/doorbell.ts';
import { eventRow, Intake, withStorableNames } from '../../src/engine/intake.ts';
import type { Terms } from '../../src/engine/parts.ts';
import { Database, isAway, type Sql } from '../../src/ledger/database.ts';
import { readFigures } from '../../src/ledger/figures.ts';
import { noteHub, testLedger } from '../support/hub.ts';
import { gate, Target, until } from '../support/target.ts';

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

/** An Intake whose commits a test holds up, and whose clock stands at `time.now`: how many arrivals, of how many bytes, each commit had. */
function heldUp(changes: Partial<Terms> = {}) {
  const commits: number[] = [];
  const time = { now: 0 };
  const { opened, open } = gate();
  const sql: Sql = {
    query: async <Row>(_name: string, _text: string, [ids]: unknown[] = []) =>
      // An array of texts as the ledger writes it: {"a","b"}.
      (JSON.parse(`[${String(ids).slice(1, -1)}]`) as string[]).map((id) => ({ event_id: id })) as Row[],
  };
  const db = {
    statement: async (work: (sql: Sql) => Promise<Set<string>>, patience: number) => {
      assert.equal(patience, { ...terms, ...changes }.intakeSeconds * 1000);
      const stored = await work(sql);
      commits.push(stored.size);
      await opened;
      return stored;
    },
  } as unknown as Database;
  const bell = new Doorbell();
  const intake = new Intake({
    db,
    vault: ledger.vault,
    estate,
    clock: { ...clock, monotonic: () => time.now },
    terms: { ...terms, ...changes },
    bell,
  });
  const told: string[] = [];
  const rung: string[] = [];
  bell.ring = (topic) => void rung.push(topic);
  /** Sends arrivals of so many bytes; what each is told is in `told`. */
  const receive = (...sizes: number[]): Promise<unknown> =>
    Promise.all(
      sizes.map((size, n) =>
        intake
          .receive({ connection: 'from', source: 'notes', incoming: incoming(`${n}`, { bytes: Buffer.alloc(size) }) })
          .then(
            (receipt) => void told.push(receipt),
            (error: { code: string }) => void told.push(error.code),
          ),
      ),
    );
  return { commits, time, receive, open, told, rung };
}
const MIB = 1024 * 1024;
/** What sealing adds. */
const SEAL = 29;

test('a commit takes 500 arrivals, or 8 MiB of them, and one that is larger alone', async () => {
  const many = heldUp();
  const sent = many.receive(...Array.from({ length: 1_201 }, () => 1));
  many.open();
  await sent;
  assert.deepEqual([many.commits, many.rung], [[500, 500, 201], Array(3).fill('route')]);

  const large = heldUp({ intakeQueue: { arrivals: 100, bytes: 100 * MIB } });
  const half = 4 * MIB - SEAL;
  const all = large.receive(half, half, half, half + 1, 9 * MIB, 1, 1);
  large.open();
  await all;
  assert.deepEqual(large.commits, [2, 1, 1, 1, 2]);
  assert.deepEqual(new Set(large.told), new Set(['new']));
});

test('above what may wait an arrival is refused at once; what was stored makes room again', async () => {
  for (const intakeQueue of [
    { arrivals: 3, bytes: MIB },
    { arrivals: 100, bytes: 3 * (1 + SEAL) },
  ]) {
    const { receive, open, told } = heldUp({ intakeQueue });
    const sent = receive(1, 1, 1, 1);
    await until('it is told', () => told.length > 0);
    assert.deepEqual(told, ['OVERLOADED'], JSON.stringify(intakeQueue));
    open();
    await sent;
    await receive(1, 1, 1);
    assert.deepEqual(told.slice(1), Array(6).fill('new'));
  }
});

test('who waits for longer than the terms allow is told so, in the commit or behind it; who came later is not', async () => {
  const { receive, open, told, time, commits } = heldUp({
    intakeSeconds: 5,
    intakeQueue: { arrivals: 100, bytes: 3 * (1 + SEAL) },
  });
  const leaving = receive(1);
  await until('its commit is under way', () => commits.length === 1);
  const late = Promise.all([leaving, receive(1, 1)]);
  time.now = 4_000;
  const later = receive(1);
  time.now = 4_999;
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.deepEqual(told, [], 'to the moment');
  time.now = 5_000;
  await late;
  assert.deepEqual(told, Array(3).fill('LEDGER_AWAY'));
  const next = receive(1, 1);
  open();
  await Promise.all([later, next]);
  assert.deepEqual(
    [told.slice(3), commits],
    [
      ['new', 'new', 'new'],
      [1, 3],
    ],
  );
});

test('a key that is no text is another than the text that stands for it; labels, version and trace come along', async () => {
  const receive = intakeOn(ledger.db);
  const keys = ['x\ud800', 'x\ud801', 'x\ufffd'];
  for (const [n, dedupeKey] of keys.entries())
    assert.equal(await receive(`odd-${n}`, { dedupeKey, labels: { n: String(n) }, sourceVersion: BigInt(n) }), 'new');
  for (const dedupeKey of keys) assert.equal(await receive('odd-again', { dedupeKey }), 'duplicate');
  const rows = await ledger.db.query(
    'odd',
    "select labels, source_version from event where subject like 'note:odd-%' order by seq",
  );
  assert.deepEqual(
    rows,
    [0n, 1n, 2n].map((version) => ({ labels: { n: String(version) }, source_version: version })),
  );
});

test('names that no ledger can hold are made storable where nobody can be told', () => {
  const fine = incoming('fine', { labels: { invoice: 'A' } });
  assert.equal(withStorableNames(fine), fine);
  for (const [changes, subject, labels] of [
    [{ subject: 'a\0b' }, 'a\ufffdb', {}],
    [{ subject: 'a\ud800' }, 'a\ufffd', {}],
    [{ labels: { 'n\0': 'v' } }, 'note:x', { 'n\ufffd': 'v' }],
    [{ labels: { good: 'v', n: 'v\udc00' } }, 'note:x', { good: 'v', n: 'v\ufffd' }],
  ] as const) {
    const stored = withStorableNames(incoming('x', changes));
    assert.deepEqual([stored.subject, stored.labels ?? {}], [subject, labels]);
  }
});

test('what no ledger can count is stored without its worth, and holds up neither its neighbours nor the figures', async () => {
  const receive = intakeOn(ledger.db);
  const most = 10n ** 15n;
  const worth = (currency: string, minor: bigint, absolute = minor) => ({
    measure: { lines: 2, currency, minor, absolute },
  });
  const sent: Record<string, Partial<Incoming>> = {
    'worth-1': worth('QQQ', 110n),
    'worth-2': worth('gbp', 110n),
    'worth-3': worth('GBP', 1n, 9_907_919_180_215_090_100n),
    'worth-4': worth('GBP', -most - 1n, most),
    'worth-5': worth('GBP', -most, most),
    'worth-6': { ...worth('GBP', 110n), sourceVersion: 2n ** 63n },
    'worth-7': { ...worth('GBP', 110n), sourceVersion: -(2n ** 63n) },
  };
  const receipts = await Promise.all(Object.entries(sent).map(([key, changes]) => receive(key, changes)));
  assert.deepEqual(new Set(receipts), new Set(['new']));
  const rows = await ledger.db.query(
    'worth',
    `select lines, currency, minor, absolute, source_version as version from event where subject like 'note:worth-%' order by subject`,
  );
  const none = { lines: 2, currency: null, minor: 0n, absolute: 0n, version: null };
  const some = { lines: 2, currency: 'GBP', minor: 110n, absolute: 110n, version: null };
  assert.deepEqual(rows, [
    ...[none, none, none, none],
    { ...some, minor: -most, absolute: most },
    some,
    { ...some, version: -(2n ** 63n) },
  ]);
  const { measures } = await readFigures(ledger.db);
  assert.ok(measures.every(({ currency }) => currency === null || currency === 'GBP'));
});

test('a trace that came along is one of the labels, and no label where none came', () => {
  const labelsOf = (changes: Partial<Incoming>, trace?: string) =>
    eventRow(
      { vault: ledger.vault, estate },
      { connection: 'from', source: 'notes', incoming: incoming('x', changes), ...(trace ? { trace } : {}) },
    ).labels;
  assert.deepEqual(
    [labelsOf({}), labelsOf({ labels: { a: '1' } }), labelsOf({}, 'T'), labelsOf({ labels: { a: '1' } }, 'T')],
    [{}, { a: '1' }, { [TRACE_LABEL]: 'T' }, { a: '1', [TRACE_LABEL]: 'T' }],
  );
});

test('a commit that fails is tried again one by one, never one by one when the ledger is away or it was one', async () => {
  for (const [error, commits] of [
    [Object.assign(new Error('away'), { code: 'ECONNREFUSED' }), 1],
    [new Error('poisoned'), 4],
  ] as const) {
    let tried = 0;
    const db = {
      statement: async () => {
        tried += 1;
        throw error;
      },
    } as unknown as Database;
    const receive = intakeOn(db);
    const told = await Promise.allSettled(['1', '2', '3'].map((key) => receive(key)));
    assert.deepEqual(
      told.map((one) => one.status === 'rejected' && one.reason),
      [error, error, error],
    );
    assert.equal(tried, commits, error.message);
  }
});
