import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { makeContext } from '../../../tests/odoo/context.ts';
import type { Context, Finding, Incoming, PollSource, RawRequest } from '../../core/connector.ts';
import { type Shop, type ShopifyOptions, startShopify } from '../../simulators/shopify/index.ts';
import { addLine, fulfil, openReturn, placeOrder, refundOrder, removeUnits } from '../../simulators/shopify/orders.ts';
import { furnish, person } from '../../simulators/shopify/traffic.ts';
import { type ShopifyConfig, shopify } from './index.ts';
import { toDocuments } from './mapping/orders.ts';
import { topics } from './sources/subscriptions.ts';

const config: ShopifyConfig = {
  shop: 'example.myshopify.com',
  token: { secret: 'TOKEN' },
  clientSecrets: [{ secret: 'CLIENT' }],
};

const LIST = 'gid://shopify/PriceList/1';

async function lab(options: ShopifyOptions = {}, more: Partial<ShopifyConfig> = {}) {
  const simulator = await startShopify({ bucket: [1e6, 1e6], ...options });
  furnish(simulator.shop);
  const connection = shopify({ ...config, url: simulator.url, ...more });
  const cx = makeContext({ connection: 'web', secrets: { TOKEN: simulator.token, CLIENT: 'shpss' } });
  return { simulator, shop: simulator.shop, connection, cx };
}

