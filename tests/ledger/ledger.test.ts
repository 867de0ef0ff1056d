import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import pg from 'pg';
import { newId } from '../../src/core/ids.ts';
import { appendAudit } from '../../src/ledger/audit.ts';
import { registerConnections } from '../../src/ledger/connections.ts';
import { Database } from '../../src/ledger/database.ts';
import { refreshLanes, removeEmptyLanes, takePlaces } from '../../src/ledger/lanes.ts';
import { migrate } from '../../src/ledger/migrate.ts';
import { openVault } from '../../src/ledger/vault.ts';
import { emptyDatabase } from '../support/cluster.ts';
import { testLedger } from '../support/hub.ts';
import { until } from '../support/target.ts';

const clean: (() => unknown)[] = [];
after(async () => {
  for (const end of clean.reverse()) await end();
});

function open(url: string): Database {
  const db = Database.open(url);
  clean.push(() => db.close());
  return db;
}

/** A copy of the migrations that a test may change. */
function migrationsCopy(): string {
  const folder = mkdtempSync(join(tmpdir(), 'crossdock sql '));
  clean.push(() => rmSync(folder, { recursive: true }));
  cpSync(join(import.meta.dirname, '../../sql'), folder, { recursive: true });
  return folder;
}

describe('migrations', { concurrency: 4 }, () => {
  test('two hubs that start at once migrate once', async () => {
    const url = await emptyDatabase();
    const applied = await Promise.all([open(url), open(url), open(url)].map((db) => migrate(db)));
    const [one, ...none] = applied.map((names) => names.length).sort((a, b) => b - a);
    assert.ok(one! > 0);
    assert.deepEqual(none, [0, 0]);
    const db = open(url);
    assert.deepEqual(await migrate(db), []);
  });

  test('a ledger of a newer release is refused, and nothing is changed', async () => {
    const db = open(await emptyDatabase());
    const newer = migrationsCopy();
    writeFileSync(join(newer, '900-newer.sql'), 'create table newer (id integer);');
    await migrate(db, newer);
    await assert.rejects(migrate(db), (error: Error & { code: string; hint: string }) => {
      assert.equal(error.code, 'LEDGER_VERSION');
      assert.match(error.message, /900-newer\.sql.*newer release/);
      assert.match(error.hint, /start the newer release/);
      return true;
    });
    assert.deepEqual(await db.query('still', `select to_regclass('newer')::text as name`), [{ name: 'newer' }]);
  });

  test('a migration that differs from the one applied is refused', async () => {
    const db = open(await emptyDatabase());
    await migrate(db);
    const changed = migrationsCopy();
    writeFileSync(join(changed, '001-ledger.sql'), 'create table other (id integer);');
    await assert.rejects(migrate(db, changed), { code: 'MIGRATION_CHANGED' });
  });

  test('a migration that fails leaves nothing of itself, and can be tried again', async () => {
    const db = open(await emptyDatabase());
    const folder = migrationsCopy();
    const broken = join(folder, '900-broken.sql');
    writeFileSync(broken, 'create table half (id integer); select 1 / 0;');
    await assert.rejects(migrate(db, folder), /division by zero/);
    assert.deepEqual(await db.query('none', `select to_regclass('half')::text as name`), [{ name: null }]);
    writeFileSync(broken, 'create table half (id integer);');
    assert.deepEqual(await migrate(db, folder), ['900-broken.sql']);
  });
});

describe('the vault', () => {
  test('opens with its master key only; another one changes nothing', async () => {
    const ledger = await testLedger();
    clean.push(() => ledger.db.close());
    const keys = () => ledger.db.query('keys', 'select * from data_key order by id');
    const before = await keys();
    const sealed = ledger.vault.seal('secret words', 'event:1');
    await assert.rejects(openVault(ledger.db, randomBytes(32)), (error: Error & { code: string; hint: string }) => {
      assert.equal(error.code, 'MASTER_KEY');
      assert.match(error.message, /another master key/);
      assert.match(error.hint, /CROSSDOCK_KEY.*nothing was changed/);
      return true;
    });
    assert.deepEqual(await keys(), before);
    const again = await openVault(ledger.db, ledger.master);
    assert.equal(again.unseal(sealed, 'event:1').toString(), 'secret words');
    assert.throws(() => again.unseal(sealed, 'event:2'));
    assert.deepEqual(again.digest('x'), ledger.vault.digest('x'));
  });

  test('two hubs that make the first keys at once agree on them', async () => {
    const db = open(await emptyDatabase());
    await migrate(db);
    const master = randomBytes(32);
    const vaults = await Promise.all(Array.from({ length: 4 }, () => openVault(db, master)));
    assert.equal(new Set(vaults.map((vault) => vault.digest('x').toString('hex'))).size, 1);
  });
});

