import assert from 'node:assert/strict';
import { test } from 'node:test';
import { secretReader } from '../guard/secrets.ts';
import { FaultError, faultOf, rejected } from './fault.ts';

test('what is thrown becomes a Fault: its own, or the words of an error; a missing secret says what to do, with its code', () => {
  const own = rejected('no such tax', 'mapping-gap', 'tax');
  assert.equal(faultOf(own, 'unknown'), own.fault);
  assert.ok(own instanceof FaultError);
  assert.deepEqual(faultOf(new Error('it broke'), 'transient'), { kind: 'transient', message: 'it broke' });
  assert.deepEqual(faultOf('odd', 'rejected'), { kind: 'rejected', message: 'odd' });
  try {
    secretReader({})('ODOO_KEY');
    assert.fail('there is none');
  } catch (error) {
    const { message } = faultOf(error, 'unknown');
    assert.match(
      message,
      /^the secret ODOO_KEY is not set: start the hub with the environment variable ODOO_KEY; .*\(SECRET_MISSING\)$/,
    );
  }
});