test('settings that cannot be are refused by name', () => {
  const wrong: [Partial<ShopifyConfig>, RegExp][] = [
    [{ shop: 'example.com' }, /shop 'example.com'/],
    [{ shop: 'https://example.myshopify.com' }, /is not such as example.myshopify.com/],
    [{ url: 'ftp://x' }, /url 'ftp:\/\/x'/],
    [{ hub: 'hub.example.com' }, /hub 'hub.example.com'/],
    [{ version: '2026-01' as never }, /version '2026-01' is none of 2026-07, 2026-10/],
    [{ clientSecrets: [] as never }, /clientSecrets/],
    [{ from: 'yesterday' }, /from 'yesterday'/],
    [{ priceLists: { us: 'US' } }, /priceLists 'us': 'US' is no price list of Shopify's/],
    [{ priceLists: { us: LIST, uk: LIST } }, /priceLists names a price list of Shopify twice/],
  ];
  for (const [more, words] of wrong) assert.throws(() => shopify({ ...config, ...more }), words);
  assert.throws(() => shopify({ ...config, every: 'often' as never }), RangeError);
});

const findings = async (all: AsyncIterable<Finding>): Promise<Finding[]> => {
  const list: Finding[] = [];
  for await (const finding of all) list.push(finding);
  return list;
};
const shown = (all: readonly Finding[], level: Finding['level']): string[] =>
  all.filter((one) => one.level === level).map(({ subject, message }) => `${subject}: ${message}`);

test('check finds nothing wrong with a shop that is as it should be', async (t) => {
  const { simulator, connection, cx } = await lab({}, { version: '2026-10' });
  t.after(() => simulator.stop());
  const all = await findings(connection.check(cx));
  assert.deepEqual([shown(all, 'error'), shown(all, 'warning')], [[], []]);
  assert.ok(shown(all, 'ok').includes('documents: Shopify lists no version after 2026-10 yet'));
  assert.ok(shown(all, 'ok').includes('version: 2026-10, served at least until 2027-10'));
});

test('check tells of missing scopes, another shop, a version near its end, and webhooks that nobody asked for', async (t) => {
  const { simulator, shop, connection, cx } = await lab(
    { scopes: ['read_products', 'write_inventory'], name: 'other' },
    { hub: 'https://hub.example.com', url: undefined as never },
  );
  t.after(() => simulator.stop());
  const here = shopify({ ...config, hub: 'https://hub.example.com', url: simulator.url });
  const all = await findings(here.check(cx));
  const errors = shown(all, 'error').join('\n');
  assert.match(errors, /shop: this is other.myshopify.com, not example.myshopify.com/);
  assert.match(errors, /scopes: missing: read_orders \(orders\), read_customers/);
  const warnings = shown(all, 'warning').join('\n');
  assert.match(
    warnings,
    /scopes: missing to write: write_orders \(refunds, returns, cancellations, promises\), write_customers \(customers\), write_returns \(returns\), write_merchant/,
  );
  assert.ok(!warnings.includes('write_inventory'));
  assert.match(warnings, /version: 2026-07 is the oldest version that is served, at least until 2027-07/);
  for (const [path, names] of Object.entries(topics))
    assert.ok(warnings.includes(`webhooks ${path}: not subscribed to ${names.join(', ')}`), path);
  assert.ok(connection && shop.subscriptions.size === 0, 'check changed something');
});

test('check warns where webhooks are relied on and polls, which look after their subscriptions, are more than ten minutes apart', async (t) => {
  const { simulator, cx } = await lab();
  t.after(() => simulator.stop());
  const hub = 'https://hub.example.com';
  const told = async (more: Partial<ShopifyConfig>): Promise<string[]> => {
    const all = await findings(shopify({ ...config, url: simulator.url, ...more }).check(cx));
    return shown(all, 'warning').filter((words) => words.startsWith('webhooks:'));
  };
  assert.deepEqual(await told({ hub, every: '30m' }), [
    'webhooks: `every` is 30 minutes: a subscription that has gone is made again, and what it would have told is read, so much later',
  ]);
  assert.deepEqual(await told({ hub, every: '10m' }), []);
  assert.deepEqual(await told({ every: '30m' }), []);
});

test('check tells which price lists the shop has, and of those that it has not', async (t) => {
  const { simulator, shop } = await lab();
  t.after(() => simulator.stop());
  const us = shop.addPriceList('US', 'USD', [{ name: 'US', taxes: 'ADD_TAXES_AT_CHECKOUT' }]);
  const both = shop.addPriceList('Both', 'GBP', [
    { name: 'UK', taxes: 'INCLUDES_TAXES_IN_PRICE' },
    { name: 'Jersey', taxes: 'ADD_TAXES_AT_CHECKOUT' },
  ]);
  const cx = makeContext({ secrets: { TOKEN: simulator.token, CLIENT: 'shpss' } });
  const asia = shop.addPriceList('Asia', 'JPY', []);
  const priceLists = { us: us.id, both: both.id, gone: LIST };
  const all = await findings(shopify({ ...config, url: simulator.url, priceLists }).check(cx));
  assert.ok(shown(all, 'ok').includes("price lists: 'us' is 'US' in USD, prices without tax"));
  assert.ok(shown(all, 'ok').includes(`price lists: no prices go to 'Asia' in JPY (${asia.id})`));
  for (let n = 0; n < 100; n++) shop.addPriceList(`Company ${n}`, 'EUR', []);
  const many = await findings(shopify({ ...config, url: simulator.url, priceLists }).check(cx));
  assert.match(
    shown(many, 'ok').find((text) => text.startsWith('price lists: no prices go to')) ?? '',
    /, and others$/,
  );
  assert.deepEqual(shown(all, 'error'), [
    "price lists: markets of 'Both' sell partly with and partly without tax: no price fits all of them",
    `price lists: 'gone' stands for ${LIST}, which the shop does not have`,
  ]);
  const poor = await startShopify({ scopes: ['read_products'] });
  t.after(() => poor.stop());
  const told = await findings(shopify({ ...config, url: poor.url, priceLists }).check(cx));
  assert.ok(shown(told, 'error').includes('scopes: missing: read_markets (prices of the lists in priceLists)'));
});

test('a version that is no longer served is told, and what is sent is held against the one that answers', async (t) => {
  const { simulator, connection, cx } = await lab();
  t.after(() => simulator.stop());
  const later: Context = {
    ...cx,
    fetch: async (url, init) => {
      const answer = await cx.fetch(url, init);
      return new Response(await answer.text(), { headers: { 'x-shopify-api-version': '2026-10' } });
    },
  };
  const all = await findings(connection.check(later));
  assert.deepEqual(shown(all, 'error'), ['version: version 2026-07 is no longer served; Shopify answers by 2026-10']);
  assert.match(shown(all, 'ok').join('\n'), /documents: all .* are valid on 2026-10/);
  const silent = {
    ...cx,
    secret: () => {
      throw new Error('none');
    },
  };
  assert.match(shown(await findings(connection.check(silent)), 'error')[0]!, /reachable: the secret TOKEN is missing/);
});

const notice = (body: unknown, domain = 'example.myshopify.com'): RawRequest => {
  const bytes = Buffer.from(JSON.stringify(body));
  const digest = createHmac('sha256', 'shpss').update(bytes).digest('base64');
  return {
    headers: { 'x-shopify-hmac-sha256': digest, 'x-shopify-shop-domain': domain },
    query: '',
    body: bytes,
    receivedAt: new Date(),
  };
};

test('a notice says that it is time to look; one of another shop is for nobody, one that names nothing is malformed', () => {
  const { orderNotices } = shopify(config).sources;
  const cx = makeContext({ secrets: { CLIENT: 'shpss' } });
  const gid = 'gid://shopify/Order/9007199254740994';
  const request = notice({ id: 1, admin_graphql_api_id: gid });
  assert.equal(orderNotices.verify(request, cx), true);
  assert.deepEqual(orderNotices.read(request, cx), [{ hint: gid }]);
  assert.deepEqual(orderNotices.read(notice({ admin_graphql_api_id: gid }, 'Other.myshopify.com'), cx), []);
  for (const body of [{}, { admin_graphql_api_id: 7 }, { admin_graphql_api_id: 'gid://evil/x' }, null, []])
    assert.throws(() => orderNotices.read(notice(body), cx), /names no record/);
  assert.throws(() => orderNotices.verify(request, makeContext()), /no secret CLIENT/);
});

/** Looks at a source once; what was read, and the cursor after it. */
async function look(source: PollSource<unknown>, cursor: string | null, cx: Context) {
  const subjects: string[] = [];
  let last = cursor;
  for await (const page of source.pull(cursor, cx)) {
    subjects.push(...page.items.map(({ subject }) => subject));
    last = page.cursor;
  }
  return { subjects, cursor: last };
}

test('each source makes all of its subscriptions again when they have gone, and reads by itself what nobody told of meanwhile', async (t) => {
  const start = Date.now() - 600_000;
  let passed = 0;
  const { simulator, shop, connection, cx } = await lab(
    { now: () => new Date(start + passed) },
    { hub: 'https://hub.example.com' },
  );
  t.after(() => simulator.stop());
  const later = { ...cx, clock: { ...cx.clock, monotonic: () => passed } };
  const variantId = [...shop.variants.keys()][0]!;
  const changes = {
    orders: () => shop.touchOrder(order),
    products: () => shop.touchProduct(shop.products.get(shop.variants.get(variantId)!.productId)!),
    customers: () => shop.changeCustomer(buyer, { phone: '+3225550123' }),
  };
  const order = sell(shop);
  const buyer = [...shop.customers.values()][0]!;
  for (const [name, change] of Object.entries(changes)) {
    passed += 10_000;
    const path = name as keyof typeof topics;
    const wanted = topics[path].map((topic) => `${topic} https://hub.example.com/in/web/${path}`).toSorted();
    const made = () => [...shop.subscriptions.values()].map(({ topic, uri }) => `${topic} ${uri}`).toSorted();
    shop.subscriptions.clear();
    const source = connection.sources[path] as PollSource<unknown>;
    const { cursor } = await look(source, null, later);
    assert.deepEqual(made(), wanted);
    shop.subscriptions.clear();
    passed += 30_000;
    assert.deepEqual((await look(source, cursor, later)).subjects, []);
    assert.deepEqual(made(), [], 'looked after too often');
    change();
    passed += 61_000;
    assert.equal((await look(source, cursor, later)).subjects.length, 1, `${path}: the gap was not read`);
    assert.deepEqual(made(), wanted);
  }
});

test('a topic that Shopify refuses keeps none of the others from being subscribed to, and is tried again', async (t) => {
  const { simulator, shop, connection, cx } = await lab({}, { hub: 'https://hub.example.com' });
  t.after(() => simulator.stop());
  let refuses = true;
  const lossy = {
    ...cx,
    fetch: async (url: string, init?: Parameters<Context['fetch']>[1]) => {
      const { variables } = JSON.parse(String(init?.body)) as { variables?: { topic?: string } };
      if (!refuses || variables?.topic !== 'CUSTOMERS_CREATE') return cx.fetch(url, init);
      const userErrors = [{ field: ['topic'], message: 'You do not have permission to create webhooks of this topic' }];
      return new Response(
        JSON.stringify({ data: { webhookSubscriptionCreate: { webhookSubscription: null, userErrors } } }),
      );
    },
  };
  const there = () => [...shop.subscriptions.values()].map(({ topic }) => topic);
  await look(connection.sources.customers as PollSource<unknown>, null, lossy);
  assert.deepEqual(there(), ['CUSTOMERS_UPDATE']);
  assert.deepEqual(
    cx.lines.filter(({ topic }) => topic === 'CUSTOMERS_CREATE').map(({ level, kind }) => [level, kind]),
    [['warn', 'rejected']],
  );
  refuses = false;
  await look(connection.sources.customers as PollSource<unknown>, null, lossy);
  assert.deepEqual(there(), ['CUSTOMERS_UPDATE', 'CUSTOMERS_CREATE']);
});

/** Reads orders from a cursor; what is read, and the cursor after it. */
async function read(
  connection: ReturnType<typeof shopify>,
  cursor: string | null,
  cx: Context,
): Promise<{ items: Incoming[]; cursor: string | null }> {
  const items: Incoming[] = [];
  let last = cursor;
  for await (const page of connection.sources.orders.pull(cursor, cx)) {
    items.push(...page.items);
    last = page.cursor;
  }
  return { items, cursor: last };
}

const sell = (shop: Shop) =>
  placeOrder(shop, { lines: [{ variantId: [...shop.variants.keys()][0]!, quantity: 5 }], customer: person(shop, 1) });

test('within the overlap only what is new is read, what search shows late is not missed', async (t) => {
  let now = Date.now() - 600_000;
  const { simulator, shop, connection, cx } = await lab({ now: () => new Date(now) });
  t.after(() => simulator.stop());
  const subjects = async (cursor: string | null) => {
    const { items, cursor: next } = await read(connection, cursor, cx);
    return [next, ...items.map(({ subject }) => subject)];
  };
  const first = sell(shop);
  const [cursor, ...before] = await subjects(null);
  assert.deepEqual(before, [`order:${first.id}`]);
  assert.deepEqual(await subjects(cursor!), [cursor]);
  now += 30_000;
  simulator.faults.indexLag = 60_000;
  const hidden = sell(shop);
  now += 30_000;
  simulator.faults.indexLag = 0;
  const [, ...both] = await subjects(cursor!);
  assert.deepEqual(both, [`order:${hidden.id}`]);
});

test('an order that changes again within the second in which it was read is read again', async (t) => {
  const { simulator, shop, connection, cx } = await lab();
  t.after(() => simulator.stop());
  const order = sell(shop);
  const { items, cursor } = await read(connection, null, cx);
  removeUnits(shop, order, order.lines[0]!.id, 1);
  const again = await read(connection, cursor, cx);
  assert.equal(again.items.length, 1);
  assert.notEqual(again.items[0]!.dedupeKey, items[0]!.dedupeKey);
});

test('an order of many lines, refunds and returns is read whole', async (t) => {
  const { simulator, shop, connection, cx } = await lab();
  t.after(() => simulator.stop());
  const variantId = [...shop.variants.keys()][0]!;
  const order = placeOrder(shop, {
    lines: Array.from({ length: 130 }, () => ({ variantId, quantity: 1 })),
    customer: person(shop, 1),
  });
  const wanted = order.lines.map(({ id }) => ({ lineId: id, quantity: 1, restockType: 'NO_RESTOCK' as const }));
  refundOrder(shop, order, wanted.slice(0, 70));
  const { items } = await read(connection, null, cx);
  const native = connection.sources.orders.decode(items[0]!.bytes);
  assert.equal(native.lineItems.nodes.length, 130);
  assert.equal(native.refunds[0]!.refundLineItems.nodes.length, 70);
  assert.throws(() => connection.sources.orders.decode(Buffer.from('{"id":"gid"}')), /order cannot be understood/);
});

test('an order of which many lines leave from one of several places is read with the place of each', async (t) => {
  const { simulator, shop, connection, cx } = await lab();
  t.after(() => simulator.stop());
  const variantId = [...shop.variants.keys()][0]!;
  const [home, store] = [...shop.locations.keys()] as [string, string];
  placeOrder(shop, {
    lines: Array.from({ length: 95 }, (_, n) => ({ variantId, quantity: 1, locationId: n < 3 ? home : store })),
    customer: person(shop, 1),
  });
  const { items } = await read(connection, null, cx);
  const { fulfillmentOrders } = connection.sources.orders.decode(items[0]!.bytes);
  const placed = fulfillmentOrders.nodes.map((one) => [one.assignedLocation.location!.id, one.lineItems!.nodes.length]);
  assert.deepEqual(placed, [
    [home, 3],
    [store, 92],
  ]);
});

test('an order of many fulfilment orders, returns and payments is read whole', async (t) => {
  const { simulator, shop, connection, cx } = await lab();
  t.after(() => simulator.stop());
  const variantId = [...shop.variants.keys()][0]!;
  const order = placeOrder(shop, { lines: [{ variantId, quantity: 12 }], customer: person(shop, 1) });
  // Each edit has a fulfilment order and a payment of its own.
  for (let n = 0; n < 60; n++) addLine(shop, order, { variantId, quantity: 1 });
  fulfil(shop, order, []);
  for (let n = 0; n < 12; n++) openReturn(shop, order, order.lines[0]!.id, 1);
  const { items } = await read(connection, null, cx);
  const native = connection.sources.orders.decode(items[0]!.bytes);
  assert.equal(native.fulfillmentOrders.nodes.length, 61);
  assert.equal(native.returns.nodes.length, 12);
  assert.deepEqual(
    native.transactions.map(({ id }) => id),
    order.transactions.map(({ id }) => id),
  );
  assert.equal(native.unread, undefined);
});

test('an edit of more changes than are read is said to be so', async (t) => {
  const { simulator, shop, connection, cx } = await lab();
  t.after(() => simulator.stop());
  const order = sell(shop);
  const variantId = [...shop.variants.keys()][0]!;
  for (let n = 0; n < 61; n++) addLine(shop, order, { variantId, quantity: 1 });
  refundOrder(shop, order, [], { money: 1n });
  const all = order.edits!;
  for (const [most, unread] of [
    [60, undefined],
    [61, ['changes of one edit']],
  ] as const) {
    // As one edit, in place of one for each line.
    order.edits = [{ ...all[0]!, sales: all.slice(0, most).flatMap(({ sales }) => sales) }];
    const { items } = await read(connection, null, cx);
    const native = connection.sources.orders.decode(items[0]!.bytes);
    assert.equal(native.edits![0]!.sales.nodes.length, 60);
    assert.deepEqual(native.unread, unread);
  }
});

test('an order whose refunds are more than are read is said to be so', async (t) => {
  const { simulator, shop, connection, cx } = await lab();
  t.after(() => simulator.stop());
  const order = sell(shop);
  for (let n = 0; n < 51; n++) refundOrder(shop, order, [], { money: 1n });
  const { items } = await read(connection, null, cx);
  const native = connection.sources.orders.decode(items[0]!.bytes);
  assert.deepEqual(native.unread, ['refunds']);
  const look = { connection: 'web', mapping: () => ({ find: () => null, get: () => 'x' }) };
  assert.throws(() => toDocuments(native, look, { zone: 'Europe/Brussels' }), {
    message: /^Order #1001 has more refunds than the hub reads of one order/,
  });
});
