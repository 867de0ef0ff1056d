import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { shopify } from '../../src/connectors/shopify/index.ts';
import { seeded, systemClock } from '../../src/core/clock.ts';
import { defineEstate, secret } from '../../src/core/estate.ts';
import { defineFlow } from '../../src/core/flow.ts';
import { Hub } from '../../src/engine/hub.ts';
import { listExceptions } from '../../src/ledger/exceptions.ts';
import { type CatalogueItem, CatalogueItemDocument } from '../../src/model/catalogue-item.ts';
import { startShopify } from '../../src/simulators/shopify/index.ts';
import { connectionOf, idle, pushSource, silent, testLedger } from '../support/hub.ts';

const source = pushSource();

/** What a system tells of an item that has one variant. */
const mug = (id: string, title: string, status: CatalogueItem['status']): CatalogueItem => ({
  id,
  title,
  description: '',
  brand: null,
  categories: [],
  status,
  options: [],
  variants: [{ sku: 'MUG', barcode: null, values: [], weight: null }],
});

/** A hub that brings catalogue items to a simulated shop. */
async function lab(t: TestContext) {
  const simulator = await startShopify({ bucket: [1e6, 1e6] });
  t.after(() => simulator.stop());
  const { shop } = simulator;
  const web = shopify({
    shop: shop.domain,
    url: simulator.url,
    token: secret('TOKEN'),
    clientSecrets: [secret('TOKEN')],
  });
  const flow = defineFlow({
    id: 'items',
    about: 'items of a test to a shop',
    documents: [CatalogueItemDocument],
    from: source as never,
    to: { 'catalogue-item': web.sinks.catalogue },
    latency: 'realtime',
    promise: { within: '1m', critical: false },
    onException: { owner: 'merchandising', within: '1d', hold: 'lane' },
    fallback: 'none',
    translate: (body: CatalogueItem) => ({
      outcome: 'routed' as const,
      documents: [{ kind: 'catalogue-item' as const, body }],
    }),
  });
  const ledger = await testLedger(t);
  const hub = new Hub({
    estate: defineEstate({
      name: 'replaced',
      connections: { books: connectionOf({ sources: { notes: source } }), web },
      flows: [flow],
    }),
    db: ledger.db,
    vault: ledger.vault,
    clock: systemClock,
    random: seeded(1),
    log: silent,
    secret: () => simulator.token,
    terms: { pollSeconds: 0.05, retrySeconds: [0.02, 0.2], attempts: 5 },
  });
  await hub.start();
  t.after(() => hub.stop());
  let told = 0;
  const tell = async (...items: CatalogueItem[]): Promise<void> => {
    for (const item of items) {
      told += 1;
      await hub.intake.receive({
        connection: 'books',
        source: 'notes',
        incoming: {
          dedupeKey: String(told),
          subject: item.id,
          occurredAt: new Date(),
          bytes: Buffer.from(JSON.stringify(item)),
        },
      });
    }
    await idle(hub);
  };
  const bound = async (): Promise<string[]> => {
    const rows = await ledger.db.query<{ key: string; external_id: string }>(
      'test_bound',
      `select key, external_id from binding where connection = 'web' and kind = 'catalogue-item' and external_id is not null order by key`,
    );
    return rows.map(({ key, external_id: id }) => `${key} ${id}`);
  };
  const questions = async () =>
    (await listExceptions(ledger.db, null, 10)).map(
      ({ id, cause, message_sealed: sealed }) => `${cause}: ${ledger.vault.unseal(sealed, `exception:${id}`)}`,
    );
  return { shop, tell, bound, questions };
}

test('an item with the SKU of another one that the hub brought out is a question, and does not take its product off sale', async (t) => {
  const { shop, tell, bound, questions } = await lab(t);
  await tell(mug('odoo:7', 'Mug', 'active'));
  const [product] = shop.products.values();
  await tell(mug('odoo:12', 'New mug', 'active'));
  await tell(mug('odoo:7', 'Old mug', 'archived'));
  assert.deepEqual(await bound(), [`odoo:7 ${product!.id}`]);
  assert.deepEqual([product!.title, product!.status, shop.products.size], ['Old mug', 'ARCHIVED', 1]);
  const [question, ...more] = await questions();
  assert.match(question!, /^product-ambiguous: .*'Mug' \(MUG, gid:[^)]*\).*item odoo:7 /);
  assert.deepEqual(more, []);
});

test('so it is where the product was the shop’s own before, whatever its address, and for two items at once', async (t) => {
  const { shop, tell, bound, questions } = await lab(t);
  const product = shop.addProduct('Mug of the shop', [{ sku: 'mug' }], { handle: 'mug' });
  await tell(mug('odoo:7', 'Mug', 'active'), mug('odoo:12', 'New mug', 'active'));
  const [owner, ...others] = await bound();
  assert.match(owner!, new RegExp(`^odoo:(7|12) ${product.id}$`));
  assert.deepEqual(others, []);
  assert.equal(shop.products.size, 1);
  const [key] = owner!.split(' ');
  assert.equal(product.title, key === 'odoo:7' ? 'Mug' : 'New mug');
  const [question, ...more] = await questions();
  assert.match(question!, new RegExp(`^product-ambiguous: .*item ${key} `));
  assert.deepEqual(more, []);
});
