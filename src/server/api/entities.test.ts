import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { TObject } from 'typebox';
import { type ApiWorld, apiWorld } from '../../../tests/support/api.ts';
import { pseudonym } from '../../ledger/vault.ts';
import { apiRoutes } from './index.ts';
import type { ApiRoute } from './route.ts';

const ENTITIES = ['alpha', 'bravo', 'charlie'] as const;

/** Everything of every kind, in each entity; all names of an entity contain its name. */
async function fill(world: ApiWorld): Promise<void> {
  for (const entity of ENTITIES) {
    for (const number of [1, 2]) await world.send(entity, { id: `${entity}-${number}` });
    await world.send(entity, { id: `${entity}-refused`, n: 13 });
    await world.send(entity, { id: `${entity}-odd`, trap: 'object' });
    await world.send(entity, { id: `${entity}-held`, trap: 'hold' });
    await world.send(entity, { id: `${entity}-broken`, trap: 'break' });
  }
  await world.drained();
}

const tables = [
  'connection',
  'mapping_version',
  'event',
  'event_history',
  'document',
  'document_version',
  'reference',
  'binding',
  'lane',
  'delivery',
  'delivery_history',
  'awaits',
  'attempt',
  'exception',
  'audit',
];

/** The hub itself removes lanes that hold nothing. */
const idle = (row: string): boolean => row.includes('"ready_at": null');

/** All rows of an entity, as text; and all ids in them. */
async function rowsOf(world: ApiWorld, entity: string): Promise<{ rows: string[]; ids: Set<string> }> {
  const parts: string[] = [];
  for (const table of tables) {
    const rows = await world.ledger.db.query<{ row: string }>(
      `dump_${table}`,
      `select to_jsonb(x)::text as row from ${table} x where entity = $1 order by 1`,
      [entity],
    );
    parts.push(...rows.filter(({ row }) => table !== 'lane' || !idle(row)).map(({ row }) => `${table} ${row}`));
  }
  return { rows: parts, ids: new Set(parts.join('\n').match(/[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/g)) };
}

const secretsOf = (
  entity: string,
  { ids }: { ids: Set<string> },
  shared: Set<string>,
): ((text: string) => string[]) => {
  const own = [...ids].filter((id) => !shared.has(id));
  return (text) => [entity, ...own].filter((word) => text.includes(word));
};

/** What somebody could put into a parameter or filter who knows the other entity by heart. */
function guesses(entity: string, ids: Set<string>): string[] {
  return [
    ...ids,
    entity,
    `from-${entity}`,
    `target-${entity}`,
    `tickets-${entity}`,
    `ops-${entity}`,
    `ticket:${entity}-1`,
    `L-${entity}-1`,
    `T-${entity}-1`,
    `${entity}-1`,
    `p-${entity}-1`,
    `${entity}-t-${entity}-1`,
    `code-${entity}`,
  ];
}

const bodies: Record<string, unknown> = {
  '/exceptions/:id/retry': { reason: 'mine now', answer: 'yes' },
  '/exceptions/:id/edit': { reason: 'mine now', set: { '/n': 1 } },
  '/exceptions/:id/dismiss': { reason: 'mine now' },
  '/connections/:name/pause': { reason: 'mine now' },
  '/connections/:name/resume': { reason: 'mine now' },
  '/connections/:name/test': undefined,
};

/** Its parameter names what is to be made, in the token's own entity: below, with the other entity in the body. */
const makes = ({ method, path }: ApiRoute): boolean => method === 'POST' && path === '/mappings/:name/versions';

/** Filters that an id could fit: all ids are tried there, elsewhere a few. */
const byId = ['document', 'key', 'object'];

const named = (schema: TObject | undefined): string[] => Object.keys(schema?.properties ?? {});

/** Every path of a route with one value in its parameter. */
const pathWith = (route: ApiRoute, value: string): string => route.path.replace(/:\w+/, encodeURIComponent(value));

async function everyPage(
  world: ApiWorld,
  path: string,
  token: string,
  limit: number,
): Promise<{ items: unknown[]; text: string }> {
  const items: unknown[] = [];
  let text = '';
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page = await world.get(`${path}?limit=${limit}${cursor ? `&cursor=${cursor}` : ''}`, token);
    assert.equal(page.status, 200, `${path} ${page.text}`);
    items.push(...page.body.items);
    text += JSON.stringify(page.body.items);
    cursor = page.body.next;
  }
  return { items, text };
}

