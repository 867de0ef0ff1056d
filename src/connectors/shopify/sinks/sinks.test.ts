import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeContext } from '../../../../tests/odoo/context.ts';
import { assertGiven } from '../../../../tests/shopify/given.ts';
import { milliseconds } from '../../../core/clock.ts';
import type { Context, Item, Result } from '../../../core/connector.ts';
import type { CatalogueItem } from '../../../model/catalogue-item.ts';
import type { Price } from '../../../model/price.ts';
import type { Shipment } from '../../../model/shipment.ts';
import type { StockLevel } from '../../../model/stock-level.ts';
import { startShopify, type Variant } from '../../../simulators/shopify/index.ts';
import { addLine, cancelOrder, fulfil, placeOrder } from '../../../simulators/shopify/orders.ts';
import type { Order } from '../../../simulators/shopify/records.ts';
import { furnish, person, place } from '../../../simulators/shopify/traffic.ts';
import { shopify } from '../index.ts';

type Between = (operation: string, send: () => Promise<Response>) => Promise<Response>;

/** A furnished shop; `between` stands between the connector and the network. */
async function lab() {
  const simulator = await startShopify({ bucket: [1e6, 1e6] });
  const { shop } = simulator;
  furnish(shop);
  const { sinks } = shopify({
    shop: shop.domain,
    url: simulator.url,
    token: { secret: 'TOKEN' },
    clientSecrets: [{ secret: 'TOKEN' }],
  });
  const [location, store] = [...shop.locations.keys()] as [string, string];
  const network: { between: Between; sent: string[] } = { between: (_, send) => send(), sent: [] };
  const cx: Context = makeContext({
    secrets: { TOKEN: simulator.token },
    mappings: {
      'shopify-locations': { WH: location, STORE: store, BAD: 'warehouse' },
      'shopify-carriers': { bpost: 'bpost BE' },
    },
    fetch: (url, { timeout, ...init } = {}) => {
      assertGiven(init.body);
      const { operationName } = JSON.parse(String(init.body)) as { operationName: string };
      network.sent.push(operationName);
      return network.between(operationName, () => fetch(url, init));
    },
  });
  const variants = [...shop.variants.values()];
  const available = (variant: Variant): number => shop.level(variant.inventoryItemId, location)!.available;
  return { simulator, shop, sinks, cx, network, variants, location, available };
}

const level = ({ id, sku }: Variant, available: string, version = 1, location = 'WH'): Item<StockLevel> => ({
  key: `${location}/${sku}`,
  id: null,
  version,
  links: new Map([[`product:${sku}`, id]]),
  document: { id: `${location}/${sku}`, sku: sku!, location, available, asOf: '2026-11-25T10:00:00Z' },
});
const told = (result: Result | undefined): string =>
  result?.outcome === 'failed' ? `${result.fault.kind}: ${result.fault.message}` : String(result?.outcome);

test('a sale between reading and setting is never written over unseen: the level is read again, its neighbours land too', async (t) => {
  const { simulator, shop, sinks, cx, network, variants, location, available } = await lab();
  t.after(() => simulator.stop());
  const [first, second] = variants as [Variant, Variant];
  let sales = 0;
  network.between = async (operation, send) => {
    if (operation === 'SetStock' && sales++ < 2) shop.level(first.inventoryItemId, location)!.available -= 1;
    return send();
  };
  const results = await sinks.stockLevels.deliver([level(first, '50'), level(second, '60')], cx);
  assert.deepEqual(results.map(told), ['done', 'done']);
  assert.deepEqual([available(first), available(second)], [50, 60]);
  assert.deepEqual(network.sent, ['StockNow', 'SetStock', 'StockNow', 'SetStock', 'StockNow', 'SetStock']);
});

