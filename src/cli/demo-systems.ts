import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { seeded, systemClock } from '../core/clock.ts';
import { type RestStore, type StoreFaults, startRestStore } from '../simulators/rest-store.ts';
import { AfterSales } from '../simulators/retailer/after-sales.ts';
import { stockShop } from '../simulators/retailer/assortment.ts';
import { BackOffice } from '../simulators/retailer/back-office.ts';
import { Cancellations } from '../simulators/retailer/cancellations.ts';
import { type Conditions, conditions as weather } from '../simulators/retailer/conditions.ts';
import { Contacts } from '../simulators/retailer/contacts.ts';
import { Counter } from '../simulators/retailer/counter.ts';
import { CounterQuestions } from '../simulators/retailer/counter-questions.ts';
import { Day } from '../simulators/retailer/day.ts';
import type { Ledgers } from '../simulators/retailer/judge.ts';
import { Launches } from '../simulators/retailer/launches.ts';
import { Market, openMarket } from '../simulators/retailer/market.ts';
import { PickupDesk } from '../simulators/retailer/pickup-desk.ts';
import { storeOf } from '../simulators/retailer/places.ts';
import { Promises } from '../simulators/retailer/promises.ts';
import { Purchasing } from '../simulators/retailer/purchasing.ts';
import { Shoppers } from '../simulators/retailer/shoppers.ts';
import { Stocktaking } from '../simulators/retailer/stocktaking.ts';
import { type ShopifySimulator, startShopify } from '../simulators/shopify/index.ts';
import { readTillJournal, startTill, type Till } from '../simulators/till.ts';
import { Warehouse } from '../simulators/warehouse/index.ts';
import { type SimulatedOdoo, startSimulatedOdoo } from './simulated-odoo.ts';

/** The retailer's systems, each with its own books in a folder, where they go on at the next start. */
export interface Systems {
  readonly odoo: SimulatedOdoo;
  readonly shop: ShopifySimulator;
  readonly warehouse: Warehouse;
  readonly store: RestStore;
  readonly inbox: string;
  /** The till's own record. */
  sold(): ReturnType<typeof readTillJournal>;
  /** Opens the day: people come to work, and things go wrong as told. */
  open(conditions: Conditions, options: { readonly seed: number; readonly rate: number }): Promise<OpenDay>;
  stop(): Promise<void>;
}

export interface OpenDay {
  readonly day: Day;
  /** Parcels and goods to be collected that are still in the warehouse or the store, and customers who will ring up. */
  readonly waiting: number;
  /** What people said last of customers. */
  readonly said: Required<Ledgers>['said'];
  /** What the store's till asked of the hub, and was told. */
  readonly questions: CounterQuestions;
  /** One system after the other answers nobody for a while. */
  outages(seconds: number, signal: AbortSignal): Promise<void>;
  /** The till and the shop are closed, and nothing goes wrong any more on the way; the warehouse works on. */
  close(): Promise<void>;
  stop(): Promise<void>;
}

/** What the store's till and the hub know each other by. */
const STORE = { token: 'store-simulated', secret: `whsec_${Buffer.alloc(32, 7).toString('base64')}` };

/** The file with the variables that the estate file reads: `demo-settings.ts` looks for it there. */
const SETTINGS = 'settings.env';

/** A port that nobody has: the shop is told the hub's address before the hub is there. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** For commands beside the demo: its estate file reads these variables from here. */
function tellOthers(folder: string, settings: Readonly<Record<string, string>>): void {
  const lines = Object.entries(settings).map(([name, value]) => `${name}='${value}'\n`);
  writeFileSync(join(folder, SETTINGS), lines.join(''), { mode: 0o600 });
}

