import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { apiWorld, busy, exceptionOf, one } from '../../../tests/support/api.ts';
import { silent } from '../../../tests/support/hub.ts';
import { until } from '../../../tests/support/target.ts';
import { systemClock } from '../../core/clock.ts';
import { startServer } from '../index.ts';
import { apiRoutes } from './index.ts';

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
    ['/events?limit=0', 400, 'BAD_USE', /query\/limit must be 1 at least/],
    ['/events?limit=201', 400, 'BAD_USE', /query\/limit must be 200 at most/],
    ['/events?limit=ten', 400, 'BAD_USE', /query\/limit must be a whole number/],
    ['/events?sate=new', 400, 'BAD_USE', /query\/sate is not known here/],
    ['/events?state=odd', 400, 'BAD_USE', /query\/state must be one of new, /],
    ['/events?state=new&state=parked', 400, 'BAD_USE', /query\/state/],
    ['/events?since=yesterday', 400, 'BAD_USE', /query\/since must be a time such as 2026-/],
    ['/events?subject=%00', 400, 'BAD_USE', /query\/subject/],
    ['/events/1001', 400, 'BAD_USE', /path\/id must be an id such as/],
    [`/events/${randomUUID()}`, 404, 'NOT_FOUND', /there is no event/],
    ['/trace', 400, 'BAD_USE', /query\/key is missing/],
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
