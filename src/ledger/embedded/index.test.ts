import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { attachEmbeddedPostgres } from './index.ts';
import { readPidFile } from './process.ts';
import { kill, madeHome, newHome, openHere, query, server, startHub, stopHub } from './testing.ts';

const COUNT = 'SELECT count(*)::int AS n FROM kept';
const BUSY = 'SELECT count(*) FROM pg_attribute a, pg_attribute b, pg_attribute c';

test('a first start makes a database that is ours, private and checksummed; the next start finds it again', async (t) => {
  const home = newHome(t);
  const first = await openHere(t, home);
  const [facts] = await query(
    first.url,
    `SELECT current_user AS role, rolsuper, rolcreatedb, current_setting('data_checksums') AS checksums, current_setting('listen_addresses') AS listen,
       (SELECT concat_ws(' ', pg_encoding_to_char(encoding), datlocprovider, datlocale, pg_get_userbyid(datdba)) FROM pg_database WHERE datname = current_database()) AS base
     FROM pg_roles WHERE rolname = current_user`,
  );
  assert.deepEqual(facts, {
    role: 'crossdock',
    rolsuper: false,
    rolcreatedb: false,
    checksums: 'on',
    listen: '127.0.0.1',
    base: 'UTF8 b C.UTF-8 crossdock',
  });
  await assert.rejects(query(first.url.replace(/:[^:@/]+@/, ':guess@'), 'SELECT 1'), /password authentication failed/);
  assert.ok(first.port < 32_768);
  assert.equal(statSync(join(home, 'postgres.json')).mode & 0o777, 0o600);
  await query(first.url, 'CREATE TABLE kept AS SELECT 1 AS a');
  await first.stop();
  assert.equal(readPidFile(first.dataDir), null);
  await assert.rejects(first.ensureRunning(), { code: 'EMBEDDED_POSTGRES_START' });

  const second = await openHere(t, home, { createDatabases: true });
  assert.equal(second.url, first.url);
  assert.equal(second.adopted, false);
  assert.deepEqual(await query(second.url, COUNT), [{ n: 1 }]);
  assert.deepEqual(await query(second.url, 'SELECT rolcreatedb FROM pg_roles WHERE rolname = current_user'), [
    { rolcreatedb: true },
  ]);
});

test('the log holds no values of failed statements', async (t) => {
  const home = await madeHome(t);
  const postgres = await openHere(t, home);
  await query(
    postgres.url,
    "CREATE TABLE person (email text PRIMARY KEY); INSERT INTO person VALUES ('jane@example.com')",
  );
  await assert.rejects(query(postgres.url, "INSERT INTO person VALUES ('jane@example.com')"), { code: '23505' });
  await assert.rejects(query(postgres.url, "SELECT 'jane@example.com'::int"), { code: '22P02' });
  assert.doesNotMatch(readFileSync(join(home, 'postgres.log'), 'utf8'), /jane/);
});

test('a hub killed with -9 leaves a server that the next one adopts', async (t) => {
  const home = await madeHome(t);
  const hub = await startHub(t, home);
  const left = server(hub);
  await query(left.url, 'CREATE TABLE kept AS SELECT 1 AS a');
  await kill(hub.child);

  const next = await openHere(t, home);
  assert.equal(next.adopted, true);
  assert.equal(next.pid, left.pid);
  assert.equal(next.url, left.url);
  assert.deepEqual(await query(next.url, COUNT), [{ n: 1 }]);
  let told = 0;
  next.onExit(() => told++);
  process.kill(next.pid, 'SIGKILL');
  for (const deadline = Date.now() + 5_000; told === 0 && Date.now() < deadline; ) await sleep(20);
  assert.equal(told, 1, 'the end of an adopted server is noticed too');
  await next.ensureRunning();
  assert.deepEqual(await query(next.url, COUNT), [{ n: 1 }]);
});

