import assert from 'node:assert/strict';
import { test } from 'node:test';
import { busy, exceptionOf, idsOf } from '../../../tests/support/api.ts';
import { until } from '../../../tests/support/target.ts';

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

  for (const key of ['L-t2', 'T-t2', '%23T-t2', 't2', events[3].id, ticket.id, 'ticket:t2'])
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

test('a delivery behind a parked one names the Exception that holds it; who decided on that, and why, is in the trace', async (t) => {
  const { world, token } = await busy(t);
  const exception = await exceptionOf(world, token, 'unlucky');
  await world.send('main', { id: 'refused', n: 14 });
  await world.drained();
  const deliveries = async () => (await world.get('/deliveries?kind=ticket&key=refused', token)).body.items;
  const [waiting, parked] = await deliveries();
  const behind = { delivery: parked.id, version: 1, exception, cause: 'unlucky' };
  assert.deepEqual([waiting.state, waiting.behind, parked.state, parked.behind], ['waiting', behind, 'parked', null]);
  const steps = async (what: string) =>
    (await world.get('/trace?key=refused', token)).body.steps.filter((step: { what: string }) => step.what === what);
  assert.deepEqual(
    (await steps('delivery'))
      .map(({ detail }: { detail: { behind?: object } }) => detail.behind ?? null)
      .filter(Boolean),
    [behind],
  );
  await world.post(`/exceptions/${exception}/dismiss`, token, { reason: 'the newer one is right' });
  await world.drained();
  assert.deepEqual(
    (await deliveries()).map(({ state }: { state: string }) => state),
    ['delivered', 'dismissed'],
  );
  const [{ about, state, detail, message }] = await steps('decision');
  assert.deepEqual([about, state, detail.reason, message], ['unlucky', 'dismissed', 'the newer one is right', null]);
  assert.match(detail.by, /^api:/);
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
