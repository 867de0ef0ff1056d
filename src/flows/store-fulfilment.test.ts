import assert from 'node:assert/strict';
import { test } from 'node:test';
import { odoo } from '../connectors/odoo/index.ts';
import { restStore, type StoreReport } from '../connectors/rest-store/index.ts';
import { shopify } from '../connectors/shopify/index.ts';
import { secret } from '../core/estate.ts';
import type { Look } from '../core/flow.ts';
import type { FulfilmentOrder } from '../model/fulfilment-order.ts';
import type { Shipment } from '../model/shipment.ts';
import { shopFulfilments, storeFulfilments } from './store-fulfilment.ts';

const books = odoo({ url: 'http://odoo.example', database: 'd', login: 'l', key: secret('K') });
const store = restStore({ url: 'https://store.example', token: secret('T'), signedWith: [secret('S')] });
const shop = shopify({
  shop: 'a.myshopify.com',
  token: secret('T'),
  clientSecrets: [secret('S')],
  settle: '1s',
});
const flow = storeFulfilments({ from: store.sources.reports, to: { shipment: books.sinks.shipments } });

const [ofShop, ofStore] = ['shop:', 'store:'].map((channel) =>
  shopFulfilments({
    id: `${channel}fulfilments`,
    from: store.sources.reports,
    to: { shipment: shop.sinks.shipments },
    sold: (order) => order.startsWith(channel),
  }),
);

const asked = {
  id: 'odoo:1',
  number: 'STO/OUT/1',
  order: 'shop:1',
  orderNumber: '#1',
  location: 'store',
  method: 'ship',
  lines: [{ id: '5-9', orderLine: '12', sku: 'MUG', description: 'Mug', quantity: '3' }],
} as unknown as FulfilmentOrder;

const parcel = (n: number, quantity: string): StoreReport => ({
  id: `R${n}`,
  fulfilment: asked.number,
  status: 'shipped',
  at: '2026-11-26T09:00:00Z',
  lines: [{ id: '5-9', quantity }],
  parcel: { number: `P${n}`, carrier: null, tracking: [`T${n}`], last: n === 2 },
});

/** What becomes of a report where these shipments are known, and something was said before. */
async function translated(
  report: StoreReport,
  known: readonly Shipment[] = [],
  memory: { at: string } | null = null,
  by = flow,
) {
  const look = {
    connection: 'store',
    memory,
    mapping: () => ({ find: (code: string) => code, get: (code: string) => code }),
    keyOf: async () => asked.id,
    current: async ({ name }: { name: string }) => (name === 'fulfilment-order' ? asked : null),
    find: async () => known,
  } as unknown as Look<never>;
  return by.translate(report, look);
}

const told = async (report: StoreReport, known: readonly Shipment[] = []): Promise<Shipment> =>
  (await translated(report, known)).documents[0]!.body as Shipment;

test('the last parcel closes an order only where something of it will not come, so that parcels may be booked in any order', async () => {
  const first = await told(parcel(1, '2'));
  assert.equal(first.closes, false);
  assert.equal((await told(parcel(2, '1'), [first])).closes, false, 'all has left');
  assert.equal((await told(parcel(2, '1'))).closes, true, 'two will not come');
  const other = { ...first, fulfilmentOrder: 'odoo:2' };
  assert.equal((await told(parcel(2, '1'), [other])).closes, true, 'what another place sends is not this one’s');
});

test('of two channels that sell from a store the one that sold hears of it, and what the other heard is not forgotten', async () => {
  const [mine, other] = [
    await translated(parcel(1, '2'), [], null, ofShop),
    await translated(parcel(1, '2'), [], null, ofStore),
  ];
  assert.deepEqual([mine.documents.map(({ body }) => (body as Shipment).number), other.documents], [['P1'], []]);
  assert.deepEqual([mine.outcome, mine.memory], [other.outcome, other.memory]);
});

test('what a store said before is no answer to what is asked since, however late it comes, unless the goods are gone; nor is it asked about', async () => {
  const say = (status: StoreReport['status'], minute: number): StoreReport => ({
    ...{ id: 'R1', fulfilment: asked.number, status, at: `2026-11-26T09:0${minute}:00Z` },
  });
  const causes = ['not-collected', 'not-available'];
  const refused = await translated(say('not-collected', 5));
  assert.deepEqual(
    refused.objections?.map(({ cause }) => cause),
    ['not-collected'],
  );
  const since = refused.memory as { at: string };
  const late = await translated(say('ready', 4), [], since);
  assert.deepEqual([late.documents.length, late.answers, late.memory], [1, [], undefined]);
  assert.deepEqual((await translated(say('ready', 5), [], since)).answers, causes, 'ready after all');
  assert.deepEqual((await translated(say('collected', 4), [], since)).answers, causes);
  const gone = await translated(say('not-available', 4), [], since);
  assert.deepEqual([gone.outcome, gone.objections], ['duplicate', undefined]);
});
