import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { emptyDatabase } from '../support/cluster.ts';

/** Versions of the real Medusa that the connector is run against. */
const VERSION = '2.21.2';

const folder = process.env.MEDUSA_FOLDER ?? join(import.meta.dirname, '../../node_modules/.cache/medusa', VERSION);

const config = `const { defineConfig } = require('@medusajs/framework/utils');
const cors = 'http://127.0.0.1';
module.exports = defineConfig({
  projectConfig: {
    databaseUrl: process.env.DATABASE_URL,
    databaseDriverOptions: { connection: { ssl: false } },
    http: { storeCors: cors, adminCors: cors, authCors: cors, jwtSecret: 'test', cookieSecret: 'test' },
  },
  admin: { disable: true },
});
`;

/** Makes orders by Medusa's own order module, many at a time: no checkout, no reservations, no payments. */
const makeMany = `module.exports.default = async ({ container }) => {
  const { count, variants } = JSON.parse(process.env.MAKE_ORDERS);
  const orders = container.resolve('order');
  const [region] = await container.resolve('region').listRegions({});
  const place = {
    first_name: 'Ann', last_name: 'Peeters', address_1: 'Kerkstraat 1', city: 'Gent', postal_code: '9000', country_code: 'be',
  };
  const tax_lines = [{ code: 'BE21', rate: 21, description: 'VAT', provider_id: 'system' }];
  for (let made = 0; made < count; made += 50)
    await orders.createOrders(Array.from({ length: Math.min(50, count - made) }, (_, n) => {
      const picked = [variants[(made + n) % variants.length], variants[(made + 2 * n + 1) % variants.length]];
      const lines = picked[0] === picked[1] ? [picked[0]] : picked;
      return {
        region_id: region.id, currency_code: 'eur', email: 'ann@example.com', shipping_address: place, billing_address: place,
        items: lines.map(({ id, sku, price }, at) => ({
          title: 'Thing', variant_id: id, variant_sku: sku, variant_title: 'S', unit_price: price, quantity: 1 + ((n + at) % 4),
          requires_shipping: true, is_tax_inclusive: false, tax_lines,
        })),
        shipping_methods: [{ name: 'Standard', amount: 4.95, is_tax_inclusive: false, tax_lines }],
      };
    }));
};
`;

/** A Medusa that runs for a test. */
export interface RealMedusa {
  readonly url: string;
  readonly key: string;
  readonly publishable: string;
  /** Address of its database. */
  readonly database: string;
  stop(): Promise<void>;
}

/** Runs a program in the folder to its end. Throws with what it said. */
async function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<void> {
  await promisify(execFile)(program, args, { cwd: folder, env, maxBuffer: 64 * 1024 * 1024 });
}

/** Installs Medusa from the npm registry, once: about 680 MB, none of it part of this project. */
export async function install(subscriber: string): Promise<void> {
  mkdirSync(join(folder, 'src/subscribers'), { recursive: true });
  mkdirSync(join(folder, 'src/scripts'), { recursive: true });
  writeFileSync(join(folder, 'medusa-config.js'), config);
  writeFileSync(join(folder, 'src/scripts/make-orders.js'), makeMany);
  writeFileSync(join(folder, 'src/subscribers/crossdock.js'), subscriber);
  if (existsSync(join(folder, 'node_modules/@medusajs/medusa'))) return;
  const packages = ['medusa', 'framework', 'cli'].map((name) => [`@medusajs/${name}`, VERSION]);
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ private: true, dependencies: Object.fromEntries(packages) }),
  );
  await run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts']);
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const LOGIN = { email: 'hub@example.com', password: 'supersecret' };

