import { odoo } from '../../src/connectors/odoo/index.ts';
import { restStore } from '../../src/connectors/rest-store/index.ts';
import { shopify } from '../../src/connectors/shopify/index.ts';
import { seeded } from '../../src/core/clock.ts';
import { defineEstate, secret } from '../../src/core/estate.ts';
import { Hub } from '../../src/engine/hub.ts';
import { importMapping } from '../../src/engine/mappings.ts';
import { rehearseReplay } from '../../src/engine/replay.ts';
import { odooFulfilment } from '../../src/flows/odoo-fulfilment.ts';
import { odooPromises } from '../../src/flows/odoo-orders.ts';
import { odooShipments } from '../../src/flows/odoo-shipments.ts';
import { shopFulfilments, storeFulfilments } from '../../src/flows/store-fulfilment.ts';
import { storeHandovers, storeSales } from '../../src/flows/store-sales.ts';
import { webOrders, webProducts } from '../../src/flows/web-orders.ts';
import { listExceptions } from '../../src/ledger/exceptions.ts';
import { startServer } from '../../src/server/index.ts';
import { startOdooSimulator } from '../../src/simulators/odoo/index.ts';
import { startRestStore } from '../../src/simulators/rest-store.ts';
import type { BooksLedger } from '../../src/simulators/retailer/ledgers.ts';
import { startShopify } from '../../src/simulators/shopify/index.ts';
import { type NewLine, placeOrder } from '../../src/simulators/shopify/orders.ts';
import type { Order } from '../../src/simulators/shopify/records.ts';
import { person, place } from '../../src/simulators/shopify/traffic.ts';
import { people } from '../odoo/estate.ts';
import { drained, silent, type TestLedger } from './hub.ts';
import { until } from './target.ts';
import { TcpProxy } from './tcp-proxy.ts';
import { VirtualClock } from './virtual-clock.ts';
import { SECRET } from './webhook.ts';

const GOODS = ['MUG', 'TEE'];
const SHELF = 100;
export type Side = 'odoo' | 'shop' | 'till';

