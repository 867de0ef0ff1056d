import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apiWorld, busy, exceptionOf, idsOf, one } from '../../../tests/support/api.ts';

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