test('what is as it should be is not set; there and back again is', async (t) => {
  const { simulator, sinks, cx, network, variants, available } = await lab();
  t.after(() => simulator.stop());
  const [one] = variants as [Variant];
  for (const [version, quantity] of ['5', '7', '5', '7'].entries()) {
    await sinks.stockLevels.deliver([level(one, quantity, version + 1)], cx);
    assert.equal(available(one), Number(quantity));
  }
  network.sent.length = 0;
  assert.deepEqual((await sinks.stockLevels.deliver([level(one, '7', 5)], cx)).map(told), ['done']);
  assert.deepEqual(network.sent, ['StockNow']);
});

test('a call that lands after it was repeated does nothing, also when a sale has brought the level back', async (t) => {
  const { simulator, shop, sinks, cx, network, variants, location, available } = await lab();
  t.after(() => simulator.stop());
  const [one] = variants as [Variant];
  shop.level(one.inventoryItemId, location)!.available = 5;
  let late: (() => Promise<Response>) | undefined;
  network.between = async (operation, send) => {
    if (operation !== 'SetStock' || late) return send();
    late = send;
    throw new TypeError('fetch failed', { cause: Object.assign(new Error('x'), { code: 'ECONNRESET' }) });
  };
  assert.match(told((await sinks.stockLevels.deliver([level(one, '7')], cx))[0]), /^unknown/);
  assert.equal(told((await sinks.stockLevels.deliver([level(one, '7')], cx))[0]), 'done');
  shop.level(one.inventoryItemId, location)!.available = 5;
  await (await late!()).text();
  assert.equal(available(one), 5, 'two units were sold that are not there');
});

test('a call that runs out of time leaves the other locations untouched, for the next one', async (t) => {
  const { simulator, shop, sinks, cx, network, variants, location } = await lab();
  t.after(() => simulator.stop());
  const [one] = variants as [Variant];
  let now = 0;
  network.between = (_, send) => {
    now += milliseconds(sinks.stockLevels.deadline) / 3;
    return send();
  };
  const hurried: Context = { ...cx, clock: { ...cx.clock, monotonic: () => now } };
  const items = [level(one, '3'), level(one, '4', 1, 'STORE')];
  assert.deepEqual((await sinks.stockLevels.deliver(items, hurried)).map(told), ['done', 'untouched']);
  assert.equal(shop.level(one.inventoryItemId, location)!.available, 3);
  assert.deepEqual((await sinks.stockLevels.deliver(items.slice(1), hurried)).map(told), ['done']);
});

test('levels that cannot be set are rejected one by one, in words that say what to do', async (t) => {
  const { simulator, shop, sinks, cx, variants, location } = await lab();
  t.after(() => simulator.stop());
  const [good, untracked, absent] = variants as [Variant, Variant, Variant];
  untracked.tracked = false;
  shop.levels.delete(`${absent.inventoryItemId} ${location}`);
  const results = await sinks.stockLevels.deliver(
    [
      level(good, '3'),
      level(untracked, '3'),
      level(absent, '3'),
      level(good, '3', 1, 'BAD'),
      { ...level(good, '3'), links: new Map() },
    ],
    cx,
  );
  assert.deepEqual(results.map(told), [
    'done',
    `rejected: Shopify does not count product ${untracked.sku}: switch on 'Track quantity'.`,
    `rejected: Product ${absent.sku} is not stocked at WH in Shopify: add the location to the product.`,
    "rejected: Mapping table 'shopify-locations' gives 'warehouse' for 'BAD', which is no location of Shopify's (gid://shopify/Location/…).",
    `rejected: Product ${good.sku} is bound to no variant of this shop.`,
  ]);
});

const price = ({ id, sku }: Variant, more: Partial<Price> = {}): Item<Price> => ({
  key: `web/${sku}`,
  id: null,
  version: 1,
  links: new Map([[`product:${sku}`, id]]),
  document: {
    id: `web/${sku}`,
    sku: sku!,
    list: 'web',
    currency: 'EUR',
    amount: 1999,
    compareAt: 2499,
    includesTax: true,
    ...more,
  },
});

