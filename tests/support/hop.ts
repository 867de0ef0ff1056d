import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { odoo } from '../../src/connectors/odoo/index.ts';
import { shopify } from '../../src/connectors/shopify/index.ts';
import { warehouseFiles } from '../../src/connectors/warehouse-files/index.ts';
import { seeded } from '../../src/core/clock.ts';
import { defineEstate, secret } from '../../src/core/estate.ts';
import { Hub } from '../../src/engine/hub.ts';
import { importMapping } from '../../src/engine/mappings.ts';
import { dismissException } from '../../src/engine/resolve.ts';
import { stockFeed } from '../../src/flows/odoo-feeds.ts';
import { odooFulfilment } from '../../src/flows/odoo-fulfilment.ts';
import { functionalAcknowledgements, warehouseReceipts, warehouseStock } from '../../src/flows/warehouse-messages.ts';
import { shopShipments, warehouseShipments } from '../../src/flows/warehouse-shipments.ts';
import { webOrders, webProducts } from '../../src/flows/web-orders.ts';
import { Database } from '../../src/ledger/database.ts';
import { listExceptions } from '../../src/ledger/exceptions.ts';
import { startOdooSimulator } from '../../src/simulators/odoo/index.ts';
import { judge } from '../../src/simulators/retailer/judge.ts';
import { type BooksLedger, shopLedger, warehouseLedger } from '../../src/simulators/retailer/ledgers.ts';
import { startShopify } from '../../src/simulators/shopify/index.ts';
import { placeOrder } from '../../src/simulators/shopify/orders.ts';
import { person, place } from '../../src/simulators/shopify/traffic.ts';
import { people } from '../odoo/estate.ts';
import { Clerk, type Format, type Job, type Units } from './clerk.ts';
import { drained, silent, type TestLedger } from './hub.ts';
import { until } from './target.ts';
import { TcpProxy } from './tcp-proxy.ts';
import { VirtualClock } from './virtual-clock.ts';

export const GOODS = ['MUG', 'TEE', 'HAT'] as const;
/** Pieces of each that are on the shelf at first. */
export const FIRST = 100;
const CHANNEL = 'web';

export interface HopOptions {
  readonly version: 18 | 19;
  readonly format: Format;
  /** Pieces that the shop never sells. */
  readonly safety?: string;
}

