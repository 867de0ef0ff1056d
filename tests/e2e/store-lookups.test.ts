import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Compile } from 'typebox/compile';
import { figures as contract } from '../../src/connectors/rest-store/figures-contract.ts';
import { restStore } from '../../src/connectors/rest-store/index.ts';
import { type Clock, systemClock } from '../../src/core/clock.ts';
import { defineEstate, type Estate } from '../../src/core/estate.ts';
import { defineLookup } from '../../src/core/lookup.ts';
import { Hub } from '../../src/engine/hub.ts';
import { importMapping } from '../../src/engine/mappings.ts';
import { startServer } from '../../src/server/index.ts';
import { startOdooSimulator } from '../../src/simulators/odoo/index.ts';
import { type RestStore, startRestStore } from '../../src/simulators/rest-store.ts';
import { people } from '../odoo/estate.ts';
import { silent, testLedger } from '../support/hub.ts';
import { SECRET } from '../support/webhook.ts';

const figures = Compile(contract.answered);
const OTHER = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;

interface Asking {
  readonly by?: RestStore;
  readonly of?: string;
  readonly secret?: string;
}

interface Figure {
  readonly sku: string;
  readonly available: string;
  readonly amount: number;
  readonly list: string;
  readonly age: number;
  readonly stale?: true;
  readonly problem: string;
}

/** Figures, or a problem. */
interface Told {
  readonly levels: readonly (Figure | null)[];
  readonly prices: readonly (Figure | null)[];
  readonly code: string;
  readonly detail: string;
}

/** examples/retailer with its Odoo and its store, and a second store at the market that counts its own stock; its look-ups only. The hands of the clock by which answers age are moved by the test. */
async function world(t: { after(done: () => Promise<unknown>): void }) {
  const server = await startOdooSimulator({ version: 19, seed: 1 });
  const store = await startRestStore({ seed: 1, token: 't', secret: SECRET });
  const own = { levels: new Map([['stall/mug', '7']]) };
  const market = await startRestStore({ seed: 2, token: 'm', secret: OTHER, own });
  const at = await people(server);
  const { code } = await at.direct.warehouse(at.cx);
  process.env.ODOO_URL = server.url;
  process.env.ODOO_DB = server.db;
  process.env.ODOO_LOGIN = server.login;
  process.env.STORE_URL = store.url;
  // Read anew, for the addresses of this world.
  const file = `../../examples/retailer/crossdock.config.ts?${server.url}`;
  const { default: retailer } = (await import(file)) as { default: Estate };
  const stall = restStore({
    url: market.url,
    allowPrivate: true,
    token: { secret: 'MARKET_TOKEN' },
    signedWith: [{ secret: 'MARKET_SECRET' }],
    locations: { market: 'stall' },
  });
  const [stock, prices] = retailer.lookups!;
  const { questions } = retailer.connections.store!;
  const estate = defineEstate({
    name: 'retailer',
    connections: { ...retailer.connections, market: stall },
    flows: [],
    lookups: [
      defineLookup({
        ...{ id: 'market-stock', about: 'What the market has.', fresh: '5s', stale: '10m', within: '30s' },
        from: stall.lookups.stockLevels,
        answers: [{ question: questions!.stockLevels as never, keys: (key) => key.startsWith('market/') }],
      }) as never,
      {
        ...stock!,
        within: '30s',
        answers: [
          ...stock!.answers!,
          { question: stall.questions.stockLevels, keys: (key) => key.startsWith('central/') },
        ],
      },
      { ...prices!, within: '30s' },
    ],
  });
  const ledger = await testLedger(t as never);
  const hands = { moved: 0 };
  const clock: Clock = { ...systemClock, monotonic: () => hands.moved };
  const secrets: Record<string, string> = {
    ...{ ODOO_KEY: server.key, STORE_TOKEN: 't', STORE_SECRET: SECRET },
    ...{ MARKET_TOKEN: 'm', MARKET_SECRET: OTHER },
  };
  const parts = { db: ledger.db, vault: ledger.vault, clock, random: Math.random, log: silent };
  const hub = new Hub({ estate, ...parts, secret: (name) => secrets[name]! });
  await hub.start();
  for (const [name, rows] of [
    ['odoo-warehouses', { [code]: 'central' }],
    ['odoo-pricelists', { 'sales price': 'web' }],
    ['safety-stock', { [`-/central/${`ODD-${at.run}`.toUpperCase()}`]: 'many' }],
  ] as const)
    await importMapping(ledger.db, { entity: 'main', name, rows }, { by: 'test', reason: 'opening' });
  await hub.parts.mappings.refresh();
  const http = await startServer({
    hub,
    db: ledger.db,
    clock,
    log: silent,
    port: 0,
    env: { CROSSDOCK_API_RATE: '60' },
  });
  const stopped = { odoo: false };
  const stopOdoo = async () => {
    if (!stopped.odoo) await server.stop();
    stopped.odoo = true;
  };
  t.after(async () => {
    await http.stop();
    await hub.stop();
    await Promise.all([stopOdoo(), store.stop(), market.stop()]);
  });
  const ask = async (question: object, { by = store, of = 'store', secret = '' }: Asking = {}) => {
    const response = await by.ask(`${http.url}/in/${of}/figures`, question, secret || undefined);
    const body = (await response.json()) as Told;
    return { status: response.status, again: response.headers.get('retry-after'), body };
  };
  const audit = async () =>
    (
      await ledger.db.query<{ actor: string; action: string; object: string; detail: { asked?: number } }>(
        'test_audit',
        "select actor, action, object, detail from audit where action like 'lookup.%' order by id",
      )
    ).map(({ actor, action, object, detail }) => [actor, action, object, detail.asked ?? null]);
  return { at, store, market, own, hands, ask, audit, stopOdoo };
}

