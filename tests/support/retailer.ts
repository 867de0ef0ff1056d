import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Duration, seeded, systemClock } from '../../src/core/clock.ts';
import { defineEstate, secret } from '../../src/core/estate.ts';
import type { MappingSeed } from '../../src/core/flow.ts';
import { Hub } from '../../src/engine/hub.ts';
import {
  odoo,
  odooFulfilment,
  odooShipments,
  shopify,
  shopShipments,
  stockFeed,
  warehouseAcknowledgements,
  warehouseFiles,
  warehouseShipments,
  webOrders,
  webProducts,
  withTables,
} from '../../src/index.ts';
import { listExceptions } from '../../src/ledger/exceptions.ts';
import { startOdooSimulator, type Version } from '../../src/simulators/odoo/index.ts';
import { type Judgement, judge, verdictOf } from '../../src/simulators/retailer/judge.ts';
import { type BooksLedger, shopLedger, warehouseLedger } from '../../src/simulators/retailer/ledgers.ts';
import { type Shop, type ShopifyOptions, startShopify } from '../../src/simulators/shopify/index.ts';
import { type NewLine, placeOrder } from '../../src/simulators/shopify/orders.ts';
import type { Order } from '../../src/simulators/shopify/records.ts';
import { Warehouse } from '../../src/simulators/warehouse/index.ts';
import { people } from '../odoo/estate.ts';
import { silent, testLedger } from './hub.ts';

export const vat = { title: 'VAT', rate: 2000 };
const soon = '300ms' as Duration;
/** The warehouse takes so long that it ships only when it is told to, in milliseconds. */
const HANDLING = 3_600_000;