/** Hub, Odoo, shop and warehouse, each with books of its own; Odoo and the shop are reached over lines that can be cut. */
export async function openHop(ledger: TestLedger, { version, format, safety = '0' }: HopOptions) {
  const folder = mkdtempSync(join(tmpdir(), 'crossdock-hop-'));
  for (const sub of ['in', 'out']) mkdirSync(join(folder, sub));
  const clerk = new Clerk(folder, format);
  const server = await startOdooSimulator({ version, seed: 1, currency: 'EUR' });
  const web = await startShopify({ seed: 1, bucket: [1e6, 1e6] });
  const { shop } = web;
  const home = shop.addLocation('Warehouse');
  for (const sku of GOODS) shop.addProduct(sku, [{ sku, price: 1000n }]);
  const lines = {
    odoo: await TcpProxy.open(Number(new URL(server.url).port)),
    shop: await TcpProxy.open(Number(new URL(web.url).port)),
  };
  const estate = estateOf({ server, web, lines, folder, format });
  const time = new VirtualClock();
  /** Each hub has a way to the ledger of its own, which can be taken from it. */
  const start = async (): Promise<{ hub: Hub; db: Database }> => {
    const db = Database.open(ledger.url);
    const hub = new Hub({
      estate,
      db,
      vault: ledger.vault,
      clock: time.clock,
      random: seeded(1),
      log: silent,
      secret: (name) => ({ ODOO_KEY: server.key, TOKEN: web.token, CLIENT: web.secrets[0] })[name]!,
      terms: { pollSeconds: 0.2, leaseSeconds: 5 },
    });
    await hub.start();
    return { hub, db };
  };
  const at = await people(server);
  const { code } = await at.direct.warehouse(at.cx);
  const tables: Record<string, Record<string, string>> = {
    'shopify-locations': { [home.id]: 'central', central: home.id },
    'shopify-taxes': { '*': 'zero' },
    'shopify-payment-methods': { shopify_payments: 'card' },
    'shopify-carriers': { ups: 'UPS' },
    'odoo-warehouses': { [code]: 'central' },
    'safety-stock': { '*': safety },
    'odoo-carriers': {},
    carriers: {},
    warehouses: { central: code },
    taxes: { zero: '' },
  };
  for (const [name, rows] of Object.entries(tables))
    await importMapping(ledger.db, { entity: 'main', name, rows, owner: 'x' }, { by: 'test', reason: 'begins' });
  let { hub, db } = await start();
  const ended: Promise<unknown>[] = [];

  const products = new Map<string, number>();
  await until('the goods are in Odoo', async () => {
    const rows = await at.direct.read('product.product', [['default_code', 'in', [...GOODS]]], ['default_code'], at.cx);
    for (const row of rows) products.set(String(row.default_code), row.id as number);
    return products.size === GOODS.length;
  });
  for (const product of products.values()) await at.count(product, FIRST);

  const jobs = new Map<string, Job>();
  const look = (): void => {
    for (const job of clerk.jobs()) jobs.set(job.number, job);
  };
  const books = async (): Promise<BooksLedger> => (await (await fetch(`${server.admin}/ledger`)).json()) as BooksLedger;
  const open = async (): Promise<{ cause: string; words: string }[]> =>
    (await listExceptions(ledger.db, null, 500)).map(({ id, cause, message_sealed }) => ({
      cause,
      words: ledger.vault.unseal(message_sealed, `exception:${id}`).toString(),
    }));
  const files = (sub: string): string[] => {
    const path = join(folder, sub);
    return existsSync(path)
      ? readdirSync(path, { withFileTypes: true }).flatMap((one) => (one.isFile() ? [one.name] : []))
      : [];
  };
  /** Until nothing lies there and the hub can do no more. */
  const settled = async (): Promise<void> => {
    for (let quiet = 0; quiet < 3; ) {
      await drained(hub);
      await new Promise((resolve) => setTimeout(resolve, 150));
      look();
      quiet = files('out').length === 0 ? quiet + 1 : 0;
    }
  };
  const levelOf = (sku: string): number => {
    const variant = [...shop.variants.values()].find((one) => one.sku === sku)!;
    return shop.level(variant.inventoryItemId, home.id)!.available;
  };
  await until('the shop is stocked', () => GOODS.every((sku) => levelOf(sku) === Math.max(0, FIRST - Number(safety))));

  return {
    folder,
    clerk,
    shop,
    at,
    lines,
    products,
    jobs,
    files,
    settled,
    levelOf,
    books,
    /** A customer orders, and the warehouse has the job. */
    order: async (units: Units, promisedAt?: Date): Promise<Job> => {
      const variantOf = (sku: string) => [...shop.variants.values()].find((one) => one.sku === sku)!.id;
      const customer = person(shop, shop.orders.size);
      placeOrder(shop, {
        lines: Object.entries(units).map(([sku, quantity]) => ({ variantId: variantOf(sku), quantity })),
        customer,
        shippingAddress: place(shop, customer.displayName),
        ...(promisedAt ? { promisedAt } : {}),
      });
      const before = new Set(jobs.keys());
      const found = (): Job | undefined => [...jobs.values()].find(({ number }) => !before.has(number));
      await until('the warehouse has the order', async () => {
        look();
        const [asked] = (await open()).filter(({ cause }) => cause !== 'file-refused');
        if (asked) throw new Error(`somebody was asked: ${asked.cause}: ${asked.words}`);
        return found() !== undefined;
      });
      return found()!;
    },
    /** Somebody orders goods of a vendor; gives the purchase order's number. */
    purchase: async (units: Units): Promise<string> => {
      const partner_id = await at.create('res.partner', { name: 'Vendor' });
      const order_line = Object.entries(units).map(([sku, product_qty]) => [
        0,
        0,
        { product_id: products.get(sku)!, product_qty, price_unit: 2 },
      ]);
      const id = await at.create('purchase.order', { partner_id, order_line });
      await at.call('purchase.order', 'button_confirm', [[id]]);
      const [row] = await at.direct.read('purchase.order', [['id', '=', id]], ['name'], at.cx);
      return String(row!.name);
    },
    /** Transfers that a purchase order came in by, in Odoo's own books: state, and pieces of each code that were moved. */
    receivedOf: async (number: string): Promise<[string, Record<string, number>][]> =>
      (await books()).pickings
        .filter(({ origin }) => origin === number || origin?.startsWith(`${number} (`))
        .map(({ state, moves }) => [
          state,
          Object.fromEntries(moves.map((move) => [String(move.default_code), Number(move.quantity)])),
        ]),
    pass: (minutes: number) => time.pass(ledger, minutes),
    /** The hub can write nothing down any more, whatever it is doing; another one begins. As after kill -9, nobody gives back what it had taken. */
    abandon: async (): Promise<void> => {
      ended.push(db.close(), hub.stop());
      ({ hub, db } = await start());
    },
    /** What the three books say of each other, in words; empty when every parcel is in both once, and nothing else. */
    judged: async (): Promise<string[]> => {
      const judgement = judge({
        till: [],
        shop: shopLedger(shop),
        books: await books(),
        warehouse: warehouseLedger(clerk),
        excepted: [],
      });
      const { ordersToOdoo, ordersToWarehouse, shipmentsToOdoo, shipmentsToShop } = judgement;
      return [ordersToOdoo, ordersToWarehouse, shipmentsToOdoo, shipmentsToShop].flatMap(({ wrong }) => wrong);
    },
    /** Pieces on the shelves of Odoo, by code. */
    onHand: async (): Promise<Record<string, number>> => {
      const sums: Record<string, number> = {};
      for (const { default_code, location, quantity } of (await books()).quants)
        if (default_code !== null && location?.startsWith(`${code}/`))
          sums[default_code] = (sums[default_code] ?? 0) + quantity;
      return sums;
    },
    open,
    /** A person has decided that it is done with. */
    dismiss: async (cause: string): Promise<void> => {
      const asked = (await listExceptions(ledger.db, null, 500)).filter((one) => one.cause === cause);
      for (const one of asked) await dismissException(hub.parts, one, { by: 'anna', reason: 'was put right' });
    },
    close: async () => {
      await hub.stop();
      await Promise.allSettled([db.close(), ...ended]);
      await Promise.all([lines.odoo.close(), lines.shop.close()]);
      await Promise.all([server.stop(), web.stop()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export type Hop = Awaited<ReturnType<typeof openHop>>;

interface Parties {
  readonly server: { readonly db: string; readonly login: string };
  readonly web: { readonly shop: { readonly domain: string } };
  readonly lines: { readonly odoo: TcpProxy; readonly shop: TcpProxy };
  readonly folder: string;
  readonly format: Format;
}

function estateOf({ server, web, lines, folder, format }: Parties) {
  const books = odoo({
    url: `http://127.0.0.1:${lines.odoo.port}`,
    database: server.db,
    login: server.login,
    key: secret('ODOO_KEY'),
    settle: '1s',
    timeout: '10s',
    capture: { overlap: '3s', every: { stockLevels: '500ms', pickings: '500ms' } },
  });
  const shop = shopify({
    shop: web.shop.domain,
    url: `http://127.0.0.1:${lines.shop.port}`,
    token: secret('TOKEN'),
    clientSecrets: [secret('CLIENT')],
    every: '700ms',
    settle: '1s',
    timeout: '5s',
  });
  const partner = (id: string) => ({ qualifier: 'ZZ', id });
  const wms = warehouseFiles({
    at: { kind: 'folder', path: folder },
    format: format === 'x12' ? { kind: 'x12', us: partner('RETAILER'), warehouse: partner('WMS') } : { kind: format },
    acknowledgeWithin: null,
    every: '200ms',
    quiet: '300ms',
  });
  const { customers: customer, products: product, saleOrders: order } = books.sinks;
  const carriers = { UPSN: 'ups' };
  return defineEstate({
    name: 'hop',
    connections: { books, shop, wms },
    flows: [
      webProducts({ from: shop.sources.products, to: { product } }),
      webOrders({ from: shop.sources.orders, to: { customer, product, order }, zone: 'Europe/Brussels' }),
      stockFeed({
        id: 'stock-web',
        from: books.sources.stockLevels,
        to: { 'stock-level': shop.sinks.stockLevels },
        channel: CHANNEL,
      }),
      odooFulfilment({ from: books.sources.pickings, to: { 'fulfilment-order': wms.sinks.fulfilmentOrders } }),
      warehouseShipments({ from: wms.sources.shippingAdvices, to: { shipment: books.sinks.shipments }, carriers }),
      shopShipments({ from: wms.sources.shippingAdvices, to: { shipment: shop.sinks.shipments }, carriers }),
      warehouseReceipts({
        from: wms.sources.receipts,
        to: { receipt: books.sinks.receipts, 'stock-adjustment': books.sinks.stockAdjustments },
      }),
      warehouseStock({ from: wms.sources.inventory, location: 'central' }),
      ...(format === 'x12'
        ? [
            functionalAcknowledgements({
              id: 'advices-heard',
              from: wms.sources.shippingAdvices,
              to: { 'functional-acknowledgement': wms.sinks.functionalAcknowledgements },
            }),
          ]
        : []),
    ],
    approvals: { 'shop-shipments': { reason: 'a fulfilment is found by its tracking number', by: 'operations' } },
  });
}