describe('row-level security', () => {
  /** A session of the ledger's own role, which is no superuser, that was told nothing yet. */
  async function session(url: string): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: url, options: '-c search_path=crossdock' });
    await client.connect();
    clean.push(() => client.end());
    const { rows } = await client.query(`select current_setting('is_superuser') as superuser`);
    assert.deepEqual(rows, [{ superuser: 'off' }]);
    return client;
  }

  test('a session sees the entity it was given, nothing before, and cannot write another', async () => {
    const ledger = await testLedger();
    clean.push(() => ledger.db.close());
    await registerConnections(ledger.db, [
      { name: 'shop-be', entity: 'be', connector: 'test' },
      { name: 'shop-nl', entity: 'nl', connector: 'test' },
    ]);
    await appendAudit(
      ledger.db,
      ['be', 'nl'].map((entity) => ({ entity, actor: 'hub', action: 'x', object: 'x' })),
    );
    const client = await session(ledger.url);
    const seen = async () => {
      const { rows } = await client.query(
        'select entity from connection union all select entity from audit order by 1',
      );
      return rows.map((row) => row.entity);
    };
    assert.deepEqual(await seen(), [], 'before it was told');
    for (const [told, sees] of [
      ['be', ['be', 'be']],
      ['nl', ['nl', 'nl']],
      ['de', []],
      ['', []],
    ] as const) {
      await client.query(`set crossdock.entity = '${told}'`);
      assert.deepEqual(await seen(), sees);
    }
    await client.query(`begin; set local crossdock.entity = 'be'`);
    assert.equal((await seen()).length, 2);
    await client.query('commit');
    assert.equal((await seen()).length, 0, 'set for the transaction only');
    await client.query(`set crossdock.entity = 'be'`);
    const add = `insert into connection (name, entity, connector) values ('x', 'nl', 'test')`;
    await assert.rejects(client.query(add), /row-level security/);
    await assert.rejects(
      client.query(`update connection set entity = 'nl' where name = 'shop-be'`),
      /row-level security/,
    );
    assert.equal((await client.query(`delete from connection where name = 'shop-nl'`)).rowCount, 0);
  });

  test('every table with an entity is protected, from its owner too', async () => {
    const ledger = await testLedger();
    clean.push(() => ledger.db.close());
    const open = await ledger.db.query(
      'unprotected',
      `select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'crossdock'
       where c.relkind in ('r', 'p') and not c.relispartition and not (c.relrowsecurity and c.relforcerowsecurity)
         and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'entity')`,
    );
    assert.deepEqual(open, []);
  });
});

describe('lanes', () => {
  test('a lane that holds nothing is removed, one that waits for a binding is not', async () => {
    const ledger = await testLedger();
    clean.push(() => ledger.db.close());
    const { db } = ledger;
    const lane = (laneKey: string) => ({ connection: 'target', sink: 'notes', laneKey });
    await db.transaction(async (sql) => {
      await takePlaces(
        sql,
        ['empty', 'waits'].map((key) => ({ ...lane(key), entity: 'main', priority: 0, count: 1 })),
      );
      await sql.query(
        'add',
        `insert into delivery (id, entity, flow, connection, sink, lane_key, place, document_id, kind, key, version, event_id, waits, labels, lines, minor, absolute)
         values ($1, 'main', 'f', 'target', 'notes', 'waits', 0, $1, 'note', 'waits', 1, $1, 1, '{}', 0, 0, 0)`,
        [newId()],
      );
      await refreshLanes(sql, [lane('empty'), lane('waits')]);
    });
    assert.equal(await db.transaction(removeEmptyLanes), 1);
    assert.deepEqual(await db.query('left', 'select key, ready_at from lane'), [{ key: 'waits', ready_at: null }]);
  });

  test('a lane that a router is working on is left alone', async () => {
    const ledger = await testLedger();
    clean.push(() => ledger.db.close());
    const { db } = ledger;
    const wanted = [{ connection: 'target', sink: 'notes', laneKey: 'a', entity: 'main', priority: 0, count: 1 }];
    await db.transaction((sql) => takePlaces(sql, wanted));
    await db.transaction(async (sql) => {
      const first = await takePlaces(sql, wanted);
      assert.deepEqual([...first.values()], [1n]);
      assert.equal(await db.transaction(removeEmptyLanes), 0);
    });
    await until('it is removed when nobody has it', async () => (await db.transaction(removeEmptyLanes)) === 1);
  });
});
