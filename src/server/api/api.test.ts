import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { type ApiWorld, apiWorld } from '../../../tests/support/api.ts';
import { silent } from '../../../tests/support/hub.ts';
import { until } from '../../../tests/support/target.ts';
import { type Clock, systemClock } from '../../core/clock.ts';
import { endToken } from '../../guard/tokens.ts';
import { startServer } from '../index.ts';
import { apiRoutes } from './index.ts';

const one = { entities: ['main'] as const };

/** A token, and a world in which tickets t1 and t2 arrived, `refused` stands at the target, `odd` and `held` at their flow. */
async function busy(t: Parameters<typeof apiWorld>[0]): Promise<{ world: ApiWorld; token: string }> {
  const world = await apiWorld(t, one);
  await world.send('main', { id: 't1' });
  await world.send('main', { id: 't2', n: 250 });
  await world.send('main', { id: 'refused', n: 13 });
  await world.send('main', { id: 'odd', trap: 'object' });
  await world.send('main', { id: 'held', trap: 'hold' });
  await world.drained();
  return { world, token: await world.token() };
}

const idsOf = (page: { body: { items: { id: string }[] } }): string[] => page.body.items.map(({ id }) => id);

async function exceptionOf(world: ApiWorld, token: string, cause: string): Promise<string> {
  const { body } = await world.get(`/exceptions?cause=${cause}`, token);
  assert.equal(body.items.length, 1, cause);
  return body.items[0].id;
}

test('a record is found at each of its stages, by what an operator filters by', async (t) => {
  const { world, token } = await busy(t);
  const get = async (path: string) => (await world.get(path, token)).body;
  const { items: events } = await get('/events');
  assert.deepEqual(
    events.map(({ subject, state }: { subject: string; state: string }) => [subject, state]),
    [
      ['ticket:held', 'parked'],
      ['ticket:odd', 'routed'],
      ['ticket:refused', 'routed'],
      ['ticket:t2', 'routed'],
      ['ticket:t1', 'routed'],
    ],
    'newest first',
  );
  assert.deepEqual(events[3].value, { amount: '2.50', currency: 'EUR' });
  assert.deepEqual(await get(`/events/${events[3].id}`), events[3]);
  assert.deepEqual((await get('/events?state=parked')).items, [events[0]]);
  assert.equal((await get('/events?flow=tickets-main')).items.length, 5);
  assert.deepEqual((await get('/events?flow=tickets-main&connection=target-main')).items, []);
  assert.deepEqual((await get('/events?flow=none')).items, []);
  assert.deepEqual((await get('/events?subject=ticket:t2')).items, [events[3]]);

  const [ticket] = (await get('/documents?reference=T-t2')).items;
  assert.deepEqual(
    [ticket.kind, ticket.key, ticket.flow, ticket.event],
    ['ticket', 't2', 'tickets-main', events[3].id],
  );
  assert.deepEqual((await get('/documents?kind=ticket&key=t2')).items, [ticket]);
  const detail = await get(`/documents/${ticket.id}`);
  assert.deepEqual(detail.body, { id: 't2', n: 250, person: 'p-t2' });
  assert.deepEqual(
    detail.bindings.map(({ boundAt, ...binding }: { boundAt: string }) => binding),
    [{ connection: 'target-main', externalId: 'main-t-t2', version: 1 }],
  );

  const [delivery] = (await get(`/deliveries?document=${ticket.id}`)).items;
  assert.deepEqual([delivery.state, delivery.sink, delivery.event], ['delivered', 'tickets', events[3].id]);
  assert.deepEqual(await get(`/deliveries/${delivery.id}`), delivery);
  const parked = (await get('/deliveries?state=parked&connection=target-main&kind=ticket&flow=tickets-main')).items;
  assert.deepEqual(
    parked.map(({ key }: { key: string }) => key),
    ['refused'],
  );
  const [attempt] = (await get(`/deliveries/${delivery.id}/attempts`)).items;
  assert.deepEqual([attempt.number, attempt.outcome, attempt.message], [1, 'delivered', null]);
  const [refusal] = (await get(`/deliveries/${parked[0].id}/attempts`)).items;
  assert.match(refusal.message, /may not buy number 13/);

  const causes = async (query: string) =>
    (await get(`/exceptions${query}`)).items.map(({ cause }: { cause: string }) => cause).sort();
  assert.deepEqual(await causes(''), ['no-number', 'odd', 'unlucky']);
  assert.deepEqual(await causes('?kind=ticket'), ['unlucky']);
  assert.deepEqual(await causes('?connection=from-main'), ['no-number', 'odd']);
  assert.deepEqual(await causes('?owner=ops-main&flow=tickets-main&cause=odd'), ['odd']);
  assert.deepEqual(await causes('?state=dismissed'), []);

  for (const key of ['L-t2', 'T-t2', 't2', events[3].id, ticket.id, 'ticket:t2'])
    assert.ok(
      (await get(`/trace?key=${key}`)).steps.some(({ what }: { what: string }) => ['event', 'document'].includes(what)),
      key,
    );
  const life = (await get('/trace?key=L-refused')).steps.map(
    ({ what, state }: { what: string; state: string }) => `${what} ${state}`,
  );
  for (const step of ['event routed', 'document version 1', 'attempt parked', 'exception open', 'delivery parked'])
    assert.ok(life.includes(step), `${step} in ${life}`);
  assert.equal((await world.get('/trace?key=nowhere', token)).body.code, 'NOT_FOUND');
});

