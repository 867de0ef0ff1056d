import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeContext } from '../../../../tests/odoo/context.ts';
import { assertGiven } from '../../../../tests/shopify/given.ts';
import { milliseconds } from '../../../core/clock.ts';
import type { Context, Item, Result } from '../../../core/connector.ts';
import type { Price } from '../../../model/price.ts';
import { type ShopifyOptions, startShopify, type Variant } from '../../../simulators/shopify/index.ts';
import { furnish } from '../../../simulators/shopify/traffic.ts';
import { shopify } from '../index.ts';

type Send = () => Promise<Response>;

/** A shop in euros with tax within the price, that sells in dollars without and in pounds with it. */
async function lab(options: ShopifyOptions = {}) {
  const simulator = await startShopify({ bucket: [1e6, 1e6], ...options });
  const { shop } = simulator;
  furnish(shop);
  const us = shop.addPriceList('US', 'USD', [{ name: 'United States', taxes: 'ADD_TAXES_AT_CHECKOUT' }]);
  const uk = shop.addPriceList('UK', 'GBP', [
    { name: 'United Kingdom', taxes: 'INCLUDES_TAXES_IN_PRICE_BASED_ON_COUNTRY' },
  ]);
  const { prices } = shopify({
    shop: shop.domain,
    url: simulator.url,
    token: { secret: 'TOKEN' },
    clientSecrets: [{ secret: 'TOKEN' }],
    priceLists: { 'web-usd': us.id, 'web-gbp': uk.id },
  }).sinks;
  const network = { sent: [] as string[], between: (_: string, send: Send) => send() };
  const cx: Context = makeContext({
    secrets: { TOKEN: simulator.token },
    fetch: (url, { timeout, ...init } = {}) => {
      assertGiven(init.body);
      const { operationName } = JSON.parse(String(init.body)) as { operationName: string };
      network.sent.push(operationName);
      return network.between(operationName, () => fetch(url, init));
    },
  });
  const [one, two, three] = shop.variants.values() as unknown as [Variant, Variant, Variant];
  return { simulator, shop, us, uk, prices, cx, network, one, two, three };
}

const taxes = {
  web: { currency: 'EUR', includesTax: true },
  'web-be': { currency: 'EUR', includesTax: true },
  'web-usd': { currency: 'USD', includesTax: false },
  'web-gbp': { currency: 'GBP', includesTax: true },
};

const price = ({ id, sku }: Variant, list: keyof typeof taxes, amount: number, more: Partial<Price> = {}) =>
  ({
    key: `${list}/${sku}`,
    id: null,
    version: 1,
    links: new Map([[`product:${sku}`, id]]),
    document: { id: `${list}/${sku}`, sku: sku!, list, amount, compareAt: null, ...taxes[list], ...more },
  }) satisfies Item<Price>;

const told = (result: Result | undefined): string =>
  result?.outcome === 'failed' ? `${result.fault.kind}: ${result.fault.message}` : String(result?.outcome);

test("prices go where their list belongs: the shop's own product by product, those of markets list by list", async (t) => {
  const { simulator, prices, cx, network, us, uk, one, two } = await lab();
  t.after(() => simulator.stop());
  const items = [
    price(one, 'web', 1999),
    price(one, 'web-usd', 2150, { compareAt: 2500 }),
    price(two, 'web-usd', 900),
    price(one, 'web-gbp', 1800),
  ];
  assert.deepEqual((await prices.deliver(items, cx)).map(told), ['done', 'done', 'done', 'done']);
  assert.equal(one.price, 1999n);
  assert.deepEqual(us.prices, {
    [one.id]: { price: 2150n, compareAtPrice: 2500n },
    [two.id]: { price: 900n, compareAtPrice: null },
  });
  assert.deepEqual(uk.prices, { [one.id]: { price: 1800n, compareAtPrice: null } });
  assert.deepEqual(network.sent, ['ProductsOf', 'PriceLists', 'SetPrices', 'SetListPrices', 'SetListPrices']);
  await prices.deliver([price(one, 'web-usd', 2100)], cx);
  assert.deepEqual(us.prices[one.id], { price: 2100n, compareAtPrice: null }, 'a reduction that is over goes');
  network.sent.length = 0;
  await prices.deliver([price(one, 'web', 1)], cx);
  assert.deepEqual(network.sent, ['ProductsOf', 'SetPrices'], 'who has no market asks for none');
});

