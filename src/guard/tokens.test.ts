import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testLedger } from '../../tests/support/hub.ts';
import { sha256 } from '../core/seal.ts';
import { registerConnections } from '../ledger/connections.ts';
import type { Database } from '../ledger/database.ts';
import { listTokens } from '../ledger/tokens.ts';
import { createToken, endToken, Tokens } from './tokens.ts';

const ledger = await testLedger();
after(() => ledger.db.close());

const asked = { name: 'reader', scopes: ['read'], entities: ['*'], life: '1d', by: 'test' } as const;
const make = (
  changes: Partial<Omit<typeof asked, 'name' | 'scopes' | 'entities' | 'life'>> & Record<string, unknown> = {},
) => createToken(ledger.db, { ...asked, ...changes });

/** The ledger, counting the looks at tokens. */
function counted(): { db: Database; looks: () => number } {
  let looks = 0;
  const db = Object.create(ledger.db, {
    query: {
      value: (name: string, text: string, values?: unknown[]) => {
        if (name === 'token_live') looks += 1;
        return ledger.db.query(name, text, values);
      },
    },
  }) as Database;
  return { db, looks: () => looks };
}

test('a token is 256 bits, shown once, kept as its SHA-256', async () => {
  const { token, row } = await make({ name: 'shown-once' });
  assert.match(token, /^crossdock_[\w-]{43}$/);
  assert.notEqual((await make()).token, token);
  const [stored] = await ledger.db.query<{ row: string; digest: Buffer }>(
    'stored',
    'select t::text as row, digest from api_token t where id = $1',
    [row.id],
  );
  assert.ok(!stored!.row.includes(token.slice(10)) && stored!.digest.equals(sha256(token)));
  const audit = await ledger.db.query<{ text: string }>(
    'audit',
    'select a::text as text from audit a where object = $1',
    [`token:${row.id}`],
  );
  assert.equal(audit.length, 1);
  assert.ok(!audit[0]!.text.includes(token.slice(10)));
  const bearer = await new Tokens(ledger.db, { monotonic: () => 0 }).recognise(token);
  assert.deepEqual([bearer?.id, bearer?.scopes, bearer?.entities], [row.id, ['read'], ['*']]);
  const listed = (await listTokens(ledger.db)).find(({ id }) => id === row.id)!;
  assert.ok(listed.last_used_at instanceof Date, 'its use is remembered');
  assert.ok(Math.abs(listed.expires_at.getTime() - Date.now() - 86_400_000) < 60_000);
});

test('what cannot be a token costs no look at the ledger; what is none gets nothing', async () => {
  const { db, looks } = counted();
  const tokens = new Tokens(db, { monotonic: () => 0 });
  const { token } = await make();
  for (const text of [
    '',
    'x',
    token.slice(0, -1),
    `${token}A`,
    token.replace('crossdock_', 'other_____'),
    `${token}\n`,
  ])
    assert.equal(await tokens.recognise(text), null);
  assert.equal(looks(), 0);
  assert.equal(await tokens.recognise(`crossdock_${'A'.repeat(43)}`), null);
  assert.equal(looks(), 1);
});

test('a live token is remembered for 3 seconds, a dead one never', async () => {
  const { db, looks } = counted();
  const time = { now: 0 };
  const tokens = new Tokens(db, { monotonic: () => time.now });
  const { token, row } = await make();
  for (let n = 0; n < 5; n++) assert.ok(await tokens.recognise(token));
  assert.equal(looks(), 1);
  await endToken(ledger.db, row.id, { by: 'test', reason: 'r' });
  time.now = 3_001;
  assert.equal(await tokens.recognise(token), null);
  assert.equal(await tokens.recognise(token), null);
  assert.equal(looks(), 3);
});

test('one that has ended is refused', async () => {
  const { token, row } = await make();
  await ledger.db.query('end', "update api_token set expires_at = now() - interval '1 second' where id = $1", [row.id]);
  assert.equal(await new Tokens(ledger.db, { monotonic: () => 0 }).recognise(token), null);
});

test('wrong wishes are refused in words', async () => {
  const wrong: [Record<string, unknown>, RegExp][] = [
    [{ scopes: ['write'] }, /no scope 'write'/],
    [{ scopes: ['constructor'] }, /no scope 'constructor'/],
    [{ scopes: [] }, /needs a scope/],
    [{ name: 'Bad Name' }, /not a name/],
    [{ name: '' }, /not a name/],
    [{ entities: [] }, /named entities/],
    [{ entities: ['*', 'be'] }, /named entities/],
    [{ life: '30m' }, /lives from 1 hour/],
    [{ life: '731d' }, /lives from 1 hour/],
  ];
  for (const [changes, words] of wrong) await assert.rejects(make(changes), { code: 'BAD_USE', message: words });
});

test('an entity that no connection has is a slip; each entity has its own audit record, which names no other', async () => {
  await registerConnections(ledger.db, [
    { name: 'shop-be', entity: 'be', connector: 'test' },
    { name: 'shop-nl', entity: 'nl', connector: 'test' },
  ]);
  await assert.rejects(make({ entities: ['be', 'n1'] }), { code: 'BAD_USE', message: /'n1'/, hint: /be, nl/ });
  const { row } = await make({ entities: ['be', 'nl'], name: 'both' });
  const records = await ledger.db.query<{ entity: string; text: string }>(
    'audit_both',
    'select entity, detail::text as text from audit where object = $1 order by entity',
    [`token:${row.id}`],
  );
  assert.deepEqual(
    records.map(({ entity }) => entity),
    ['be', 'nl'],
  );
  assert.ok(records.every(({ text }) => !/\b(be|nl)\b/.test(text)));
});

test('a token is revoked by its id, the end of it, or its name when that names one', async () => {
  const decision = { by: 'test', reason: 'lost' };
  const { row: first } = await make({ name: 'twice' });
  const { row: second } = await make({ name: 'twice' });
  await assert.rejects(endToken(ledger.db, 'twice', decision), { code: 'CONFLICT', message: /2 tokens/ });
  assert.equal((await endToken(ledger.db, first.id.slice(-12), decision)).id, first.id);
  assert.equal((await endToken(ledger.db, 'twice', decision)).id, second.id, 'the one that still works');
  await assert.rejects(endToken(ledger.db, first.id, decision), { code: 'CONFLICT', message: /revoked before/ });
  await assert.rejects(endToken(ledger.db, 'nobody', decision), { code: 'NOT_FOUND' });
});
