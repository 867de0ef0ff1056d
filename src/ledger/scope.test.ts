import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import { newId } from '../core/ids.ts';
import { appendAudit } from './audit.ts';
import { connectionStates, registerConnections } from './connections.ts';
import { Database } from './database.ts';
import { type EmbeddedPostgres, openEmbeddedPostgres } from './embedded/index.ts';
import { readKeys } from './embedded/keys.ts';
import { migrate } from './migrate.ts';
import { type ApiAccess, prepareApiAccess, scopedLedger } from './scope.ts';

/** Whoever makes the ledger: what the API's transactions are bound by. On a server of its own, whose administrator we are. */
const home = mkdtempSync(join(tmpdir(), 'crossdock scope '));
let server: EmbeddedPostgres;

before(async () => {
  server = await openEmbeddedPostgres({ home, settings: { fsync: 'off', shared_buffers: '16MB' } });
});
after(async () => {
  await server.stop();
  rmSync(home, { recursive: true, force: true });
});

async function asAdmin(...statements: string[]): Promise<void> {
  const { port, admin } = readKeys(home)!;
  const client = new pg.Client({
    host: '127.0.0.1',
    port,
    user: 'crossdock_admin',
    password: admin,
    database: 'postgres',
  });
  await client.connect();
  for (const statement of statements) await client.query(statement);
  await client.end();
}

/** A migrated ledger that a new role with these rights made and owns, with a connection and an audit record in each of two entities. */
async function ledgerOf(t: { after(end: () => unknown): void }, owner: string, rights: string): Promise<Database> {
  await asAdmin(`create role ${owner} login password 'x' ${rights}`, `create database ${owner} owner ${owner}`);
  const db = Database.open(`postgres://${owner}:x@127.0.0.1:${server.port}/${owner}`);
  t.after(() => db.close());
  await migrate(db);
  await registerConnections(db, [
    { name: 'shop-be', entity: 'be', connector: 'test' },
    { name: 'shop-nl', entity: 'nl', connector: 'test' },
  ]);
  await appendAudit(
    db,
    ['be', 'nl'].map((entity) => ({ entity, actor: 'hub', action: 'x', object: 'x' })),
  );
  return db;
}

const as = (db: Database, access: ApiAccess, ...entities: string[]) =>
  scopedLedger(db, access, { entities, token: newId() });

async function seesItsOwnOnly(db: Database, access: ApiAccess): Promise<void> {
  const seen = async (...entities: string[]) =>
    as(db, access, ...entities).transaction(async (sql) => [
      ...(await connectionStates(sql)).map(({ name }) => name),
      ...(await sql.query<{ entity: string }>('audit', 'select entity from audit order by entity')).map(
        ({ entity }) => entity,
      ),
    ]);
  assert.deepEqual(await seen('be'), ['shop-be', 'be']);
  assert.deepEqual(await seen('nl'), ['shop-nl', 'nl']);
  assert.deepEqual(await seen('be', 'nl'), ['shop-be', 'shop-nl', 'be', 'nl']);
  assert.deepEqual(await seen('*'), ['shop-be', 'shop-nl', 'be', 'nl']);
  assert.deepEqual(await seen('de'), []);
  assert.deepEqual(await seen(), []);
  assert.deepEqual(await seen('be,nl', '["nl"]', "be','nl"), [], 'a name is a name');
  const be = as(db, access, 'be');
  const pause = "update connection set state = 'paused' where name = 'shop-nl' returning 1";
  assert.deepEqual(await be.query('pause', pause), []);
  await assert.rejects(
    be.transaction((sql) => appendAudit(sql, [{ entity: 'nl', actor: 'x', action: 'x', object: 'x' }])),
    { code: '42501' },
  );
  const here = await db.query<{ who: string; all: boolean }>(
    'who',
    "select current_user = session_user as who, current_setting('crossdock.entity') = '*' as all",
  );
  assert.deepEqual(here, [{ who: true, all: true }], 'the connection goes back to the hub as it was');
  await assert.rejects(be.query('fail', 'select 1 / 0'));
  assert.equal((await connectionStates(db)).length, 2, 'after a failure too');
}

