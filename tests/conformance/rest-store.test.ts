import { after } from 'node:test';
import { conform, type Signer } from '../../src/conformance/index.ts';
import { restStore } from '../../src/connectors/rest-store/index.ts';
import type { Item, RawRequest } from '../../src/core/connector.ts';
import { signedHeaders } from '../../src/core/standard-webhooks.ts';
import { type RestStore, startRestStore } from '../../src/simulators/rest-store.ts';
import { SECRET } from '../support/webhook.ts';

const whsec = (byte: number): string => `whsec_${Buffer.alloc(32, byte).toString('base64')}`;
const secrets = { TOKEN: 'store-token', SECRET, OLD: whsec(2) };
const opened: RestStore[] = [];
after(() => Promise.all(opened.map((store) => store.stop())));

async function world() {
  const store = await startRestStore({ seed: 5, token: secrets.TOKEN, secret: SECRET, pageSize: 7 });
  opened.push(store);
  const connection = restStore({
    url: store.url,
    allowPrivate: true,
    token: { secret: 'TOKEN' },
    signedWith: [{ secret: 'SECRET' }, { secret: 'OLD' }],
  });
  const patient = <S extends object>(sink: S) => ({ ...sink, settle: '1s' as const, deadline: '5s' as const });
  return { store, connection, patient };
}

const item = (kind: string, n: number, document: unknown): Item<unknown> => ({
  key: `${kind}${n}`,
  id: null,
  version: 1,
  links: new Map(),
  document,
});

/** What is the same of all that a store pushes. */
const signing = {
  secrets,
  signedHeaders: ['webhook-id', 'webhook-timestamp', 'webhook-signature'],
  tolerance: '5m',
  rotates: true,
  sign: (body: Uint8Array, signer: Signer, at: Date): RawRequest => ({
    headers: signedHeaders({ id: `msg_${++signed}`, timestamp: Math.floor(at.getTime() / 1000), body }, [
      { current: SECRET, previous: secrets.OLD, stranger: whsec(9) }[signer],
    ]),
    query: '',
    body,
    receivedAt: new Date(),
  }),
} as const;
let signed = 0;

const message = (type: string, data: object): Buffer =>
  Buffer.from(JSON.stringify({ type, timestamp: '2026-05-01T10:00:00Z', data }));