/** A web shop, an Odoo and a warehouse of somebody else, with a hub that a test starts and stops; the warehouse works when it is told to. */
export async function retailer(t: TestContext, version: Version, options: ShopifyOptions = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'crossdock-retailer-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const server = await startOdooSimulator({ version, seed: 5 });
  t.after(() => server.stop());
  const simulator = await startShopify({ name: 'retailer', currency: 'GBP', pace: 500, ...options });
  t.after(() => simulator.stop());
  const { shop } = simulator;
  const central = shop.addLocation('Central warehouse').id;
  const store = shop.addLocation('Store').id;
  const at = await people(server, { mappings: {} });
  const { code } = await at.direct.warehouse(at.cx);
  const { id: company } = await at.direct.company(at.cx);
  const second = await at.create('stock.warehouse', { name: 'Store', code: 'ST', company_id: company });
  const [shelf] = await at.direct.read('stock.warehouse', [['id', '=', second]], ['lot_stock_id'], at.cx);
  await setUp(at);
  for (const [sku, price] of [
    ['WEB-1', 1000n],
    ['WEB-2', 333n],
  ] as const) {
    shop.addProduct(`Article ${sku}`, [{ sku, price }]);
    const taxes = await at.direct.read('account.tax', [['name', '=', '20% in price']], ['name'], at.cx);
    const product = await at.product(sku, 100, { default_code: sku, taxes_id: [[6, 0, [taxes[0]!.id]]] });
    await at.count(product, 10, (shelf!.lot_stock_id as [number, string])[0]);
  }
  for (const level of shop.levels.values()) shop.setLevel(level, level.locationId === central ? 50 : 0);
  shop.commit();
  const warehouse = new Warehouse({ folder, us: 'WMS', them: 'RETAILER', handling: HANDLING });
  const books = odoo({
    url: server.url,
    database: server.db,
    login: server.login,
    key: secret('ODOO_KEY'),
    settle: '1s',
    capture: { overlap: '5s', every: { stockLevels: soon, pickings: soon, prices: '1h' } },
  });
  const web = shopify({
    shop: shop.domain,
    url: simulator.url,
    token: secret('SHOPIFY_TOKEN'),
    clientSecrets: [secret('SHOPIFY_SECRET')],
    settle: '1s',
    every: soon,
  });
  const parcels = warehouseFiles({
    at: { kind: 'folder', path: folder },
    format: { kind: 'x12', us: { qualifier: 'ZZ', id: 'RETAILER' }, warehouse: { qualifier: 'ZZ', id: 'WMS' } },
    acknowledgeWithin: '30m',
  });
  const estate = defineEstate({
    name: 'retailer',
    connections: { odoo: books, shop: web, warehouse: parcels },
    flows: [
      withTables(
        webOrders({
          from: web.sources.orders,
          to: {
            customer: books.sinks.customers,
            product: books.sinks.products,
            order: books.sinks.saleOrders,
            payment: books.sinks.payments,
            refund: books.sinks.refunds,
            return: books.sinks.returns,
          },
          zone: 'Europe/London',
        }),
        tablesOf(central, store, code),
      ),
      withTables(
        odooShipments({
          from: books.sources.pickings,
          to: { shipment: web.sinks.shipments },
          sold: (order, { location }) => order.startsWith('shop:') && location === 'store',
        }),
        [table('odoo-warehouses', { [code]: 'central', ST: 'store' })],
      ),
      webProducts({ from: web.sources.products, to: { product: books.sinks.products } }),
      withTables(
        stockFeed({
          id: 'shop-stock',
          from: books.sources.stockLevels,
          to: { 'stock-level': web.sinks.stockLevels },
          locations: ['central'],
          sells: (sku) => sku.startsWith('WEB-'),
        }),
        [table('odoo-warehouses', { [code]: 'central', ST: 'store' })],
      ),
      odooFulfilment({
        from: books.sources.pickings,
        to: { 'fulfilment-order': parcels.sinks.fulfilmentOrders },
        ships: ({ location }) => location === 'central',
      }),
      warehouseShipments({
        from: parcels.sources.shippingAdvices,
        to: { shipment: books.sinks.shipments },
        carriers: { UPSN: 'ups' },
      }),
      shopShipments({
        from: parcels.sources.shippingAdvices,
        to: { shipment: web.sinks.shipments },
        carriers: { UPSN: 'ups' },
      }),
      warehouseAcknowledgements({ from: parcels.sources.acknowledgements }),
    ],
    approvals: {
      'web-orders': { reason: 'payments and refunds are found by their memo', by: 'tests' },
      'odoo-shipments': { reason: 'a fulfilment is found by its tracking number', by: 'tests' },
      'shop-shipments': { reason: 'a fulfilment is found by its tracking number', by: 'tests' },
    },
  });
  const ledger = await testLedger(t);
  const secrets: Record<string, string> = {
    ODOO_KEY: server.key,
    SHOPIFY_TOKEN: simulator.token,
    SHOPIFY_SECRET: simulator.secrets[0]!,
  };
  let hub: Hub | undefined;
  const stop = async () => {
    await hub?.stop();
    hub = undefined;
  };
  t.after(stop);
  const start = async () => {
    hub = new Hub({
      estate,
      db: ledger.db,
      vault: ledger.vault,
      clock: systemClock,
      random: seeded(1),
      log: silent,
      secret: (name) => secrets[name]!,
      terms: { pollSeconds: 0.1, retrySeconds: [0.05, 0.5] },
    });
    await hub.start();
  };
  const exceptions = async () =>
    (await listExceptions(ledger.db, null, 50)).map(({ id, cause, message_sealed: sealed }) => ({
      cause,
      message: ledger.vault.unseal(sealed, `exception:${id}`).toString(),
    }));
  const ledgers = async () => (await (await fetch(`${server.admin}/ledger`)).json()) as BooksLedger;
  return {
    shop,
    /** What the shop was asked for. */
    requests: simulator.requests,
    warehouse,
    at,
    start,
    stop,
    exceptions,
    books: ledgers,
    /** The warehouse reads what it was sent, and answers. */
    reads: () => warehouse.work(new Date()),
    /** All that waits at the warehouse leaves. */
    ships: () => warehouse.work(new Date(Date.now() + 2 * HANDLING)),
    /** Pieces that the warehouse is to ship of an order, by its own books; null while it has not heard of it. */
    asked: async (name: string, sku: string): Promise<number | null> => {
      const { pickings, sale_orders } = await ledgers();
      const ids = sale_orders.find((one) => one.client_order_ref === name)?.pickings ?? [];
      const number = pickings.find(({ id }) => ids.includes(id))?.name;
      const known = number === undefined ? undefined : warehouse.orders.get(number);
      if (!known) return null;
      if (known.cancelled) return 0;
      return known.lines.filter((line) => line.sku === sku).reduce((sum, { ordered }) => sum + ordered, 0);
    },
    /** The sale order of an order of the shop. */
    sale: async (name: string) =>
      (await ledgers()).sale_orders.find(({ client_order_ref: reference }) => reference === name),
    /** Shopify's ids of the two places. */
    central,
    store,
    /** Somebody buys, and pays at once where nothing else is said: units by SKU, and of which SKUs where and how they are handed over. */
    buy: (
      units: Readonly<Record<string, number>>,
      how: Readonly<Record<string, Pick<NewLine, 'locationId' | 'collect'>>> = {},
      paid = true,
    ) =>
      sell(
        shop,
        Object.entries(units).map(([sku, quantity]) => ({ sku, quantity, ...how[sku] })),
        paid,
      ),
    /** Somebody buys lines, several of one SKU too. */
    buyLines: (lines: readonly (NewLine & { sku: string })[]) => sell(shop, lines, true),
    /** Waits until something is so. Throws with what it was last. */
    until: async (what: string, holds: () => Promise<unknown> | unknown, seconds = 40): Promise<void> => {
      for (const end = performance.now() + seconds * 1000; ; ) {
        if (await holds()) return;
        if (performance.now() > end)
          throw new Error(`not in ${seconds} s: ${what}; open: ${JSON.stringify(await exceptions())}`);
        await systemClock.sleep(150);
      }
    },
    /** Waits until the systems' own books agree, at all hops or at some. */
    agreed: async (hops?: readonly (keyof Judgement)[], seconds = 40): Promise<void> => {
      let wrong: readonly string[] = [];
      for (const end = performance.now() + seconds * 1000; ; ) {
        const judgement = judge({
          till: [],
          shop: shopLedger(shop),
          books: await ledgers(),
          warehouse: warehouseLedger(warehouse),
          excepted: [],
        });
        wrong = hops ? hops.flatMap((hop) => judgement[hop].wrong) : verdictOf(judgement).wrong;
        if (wrong.length === 0) return;
        if (performance.now() > end)
          throw new Error(
            `not equal in ${seconds} s: ${wrong.join('; ')}; open: ${JSON.stringify(await exceptions())}`,
          );
        await systemClock.sleep(200);
      }
    },
  };
}

