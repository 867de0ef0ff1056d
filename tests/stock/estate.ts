import { type OdooConnection, odoo } from '../../src/connectors/odoo/index.ts';
import { type RestStoreConnection, restStore } from '../../src/connectors/rest-store/index.ts';
import { type ShopifyConnection, shopify } from '../../src/connectors/shopify/index.ts';
import type { Duration } from '../../src/core/clock.ts';
import { defineEstate, type Estate, secret } from '../../src/core/estate.ts';
import type { Flow } from '../../src/core/flow.ts';
import { stockFeed } from '../../src/flows/odoo-feeds.ts';
import { storeSales } from '../../src/flows/store-sales.ts';
import { webOrders, webProducts } from '../../src/flows/web-orders.ts';
import type { OdooSimulator } from '../../src/simulators/odoo/index.ts';
import { type RestStore, startRestStore } from '../../src/simulators/rest-store.ts';
import { type ShopifySimulator, startShopify } from '../../src/simulators/shopify/index.ts';
import { SECRET } from '../support/webhook.ts';

export const SHOPS = ['web', 'market'] as const;
export const CHANNELS = [...SHOPS, 'till'] as const;
export type Channel = (typeof CHANNELS)[number];

/** Two shops and a till, each with a ledger of its own. */
export interface Channels {
  readonly web: ShopifySimulator;
  readonly market: ShopifySimulator;
  readonly till: RestStore;
}

export async function openChannels(skus: readonly string[], seed: number, faulty: boolean): Promise<Channels> {
  const share = faulty ? 0.03 : 0;
  const shop = async (n: number): Promise<ShopifySimulator> => {
    const simulator = await startShopify({
      seed: seed + n,
      name: SHOPS[n]!,
      bucket: [1e6, 1e6],
      faults: { cut: share, broken: share, throttled: share / 3, indexLag: faulty ? 300 : 0 },
    });
    simulator.shop.addLocation('Warehouse');
    for (const sku of skus) simulator.shop.addProduct(sku, [{ sku, price: 1000n }]);
    return simulator;
  };
  const till = await startRestStore({
    seed,
    token: 't',
    secret: SECRET,
    pageSize: 200,
    faults: { cut: share * 2, broken: share * 2 },
  });
  return { web: await shop(0), market: await shop(1), till };
}

const soon = (ms: number): Duration => ms as never;

/** Books that own the stock, and three channels that sell it. */
export function estateOf(server: OdooSimulator, channels: Channels, every: number): Estate {
  const books: OdooConnection = odoo({
    url: server.url,
    database: server.db,
    login: server.login,
    key: secret('ODOO_KEY'),
    settle: '1s',
    timeout: '10s',
    batch: { orders: 50 },
    capture: { overlap: '2s', every: { stockLevels: soon(every) } },
  });
  const shops = SHOPS.map(
    (name): ShopifyConnection =>
      shopify({
        shop: channels[name].shop.domain,
        url: channels[name].url,
        token: { secret: 'SHOP_TOKEN' },
        clientSecrets: [{ secret: 'SHOP_SECRET' }],
        every: soon(500),
        tables: name,
        settle: '1s',
        timeout: '5s',
      }),
  );
  const till: RestStoreConnection = restStore({
    url: channels.till.url,
    allowPrivate: true,
    token: { secret: 'TOKEN' },
    signedWith: [{ secret: 'SECRET' }],
    every: soon(300),
  });
  const { customers: customer, products: product, saleOrders: order } = books.sinks;
  const to = { customer, product, order };
  const from = books.sources.stockLevels;
  const zone = 'Europe/Brussels';
  const flows = [
    ...SHOPS.flatMap((name, n) => {
      const { sources, sinks } = shops[n]!;
      return [
        { ...webProducts({ from: sources.products, to: { product } }), id: `products-${name}` },
        { ...webOrders({ from: sources.orders, to, zone, tables: name }), id: `orders-${name}` },
        stockFeed({ id: `stock-${name}`, from, to: { 'stock-level': sinks.stockLevels }, channel: name }),
      ];
    }),
    storeSales({ from: till.sources.sales, to, zone }),
    stockFeed({ id: 'stock-till', from, to: { 'stock-level': till.sinks.stockLevels }, channel: 'till' }),
  ];
  return defineEstate({
    name: 'stock',
    connections: { odoo: books, web: shops[0]!, market: shops[1]!, till },
    flows: flows as unknown as Flow[],
  });
}

/** Rows of the Mapping tables, by their names. */
export function tablesOf({ web, market }: Channels, warehouse: string): Record<string, Record<string, string>> {
  const own = SHOPS.flatMap((name, n) => {
    const [place] = [web, market][n]!.shop.locations.values();
    return [
      [`${name}-locations`, { [place!.id]: 'central', central: place!.id }],
      [`${name}-taxes`, { '*': 'zero' }],
      [`${name}-payment-methods`, { '*': 'card' }],
    ];
  });
  return {
    ...Object.fromEntries(own),
    'odoo-warehouses': { [warehouse]: 'central' },
    'store-locations': { till: 'central' },
    'store-taxes': { zero: 'zero' },
    taxes: { zero: '' },
  };
}