conform({
  webhooks: {
    'rest-store: pushed sales': async () => {
      const { store, connection } = await world();
      const told = (sale: object) => message('sale.completed', { sale });
      return {
        ...signing,
        source: connection.sources.pushed,
        feeds: connection.sources.sales,
        facts: async (count) => {
          const sales = [];
          for (let n = 0; n < count; n++) sales.push(await store.sell());
          return sales.map((sale) => ({ body: told(sale), subject: `sale:${sale.id}` }));
        },
        versions: async () => {
          const older = await store.sell();
          return { older: told(older), newer: told(await store.sell(undefined, older)) };
        },
        hints: [message('sale.changed', { id: 'S7' })],
        pings: [message('ping', {}), message('of.a.later.release', { sale: {} })],
        malformed: [
          message('sale.completed', {}),
          told({ id: 'S1', lines: 'none' }),
          message('sale.changed', { id: 7 }),
        ],
      };
    },
    'rest-store: pushed reports': async () => {
      const { store, connection } = await world();
      let number = 0;
      const report = async (status: string, of: number): Promise<Buffer> => {
        const id = await store.report(`F${of}`, status);
        return message('fulfilment.reported', { report: store.counter.reports.find((one) => one.id === id)! });
      };
      return {
        ...signing,
        source: connection.sources.reported,
        feeds: connection.sources.reports,
        facts: async (count) => {
          const facts = [];
          for (let n = 0; n < count; n++)
            facts.push({ body: await report('ready', ++number), subject: `fulfilment:F${number}` });
          return facts;
        },
        versions: async () => {
          number += 1;
          return { older: await report('ready', number), newer: await report('collected', number) };
        },
        hints: [
          message('fulfilment.reported', {
            report: {
              ...{ id: 'P1', fulfilment: 'F1', status: 'shipped', at: '2026-05-01T10:00:00Z' },
              parcel: { number: 'P1', carrier: 'brown', tracking: ['1Z'], last: true },
            },
          }),
        ],
        pings: [message('ping', {}), message('of.a.later.release', {})],
        malformed: [
          message('fulfilment.reported', {}),
          message('fulfilment.reported', { report: { id: 'x', status: 'gone' } }),
        ],
      };
    },
  },
  polls: {
    'rest-store: sales': async () => {
      const { store, connection } = await world();
      return {
        source: connection.sources.sales,
        secrets,
        pageSize: 7,
        make: async (count) => {
          const subjects: string[] = [];
          for (let n = 0; n < count; n++) subjects.push(`sale:${(await store.sell()).id}`);
          return subjects;
        },
        makeBad: async () => store.write({ id: 'bad', lines: 'none' }),
      };
    },
    'rest-store: reports': async () => {
      const { store, connection } = await world();
      let number = 0;
      return {
        source: connection.sources.reports,
        secrets,
        pageSize: 7,
        make: async (count) => {
          const subjects: string[] = [];
          for (let n = 0; n < count; n++) {
            await store.report(`F${++number}`, 'ready');
            subjects.push(`fulfilment:F${number}`);
          }
          return subjects;
        },
        makeBad: async () => void (await store.report('F0', 'ready', { at: 'some day' })),
      };
    },
  },
  sinks: {
    'rest-store: stock levels': async () => {
      const { store, connection, patient } = await world();
      const level = (n: number, available = String(n)) =>
        item('shop/A', n, {
          id: `shop/A${n}`,
          sku: `A${n}`,
          location: 'shop',
          available,
          asOf: '2026-05-01T10:00:00Z',
        });
      return {
        sink: patient(connection.sinks.stockLevels),
        secrets,
        item: (n) => level(n),
        bad: (n) => level(n, 'many'),
        badIsFoundBy: 'sink' as const,
        badField: 'available',
        held: async ({ key }) => (store.levels.has(key) ? 1 : 0),
        writes: ({ method }) => method === 'POST',
        hollow: () => null,
      };
    },
    'rest-store: prices': async () => {
      const { store, connection, patient } = await world();
      const price = (n: number, amount = n) =>
        item('web/A', n, {
          id: `web/A${n}`,
          sku: `A${n}`,
          list: 'web',
          currency: 'EUR',
          amount,
          compareAt: null,
          includesTax: true,
        });
      return {
        sink: patient(connection.sinks.prices),
        secrets,
        item: (n) => price(n),
        bad: (n) => price(n, 0.5),
        badIsFoundBy: 'sink' as const,
        badField: 'amount',
        held: async ({ key }) => (store.prices.has(key) ? 1 : 0),
        writes: ({ method }) => method === 'POST',
        hollow: () => null,
      };
    },
    'rest-store: catalogue': async () => {
      const { store, connection, patient } = await world();
      const product = (n: number, title = `Thing ${n}`) =>
        item('odoo:', n, {
          ...{ id: `odoo:${n}`, title, description: '', brand: null, categories: [], status: 'active', options: [] },
          variants: [{ sku: `A${n}`, barcode: null, values: [], weight: null }],
        });
      return {
        sink: patient(connection.sinks.catalogue),
        secrets,
        item: (n) => product(n),
        bad: (n) => product(n, ''),
        badIsFoundBy: 'sink' as const,
        badField: 'title',
        held: async ({ key }) => (store.assortment.products.has(key) ? 1 : 0),
        writes: ({ method }) => method === 'POST',
        hollow: () => null,
      };
    },
    'rest-store: order status': async () => {
      const { store, connection, patient } = await world();
      const order = (n: number, number = `R-${n}`) => item('o', n, { id: `store:S${n}`, number, kind: 'sale' });
      return {
        sink: patient(connection.sinks.orderStatus),
        secrets,
        item: (n) => order(n),
        bad: (n) => order(n, 'R'.repeat(101)),
        badIsFoundBy: 'sink' as const,
        badField: 'number',
        held: async ({ document }) =>
          [...store.recorded.values()].filter(({ number }) => number === (document as { number: string }).number)
            .length,
        writes: ({ method }) => method === 'POST',
        hollow: () => null,
      };
    },
    'rest-store: promises': async () => {
      const { store, connection, patient } = await world();
      const promise = (n: number, promisedAt = '2026-12-03T17:00:00Z') =>
        item('p', n, { order: `conformance:S${n}`, orderNumber: `S${n}`, promisedAt });
      return {
        sink: patient(connection.sinks.promises),
        secrets,
        item: (n) => promise(n),
        bad: (n) => promise(n, 'on Tuesday'),
        badIsFoundBy: 'sink' as const,
        badField: 'promisedAt',
        held: async ({ document }) => {
          const { order } = document as { order: string };
          return store.promises.get(order.slice('conformance:'.length))?.changes ?? 0;
        },
        writes: ({ method }) => method === 'POST',
        hollow: () => null,
      };
    },
    'rest-store: shipments': async () => {
      const { store, connection, patient } = await world();
      const shipment = (n: number, quantity = '1') =>
        item('wms:SH', n, {
          ...{ id: `wms:SH${n}`, number: `SH${n}`, fulfilmentOrder: `f${n}`, location: 'central', closes: false },
          ...{ order: `conformance:S${n}`, orderNumber: `R-${n}`, milestone: 'shipped' },
          ...{ occurredAt: '2026-05-01T10:00:00.000Z', carrier: 'ups', tracking: [{ number: `1Z${n}`, url: null }] },
          lines: [{ id: '9-1', orderLine: '1', sku: 'A', quantity }],
        });
      return {
        sink: patient(connection.sinks.shipments),
        secrets,
        item: (n) => shipment(n),
        bad: (n) => shipment(n, 'many'),
        badIsFoundBy: 'sink' as const,
        badField: 'lines/0/quantity',
        held: async ({ key }) => store.shipments.get(key)?.changes ?? 0,
        writes: ({ method }) => method === 'POST',
        hollow: () => null,
      };
    },
    'rest-store: cancellations': async () => {
      const { store, connection, patient } = await world();
      const cancellation = (n: number, reason = 'stock') =>
        item('odoo:cancelled-', n, {
          ...{ id: `odoo:cancelled-${n}`, order: `conformance:S${n}`, orderNumber: `R-${n}`, reason },
          occurredAt: '2026-05-01T10:00:00.000Z',
        });
      return {
        sink: patient(connection.sinks.cancellations),
        secrets,
        item: (n) => cancellation(n),
        bad: (n) => cancellation(n, 'no reason'),
        badIsFoundBy: 'sink' as const,
        badField: 'reason',
        held: async ({ document }) => {
          const { order } = document as { order: string };
          return store.cancellations.get(order.slice('conformance:'.length))?.changes ?? 0;
        },
        writes: ({ method }) => method === 'POST',
        hollow: () => null,
      };
    },
    'rest-store: fulfilments': async () => {
      const { store, connection, patient } = await world();
      const nobody = { company: null, street2: null, postalCode: null, region: null, phone: null, email: null };
      const order = (n: number, quantity = '1') =>
        item('f', n, {
          id: `f${n}`,
          number: `F${n}`,
          order: `o${n}`,
          orderNumber: `O${n}`,
          location: 'shop',
          method: 'collect',
          state: 'open',
          service: null,
          promisedAt: null,
          shipTo: { ...nobody, name: 'Ann', street: 'High Street 1', city: 'Leeds', country: 'GB' },
          lines: [{ id: '1', orderLine: '1', sku: 'A', description: 'A thing', quantity }],
        });
      return {
        sink: patient(connection.sinks.fulfilmentOrders),
        secrets,
        item: (n) => order(n),
        bad: (n) => order(n, 'many'),
        badIsFoundBy: 'sink' as const,
        badField: '/lines/0/quantity',
        held: async ({ document }) => store.counter.changes.get((document as { number: string }).number) ?? 0,
        writes: ({ method }) => method === 'POST',
        hollow: () => null,
      };
    },
  },
});
