import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, type TestContext, test } from 'node:test';
import { appendAudit, sealAudit, verifyAudit } from '../../src/ledger/audit.ts';
import { checkBackup, readBackup } from '../../src/ledger/backup/read.ts';
import { writeBackup } from '../../src/ledger/backup/write.ts';
import { Database } from '../../src/ledger/database.ts';
import { heartbeat } from '../../src/ledger/leases.ts';
import { openVault } from '../../src/ledger/vault.ts';
import { emptyDatabase } from '../support/cluster.ts';
import { idle, noteHub, send, type TestLedger, testLedger } from '../support/hub.ts';
import { rejection, Target, until } from '../support/target.ts';

const folder = mkdtempSync(join(tmpdir(), 'crossdock-backup-'));
after(() => rmSync(folder, { recursive: true }));
let files = 0;
const file = () => join(folder, `${++files}.backup`);

/** A ledger with something in every table that an engine writes to. */
async function filled(t: TestContext): Promise<TestLedger> {
  const ledger = await testLedger(t);
  const target = new Target();
  const hub = noteHub(
    ledger,
    target.sink({
      answer: (items) => items.map((item) => (item.key === 'bad' ? rejection() : target.commit([item])[0]!)),
    }),
  );
  await hub.start();
  for (let n = 0; n < 40; n++)
    await send(hub, { id: `note-${n}`, n, text: 'tab\t, \\N, line\nend Zoë' }, { key: `${n}` });
  await send(hub, { id: 'bad', n: 1 }, { labels: { note: 'bad "x" \\' } });
  await send(hub, { id: 'waits', n: 1, needs: ['nothing'] });
  await idle(hub);
  await send(hub, { id: 'note-1', n: 100 });
  await idle(hub);
  await hub.stop();
  return ledger;
}

const backupOf = (ledger: TestLedger, to: string) =>
  writeBackup(ledger.db, to, { master: ledger.master, release: '0.0.0-test' });

async function empty(t: TestContext): Promise<Database> {
  const db = Database.open(await emptyDatabase());
  t.after(() => db.close());
  return db;
}

/** Every row of every table as text, but for what a restore is meant to change. */
async function contents(db: Database): Promise<Record<string, string[]>> {
  const tables = await db.query<{ name: string }>(
    'tables',
    `select relname::text as name from pg_class where relnamespace = 'crossdock'::regnamespace and relkind in ('r', 'p') and not relispartition
       and relname not in ('node', 'lease', 'era', 'setting') order by 1`,
  );
  const all: Record<string, string[]> = {};
  for (const { name } of tables)
    all[name] = (
      await db.query<{ row: string }>(
        `rows_${name}`,
        `select (to_jsonb(t) - 'xid')::text as row from "${name}" t ${name === 'audit' ? "where action <> 'ledger.restored'" : ''} order by 1`,
      )
    ).map(({ row }) => row);
  return all;
}

const restoring = (ledger: TestLedger, from: string, db: Database, more: object = {}) =>
  readBackup(db, from, { master: ledger.master, actor: 'cli:test', ...more });

const nothingIn = async (db: Database) =>
  assert.deepEqual(await db.query('none', `select nspname from pg_namespace where nspname = 'crossdock'`), []);