test('nothing of another entity is visible or changeable: every route, every parameter, every filter, every id', async (t) => {
  const world = await apiWorld(t, { entities: ENTITIES, env: { CROSSDOCK_API_RATE: '100000' } });
  await fill(world);
  const routes = apiRoutes('1').filter(({ access }) => access !== 'public');
  const lists = routes.filter(
    (route) => route.method === 'GET' && !route.path.includes(':') && named(route.query).includes('cursor'),
  );
  assert.deepEqual(lists.map(({ path }) => path).sort(), [
    '/audit',
    '/connections',
    '/deliveries',
    '/documents',
    '/events',
    '/exceptions',
    '/flows',
    '/mappings',
  ]);
  let asked = 0;
  for (const [own, other] of [
    ['alpha', 'bravo'],
    ['bravo', 'alpha'],
  ] as const) {
    const token = await world.token({ entities: [own], name: `of-${own}` });
    const before = await rowsOf(world, other);
    const mine = await rowsOf(world, own);
    assert.ok(before.ids.size >= 40, `${before.ids.size} ids of ${other}`);
    const leaks = secretsOf(other, before, mine.ids);

    for (const { path } of lists) {
      const all = await everyPage(world, path, token, 3);
      assert.ok(all.items.length > 0, `${path} shows what is ${own}'s`);
      assert.ok(all.text.includes(own), `${path} shows ${own}`);
      assert.deepEqual(leaks(all.text), [], `${path} of ${own}`);
      asked += 1;
    }

    for (const route of routes) {
      const nowhereOf = new Map<string, string>();
      for (const value of route.path.includes(':') && !makes(route) ? guesses(other, before.ids) : []) {
        const body = bodies[route.path];
        const answer = await world.ask(route.method, pathWith(route, value), { token, ...(body ? { body } : {}) });
        asked += 1;
        const about = `${route.method} ${pathWith(route, value)} by ${own}: ${answer.status} ${answer.text}`;
        assert.ok([400, 404].includes(answer.status), about);
        // What is there but not ours is answered exactly like what is nowhere.
        const nowhere = /^[0-9a-f-]{36}$/.test(value) ? randomUUID() : 'nowhere';
        const shape = nowhere === 'nowhere' ? nowhere : 'id';
        if (!nowhereOf.has(shape)) {
          const same = await world.ask(route.method, pathWith(route, nowhere), { token, ...(body ? { body } : {}) });
          nowhereOf.set(shape, same.text.replaceAll(nowhere, '#'));
        }
        assert.equal(answer.text.replaceAll(value, '#'), nowhereOf.get(shape), about);
      }
      for (const filter of named(route.query).filter((name) => !['limit', 'cursor', 'version', 'since'].includes(name)))
        for (const value of guesses(other, byId.includes(filter) ? before.ids : new Set([...before.ids].slice(0, 4)))) {
          const path = route.path.replace(':name', 'codes').replace(':id', [...mine.ids][0]!);
          const answer = await world.ask(route.method, `${path}?${filter}=${encodeURIComponent(value)}`, { token });
          asked += 1;
          const about = `${route.method} ${path}?${filter}=${value} by ${own}: ${answer.status} ${answer.text}`;
          assert.ok([200, 400, 404].includes(answer.status), about);
          if (answer.status === 200) assert.deepEqual(answer.body.items ?? [answer.body], [], about);
          assert.deepEqual(leaks(answer.text.replaceAll(value, '#')), [], about);
        }
    }

    const theirs = { reason: 'mine now', entity: other, rows: { a: 'b' }, owner: 'me' };
    for (const name of ['codes', 'new-codes']) {
      const answer = await world.post(`/mappings/${name}/versions`, token, theirs);
      assert.equal(answer.status, 404, answer.text);
    }
    assert.equal((await world.get('/audit/verify', token)).status, 403);
    const after = await rowsOf(world, other);
    const changed = [
      ...after.rows.filter((row) => !before.rows.includes(row)),
      ...before.rows.filter((row) => !after.rows.includes(row)),
    ];
    assert.deepEqual(changed, [], `${other} is as it was`);
  }
  assert.ok(asked > 3_000, `${asked} requests`);
  t.diagnostic(`${asked} requests`);
});