test('prices go product by product; those of another currency or tax never do', async (t) => {
  const { simulator, sinks, cx, network, variants } = await lab();
  t.after(() => simulator.stop());
  const of = (name: string): Variant => variants.find(({ sku }) => sku === name)!;
  const [small, medium, other, dollars, net] = ['ART-1-S', 'ART-1-M', 'ART-2-S', 'ART-2-M', 'ART-2-L'].map(
    of,
  ) as Variant[];
  const items = [
    price(small!),
    price(medium!),
    price(other!),
    price(dollars!, { currency: 'USD' }),
    price(net!, { includesTax: false }),
  ];
  const results = await sinks.prices.deliver(items, cx);
  assert.deepEqual(results.map(told), [
    'done',
    'done',
    'done',
    'rejected: Price web/ART-2-M is in USD, the shop sells in EUR.',
    'rejected: Price web/ART-2-L does not include tax, the shop keeps prices with it.',
  ]);
  assert.deepEqual([medium!.price, medium!.compareAtPrice], [1999n, 2499n]);
  assert.deepEqual(network.sent, ['ProductsOf', 'SetPrices', 'SetPrices']);
  network.sent.length = 0;
  const negative = await sinks.prices.deliver([price(small!, { amount: 5 }), price(medium!, { amount: -5 })], cx);
  assert.deepEqual(negative.map(told)[0], 'done');
  assert.match(told(negative[1]), /^rejected: .*greater than or equal/);
  assert.deepEqual([small!.price, medium!.price], [5n, 1999n]);
});

test('a product brings its variants along, and keeps each one whatever its options are called', async (t) => {
  const { simulator, shop, sinks, cx } = await lab();
  t.after(() => simulator.stop());
  const item = (values: string[], id: string | null = null): Item<CatalogueItem> => ({
    key: 'odoo:template 12',
    id,
    version: 1,
    links: new Map(),
    document: {
      id: 'odoo:template 12',
      title: 'Coat',
      description: '<p>Warm</p>',
      brand: 'North',
      categories: [],
      status: 'active',
      options: ['Size'],
      variants: values.map((value, n) => ({ sku: `COAT-${n}`, barcode: null, values: [value], weight: 900 })),
    },
  });
  const [made] = await sinks.catalogue.deliver([item(['S', 'M'])], cx);
  assert.ok(made?.outcome === 'done' && made.parts?.length === 2, told(made));
  const product = shop.products.get(made.id)!;
  assert.deepEqual(
    made.parts!.map(({ kind, key, id }) => [kind, key, id]),
    product.variants.map(({ sku, id }) => ['product', sku, id]),
  );
  product.handle = 'warm-coat';
  const [renamed] = await sinks.catalogue.deliver([item(['Small', 'Medium', 'Large'], made.id)], cx);
  assert.ok(renamed?.outcome === 'done');
  assert.equal(renamed.id, made.id);
  assert.deepEqual(
    renamed.parts!.slice(0, 2),
    made.parts,
    'a variant became another one, with its stock and its price',
  );
  assert.equal(product.handle, 'warm-coat', 'a person changed the address of the product');
  const wrong = { ...item(['S']), document: { ...item(['S']).document, options: ['Size', 'Colour'] } };
  assert.match(told((await sinks.catalogue.deliver([wrong], cx))[0]), /variant COAT-0 has 1 values for 2 options/);
});

/** One unit of the order's first line, in a parcel. */
const shipmentOf = (order: Order, n: number, more: Partial<Shipment>): Item<Shipment> => ({
  key: `s${n}`,
  id: null,
  version: 1,
  links: new Map([['order:web:1', order.id]]),
  document: {
    id: `s${n}`,
    number: `OUT/${n}`,
    fulfilmentOrder: 'f',
    order: 'web:1',
    orderNumber: order.name,
    location: 'WH',
    milestone: 'shipped',
    occurredAt: '2026-11-25T10:00:00Z',
    carrier: 'bpost',
    tracking: [{ number: 'T1', url: null }],
    closes: false,
    lines: [{ id: '1', orderLine: order.lines[0]!.id.split('/').at(-1)!, sku: 'X', quantity: '1' }],
    ...more,
  },
});

