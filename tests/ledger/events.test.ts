import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { newId } from '../../src/core/ids.ts';
import { sha256 } from '../../src/core/seal.ts';
import {
  appendEvents,
  delayEvent,
  finishEvents,
  type NewEvent,
  nextEvents,
  parkEvent,
  readSubjects,
  recordDuplicates,
  recordRepeats,
  type SubjectUpdate,
  shardsWithWork,
  writeSubjects,
} from '../../src/ledger/events.ts';
import { testLedger } from '../support/hub.ts';

const { db } = await testLedger();
after(() => db.close());
beforeEach(() => db.query('clean', 'truncate event, event_history, seen, subject'));

const event = (key: string, changes: Partial<NewEvent> = {}): NewEvent => ({
  id: newId(),
  entity: 'main',
  connection: 'from',
  source: 'notes',
  subject: `note:${key}`,
  shard: 3,
  sourceVersion: null,
  occurredAt: new Date('2026-03-01T12:00:00Z'),
  payload: Buffer.from(`bytes of ${key}`),
  labels: {},
  seenKey: sha256(key),
  lines: 1,
  currency: 'EUR',
  minor: 5n,
  absolute: 5n,
  ...changes,
});
/** As whoever stores does: what came again is recorded by a statement of its own. */
const append = async (...events: NewEvent[]) => {
  const stored = await appendEvents(db, events);
  await recordRepeats(
    db,
    events.filter(({ id }) => !stored.has(id)),
  );
  return stored;
};
/** By no index: what is in order is so because it was asked for. */
const next = (shard = 3, limit = 100): Promise<string[]> =>
  db.transaction(async (sql) => {
    await sql.query('', 'set local plan_cache_mode = force_custom_plan');
    for (const way of ['indexscan', 'indexonlyscan', 'bitmapscan'])
      await sql.query('', `set local enable_${way} = off`);
    const events = await nextEvents(sql, shard, limit);
    return events.map(({ subject, source_version }) => `${subject}/${source_version ?? ''}`);
  });
const outcomes = () => db.query('', 'select subject, outcome from event_history order by subject, outcome');

test('an event is stored once under its key, for its connection alone, and what comes again is told apart', async () => {
  const first = event('a');
  assert.deepEqual(await append(first), new Set([first.id]));
  const again = event('a');
  const elsewhere = event('a', { connection: 'other' });
  const other = event('b');
  assert.deepEqual(await append(again, elsewhere, other), new Set([elsewhere.id, other.id]));
  assert.deepEqual(
    await db.query('', 'select id from event order by seq'),
    [first, elsewhere, other].map(({ id }) => ({ id })),
  );
  assert.deepEqual(await db.query('', 'select id, outcome from event_history'), [
    { id: again.id, outcome: 'duplicate' },
  ]);
  assert.deepEqual(await db.query('', 'select event_id as id from seen where connection = $1 order by id', ['from']), [
    { id: first.id },
    { id: other.id },
  ]);
});

test('of one key sent twice in one call the first is the event', async () => {
  const [first, second] = [event('a', { payload: Buffer.from('1') }), event('a', { payload: Buffer.from('2') })];
  assert.deepEqual(await append(first, second), new Set([first.id]));
  assert.deepEqual(await db.query('', 'select payload_sealed from event'), [{ payload_sealed: Buffer.from('1') }]);
});

test('each event keeps its own bytes and key, of whatever length, in the order of arrival', async () => {
  const events = ['', 'x', 'yy'.repeat(5000), 'z'].map((text, n) =>
    event(`key ${9 - n}`, { payload: Buffer.from(text), minor: BigInt(n) }),
  );
  await append(...events);
  const stored = await db.query<{ payload_sealed: Buffer; minor: bigint }>(
    '',
    'select payload_sealed, minor from event order by seq',
  );
  assert.deepEqual(
    stored.map(({ payload_sealed, minor }) => [payload_sealed.toString(), minor]),
    events.map(({ payload, minor }) => [payload.toString(), minor]),
  );
  const keys = await db.query<{ key: Buffer; event_id: string }>('', 'select key, event_id from seen');
  for (const { id, seenKey } of events) assert.deepEqual(keys.find(({ event_id }) => event_id === id)?.key, seenKey);
});