test('since is a moment from which on a list goes', async (t) => {
  const { world, token } = await busy(t);
  const later = new Date(Date.now() + 60_000).toISOString();
  const earlier = new Date(Date.now() - 60_000).toISOString();
  for (const path of ['/events', '/documents', '/deliveries', '/exceptions', '/audit']) {
    assert.deepEqual(idsOf(await world.get(`${path}?since=${later}`, token)), [], path);
    assert.deepEqual(
      idsOf(await world.get(`${path}?since=${earlier}`, token)),
      idsOf(await world.get(path, token)),
      path,
    );
  }
  const { items } = (await world.get('/events', token)).body;
  const from = items[2].receivedAt;
  const expected = items.filter((event: { receivedAt: string }) => event.receivedAt >= from).length;
  // Milliseconds are cut off in what is shown: the event itself is in.
  assert.ok(idsOf(await world.get(`/events?since=${from}`, token)).length >= expected);
});

test('pages put together are the whole list, also while more comes in', async (t) => {
  const { world, token } = await busy(t);
  for (const path of [
    '/events',
    '/documents',
    '/deliveries',
    '/exceptions',
    '/audit',
    '/connections',
    '/mappings',
    '/flows',
  ]) {
    const { items: whole, next: last } = (await world.get(`${path}?limit=200`, token)).body;
    assert.equal(last, null);
    const found: unknown[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page = await world.get(`${path}?limit=2${cursor ? `&cursor=${cursor}` : ''}`, token);
      assert.equal(page.status, 200, page.text);
      assert.ok(page.body.items.length <= 2);
      found.push(...page.body.items);
      cursor = page.body.next;
      if (path === '/events') await world.send('main', { id: `later-${found.length}` });
    }
    if (path === '/events') {
      assert.deepEqual(
        found.map((event) => (event as { id: string }).id),
        whole.map(({ id }: { id: string }) => id),
      );
      await world.drained();
    } else if (path !== '/audit') assert.deepEqual(found, whole, path);
  }
});

test('attempts are paged by their own order', async (t) => {
  const { world, token } = await busy(t);
  const id = await exceptionOf(world, token, 'unlucky');
  const delivery = (await world.get(`/exceptions/${id}`, token)).body.delivery;
  for (let again = 0; again < 2; again++) {
    await world.post(`/exceptions/${await exceptionOf(world, token, 'unlucky')}/retry`, token, { reason: 'again' });
    await until(
      'it is parked again',
      async () => (await world.get('/exceptions?cause=unlucky', token)).body.items.length === 1,
    );
  }
  const path = `/deliveries/${delivery}/attempts`;
  const { items: whole } = (await world.get(path, token)).body;
  assert.equal(whole.length, 3);
  const first = await world.get(`${path}?limit=2`, token);
  const second = await world.get(`${path}?limit=2&cursor=${first.body.next}`, token);
  assert.deepEqual([...first.body.items, ...second.body.items], whole);
  assert.equal(second.body.next, null);
});

