import assert from 'node:assert/strict';
import { test } from 'node:test';
import { odoo } from '../../src/connectors/odoo/index.ts';
import { restStore } from '../../src/connectors/rest-store/index.ts';
import { seeded, systemClock } from '../../src/core/clock.ts';
import { defineEstate, secret } from '../../src/core/estate.ts';
import { Hub } from '../../src/engine/hub.ts';
import { importMapping } from '../../src/engine/mappings.ts';
import { priceFeed, stockFeed } from '../../src/flows/odoo-feeds.ts';
import { startOdooSimulator } from '../../src/simulators/odoo/index.ts';
import { startRestStore } from '../../src/simulators/rest-store.ts';
import { people } from '../odoo/estate.ts';
import { idle, silent, testLedger } from '../support/hub.ts';
import { SECRET } from '../support/webhook.ts';

const SKUS = 12;
const MOVES = 150;

test('stock that moves in Odoo is the same in three channels whose lines are bad, and the newest figure stands', async (t) => {
  const server = await startOdooSimulator({ version: 19, seed: 3 });
  t.after(() => server.stop());
  const ledger = await testLedger(t);
  const at = await people(server);
  const { code } = await at.direct.warehouse(at.cx);
  const names = ['one', 'two', 'three'] as const;
  const stores = await Promise.all(
    names.map((_, n) => startRestStore({ seed: n, token: 't', secret: SECRET, faults: { cut: 0.2, broken: 0.2 } })),
  );
  t.after(() => Promise.all(stores.map((store) => store.stop())));
  const books = odoo({
    url: server.url,
    database: server.db,
    login: server.login,
    key: secret('ODOO_KEY'),
    settle: '1s',
    capture: { overlap: '2s', safety: '1', every: { stockLevels: '200ms' as never, prices: '200ms' as never } },
  });
  const channels = names.map((_, n) =>
    restStore({
      url: stores[n]!.url,
      allowPrivate: true,
      token: { secret: 'TOKEN' },
      signedWith: [{ secret: 'SECRET' }],
      every: '1h',
    }),
  );
  const hub = new Hub({
    estate: defineEstate({
      name: 'feeds',
      connections: { odoo: books, ...Object.fromEntries(names.map((name, n) => [name, channels[n]!])) },
      flows: names.flatMap((name, n) => [
        stockFeed({
          id: `stock-${name}`,
          from: books.sources.stockLevels,
          to: { 'stock-level': channels[n]!.sinks.stockLevels },
        }),
        priceFeed({
          id: `prices-${name}`,
          from: books.sources.prices,
          to: { price: channels[n]!.sinks.prices },
          lists: ['base'],
        }),
      ]),
    }),
    db: ledger.db,
    vault: ledger.vault,
    clock: systemClock,
    random: seeded(1),
    log: silent,
    secret: (name) => ({ ODOO_KEY: server.key, TOKEN: 't', SECRET })[name]!,
    terms: { pollSeconds: 0.05, retrySeconds: [0.02, 0.2], attempts: 60 },
  });
  const table = (name: string, rows: Record<string, string>) =>
    importMapping(ledger.db, { entity: 'main', name, rows, owner: 'x' }, { by: 'test', reason: 'the estate begins' });
  await table('odoo-warehouses', { [code]: 'central' });
  await table('odoo-pricelists', { 'sales price': 'base' });
  await hub.start();
  t.after(() => hub.stop());

  const random = seeded(9);
  const held = new Map<string, { product: number; quantity: number; price: number }>();
  for (let n = 0; n < SKUS; n++) {
    const product = await at.product(`F${n}`, 20, { list_price: 10 });
    held.set(`F${n}-${at.run}`.toUpperCase(), { product, quantity: 20, price: 1000 });
  }
  const all = [...held.values()];
  for (let move = 0; move < MOVES; move++) {
    const one = all[Math.floor(random() * all.length)]!;
    one.quantity = Math.floor(random() * 40);
    await at.count(one.product, one.quantity);
    if (move % 15 !== 0) continue;
    one.price = 100 + Math.floor(random() * 9000);
    await at.write('product.product', one.product, { list_price: one.price / 100 });
  }
  const wanted = [...held].map(([sku, { quantity, price }]) => [sku, String(Math.max(0, quantity - 1)), String(price)]);
  const shown = (n: number) =>
    wanted.map(([sku]) => [
      sku,
      stores[n]!.levels.get(`central/${sku}`)?.value,
      stores[n]!.prices.get(`base/${sku}`)?.value,
    ]);
  const patience = AbortSignal.timeout(90_000);
  const agree = () => names.every((_, n) => JSON.stringify(shown(n)) === JSON.stringify(wanted));
  while (!agree() && !patience.aborted) await systemClock.sleep(200, patience);
  await idle(hub);
  for (const [n, name] of names.entries()) {
    assert.deepEqual(shown(n), wanted, name);
    assert.equal(stores[n]!.refused, 0);
    // Lanes are told the newest: far fewer changes than moves reach a channel.
    const changes = [...stores[n]!.levels.values()].reduce((sum, level) => sum + level.changes, 0);
    assert.ok(changes <= MOVES + SKUS, `${changes} changes`);
  }
});