test('a shipment is shared out over what is left to ship at one location; what is not there is said', async (t) => {
  const { simulator, shop, sinks, cx, variants, location } = await lab();
  t.after(() => simulator.stop());
  const order = placeOrder(shop, {
    lines: [{ variantId: variants[0]!.id, quantity: 2 }],
    customer: person(shop, 1),
    shippingAddress: place(shop, 'Ann'),
    locationId: location,
  });
  addLine(shop, order, { variantId: variants[1]!.id, quantity: 1 });
  const [a, b] = order.lines.map(({ id }) => id.split('/').at(-1)!) as [string, string];
  const shipment = (n: number, lines: [string, string][], more: Partial<Shipment> = {}): Item<Shipment> =>
    shipmentOf(order, n, {
      tracking: [{ number: `T${n}`, url: `https://track.example/T${n}` }],
      lines: lines.map(([orderLine, quantity], id) => ({ id: String(id), orderLine, sku: 'X', quantity })),
      ...more,
    });
  const [packed] = await sinks.shipments.deliver([shipment(1, [[a, '1']], { milestone: 'packed' })], cx);
  assert.deepEqual([told(packed), order.fulfillments.length], ['done', 0]);
  const [both] = await sinks.shipments.deliver(
    [
      shipment(1, [
        [a, '1'],
        [b, '1'],
      ]),
    ],
    cx,
  );
  assert.equal(told(both), 'done');
  assert.deepEqual(
    order.fulfillments[0]!.lines.map(({ quantity }) => quantity),
    [1, 1],
  );
  assert.deepEqual(order.fulfillments[0]!.tracking, [
    { company: 'bpost BE', number: 'T1', url: 'https://track.example/T1' },
  ]);
  const [made] = order.fulfillments;
  const arrived = { ...shipment(1, [[a, '1']], { milestone: 'delivered', tracking: [] }), id: made!.id };
  const find = async () => (await sinks.shipments.find!([arrived], cx))[0]!.found;
  assert.equal(await find(), 'absent', 'it is there, and does not say that it arrived');
  for (let n = 0; n < 2; n++) assert.equal(told((await sinks.shipments.deliver([arrived], cx))[0]), 'done');
  assert.equal(await find(), 'whole');
  assert.deepEqual(
    made!.events.map(({ status, happenedAt }) => [status, happenedAt.toISOString()]),
    [['DELIVERED', '2026-11-25T10:00:00.000Z']],
  );
  const right = [{ number: 'T7', url: null }];
  const corrected = { ...shipment(1, [[a, '1']], { tracking: right }), id: made!.id };
  assert.equal((await sinks.shipments.find!([corrected], cx))[0]!.found, 'absent', 'it has another number there');
  for (let n = 0; n < 2; n++) assert.equal(told((await sinks.shipments.deliver([corrected], cx))[0]), 'done');
  assert.deepEqual(made!.tracking, [{ company: 'bpost BE', number: 'T7', url: null }]);
  assert.equal(order.fulfillments.length, 1);
  const back = { ...shipment(1, [[a, '1']]), id: made!.id };
  assert.equal(told((await sinks.shipments.deliver([back], cx))[0]), 'done');
  const tooMuch = await sinks.shipments.deliver([shipment(2, [[a, '2']])], cx);
  assert.match(
    told(tooMuch[0]),
    /^rejected: Order #1001: X of shipment OUT\/2 cannot be shipped in Shopify: no location has as much/,
  );
  const [partly] = await sinks.shipments.find!(
    [
      shipment(3, [[a, '1']], {
        tracking: [
          { number: 'T1', url: null },
          { number: 'T9', url: null },
        ],
      }),
    ],
    cx,
  );
  assert.equal(partly!.found, 'partial');
  cancelOrder(shop, order);
  assert.match(
    told((await sinks.shipments.deliver([shipment(4, [[a, '1']])], cx))[0]),
    /Order #1001 is cancelled there, .*an Exception of its own about order #1001/,
  );
});

