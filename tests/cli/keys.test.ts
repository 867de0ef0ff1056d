import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pendingMasterKey } from '../../src/guard/master-key.ts';
import { Database } from '../../src/ledger/database.ts';
import { announceKey } from '../../src/ledger/keys.ts';
import { emptyDatabase } from '../support/cluster.ts';

const program = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');

interface Place {
  readonly home: string;
  readonly url: string;
  run(args: readonly string[], env?: Record<string, string>): Promise<{ code: number | null; text: string }>;
}

/** A home folder and an empty database of its own. */
async function place(t: TestContext): Promise<Place> {
  const home = mkdtempSync(join(tmpdir(), 'crossdock keys '));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  const url = await emptyDatabase();
  const { CROSSDOCK_KEY: _, CROSSDOCK_KEY_FILE: __, ...inherited } = process.env;
  return {
    home,
    url,
    run: (args, env = {}) =>
      new Promise((resolve, reject) => {
        const flags = ['--conditions=source', '--disable-warning=ExperimentalWarning'];
        const child = spawn(process.execPath, [...flags, program, ...args], {
          env: { ...inherited, CROSSDOCK_HOME: home, DATABASE_URL: url, ...env },
          stdio: ['ignore', 'pipe', 'pipe'],
        });
        let text = '';
        for (const out of [child.stdout, child.stderr]) out.on('data', (data) => (text += data));
        child.once('error', reject);
        child.once('close', (code) => resolve({ code, text }));
      }),
  };
}

const keyIn = (home: string) => readFileSync(join(home, 'master.key'), 'utf8').trim();

test('a rotation that was broken off between ledger and key file is ended by the next command', async (t) => {
  const { home, url, run } = await place(t);
  assert.equal((await run(['status'])).code, 0);
  const before = keyIn(home);
  const db = Database.open(url, { size: 2 });
  const after = pendingMasterKey(home);
  await announceKey(db, { before: Buffer.from(before, 'base64'), after }, 'cli:test');
  await db.close();
  const next = await run(['status']);
  assert.equal(next.code, 0, next.text);
  assert.equal(keyIn(home), after.toString('base64'));
  const kept = readdirSync(home).filter((name) => /^master\.key\.\d{14}$/.test(name));
  assert.equal(kept.length, 1);
  assert.equal(readFileSync(join(home, kept[0]!), 'utf8').trim(), before);
  assert.equal(statSync(join(home, kept[0]!)).mode & 0o777, 0o600);
  assert.equal(existsSync(join(home, 'master.key.next')), false);
  const rotated = await run(['key', 'rotate', '--json']);
  assert.equal(rotated.code, 0, rotated.text);
  assert.match(rotated.text, /"key":3,/, 'the key that was announced is used');
});

test('a key from outside is changed for another one from outside', async (t) => {
  const { home, run } = await place(t);
  const [first, second] = [randomBytes(32).toString('base64'), join(home, 'second.key')];
  const env = { CROSSDOCK_KEY: first };
  assert.equal((await run(['status'], env)).code, 0);
  const refused = await run(['key', 'rotate'], env);
  assert.equal(refused.code, 2);
  assert.match(refused.text, /openssl rand.*--new-key-file/);
  writeFileSync(second, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
  const rotated = await run(['key', 'rotate', '--new-key-file', second], env);
  assert.equal(rotated.code, 0, rotated.text);
  const old = await run(['status'], env);
  assert.equal(old.code, 1);
  assert.match(old.text, /another master key.*MASTER_KEY/s);
  assert.equal((await run(['status'], { CROSSDOCK_KEY_FILE: second })).code, 0);
});

test('a backup from before a rotation is restored with the key it was made with, and opens with the one of its new home', async (t) => {
  const old = await place(t);
  assert.equal((await old.run(['status'])).code, 0);
  const file = join(old.home, 'a.backup');
  const made = await old.run(['backup', file]);
  assert.equal(made.code, 0, made.text);
  const earlier = join(old.home, 'earlier.key');
  writeFileSync(earlier, keyIn(old.home), { mode: 0o600 });
  const fresh = await place(t);
  const key = randomBytes(32).toString('base64');
  writeFileSync(join(fresh.home, 'master.key'), `${key}\n`, { mode: 0o600 });
  const wrong = await fresh.run(['restore', file]);
  assert.equal(wrong.code, 1);
  assert.match(wrong.text, /another master key.*--key-file.*nothing was changed/s);
  const right = await fresh.run(['restore', file, '--key-file', earlier]);
  assert.equal(right.code, 0, right.text);
  assert.equal(keyIn(fresh.home), key);
  assert.equal((await fresh.run(['status'])).code, 0);
  const again = await fresh.run(['restore', file, '--key-file', earlier]);
  assert.match(again.text, /holds this ledger already.*--replace/s);
  const bare = await place(t);
  assert.equal((await bare.run(['restore', file, '--key-file', earlier])).code, 0);
  assert.equal(keyIn(bare.home), keyIn(old.home), 'a home without a key keeps the one it was given');
});
