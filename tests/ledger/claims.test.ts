import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { newId } from '../../src/core/ids.ts';
import { bind } from '../../src/ledger/bindings.ts';
import type { Sql } from '../../src/ledger/database.ts';
import {
  type ClaimTerms,
  lockOwnLanes,
  postponeDeliveries,
  reapLanes,
  renewLanes,
} from '../../src/ledger/deliveries.ts';
import { type LaneKey, refreshLanes } from '../../src/ledger/lanes.ts';
import { testLedger } from '../support/hub.ts';
import { all, here, holder, laneYard, nameOf, names, neighbours } from '../support/lanes.ts';

const { db } = await testLedger();
after(() => db.close());
const { claimIn, change, clean, deliveriesThat, lanesThat, meanwhile, owe, unindexed } = laneYard(db);
beforeEach(clean);
const claim = (changes?: Partial<ClaimTerms>) => unindexed((sql) => claimIn(sql, changes));
const laneKeys = (claimed: readonly { lane_key: string }[]): string[] => claimed.map(({ lane_key }) => lane_key);

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
  await change("ready_at = clock_timestamp() - interval '2 hours'", "key = 'early'");
  assert.deepEqual(laneKeys(await claim({ max: 1 })), ['urgent']);
  await change('holder = null, ready_at = clock_timestamp()', 'holder is not null');
  await db.query('', "update delivery set state = 'waiting'");
  assert.deepEqual(laneKeys(await claim({ maxLines: 15 })).sort(), ['early', 'urgent'], '5 and 10 lines are 15');
  assert.deepEqual(laneKeys(await claim({ maxLines: 2 })), ['late'], 'one larger than all that fits goes alone');
});

test('what was owed first goes first, also where it was not touched the first time', async () => {
  for (const laneKey of ['b', 'c', 'a']) await owe({ ...here, laneKey });
  for (let n = 0; n < 2; n++) {
    const [one] = await claim({ max: 1 });
    assert.equal(one!.lane_key, 'b');
    const untouched = { state: 'waiting', afterSeconds: 0, settlesSeconds: null, spent: false } as const;
    await postponeDeliveries(db, [{ ...untouched, id: one!.id }]);
    await change('holder = null, lease_until = null', "key = 'b'");
    await refreshLanes(db, [{ ...here, laneKey: 'b' }]);
  }
  const [again] = await claim({ max: 1 });
  await postponeDeliveries(db, [
    { state: 'waiting', afterSeconds: 0.001, settlesSeconds: null, spent: true, id: again!.id },
  ]);
  await change('holder = null, lease_until = null', "key = 'b'");
  await refreshLanes(db, [{ ...here, laneKey: 'b' }]);
  assert.deepEqual(
    laneKeys([...(await claim({ max: 1 })), ...(await claim({ max: 1 }))]),
    ['c', 'a'],
    'what failed comes after those that wait',
  );
});

test('records of one batch go in the order of their places, each with the id it has there', async () => {
  for (const lane of [...all, { ...here, laneKey: 'c' }]) await owe(lane);
  await db.query('', "update delivery set place = 7 where (connection, sink, lane_key) = ('target', 'notes', 'a')");
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
    (sql) => claimIn(sql, { max: 1 }),
    (sql) => claimIn(sql, { holder: newId() }),
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

test('of leases that ran out together each lane waits for its own delivery', async () => {
  for (const lane of all) await owe(lane);
  for (const sink of ['notes', 'other']) await claim({ sink });
  await claim({ connection: 'other' });
  await change("lease_until = clock_timestamp() - interval '1 s'");
  await db.query(
    '',
    "update delivery set settled_at = '2091-01-01' where (connection, sink, lane_key) = ('target', 'notes', 'a')",
  );
  assert.equal((await db.transaction((sql) => reapLanes(sql, []))).length, 4);
  assert.deepEqual(await lanesThat("quiet_until = '2091-01-01'"), [nameOf(here)]);
  assert.deepEqual(await deliveriesThat("not_before = '2091-01-01'"), [nameOf(here)]);
});

test('two that reap at once share nothing and do not wait', async () => {
  for (const lane of all) await owe(lane);
  await claim();
  await change("lease_until = clock_timestamp() - interval '1 s'");
  const reap = (sql: Sql) => reapLanes(sql, []);
  assert.deepEqual(await meanwhile(reap, reap), []);
  assert.equal((await deliveriesThat("state = 'unknown'")).length, 2);
});
