import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { newId } from '../../src/core/ids.ts';
import { finishDeliveries, giveWay, postponeDeliveries, supersedeWaiting } from '../../src/ledger/deliveries.ts';
import { testLedger } from '../support/hub.ts';
import { all, here, laneYard } from '../support/lanes.ts';

const { db } = await testLedger();
after(() => db.close());
const { clean, deliveriesThat, owe } = laneYard(db);
beforeEach(clean);

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
  ]);
  await postponeDeliveries(db, [{ ...row, id: ids[3]!, state: 'parked', settlesSeconds: 200 }]);
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

test('what was tried gives way to a newer version behind it, of the same document at the same sink, unless it may have landed', async () => {
  const documentId = newId();
  const owed = new Map<string, string[]>();
  for (const lane of all)
    owed.set(
      lane.laneKey + lane.sink + lane.connection,
      await owe(lane, { documentId, version: 1 }, { documentId, version: 3 }),
    );
  const [alone] = await owe(here, { version: 1 });
  const [[first, newer]] = [...owed.values()] as [[string, string]];
  await db.query('', "update delivery set state = 'unknown' where id = $1", [first]);
  assert.deepEqual(await giveWay(db, [first, newer, alone!]), []);
  await db.query('', "update delivery set state = 'waiting' where id = $1", [first]);
  assert.deepEqual(await giveWay(db, []), []);
  assert.deepEqual(await giveWay(db, [first, newer, alone!]), [
    { newer, document_id: documentId, entity: 'main', kind: 'note' },
  ]);
  assert.deepEqual(await db.query('', 'select id, version, outcome from delivery_history'), [
    { id: first, version: 1, outcome: 'superseded' },
  ]);
  assert.equal((await deliveriesThat('true')).length, 2 * all.length);
});
