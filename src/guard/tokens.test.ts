import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testLedger } from '../../tests/support/hub.ts';
import { until } from '../../tests/support/target.ts';
import { sha256 } from '../core/seal.ts';
import { registerConnections } from '../ledger/connections.ts';
import type { Database } from '../ledger/database.ts';
import { listTokens, revokeToken } from '../ledger/tokens.ts';
import { actorOf, covers, createToken, endToken, Tokens } from './tokens.ts';

const ledger = await testLedger();
after(() => ledger.db.close());

const asked = { name: 'reader', scopes: ['read'], entities: ['*'], life: '1d', by: 'test' } as const;
const make = (
  changes: Partial<Omit<typeof asked, 'name' | 'scopes' | 'entities' | 'life'>> & Record<string, unknown> = {},
) => createToken(ledger.db, { ...asked, ...changes });

/** The ledger, counting the looks at tokens and the notes of their use. */
function counted(): { db: Database; looks: () => number; notes: () => number } {
  const asked: string[] = [];
  const db = Object.create(ledger.db, {
    query: {
      value: (name: string, text: string, values?: unknown[]) => {
        asked.push(name);
        return ledger.db.query(name, text, values);
      },
    },
  }) as Database;
  const count = (wanted: string) => () => asked.filter((name) => name === wanted).length;
  return { db, looks: count('token_live'), notes: count('token_touch') };
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
  time.now = 3_000;
  assert.equal(await tokens.recognise(token), null);
  assert.equal(await tokens.recognise(token), null);
  assert.equal(looks(), 3);
});

test('a thousand tokens are remembered, the first of them goes first', async () => {
  const { db, looks, notes } = counted();
  const time = { now: 0 };
  const tokens = new Tokens(db, { monotonic: () => time.now });
  const many = Array.from({ length: 1_001 }, (_, n) => `crossdock_${String(n).padStart(43, 'B')}`);
  await ledger.db.query(
    'many',
    `insert into api_token (id, name, digest, scopes, entities, created_by, expires_at)
     select gen_random_uuid(), 'many', digest, '{read}', '{*}', 'test', now() + interval '1 hour' from unnest($1::bytea[]) as d (digest)`,
    [many.map(sha256)],
  );
  for (const token of many.slice(0, -1)) await tokens.recognise(token);
  await tokens.recognise(many[0]!);
  assert.deepEqual([looks(), notes()], [1_000, 1_000]);
  time.now = 3_000;
  await tokens.recognise(many[0]!);
  assert.deepEqual([looks(), notes()], [1_001, 1_000], 'its use was noted this minute');
  await tokens.recognise(many[1_000]!);
  await tokens.recognise(many[1]!);
  assert.deepEqual([looks(), notes()], [1_003, 1_001]);
  time.now = 6_000;
  await tokens.recognise(many[0]!);
  assert.deepEqual([looks(), notes()], [1_004, 1_002], 'of the first it is forgotten that its use was noted');
});

test('the use of a token is noted once a minute, of this token alone, and by many hubs no more often', async () => {
  const { db, notes } = counted();
  const time = { now: 0 };
  const tokens = new Tokens(db, { monotonic: () => time.now });
  const [{ token, row }, { row: other }] = [await make(), await make()];
  for (time.now of [0, 30_000, 57_000]) await tokens.recognise(token);
  assert.equal(notes(), 1);
  const lastUse = async (id: string) => (await listTokens(ledger.db)).find((one) => one.id === id)!.last_used_at;
  assert.equal(await lastUse(other.id), null);
  const set = (ago: string) =>
    ledger.db.query('set', 'update api_token set last_used_at = now() - $2::interval where id = $1', [row.id, ago]);
  await set('20 s');
  const before = await lastUse(row.id);
  time.now = 60_000;
  await tokens.recognise(token);
  assert.equal(notes(), 2);
  assert.deepEqual(await lastUse(row.id), before, 'another hub has just noted it');
  await set('60 s');
  time.now = 120_000;
  await tokens.recognise(token);
  assert.ok((await lastUse(row.id))! > before!);
});

test('a token that ends while it is remembered is refused from then on', async () => {
  const tokens = new Tokens(ledger.db, { monotonic: () => 0 });
  const { token, row } = await make();
  await ledger.db.query('ends', "update api_token set expires_at = now() + interval '1 second' where id = $1", [
    row.id,
  ]);
  await until('it was seen alive and has ended', async () => (await tokens.recognise(token)) === null);
  const [ended] = await ledger.db.query(
    'ended',
    'select expires_at <= clock_timestamp() as ended from api_token where id = $1',
    [row.id],
  );
  assert.deepEqual(ended, { ended: true });
});

test('who acts by a token is named by its name and the end of its id; an entity is covered by name or by all', () => {
  assert.equal(actorOf({ id: '0193a6c1-0000-7000-8000-0123456789ab', name: 'shop' }), 'api:shop:0123456789ab');
  const covered = (entities: string[]) => ['be', 'nl'].map((entity) => covers({ entities }, entity));
  assert.deepEqual(
    [covered(['be']), covered(['*']), covered([])],
    [
      [true, false],
      [true, true],
      [false, false],
    ],
  );
});

test('a token lives from one hour to 730 days', async () => {
  for (const life of ['1h', '730d']) assert.ok((await make({ life })).token, life);
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

test('before any connection is known a token may be for any entity, after the first one no longer', async () => {
  assert.deepEqual((await make({ entities: ['be'] })).row.entities, ['be']);
  await registerConnections(ledger.db, [{ name: 'shop-be', entity: 'be', connector: 'test' }]);
  await assert.rejects(make({ entities: ['nl'] }), { code: 'BAD_USE', message: /'nl'/ });
  assert.deepEqual((await make({ entities: ['be', 'be'] })).row.entities, ['be']);
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
  const [audit] = await ledger.db.query(
    'audit_end',
    "select actor, action, detail ->> 'reason' as reason from audit where object = $1 and action <> 'token.created'",
    [`token:${first.id}`],
  );
  assert.deepEqual(audit, { actor: 'test', action: 'token.revoked', reason: 'lost' });
});

test('of two who revoke a token at once one does, and stays named; the newest token is listed first', async () => {
  const { row } = await make();
  const done = await Promise.all(['one', 'two'].map((by) => revokeToken(ledger.db, row.id, by)));
  assert.deepEqual(done.toSorted(), [false, true]);
  const listed = (await listTokens(ledger.db)).filter(({ name }) => name !== 'many');
  assert.deepEqual([listed[0]!.id, listed[0]!.revoked_by], [row.id, done[0] ? 'one' : 'two']);
});