describe('backup and restore', { concurrency: 3 }, () => {
  test('every row comes back, with partitions, sequences, row-level security and the audit chain', async (t) => {
    const ledger = await filled(t);
    // A cluster whose transactions have far higher numbers than those of the next one, or far lower ones; and two records are not chained yet.
    for (const action of ['last of an old cluster', 'last of a young cluster'])
      await appendAudit(ledger.db, [{ entity: 'main', actor: 'x', action, object: 'x' }]);
    await ledger.db.query('old', "update audit set xid = '900000000000'::xid8");
    await ledger.db.query('young', "update audit set xid = '3'::xid8 where action = 'last of a young cluster'");
    await ledger.db.query('mark', "update setting set value = '900000000000' where name = 'audit_sealed_xid'");
    const to = file();
    const report = await backupOf(ledger, to);
    assert.equal(statSync(to).mode & 0o777, 0o600);
    assert.ok(report.rows.event_history! > 40 && report.rows.audit! > 80 && report.rows.awaits === 1);
    assert.deepEqual((await checkBackup(to, ledger.master)).rows, report.rows);
    const db = await empty(t);
    const restored = await restoring(ledger, to, db);
    assert.deepEqual(restored.rows, report.rows);
    assert.equal(restored.era, 2);
    assert.deepEqual(await contents(db), await contents(ledger.db));
    const catalogue = `select c.relname::text, c.relrowsecurity, c.relforcerowsecurity, pg_get_expr(c.relpartbound, c.oid) as bound
      from pg_class c where relnamespace = 'crossdock'::regnamespace and relkind in ('r', 'p', 'i', 'I', 'S') order by 1`;
    assert.deepEqual(await db.query('catalogue', catalogue), await ledger.db.query('catalogue', catalogue));
    const next = "select nextval('lease_epoch') as epoch, nextval('event_seq_seq') as seq";
    const [before] = await ledger.db.query<{ epoch: bigint; seq: bigint }>('next', next);
    const [then] = await db.query<{ epoch: bigint; seq: bigint }>('next', next);
    assert.ok(then!.epoch > before!.epoch + 900_000n, 'no token is given out twice');
    assert.equal(then!.seq, before!.seq);
    assert.equal((await verifyAudit(db)).broken, null);
    await until(
      'what comes after is sealed too',
      async () => {
        await sealAudit(db);
        const { unsealed, broken } = await verifyAudit(db);
        assert.equal(broken, null);
        return unsealed === 0;
      },
      20,
    );
    const vault = await openVault(db, ledger.master);
    assert.deepEqual(vault.digest('x'), ledger.vault.digest('x'));
  });

  test('is of one moment: what writers commit together is in it together or not at all', async (t) => {
    const ledger = await testLedger(t);
    await ledger.db.query('aaa_pair', 'create table aaa_pair (n integer)');
    await ledger.db.query('zzz_pair', 'create table zzz_pair (n integer)');
    // Long enough for much to be written between the reading of one and of the other.
    await ledger.db.query('between', 'create table mmm_between as select n from generate_series(1, 200000) n');
    let writing = true;
    let n = 0;
    const writers = Array.from({ length: 3 }, async () => {
      while (writing) {
        const mine = ++n;
        await ledger.db.transaction(async (sql) => {
          await sql.query('a', 'insert into zzz_pair values ($1)', [mine]);
          await sql.query('b', 'insert into aaa_pair values ($1)', [mine]);
        });
      }
    });
    await until('some were written', () => n > 200);
    const to = file();
    const { rows } = await backupOf(ledger, to);
    writing = false;
    await Promise.all(writers);
    assert.ok(rows.aaa_pair! > 0 && rows.aaa_pair! < n);
    assert.equal(rows.aaa_pair, rows.zzz_pair);
  });

  test('a file that is cut off or altered is refused and nothing is committed', async (t) => {
    const ledger = await filled(t);
    const to = file();
    await backupOf(ledger, to);
    const bytes = readFileSync(to);
    const db = await empty(t);
    const flipped = Buffer.from(bytes);
    flipped[bytes.length - 20]! ^= 4;
    for (const broken of [bytes.subarray(0, bytes.length - 1), bytes.subarray(0, 60), flipped]) {
      const path = file();
      writeFileSync(path, broken);
      await assert.rejects(restoring(ledger, path, db), { code: 'BACKUP_INVALID' });
      await assert.rejects(checkBackup(path, ledger.master), { code: 'BACKUP_INVALID' });
      await nothingIn(db);
    }
    await restoring(ledger, to, db);
  });

  test('another master key is refused, and so is a place that holds a ledger', async (t) => {
    const ledger = await filled(t);
    const to = file();
    await backupOf(ledger, to);
    const db = await empty(t);
    await assert.rejects(restoring({ ...ledger, master: randomBytes(32) }, to, db), { code: 'MASTER_KEY' });
    await nothingIn(db);
    const other = await testLedger(t);
    await other.db.query('another', "update setting set value = gen_random_uuid()::text where name = 'ledger'");
    await assert.rejects(restoring(ledger, to, other.db), { code: 'CONFLICT', message: /another ledger/ });
    await assert.rejects(restoring(ledger, to, other.db, { replace: true }), {
      code: 'CONFLICT',
      message: /another ledger/,
    });
    await assert.rejects(restoring(ledger, to, ledger.db), { code: 'CONFLICT', message: /this ledger already/ });
    await appendAudit(ledger.db, [{ entity: 'main', actor: 'x', action: 'after', object: 'x' }]);
    const node = '00000000-0000-7000-8000-000000000001';
    await heartbeat(ledger.db, node, {});
    await assert.rejects(restoring(ledger, to, ledger.db, { replace: true }), { code: 'CONFLICT', message: /run on/ });
    await ledger.db.query('gone', 'delete from node');
    const [tokens] = await ledger.db.query<{ epoch: bigint }>('tokens', "select nextval('lease_epoch') as epoch");
    await restoring(ledger, to, ledger.db, { replace: true });
    const after = await ledger.db.query('after', "select 1 from audit where action = 'after'");
    assert.deepEqual(after, []);
    const [later] = await ledger.db.query<{ epoch: bigint }>('tokens2', "select nextval('lease_epoch') as epoch");
    assert.ok(later!.epoch > tokens!.epoch);
  });

  test('a file that is there is not written over, and one that breaks off leaves nothing', async (t) => {
    const ledger = await testLedger(t);
    const to = file();
    writeFileSync(to, 'mine');
    await assert.rejects(backupOf(ledger, to), { code: 'CONFLICT' });
    assert.equal(readFileSync(to, 'utf8'), 'mine');
    await ledger.db.query('make', 'create table trap (n integer)');
    await ledger.db.query('trap', 'insert into trap values (1)');
    await ledger.db.query('rule', `create policy trap on trap using (1 / (n - 1) = 0)`);
    await ledger.db.query('on', 'alter table trap enable row level security');
    await ledger.db.query('force', 'alter table trap force row level security');
    const second = file();
    await assert.rejects(backupOf(ledger, second), /division by zero/);
    assert.equal(statSync(second, { throwIfNoEntry: false }), undefined);
    assert.equal(statSync(`${second}.part`, { throwIfNoEntry: false }), undefined);
  });

  test('with the key of another home the restored ledger opens with that key', async (t) => {
    const ledger = await filled(t);
    const to = file();
    await backupOf(ledger, to);
    const db = await empty(t);
    const own = randomBytes(32);
    await restoring(ledger, to, db, { rewrap: own });
    await assert.rejects(openVault(db, ledger.master), { code: 'MASTER_KEY' });
    assert.deepEqual((await openVault(db, own)).digest('x'), ledger.vault.digest('x'));
  });
});