/** Starts them, and sets the variables that the estate file reads. */
export async function startSystems(folder: string): Promise<Systems> {
  const inbox = join(folder, 'inbox');
  const journal = join(folder, 'till.ndjson');
  for (const name of [inbox, join(folder, 'warehouse')]) mkdirSync(name, { recursive: true });
  const odoo = await startSimulatedOdoo({ version: 19, data: join(folder, 'odoo') });
  let shop: ShopifySimulator | undefined;
  let store: RestStore | undefined;
  try {
    shop = await startShopify({
      name: 'retailer',
      currency: 'GBP',
      pace: 200,
      // An order a second, with all that follows, is a shop on Plus.
      bucket: [20_000, 1000],
      journal: join(folder, 'shop.ndjson'),
    });
    stockShop(shop.shop);
    const market = openMarket(shop.shop);
    const storeFaults: StoreFaults = {};
    store = await startRestStore({
      seed: shop.shop.orders.size,
      token: STORE.token,
      secret: STORE.secret,
      catalogue: true,
      journal: join(folder, 'store.ndjson'),
      faults: storeFaults,
    });
    const warehouse = new Warehouse({
      folder: join(folder, 'warehouse'),
      us: 'WMS',
      them: 'RETAILER',
      handling: 4000,
      journal: join(folder, 'warehouse.json'),
    });
    const port = process.env.CROSSDOCK_PORT ?? String(await freePort());
    process.env.CROSSDOCK_PORT = port;
    const settings = {
      CROSSDOCK_INBOX: inbox,
      CROSSDOCK_PUBLIC_URL: `http://127.0.0.1:${port}`,
      ODOO_URL: odoo.url,
      ODOO_DB: odoo.db,
      ODOO_LOGIN: odoo.login,
      ODOO_KEY: odoo.key,
      ODOO_SETTLE: '2s',
      ODOO_GO_LIVE: '2000-01-01T00:00:00Z',
      SHOPIFY_SHOP: shop.shop.domain,
      SHOPIFY_URL: shop.url,
      SHOPIFY_TOKEN: shop.token,
      SHOPIFY_SECRET: shop.secrets[0],
      SHOPIFY_SETTLE: '2s',
      SHOPIFY_LOCATION: [...shop.shop.locations.keys()][0]!,
      SHOPIFY_STORE: storeOf(shop.shop)!.id,
      SHOPIFY_MARKET_LIST: market,
      WAREHOUSE_FOLDER: join(folder, 'warehouse'),
      WAREHOUSE_ACKNOWLEDGES: '15s',
      STORE_URL: store.url,
      STORE_TOKEN: STORE.token,
      STORE_SECRET: STORE.secret,
    };
    Object.assign(process.env, settings);
    tellOthers(folder, settings);
    // The hub reads at its start which warehouses there are.
    const office = new BackOffice(odoo);
    await office.prepare();
    const parts = { odoo, office, shop, warehouse, store, storeFaults, inbox, journal };
    return {
      ...parts,
      sold: () => readTillJournal(journal),
      open: (conditions, options) => openDay(parts, conditions, options),
      stop: async () => {
        await parts.store.stop();
        await parts.shop.stop();
        await odoo.stop();
      },
    };
  } catch (error) {
    await store?.stop();
    await shop?.stop();
    await odoo.stop();
    throw error;
  }
}

/** Systems that are away for a while in a storm, one after the other, with a pause of the same length before each. */
export const OUTAGES = 4;

/** Longest that opening waits, in milliseconds; what is missing then is set up later. */
const OPENING = 30_000;

interface Parts extends Pick<Systems, 'odoo' | 'shop' | 'warehouse' | 'store' | 'inbox'> {
  readonly office: BackOffice;
  readonly journal: string;
  readonly storeFaults: StoreFaults;
}

const admin = (odoo: SimulatedOdoo, method: string, path: string, body?: unknown) =>
  fetch(`${odoo.admin}/${path}`, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });

