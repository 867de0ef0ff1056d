import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from './clock.ts';
import type { Context } from './connector.ts';
import { isSigned } from './standard-webhooks.ts';
import { postWebhook } from './webhook-post.ts';

const [first, second] = [7, 8].map((n) => `whsec_${Buffer.alloc(32, n).toString('base64')}`) as [string, string];
const receiver = { url: 'https://store.example/webhooks', secrets: [{ secret: 'A' }, { secret: 'B' }] };

/** Posts with these secrets set, and tells by which of the two the receiver finds it signed. */
async function postedWith(set: Record<string, string>): Promise<boolean[]> {
  let signedBy: boolean[] = [];
  const cx = {
    clock: systemClock,
    secret: (name: string) => {
      if (set[name] === undefined) throw new Error(`no secret ${name}`);
      return set[name];
    },
    fetch: async (_: string, { headers, body }: { headers: Record<string, string>; body: Uint8Array }) => {
      signedBy = [first, second].map((secret) => isSigned({ headers, body }, [secret], new Date()));
      return new Response(null, { status: 204 });
    },
  } as unknown as Context;
  const result = await postWebhook(receiver, { id: 'msg_1', content: {} }, cx);
  assert.deepEqual(result, { outcome: 'done', id: 'msg_1' });
  return signedBy;
}

test('of two secrets in rotation both sign; the second may be gone, the first must be there', async () => {
  assert.deepEqual(await postedWith({ A: first, B: second }), [true, true]);
  assert.deepEqual(await postedWith({ A: first }), [true, false]);
  await assert.rejects(postedWith({ B: second }), /no secret A/);
});
