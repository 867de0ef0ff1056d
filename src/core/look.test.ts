import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeContext } from '../../tests/odoo/context.ts';
import { HubError } from './errors.ts';
import { onlyLooking } from './look.ts';

/** A look, and what was sent in it. */
function lab() {
  const sent: string[] = [];
  const cx = makeContext({
    fetch: async (url, { method = 'GET' } = {}) => {
      sent.push(`${method} ${url}`);
      return new Response('{}');
    },
  });
  return { sent, look: onlyLooking(cx) };
}

const isRefused = (words: RegExp) => (error: unknown) =>
  error instanceof HubError && error.code === 'CONNECTOR_CONTRACT' && words.test(error.message);

test('a look sends what reads, by method or by word, and refuses all else before it is sent', async () => {
  const { sent, look } = lab();
  assert.equal(look.look, true);
  await look.fetch('https://shop.example/orders');
  await look.fetch('https://shop.example/orders', { method: 'head' });
  await look.fetch('https://shop.example/query', { method: 'POST', reads: true });
  assert.deepEqual(sent.splice(0), [
    'GET https://shop.example/orders',
    'head https://shop.example/orders',
    'POST https://shop.example/query',
  ]);
  for (const init of [{ method: 'post' }, { method: 'DELETE' }, { method: 'PUT', reads: false }])
    await assert.rejects(
      look.fetch('https://shop.example/secret-path', init),
      isRefused(/'(POST|DELETE|PUT)' to shop\.example was not sent/),
    );
  let moved = false;
  const move = async () => {
    moved = true;
  };
  await assert.rejects(
    look.call({ verb: 'move', to: 'sftp://wms.example/in' }, move),
    isRefused(/'move' to sftp:\/\/wms\.example\/in/),
  );
  assert.deepEqual([sent, moved], [[], false]);
});
