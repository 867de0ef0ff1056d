import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { newId } from '../../src/core/ids.ts';
import { bind } from '../../src/ledger/bindings.ts';
import type { Sql } from '../../src/ledger/database.ts';
import {
  addDeliveries,
  type ClaimTerms,
  claimDeliveries,
  finishDeliveries,
  freeLanes,
  lockOwnLanes,
  type NewDelivery,
  postponeDeliveries,
  reapLanes,
  renewLanes,
  supersedeWaiting,
} from '../../src/ledger/deliveries.ts';
import { type LaneKey, laneId, refreshLanes, removeEmptyLanes, takePlaces } from '../../src/ledger/lanes.ts';
import { testLedger } from '../support/hub.ts';

const { db } = await testLedger();
after(() => db.close());
beforeEach(() => db.query('clean', 'truncate lane, delivery, awaits, delivery_history, binding'));

const here: LaneKey = { connection: 'target', sink: 'notes', laneKey: 'a' };
/** Each differs from it in one thing: what is done to a lane may touch none of them. */
const neighbours: readonly LaneKey[] = [
  { ...here, connection: 'other' },
  { ...here, sink: 'other' },
  { ...here, laneKey: 'b' },
];
const all = [here, ...neighbours];
const holder = newId();
const nameOf = ({ connection, sink, laneKey }: LaneKey): string => `${connection} ${sink} ${laneKey}`;

/** Adds deliveries to a lane; it may be worked at once unless told otherwise. Returns their ids. */
async function owe(lane: LaneKey, ...changes: Partial<NewDelivery & { priority: number }>[]): Promise<string[]> {
  return db.transaction(async (sql) => {
    const wanted = changes.length > 0 ? changes : [{}];
    const { priority = 0 } = wanted[0]!;
    const places = await takePlaces(sql, [{ ...lane, entity: 'main', priority, count: wanted.length }]);
    const first = places.get(laneId(lane))!;
    const rows = wanted.map(
      ({ priority: _, ...change }, n): NewDelivery => ({
        ...lane,
        id: newId(),
        entity: 'main',
        flow: 'f',
        place: first + BigInt(n),
        documentId: newId(),
        kind: 'note',
        key: lane.laneKey,
        version: 1,
        eventId: newId(),
        waits: 0,
        notBefore: null,
        labels: {},
        promisedAt: null,
        lines: 1,
        currency: null,
        minor: 0n,
        absolute: 0n,
        ...change,
      }),
    );
    await addDeliveries(sql, rows);
    await refreshLanes(sql, [lane]);
    return rows.map(({ id }) => id);
  });
}

const terms = (changes: Partial<ClaimTerms> = {}): ClaimTerms => ({
  connection: 'target',
  sink: 'notes',
  holder,
  max: 10,
  maxLines: 1000,
  leaseSeconds: 30,
  deadlineSeconds: 60,
  settleSeconds: 120,
  ...changes,
});
/** A transaction that uses no index: what is in order is so because it was asked for. */
const unindexed = <T>(work: (sql: Sql) => Promise<T>): Promise<T> =>
  db.transaction(async (sql) => {
    for (const way of ['indexscan', 'indexonlyscan', 'bitmapscan'])
      await sql.query('', `set local enable_${way} = off`);
    return work(sql);
  });
const claim = (changes?: Partial<ClaimTerms>) => unindexed((sql) => claimDeliveries(sql, terms(changes)));
const laneKeys = (claimed: readonly { lane_key: string }[]): string[] => claimed.map(({ lane_key }) => lane_key);

/** Names of the lanes of which this is true. */
async function lanesThat(condition: string): Promise<string[]> {
  const rows = await db.query<LaneKey>('', `select connection, sink, key as "laneKey" from lane where ${condition}`);
  return rows.map(nameOf).sort();
}
const deliveriesThat = async (condition: string): Promise<string[]> =>
  (await db.query<LaneKey>('', `select connection, sink, lane_key as "laneKey" from delivery where ${condition}`))
    .map(nameOf)
    .sort();
const change = (set: string, which = 'true') => db.query('', `update lane set ${set} where ${which}`);
const names = (lanes: readonly LaneKey[]): string[] => lanes.map(nameOf).sort();

/** A transaction that others meet while it is open: they are not kept waiting for longer than a second. */
async function meanwhile<T>(open: (sql: Sql) => Promise<unknown>, work: (sql: Sql) => Promise<T>): Promise<T> {
  return db.transaction(async (sql) => {
    await open(sql);
    return db.transaction(async (other) => {
      await other.query('patience', "set local lock_timeout = '1s'");
      return work(other);
    });
  });
}

