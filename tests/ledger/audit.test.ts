import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { newId } from '../../src/core/ids.ts';
import { type AuditRecord, appendAudit, sealAudit, verifyAudit } from '../../src/ledger/audit.ts';
import { type TestLedger, testLedger } from '../support/hub.ts';
import { until } from '../support/target.ts';

const record = (n: number): AuditRecord => ({
  entity: 'main',
  actor: 'hub',
  action: 'delivery.delivered',
  object: `delivery:${n}`,
  detail: { n, name: 'Zoë' },
});

/** Seals until `count` records are: a transaction that is open anywhere in this PostgreSQL, as of tests beside us, holds the sealer back. */
async function sealAll(db: TestLedger['db'], count: number): Promise<void> {
  await until(`${count} records are sealed`, async () => {
    await sealAudit(db, 100);
    return (await verifyAudit(db)).sealed === BigInt(count);
  });
}

async function sealed(t: TestContext, count: number): Promise<TestLedger['db']> {
  const { db } = await testLedger(t);
  for (let n = 0; n < count; n++) await db.transaction((sql) => appendAudit(sql, [record(n)]));
  await sealAll(db, count);
  assert.deepEqual(await verifyAudit(db), { sealed: BigInt(count), unsealed: 0, broken: null });
  return db;
}

const third = '(select audit_id from audit_seal where seq = 3)';
const tampering: [string, string[], RegExp][] = [
  ['a changed field', [`update audit set detail = '{"n": 99}' where id = ${third}`], /altered/],
  ['a changed actor', [`update audit set actor = 'somebody' where id = ${third}`], /altered/],
  [
    'a changed time',
    [`update audit set at = at - interval '1 second' where id = ${third}`],
    /gone or its time was changed/,
  ],
  ['a deleted record', [`delete from audit where id = ${third}`], /gone/],
  [
    'a deleted record and its link',
    [`delete from audit where id = ${third}`, 'delete from audit_seal where seq = 3'],
    /link before it is missing/,
  ],
  [
    'two records in another order',
    [
      `update audit_seal set seq = -seq where seq in (2, 3)`,
      `update audit_seal set seq = case seq when -2 then 3 else 2 end where seq < 0`,
    ],
    /altered/,
  ],
  [
    'a record put in among sealed ones',
    [
      `insert into audit (id, entity, at, xid, actor, action, object) select '${newId()}', entity, at, '3'::xid8, actor, 'forged', object from audit limit 1`,
    ],
    /put in among sealed ones/,
  ],
  [
    'a link put in',
    [
      `insert into audit (id, entity, actor, action, object) values ('00000000-0000-7000-8000-000000000000', 'main', 'x', 'x', 'x')`,
      `update audit_seal set seq = seq + 100 where seq >= 3`,
      `update audit_seal set seq = seq - 99 where seq >= 100`,
      `insert into audit_seal (seq, audit_id, at, hash) select 3, id, at, '\\x00' from audit where actor = 'x'`,
    ],
    /altered/,
  ],
];

describe('the audit chain', { concurrency: 4 }, () => {
  for (const [name, statements, why] of tampering)
    test(`finds ${name}`, async (t) => {
      const db = await sealed(t, 6);
      for (const [n, statement] of statements.entries()) await db.query(`tamper${n}`, statement);
      const { broken } = await verifyAudit(db);
      assert.match(broken?.why ?? 'nothing was found', why);
    });

  test('skips no record of writers that commit while it is sealed, in whatever order they end', async (t) => {
    const { db } = await testLedger(t);
    let writing = true;
    const sealer = (async () => {
      while (writing) await sealAudit(db, 7);
    })();
    await Promise.all(
      Array.from({ length: 8 }, async (_, writer) => {
        for (let n = 0; n < 25; n++)
          await db.transaction(async (sql) => {
            await appendAudit(sql, [record(n), record(writer)]);
            await new Promise((resolve) => setTimeout(resolve, (writer * 7 + n * 3) % 11));
          });
      }),
    );
    writing = false;
    await sealer;
    await sealAll(db, 400);
    assert.deepEqual(await verifyAudit(db), { sealed: 400n, unsealed: 0, broken: null });
  });

  test('goes on in another cluster, where transaction numbers begin again, and still finds what is put in', async (t) => {
    const db = await sealed(t, 3);
    for (let n = 3; n < 6; n++) await db.transaction((sql) => appendAudit(sql, [record(n)]));
    // As a dump of a cluster that had counted further leaves it: sealed and unsealed records, and the mark, of numbers still to come.
    await db.query('test_move', 'update audit set xid = (xid::text::bigint + 1000000)::text::xid8');
    await db.query(
      'test_mark',
      "update setting set value = (value::bigint + 1000000)::text where name = 'audit_sealed_xid'",
    );
    assert.deepEqual(await verifyAudit(db), { sealed: 3n, unsealed: 3, broken: null });
    await sealAll(db, 6);
    for (let n = 6; n < 9; n++) await db.transaction((sql) => appendAudit(sql, [record(n)]));
    assert.equal((await verifyAudit(db)).broken, null);
    await sealAll(db, 9);
    const order = await db.query<{ object: string }>(
      'test_order',
      'select a.object from audit_seal s join audit a on a.id = s.audit_id order by s.seq',
    );
    assert.deepEqual(
      order.map(({ object }) => object),
      Array.from({ length: 9 }, (_, n) => `delivery:${n}`),
    );
    await db.query(
      'test_forge',
      `insert into audit (id, entity, at, xid, actor, action, object) select '${newId()}', entity, at, '3'::xid8, actor, 'forged', object from audit limit 1`,
    );
    assert.match((await verifyAudit(db)).broken!.why, /put in among sealed ones/);
  });

  test('waits for a transaction that is still open and older', async (t) => {
    const { db } = await testLedger(t);
    const slow = await db.session();
    await slow.query('begin');
    await slow.query(
      `insert into audit (id, entity, actor, action, object) values ('${newId()}', 'main', 'hub', 'slow', 'x')`,
    );
    await db.transaction((sql) => appendAudit(sql, [record(1)]));
    assert.equal(await sealAudit(db), 0, 'the older one could still come before it');
    await slow.query('commit');
    slow.release();
    await sealAll(db, 2);
    const rows = await db.query(
      'order',
      'select a.action from audit_seal s join audit a on a.id = s.audit_id order by seq',
    );
    assert.deepEqual(rows, [{ action: 'slow' }, { action: 'delivery.delivered' }]);
  });

  test('two sealers at once make one chain', async (t) => {
    const { db } = await testLedger(t);
    await db.transaction((sql) =>
      appendAudit(
        sql,
        Array.from({ length: 50 }, (_, n) => record(n)),
      ),
    );
    await Promise.all(Array.from({ length: 4 }, () => sealAll(db, 50)));
    assert.deepEqual(await verifyAudit(db), { sealed: 50n, unsealed: 0, broken: null });
  });
});
