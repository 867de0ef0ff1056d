import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { freeLanes } from '../../src/ledger/deliveries.ts';
import { laneId, refreshLanes, removeEmptyLanes, takePlaces } from '../../src/ledger/lanes.ts';
import { testLedger } from '../support/hub.ts';
import { all, here, holder, laneYard, nameOf, names, neighbours } from '../support/lanes.ts';

const { db } = await testLedger();
after(() => db.close());
const { change, clean, lanesThat, owe, unindexed } = laneYard(db);
beforeEach(clean);

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

test('the head of a lane is its own, whatever stands earlier in its neighbours', async () => {
  for (const lane of all) await owe(lane);
  await db.query('', "update delivery set state = 'parked'");
  await db.query(
    '',
    "update delivery set state = 'waiting', place = 5 where (connection, sink, lane_key) = ('target', 'notes', 'a')",
  );
  await db.transaction((sql) => refreshLanes(sql, all));
  assert.deepEqual(await lanesThat('ready_at is not null'), [nameOf(here)]);
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