/** A web shop, an Odoo with two warehouses and a store that has one of them, each with books of its own and reached over a line that can be cut. */
export async function openPickup(ledger: TestLedger, version: 18 | 19) {
  const time = new VirtualClock();
  const server = await startOdooSimulator({ version, seed: 1, currency: 'EUR' });
  const web = await startShopify({ seed: 1, bucket: [1e6, 1e6] });
  const store = await startRestStore({ seed: 2, token: 'store-token', secret: SECRET, now: time.clock.now });
  const { shop } = web;
  const central = shop.addLocation('Warehouse');
  const counter = shop.addLocation('Store');
  for (const sku of GOODS) shop.addProduct(sku, [{ sku, price: 1000n }]);
  const portOf = (url: string): number => Number(new URL(url).port);
  const lines: Record<Side, TcpProxy> = {
    odoo: await TcpProxy.open(portOf(server.url)),
    shop: await TcpProxy.open(portOf(web.url)),
    till: await TcpProxy.open(portOf(store.url)),
  };
  const at = await people(server);
  const { code } = await at.direct.warehouse(at.cx);
  const { id: company } = await at.direct.company(at.cx);
  const second = await at.create('stock.warehouse', { name: 'Store', code: 'ST', company_id: company });
  const [shelf] = await at.direct.read('stock.warehouse', [['id', '=', second]], ['lot_stock_id'], at.cx);
  const tables: Record<string, Record<string, string>> = {
    'shopify-locations': { [central.id]: 'central', central: central.id, [counter.id]: 'store', store: counter.id },
    'shopify-taxes': { '*': 'zero' },
    'shopify-payment-methods': { shopify_payments: 'card' },
    'shopify-carriers': { ups: 'UPS' },
    'store-carriers': { brown: 'ups' },
    'store-locations': { 'counter-1': 'store' },
    'odoo-warehouses': { [code]: 'central', ST: 'store' },
    'odoo-carriers': {},
    carriers: {},
    warehouses: { central: code, store: 'ST' },
    taxes: { zero: '' },
  };
  for (const [name, rows] of Object.entries(tables))
    await importMapping(ledger.db, { entity: 'main', name, rows, owner: 'x' }, { by: 'test', reason: 'begins' });
  const hub = new Hub({
    estate: estateOf({ server, shop: web.shop.domain, lines }),
    db: ledger.db,
    vault: ledger.vault,
    clock: time.clock,
    random: seeded(1),
    log: silent,
    secret: (name) =>
      ({ ODOO_KEY: server.key, TOKEN: web.token, CLIENT: web.secrets[0], TILL: 'store-token', SIGN: SECRET })[name]!,
    terms: { pollSeconds: 0.2, leaseSeconds: 5 },
  });
  await hub.start();
  const door = await startServer({ hub, db: ledger.db, clock: time.clock, log: silent, port: 0, env: {} });
  await until('the goods are in Odoo', async () => {
    const rows = await at.direct.read('product.product', [['default_code', 'in', GOODS]], ['id'], at.cx);
    if (rows.length < GOODS.length) return false;
    for (const { id } of rows) {
      await at.count(id as number, SHELF);
      await at.count(id as number, SHELF, (shelf!.lot_stock_id as [number, string])[0]);
    }
    return true;
  });

  const open = async () =>
    (await listExceptions(ledger.db, null, 500)).map(({ id, cause, message_sealed: sealed }) => ({
      cause,
      words: ledger.vault.unseal(sealed, `exception:${id}`).toString(),
    }));
  const books = async () => (await (await fetch(`${server.admin}/ledger`)).json()) as BooksLedger;
  const transfersOf = async ({ name }: Order) => {
    const { pickings, sale_orders } = await books();
    const ids = sale_orders.find((one) => one.client_order_ref === name)?.pickings ?? [];
    return pickings.filter(({ id }) => ids.includes(id));
  };
  return {
    shop,
    store,
    at,
    lines,
    open,
    transfersOf,
    central: central.id,
    counter: counter.id,
    pass: (minutes: number) => time.pass(ledger, minutes),
    /** Somebody buys: of which SKU how many, and where and how each is handed over. */
    buy: (units: Readonly<Record<string, Pick<NewLine, 'quantity' | 'locationId' | 'collect'>>>): Order => {
      const customer = person(shop, shop.orders.size);
      const idOf = (sku: string) => [...shop.variants.values()].find((one) => one.sku === sku)!.id;
      return placeOrder(shop, {
        lines: Object.entries(units).map(([sku, how]) => ({ variantId: idOf(sku), ...how })),
        customer,
        shippingAddress: place(shop, customer.displayName),
      });
    },
    /** The store has heard of its part of an order; gives its number. */
    asked: async ({ name }: Pick<Order, 'name'>): Promise<string> => {
      const job = () => [...store.counter.jobs.values()].find(({ order }) => order === name);
      await until(`the store hears of ${name}`, job);
      return job()!.number;
    },
    /** The store says something of a job, and the hub has it. */
    says: (number: string, status: string, more?: object) =>
      store.report(number, status, more, `${door.url}/in/till/reports`),
    /** What telling the books again of a job would come to. */
    again: (number: string) =>
      rehearseReplay(hub.parts, hub.parts.wiring.flow('store-fulfilments')!, {
        connection: 'till',
        entity: 'main',
        subject: `fulfilment:${number}`,
      }),
    settled: async (): Promise<void> => {
      for (let quiet = 0; quiet < 3; quiet++) {
        await drained(hub);
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    },
    /** What the three systems have of the store's part of an order, by their own books. */
    state: async (order: Order) => {
      const [transfer] = (await transfersOf(order)).filter(({ name }) => name.startsWith('ST/'));
      const [row] = await at.direct.read('stock.picking', [['id', '=', transfer!.id]], ['note'], at.cx);
      const notes = [...String(row!.note || '').matchAll(/<p[^>]*>till:\S+ ([a-z ]+) \d[^<]*<\/p>/g)];
      const part = order.fulfillmentOrders.filter(({ locationId }) => locationId === counter.id);
      const bare = order.fulfillments.filter(({ locationId }) => locationId === counter.id);
      return {
        odoo: transfer!.state,
        notes: notes.map(([, words]) => words),
        told: part.flatMap(({ noticed }) => noticed ?? []).length,
        handed: bare.map(({ tracking, lines: units }) => [
          units.reduce((sum, { quantity }) => sum + quantity, 0),
          tracking.map(({ number }) => number).join(),
        ]),
      };
    },
    /** Pieces of a code on the store's shelf in Odoo. */
    shelf: async (sku: string): Promise<number> => {
      const { quants } = await books();
      const own = quants.filter((one) => one.default_code === sku && one.location?.startsWith('ST/'));
      return own.reduce((sum, { quantity }) => sum + quantity, 0);
    },
    close: async () => {
      await door.stop();
      await hub.stop();
      await Promise.all(Object.values(lines).map((line) => line.close()));
      await Promise.all([server.stop(), web.stop(), store.stop()]);
    },
  };
}

export type Pickup = Awaited<ReturnType<typeof openPickup>>;

interface Parties {
  readonly server: { readonly db: string; readonly login: string };
  readonly shop: string;
  readonly lines: Readonly<Record<Side, TcpProxy>>;
}

function estateOf({ server, shop: domain, lines }: Parties) {
  const urlOf = (side: Side): string => `http://127.0.0.1:${lines[side].port}`;
  const books = odoo({
    url: urlOf('odoo'),
    database: server.db,
    login: server.login,
    key: secret('ODOO_KEY'),
    settle: '1s',
    timeout: '10s',
    capture: { overlap: '3s', every: { pickings: '500ms', orders: '500ms' } },
  });
  const shop = shopify({
    shop: domain,
    url: urlOf('shop'),
    token: secret('TOKEN'),
    clientSecrets: [secret('CLIENT')],
    every: '700ms',
    settle: '1s',
    timeout: '5s',
  });
  const till = restStore({
    url: urlOf('till'),
    allowPrivate: true,
    token: secret('TILL'),
    signedWith: [secret('SIGN')],
    every: '1s',
    locations: { store: 'counter-1' },
    readyWithin: '2h',
    collectWithin: '7d',
  });
  const { customers: customer, products: product, saleOrders: order } = books.sinks;
  const ofTill = (key: string): boolean => key.startsWith('till:');
  const ofShop = (key: string): boolean => key.startsWith('shop:');
  return defineEstate({
    name: 'pickup',
    connections: { books, shop, till },
    flows: [
      webProducts({ from: shop.sources.products, to: { product } }),
      webOrders({ from: shop.sources.orders, to: { customer, product, order }, zone: 'Europe/Brussels' }),
      odooFulfilment({
        id: 'store-fulfilment',
        from: books.sources.pickings,
        to: { 'fulfilment-order': till.sinks.fulfilmentOrders },
        ships: ({ location }) => location === 'store',
      }),
      storeSales({ from: till.sources.sales, to: { customer, product, order }, zone: 'Europe/Brussels' }),
      storeHandovers({
        from: till.sources.sales,
        to: { shipment: books.sinks.shipments },
        zone: 'Europe/Brussels',
      }),
      odooPromises({
        from: books.sources.orders,
        to: { 'delivery-promise': till.sinks.promises },
        sold: ofTill,
      }),
      storeFulfilments({ from: till.sources.reports, to: { shipment: books.sinks.shipments } }),
      shopFulfilments({ from: till.sources.reports, to: { shipment: shop.sinks.shipments }, sold: ofShop }),
      shopFulfilments({
        id: 'till-fulfilments',
        from: till.sources.reports,
        to: { shipment: till.sinks.shipments },
        sold: ofTill,
      }),
      odooShipments({
        from: books.sources.pickings,
        to: { shipment: shop.sinks.shipments },
        sold: (key, { location }) => ofShop(key) && location === 'central',
      }),
    ],
    approvals: {
      'shop-fulfilments': { reason: 'what is handed over is found by its units and place', by: 'tests' },
      'odoo-shipments': { reason: 'a fulfilment is found by its tracking number', by: 'tests' },
    },
  });
}
