import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { newId } from '../../src/core/ids.ts';
import {
  freeLeases,
  heartbeat,
  holdsLease,
  type Lease,
  releaseLeases,
  removeNode,
  takeLeases,
} from '../../src/ledger/leases.ts';
import { testLedger } from '../support/hub.ts';

const { db } = await testLedger();
after(() => db.close());
beforeEach(() => db.query('clean', 'truncate lease, node'));

const [me, other] = [newId(), newId()];
/** Nobody waits for a lease: it is given within a second or is another's. */
const take = (who: string, ...names: string[]): Promise<Lease[]> =>
  db.transaction(async (sql) => {
    await sql.query('patience', "set local lock_timeout = '1s'");
    return (await takeLeases(sql, who, names, 30)).sort((a, b) => (a.name < b.name ? -1 : 1));
  });
const expire = (name: string) =>
  db.query('', "update lease set expires_at = clock_timestamp() - interval '1 s' where name = $1", [name]);
const held = async (): Promise<string[]> =>
  (
    await db.query<{ text: string }>(
      '',
      `select name || case when holder = $1 then ' mine' else ' other' end as text from lease where holder is not null order by name`,
      [me],
    )
  ).map(({ text }) => text);

test('a free lease is given, for its time by the ledger’s clock; one that is held is not', async () => {
  assert.deepEqual(await take(me), []);
  const [lease] = await take(me, 'a');
  assert.deepEqual([lease!.name, lease!.holder], ['a', me]);
  await take(me, 'b');
  assert.deepEqual(await take(other, 'a'), []);
  const [times] = await db.query(
    '',
    "select bool_and(expires_at between clock_timestamp() + '28 s' and clock_timestamp() + '30 s') as whole from lease",
  );
  assert.deepEqual(times, { whole: true });
  assert.deepEqual(await held(), ['a mine', 'b mine']);
});

test('an own lease keeps its token while it lasts, and gets a new one when it had run out', async () => {
  const [first] = await take(me, 'a', 'b');
  await db.query('', "update lease set expires_at = clock_timestamp() + interval '1 s'");
  const [renewed, ...more] = await take(me, 'a');
  assert.deepEqual([renewed!.epoch, more.length], [first!.epoch, 0]);
  const ends = await db.query('', "select name from lease where expires_at < clock_timestamp() + interval '2 s'");
  assert.deepEqual(ends, [{ name: 'b' }], 'what was not asked for is not renewed');
  assert.deepEqual(
    (await take(me, 'a', 'c')).map(({ name }) => name),
    ['a', 'c'],
    'renewed and new ones at once',
  );
  await releaseLeases(db, await take(me, 'c'));
  await expire('a');
  const [again] = await take(me, 'a');
  assert.ok(again!.epoch > first!.epoch);
  await expire('a');
  const [taken] = await take(other, 'a');
  assert.ok(taken!.epoch > again!.epoch);
  assert.deepEqual(await take(me, 'a'), [], 'whose it was is not asked');
  assert.deepEqual(await held(), ['a other', 'b mine']);
});

test('only what was asked for is taken', async () => {
  await take(other, 'a', 'b');
  await expire('a');
  await expire('b');
  assert.deepEqual(
    (await take(me, 'a')).map(({ name }) => name),
    ['a'],
  );
  assert.deepEqual(await held(), ['a mine', 'b other']);
});

test('a lease holds with its own holder and token, and until it runs out', async () => {
  const [lease] = (await take(me, 'a', 'b')) as [Lease];
  assert.equal(await holdsLease(db, lease), true);
  for (const wrong of [{ name: 'x' }, { name: 'b' }, { holder: other }, { epoch: lease.epoch + 100n }])
    assert.equal(await holdsLease(db, { ...lease, ...wrong }), false, Object.keys(wrong)[0]);
  await expire('a');
  assert.equal(await holdsLease(db, lease), false);
});

test('while a transaction counts on a lease nobody takes it over, though it runs out; its holder may renew it', async () => {
  const [lease] = (await take(me, 'a')) as [Lease];
  await db.transaction(async (sql) => {
    assert.equal(await holdsLease(sql, lease), true);
    const [renewed] = await take(me, 'a');
    assert.equal(renewed!.epoch, lease.epoch);
    await expire('a');
    assert.deepEqual(await take(other, 'a'), []);
  });
  assert.equal((await take(other, 'a')).length, 1);
});

test('leases that nobody holds now are free: never taken, given back or run out', async () => {
  await take(other, 'held', 'over', 'back');
  await expire('over');
  const [back] = (await take(other, 'back')) as [Lease];
  await releaseLeases(db, [back]);
  // Given back by a hub whose clock of the lease had not run out.
  await db.query('', "update lease set expires_at = clock_timestamp() + interval '1 hour' where name = 'back'");
  assert.deepEqual((await freeLeases(db, ['held', 'over', 'back', 'new'])).sort(), ['back', 'new', 'over']);
});

test('only the lease that was taken is given back, not the same one as another has it now, nor its neighbour', async () => {
  const [mine] = (await take(me, 'a')) as [Lease];
  const [neighbour] = (await take(me, 'b')) as [Lease];
  await db.query('', 'update lease set epoch = $1 where name = $2', [mine.epoch, neighbour.name]);
  await releaseLeases(db, [{ ...mine, epoch: mine.epoch - 1n }]);
  assert.deepEqual(await held(), ['a mine', 'b mine']);
  await releaseLeases(db, [mine]);
  assert.deepEqual(await held(), ['b mine']);
  const [next] = await take(other, 'a');
  assert.ok(next!.epoch > mine.epoch, 'at once');
});

test('a hub is alive for half a minute after its last sign', async () => {
  const count = (node: string) => heartbeat(db, node, {});
  assert.equal(await count(me), 1);
  assert.equal(await count(other), 2);
  assert.equal(await count(me), 2, 'not counted twice');
  const seen = (ago: string) =>
    db.query('', 'update node set seen_at = clock_timestamp() - $2::interval where id = $1', [other, ago]);
  await seen('20 s');
  assert.equal(await count(me), 2);
  await seen('40 s');
  assert.equal(await count(me), 1);
  assert.equal(await count(other), 2, 'it came back');
});

test('a hub that leaves takes with it those that were not seen for a day', async () => {
  const [dead, slow] = [newId(), newId()];
  for (const node of [me, other, dead, slow]) await heartbeat(db, node, {});
  await db.query('', "update node set seen_at = clock_timestamp() - interval '25 hours' where id = $1", [dead]);
  await db.query('', "update node set seen_at = clock_timestamp() - interval '23 hours' where id = $1", [slow]);
  await removeNode(db, me);
  const left = await db.query<{ id: string }>('', 'select id from node');
  assert.deepEqual(new Set(left.map(({ id }) => id)), new Set([other, slow]));
});
