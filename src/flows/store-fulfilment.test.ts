import assert from 'node:assert/strict';
import { test } from 'node:test';
import { odoo } from '../connectors/odoo/index.ts';
import { restStore, type StoreReport } from '../connectors/rest-store/index.ts';
import { secret } from '../core/estate.ts';
import type { Look } from '../core/flow.ts';
import type { FulfilmentOrder } from '../model/fulfilment-order.ts';
import type { Shipment } from '../model/shipment.ts';
import { storeFulfilments } from './store-fulfilment.ts';

const books = odoo({ url: 'http://odoo.example', database: 'd', login: 'l', key: secret('K') });
const store = restStore({ url: 'https://store.example', token: secret('T'), signedWith: [secret('S')] });
const flow = storeFulfilments({ from: store.sources.reports, to: { shipment: books.sinks.shipments } });

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

/** What becomes of a report where these shipments are known. */
async function told(report: StoreReport, known: readonly Shipment[] = []): Promise<Shipment> {
  const look = {
    connection: 'store',
    mapping: () => ({ find: (code: string) => code, get: (code: string) => code }),
    keyOf: async () => asked.id,
    current: async ({ name }: { name: string }) => (name === 'fulfilment-order' ? asked : null),
    find: async () => known,
  } as unknown as Look<never>;
  const { documents } = await flow.translate(report, look);
  return documents[0]!.body as Shipment;
}

test('the last parcel closes an order only where something of it will not come, so that parcels may be booked in any order', async () => {
  const first = await told(parcel(1, '2'));
  assert.equal(first.closes, false);
  assert.equal((await told(parcel(2, '1'), [first])).closes, false, 'all has left');
  assert.equal((await told(parcel(2, '1'))).closes, true, 'two will not come');
  const other = { ...first, fulfilmentOrder: 'odoo:2' };
  assert.equal((await told(parcel(2, '1'), [other])).closes, true, 'what another place sends is not this one’s');
});