test('a price that is none any more is taken off its market, once, whatever else is sent with it; the shop keeps its own', async (t) => {
  const { simulator, shop, prices, cx, network, us, uk, one, two, three } = await lab();
  t.after(() => simulator.stop());
  const gone = { withdrawn: true } as const;
  await prices.deliver([price(one, 'web-usd', 2150), price(two, 'web-usd', 900), price(one, 'web-gbp', 1800)], cx);
  await prices.deliver([price(one, 'web', 1999)], cx);
  network.sent.length = 0;
  const items = [
    price(one, 'web-usd', 2150, gone),
    price(three, 'web-usd', 500, gone),
    price(one, 'web', 1, gone),
    price(two, 'web-usd', 950),
    price(one, 'web-gbp', 1800, gone),
  ];
  assert.deepEqual((await prices.deliver(items, cx)).map(told), ['done', 'done', 'done', 'done', 'done']);
  assert.deepEqual([us.prices, uk.prices, one.price], [{ [two.id]: { price: 950n, compareAtPrice: null } }, {}, 1999n]);
  assert.deepEqual(
    network.sent.filter((name) => name === 'DeleteListPrices').length,
    3,
    'one complaint, one without it, one of the other list',
  );
  assert.deepEqual((await prices.deliver(items, cx)).map(told), ['done', 'done', 'done', 'done', 'done'], 'once more');
  await prices.deliver([price(one, 'web-usd', 2000)], cx);
  assert.deepEqual(us.prices[one.id], { price: 2000n, compareAtPrice: null }, 'it may come back');
  shop.deletePriceList(us.id);
  assert.deepEqual(
    (await prices.deliver([price(one, 'web-usd', 2000, gone)], cx)).map(told),
    ['done'],
    'with its list',
  );
});

test('a price whose taking away lost its answer is taken away once', async (t) => {
  const { simulator, prices, cx, network, us, one, two } = await lab();
  t.after(() => simulator.stop());
  await prices.deliver([price(one, 'web-usd', 2150), price(two, 'web-usd', 900)], cx);
  const item = price(one, 'web-usd', 2150, { withdrawn: true });
  network.between = async (name, send) => {
    await send();
    if (name === 'DeleteListPrices') throw new TypeError('the line broke');
    return send();
  };
  assert.match(told((await prices.deliver([item], cx))[0]), /^unknown/);
  network.between = (_, send) => send();
  assert.equal(told((await prices.deliver([item], cx))[0]), 'done');
  assert.deepEqual(Object.keys(us.prices), [two.id]);
  network.between = async () => new Response(JSON.stringify({ data: { priceListFixedPricesDelete: null } }));
  assert.match(
    told((await prices.deliver([item], cx))[0]),
    /^unknown: Shopify did not say that the price was taken away$/,
  );
});

test('a price that was taken away before is done, also where the call without it is lost', async (t) => {
  const { simulator, prices, cx, network, us, one, two } = await lab();
  t.after(() => simulator.stop());
  await prices.deliver([price(two, 'web-usd', 900)], cx);
  const items = [one, two].map((variant) => price(variant, 'web-usd', 900, { withdrawn: true }));
  let calls = 0;
  network.between = (name, send) => {
    if (name === 'DeleteListPrices' && ++calls === 2) throw new TypeError('the line broke');
    return send();
  };
  const [first, second] = (await prices.deliver(items, cx)).map(told);
  assert.equal(first, 'done');
  assert.match(second!, /^(unknown|transient)/);
  assert.deepEqual((await prices.deliver(items, cx)).map(told), ['done', 'done']);
  assert.deepEqual(us.prices, {});
});

test('a price that does not fit its list is rejected in words before anything of it is sent, and stops nobody', async (t) => {
  const { simulator, shop, prices, cx, us, uk, one, two, three } = await lab();
  t.after(() => simulator.stop());
  shop.deletePriceList(uk.id);
  const items = [
    price(one, 'web-usd', 100, { currency: 'EUR' }),
    price(two, 'web-usd', 100, { includesTax: true }),
    price({ ...three, id: 'gid://shopify/ProductVariant/7' }, 'web-usd', 100),
    price(one, 'web-gbp', 100),
    price(three, 'web-usd', 100),
    price(two, 'web', 100),
  ];
  assert.deepEqual((await prices.deliver(items, cx)).map(told), [
    `rejected: Price web-usd/${one.sku} is in EUR, price list 'US' of the shop in USD.`,
    `rejected: Price web-usd/${two.sku} includes tax, market 'United States' of price list 'US' sells at prices without it.`,
    `rejected: Product ${three.sku} is no longer in the shop.`,
    `rejected: Price web-gbp/${one.sku}: the price list that 'web-gbp' stands for is not in the shop (any more). Correct the connection's priceLists.`,
    'done',
    'done',
  ]);
  assert.deepEqual(Object.keys(us.prices), [three.id]);
});

test('a price must fit every market of its list, however many there are', async (t) => {
  const { simulator, shop, us, prices, cx, one } = await lab();
  t.after(() => simulator.stop());
  const [usual] = us.markets;
  const markets = Array.from({ length: 20 }, (_, n) => ({ ...usual!, id: `gid://shopify/Market/9${n}` }));
  const last = {
    ...usual!,
    id: 'gid://shopify/Market/99999',
    name: 'Canada',
    taxes: 'INCLUDES_TAXES_IN_PRICE' as const,
  };
  shop.priceLists.set(us.id, { ...us, markets: [...markets, last] });
  const [result] = await prices.deliver([price(one, 'web-usd', 1999)], cx);
  assert.equal(
    told(result),
    `rejected: Price web-usd/${one.sku} does not include tax, market 'Canada' of price list 'US' sells at prices with it.`,
  );
});