test('a live hub keeps its home: a second one is refused and told whom to ask', async (t) => {
  const home = await madeHome(t);
  const hub = await startHub(t, home);
  await assert.rejects(openHere(t, home), (error: Error & { code: string; hint: string }) => {
    assert.equal(error.code, 'EMBEDDED_POSTGRES_IN_USE');
    assert.match(error.message, new RegExp(`process ${hub.child.pid} `));
    assert.match(error.hint, /DATABASE_URL/);
    return true;
  });
  await stopHub(hub);
  const next = await openHere(t, home);
  assert.equal(next.adopted, false);
  await assert.rejects(openHere(t, home), { code: 'EMBEDDED_POSTGRES_IN_USE' }, 'not twice in one process either');
});

test('of starts in the same moment one wins and the others are refused', async (t) => {
  const home = newHome(t);
  const hubs = await Promise.all([1, 2, 3, 4].map(() => startHub(t, home)));
  const refusals = hubs.flatMap(({ opened }) => ('error' in opened ? [opened.error] : []));
  assert.deepEqual(refusals, Array(3).fill('EMBEDDED_POSTGRES_IN_USE'));
});

test('a server killed with -9 is started again with the same address, also while its children still work', async (t) => {
  const postgres = await openHere(t, await madeHome(t));
  await query(postgres.url, 'CREATE TABLE kept AS SELECT generate_series(1, 500) AS a');
  const busy = assert.rejects(query(postgres.url, BUSY));
  while (
    (await query(postgres.url, `SELECT 1 FROM pg_stat_activity WHERE query = '${BUSY}' AND state = 'active'`))
      .length === 0
  )
    await sleep(10);
  const before = postgres.pid;
  const ended = new Promise<void>((resolve) => postgres.onExit(resolve));
  process.kill(before, 'SIGKILL');
  await ended;
  await Promise.all([postgres.ensureRunning(), postgres.ensureRunning()]);
  await busy;
  assert.notEqual(postgres.pid, before);
  assert.deepEqual(await query(postgres.url, COUNT), [{ n: 500 }]);
  await postgres.ensureRunning();
});

test('after hub and server were killed, a pid that now belongs to another program is neither trusted nor harmed', async (t) => {
  const home = await madeHome(t);
  const hub = await startHub(t, home);
  await query(server(hub).url, 'CREATE TABLE kept AS SELECT 1 AS a');
  await kill(hub.child);
  process.kill(server(hub).pid, 'SIGKILL');
  const pidFile = join(home, 'postgres', 'postmaster.pid');
  const stranger = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)'], { stdio: 'ignore' });
  t.after(() => kill(stranger));
  for (const pid of [stranger.pid, 1]) {
    writeFileSync(pidFile, readFileSync(pidFile, 'utf8').replace(/^\d+/, String(pid)));
    const next = await openHere(t, home);
    assert.equal(next.adopted, false);
    assert.deepEqual(await query(next.url, COUNT), [{ n: 1 }]);
    process.kill(next.pid, 'SIGKILL');
    while (existsSync(`/proc/${next.pid}`)) await sleep(10);
    await next.stop();
  }
  assert.equal(stranger.exitCode ?? stranger.signalCode, null);
});

test('a taken port is replaced by another one that is remembered; a port that was asked for is not', async (t) => {
  const home = await madeHome(t);
  const first = await openHere(t, home);
  await first.stop();
  const other = createServer().listen(first.port, '127.0.0.1');
  t.after(() => other.close());
  const second = await openHere(t, home);
  assert.notEqual(second.port, first.port);
  await second.stop();
  await assert.rejects(openHere(t, home, { port: first.port }), {
    code: 'EMBEDDED_POSTGRES_START',
    message: /is taken/,
  });
  const third = await openHere(t, home);
  assert.equal(third.url, second.url);
});