test('the oldest of each subject is next, in order, of its shard; what stands behind a parked or delayed one waits', async () => {
  const of = (subject: string, version: number, changes: Partial<NewEvent> = {}): NewEvent =>
    event(`${subject} ${version} ${changes.connection}`, { subject, sourceVersion: BigInt(version), ...changes });
  const [c1, a1] = [of('c', 1), of('a', 1)];
  await append(
    c1,
    a1,
    of('a', 2),
    of('a', 1, { connection: 'other' }),
    of('b', 1, { shard: 4 }),
    of('d', 1),
    of('d', 2),
  );
  // The oldest is now the last that is found.
  await db.query('', "update event set decision = 'x' where id = $1", [c1.id]);
  assert.deepEqual(await next(), ['c/1', 'a/1', 'a/1', 'd/1']);
  assert.deepEqual(await next(3, 2), ['c/1', 'a/1']);
  assert.deepEqual(await next(4), ['b/1']);
  assert.deepEqual(await shardsWithWork(db), [3, 4]);
  await parkEvent(db, a1.id);
  await delayEvent(db, c1.id, 3600);
  assert.deepEqual(await next(), ['a/1', 'd/1'], 'of the other connection, and d');
  const [delayed] = await db.query(
    '',
    "select attempts, not_before > clock_timestamp() + '3598 s' as later from event where id = $1",
    [c1.id],
  );
  assert.deepEqual(delayed, { attempts: 1, later: true });
  assert.deepEqual(await db.query('', "select id from event where state = 'parked'"), [{ id: a1.id }]);
  assert.deepEqual(await db.query('', 'select id from event where attempts > 0'), [{ id: c1.id }]);
});

test('a shard has work when an event could be routed now', async () => {
  const [parked, delayed] = [event('a'), event('b', { shard: 9 })];
  await append(parked, delayed);
  await parkEvent(db, parked.id);
  await delayEvent(db, delayed.id, 3600);
  assert.deepEqual(await shardsWithWork(db), []);
  await append(event('c', { shard: 20 }), event('d', { shard: 5 }), event('e', { shard: 20 }));
  assert.deepEqual(await shardsWithWork(db), [5, 20]);
});

test('what was routed goes to history once, with what it brought; its neighbours stay, and the key stays known', async () => {
  const [done, stays] = [event('a'), event('b')];
  await append(done, stays);
  const finished = [{ id: done.id, outcome: 'routed' as const, lines: 2, currency: 'EUR', minor: 9n, absolute: 9n }];
  assert.equal(await finishEvents(db, finished), 1);
  assert.equal(await finishEvents(db, finished), 0, 'it is no longer there');
  assert.deepEqual(await db.query('', 'select id from event'), [{ id: stays.id }]);
  assert.deepEqual(await db.query('', 'select id, outcome, lines, minor, payload_sealed from event_history'), [
    { id: done.id, outcome: 'routed', lines: 2, minor: 9n, payload_sealed: done.payload },
  ]);
  assert.equal((await append(event('a'))).size, 0);
  assert.deepEqual(await outcomes(), [
    { subject: 'note:a', outcome: 'duplicate' },
    { subject: 'note:a', outcome: 'routed' },
  ]);
});

test('repeats that are known as such leave a record and nothing to route', async () => {
  await recordDuplicates(db, []);
  await recordDuplicates(db, [event('a')]);
  await recordDuplicates(db, [event('b'), event('c')]);
  assert.deepEqual(await outcomes(), [
    { subject: 'note:a', outcome: 'duplicate' },
    { subject: 'note:b', outcome: 'duplicate' },
    { subject: 'note:c', outcome: 'duplicate' },
  ]);
  assert.deepEqual(await next(), []);
});

test('the version known of a subject never goes back, and its memory stays until a new one is given', async () => {
  const key = { connection: 'from', flow: 'f', subject: 'a' };
  const write = (sourceVersion: bigint | null, memory: string | null, changes: Partial<SubjectUpdate> = {}) =>
    writeSubjects(db, [
      { ...key, entity: 'main', sourceVersion, memory: memory === null ? null : Buffer.from(memory), ...changes },
    ]);
  const read = async () => {
    const [row, ...more] = await readSubjects(db, [key]);
    return [row?.source_version, row?.memory_sealed?.toString(), more.length];
  };
  assert.deepEqual(await read(), [undefined, undefined, 0]);
  await write(5n, 'old');
  for (const other of [{ connection: 'x' }, { flow: 'x' }, { subject: 'x' }]) await write(9n, 'x', other);
  await write(3n, null);
  assert.deepEqual(await read(), [5n, 'old', 0]);
  await write(7n, 'new');
  assert.deepEqual(await read(), [7n, 'new', 0]);
  await write(null, null);
  assert.deepEqual(await read(), [7n, 'new', 0]);
});
