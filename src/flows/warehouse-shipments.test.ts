import assert from 'node:assert/strict';
import { test } from 'node:test';
import { odoo } from '../connectors/odoo/index.ts';
import { type ShippingAdvice, warehouseFiles } from '../connectors/warehouse-files/index.ts';
import { partners } from '../connectors/warehouse-files/testing.ts';
import { secret } from '../core/estate.ts';
import type { Look } from '../core/flow.ts';
import type { FulfilmentOrder } from '../model/fulfilment-order.ts';
import type { Shipment } from '../model/shipment.ts';
import { warehouseShipments } from './warehouse-shipments.ts';

const books = odoo({ url: 'http://odoo.example', database: 'd', login: 'l', key: secret('K') });
const wms = warehouseFiles({ at: { kind: 'folder', path: '/nowhere' }, format: { kind: 'x12', ...partners } });
const flow = warehouseShipments({ from: wms.sources.shippingAdvices, to: { shipment: books.sinks.shipments } });

const asked = {
  id: 'odoo:1',
  number: 'WH/OUT/1',
  order: 'shop:1',
  orderNumber: '#1',
  location: 'warehouse',
  method: 'ship',
  lines: [{ id: '5-9', orderLine: '12', sku: 'MUG', description: 'Mug', quantity: '3' }],
} as unknown as FulfilmentOrder;

const advice = (milestone: ShippingAdvice['milestone'], closes: ShippingAdvice['closes']): ShippingAdvice => ({
  kind: 'shipping-advice',
  shipment: 'S1',
  order: asked.number,
  milestone,
  shippedAt: '2026-11-26T09:00:00Z',
  sentAt: null,
  carrier: null,
  tracking: [],
  closes,
  lines: [{ line: 1, sku: 'MUG', quantity: '2' }],
});

/** What becomes of an advice where its shipment is known as it is, or not at all. */
const translated = async (native: ShippingAdvice, known: Shipment | null = null) =>
  flow.translate(native, {
    connection: 'wms',
    memory: null,
    keyOf: async () => asked.id,
    current: async ({ name }: { name: string }) => (name === 'fulfilment-order' ? asked : known),
    find: async () => [],
  } as unknown as Look<never>);

test('that no more will come is heard also of a shipment that has come further meanwhile', async () => {
  const { documents } = await translated(advice('delivered', 'nothing'));
  const arrived = documents[0]!.body as Shipment;
  const late = await translated(advice('shipped', 'order'), arrived);
  assert.deepEqual(late.documents, [{ kind: 'shipment', body: { ...arrived, closes: true } }]);
  assert.deepEqual(
    late.objections?.map(({ cause }) => cause),
    ['shipped-short'],
  );
  assert.deepEqual(late.replies, [{ to: 'shipped:WH/OUT/1', unasked: true, parts: ['5-9'] }]);
  for (const [milestone, closes] of [
    ['shipped', 'nothing'],
    ['packed', 'order'],
  ] as const) {
    const nothing = await translated(advice(milestone, closes), arrived);
    assert.deepEqual([nothing.outcome, nothing.objections ?? []], ['duplicate', []]);
    assert.deepEqual(nothing.documents, [{ kind: 'shipment', body: arrived }]);
  }
});
