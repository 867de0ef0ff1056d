import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeContext } from '../../../../tests/odoo/context.ts';
import type { Item, Result } from '../../../core/connector.ts';
import type { Cancellation } from '../../../model/cancellation.ts';
import type { Refund } from '../../../model/refund.ts';
import type { Return } from '../../../model/return.ts';
import type { Shipment } from '../../../model/shipment.ts';
import { startShopify } from '../../../simulators/shopify/index.ts';
import { addLine, fulfil, openReturn, placeOrder, refundOrder } from '../../../simulators/shopify/orders.ts';
import type { Order, ReturnLine } from '../../../simulators/shopify/records.ts';
import { furnish, person, place } from '../../../simulators/shopify/traffic.ts';
import { shopify } from '../index.ts';

/** Orders that have more of something than the first page, or the only one, of what is asked about them. */
async function lab(t: { after(fn: () => Promise<void>): void }) {
  const simulator = await startShopify({ bucket: [1e6, 1e6] });
  t.after(() => simulator.stop());
  const { shop } = simulator;
  furnish(shop);
  const { sinks } = shopify({
    shop: shop.domain,
    url: simulator.url,
    token: { secret: 'TOKEN' },
    clientSecrets: [{ secret: 'TOKEN' }],
  });
  const [location] = shop.locations.keys();
  const [variant] = shop.variants.values();
  const cx = makeContext({
    secrets: { TOKEN: simulator.token },
    mappings: {
      'shopify-payment-methods': { shopify_payments: 'card' },
      'shopify-locations': { WH: location! },
      'shopify-carriers': {},
      'shopify-return-reasons': {},
    },
  });
  /** An order of so many lines. */
  const sell = (count: number, quantity = 1, locations: readonly string[] = []): Order =>
    placeOrder(shop, {
      lines: Array.from({ length: count }, (_, n) => ({
        variantId: variant!.id,
        quantity,
        ...(locations[n] ? { locationId: locations[n] } : {}),
      })),
      customer: person(shop, 1),
      shippingAddress: place(shop, 'A Person'),
    });
  const levelAt = (id: string): number => shop.level(variant!.inventoryItemId, id)!.available;
  return { shop, sinks, cx, sell, location: location!, variant: variant!, levelAt };
}

const tail = (id: string): string => id.split('/').at(-1)!;
const told = (result: Result | undefined): string =>
  result?.outcome === 'failed' ? `${result.fault.kind}: ${result.fault.message}` : String(result?.outcome);
const copies = <T extends { readonly id: string }>(one: T, count: number): T[] =>
  Array.from({ length: count }, (_, n) => ({ ...one, id: `${one.id}${n}` }));

const itemOf = <T>(order: Order, key: string, document: Omit<T, 'id' | 'order' | 'orderNumber'>): Item<T> => ({
  key,
  id: null,
  version: 1,
  links: new Map([['order:web:1', order.id]]),
  document: { id: key, order: 'web:1', orderNumber: order.name, ...document } as T,
});

/** One piece of each of these lines came back. */
const cameBack = (order: Order, lines = order.lines): Item<Return> =>
  itemOf<Return>(order, 'odoo:return-7', {
    number: 'WH/IN/7',
    state: 'received',
    location: 'WH',
    occurredAt: '2026-11-25T10:00:00Z',
    lines: lines.map(({ id }, n) => ({
      id: String(n),
      orderLine: tail(id),
      sku: 'A',
      quantity: '1',
      reason: 'unknown',
      restock: true,
    })),
  });

const credited = (order: Order): Item<Refund> =>
  itemOf<Refund>(order, 'odoo:RF-1', {
    number: 'RINV/1',
    return: null,
    refundedOn: '2026-11-25',
    method: null,
    currency: 'EUR',
    amount: 100,
    lines: [{ id: '1', orderLine: null, description: 'x', quantity: '0', amount: 100, tax: 0, taxes: [] }],
  });

test('a return is known again however many returns its order has, and is not opened twice', async (t) => {
  const { shop, sinks, cx, sell } = await lab(t);
  const order = sell(1, 60);
  fulfil(shop, order, []);
  for (let n = 0; n < 51; n++) openReturn(shop, order, order.lines[0]!.id, 1).status = 'CLOSED';
  const item = cameBack(order);
  for (let n = 0; n < 2; n++) assert.equal(told((await sinks.returns.deliver([item], cx))[0]), 'done');
  assert.equal(order.returns.length, 52);
  assert.deepEqual(await sinks.returns.find!([item], cx), [{ found: 'whole', id: order.returns.at(-1)!.id }]);
});

test('a return is known again also where people have put other lines before its own', async (t) => {
  const { shop, sinks, cx, sell } = await lab(t);
  const order = sell(1, 60);
  fulfil(shop, order, []);
  const item = cameBack(order);
  await sinks.returns.deliver([item], cx);
  const [made] = order.returns;
  const { note, ...bare } = made!.lines[0]!;
  (made!.lines as ReturnLine[]).unshift(...copies(bare, 31));
  assert.deepEqual(await sinks.returns.find!([item], cx), [{ found: 'whole', id: made!.id }]);
  assert.equal(told((await sinks.returns.deliver([item], cx))[0]), 'done');
  assert.equal(order.returns.length, 1);
});

