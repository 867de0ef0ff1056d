import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type ShopifySimulator, startShopify } from '../../src/simulators/shopify/index.ts';
import { placeOrder } from '../../src/simulators/shopify/orders.ts';
import { furnish, person } from '../../src/simulators/shopify/traffic.ts';
import { freshDatabase } from '../support/cluster.ts';

const root = join(import.meta.dirname, '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'crossdock look '));
const shops: ShopifySimulator[] = [];
after(async () => {
  for (const shop of shops) await shop.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A shop that tells the hub of changes, and books that know one customer already. */
writeFileSync(
  join(folder, 'crossdock.config.ts'),
  `
import { CustomerDocument, defineEstate, OrderDocument, ProductDocument, secret, shopify, webCustomers, webOrders } from ${JSON.stringify(join(root, 'src', 'index.ts'))};
const web = shopify({
  shop: process.env.SHOP, url: process.env.SHOP_URL, token: secret('SHOP_TOKEN'), clientSecrets: [secret('SHOP_TOKEN')], hub: 'https://hub.example',
});
const sink = (accepts) => ({
  name: accepts.name, accepts, idempotency: 'external-id', settle: 0, deadline: '5s', batch: { max: 10, onFailure: 'independent' },
  match: async (items) => items.map(({ document }) => (document.email === 'customer7@example.com' ? { match: 'one', id: 'P7', by: 'e-mail' } : { match: 'none' })),
  deliver: async () => { throw new Error('nothing is delivered here'); },
});
const to = { customer: sink(CustomerDocument), product: sink(ProductDocument), order: sink(OrderDocument) };
const none = async function* () {};
const orders = webOrders({ from: web.sources.orders, to, zone: 'UTC', newCustomersOnly: true });
export default defineEstate({
  name: 'look',
  connections: { web, books: { connector: 'memory', entity: 'main', sources: {}, sinks: to, check: none } },
  flows: [
    { ...orders, mappings: orders.mappings.map((seed) => seed.table === 'shopify-payment-methods' ? { ...seed, rows: { shopify_payments: 'card' } } : seed) },
    webCustomers({ from: web.sources.customers, to }),
  ],
});`,
);

const ORDERS = 1101;

/** A shop from whose size on a hub reads by a bulk operation, and a command on it that gives what it says. */
async function lab() {
  const simulator = await startShopify({ bucket: [1e6, 1e6], now: () => new Date(Date.now() - 3_600_000) });
  shops.push(simulator);
  const { shop } = simulator;
  furnish(shop);
  const [variant] = shop.variants.values();
  for (let n = 0; n < ORDERS; n++)
    placeOrder(shop, { lines: [{ variantId: variant!.id, quantity: 1 }], customer: person(shop, n) });
  const written: unknown[] = [];
  shop.keep = (commit) => void written.push(commit);
  const DATABASE_URL = await freshDatabase();
  const run = async (...args: string[]) => {
    const child = spawn(process.execPath, [join(root, 'bin', 'crossdock.mjs'), ...args, '--json'], {
      cwd: folder,
      env: {
        ...process.env,
        DATABASE_URL,
        CROSSDOCK_HOME: join(folder, 'home'),
        SHOP: shop.domain,
        SHOP_URL: simulator.url,
        SHOP_TOKEN: simulator.token,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    for await (const data of child.stdout) said += data;
    return JSON.parse(said);
  };
  /** What was asked of the shop, after it was seen that nothing in it was changed or made. */
  const asked = (): string[] => {
    assert.deepEqual([written, shop.subscriptions.size, simulator.bulk.operations.size], [[], 0, 0]);
    return [...new Set(simulator.requests.map(({ operation }) => operation))].sort();
  };
  return { run, asked };
}

test('plan shows all of a shop that has much, writes nothing in it, and says the same again', async () => {
  const { run, asked } = await lab();
  const plan = ['plan', '--flow', 'web-orders', '--most', '5000'];
  const said = await run(...plan);
  assert.deepEqual([said.planned, said.unread, said.problems], [ORDERS, [], []]);
  assert.deepEqual(
    said.documents.find(({ kind }: { kind: string }) => kind === 'order'),
    { kind: 'order', made: ORDERS, changed: 0 },
  );
  assert.deepEqual(await run(...plan), said);
  assert.deepEqual(asked(), ['ChangedOrders', 'OrdersWhole']);
});

test('adopt shows all of it too, and also when it binds it writes nothing in the shop', async () => {
  const { run, asked } = await lab();
  const adopt = ['adopt', '--flow', 'web-customers'];
  const said = await run(...adopt);
  const [side] = said.sides;
  assert.deepEqual([said.unasked, side.matched.length, side.onlyHere.length], [[], 1, ORDERS - 1]);
  assert.deepEqual(await run(...adopt), said);
  const acted = await run(...adopt, '--yes', '--reason', 'both were there');
  assert.deepEqual(acted.sides, said.sides);
  const [bound] = (await run(...adopt)).sides;
  assert.deepEqual([bound.matched, bound.known], [[], 1]);
  assert.deepEqual(asked(), ['ChangedCustomers']);
});
