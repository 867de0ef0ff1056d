import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { newId } from '../../src/core/ids.ts';
import { sha256 } from '../../src/core/seal.ts';
import { answerRequest, removeOldRequests, takeRequestKey } from '../../src/ledger/requests.ts';
import { addToken } from '../../src/ledger/tokens.ts';
import { idempotencyKey, once } from '../../src/server/api/idempotency.ts';
import { testLedger } from '../support/hub.ts';

const { db, vault } = await testLedger();
after(() => db.close());
beforeEach(() => db.query('clean', 'truncate api_request'));

const [mine, other] = [newId(), newId()];
for (const id of [mine, other])
  await addToken(db, {
    id,
    name: 't',
    digest: sha256(id),
    scopes: [],
    entities: ['*'],
    created_by: 'test',
    seconds: 60,
  });

/** Every key of every token: what is done to one may touch none of the others. */
const keys = [mine, other].flatMap((tokenId) => ['a', 'b'].map((key) => ({ tokenId, key: Buffer.from(key) })));
const take = (n: number, digest = 'd') => takeRequestKey(db, { ...keys[n]!, digest: Buffer.from(digest) });
const age = (interval: string) =>
  db.query('age', 'update api_request set created_at = now() - $1::interval', [interval]);

test('a key is taken once; whoever comes again is told what was asked and answered under it', async () => {
  for (const n of keys.keys()) assert.equal(await take(n, `asked ${n}`), null);
  await answerRequest(db, keys[0]!, { status: 201, sealed: Buffer.from('answer') });
  assert.deepEqual(await take(0, 'other'), {
    digest: Buffer.from('asked 0'),
    status: 201,
    answer_sealed: Buffer.from('answer'),
  });
  for (const n of [1, 2, 3])
    assert.deepEqual(
      await take(n),
      { digest: Buffer.from(`asked ${n}`), status: null, answer_sealed: null },
      `key ${n}`,
    );
});

test('a key is free again after a day, and not before', async () => {
  await take(0, 'first');
  await answerRequest(db, keys[0]!, { status: 201, sealed: Buffer.from('answer') });
  await age('23 hours 59 minutes');
  assert.equal((await take(0, 'second'))!.status, 201);
  await age('24 hours 1 minute');
  assert.equal(await take(0, 'third'), null);
  assert.deepEqual(
    await take(0),
    { digest: Buffer.from('third'), status: null, answer_sealed: null },
    'of the old answer nothing is left',
  );
});

test('answers older than a day are removed, others stay, and one in use is left for the next time', async () => {
  for (const n of keys.keys()) await take(n);
  await age('24 hours 1 minute');
  await db.query('young', "update api_request set created_at = now() - interval '23 hours' where token_id = $1", [
    other,
  ]);
  const removed = await db.transaction(async (sql) => {
    await sql.query('use', "select 1 from api_request where token_id = $1 and key = 'a' for update", [mine]);
    return db.transaction(async (tidier) => {
      await tidier.query('patience', "set local lock_timeout = '1s'");
      return removeOldRequests(tidier);
    });
  });
  assert.equal(removed, 1);
  assert.equal(await removeOldRequests(db), 1);
  assert.deepEqual(await db.query('left', 'select token_id::text as id from api_request'), [
    { id: other },
    { id: other },
  ]);
});

test('a write under a key is done once and answered the same; another under it is refused, without a key each is done', async () => {
  let done = 0;
  const write = (key: string | undefined, body: unknown = 1) =>
    once({ ledger: db, vault }, { token: mine, key, request: ['POST', '/x', body] }, async () => {
      done += 1;
      return { status: 201, answer: { done } };
    });
  assert.deepEqual(await write('k'), { status: 201, answer: { done: 1 }, replayed: false });
  assert.deepEqual(await write('k'), { status: 201, answer: { done: 1 }, replayed: true });
  await assert.rejects(write('k', 2), { code: 'IDEMPOTENCY_KEY_REUSED' });
  assert.deepEqual(await write(undefined), { status: 201, answer: { done: 2 }, replayed: false });
  assert.deepEqual(await write(undefined), { status: 201, answer: { done: 3 }, replayed: false });
  const failing = once({ ledger: db, vault }, { token: mine, key: 'f', request: ['POST', '/x', 1] }, () =>
    Promise.reject(new Error('no')),
  );
  await assert.rejects(failing, /no/);
  assert.equal((await write('f')).replayed, false, 'what failed left its key free');
});

test('an Idempotency-Key is one text of 1 to 255 visible characters', () => {
  assert.deepEqual([undefined, 'k', 'x'.repeat(255)].map(idempotencyKey), [undefined, 'k', 'x'.repeat(255)]);
  for (const wrong of ['', 'a b', 'ü', 'x'.repeat(256), ['k'], ['a', 'b']])
    assert.throws(() => idempotencyKey(wrong), { code: 'BAD_USE' });
});
