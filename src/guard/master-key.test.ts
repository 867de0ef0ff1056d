import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { masterKey } from './master-key.ts';

const windows = process.platform === 'win32';

function newHome(t: TestContext): string {
  const top = mkdtempSync(join(tmpdir(), 'crossdock key-'));
  t.after(() => rmSync(top, { recursive: true, force: true }));
  return join(top, 'home');
}

test('CROSSDOCK_KEY as base64, base64url or hex gives the same 32 bytes and touches no file', (t) => {
  const home = newHome(t);
  const key = Buffer.from('fb'.repeat(8) + randomBytes(24).toString('hex'), 'hex');
  for (const text of [
    key.toString('base64'),
    key.toString('base64url'),
    key.toString('hex'),
    ` ${key.toString('hex').toUpperCase()}\n`,
  ]) {
    const found = masterKey({ home, env: { CROSSDOCK_KEY: text } });
    assert.deepEqual(
      [found.key.equals(key), found.created, found.from, found.warnings],
      [true, false, 'CROSSDOCK_KEY', []],
    );
  }
  assert.equal(statSync(home, { throwIfNoEntry: false }), undefined);
});

test('what is not 32 random bytes is refused, and never repeated in the error', (t) => {
  const home = newHome(t);
  for (const text of [
    'correct horse battery staple',
    'hunter2',
    randomBytes(31).toString('base64'),
    randomBytes(33).toString('hex'),
    Buffer.alloc(32).toString('base64'),
    'ab'.repeat(32),
    `${randomBytes(32).toString('base64')}\n${randomBytes(32).toString('base64')}`,
  ])
    assert.throws(
      () => masterKey({ home, env: { CROSSDOCK_KEY: text } }),
      (error: { code: string; hint: string; message: string }) => {
        assert.equal(error.code, 'MASTER_KEY');
        assert.match(error.hint, /openssl rand -base64 32/);
        assert.ok(!`${error.message} ${error.hint}`.includes(text));
        return true;
      },
    );
});

test('two places at once are refused; empty variables count as absent', (t) => {
  const home = newHome(t);
  assert.throws(() => masterKey({ home, env: { CROSSDOCK_KEY: 'a', CROSSDOCK_KEY_FILE: 'b' } }), {
    code: 'MASTER_KEY',
    message: /both/,
  });
  assert.equal(masterKey({ home, env: { CROSSDOCK_KEY: '', CROSSDOCK_KEY_FILE: '' } }).created, true);
});

test('CROSSDOCK_KEY_FILE is read, with a warning when others may read it', (t) => {
  const home = newHome(t);
  mkdirSync(home);
  const file = join(home, 'k');
  const key = randomBytes(32);
  writeFileSync(file, `${key.toString('hex')}\n`, { mode: 0o600 });
  const env = { CROSSDOCK_KEY_FILE: file };
  assert.deepEqual(masterKey({ home, env }), { key, created: false, from: file, warnings: [] });
  chmodSync(file, 0o644);
  assert.equal(masterKey({ home, env }).warnings.length, windows ? 0 : 1);
});

test('a file that is missing, a folder, empty or wrong is a MASTER_KEY with a hint, and none is made in its place', (t) => {
  const home = newHome(t);
  mkdirSync(home);
  const empty = join(home, 'empty');
  writeFileSync(empty, '');
  for (const [file, message] of [
    [join(home, 'absent'), /ENOENT/],
    [home, /EISDIR|EPERM|EACCES/],
    [empty, /neither base64 nor hex/],
  ] as const)
    assert.throws(
      () => masterKey({ home, env: { CROSSDOCK_KEY_FILE: file } }),
      (error: { code: string; hint?: string; message: string }) =>
        error.code === 'MASTER_KEY' && message.test(error.message) && Boolean(error.hint),
    );
  assert.deepEqual(readdirSync(home), ['empty']);
});

test('the first start makes a key that only its owner reads; later starts find it', (t) => {
  const home = newHome(t);
  const made = masterKey({ home, env: {} });
  const path = join(home, 'master.key');
  assert.deepEqual([made.created, made.from, made.key.length, made.warnings], [true, path, 32, []]);
  if (!windows) assert.deepEqual([statSync(path).mode & 0o777, statSync(home).mode & 0o777], [0o600, 0o700]);
  assert.deepEqual(masterKey({ home, env: {} }), { ...made, created: false });
  assert.deepEqual(readdirSync(home), ['master.key']);
  assert.equal(readFileSync(path, 'utf8'), `${made.key.toString('base64')}\n`);
});

test('a damaged key file is refused, never replaced', (t) => {
  const home = newHome(t);
  mkdirSync(home);
  writeFileSync(join(home, 'master.key'), 'damaged\n', { mode: 0o600 });
  assert.throws(() => masterKey({ home, env: {} }), { code: 'MASTER_KEY' });
  assert.equal(readFileSync(join(home, 'master.key'), 'utf8'), 'damaged\n');
});

test('a home that cannot be written says what to do', (t) => {
  const home = newHome(t);
  writeFileSync(home, 'a file stands here');
  assert.throws(() => masterKey({ home, env: {} }), { code: 'MASTER_KEY', hint: /CROSSDOCK_HOME/ });
});

test('many first starts at once get one key, and one of them made it', async (t) => {
  const home = newHome(t);
  const go = Date.now() + 700;
  const program = `
    import { masterKey } from ${JSON.stringify(new URL('./master-key.ts', import.meta.url).href)};
    while (Date.now() < ${go});
    const { key, created } = masterKey({ home: ${JSON.stringify(home)}, env: {} });
    console.log(JSON.stringify([key.toString('hex'), created]));`;
  const starts = await Promise.all(
    Array.from({ length: 8 }, () => promisify(execFile)(process.execPath, ['--input-type=module', '-e', program])),
  );
  const found = starts.map(({ stdout }) => JSON.parse(stdout) as [string, boolean]);
  assert.equal(new Set(found.map(([key]) => key)).size, 1);
  assert.equal(found.filter(([, created]) => created).length, 1);
  assert.deepEqual(readdirSync(home), ['master.key']);
});