test("a look-up is its entity's own, masked, and in its audit", async (t) => {
  const world = await apiWorld(t, { entities: ENTITIES });
  await fill(world);
  const alpha = await world.token({ entities: ['alpha'], scopes: ['lookups:read', 'read'] });
  const list = await world.get('/lookups', alpha);
  assert.deepEqual(
    list.body.items.map(({ id }: { id: string }) => id),
    ['people-alpha', 'members-alpha'],
  );
  const [theirs, nowhere] = [
    await world.get('/lookups/people-bravo?keys=p-bravo-1', alpha),
    await world.get('/lookups/people-nobody?keys=p-bravo-1', alpha),
  ];
  assert.equal(theirs.status, 404);
  assert.equal(theirs.text.replaceAll('bravo', 'nobody'), nowhere.text);
  const own = await world.get('/lookups/people-alpha?keys=p-alpha-1,p-bravo-1', alpha);
  assert.deepEqual(
    own.body.items.map(({ key, found, from }: Record<string, unknown>) => [key, found, from]),
    [
      ['p-alpha-1', true, 'system'],
      ['p-bravo-1', false, 'system'],
    ],
  );
  assert.deepEqual(own.body.items[0].document, {
    id: 'p-alpha-1',
    name: '[personal]',
    email: null,
    iban: '[payment]',
    country: 'NL',
  });
  const audit = await world.ledger.db.query<{ entity: string; detail: object }>(
    'test_lookups',
    "select entity, detail from audit where action = 'lookup.answered'",
  );
  assert.deepEqual(audit, [{ entity: 'alpha', detail: { keys: ['p-alpha-1', 'p-bravo-1'], asked: 2, problems: 0 } }]);
});

test('each request to a look-up is in the audit with its keys, also one that nobody answers; personal keys as digests', async (t) => {
  const world = await apiWorld(t, { entities: ENTITIES });
  await fill(world);
  const alpha = await world.token({ entities: ['alpha'], scopes: ['lookups:read'] });
  const odd = await world.get('/lookups/people-alpha?keys=odd,p-alpha-1', alpha);
  assert.deepEqual(
    odd.body.items.map(({ key, found, problem }: Record<string, unknown>) => [key, found, problem]),
    [
      ['odd', false, 'odd, says [personal]'],
      ['p-alpha-1', true, null],
    ],
  );
  assert.equal((await world.get('/lookups/people-alpha?keys=away', alpha)).status, 503);
  assert.equal((await world.get('/lookups/members-alpha?keys=p-alpha-1', alpha)).status, 200);
  const audit = await world.ledger.db.query<{ action: string; object: string; detail: object }>(
    'test_lookups',
    "select action, object, detail from audit where action like 'lookup.%' order by at",
  );
  assert.deepEqual(
    audit.map(({ action, object, detail }) => [action, object, detail]),
    [
      ['lookup.answered', 'lookup:people-alpha', { keys: ['odd', 'p-alpha-1'], asked: 2, problems: 1 }],
      ['lookup.unanswered', 'lookup:people-alpha', { keys: ['away'] }],
      [
        'lookup.answered',
        'lookup:members-alpha',
        { keys: [pseudonym(world.ledger.vault, 'p-alpha-1')], asked: 1, problems: 0 },
      ],
    ],
  );
});

