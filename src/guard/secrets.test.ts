import assert from 'node:assert/strict';
import { test } from 'node:test';
import { secretReader } from './secrets.ts';

test('reads from the environment as it is at the call', () => {
  const env: NodeJS.ProcessEnv = { ODOO_KEY: 'one' };
  const secret = secretReader(env);
  assert.equal(secret('ODOO_KEY'), 'one');
  env.ODOO_KEY = 'two';
  assert.equal(secret('ODOO_KEY'), 'two');
});

test('a missing or empty one is named, with what to do', () => {
  const secret = secretReader({ EMPTY: '' });
  for (const name of ['ODOO_KEY', 'EMPTY', 'constructor', '__proto__'])
    assert.throws(() => secret(name), { code: 'SECRET_MISSING', message: new RegExp(name), hint: new RegExp(name) });
});
