import assert from 'node:assert/strict';
import { test } from 'node:test';
import { odoo } from '../../src/connectors/odoo/index.ts';
import { shopify } from '../../src/connectors/shopify/index.ts';
import { seeded, systemClock } from '../../src/core/clock.ts';
import { defineEstate, secret } from '../../src/core/estate.ts';
import { Hub } from '../../src/engine/hub.ts';
import { importMapping } from '../../src/engine/mappings.ts';
import { priceFeed } from '../../src/flows/odoo-feeds.ts';
import { webProducts } from '../../src/flows/web-orders.ts';
import { listExceptions } from '../../src/ledger/exceptions.ts';
import { startOdooSimulator } from '../../src/simulators/odoo/index.ts';
import { startShopify, type Variant } from '../../src/simulators/shopify/index.ts';
import { people } from '../odoo/estate.ts';
import { idle, silent, testLedger } from '../support/hub.ts';

const SKUS = 6;

/** A fixed price of a pricelist in Odoo, in minor units. */
interface Fixed {
  readonly rule: number;
  /** Null once it is none any more. */
  price: bigint | null;
}

interface Goods {
  readonly variant: Variant;
  readonly own: Fixed;
  readonly market: Fixed;
}

for (const version of [18, 19] as const)
  test(`two pricelists of simulated Odoo ${version} are the shop's own prices and those of a market, whatever answers are lost`, async (t) => {
    const server = await startOdooSimulator({ version, seed: 3 });
    t.after(() => server.stop());
    const ledger = await testLedger(t);
    const at = await people(server);
    const { currency } = await at.direct.company(at.cx);
    const web = await startShopify({
      bucket: [1e6, 1e6],
      currency: currency.name,
      faults: { cut: 0.25, broken: 0.1, throttled: 0.1 },
    });
    t.after(() => web.stop());
    const { shop } = web;
    const abroad = currency.name === 'EUR' ? 'USD' : 'EUR';
    const market = shop.addPriceList('Eurozone', abroad, [
      { name: 'Eurozone', taxes: 'INCLUDES_TAXES_IN_PRICE_BASED_ON_COUNTRY' },
    ]);
    const books = odoo({
      url: server.url,
      database: server.db,
      login: server.login,
      key: secret('ODOO_KEY'),
      settle: '1s',
      capture: { overlap: '2s', full: '3s', every: { prices: '200ms' as never } },
    });
    const channel = shopify({
      shop: shop.domain,
      url: web.url,
      token: secret('TOKEN'),
      clientSecrets: [secret('TOKEN')],
      every: '500ms' as never,
      settle: '1s',
      priceLists: { 'web-eur': market.id },
    });
    const hub = new Hub({
      estate: defineEstate({
        name: 'markets',
        connections: { odoo: books, web: channel },
        flows: [
          webProducts({ from: channel.sources.products, to: { product: books.sinks.products } }),
          priceFeed({
            id: 'prices-web',
            from: books.sources.prices,
            to: { price: channel.sinks.prices },
            lists: ['web', 'web-eur'],
          }),
        ],
      }),
      db: ledger.db,
      vault: ledger.vault,
      clock: systemClock,
      random: seeded(1),
      log: silent,
      secret: (name) => ({ ODOO_KEY: server.key, TOKEN: web.token })[name]!,
      terms: { pollSeconds: 0.05, retrySeconds: [0.02, 0.2], attempts: 60 },
    });
    const rows = { 'Web shop': 'web', 'Web shop EUR': 'web-eur' };
    await importMapping(
      ledger.db,
      { entity: 'main', name: 'odoo-pricelists', rows, owner: 'sales' },
      { by: 'test', reason: 'the estate begins' },
    );
    const [foreign] = await at.direct.read(
      'res.currency',
      [
        ['name', '=', abroad],
        ['active', 'in', [true, false]],
      ],
      ['name'],
      at.cx,
    );
    const lists = {
      own: await at.create('product.pricelist', { name: 'Web shop', currency_id: currency.id }),
      market: await at.create('product.pricelist', { name: 'Web shop EUR', currency_id: foreign!.id }),
    };
    const goods: Goods[] = [];
    for (let n = 0; n < SKUS; n++) {
      const product = await at.product(`M${n}`, 0, { list_price: 10 });
      const [variant] = shop.addProduct(`Thing ${n}`, [{ sku: `M${n}-${at.run}` }]).variants;
      const rule = { applied_on: '0_product_variant', product_id: product, compute_price: 'fixed', fixed_price: 1 };
      goods.push({
        variant: variant!,
        own: { rule: await at.create('product.pricelist.item', { ...rule, pricelist_id: lists.own }), price: 100n },
        market: {
          rule: await at.create('product.pricelist.item', { ...rule, pricelist_id: lists.market }),
          price: 100n,
        },
      });
    }
    await hub.start();
    t.after(() => hub.stop());

    const random = seeded(version);
    const patience = AbortSignal.timeout(120_000);
    const none = async (one: Fixed, vals: Record<string, unknown> | null) => {
      if (vals) await at.write('product.pricelist.item', one.rule, vals);
      else await at.call('product.pricelist.item', 'unlink', [[one.rule]]);
      one.price = null;
    };
    const lost = (operation: string) => web.requests.some((one) => one.operation === operation && one.status === 0);
    const wrong = () =>
      goods.flatMap(({ variant, own, market: there }) => {
        const fixed = market.prices[variant.id]?.price ?? null;
        return [
          ...(variant.price === own.price ? [] : [`${variant.sku}: ${variant.price}, not ${own.price}`]),
          ...(fixed === there.price ? [] : [`${variant.sku} in the market: ${fixed}, not ${there.price}`]),
        ];
      });
    for (let change = 0; change < 20 || !(lost('SetPrices') && lost('SetListPrices')); change++) {
      patience.throwIfAborted();
      const one = goods[Math.floor(random() * SKUS)]![random() < 0.5 ? 'own' : 'market'];
      one.price = BigInt(100 + Math.floor(random() * 9000));
      await at.write('product.pricelist.item', one.rule, { fixed_price: Number(one.price) / 100 });
      await systemClock.sleep(100, patience);
    }
    // One that only Odoo can work out now, one whose rule is removed, and one that has ended.
    await none(goods[0]!.market, { compute_price: 'percentage', percent_price: 10 });
    await none(goods[1]!.market, null);
    await none(goods[2]!.market, { date_end: '2020-01-01 00:00:00' });
    while (wrong().length > 0 && !patience.aborted) await systemClock.sleep(200, patience);
    assert.deepEqual(wrong(), []);
    await idle(hub);
    assert.deepEqual(wrong(), [], 'a call that was lost came after its repeat');
    const taken = () => web.requests.filter(({ operation }) => operation === 'DeleteListPrices').length;
    const before = taken();
    assert.ok(before >= 1);
    // Two more readings of everything.
    await systemClock.sleep(7000, patience);
    await idle(hub);
    assert.equal(taken(), before, 'taken away again and again');
    // One comes back.
    goods[2]!.market.price = 4321n;
    await at.write('product.pricelist.item', goods[2]!.market.rule, { date_end: false, fixed_price: 43.21 });
    while (wrong().length > 0 && !patience.aborted) await systemClock.sleep(200, patience);
    assert.deepEqual(wrong(), []);
    assert.deepEqual(await listExceptions(ledger.db, null, 50), []);
  });