test('a return of many lines is processed whole, and is closed once none of them is left', async (t) => {
  const { shop, sinks, cx, sell, location, levelAt } = await lab(t);
  const order = sell(55);
  fulfil(shop, order, []);
  const before = levelAt(location);
  assert.equal(told((await sinks.returns.deliver([cameBack(order)], cx))[0]), 'done');
  assert.deepEqual([order.returns.length, order.returns[0]!.status], [1, 'CLOSED']);
  assert.equal(levelAt(location), before + 55);

  const announced = sell(55);
  fulfil(shop, announced, []);
  const all = announced.lines.map(({ id }) => openReturn(shop, announced, id, 1));
  announced.returns.splice(0, 55, { ...all[0]!, lines: all.flatMap(({ lines }) => lines) });
  const some = cameBack(announced, announced.lines.slice(0, 50));
  assert.equal(told((await sinks.returns.deliver([some], cx))[0]), 'done');
  assert.equal(announced.returns[0]!.status, 'OPEN', 'it was closed, and five of its lines have not come');
  const rest = cameBack(announced, announced.lines.slice(50));
  assert.equal(told((await sinks.returns.deliver([{ ...rest, key: 'odoo:return-8' }], cx))[0]), 'done');
  assert.deepEqual([announced.returns.length, announced.returns[0]!.status], [1, 'CLOSED']);
});

test('goods that left from many places are all put back on sale', async (t) => {
  const { shop, sinks, cx, sell, location, levelAt } = await lab(t);
  const places = Array.from({ length: 6 }, (_, n) => shop.addLocation(`Store ${n}`).id);
  const order = sell(6, 1, places);
  for (const one of order.fulfillmentOrders) fulfil(shop, order, [], new Map([[one.lines[0]!.id, 1]]));
  const before = levelAt(location);
  assert.equal(told((await sinks.returns.deliver([cameBack(order)], cx))[0]), 'done');
  assert.equal(levelAt(location), before + 6);
});

test('a return waits for its shipment however much of its order has left before', async (t) => {
  const { shop, sinks, cx, sell, variant } = await lab(t);
  const order = sell(1);
  for (let n = 0; n < 20; n++) addLine(shop, order, { variantId: variant.id, quantity: 1 });
  for (const one of order.fulfillmentOrders.slice(0, 20)) fulfil(shop, order, [], new Map([[one.lines[0]!.id, 1]]));
  assert.match(told((await sinks.returns.deliver([cameBack(order, order.lines.slice(20))], cx))[0]), /^early: /);
});

test('where it cannot be seen whether a refund was made, or what is left of the payments, nothing is paid', async (t) => {
  const { shop, sinks, cx, sell } = await lab(t);
  const order = sell(1, 3);
  const item = credited(order);
  assert.equal(told((await sinks.refunds.deliver([item], cx))[0]), 'done');
  const [made] = order.refunds;
  const others = copies(refundOrder(shop, order, [], { money: 1n }), 100);
  order.refunds.splice(0, 2, ...others.slice(1), made!);
  assert.deepEqual(await sinks.refunds.find!([item], cx), [{ found: 'whole', id: made!.id }], 'it is the hundredth');
  order.refunds.splice(0, 100, ...others, made!);
  const paid = order.transactions.length;
  const hidden = /Order #1001 has 100 refunds or more, and the hub cannot tell whether refund RINV\/1 is one of them/;
  assert.match(told((await sinks.refunds.deliver([item], cx))[0]), hidden);
  await assert.rejects(sinks.refunds.find!([item], cx), hidden);
  assert.deepEqual([order.refunds.length, order.transactions.length], [101, paid]);

  const parts = sell(1, 3);
  parts.transactions.unshift(...copies({ ...parts.transactions[0]!, status: 'FAILURE' as const }, 100));
  assert.match(
    told((await sinks.refunds.deliver([credited(parts)], cx))[0]),
    /^rejected: Order #1002 has 100 payments or more, and the hub cannot tell what is left of them/,
  );
});

test('an order of which something may have left is not cancelled', async (t) => {
  const { shop, sinks, cx, sell } = await lab(t);
  const order = sell(1, 3);
  const made = fulfil(shop, order, []);
  order.fulfillments.unshift(...copies({ ...made, status: 'CANCELLED' as const }, 100));
  const item = itemOf<Cancellation>(order, 'c', { reason: 'customer', occurredAt: '2026-11-25T10:00:00Z' });
  assert.match(
    told((await sinks.cancellations.deliver([item], cx))[0]),
    /^rejected: Order #1001 has 100 fulfilments or more, and the hub cannot tell whether one of them stands/,
  );
});

test('a shipment of many parcels is made once with all of their numbers, and put right with all', async (t) => {
  const { sinks, cx, sell } = await lab(t);
  const order = sell(1, 3);
  const shipmentOf = (prefix: string): Item<Shipment> =>
    itemOf<Shipment>(order, 's', {
      number: 'OUT/1',
      fulfilmentOrder: 'f',
      location: 'WH',
      milestone: 'shipped',
      occurredAt: '2026-11-25T10:00:00Z',
      carrier: 'bpost',
      tracking: Array.from({ length: 25 }, (_, n) => ({ number: `${prefix}${n}`, url: null })),
      closes: false,
      lines: [{ id: '1', orderLine: tail(order.lines[0]!.id), sku: 'A', quantity: '1' }],
    });
  const item = shipmentOf('T');
  for (let n = 0; n < 2; n++) assert.equal(told((await sinks.shipments.deliver([item], cx))[0]), 'done');
  const [made] = order.fulfillments;
  assert.deepEqual(await sinks.shipments.find!([item], cx), [{ found: 'whole', id: made!.id }]);
  const corrected = { ...shipmentOf('U'), id: made!.id };
  assert.equal(told((await sinks.shipments.deliver([corrected], cx))[0]), 'done');
  assert.deepEqual([order.fulfillments.length, made!.tracking.at(-1)!.number], [1, 'U24']);
});