test('lost passwords are set anew, the data stay', async (t) => {
  const home = await madeHome(t);
  const keys = join(home, 'postgres.json');
  const hub = await startHub(t, home);
  await query(server(hub).url, 'CREATE TABLE kept AS SELECT 1 AS a');
  await kill(hub.child);
  rmSync(keys);
  const second = await openHere(t, home);
  assert.equal(second.adopted, false, 'the running server was stopped');
  assert.deepEqual(await query(second.url, COUNT), [{ n: 1 }]);
  const older = readFileSync(keys, 'utf8');
  await second.stop();
  writeFileSync(keys, older.replace(/"crossdock": "..../, '"crossdock": "ffff'));
  const third = await openHere(t, home);
  assert.deepEqual(await query(third.url, COUNT), [{ n: 1 }]);
});

test('a database that was dropped is made again, empty', async (t) => {
  const home = await madeHome(t);
  const first = await openHere(t, home, { createDatabases: true });
  const admin = JSON.parse(readFileSync(join(home, 'postgres.json'), 'utf8')).admin as string;
  const url = `postgres://crossdock_admin:${admin}@127.0.0.1:${first.port}/postgres`;
  await query(url, 'DROP DATABASE crossdock WITH (FORCE)');
  await first.stop();
  const second = await openHere(t, home);
  assert.deepEqual(await query(second.url, 'SELECT current_database() AS name'), [{ name: 'crossdock' }]);
});

test('a copied home gets a server of its own, not that of the original', async (t) => {
  const [home, copy] = [await madeHome(t), newHome(t)];
  const original = await openHere(t, home);
  cpSync(home, copy, { recursive: true, filter: (path) => !path.endsWith('postgres.lock') });
  const second = await openHere(t, copy);
  assert.equal(second.adopted, false);
  assert.notEqual(second.pid, original.pid);
  assert.notEqual(second.port, original.port);
});

test('a command attaches to the server of a running hub, never to that of the home it was copied from', async (t) => {
  const [home, copy] = [await madeHome(t), newHome(t)];
  assert.equal(await attachEmbeddedPostgres(home), null);
  const original = await openHere(t, home);
  assert.deepEqual(await attachEmbeddedPostgres(home), { url: original.url });
  cpSync(home, copy, { recursive: true, filter: (path) => !path.endsWith('postgres.lock') });
  assert.equal(await attachEmbeddedPostgres(copy), null);
});

test('a start that was killed while it made the database leaves nothing in the way', async (t) => {
  const home = newHome(t);
  mkdirSync(join(home, 'postgres.new-0badcafe'));
  writeFileSync(join(home, 'postgres.new-0badcafe', 'PG_VERSION'), '18\n');
  mkdirSync(join(home, 'postgres'));
  await openHere(t, home);
  assert.deepEqual(
    readdirSync(home).filter((name) => name.includes('.new-')),
    [],
  );
});

test('data of another major version and foreign files are refused in words', async (t) => {
  const home = newHome(t);
  mkdirSync(join(home, 'postgres'), { mode: 0o700 });
  writeFileSync(join(home, 'postgres', 'PG_VERSION'), '15\n');
  await assert.rejects(openHere(t, home), { code: 'EMBEDDED_POSTGRES_MAJOR', message: /PostgreSQL 15.*PostgreSQL 18/ });
  rmSync(join(home, 'postgres', 'PG_VERSION'));
  writeFileSync(join(home, 'postgres', 'letter.txt'), '');
  await assert.rejects(openHere(t, home), { code: 'EMBEDDED_POSTGRES_START', message: /no PostgreSQL data/ });
  assert.ok(existsSync(join(home, 'postgres', 'letter.txt')));
});

test('a server that cannot start says why in its own words', async (t) => {
  await assert.rejects(openHere(t, await madeHome(t), { settings: { shared_buffers: 'plenty' } }), {
    code: 'EMBEDDED_POSTGRES_START',
    message: /invalid value for parameter "shared_buffers": "plenty"/,
  });
});

test('a home that is a file is refused in words', async (t) => {
  const file = join(dirname(newHome(t)), 'file');
  writeFileSync(file, '');
  await assert.rejects(openHere(t, file), { code: 'EMBEDDED_POSTGRES_USER' });
});