test('a cursor serves its own list and filters only', async (t) => {
  const { world, token } = await busy(t);
  const { next } = (await world.get('/events?limit=1&state=routed', token)).body;
  assert.equal(
    (await world.get(`/events?limit=2&state=routed&cursor=${next}`, token)).status,
    200,
    'the limit may change',
  );
  for (const path of [
    `/events?cursor=${next}`,
    `/events?state=new&cursor=${next}`,
    `/documents?cursor=${next}`,
    '/events?cursor=AAAA',
    `/events?state=routed&cursor=${next.slice(0, 30)}${next[30] === 'A' ? 'B' : 'A'}${next.slice(31)}`,
  ]) {
    const { status, body } = await world.get(path, token);
    assert.deepEqual([status, body.code], [400, 'CURSOR_INVALID'], path);
  }
  assert.ok(!Buffer.from(next, 'base64url').toString('latin1').includes('019'), 'sealed');
});

test('retry with an answer, edit, dismiss: what was held goes on, once, with who and why', async (t) => {
  const { world, token } = await busy(t);
  const rung: string[] = [];
  const { bell } = world.hub.parts;
  const ring = bell.ring.bind(bell);
  bell.ring = (topic) => {
    rung.push(topic);
    ring(topic);
  };
  const held = await exceptionOf(world, token, 'no-number');
  const detail = (await world.get(`/exceptions/${held}`, token)).body;
  assert.deepEqual([detail.record.what, detail.record.body.id, detail.holds], ['payload', 'held', true]);
  const retried = await world.post(`/exceptions/${held}/retry`, token, { reason: 'the shop said so', answer: 'go' });
  assert.equal(retried.status, 200, retried.text);
  assert.deepEqual([retried.body.state, retried.body.reason], ['retried', 'the shop said so']);
  assert.match(retried.body.closedBy, /^api:t1:[0-9a-f]{12}$/);
  assert.ok(
    ['route', 'deliver'].every((topic) => rung.includes(topic)),
    'the loops are woken',
  );
  await world.drained();
  assert.equal((await world.get('/deliveries?key=held&kind=ticket', token)).body.items[0].state, 'delivered');

  const refused = await exceptionOf(world, token, 'unlucky');
  const record = (await world.get(`/exceptions/${refused}`, token)).body.record;
  assert.deepEqual(record.body, { id: 'refused', n: 13, person: 'p-refused' });
  for (const [set, code] of [
    [{ '/nowhere': 1 }, /'\/nowhere' is not a field/],
    [{ '/n': 'many' }, /not valid: \/n/],
    [{ '/id': 'other' }, /must not change the key/],
  ] as const) {
    const wrong = await world.post(`/exceptions/${refused}/edit`, token, { reason: 'x', set });
    assert.equal(wrong.status, 400, wrong.text);
    assert.match(wrong.body.detail, code);
  }
  assert.equal((await world.get(`/exceptions/${refused}`, token)).body.state, 'open', 'a wrong edit changes nothing');
  const edited = await world.post(`/exceptions/${refused}/edit`, token, { reason: '13 was a slip', set: { '/n': 14 } });
  assert.equal(edited.body.state, 'edited', edited.text);
  await world.drained();
  const [delivery] = (await world.get('/deliveries?key=refused&kind=ticket', token)).body.items;
  assert.deepEqual([delivery.state, delivery.version, delivery.value.amount], ['delivered', 2, '0.14']);
  const versions = await Promise.all(
    [1, 2].map(
      async (version) => (await world.get(`/documents/${delivery.document}?version=${version}`, token)).body.body.n,
    ),
  );
  assert.deepEqual(versions, [13, 14]);

  const odd = await exceptionOf(world, token, 'odd');
  const dismissed = await world.post(`/exceptions/${odd}/dismiss`, token, { reason: 'seen' });
  assert.equal(dismissed.body.state, 'dismissed');
  for (const act of ['retry', 'dismiss']) {
    const again = await world.post(`/exceptions/${odd}/${act}`, token, { reason: 'twice' });
    assert.deepEqual([again.status, again.body.code], [409, 'CONFLICT']);
  }
  const { items } = (await world.get(`/audit?object=exception:${odd}`, token)).body;
  assert.deepEqual(
    items.map(({ action, actor, detail }: { action: string; actor: string; detail: object }) => [
      action,
      actor,
      detail,
    ]),
    [['exception.dismissed', dismissed.body.closedBy, { cause: 'odd', reason: 'seen' }]],
  );
});