test('two hubs that tell two shipments of one parcel at once: the second one does not take the fulfilment of the first, of which nobody has heard yet', async (t) => {
  const { simulator, shop, sinks, cx, network, variants, location } = await lab();
  t.after(() => simulator.stop());
  const order = placeOrder(shop, {
    lines: [1, 1].map((quantity, index) => ({ variantId: variants[index]!.id, quantity })),
    customer: person(shop, 1),
    shippingAddress: place(shop, 'Ann'),
    locationId: location,
  });
  const shipment = (n: number): Item<Shipment> => {
    const orderLine = order.lines[n - 1]!.id.split('/').at(-1)!;
    return shipmentOf(order, n, { lines: [{ id: '1', orderLine, sku: 'X', quantity: '1' }] });
  };
  let second: Promise<Result[]> | undefined;
  network.between = async (operation, send) => {
    const answer = await send();
    if (operation !== 'Fulfil' || second !== undefined) return answer;
    // Shopify has the first one, its hub has not heard so yet.
    second = sinks.shipments.deliver([shipment(2)], cx);
    await second;
    return answer;
  };
  assert.equal(told((await sinks.shipments.deliver([shipment(1)], cx))[0]), 'done');
  assert.match(
    told((await second!)[0]),
    /^rejected: Shopify holds a fulfilment with the tracking numbers T1 already, of other goods: .*fulfil OUT\/2 there/,
  );
  assert.equal(order.fulfillments.length, 1);
  assert.equal((await sinks.shipments.find!([shipment(2)], cx))[0]!.found, 'partial');
  assert.deepEqual((await sinks.shipments.find!([shipment(1)], cx))[0], {
    found: 'whole',
    id: order.fulfillments[0]!.id,
  });
});

test('two shipments in one parcel go to a person, and are not taken for one; each is known again as its own', async (t) => {
  const { simulator, shop, sinks, cx, variants, location } = await lab();
  t.after(() => simulator.stop());
  const order = placeOrder(shop, {
    lines: [{ variantId: variants[0]!.id, quantity: 3 }],
    customer: person(shop, 1),
    shippingAddress: place(shop, 'Ann'),
    locationId: location,
  });
  const shipment = (n: number, more: Partial<Shipment> = {}): Item<Shipment> => shipmentOf(order, n, more);
  const bound = new Map<string, string>();
  const asking: Context = {
    ...cx,
    otherBoundTo: async (_kind, key, id) => [...bound].find(([own, held]) => own !== key && held === id)?.[0] ?? null,
  };
  const deliver = async (...items: Item<Shipment>[]) => {
    const results = await sinks.shipments.deliver(items, asking);
    for (const [n, result] of results.entries()) if (result.outcome === 'done') bound.set(items[n]!.key, result.id);
    return results.map(told);
  };
  const held =
    /^rejected: Shopify holds a fulfilment with the tracking numbers T1 already, of shipment s1: .*fulfil OUT\/2/;
  const [first, second] = await deliver(shipment(1), shipment(2));
  assert.equal(first, 'done');
  assert.match(second!, held, 'both in one call');
  assert.match((await deliver(shipment(2)))[0]!, held, 'and one that comes later');
  assert.equal((await sinks.shipments.find!([shipment(2)], asking))[0]!.found, 'partial');
  assert.equal(order.fulfillments.length, 1);
  fulfil(shop, order, order.fulfillments[0]!.tracking, new Map([[order.fulfillmentOrders[0]!.lines[0]!.id, 1]]));
  assert.deepEqual(await deliver(shipment(2), shipment(1)), ['done', 'done'], 'a person fulfilled it');
  assert.deepEqual(bound, new Map(['s1', 's2'].map((key, n) => [key, order.fulfillments[n]!.id])));
  const own = { ...shipment(1, { tracking: [{ number: 'T2', url: null }] }), id: bound.get('s1')! };
  assert.deepEqual(await deliver(own), ['done']);
  assert.deepEqual(
    await deliver({ ...shipment(1), id: own.id }),
    ['done'],
    'it is put right to the number of the other',
  );
  assert.deepEqual(
    order.fulfillments.map(({ tracking }) => tracking[0]!.number),
    ['T1', 'T1'],
  );
});
