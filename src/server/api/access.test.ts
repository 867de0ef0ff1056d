import assert from 'node:assert/strict';
import { test } from 'node:test';
import fastify from 'fastify';
import { apiWorld, everyScope } from '../../../tests/support/api.ts';
import { scopes } from '../../guard/tokens.ts';
import type { Access } from './route.ts';

const ID = '0193a6c1-0000-7000-8000-000000000000';
const pathOf = (url: string): string => url.replace('/api/v1', '').replace(/:(\w+)/g, ID);

test('every route says who may use it; without a token or a scope it answers nothing else', async (t) => {
  const world = await apiWorld(t);
  const routes = world.registered as { method: 'GET' | 'POST' | 'HEAD'; url: string; access: Access | undefined }[];
  assert.ok(routes.length >= 40, `${routes.length} routes`);
  assert.deepEqual(
    routes.filter(({ access }) => access === undefined),
    [],
  );
  assert.deepEqual(
    [...new Set(routes.filter(({ access }) => access === 'public').map(({ url }) => url))],
    ['/api/v1/openapi.json'],
    'what is open to all',
  );
  const used = new Set<string>();
  for (const { method, url, access } of routes) {
    if (access === 'public') continue;
    const about = `${method} ${url}`;
    const none = await world.ask(method, pathOf(url), {});
    assert.equal(none.status, 401, about);
    assert.match(String(none.headers['www-authenticate']), /^Bearer/);
    const wrong = await world.ask(method, pathOf(url), { token: `crossdock_${'A'.repeat(43)}` });
    assert.equal(wrong.status, 401, about);
    if (typeof access !== 'object') continue;
    for (const scope of access.scopes) {
      used.add(scope);
      const token = await world.token({ scopes: everyScope.filter((other) => other !== scope) });
      const { status, body } = await world.ask(method, pathOf(url), { token });
      assert.equal(status, 403, `${about} without ${scope}`);
      if (method !== 'HEAD') assert.equal(body.code, 'FORBIDDEN');
    }
    if (access.allEntities) {
      const token = await world.token({ entities: ['a', 'b'] });
      assert.equal((await world.ask(method, pathOf(url), { token })).status, 403, `${about} for some entities`);
    }
    const rightful = await world.ask(method, pathOf(url), { token: await world.token({ scopes: access.scopes }) });
    assert.ok(
      ![401, 403, 500].includes(rightful.status),
      `${about} with its scopes: ${rightful.status} ${rightful.text}`,
    );
  }
  assert.deepEqual([...used].sort(), Object.keys(scopes).sort(), 'every scope opens something');
});

test('a route of the API that does not say who may use it stops the start', async (t) => {
  const world = await apiWorld(t);
  const { addApi } = await import('./index.ts');
  const app = fastify();
  app.addHook('onRoute', (route) => {
    if (route.url.endsWith('/flows')) delete route.config?.access;
  });
  addApi(app, {
    parts: world.hub.parts,
    clock: world.hub.parts.clock,
    log: world.hub.parts.log,
    env: {},
    version: '1',
  });
  await assert.rejects(async () => app.ready(), /GET \/api\/v1\/flows does not say who may use it/);
});

test('a token in another place than the header is none', async (t) => {
  const world = await apiWorld(t);
  const token = await world.token();
  for (const headers of [{ cookie: `token=${token}` }, { authorization: token }, { authorization: `Basic ${token}` }])
    assert.equal((await world.ask('GET', '/token', { headers })).status, 401);
  assert.equal((await world.ask('GET', `/token?access_token=${token}`, {})).status, 401);
  assert.equal((await world.get('/token', token)).status, 200);
});
