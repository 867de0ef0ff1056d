import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeContext } from '../../../tests/odoo/context.ts';
import { FaultError } from '../../core/fault.ts';
import { type Settings, Shop } from './shop.ts';

test('an answer of more than 32 MiB is not read on: of a reading request nothing was changed, of a writing one it is not known', async () => {
  const asked: string[] = [];
  const cx = makeContext({
    secrets: { KEY: 'sk_1' },
    patience: 0,
    fetch: async (_, { method } = {}) => {
      asked.push(String(method));
      return new Response('{}', { headers: { 'content-length': String(32 * 1024 * 1024 + 1) } });
    },
  });
  const shop = new Shop({
    url: 'https://medusa.example',
    key: { secret: 'KEY' },
    timeout: '30s',
  } as unknown as Settings);
  const faultOf = async (call: Promise<unknown>) => {
    const error = await call.then(
      () => null,
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof FaultError, String(error));
    return error.fault;
  };
  assert.deepEqual(await faultOf(shop.read('/admin/orders', {}, cx)), {
    kind: 'transient',
    message: "Medusa's answer to reading orders has more than 32 MiB and was not read on; nothing was changed",
  });
  assert.deepEqual(await faultOf(shop.write('a capture', '/admin/payments/pay_1/capture', {}, cx)), {
    kind: 'unknown',
    message: "Medusa's answer to a capture has more than 32 MiB and was not read on; whether it landed is not known",
  });
  assert.deepEqual(asked, ['GET', 'GET', 'GET', 'GET', 'POST']);
});