/** Without what the clock says. */
const untimed = (figures: Told['levels']) =>
  figures.map((figure) => {
    const { asOf: _, age: __, ...rest } = { asOf: '', ...figure };
    return figure && rest;
  });

test('a store asks the hub in the words in which the hub asks a store: Odoo or another store answers, now, a moment ago, or last', async (t) => {
  const { at, store, market, own, hands, ask, audit, stopOdoo } = await world(t);
  const mug = await at.product('Mug', 10, { list_price: 4.99 });
  const sku = `MUG-${at.run}`.toUpperCase();
  await at.product('Odd', 5);
  const levels = [
    { location: 'central', sku: sku.toLowerCase() },
    { location: 'central', sku: 'NOBODY' },
    { location: 'market', sku: 'Mug' },
    { location: 'central', sku: `Odd-${at.run}` },
  ];
  const first = await ask({ levels });
  assert.equal(first.status, 200, JSON.stringify(first.body));
  assert.deepEqual(untimed(first.body.levels).slice(0, 3), [
    { location: 'central', sku: sku.toLowerCase(), available: '10' },
    null,
    { location: 'market', sku: 'Mug', available: '7' },
  ]);
  assert.deepEqual([figures.Check(first.body), first.body.levels[0]!.age], [true, 0], 'by the contract');
  assert.match(first.body.levels[3]!.problem, /Mapping table 'safety-stock'.*'many' is not a number/);
  assert.equal(first.body.levels[3]!.sku, `Odd-${at.run}`, 'a key of which nothing can be said is named');
  const { prices } = (
    await ask({
      prices: [
        { list: 'web', sku },
        { list: 'none', sku },
      ],
    })
  ).body;
  assert.deepEqual([prices[0]?.amount, prices[0]?.list, prices[0]?.sku, prices[1]], [499, 'web', sku, null]);

  await at.count(mug, 3);
  own.levels.set('stall/mug', '2');
  const plain = levels.slice(0, 3);
  const available = ({ body }: Awaited<ReturnType<typeof ask>>) =>
    body.levels.map((level) => level && [level.available, level.stale]);
  assert.deepEqual(available(await ask({ levels: plain })), [['10', undefined], null, ['7', undefined]], 'from memory');
  assert.equal(market.asked, 1);
  hands.moved += 6000;
  assert.deepEqual(available(await ask({ levels: plain })), [['3', undefined], null, ['2', undefined]], 'asked again');
  const seen = await audit();
  assert.deepEqual(
    seen.sort((a, b) => String(a[2]).localeCompare(String(b[2]))),
    [
      ['connection:store', 'lookup.answered', 'lookup:market-stock', 1],
      ['connection:store', 'lookup.answered', 'lookup:market-stock', 0],
      ['connection:store', 'lookup.answered', 'lookup:market-stock', 1],
      ['connection:store', 'lookup.answered', 'lookup:prices', 2],
      ['connection:store', 'lookup.answered', 'lookup:stock', 3],
      ['connection:store', 'lookup.answered', 'lookup:stock', 0],
      ['connection:store', 'lookup.answered', 'lookup:stock', 2],
    ],
  );

  await stopOdoo();
  hands.moved += 6000;
  const stale = await ask({ levels: plain });
  assert.deepEqual(available(stale), [['3', true], null, ['2', undefined]], 'what was heard last is marked');
  assert.equal(stale.body.levels[0]!.age, 6);
  assert.ok(figures.Check(stale.body));
  hands.moved += 600_000;
  const refused = await ask({ levels: plain });
  assert.deepEqual([refused.status, refused.body.code, refused.again], [503, 'LOOKUP_UNANSWERED', '5']);
  assert.match(refused.body.detail, /'odoo' does not answer/);
  assert.deepEqual((await ask({ levels: [levels[2]] })).status, 200, 'the other store answers still');
  assert.ok((await audit()).some(([, action, object]) => action === 'lookup.unanswered' && object === 'lookup:stock'));
  assert.equal(store.asked, 0);
});

test('who is not the store is told nothing, and what cannot be read is named', async (t) => {
  const { market, ask, audit } = await world(t);
  const one = { levels: [{ location: 'central', sku: 'MUG' }] };
  for (const [question, options, status, words] of [
    [one, { secret: OTHER }, 401, /signature is missing, wrong or too old/],
    [one, { of: 'nobody' }, 404, /nothing is received at this address/],
    [{}, {}, 400, /asks for 'levels' or for 'prices', one of them/],
    [{ ...one, prices: [] }, {}, 400, /one of them/],
    [{ levels: [] }, {}, 400, /\/levels must not be empty/],
    [{ levels: [{ location: 'central' }] }, {}, 400, /\/levels\/0\/sku is missing/],
    [
      { prices: Array.from({ length: 101 }, () => ({ list: 'web', sku: 'A' })) },
      {},
      400,
      /\/prices must have 100 items at most/,
    ],
  ] as const) {
    const answer = await ask(question, options);
    assert.equal(answer.status, status, JSON.stringify(answer.body));
    assert.match(answer.body.detail, words);
  }
  assert.deepEqual(await audit(), []);
  const elsewhere = { levels: [{ location: 'store', sku: 'Mug' }] };
  const { body } = await ask(elsewhere, { by: market, of: 'market' });
  assert.deepEqual(body.levels, [
    {
      ...elsewhere.levels[0],
      problem: "no look-up of the hub answers question 'stockLevels' for 'store/MUG'",
    },
  ]);
  const many = Array.from({ length: 20 }, () => ask(elsewhere, { by: market, of: 'market' }));
  const busy = (await Promise.all(many)).map(({ status }) => status);
  assert.equal(busy.filter((status) => status === 429).length, 15, 'a store that asks without end has a share');
});
