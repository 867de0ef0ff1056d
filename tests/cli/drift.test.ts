import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startSimulatedOdoo } from '../../src/cli/simulated-odoo.ts';
import { startRestStore } from '../../src/simulators/rest-store.ts';
import { openMarket } from '../../src/simulators/retailer/market.ts';
import { type ShopifyOptions, startShopify } from '../../src/simulators/shopify/index.ts';

const root = join(import.meta.dirname, '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'crossdock drift '));
after(() => rmSync(folder, { recursive: true, force: true }));
for (const path of ['inbox', 'warehouse/in', 'warehouse/out']) mkdirSync(join(folder, path), { recursive: true });

/** What `check` says of the shipped estate's shop, with all its systems there, and how it ends. */
async function told(takenAway: NonNullable<ShopifyOptions['takenAway']>): Promise<{ code: number; lines: string[] }> {
  const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
  const odoo = await startSimulatedOdoo({ version: 19 });
  const shop = await startShopify({ bucket: [1e6, 1e6], takenAway });
  const store = await startRestStore({ seed: 1, token: 'till', secret });
  const { DATABASE_URL: _, ...inherited } = process.env;
  const env = {
    ...inherited,
    ...{ CROSSDOCK_HOME: join(folder, 'home'), CROSSDOCK_INBOX: join(folder, 'inbox') },
    ...{ ODOO_URL: odoo.url, ODOO_DB: odoo.db, ODOO_LOGIN: odoo.login, ODOO_KEY: odoo.key },
    ...{ SHOPIFY_SHOP: shop.shop.domain, SHOPIFY_URL: shop.url, SHOPIFY_TOKEN: shop.token },
    ...{
      SHOPIFY_SECRET: shop.secrets[0],
      SHOPIFY_MARKET_LIST: openMarket(shop.shop),
      WAREHOUSE_FOLDER: join(folder, 'warehouse'),
    },
    ...{ STORE_URL: store.url, STORE_TOKEN: 'till', STORE_SECRET: secret },
  };
  try {
    const child = spawn(process.execPath, [join(root, 'bin', 'crossdock.mjs'), 'check'], {
      cwd: root,
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    child.stdout.on('data', (data) => {
      said += data;
    });
    const code = await new Promise<number>((resolve) => child.once('close', resolve));
    // A hint stands in the line after what it belongs to.
    return { code, lines: said.replaceAll(/\n +→ /g, ' → ').split('\n') };
  } finally {
    await store.stop();
    await shop.stop();
    await odoo.stop();
  }
}

test('a field that a shop took away is told by check, with the documents that ask for it and the flows that they serve, and will be before it goes', async () => {
  const barcode = ['ProductVariant.barcode'];
  const gone = await told({ '2026-07': barcode, '2026-10': barcode });
  const fails = gone.lines.filter((line) => line.startsWith('FAIL'));
  const words =
    'not valid on 2026-07: Cannot query field "barcode" on type "ProductVariant". 2026-07 is served at least until 2027-07.';
  assert.deepEqual(fails, [
    `FAIL  shop document ChangedProducts: ${words} → concerns products: flow web-products`,
    `FAIL  shop document MoreVariants: ${words} → concerns products, catalogue: flows shop-catalogue, web-products`,
    `FAIL  shop document SetProduct: ${words} → concerns catalogue: flow shop-catalogue`,
    `FAIL  shop document ProductNow: ${words} → concerns catalogue: flow shop-catalogue`,
    `FAIL  shop document VariantsLike: ${words} → concerns catalogue: flow shop-catalogue`,
    `FAIL  shop document ProductsInBulk: ${words} → concerns products: flow web-products`,
  ]);
  assert.equal(gone.code, 1);

  const going = await told({ '2026-10': ['Order.cancelledAt'] });
  assert.deepEqual([going.code, going.lines.filter((line) => line.startsWith('FAIL'))], [0, []]);
  const warned = going.lines.filter((line) => line.includes('cancelledAt'));
  assert.deepEqual(
    warned.map((line) => /^warn {2}shop document (\w+): not valid on 2026-10: .* → (.*)$/.exec(line)?.slice(1)),
    [
      ['OrdersWhole', 'concerns orders: flow web-orders'],
      ['OrderToShip', 'concerns shipments: flows shop-fulfilments, shop-shipments'],
      ['OrderToRefund', 'concerns refunds: flow odoo-refunds'],
      ['OrderToCancel', 'concerns cancellations: flow odoo-cancellations'],
      ['OrdersInBulk', 'concerns orders: flow web-orders'],
    ],
  );
});