test("a cursor of another's list is no cursor", async (t) => {
  const world = await apiWorld(t, { entities: ENTITIES });
  await fill(world);
  const tokens = [
    await world.token({ entities: ['alpha'] }),
    await world.token({ entities: ['bravo'] }),
    await world.token(),
  ];
  for (const path of [
    '/events',
    '/documents',
    '/deliveries',
    '/exceptions',
    '/mappings',
    '/connections',
    '/flows',
    '/audit',
  ]) {
    // Of mappings and flows an entity has one only: the token of all entities turns those pages.
    const owner = ['/mappings', '/flows'].includes(path) ? tokens[2]! : tokens[1]!;
    const { next } = (await world.get(`${path}?limit=1`, owner)).body;
    assert.ok(next, path);
    assert.equal((await world.get(`${path}?limit=1&cursor=${next}`, owner)).status, 200);
    for (const token of tokens.filter((other) => other !== owner)) {
      const answer = await world.get(`${path}?limit=1&cursor=${next}`, token);
      assert.equal(answer.status, 400, path);
      assert.equal(answer.body.code, 'CURSOR_INVALID');
    }
  }
});

test("an Idempotency-Key is its token's own", async (t) => {
  const world = await apiWorld(t, { entities: ENTITIES });
  const key = { 'idempotency-key': 'one-key' };
  const body = { reason: 'r', rows: { a: 'b' } };
  const [alpha, bravo] = [await world.token({ entities: ['alpha'] }), await world.token({ entities: ['bravo'] })];
  const first = await world.post('/mappings/codes/versions', bravo, body, key);
  assert.equal(first.status, 201);
  const second = await world.post('/mappings/codes/versions', alpha, body, key);
  assert.deepEqual([second.status, second.body.entity, second.body.version], [201, 'alpha', 2]);
  assert.equal(second.headers['idempotency-replayed'], undefined);
  const other = await world.post(
    '/mappings/codes/versions',
    await world.token({ entities: ['alpha'] }),
    { ...body, rows: { c: 'd' } },
    key,
  );
  assert.equal(other.status, 201, 'another body under a key that only another token used');
});

test('a token of several entities sees those and no other; one of all sees all', async (t) => {
  const world = await apiWorld(t, { entities: ENTITIES });
  await fill(world);
  const two = await world.token({ entities: ['alpha', 'bravo'] });
  const all = await world.token();
  for (const path of [
    '/events',
    '/documents',
    '/deliveries',
    '/exceptions',
    '/mappings',
    '/connections',
    '/flows',
    '/audit',
  ]) {
    const { text } = await everyPage(world, path, two, 100);
    assert.deepEqual(
      ENTITIES.map((entity) => text.includes(entity)),
      [true, true, false],
      path,
    );
    const whole = await everyPage(world, path, all, 100);
    assert.ok(
      ENTITIES.every((entity) => whole.text.includes(entity)),
      path,
    );
    const one = await world.get(`${path}?entity=bravo&limit=100`, two);
    if (path !== '/flows') assert.ok(one.body.items.length > 0 && !one.text.includes('alpha'), path);
  }
  assert.equal((await world.get('/mappings/codes', two)).body.code, 'BAD_USE', 'which of the two?');
  assert.equal((await world.get('/mappings/codes?entity=bravo', two)).body.owner, 'owner-bravo');
});

test('a pause of a token touches its own connection only', async (t) => {
  const world = await apiWorld(t, { entities: ENTITIES });
  const token = await world.token({ entities: ['alpha'] });
  assert.equal(
    (await world.post('/connections/from-alpha/pause', token, { reason: 'stocktaking' })).body.state,
    'paused',
  );
  assert.equal((await world.post('/connections/from-bravo/pause', token, { reason: 'stocktaking' })).status, 404);
  const states = await world.ledger.db.query('states', "select name from connection where state = 'paused'");
  assert.deepEqual(states, [{ name: 'from-alpha' }]);
});