test('many who decide on one Exception at once: one does', async (t) => {
  const { world, token } = await busy(t);
  const id = await exceptionOf(world, token, 'no-number');
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => world.post(`/exceptions/${id}/retry`, token, { reason: 'go', answer: 'go' })),
  );
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, ...Array.from({ length: 7 }, () => 409)]);
});

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

test('a record that is in the target already is bound to its id there, by a token of its entity only', async (t) => {
  const { world } = await busy(t);
  const token = await world.token({ scopes: ['read', 'exceptions:write', 'audit:read'], entities: ['main'] });
  const refused = await exceptionOf(world, token, 'unlucky');
  const decision = { reason: 'it was sold by hand', boundTo: 'main-t-77' };
  const empty = await world.post(`/exceptions/${refused}/dismiss`, token, { ...decision, boundTo: '' });
  assert.equal(empty.status, 400);
  const answer = await world.post(`/exceptions/${refused}/dismiss`, token, decision);
  assert.deepEqual([answer.status, answer.body.state], [200, 'bound'], answer.text);
  const [delivery] = (await world.get('/deliveries?key=refused&kind=ticket', token)).body.items;
  assert.equal(delivery.state, 'delivered');
  const { bindings } = (await world.get(`/documents/${delivery.document}`, token)).body;
  assert.deepEqual([bindings[0].externalId, bindings[0].version], ['main-t-77', 1]);
  const [act] = (await world.get(`/audit?object=exception:${refused}`, token)).body.items;
  assert.deepEqual([act.action, act.detail.boundTo], ['exception.bound', 'main-t-77']);
  assert.deepEqual((await world.get('/exceptions?state=bound', token)).body.items.length, 1);
});