test('places go on where each lane stands', async () => {
  const take = () =>
    db.transaction((sql) =>
      takePlaces(
        sql,
        all.map((lane, n) => ({ ...lane, entity: 'main', priority: 0, count: n + 2 })),
      ),
    );
  await take();
  const second = await take();
  assert.deepEqual(
    all.map((lane) => second.get(laneId(lane))),
    [2n, 3n, 4n, 5n],
  );
});

test('a lane is ready when its first delivery is; its neighbours have heads of their own', async () => {
  for (const lane of all) await owe(lane);
  await change('ready_at = null');
  await db.transaction((sql) => refreshLanes(sql, [here]));
  assert.deepEqual(await lanesThat('ready_at is not null'), [nameOf(here)]);
  await db.transaction((sql) => refreshLanes(sql, all));
  await db.query(
    '',
    "update delivery set state = 'parked' where (connection, sink, lane_key) = ('target', 'notes', 'a')",
  );
  await owe(here);
  assert.deepEqual(await lanesThat('ready_at is not null'), names(neighbours), 'what stands behind a parked one waits');
  await db.transaction((sql) => refreshLanes(sql, []));
});

test('a head that is leased, parked or waits for a binding makes nothing ready, nor does a lane in work', async () => {
  await owe(here, { waits: 1 }, {});
  assert.deepEqual(await lanesThat('ready_at is not null'), []);
  await db.query('', 'update delivery set waits = 0');
  const ready = async (): Promise<boolean> => {
    await unindexed((sql) => refreshLanes(sql, [here]));
    return (await lanesThat('ready_at is not null')).length === 1;
  };
  assert.equal(await ready(), true);
  await db.query('', `update lane set holder = $1`, [holder]);
  assert.equal(await ready(), false);
  await change('holder = null');
  for (const state of ['parked', 'leased']) {
    await db.query('', `update delivery set state = $1 where place = 0`, [state]);
    assert.equal(await ready(), false, state);
  }
});

test('what waits waits for its time and until the lane is quiet; what is unknown for its time only', async () => {
  const [id] = await owe(here);
  const at = async (notBefore: string, quiet: string, state: string): Promise<unknown> => {
    await db.query('', 'update delivery set state = $1, not_before = $2', [state, notBefore]);
    await db.query('', 'update lane set quiet_until = $1', [quiet]);
    await db.transaction((sql) => refreshLanes(sql, [here]));
    const [lane] = await db.query<{ at: Date }>('', 'select ready_at as at from lane');
    return lane!.at.getUTCFullYear();
  };
  assert.ok(id);
  assert.equal(await at('2091-01-01', '2092-01-01', 'waiting'), 2092);
  assert.equal(await at('2093-01-01', '2092-01-01', 'waiting'), 2093);
  assert.equal(await at('2091-01-01', '2092-01-01', 'unknown'), 2091);
});

test('a claim takes the heads of free lanes of its sink, with their Intents, under one new fencing token', async () => {
  for (const lane of all) await owe(lane, {}, {});
  // The first of each is now the last that is found.
  await db.query('', "update delivery set labels = '{}' where place = 0");
  const first = await claim();
  assert.deepEqual(laneKeys(first), ['a', 'b']);
  assert.deepEqual(
    first.map(({ attempts }) => attempts),
    [0, 0],
  );
  assert.equal(new Set(first.map(({ epoch }) => epoch)).size, 1);
  assert.deepEqual(await lanesThat('holder is not null'), ['target notes a', 'target notes b']);
  assert.deepEqual(await lanesThat(`epoch = ${first[0]!.epoch} and ready_at is null`), [
    'target notes a',
    'target notes b',
  ]);
  assert.deepEqual(await deliveriesThat("state = 'leased' and place = 0 and attempts = 1"), [
    'target notes a',
    'target notes b',
  ]);
  assert.equal((await deliveriesThat("state = 'waiting'")).length, 6);
  const [times] = await db.query(
    '',
    `select lease_until - clock_timestamp() between '29 s' and '30 s' as lease, intent_deadline - clock_timestamp() between '59 s' and '60 s' as deadline,
       intent_settles - intent_deadline between '119 s' and '121 s' as settles
     from lane join delivery on lane_key = lane.key and (lane.connection, lane.sink) = (delivery.connection, delivery.sink) where state = 'leased' limit 1`,
  );
  assert.deepEqual(times, { lease: true, deadline: true, settles: true });
  assert.deepEqual(await claim(), [], 'they are taken');
  const [next] = await claim({ sink: 'other' });
  assert.ok(next!.epoch > first[0]!.epoch);
});

