import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apiWorld, one } from '../../../tests/support/api.ts';

test('the same write under the same key has one effect, however concurrently it is sent', async (t) => {
  const world = await apiWorld(t, one);
  const token = await world.token();
  const body = { reason: 'new codes', rows: { a: '1' } };
  const write = (key: string, sent: unknown = body) =>
    world.post('/mappings/codes/versions', token, sent, { 'idempotency-key': key });
  const answers = await Promise.all(Array.from({ length: 12 }, () => write('k1')));
  assert.deepEqual([...new Set(answers.map(({ status, text }) => `${status} ${text}`))].length, 1);
  assert.equal(answers[0]!.status, 201);
  assert.equal(answers.filter(({ headers }) => headers['idempotency-replayed'] === 'true').length, 11);
  const versions = async () => (await world.get('/mappings/codes/versions', token)).body.items.length;
  assert.equal(await versions(), 2);
  const again = await write('k1');
  assert.deepEqual([again.body.version, again.headers['idempotency-replayed']], [2, 'true']);
  for (const done of [await write('k0', { ...body, basedOn: 9 }), await world.get('/mappings/codes/versions', token)])
    assert.equal(done.headers['idempotency-replayed'], undefined);

  const other = await write('k1', { ...body, rows: { a: '2' } });
  assert.deepEqual([other.status, other.body.code], [422, 'IDEMPOTENCY_KEY_REUSED']);
  const elsewhere = await world.post(
    '/connections/from-main/pause',
    token,
    { reason: 'x' },
    { 'idempotency-key': 'k1' },
  );
  assert.equal(elsewhere.status, 422);
  assert.equal((await write('k2')).body.version, 3, 'another key is another act');
  assert.equal((await world.post('/mappings/codes/versions', token, body)).body.version, 4, 'no key: no memory');
  for (const key of ['', 'with space', 'ü', 'x'.repeat(256)]) assert.equal((await write(key)).status, 400, `'${key}'`);

  await world.ledger.db.query('age', "update api_request set created_at = now() - interval '25 hours'");
  assert.equal((await write('k1')).body.version, 5, 'after a day the key is free');
});

test('a write that failed leaves its key free; effect and answer are committed together', async (t) => {
  const world = await apiWorld(t, one);
  const token = await world.token();
  const key = { 'idempotency-key': 'k' };
  const wrong = await world.post('/mappings/codes/versions', token, { reason: 'r', rows: { a: '1' }, basedOn: 7 }, key);
  assert.equal(wrong.status, 409);
  const right = await world.post('/mappings/codes/versions', token, { reason: 'r', rows: { a: '1' }, basedOn: 1 }, key);
  assert.equal(right.status, 201);
  const [row] = await world.ledger.db.query<{ together: boolean; plain: string }>(
    'together',
    `select r.xmin = m.xmin and m.xmin = a.xmin as together, encode(r.answer_sealed, 'escape') as plain
     from api_request r, mapping_version m, audit a where m.version = 2 and a.action = 'mapping.imported'`,
  );
  assert.equal(row!.together, true);
  assert.ok(!row!.plain.includes('codes'), 'the stored answer is sealed');
});

test('a Mapping table is imported whole, on top of what was read', async (t) => {
  const world = await apiWorld(t, one);
  const token = await world.token();
  const write = (body: object) => world.post('/mappings/codes/versions', token, { reason: 'r', ...body });
  const read = (await world.get('/mappings/codes', token)).body;
  assert.deepEqual([read.version, read.rows, read.owner], [1, { 'code-main': 'x' }, 'owner-main']);
  assert.equal((await write({ rows: { a: '1', 'b*': '2' }, basedOn: 1 })).status, 201);
  assert.deepEqual((await world.get('/mappings/codes', token)).body.rows, { a: '1', 'b*': '2' });
  assert.deepEqual((await world.get('/mappings/codes?version=1', token)).body.rows, { 'code-main': 'x' });
  const late = await write({ rows: {}, basedOn: 1 });
  assert.deepEqual([late.status, late.body.code], [409, 'CONFLICT']);
  assert.equal((await write({ rows: { '*x': '1' } })).body.code, 'MAPPING_INVALID');
  const fresh = (body: object) =>
    world.post('/mappings/new-table/versions', token, { reason: 'r', rows: { a: 'b' }, ...body });
  assert.match((await fresh({})).body.detail, /needs an owner/);
  assert.equal((await fresh({ owner: 'me', basedOn: 0 })).body.version, 1);
  assert.equal((await fresh({ owner: 'me', entity: 'nowhere' })).status, 404);
  assert.equal((await world.get('/mappings/codes?version=9', token)).status, 404);
  const race = await Promise.all(Array.from({ length: 6 }, (_, n) => write({ rows: { n: String(n) }, basedOn: 2 })));
  assert.deepEqual(race.map(({ status }) => status).sort(), [201, 409, 409, 409, 409, 409]);
  const { items } = (await world.get('/audit?action=mapping.imported', token)).body;
  assert.equal(items.length, 3);
  await world.hub.parts.mappings.refresh();
  assert.equal(
    world.hub.parts.mappings.table('main', 'codes').find('n'),
    (await world.get('/mappings/codes', token)).body.rows.n,
  );
});

test('connections are paused, resumed and tested; flows are told', async (t) => {
  const world = await apiWorld(t, one);
  const token = await world.token();
  const paused = await world.post('/connections/target-main/pause', token, { reason: 'stocktaking' });
  assert.deepEqual(
    [paused.body.state, paused.body.reason, paused.body.sinks],
    ['paused', 'stocktaking', ['persons', 'tickets']],
  );
  assert.deepEqual((await world.get('/connections/target-main', token)).body, paused.body);
  const resumed = await world.post('/connections/target-main/resume', token, { reason: 'done' });
  assert.deepEqual([resumed.body.state, resumed.body.reason], ['active', null]);
  const check = await world.post('/connections/target-main/test', token);
  assert.deepEqual(check.body, {
    connection: 'target-main',
    ok: true,
    findings: [{ level: 'ok', subject: 'rights', message: 'all rights in main', hint: null }],
  });
  const acts = (await world.get('/audit?object=connection:target-main', token)).body.items;
  assert.deepEqual(
    acts.map(({ action }: { action: string }) => action),
    ['connection.tested', 'connection.active', 'connection.paused'],
  );
  const { body: flow } = await world.get('/flows/tickets-main', token);
  assert.deepEqual(
    flow.to.map(({ kind, sink }: { kind: string; sink: string }) => [kind, sink]),
    [
      ['person', 'persons'],
      ['ticket', 'tickets'],
    ],
  );
  assert.deepEqual((await world.get('/flows', token)).body.items, [flow]);
  assert.equal(flow.approval, null);
  const { estate } = world.hub.parts as unknown as {
    estate: { flows: { to: { ticket: object } }[]; approvals?: object };
  };
  estate.flows[0]!.to.ticket = { ...estate.flows[0]!.to.ticket, idempotency: 'unsafe' };
  estate.approvals = { 'tickets-main': { reason: 'a trial', by: 'anna' } };
  const sinks = estate.flows[0]!.to as never;
  t.mock.method(world.hub.parts.wiring, 'sink', (_: unknown, kind: string) => ({
    connection: 'target-main',
    entity: 'main',
    sink: sinks[kind],
  }));
  assert.deepEqual((await world.get('/flows/tickets-main', token)).body.approval, {
    reason: 'a trial',
    by: 'anna',
    sinks: [{ kind: 'ticket', sink: 'tickets', idempotency: 'unsafe' }],
  });
});