test('personal and payment data leave the hub with personal:read only, and each reading is audited', async (t) => {
  const world = await apiWorld(t, one);
  const person = {
    id: 'p1',
    name: 'Canary Birdsong',
    email: 'canary@birds.example',
    iban: 'BE68539007547034',
    country: 'BE',
  };
  await world.send('main', { id: 'fine', person });
  await world.drained();
  await world.send('main', { id: 'refused', n: 13, person });
  await world.send('main', { id: 'broken', person: { ...person, id: 'p2' }, trap: 'break' });
  await world.drained();
  const plain = await world.token({
    scopes: ['read', 'exceptions:write', 'audit:read', 'mappings:write', 'connections:write'],
  });
  const trusted = await world.token({ name: 'trusted' });
  const canary = /canary|birdsong|BE68/i;
  const lists = [
    '/events',
    '/documents',
    '/deliveries',
    '/exceptions',
    '/audit',
    '/mappings',
    '/connections',
    '/flows',
  ];
  const paths = [...lists, '/trace?key=L-refused', '/trace?key=L-broken', '/trace?key=L-fine'];
  for (const kind of ['events', 'documents', 'deliveries', 'exceptions'])
    for (const id of idsOf(await world.get(`/${kind}`, plain))) {
      paths.push(`/${kind}/${id}`);
      if (kind === 'deliveries') paths.push(`/${kind}/${id}/attempts`);
      if (kind === 'events') assert.equal((await world.get(`/events/${id}/payload`, plain)).status, 403);
    }
  assert.ok(paths.length > 20);
  for (const path of paths) {
    const { status, text } = await world.get(path, plain);
    assert.equal(status, 200, path);
    assert.doesNotMatch(text, canary, path);
  }
  // What a list or a trace shows is without it for everybody.
  for (const path of [...lists, '/trace?key=L-refused'])
    assert.doesNotMatch((await world.get(path, trusted)).text, canary, path);
  const readings = async () =>
    (await world.get('/audit?action=personal.read', trusted)).body.items.map(
      ({ object }: { object: string }) => object,
    );
  assert.deepEqual(await readings(), [], 'nobody has read any yet');

  const [document] = (await world.get('/documents?kind=person&key=p1', plain)).body.items;
  const masked = (await world.get(`/documents/${document.id}`, plain)).body;
  assert.deepEqual(masked.body, {
    id: 'p1',
    name: '[personal]',
    email: '[personal]',
    iban: '[payment]',
    country: 'BE',
  });
  assert.equal(masked.masked, true);
  const whole = (await world.get(`/documents/${document.id}`, trusted)).body;
  assert.deepEqual([whole.body, whole.masked], [person, false]);
  assert.deepEqual(await readings(), [`document:${document.id}`]);

  const refused = await exceptionOf(world, plain, 'unlucky');
  const shown = (await world.get(`/exceptions/${refused}`, plain)).body;
  assert.deepEqual([shown.message, shown.masked], ['[personal] may not buy number 13.', true]);
  const told = (await world.get(`/exceptions/${refused}`, trusted)).body;
  assert.deepEqual([told.message, told.masked], ['Canary Birdsong may not buy number 13.', false]);
  const attempts = (await world.get(`/deliveries/${told.delivery}/attempts`, trusted)).body.items;
  assert.equal(attempts[0].message, 'Canary Birdsong may not buy number 13.');
  const broken = await exceptionOf(world, plain, 'flow-failed');
  assert.equal((await world.get(`/exceptions/${broken}`, plain)).body.record.body, null);
  const opened = (await world.get(`/exceptions/${broken}`, trusted)).body;
  assert.deepEqual(opened.record.body.person.name, person.name);
  const payload = (await world.get(`/events/${opened.event}/payload`, trusted)).body;
  assert.deepEqual(JSON.parse(Buffer.from(payload.base64, 'base64').toString()), payload.record);
  assert.equal(payload.record.person.email, person.email);
  assert.deepEqual(await readings(), [
    `event:${opened.event}`,
    `exception:${broken}`,
    `delivery:${told.delivery}`,
    `exception:${refused}`,
    `document:${document.id}`,
  ]);
  const product = (await world.get('/documents?kind=ticket', plain)).body.items[0];
  await world.get(`/documents/${product.id}`, trusted);
  assert.equal((await readings()).length, 5, 'a record without personal data is no such reading');
  const written = await world.post(`/exceptions/${refused}/dismiss`, trusted, { reason: 'r' });
  assert.doesNotMatch(written.text, canary, 'answers of writes are kept: without it');
});

test('an unknown kind is described by nothing: all of it is hidden', async (t) => {
  const { world } = await busy(t);
  const token = await world.token({ scopes: ['read'] });
  await world.ledger.db.query('strange', "update document set labels = '{}' where key = 't1' and kind = 'ticket'");
  const [document] = (await world.get('/documents?kind=ticket&key=t1', token)).body.items;
  t.mock.method(world.hub.parts.wiring, 'type', () => undefined);
  const shown = (await world.get(`/documents/${document.id}`, token)).body;
  assert.deepEqual(shown.body, { id: '[undescribed]', n: '[undescribed]', person: '[undescribed]' });
});

test('a token that was revoked or has ended is refused within 5 seconds', async (t) => {
  const time = { offset: 0 };
  const clock: Clock = { ...systemClock, monotonic: () => performance.now() + time.offset };
  const world = await apiWorld(t, { ...one, clock });
  const [first, second] = [await world.token({ name: 'first' }), await world.token({ name: 'second' })];
  for (const token of [first, second]) assert.equal((await world.get('/token', token)).status, 200);
  await endToken(world.ledger.db, 'first', { by: 'test', reason: 'lost' });
  await world.ledger.db.query('end', "update api_token set expires_at = now() where name = 'second'");
  time.offset += 4_900;
  for (const token of [first, second]) {
    const { status, body } = await world.get('/token', token);
    assert.deepEqual([status, body.code], [401, 'UNAUTHENTICATED']);
  }
  const { rows } = {
    rows: await world.ledger.db.query('audited', "select action from audit where object like 'token:%' order by id"),
  };
  assert.deepEqual(
    rows.map(({ action }) => action),
    ['token.created', 'token.created', 'token.revoked'],
  );
});