test('a claim takes nothing before its time, nothing parked or waiting, and no lane of another', async () => {
  const lanes = ['held', 'later', 'parked', 'leased', 'waits'].map((laneKey) => ({ ...here, laneKey }));
  for (const lane of lanes) await owe(lane);
  await owe(here);
  // Whatever the lane says of itself: the head is looked at.
  await db.query('', `update lane set holder = $1 where key = 'held'`, [newId()]);
  await change("ready_at = clock_timestamp() + interval '1 hour'", "key = 'later'");
  for (const state of ['parked', 'leased'])
    await db.query('', 'update delivery set state = $1 where lane_key = $1', [state]);
  await db.query('', "update delivery set waits = 1 where lane_key = 'waits'");
  assert.deepEqual(laneKeys(await claim()), ['a']);
});

test('the most urgent and longest ready go first, as many as fit', async () => {
  const lane = (laneKey: string): LaneKey => ({ ...here, laneKey });
  for (const [key, priority, lines] of [
    ['late', 1, 4],
    ['early', 1, 10],
    ['urgent', 2, 5],
    ['slow', 0, 1],
  ] as const)
    for (const place of [lane(key), { ...lane(key), connection: 'other' }, { ...lane(key), sink: 'other' }])
      await owe(place, { priority, lines });
  await change("ready_at = clock_timestamp() - interval '1 hour'", "key <> 'early'");
  assert.deepEqual(laneKeys(await claim({ max: 1 })), ['urgent']);
  await change('holder = null, ready_at = clock_timestamp()', 'holder is not null');
  await db.query('', "update delivery set state = 'waiting'");
  assert.deepEqual(laneKeys(await claim({ maxLines: 15 })).sort(), ['early', 'urgent'], '5 and 10 lines are 15');
  assert.deepEqual(laneKeys(await claim({ maxLines: 2 })), ['late'], 'one larger than all that fits goes alone');
});

test('records of one batch go in the order of their places, each with the id it has there', async () => {
  for (const lane of [...all, { ...here, laneKey: 'c' }]) await owe(lane);
  await db.query('', "update delivery set place = 7 where lane_key = 'a'");
  const written = { version: 1, lines: 1, currency: null, minor: 0n, absolute: 0n };
  const binding = { connection: 'target', entity: 'main', kind: 'note', key: 'a', externalId: 'right', ...written };
  const wrong = [{ connection: 'other' }, { entity: 'other' }, { kind: 'other' }, { key: 'x' }];
  await db.transaction((sql) =>
    bind(sql, [binding, ...wrong.map((change) => ({ ...binding, ...change, externalId: 'wrong' }))]),
  );
  const claimed = await claim();
  assert.deepEqual(
    claimed.map(({ lane_key, external_id }) => [lane_key, external_id]),
    [
      ['b', null],
      ['c', null],
      ['a', 'right'],
    ],
  );
});

test('two claims at once share nothing and do not wait for each other', async () => {
  await owe(here);
  await owe({ ...here, laneKey: 'b' });
  const second = await meanwhile(
    (sql) => claimDeliveries(sql, terms({ max: 1 })),
    (sql) => claimDeliveries(sql, terms({ holder: newId() })),
  );
  assert.equal(second.length, 1);
  assert.equal((await deliveriesThat("state = 'leased'")).length, 2);
});

test('a claim is renewed while it is ours, to the deadline at the longest', async () => {
  for (const lane of all) await owe(lane);
  const [{ epoch, intent_deadline }] = (await claim()) as [Awaited<ReturnType<typeof claim>>[number]];
  const renew = (seconds: number, deadline = intent_deadline, who = holder, token = epoch) =>
    renewLanes(db, who, token, seconds, deadline);
  assert.equal(await renew(40), 2);
  assert.equal(
    (await lanesThat("lease_until between clock_timestamp() + '38 s' and clock_timestamp() + '40 s'")).length,
    2,
  );
  assert.equal(await renew(3600), 2);
  assert.equal((await lanesThat("lease_until <= clock_timestamp() + '60 s'")).length, 2);
  assert.equal(await renew(40, intent_deadline, newId()), 0, 'of another');
  assert.equal(await renew(40, intent_deadline, holder, epoch - 1n), 0, 'of an earlier time');
  await change("lease_until = clock_timestamp() - interval '1 s'", "key = 'b'");
  assert.equal(await renew(40), 1, 'what ran out is not taken back');
});

