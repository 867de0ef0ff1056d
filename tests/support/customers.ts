import { odoo } from '../../src/connectors/odoo/index.ts';
import { shopify } from '../../src/connectors/shopify/index.ts';
import { seeded, systemClock } from '../../src/core/clock.ts';
import { defineEstate, secret } from '../../src/core/estate.ts';
import { Hub } from '../../src/engine/hub.ts';
import { importMapping } from '../../src/engine/mappings.ts';
import { type CustomerOwners, odooContacts, webCustomers } from '../../src/flows/customers.ts';
import { webOrders } from '../../src/flows/web-orders.ts';
import { Database } from '../../src/ledger/database.ts';
import { listExceptions } from '../../src/ledger/exceptions.ts';
import { startServer } from '../../src/server/index.ts';
import { type ShopifyOptions, startShopify } from '../../src/simulators/shopify/index.ts';
import { placeOrder } from '../../src/simulators/shopify/orders.ts';
import type { Customer } from '../../src/simulators/shopify/records.ts';
import { furnish, place } from '../../src/simulators/shopify/traffic.ts';
import { people } from '../odoo/estate.ts';
import { startProxy } from '../odoo/proxy.ts';
import type { OdooServer } from '../odoo/servers.ts';
import { idle, silent, type TestLedger } from './hub.ts';

export interface Options {
  readonly odoo: () => Promise<OdooServer>;
  readonly owners?: CustomerOwners;
  /** Share of Odoo's answers that are lost. */
  readonly lost?: number;
  readonly shop?: ShopifyOptions;
}

/** A partner as people see it in Odoo. */
export interface Partner {
  readonly id: number;
  readonly name: unknown;
  readonly email: unknown;
  readonly phone: unknown;
}

/** A shop, an Odoo and a hub between them that carries customers both ways. */
export async function openCustomers(ledger: TestLedger, options: Options) {
  const { owners, lost = 0 } = options;
  const random = seeded(7);
  const server = await options.odoo();
  const road = await startProxy(server.url, ({ model }) =>
    model === 'res.partner' && random() < lost ? { do: 'cut-after' } : undefined,
  );
  const at = await people(server);
  // A real Odoo keeps its books in whatever currency it has.
  const { currency } = await at.direct.company(at.cx);
  const web = await startShopify({ seed: 1, bucket: [1e6, 1e6], currency: currency.name, ...options.shop });
  const { shop } = web;
  furnish(shop, 1);
  const rows: Record<string, Record<string, string>> = {
    'shopify-taxes': { '*': 'zero' },
    'shopify-payment-methods': { shopify_payments: 'card' },
    taxes: { zero: '' },
  };
  for (const [name, table] of Object.entries(rows))
    await importMapping(ledger.db, { entity: 'main', name, rows: table, owner: 'x' }, { by: 'test', reason: 'begins' });

  const port = await freePort();
  const start = async () => {
    const db = Database.open(ledger.url);
    const books = odoo({
      url: road.url,
      database: server.db,
      login: server.login,
      key: secret('ODOO_KEY'),
      prefix: `t_${at.run}`,
      ...(server.company ? { company: server.company } : {}),
      settle: '1s',
      // A lane is quiet for so long after a kill.
      timeout: '3s',
      capture: { overlap: '2s', every: { contacts: '200ms' as never } },
    });
    const channel = shopify({
      shop: shop.domain,
      url: web.url,
      hub: `http://127.0.0.1:${port}`,
      token: secret('TOKEN'),
      clientSecrets: [secret('CLIENT')],
      every: '500ms' as never,
      settle: '1s',
    });
    const to = { customer: books.sinks.customers };
    const both = owners === undefined ? {} : { owners };
    const hub = new Hub({
      estate: defineEstate({
        name: 'customers',
        connections: { web: channel, odoo: books },
        flows: [
          webOrders({
            from: channel.sources.orders,
            to: { ...to, product: books.sinks.products, order: books.sinks.saleOrders },
            zone: 'UTC',
            newCustomersOnly: true,
          }),
          webCustomers({ from: channel.sources.customers, to, ...both }),
          odooContacts({
            from: books.sources.contacts,
            to: { customer: channel.sinks.customers },
            sold: (key) => key.startsWith('web:'),
            ...both,
          }),
        ],
      }),
      db,
      vault: ledger.vault,
      clock: systemClock,
      random: seeded(1),
      log: silent,
      secret: (name) => ({ ODOO_KEY: server.key, TOKEN: web.token, CLIENT: web.secrets[0] })[name]!,
      terms: { pollSeconds: 0.05, leaseSeconds: 3, retrySeconds: [0.02, 0.2], attempts: 60 },
    });
    await hub.start();
    const http = await startServer({ hub, db, clock: systemClock, log: silent, port, env: {} });
    return { hub, db, http };
  };
  let at_work = await start();
  const ended: Promise<unknown>[] = [];
  const partners = async (customer: Customer): Promise<Partner[]> => {
    const ref = customer.id.slice(customer.id.lastIndexOf('/') + 1);
    return (await at.direct.read(
      'res.partner',
      [['ref', '=', ref]],
      ['name', 'email', 'phone'],
      at.cx,
    )) as unknown as Partner[];
  };
  return {
    shop,
    at,
    road,
    requests: web.requests,
    webhooks: web.webhooks,
    partners,
    signUp: (name: string): Customer =>
      shop.addCustomer(
        {
          // Of no other run on the same Odoo.
          id: `gid://shopify/Customer/${Date.now()}${String(shop.customers.size).padStart(3, '0')}`,
          displayName: name,
          email: `${name.toLowerCase().replace(' ', '.')}@example.com`,
          phone: null,
        },
        place(shop, name),
      ),
    order: ({ id, email, phone }: Customer, name: string) =>
      placeOrder(shop, {
        lines: [{ variantId: [...shop.variants.keys()][0]!, quantity: 1 }],
        customer: { id, displayName: name, email, phone },
        shippingAddress: place(shop, name),
      }),
    /** What people write of a partner. */
    edit: async (customer: Customer, vals: Record<string, unknown>): Promise<void> => {
      const [partner] = await partners(customer);
      await at.write('res.partner', partner!.id, vals);
    },
    settled: () => idle(at_work.hub, 90),
    /** The hub can write nothing down any more, whatever it is doing; another one begins. As after kill -9, nobody gives back what it had taken. */
    abandon: async (): Promise<void> => {
      const { hub, db, http } = at_work;
      await http.stop();
      ended.push(db.close(), hub.stop());
      at_work = await start();
    },
    exceptions: async (): Promise<string[]> =>
      (await listExceptions(ledger.db, null, 500)).map(
        ({ id, cause, message_sealed }) =>
          `${cause}: ${ledger.vault.unseal(message_sealed, `exception:${id}`).toString()}`,
      ),
    close: async (): Promise<void> => {
      await at_work.http.stop();
      await at_work.hub.stop();
      await Promise.allSettled([at_work.db.close(), ...ended]);
      await road.close();
      await Promise.all([server.stop(), web.stop()]);
    },
  };
}

async function freePort(): Promise<number> {
  const { createServer } = await import('node:net');
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