const table = (name: string, rows: Record<string, string>): MappingSeed => ({
  table: name,
  owner: 'tests',
  about: name,
  rows,
});

const tablesOf = (central: string, store: string, code: string): MappingSeed[] => [
  table('shopify-taxes', { 'GB VAT 20%': 'standard' }),
  table('shopify-locations', { [central]: 'central', central, [store]: 'store', store }),
  table('shopify-payment-methods', { shopify_payments: 'card' }),
  table('shopify-carriers', { ups: 'UPS' }),
  table('taxes', { standard: '20% in price' }),
  table('payment-methods', { card: 'BNK1' }),
  table('sale-products', { rounding: 'ROUNDING' }),
  table('warehouses', { central: code, store: 'ST' }),
  table('carriers', {}),
];

async function setUp(at: Awaited<ReturnType<typeof people>>): Promise<void> {
  const [like] = await at.direct.read('account.tax', [['type_tax_use', '=', 'sale']], ['tax_group_id'], at.cx);
  await at.create('account.tax', {
    name: '20% in price',
    amount: 20,
    type_tax_use: 'sale',
    price_include_override: 'tax_included',
    tax_group_id: (like!.tax_group_id as [number, string])[0],
  });
  const service = { name: 'Rounding', default_code: 'ROUNDING', type: 'service', taxes_id: [] };
  await at.create('product.product', service);
}

/** Somebody buys, for an address in Britain. */
function sell(shop: Shop, wanted: readonly (NewLine & { sku: string })[], paid: boolean): Order {
  const customer = { id: shop.id('Customer'), displayName: 'Ann', email: 'ann@example.com', phone: null };
  const shippingAddress = {
    id: shop.id('MailingAddress'),
    name: 'Ann',
    company: null,
    address1: '12 High Street',
    address2: null,
    city: 'Leeds',
    zip: 'LS1 4DY',
    provinceCode: null,
    countryCodeV2: 'GB',
    phone: null,
  };
  const lines = wanted.map(({ sku, ...line }) => ({
    variantId: [...shop.variants.values()].find((one) => one.sku === sku)!.id,
    taxes: [vat],
    ...line,
  }));
  return placeOrder(shop, {
    paid,
    lines,
    customer,
    shippingAddress,
    shipping: { title: 'Standard', price: 499n, taxes: [vat] },
  });
}