test("two lists that are both the shop's own are told, instead of the last one winning", async (t) => {
  const { simulator, prices, cx, network, one, two } = await lab();
  t.after(() => simulator.stop());
  const was = one.price;
  const items = [price(one, 'web', 100), price(one, 'web-be', 200), price(two, 'web', 300), price(one, 'web-usd', 1)];
  const results = (await prices.deliver(items, cx)).map(told);
  assert.equal(
    results[0],
    `rejected: Prices web/${one.sku} and web-be/${one.sku} would both be the shop's own: name the list of a market in the connection's priceLists.`,
  );
  assert.match(results[1]!, /^rejected: Prices web-be/);
  assert.deepEqual([results.slice(2), one.price, two.price], [['done', 'done'], was, 300n]);
  assert.deepEqual(network.sent, ['ProductsOf', 'PriceLists', 'SetPrices', 'SetListPrices']);
});

test('what Shopify refuses is taken out of its list, also where it changes while it is sent', async (t) => {
  const { simulator, shop, prices, cx, network, us, uk, one, two } = await lab();
  t.after(() => simulator.stop());
  network.between = (operation, send) => {
    if (operation === 'SetListPrices') shop.variants.delete(two.id);
    return send();
  };
  const results = await prices.deliver([price(one, 'web-usd', 100), price(two, 'web-usd', 200)], cx);
  assert.deepEqual(results.map(told), [
    'done',
    'rejected: Shopify answered SetListPrices: Product variant does not exist.',
  ]);
  assert.deepEqual(
    results.map((one) => (one.outcome === 'failed' && one.fault.kind === 'rejected' ? one.fault.field : null)),
    [null, 'sku'],
  );
  assert.deepEqual(Object.keys(us.prices), [one.id]);
  network.sent.length = 0;
  network.between = (operation, send) => {
    if (operation === 'SetListPrices') shop.deletePriceList(uk.id);
    return send();
  };
  const hat = shop.addProduct('Hat', [{ sku: 'HAT' }]).variants[0]!;
  const items = [price(one, 'web-gbp', 100), price(hat, 'web-gbp', 100), price(one, 'web', 200)];
  const words = 'rejected: Shopify answered SetListPrices: Price list does not exist.';
  assert.deepEqual((await prices.deliver(items, cx)).map(told), [words, words, 'done']);
  assert.deepEqual(network.sent, ['ProductsOf', 'PriceLists', 'SetPrices', 'SetListPrices'], 'once, for all of them');
});

test('where Shopify does not say which price it is about, each goes by itself, as long as there is time', async (t) => {
  const { simulator, prices, cx, network, us, one, two, three } = await lab();
  t.after(() => simulator.stop());
  let now = 0;
  network.between = async (operation, send) => {
    if (operation !== 'SetListPrices') return send();
    now += milliseconds(prices.deadline) / 5;
    if (network.sent.filter((name) => name === operation).length > 1) return send();
    const userErrors = [{ code: null, field: ['prices'], message: 'Something is wrong' }];
    return new Response(JSON.stringify({ data: { priceListFixedPricesAdd: { prices: null, userErrors } } }));
  };
  const hurried: Context = { ...cx, clock: { ...cx.clock, monotonic: () => now } };
  const items = [price(one, 'web-usd', 1), price(two, 'web-usd', 2), price(three, 'web-usd', 3)];
  assert.deepEqual((await prices.deliver(items, hurried)).map(told), ['done', 'done', 'untouched']);
  assert.deepEqual(Object.keys(us.prices), [one.id, two.id]);
});

test('an answer that is lost is unknown, and the repeat leaves what was wanted', async (t) => {
  const { simulator, prices, cx, network, us, one } = await lab();
  t.after(() => simulator.stop());
  network.between = async (operation, send) => {
    const answer = await send();
    if (operation !== 'SetListPrices') return answer;
    throw new TypeError('fetch failed', { cause: Object.assign(new Error('x'), { code: 'ECONNRESET' }) });
  };
  const items = [price(one, 'web-usd', 2150), price(one, 'web', 1999)];
  const [lost, own] = (await prices.deliver(items, cx)).map(told);
  assert.match(lost!, /^unknown: no answer to SetListPrices/);
  assert.equal(own, 'done');
  network.between = (_, send) => send();
  assert.deepEqual((await prices.deliver(items.slice(0, 1), cx)).map(told), ['done']);
  assert.equal(us.prices[one.id]!.price, 2150n);
});

test("a token that may not see markets stops their prices and not the shop's own", async (t) => {
  const { simulator, prices, cx, one } = await lab({ scopes: ['read_products', 'write_products'] });
  t.after(() => simulator.stop());
  const [market, own] = await prices.deliver([price(one, 'web-usd', 1), price(one, 'web', 1999)], cx);
  assert.match(told(market), /^refused: .*read_markets.*an access scope is missing/);
  assert.deepEqual([told(own), one.price], ['done', 1999n]);
});
