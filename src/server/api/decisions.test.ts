import assert from 'node:assert/strict';
import { test } from 'node:test';
import { busy, exceptionOf } from '../../../tests/support/api.ts';

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
