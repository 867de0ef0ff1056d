import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { retryException } from '../../src/engine/resolve.ts';
import { verifyAudit } from '../../src/ledger/audit.ts';
import { Database } from '../../src/ledger/database.ts';
import { listExceptions } from '../../src/ledger/exceptions.ts';
import { readFigures } from '../../src/ledger/figures.ts';
import { migrate } from '../../src/ledger/migrate.ts';
import { openVault } from '../../src/ledger/vault.ts';
import { emptyDatabase } from '../support/cluster.ts';
import { idle, noteHub, send } from '../support/hub.ts';
import { Target, until } from '../support/target.ts';

const fixture = readFileSync(join(import.meta.dirname, 'fixtures', 'ledger-001.txt'), 'utf8');
const sql = join(import.meta.dirname, '..', '..', 'sql');

/** The kept ledger at its own migration. */
async function loadFixture(db: Database, url: string): Promise<Buffer> {
  const folder = mkdtempSync(join(tmpdir(), 'crossdock-001-'));
  copyFileSync(join(sql, '001-ledger.sql'), join(folder, '001-ledger.sql'));
  assert.deepEqual(await migrate(db, folder), ['001-ledger.sql']);
  rmSync(folder, { recursive: true });
  const client = new pg.Client({ connectionString: url, options: '-c search_path=crossdock -c timezone=UTC' });
  await client.connect();
  try {
    const [head, ...sections] = fixture.split(/^## /m);
    await client.query('delete from migration');
    for (const month of new Set([...fixture.matchAll(/\t(\d{4}-\d{2})-\d{2} \d{2}:/g)].map(([, found]) => found)))
      await client.query(`select ensure_history('${month}-01', 1)`);
    for (const section of sections) {
      const [, name, columns] = /^(\w+) \((.*)\)\n/.exec(section)!;
      await client.query(`alter table "${name}" no force row level security`);
      const copy = client.query(copyFrom(`copy "${name}" (${columns}) from stdin`));
      copy.end(section.slice(section.indexOf('\n') + 1));
      await new Promise((resolve, reject) => copy.once('finish', resolve).once('error', reject));
      const { rows } = await client.query(
        `select relrowsecurity as on from pg_class where oid = '"${name}"'::regclass`,
      );
      if (rows[0].on) await client.query(`alter table "${name}" force row level security`);
    }
    return Buffer.from(/master ([0-9a-f]{64})/.exec(head!)![1]!, 'hex');
  } finally {
    await client.end();
  }
}

test('a ledger of the first release is migrated to this one and goes on where it stood', async (t) => {
  const url = await emptyDatabase();
  const db = Database.open(url);
  t.after(() => db.close());
  const master = await loadFixture(db, url);
  // Transactions of this cluster have higher numbers than those that the fixture was sealed by.
  assert.ok((await migrate(db)).length > 0);
  const vault = await openVault(db, master);
  const before = await readFigures(db);
  assert.equal(before.deliveries.delivered, 13);
  assert.equal((await verifyAudit(db)).broken, null);
  const target = new Target();
  const hub = noteHub({ db, vault }, target.sink());
  await hub.start();
  const [parked] = await listExceptions(db, null, 10);
  assert.equal(parked?.key, 'bad');
  await retryException({ ...hub.parts }, parked!, { by: 'cli:test', reason: 'the target takes it now' });
  await send(hub, { id: 'note-1', n: 101 }, { key: 'note-1/2', sourceVersion: 2n });
  await send(hub, { id: 'missing', n: 3 }, { key: 'missing/1' });
  await send(hub, { id: 'note-3', n: 103 }, { key: 'note-3/2', sourceVersion: 2n });
  await until('what was open is delivered', () =>
    ['bad', 'late', 'lost', 'note-2', 'note-3', 'unrouted', 'missing'].every((key) => target.records.has(key)),
  );
  await idle(hub);
  assert.equal(target.records.has('note-1'), false, 'what was seen by the older release is a duplicate');
  assert.deepEqual(target.values('note-2'), [102]);
  assert.equal((await readFigures(db)).deliveries.delivered, 13 + 7);
  await hub.stop();
  assert.equal((await verifyAudit(db)).broken, null);
});
