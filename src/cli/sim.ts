import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { seeded, systemClock } from '../core/clock.ts';
import { HubError } from '../core/errors.ts';
import { stockShop } from '../simulators/retailer/assortment.ts';
import { Customers } from '../simulators/retailer/customers.ts';
import { Shoppers } from '../simulators/retailer/shoppers.ts';
import { startShopify } from '../simulators/shopify/index.ts';
import { Warehouse } from '../simulators/warehouse/index.ts';
import { printJson, sayTo } from './print.ts';
import { simulatedMedusa, simulatedStore, simulatedTill } from './sim-channels.ts';
import { environment, every, type SimOptions, type Simulated } from './sim-parts.ts';
import { startSimulatedOdoo } from './simulated-odoo.ts';

async function simulatedOdoo({ version, port, data, currency }: SimOptions): Promise<Simulated> {
  const { stop, ...facts } = await startSimulatedOdoo({
    version: version === '18' ? 18 : 19,
    currency,
    ...(port === undefined ? {} : { port: Number(port) }),
    ...(data === undefined ? {} : { data }),
  });
  const { url, db, login, key, admin } = facts;
  const needed = environment({ ODOO_URL: url, ODOO_DB: db, ODOO_LOGIN: login, ODOO_KEY: key });
  return {
    facts,
    words: `Simulated Odoo ${version} runs until Ctrl-C. For a hub:\n  ${needed}\nFaults and its ledger: ${admin}`,
    stop,
  };
}

/** A shop with a few articles; `rate` customers a second buy of what is in stock. */
async function simulatedShop({ port, data, currency, rate }: SimOptions): Promise<Simulated> {
  if (data !== undefined) mkdirSync(data, { recursive: true });
  const simulator = await startShopify({
    name: 'simulated',
    currency,
    pace: 1000,
    ...(port === undefined ? {} : { port: Number(port) }),
    ...(data === undefined ? {} : { journal: join(data, 'shop.ndjson') }),
  });
  const { shop, url, token, secrets } = simulator;
  stockShop(shop);
  const [location] = shop.locations.keys();
  const random = seeded(shop.orders.size + 1);
  const customers = new Customers(shop, new Shoppers(shop, random), random);
  const end = every(rate, () => customers.order());
  const variables = {
    SHOPIFY_SHOP: shop.domain,
    SHOPIFY_URL: url,
    SHOPIFY_TOKEN: token,
    SHOPIFY_SECRET: secrets[0],
    SHOPIFY_LOCATION: location!,
  };
  return {
    facts: { url, shop: shop.domain, token, secret: secrets[0], location },
    words: `Simulated Shopify shop runs until Ctrl-C. For a hub:\n  ${environment(variables)}\nCROSSDOCK_PUBLIC_URL=http://127.0.0.1:7070 lets it send webhooks to a hub on this machine.`,
    stop: async () => {
      end();
      await simulator.stop();
    },
  };
}

/** A warehouse that works on the folders `in` and `out` below `data`, twice a second. */
async function simulatedWarehouse({ data = 'warehouse' }: SimOptions): Promise<Simulated> {
  const folder = resolve(data);
  mkdirSync(folder, { recursive: true });
  const warehouse = new Warehouse({
    folder,
    us: 'WMS',
    them: 'RETAILER',
    handling: 4000,
    journal: join(folder, 'books.json'),
  });
  const stopping = new AbortController();
  const working = (async () => {
    for (; !stopping.signal.aborted; await systemClock.sleep(500, stopping.signal)) warehouse.work(new Date());
  })();
  return {
    facts: { folder, us: 'RETAILER', warehouse: 'WMS' },
    words: `Simulated warehouse (X12 by files) works until Ctrl-C. For a hub:\n  ${environment({ WAREHOUSE_FOLDER: folder })}\nIt is WMS, and takes orders (940) of RETAILER.`,
    stop: async () => {
      stopping.abort();
      await working;
    },
  };
}

const systems: Readonly<Record<string, (options: SimOptions) => Promise<Simulated>>> = {
  odoo: simulatedOdoo,
  shopify: simulatedShop,
  warehouse: simulatedWarehouse,
  till: simulatedTill,
  store: simulatedStore,
  medusa: simulatedMedusa,
};

export async function simulate(system: string, options: SimOptions): Promise<void> {
  const start = systems[system];
  if (!start)
    throw new HubError('BAD_USE', `there is no simulator for '${system}'`, {
      hint: `one of ${Object.keys(systems).join(', ')}`,
    });
  const { port, rate, json = false } = options;
  if (port !== undefined && !(Number(port) > 0 && Number(port) < 65_536))
    throw new HubError('BAD_USE', `'${port}' is not a port`);
  if (!(Number(rate) >= 0 && Number(rate) <= 1000) || rate.trim() === '')
    throw new HubError('BAD_USE', `--rate '${rate}' is no number a second`, { hint: '0 to 1000' });
  const { facts, words, stop } = await start(options);
  if (json) printJson(facts);
  else sayTo(false)(words);
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
  });
  await stop();
}