test('a token has so many requests; then it is told when to go on', async (t) => {
  const time = { now: 1_000 };
  const clock: Clock = { ...systemClock, monotonic: () => time.now };
  const world = await apiWorld(t, { ...one, clock, env: { CROSSDOCK_API_RATE: '60' } });
  const [busyOne, other] = [await world.token(), await world.token()];
  const statuses = async (token: string, count: number) => {
    const found: number[] = [];
    for (let n = 0; n < count; n++) found.push((await world.get('/token', token)).status);
    return found;
  };
  assert.deepEqual(await statuses(busyOne, 6), [200, 200, 200, 200, 200, 200]);
  const refused = await world.get('/token', busyOne);
  assert.deepEqual([refused.status, refused.body.code, refused.headers['retry-after']], [429, 'RATE_LIMITED', '1']);
  assert.deepEqual(await statuses(other, 1), [200], 'another token has its own');
  time.now += 1_000;
  assert.deepEqual(await statuses(busyOne, 2), [200, 429]);
  assert.equal((await world.post('/connections/x/pause', busyOne, {})).status, 429, 'before anything else');
});

test('the audit is listed and its chain verified', async (t) => {
  const { world, token } = await busy(t);
  const { items } = (await world.get('/audit?action=delivery.parked', token)).body;
  assert.deepEqual([items.length, items[0].actor], [1, 'hub']);
  const verdict = (await world.get('/audit/verify', token)).body;
  assert.deepEqual([verdict.holds, verdict.broken], [true, null]);
  await until('all of it is sealed', async () => (await world.get('/audit/verify', token)).body.unsealed === 0);
  assert.ok((await world.get('/audit', token)).body.items.every(({ sealed }: { sealed: boolean }) => sealed));
  await world.ledger.db.query('forge', "update audit set actor = 'nobody' where action = 'delivery.parked'");
  assert.equal((await world.get('/audit/verify', token)).body.holds, false);
});

