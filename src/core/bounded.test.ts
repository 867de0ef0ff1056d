import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bodyWithin, TooLong, textWithin } from './bounded.ts';

/** An answer that never ends, and how much of it was asked for. */
function endless() {
  const state = { pulled: 0, cancelled: false };
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      state.pulled += 1;
      controller.enqueue(new Uint8Array(100));
    },
    cancel: () => {
      state.cancelled = true;
    },
  });
  return { state, response: new Response(body) };
}

test('an answer within the bound is read whole, one without a body too', async () => {
  assert.equal(Buffer.from(await bodyWithin(new Response('12345'), 5, 'the store')).toString(), '12345');
  assert.equal((await bodyWithin(new Response(null), 5, 'the store')).byteLength, 0);
});

test('what is longer is not read on, whether it says its length or not', async () => {
  const words = { message: 'the answer of the store has more than 1000 bytes and was not read on' };
  const { state, response } = endless();
  await assert.rejects(bodyWithin(response, 1000, 'the store'), words);
  assert.ok(state.cancelled && state.pulled < 15, `${state.pulled} parts were asked for`);
  const said = new Response('x', { headers: { 'content-length': '1001' } });
  await assert.rejects(bodyWithin(said, 1000, 'the store'), words);
});

test('as text it is the same, and what that means is left to who asked', async () => {
  assert.equal(await textWithin(new Response('\ufeff{"é":1}')), '{"é":1}');
  const { state, response } = endless();
  await assert.rejects(textWithin(response, 1024 * 1024), (error: Error) => {
    assert.ok(error instanceof TooLong);
    return error.message === 'more than 1 MiB and was not read on';
  });
  assert.ok(state.cancelled);
});
