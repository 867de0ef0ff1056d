import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeContext } from '../../../../tests/odoo/context.ts';
import type { Context, Found, Item, Result } from '../../../core/connector.ts';
import type { Shipment } from '../../../model/shipment.ts';
import { startShopify } from '../../../simulators/shopify/index.ts';
import { cancelOrder, fulfil, placeOrder } from '../../../simulators/shopify/orders.ts';
import type { Order } from '../../../simulators/shopify/records.ts';
import { furnish } from '../../../simulators/shopify/traffic.ts';
import { shopify } from '../index.ts';

/** An order of two lines, each to be sent from a place of its own; `loses`: the answer to the next report is lost; `before` comes before a report. */
async function lab(collect = false) {
  const simulator = await startShopify({ bucket: [1e6, 1e6] });
  const { shop } = simulator;
  furnish(shop);
  const { shipments } = shopify({
    shop: shop.domain,
    url: simulator.url,
    token: { secret: 'TOKEN' },
    clientSecrets: [{ secret: 'TOKEN' }],
  }).sinks;
  const network: { loses: boolean; before?: () => void } = { loses: false };
  const [home, store] = [...shop.locations.keys()] as [string, string];
  const cx: Context = makeContext({
    secrets: { TOKEN: simulator.token },
    mappings: { 'shopify-locations': { WH: home, STORE: store } },
    fetch: async (url, { timeout, ...init } = {}) => {
      if (!String(init.body).includes('ReportProgress')) return fetch(url, init);
      network.before?.();
      const answer = await fetch(url, init);
      if (!network.loses) return answer;
      network.loses = false;
      throw new TypeError('fetch failed', { cause: Object.assign(new Error('x'), { code: 'ECONNRESET' }) });
    },
  });
  const [one, other] = [...shop.variants.keys()] as [string, string];
  const order = placeOrder(shop, {
    lines: [
      { variantId: one, quantity: 2 },
      { variantId: other, quantity: 1, locationId: store, collect },
    ],
  });
  const shipment = (line: number, milestone: Shipment['milestone'], id: string | null = null): Item<Shipment> => ({
    key: `wms:SH${line}`,
    id,
    version: 1,
    links: new Map([['order:web:1', order.id]]),
    document: {
      id: `wms:SH${line}`,
      number: `SH${line}`,
      fulfilmentOrder: 'F1',
      order: 'web:1',
      orderNumber: order.name,
      location: line === 0 ? 'WH' : 'STORE',
      milestone,
      occurredAt: '2026-11-25T10:00:00Z',
      carrier: null,
      tracking: [],
      closes: true,
      lines: [
        { id: '1', orderLine: order.lines[line]!.id.split('/').at(-1)!, sku: 'A', quantity: line === 0 ? '2' : '1' },
      ],
    },
  });
  const tell = async (item: Item<Shipment>): Promise<Result> => (await shipments.deliver([item], cx))[0]!;
  const find = async (item: Item<Shipment>): Promise<Found> => (await shipments.find!([item], cx))[0]!;
  return { simulator, shop, order, shipment, tell, find, network };
}

const work = ({ fulfillmentOrders }: Order): unknown[] =>
  fulfillmentOrders.map(({ status, reports = [] }) => [status, ...reports.map(({ notes }) => notes)]);

test('picked and packed are told on the fulfilment order of these goods and no other, and nothing once they have left', async (t) => {
  const { simulator, order, shipment, tell } = await lab();
  t.after(() => simulator.stop());
  for (const milestone of ['picked', 'packed'] as const)
    assert.equal((await tell(shipment(0, milestone))).outcome, 'done');
  const told = ['picked 2026-11-25 10:00 UTC, shipment SH0', 'packed 2026-11-25 10:00 UTC, shipment SH0'];
  assert.deepEqual(work(order), [['IN_PROGRESS', ...told], ['OPEN']]);
  const left = await tell(shipment(0, 'shipped'));
  assert.equal(left.outcome, 'done');
  const id = left.outcome === 'done' ? left.id : null;
  for (const own of [id, null]) assert.equal((await tell(shipment(0, 'packed', own))).outcome, 'done');
  assert.deepEqual(work(order), [['CLOSED', ...told], ['OPEN']]);
});

test('a report whose answer was lost is seen by the state it led to, and not repeated', async (t) => {
  const { simulator, order, shipment, tell, find, network } = await lab();
  t.after(() => simulator.stop());
  assert.deepEqual(await find(shipment(0, 'picked')), { found: 'absent' });
  network.loses = true;
  const lost = await tell(shipment(0, 'picked'));
  assert.equal(lost.outcome === 'failed' && lost.fault.kind, 'unknown');
  assert.deepEqual(await find(shipment(0, 'picked')), { found: 'whole', id: order.id });
  // Whether it was said that they are packed as well cannot be seen.
  assert.deepEqual(await find(shipment(0, 'packed')), { found: 'absent' });
});

test('what takes no report is told nothing: a pickup, a cancelled order', async (t) => {
  const { simulator, shop, order, shipment, tell } = await lab(true);
  t.after(() => simulator.stop());
  assert.equal((await tell(shipment(1, 'picked'))).outcome, 'done');
  cancelOrder(shop, order);
  assert.equal((await tell(shipment(0, 'picked'))).outcome, 'done');
  assert.deepEqual(
    order.fulfillmentOrders.flatMap(({ reports = [] }) => reports),
    [],
  );
});

test('notes that are longer than Shopify takes are cut', async (t) => {
  const { simulator, order, shipment, tell } = await lab();
  t.after(() => simulator.stop());
  const item = shipment(0, 'picked');
  const long = { ...item, document: { ...item.document, number: 'S'.repeat(300) } };
  assert.equal((await tell(long)).outcome, 'done');
  assert.equal(order.fulfillmentOrders[0]!.reports![0]!.notes!.length, 256);
});

test('a fulfilment order that is closed between the look and the report is looked at again', async (t) => {
  const { simulator, order, shipment, tell, network } = await lab();
  t.after(() => simulator.stop());
  network.before = () => fulfil(simulator.shop, order, []);
  const first = await tell(shipment(0, 'picked'));
  assert.equal(first.outcome === 'failed' && first.fault.kind, 'transient');
  assert.equal((await tell(shipment(0, 'picked'))).outcome, 'done');
  assert.deepEqual(work(order), [['CLOSED'], ['CLOSED']]);
});