async function openDay(
  { odoo, office, shop, warehouse, store, storeFaults, inbox, journal }: Parts,
  conditions: Conditions,
  { seed, rate }: { seed: number; rate: number },
): Promise<OpenDay> {
  const suffer = async (from: Conditions): Promise<void> => {
    await admin(odoo, 'DELETE', 'faults');
    if (from.odoo.length > 0) await admin(odoo, 'POST', 'faults', from.odoo);
    Object.assign(shop.faults, { cut: 0, broken: 0, throttled: 0, latency: 0 }, from.shop);
    Object.assign(shop.webhooks.faults, { lost: 0, twice: 0, late: 0, unsigned: 0 }, from.webhooks);
    warehouse.faults = from.warehouse;
    Object.assign(storeFaults, { lost: 0, thin: 0, twice: 0, late: 0, cut: 0, broken: 0 }, from.store);
  };
  await suffer(weather.calm);
  // The shop opens once its goods are set up in Odoo, and things go wrong from then on.
  const until = Date.now() + OPENING;
  while ((await office.enrol()) > 0 && Date.now() < until) await systemClock.sleep(250);
  const launches = new Launches(office);
  await launches.recall();
  await suffer(conditions);
  const random = seeded(seed + shop.shop.orders.size);
  const till: Till = await startTill({ folder: inbox, journal, seed, rate: 5, odd: 0.01 });
  const hub = `${process.env.CROSSDOCK_PUBLIC_URL}/in/store`;
  const shoppers = new Shoppers(shop.shop, random);
  const contacts = new Contacts(shop.shop, office.desk, random);
  const pickups = new PickupDesk(store, shop.shop, `${hub}/reports`);
  const questions = new CounterQuestions(store, random, `${hub}/figures`);
  const market = new Market(office, random);
  await market.prepare();
  const purchasing = new Purchasing(office, warehouse, random);
  await purchasing.recall();
  const cancellations = new Cancellations(shop.shop, office.desk, random);
  const people = {
    office,
    launches,
    shoppers,
    contacts,
    afterSales: new AfterSales(shop.shop, office.desk, random),
    counter: new Counter(store, random, `${hub}/sales`),
    questions,
    market,
    pickups,
    cancellations,
    promises: new Promises(shop.shop, office.desk, random),
    purchasing,
    stocktaking: new Stocktaking(office, warehouse, random),
  };
  const day = new Day({ shop: shop.shop, ...people, warehouse, random, rate, silence: conditions.silence });
  const outage = async (begin: () => Promise<() => Promise<unknown>>, seconds: number, signal: AbortSignal) => {
    const end = await begin();
    await systemClock.sleep(seconds * 1000, signal);
    await end();
  };
  return {
    day,
    get waiting() {
      return warehouse.waiting + purchasing.waiting + pickups.waiting + cancellations.waiting;
    },
    said: { inShop: shoppers.said, inBooks: contacts.said },
    questions,
    outages: async (seconds, signal) => {
      const before = { shop: shop.faults.broken ?? 0, store: storeFaults.broken ?? 0 };
      const breaks: (() => Promise<() => Promise<unknown>>)[] = [
        async () => {
          const answer = await admin(odoo, 'POST', 'faults', { kind: 'status', status: 503 });
          const { ids } = (await answer.json()) as { ids: number[] };
          return () => admin(odoo, 'DELETE', `faults?id=${ids[0]}`);
        },
        async () => {
          shop.faults.broken = 1;
          return async () => Object.assign(shop.faults, { broken: before.shop });
        },
        async () => {
          storeFaults.broken = 1;
          return async () => Object.assign(storeFaults, { broken: before.store });
        },
        async () => {
          day.warehouseAway = true;
          return async () => Object.assign(day, { warehouseAway: false });
        },
      ];
      for (const begin of breaks) {
        await systemClock.sleep(seconds * 1000, signal);
        if (!signal.aborted) await outage(begin, seconds, signal);
      }
    },
    close: async () => {
      await till.stop();
      await day.close();
      day.warehouseAway = false;
      await suffer(weather.calm);
      // What is under way is picked as before.
      const { partial = 0, shortage = 0, stray = 0 } = conditions.warehouse;
      warehouse.faults = { partial, shortage, stray };
    },
    stop: async () => {
      await till.stop();
      await day.stop();
    },
  };
}