test('what is not understood is refused in words, as problem details', async (t) => {
  const { world, token } = await busy(t);
  const reading: [string, number, string, RegExp][] = [
    ['/events?limit=0', 400, 'BAD_USE', /query\/limit must be >= 1/],
    ['/events?limit=201', 400, 'BAD_USE', /query\/limit must be <= 200/],
    ['/events?limit=ten', 400, 'BAD_USE', /query\/limit must be integer/],
    ['/events?sate=new', 400, 'BAD_USE', /query\/sate is not known here/],
    ['/events?state=odd', 400, 'BAD_USE', /query\/state/],
    ['/events?state=new&state=parked', 400, 'BAD_USE', /query\/state/],
    ['/events?since=yesterday', 400, 'BAD_USE', /query\/since/],
    ['/events?subject=%00', 400, 'BAD_USE', /query\/subject/],
    ['/events/1001', 400, 'BAD_USE', /path\/id/],
    [`/events/${randomUUID()}`, 404, 'NOT_FOUND', /there is no event/],
    ['/trace', 400, 'BAD_USE', /query/],
    ['/nothing', 404, 'BAD_USE', /./],
  ];
  for (const [path, status, code, words] of reading) {
    const answer = await world.get(path, token);
    assert.equal(answer.status, status, `${path} ${answer.text}`);
    if (path === '/nothing') continue;
    assert.equal(answer.body.code, code, path);
    assert.match(answer.body.detail, words, path);
    assert.match(String(answer.headers['content-type']), /^application\/problem\+json/);
    assert.equal(answer.body.status, status);
  }
  const id = await exceptionOf(world, token, 'odd');
  const path = `/exceptions/${id}/dismiss`;
  const bodies: [unknown, Record<string, string>, number][] = [
    [undefined, {}, 400],
    ['{"reason": ', {}, 400],
    ['{"reason":"r","__proto__":{"x":1}}', {}, 400],
    [{}, {}, 400],
    [{ reason: '   ' }, {}, 400],
    [{ reason: 'r', force: true }, {}, 400],
    [{ reason: 'x'.repeat(70_000) }, {}, 413],
    ['reason=r', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
    ['{"reason":"r"}', { 'content-type': 'text/plain' }, 415],
    [{ reason: 'a\u0000b' }, {}, 400],
  ];
  for (const [body, headers, status] of bodies) {
    const answer = await world.post(path, token, body, headers);
    assert.equal(answer.status, status, `${JSON.stringify(body)?.slice(0, 60)} ${answer.text}`);
    assert.match(String(answer.headers['content-type']), /^application\/problem\+json/);
    assert.ok(answer.body.code && answer.body.detail);
  }
  assert.equal((await world.get(`/exceptions/${id}`, token)).body.state, 'open');
});

test('the OpenAPI document is valid, whole, and what is served', async (t) => {
  const world = await apiWorld(t, one);
  const { status, body } = await world.ask('GET', '/openapi.json', {});
  assert.equal(status, 200);
  assert.equal(body.openapi, '3.1.0');
  const verdict = await new Validator().validate(structuredClone(body));
  assert.deepEqual(verdict.errors ?? [], []);
  assert.equal(verdict.valid, true);
  const described = Object.entries(body.paths as Record<string, object>).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} /api/v1${path}`),
  );
  const served = world.registered
    .filter(({ method }) => method !== 'HEAD')
    .map(({ method, url }) => `${method} ${url.replaceAll(/:(\w+)/g, '{$1}')}`);
  assert.deepEqual(described.sort(), served.sort());
  const operations = Object.values(body.paths as Record<string, Record<string, { operationId: string }>>).flatMap(
    (methods) => Object.values(methods),
  );
  assert.equal(new Set(operations.map(({ operationId }) => operationId)).size, operations.length);
  const refs = new Set(JSON.stringify(body).match(/#\/components\/schemas\/\w+/g));
  for (const ref of refs) assert.ok(body.components.schemas[ref.split('/').at(-1)!], ref);
  assert.ok(refs.size > 15);
  const broken = structuredClone(body);
  delete broken.info.title;
  assert.equal((await new Validator().validate(broken)).valid, false, 'the validator can say no');
  assert.equal(apiRoutes('1').length, served.length);
});

test('the hub serves it beside its pages, under the same guards', async (t) => {
  const world = await apiWorld(t, one);
  const { hub, ledger } = world;
  const api = { parts: hub.parts, version: '0.0.1' };
  const server = await startServer({ hub, db: ledger.db, clock: systemClock, log: silent, port: 0, env: {}, api });
  t.after(() => server.stop());
  const headers = { authorization: `Bearer ${await world.token()}` };
  const answer = await fetch(`${server.url}/api/v1/connections?limit=1`, { headers });
  assert.equal(answer.status, 200);
  assert.deepEqual(
    ['cache-control', 'x-content-type-options'].map((name) => answer.headers.get(name)),
    ['no-store', 'nosniff'],
  );
  const { items, next } = (await answer.json()) as { items: { name: string }[]; next: string };
  assert.deepEqual([items[0]?.name, typeof next], ['from-main', 'string']);
  const nowhere = await fetch(`${server.url}/api/v1/nowhere`, { headers });
  assert.deepEqual(
    [nowhere.status, nowhere.headers.get('content-type')],
    [404, 'application/problem+json; charset=utf-8'],
  );
  const form = await fetch(`${server.url}/api/v1/connections/from-main/pause`, {
    method: 'POST',
    headers,
    body: new URLSearchParams({ reason: 'a form of a browser' }),
  });
  assert.equal(form.status, 415, 'forms of browsers are not taken');
  const table = Object.fromEntries(Array.from({ length: 20_000 }, (_, n) => [`code ${n}`, `target ${n}`]));
  const large = await fetch(`${server.url}/api/v1/mappings/codes/versions`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ reason: 'r', rows: table }),
  });
  assert.deepEqual([large.status, ((await large.json()) as { rows: number }).rows], [201, 20_000]);
});
