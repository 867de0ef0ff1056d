import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { freshDatabase } from '../../tests/support/cluster.ts';
import { createTokenCommand } from './token.ts';

const launcher = join(import.meta.dirname, '..', '..', 'bin', 'crossdock.mjs');

test('a token is made, listed and revoked; help says how', async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'crossdock-token-'));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  const url = await freshDatabase();
  const crossdock = (...args: string[]) =>
    new Promise<{ code: number; out: string; err: string }>((resolve) => {
      const env = { ...process.env, DATABASE_URL: url, CROSSDOCK_HOME: home, CROSSDOCK_PORT: '7099' };
      execFile(process.execPath, [launcher, 'token', ...args], { env }, (error, out, err) =>
        resolve({ code: error ? Number(error.code) : 0, out, err }),
      );
    });
  const [help, made, vague] = await Promise.all([
    crossdock('create', '--help'),
    crossdock('create', '--name', 'app', '--scope', 'read', 'audit:read', '--all-entities', '--expires', '30d'),
    crossdock('revoke', 'app'),
  ]);
  assert.match(help.out, /personal:read +see personal/);
  assert.match(help.out, /Examples:/);
  assert.deepEqual([vague.code, /--reason/.test(vague.err)], [2, true]);
  assert.equal(made.code, 0, made.err);
  assert.match(made.out, /^crossdock_[\w-]{43}\n$/, 'standard output is the token, for TOKEN=$(…)');
  assert.match(made.err, /only time the token is shown/);
  assert.match(made.err, /127\.0\.0\.1:7099\/api/);
  const { out } = await crossdock('list', '--json');
  const [listed] = JSON.parse(out);
  assert.deepEqual(
    [listed.name, listed.state, listed.scopes, listed.entities],
    ['app', 'live', ['read', 'audit:read'], ['*']],
  );
  assert.ok(!out.includes(made.out.trim()));
  const revoked = await crossdock('revoke', 'app', '--reason', 'over');
  assert.match(revoked.out, /within 5 seconds/);
  assert.match((await crossdock('list')).out, /No live tokens/);
});

test('a wish that says too little or too much is refused before the ledger is opened', async () => {
  const asked = { name: 'x', scope: ['read'], expires: '90d' };
  await assert.rejects(createTokenCommand(asked), {
    code: 'BAD_USE',
    hint: /--entity NAME \(once or more\) or --all-entities/,
  });
  await assert.rejects(createTokenCommand({ ...asked, allEntities: true, entity: ['a'] }), { code: 'BAD_USE' });
  for (const expires of ['never', '', '30m', '-1d'])
    await assert.rejects(createTokenCommand({ ...asked, allEntities: true, expires }), { hint: /12h or 90d/ });
});