/** Migrates a fresh database, starts Medusa on it and furnishes the shop. `env` reaches its subscriber. */
export async function startRealMedusa(env: Record<string, string> = {}): Promise<RealMedusa> {
  const { NODE_OPTIONS: _, ...inherited } = process.env;
  const database = await emptyDatabase();
  const own = { ...inherited, ...env, DATABASE_URL: database, MEDUSA_DISABLE_TELEMETRY: 'true' };
  const cli = join(folder, 'node_modules/@medusajs/cli/cli.js');
  await run(process.execPath, [cli, 'db:migrate'], own);
  await run(process.execPath, [cli, 'user', '-e', LOGIN.email, '-p', LOGIN.password], own);
  const port = await freePort();
  const log = openSync(join(folder, 'server.log'), 'w');
  const child = spawn(process.execPath, [cli, 'start', '-H', '127.0.0.1', '-p', String(port)], {
    cwd: folder,
    env: own,
    stdio: ['ignore', log, log],
    detached: true,
  });
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async () => {
    // The CLI starts the server as a child of its own.
    if (child.exitCode === null) process.kill(-child.pid!, 'SIGKILL');
    await gone;
  };
  const url = `http://127.0.0.1:${port}`;
  try {
    for (let tries = 0; ; tries++) {
      const up = await fetch(`${url}/health`).then(
        ({ ok }) => ok,
        () => false,
      );
      if (up) break;
      if (tries === 240 || child.exitCode !== null) throw new Error(`Medusa did not start: see ${folder}/server.log`);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    return { url, database, ...(await furnish(url)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Makes orders of one or two of these variants each, with 21 % tax and shipping for 4.95. */
export async function makeOrders(
  database: string,
  wish: { count: number; variants: readonly { id: string; sku: string; price: number }[] },
): Promise<void> {
  const { NODE_OPTIONS: _, ...inherited } = process.env;
  const cli = join(folder, 'node_modules/@medusajs/cli/cli.js');
  await run(process.execPath, [cli, 'exec', './src/scripts/make-orders.js'], {
    ...inherited,
    DATABASE_URL: database,
    MEDUSA_DISABLE_TELEMETRY: 'true',
    MAKE_ORDERS: JSON.stringify(wish),
  });
}

type Made<K extends string> = Readonly<Record<K, { readonly id: string }>>;

/** A region with 21 % in Belgium and none elsewhere, a stock location, shipping for 4.95, a promotion of ten per cent, and the keys. */
async function furnish(url: string): Promise<{ key: string; publishable: string }> {
  const call = async <T>(path: string, body: object | null, headers: Record<string, string> = {}): Promise<T> => {
    const response = await fetch(`${url}${path}`, {
      method: body ? 'POST' : 'GET',
      headers: { 'content-type': 'application/json', ...headers },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text.slice(0, 400)}`);
    return JSON.parse(text) as T;
  };
  const { token } = await call<{ token: string }>('/auth/user/emailpass', LOGIN);
  const admin = <T>(path: string, body: object | null = null) =>
    call<T>(`/admin/${path}`, body, { authorization: `Bearer ${token}` });
  type Key = { api_key: { id: string; token: string } };
  const secret = (await admin<Key>('api-keys', { title: 'hub', type: 'secret' })).api_key;
  const shown = (await admin<Key>('api-keys', { title: 'web', type: 'publishable' })).api_key;
  const { sales_channels } = await admin<{ sales_channels: { id: string }[] }>('sales-channels');
  const channel = sales_channels[0]!.id;
  await admin(`api-keys/${shown.id}/sales-channels`, { add: [channel] });
  const { stores } = await admin<{ stores: { id: string }[] }>('stores');
  await admin(`stores/${stores[0]!.id}`, {
    supported_currencies: [{ currency_code: 'eur', is_default: true }, { currency_code: 'gbp' }],
    default_sales_channel_id: channel,
  });
  const address = { address_1: 'Dock 1', city: 'Gent', country_code: 'be', postal_code: '9000' };
  const { stock_location } = await admin<Made<'stock_location'>>('stock-locations', { name: 'Central', address });
  const place = `stock-locations/${stock_location.id}`;
  await admin(`${place}/sales-channels`, { add: [channel] });
  await admin(`${place}/fulfillment-providers`, { add: ['manual_manual'] });
  const countries = ['be', 'nl', 'fr'];
  await admin('regions', {
    name: 'Europe',
    currency_code: 'eur',
    countries,
    payment_providers: ['pp_system_default'],
    automatic_taxes: true,
  });
  await admin('tax-regions', {
    country_code: 'be',
    provider_id: 'tp_system',
    default_tax_rate: { name: 'VAT', code: 'BE21', rate: 21 },
  });
  const sets = await admin<{ stock_location: { fulfillment_sets: { id: string }[] } }>(
    `${place}/fulfillment-sets?fields=*fulfillment_sets`,
    { name: 'Delivery', type: 'shipping' },
  );
  const set = sets.stock_location.fulfillment_sets[0]!.id;
  const zones = await admin<{ fulfillment_set: { service_zones: { id: string }[] } }>(
    `fulfillment-sets/${set}/service-zones`,
    { name: 'Europe', geo_zones: countries.map((country_code) => ({ type: 'country', country_code })) },
  );
  const { shipping_profiles } = await admin<{ shipping_profiles: { id: string }[] }>('shipping-profiles');
  const profile =
    shipping_profiles[0] ??
    (await admin<Made<'shipping_profile'>>('shipping-profiles', { name: 'Default', type: 'default' })).shipping_profile;
  await admin('shipping-options', {
    name: 'Standard',
    service_zone_id: zones.fulfillment_set.service_zones[0]!.id,
    shipping_profile_id: profile.id,
    provider_id: 'manual_manual',
    price_type: 'flat',
    type: { label: 'Standard', description: 'Standard', code: 'standard' },
    prices: [{ currency_code: 'eur', amount: 4.95 }],
    rules: [
      { attribute: 'is_return', value: 'false', operator: 'eq' },
      { attribute: 'enabled_in_store', value: 'true', operator: 'eq' },
    ],
  });
  await admin('promotions', {
    code: 'TEN',
    type: 'standard',
    status: 'active',
    application_method: {
      type: 'percentage',
      target_type: 'items',
      allocation: 'across',
      value: 10,
      currency_code: 'eur',
    },
  });
  return { key: secret.token, publishable: shown.token };
}