describe('what binds the API', { concurrency: 1 }, () => {
  test('the embedded PostgreSQL has the role', async (t) => {
    const db = Database.open(server.url);
    t.after(() => db.close());
    await migrate(db);
    assert.deepEqual(await prepareApiAccess(db), { role: 'crossdock_api' });
  });

  test('a superuser makes the role, and is bound by it', async (t) => {
    const db = await ledgerOf(t, 'chief', 'superuser');
    const access = await prepareApiAccess(db);
    assert.deepEqual(access, { role: 'chief_api' });
    await seesItsOwnOnly(db, access);
    assert.equal(
      (await as(db, { role: null }, 'be').transaction(connectionStates)).length,
      2,
      'without the role nothing would bind it',
    );
  });

  test('an owner that may make roles makes it', async (t) => {
    const db = await ledgerOf(t, 'maker', 'createrole');
    const access = await prepareApiAccess(db);
    assert.deepEqual(access, { role: 'maker_api' });
    await seesItsOwnOnly(db, access);
  });

  test('an owner that may not is bound itself, and takes the role once an administrator has made it', async (t) => {
    const db = await ledgerOf(t, 'plain', 'nocreaterole');
    const access = await prepareApiAccess(db);
    assert.deepEqual(access, { role: null });
    await seesItsOwnOnly(db, access);
    await asAdmin('create role plain_api nologin', 'grant plain_api to plain');
    assert.deepEqual(await prepareApiAccess(db), { role: 'plain_api' });
    await seesItsOwnOnly(db, { role: 'plain_api' });
  });

  test('an owner that bypasses row-level security and may not make the role gets no API', async (t) => {
    const db = await ledgerOf(t, 'loose', 'bypassrls nocreaterole');
    await assert.rejects(prepareApiAccess(db), (error: Error & { code: string; status: number; hint: string }) => {
      assert.deepEqual([error.code, error.status], ['API_UNBOUND', 503]);
      assert.match(error.hint, /create role "loose_api" nologin; grant "loose_api" to "loose"/);
      return true;
    });
    await asAdmin('create role loose_api bypassrls', 'grant loose_api to loose');
    await assert.rejects(prepareApiAccess(db), { code: 'API_UNBOUND' }, 'a role that bypasses it too is no help');
    await asAdmin('alter role loose_api nobypassrls');
    const access = await prepareApiAccess(db);
    assert.deepEqual(access, { role: 'loose_api' });
    await seesItsOwnOnly(db, access);
  });

  test('the role can do what the API does and nothing else', async (t) => {
    const db = await ledgerOf(t, 'strict', 'createrole');
    const all = as(db, await prepareApiAccess(db), '*');
    for (const [index, statement] of [
      'select from api_token',
      'select from data_key',
      'select from setting',
      'select from lease',
      'select from seen',
      'select hash from audit_seal',
      "update audit set actor = 'x'",
      'delete from audit',
      'delete from exception',
      "update connection set entity = 'x'",
      "update mapping_version set rows = '{}'",
      'alter table audit disable row level security',
      'drop table audit',
      'create table x (a integer)',
      'truncate audit',
    ].entries())
      await assert.rejects(all.query(`no_${index}`, statement), { code: '42501' }, statement);
    assert.equal((await all.query('may', 'select from audit')).length, 2);
  });

  test('several hubs that start at once agree', async (t) => {
    const db = await ledgerOf(t, 'many', 'createrole');
    const found = await Promise.all(Array.from({ length: 6 }, () => prepareApiAccess(db)));
    assert.deepEqual(new Set(found.map(({ role }) => role)), new Set(['many_api']));
  });

  test("a token's stored answers are its own, even for a token of all entities", async (t) => {
    const db = await ledgerOf(t, 'keeper', 'createrole');
    const access = await prepareApiAccess(db);
    const [mine, other] = [newId(), newId()];
    for (const id of [mine, other])
      await db.query(
        'token',
        "insert into api_token (id, name, digest, scopes, entities, created_by, expires_at) values ($1, 't', $2, '{read}', '{*}', 'test', now() + interval '1 day')",
        [id, Buffer.from(id)],
      );
    const speak = (token: string) => scopedLedger(db, access, { entities: ['*'], token });
    const add = "insert into api_request (token_id, key, digest) values ($1, 'k', 'd') returning 1";
    assert.equal((await speak(mine).query('add', add, [mine])).length, 1);
    assert.equal((await speak(mine).query('count', 'select from api_request')).length, 1);
    assert.equal((await speak(other).query('count', 'select from api_request')).length, 0);
    await assert.rejects(speak(other).query('add', add, [mine]), { code: '42501' });
    assert.equal((await db.query('count', 'select from api_request')).length, 1, 'the hub tidies all of them');
  });
});