test('only who holds a lane now may say what became of it', async () => {
  for (const lane of all) await owe(lane);
  await db.query('', 'update lane set holder = $1, epoch = 7', [holder]);
  const own = (changes: object = {}) =>
    db.transaction((sql) =>
      lockOwnLanes(sql, { connection: 'target', sink: 'notes', holder, epoch: 7n, keys: ['a'], ...changes }),
    );
  assert.deepEqual(await own(), new Set(['a']));
  assert.deepEqual(await own({ keys: ['a', 'b', 'c'] }), new Set(['a', 'b']));
  for (const changes of [{ holder: newId() }, { epoch: 8n }, { connection: 'nobody' }, { sink: 'nobody' }])
    assert.deepEqual(await own(changes), new Set(), JSON.stringify(Object.keys(changes)));
  await change("lease_until = clock_timestamp() - interval '1 s'");
  const lock = (sql: Sql) => lockOwnLanes(sql, { connection: 'target', sink: 'notes', holder, epoch: 7n, keys: ['a'] });
  const reaped = await meanwhile(lock, (sql) => reapLanes(sql, []));
  assert.deepEqual(names(reaped), names(neighbours), 'nobody takes a lane over while its outcome is being written');
});

test('a lane is given back, and kept quiet for as long as was asked before or now', async () => {
  for (const lane of all) await owe(lane);
  await db.query('', "update lane set holder = $1, lease_until = now(), quiet_until = '2091-01-01'", [holder]);
  const free = (quietSeconds: number | null) => freeLanes(db, 'target', 'notes', [{ key: 'a', quietSeconds }]);
  await free(null);
  assert.deepEqual(await lanesThat('holder is null and lease_until is null'), [nameOf(here)]);
  await free(30);
  assert.equal((await lanesThat("quiet_until = '2091-01-01'")).length, 4, 'the later moment stays');
  await change("quiet_until = '-infinity'");
  await free(null);
  assert.equal((await lanesThat("quiet_until = '-infinity'")).length, 4);
  await free(30);
  assert.deepEqual(await lanesThat("quiet_until between clock_timestamp() + '28 s' and clock_timestamp() + '30 s'"), [
    nameOf(here),
  ]);
});

test('what was delivered goes to history with what it was, and nothing else does', async () => {
  const [gone, stays] = await owe(here, { minor: 5n }, {});
  await finishDeliveries(db, [], 'delivered');
  await finishDeliveries(db, [gone!], 'delivered');
  assert.deepEqual(await db.query('', 'select id from delivery'), [{ id: stays }]);
  assert.deepEqual(await db.query('', 'select id, outcome, minor, place from delivery_history'), [
    { id: gone, outcome: 'delivered', minor: 5n, place: 0n },
  ]);
});

test('what was not delivered waits for its time; what may have landed stays unknown, for the longest that was said', async () => {
  const ids = await owe(here, ...Array.from({ length: 5 }, () => ({})));
  await db.query('', "update delivery set state = 'leased', attempts = 3");
  await db.query('', "update delivery set settled_at = '2091-01-01' where id = any($1)", [[ids[1], ids[3]]]);
  const row = { state: 'waiting' as const, afterSeconds: 100, settlesSeconds: null, spent: true };
  await postponeDeliveries(db, []);
  await postponeDeliveries(db, [
    { ...row, id: ids[0]! },
    { ...row, id: ids[1]!, spent: false },
    { ...row, id: ids[2]!, state: 'unknown', settlesSeconds: 200 },
    { ...row, id: ids[3]!, state: 'parked', settlesSeconds: 200 },
  ]);
  const rows = await db.query(
    '',
    `select state, attempts, not_before between clock_timestamp() + '98 s' and clock_timestamp() + '100 s' as later,
       case when settled_at between clock_timestamp() + '198 s' and clock_timestamp() + '200 s' then 'in 200 s' else extract(year from settled_at)::text end as settled
     from delivery order by place`,
  );
  assert.deepEqual(rows, [
    { state: 'waiting', attempts: 3, later: true, settled: null },
    { state: 'unknown', attempts: 2, later: true, settled: '2091' },
    { state: 'unknown', attempts: 3, later: true, settled: 'in 200 s' },
    { state: 'parked', attempts: 3, later: true, settled: '2091' },
    { state: 'leased', attempts: 3, later: false, settled: null },
  ]);
});

