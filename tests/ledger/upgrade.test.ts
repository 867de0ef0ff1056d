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
import { idle, NoteDocument, noteHub, pushSource, send } from '../support/hub.ts';
import type { NoteItem } from '../support/target.ts';
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
    // Transactions of a new cluster must have higher numbers than those that the fixture was sealed by.
    const sealedBy = BigInt(/^audit_sealed_xid\t(\d+)$/m.exec(fixture)![1]!);
    for (let xid = 0n; xid <= sealedBy; )
      xid = BigInt((await client.query('select pg_current_xact_id()::text as xid')).rows[0].xid);
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

test('names of a ledger of the first release become digests: nothing is found twice, and connectors know every key as it was', async (t) => {
  const url = await emptyDatabase();
  const db = Database.open(url);
  t.after(() => db.close());
  const master = await loadFixture(db, url);
  await migrate(db);
  const vault = await openVault(db, master);
  // A memory that is bound to its subject, as flows keep them.
  await db.query('memory', "update subject set memory_sealed = $1 where subject = 'note:note-5'", [
    vault.seal(JSON.stringify({ seen: 1 }), 'subject:from:notes:note:note-5'),
  ]);
  const target = new Target();
  const given: NoteItem[] = [];
  const memories: unknown[] = [];
  const sink = target.sink({
    answer: (items) => {
      given.push(...items);
      return target.commit(items);
    },
  });
  const personal = { ...NoteDocument, keyClassification: 'personal' as const };
  const options = {
    source: { ...pushSource(), personal: { subject: true, labels: ['note'] } },
    flow: { documents: [personal] },
  };
  const translate = noteHub({ db, vault }, sink).parts.estate.flows[0]!.translate;
  const hub = noteHub({ db, vault }, sink, {
    ...options,
    flow: {
      ...options.flow,
      translate: (native, look) => {
        if (look.memory) memories.push(look.memory);
        return translate(native, look);
      },
    },
  });
  await hub.start();
  const [parked] = await listExceptions(db, null, 10);
  assert.match(parked!.key!, /^~[0-9a-f]{32}$/);
  await retryException(hub.parts, parked!, { by: 'cli:test', reason: 'the target takes it now' });
  await send(hub, { id: 'note-1', n: 101 }, { key: 'note-1/2', sourceVersion: 2n });
  await send(hub, { id: 'missing', n: 3 }, { key: 'missing/1' });
  await send(hub, { id: 'note-3', n: 103 }, { key: 'note-3/2', sourceVersion: 2n });
  await send(hub, { id: 'note-4', n: 1 }, { key: 'note-4/0', sourceVersion: 0n });
  await send(hub, { id: 'note-5', n: 105, text: 'v2' }, { key: 'note-5/2', sourceVersion: 2n });
  await until('what was open is delivered', () =>
    ['bad', 'late', 'lost', 'note-2', 'note-3', 'note-5', 'unrouted', 'missing'].every((key) =>
      target.records.has(key),
    ),
  );
  await idle(hub);
  // The target is given the ids that it had told the first release, under the keys that its external ids are made of.
  const idGiven = (key: string) => given.find((item) => item.key === key)?.id;
  assert.deepEqual(['note-2', 'note-3', 'note-5', 'bad'].map(idGiven), ['note-2#10', 'note-3#7', 'note-5#4', null]);
  assert.deepEqual(memories, [{ seen: 1 }], 'a subject keeps its memory');
  assert.equal((await readFigures(db)).events.late, 1, 'and its version');
  assert.equal(target.records.has('note-1'), false);
  const counted = await db.query<{ documents: number; bindings: number; plain: number }>(
    'counted',
    `select (select count(*)::int from document) as documents, (select count(*)::int from binding) as bindings,
       (select count(*)::int from (select key from document union all select key from binding union all select key from delivery_history
         union all select replace(lane_key, 'note:', '') from delivery_history union all select subject from event_history union all select subject from subject
         union all select value from event_history, jsonb_each_text(labels) union all select value from delivery_history, jsonb_each_text(labels)
         union all select key from exception) n where key !~ '^~[0-9a-f]{32}$') as plain`,
  );
  assert.deepEqual(counted, [{ documents: 17, bindings: 17, plain: 0 }]);
  await hub.stop();
  assert.equal((await verifyAudit(db)).broken, null);
  const told = await db.query('told', "select object from audit where action = 'names.masked' order by object");
  assert.deepEqual(told, [
    { object: 'key note' },
    { object: 'label from notes note' },
    { object: 'subject from notes' },
  ]);
  await assert.rejects(noteHub({ db, vault }, target.sink()).start(), /digests in place of the keys of 'note'/);
});