test('a lease that ran out leaves its Intent unknown, and its lane quiet until the target can no longer commit', async () => {
  for (const lane of all) await owe(lane, {}, {});
  for (const sink of ['notes', 'other']) await claim({ sink });
  await claim({ connection: 'other' });
  assert.deepEqual(await db.transaction((sql) => reapLanes(sql, [])), [], 'none ran out');
  await change(
    "lease_until = clock_timestamp() - interval '1 s'",
    "(connection, sink, key) = ('target', 'notes', 'a')",
  );
  assert.deepEqual(await db.transaction((sql) => reapLanes(sql, [{ connection: 'target', sink: 'other' }])), [here]);
  assert.deepEqual(await lanesThat('holder is null and lease_until is null'), [nameOf(here)]);
  assert.deepEqual(
    await deliveriesThat("state = 'unknown' and settled_at = intent_settles and not_before = settled_at"),
    [nameOf(here)],
  );
  assert.deepEqual(await lanesThat("quiet_until > clock_timestamp() + '178 s'"), [nameOf(here)]);
  assert.equal(
    (await deliveriesThat("state = 'waiting' and settled_at is null")).length,
    4,
    'what was not sent is not in doubt',
  );

  // Sinks that see what is the same may repeat at once; what was in doubt for longer stays so.
  await change("lease_until = clock_timestamp() - interval '1 s'", 'holder is not null');
  await db.query('', "update delivery set settled_at = '2091-01-01' where sink = 'other' and state = 'leased'");
  await change("quiet_until = '2095-01-01'", "key = 'b'");
  const repeatable = [
    { connection: 'target', sink: 'other' },
    { connection: 'nobody', sink: 'notes' },
  ];
  assert.deepEqual(names(await db.transaction((sql) => reapLanes(sql, repeatable))), names(neighbours));
  assert.deepEqual(await deliveriesThat("state = 'unknown' and not_before <= clock_timestamp()"), ['target other a']);
  assert.deepEqual(await deliveriesThat("settled_at = '2091-01-01'"), ['target other a']);
  assert.deepEqual(
    await lanesThat("quiet_until = '2091-01-01'"),
    ['target other a'],
    'as long as its own delivery says',
  );
  assert.deepEqual(await lanesThat("quiet_until = '2095-01-01'"), ['target notes b']);
});

test('two that reap at once share nothing and do not wait', async () => {
  for (const lane of all) await owe(lane);
  await claim();
  await change("lease_until = clock_timestamp() - interval '1 s'");
  const reap = (sql: Sql) => reapLanes(sql, []);
  assert.deepEqual(await meanwhile(reap, reap), []);
  assert.equal((await deliveriesThat("state = 'unknown'")).length, 2);
});

test('a newer version takes the place of those that wait, of the same document at the same sink only', async () => {
  const documentId = newId();
  for (const lane of all) await owe(lane, { documentId, version: 1 }, { documentId, version: 3 });
  await owe(here, { version: 1 });
  const newer = [{ documentId, version: 3, connection: 'target', sink: 'notes' }];
  await db.query('', "update delivery set state = 'unknown' where lane_key = 'b' and version = 1");
  assert.equal(await supersedeWaiting(db, []), 0);
  assert.equal(await supersedeWaiting(db, newer), 1);
  assert.deepEqual(await db.query('', 'select lane_key, version, outcome from delivery_history'), [
    { lane_key: 'a', version: 1, outcome: 'superseded' },
  ]);
  assert.equal((await deliveriesThat('true')).length, 8);
});

test('a lane that must stay quiet, is in work or holds something is not removed; one that is empty is, alone', async () => {
  const lanes = ['empty', 'quiet', 'held', 'ready'].map((laneKey) => ({ ...here, laneKey }));
  const full = [...neighbours, here];
  for (const lane of full) await owe(lane);
  await db.transaction((sql) =>
    takePlaces(
      sql,
      lanes.map((lane) => ({ ...lane, entity: 'main', priority: 0, count: 1 })),
    ),
  );
  await change("quiet_until = clock_timestamp() + interval '1 hour'", "key = 'quiet'");
  await db.query('', "update lane set holder = $1 where key = 'held'", [holder]);
  await change('ready_at = now()', "key = 'ready'");
  await change('ready_at = null', "key in ('a', 'b')");
  assert.equal(await db.transaction(removeEmptyLanes), 1);
  assert.equal(await db.transaction(removeEmptyLanes), 0);
  assert.deepEqual(await lanesThat('true'), names([...full, ...lanes.slice(1)]));
  // Empty, and so is none of its neighbours: each is looked for by all of its name.
  await db.query('', "delete from delivery where (connection, sink, lane_key) = ('target', 'notes', 'a')");
  assert.equal(await db.transaction(removeEmptyLanes), 1);
  assert.ok(!(await lanesThat('true')).includes(nameOf(here)));
});
