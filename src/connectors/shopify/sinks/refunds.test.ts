import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeContext } from '../../../../tests/odoo/context.ts';
import { assertGiven } from '../../../../tests/shopify/given.ts';
import { tail, told } from '../../../../tests/shopify/returns.ts';
import type { Item } from '../../../core/connector.ts';
import type { Cancellation } from '../../../model/cancellation.ts';
import type { Refund } from '../../../model/refund.ts';
import { startShopify } from '../../../simulators/shopify/index.ts';
import { cancelOrder, fulfil, type NewOrder, placeOrder, refundOrder } from '../../../simulators/shopify/orders.ts';
import type { Order } from '../../../simulators/shopify/records.ts';
import { furnish, person, place } from '../../../simulators/shopify/traffic.ts';
import { type ShopifyConfig, shopify } from '../index.ts';
import { toDocuments } from '../mapping/orders.ts';

const vat = { title: 'VAT', rate: 2100 };

async function lab(t: { after(fn: () => Promise<void>): void }, config: Partial<ShopifyConfig> = {}) {
  const simulator = await startShopify({ bucket: [1e6, 1e6] });
  t.after(() => simulator.stop());
  const { shop } = simulator;
  furnish(shop);
  const { sinks, sources } = shopify({
    shop: shop.domain,
    url: simulator.url,
    token: { secret: 'TOKEN' },
    clientSecrets: [{ secret: 'TOKEN' }],
    ...config,
  });
  const mappings = {
    'shopify-payment-methods': { shopify_payments: 'card', cash: 'cash' },
    'shopify-taxes': { 'BE VAT 21%': 'VAT 21%', 'FR VAT 21%': 'VAT 21%' },
    'shopify-locations': {},
    'shopify-shipping-services': {},
    'shopify-return-reasons': {},
  };
  /** What happens just before the next refund is made. */
  const meanwhile: (() => void)[] = [];
  const cx = makeContext({
    connection: 'web',
    secrets: { TOKEN: simulator.token },
    mappings,
    fetch: (url, { timeout, ...init } = {}) => {
      assertGiven(init.body);
      if (String(init.body).includes('mutation MakeRefund')) meanwhile.shift()?.();
      return fetch(url, init);
    },
  });
  const [one, two] = [...shop.variants.values()];
  const sell = (more: Partial<NewOrder> = {}): Order =>
    placeOrder(shop, {
      lines: [
        { variantId: one!.id, quantity: 3, taxes: [vat] },
        { variantId: two!.id, quantity: 1, taxes: [vat] },
      ],
      customer: person(shop, 1),
      shippingAddress: place(shop, 'A Person'),
      shipping: { title: 'Standard', price: 495n, taxes: [vat] },
      ...more,
    });
  return { simulator, shop, sinks, sources, cx, sell, meanwhile };
}

const refundOf = (
  order: Order,
  lines: Partial<Refund['lines'][number]>[],
  more: Partial<Refund> = {},
): Item<Refund> => ({
  key: 'odoo:RF-1',
  id: null,
  version: 1,
  links: new Map([['order:web:1', order.id]]),
  document: {
    id: 'odoo:RF-1',
    number: 'RINV/1',
    order: 'web:1',
    orderNumber: order.name,
    return: null,
    refundedOn: '2026-11-25',
    method: null,
    currency: 'EUR',
    amount: lines.reduce((sum, { amount }) => sum + (amount ?? 0), 0),
    lines: lines.map((line, index) => ({
      id: String(index),
      orderLine: null,
      description: 'x',
      quantity: '0',
      amount: 0,
      tax: 0,
      taxes: [],
      ...line,
    })),
    ...more,
  },
});

test('a refund goes back of the payments, with its goods and shipping, leaves stock alone, and is not told back by the shop', async (t) => {
  const { shop, sinks, sources, cx, sell } = await lab(t);
  const order = sell();
  const [line] = order.lines;
  const [location] = shop.locations.keys();
  const { inventoryItemId } = shop.variants.get(line!.variantId!)!;
  const before = shop.level(inventoryItemId, location!)!.available;
  const item = refundOf(order, [
    { orderLine: tail(line!.id), quantity: '2', amount: 2 * Number(line!.unitPrice.shop) },
    { orderLine: `shipping-${tail(order.shipping[0]!.id)}`, quantity: '1', amount: 495 },
    { description: 'Goodwill', amount: 5 },
  ]);
  assert.deepEqual((await sinks.refunds.deliver([item], cx)).map(told), ['done']);
  assert.deepEqual((await sinks.refunds.deliver([item], cx)).map(told), ['done'], 'once more');
  const [refund, ...others] = order.refunds;
  assert.equal(others.length, 0);
  assert.equal(refund!.transactions[0]!.amount.shop, BigInt(item.document.amount));
  assert.deepEqual(
    refund!.lines.map(({ quantity }) => quantity),
    [2],
  );
  assert.equal(refund!.shipping[0]!.subtotal.shop, 495n);
  assert.equal(shop.level(inventoryItemId, location!)!.available, before);

  const seen: string[] = [];
  for await (const { items } of sources.orders.pull(null, cx))
    for (const { bytes } of items) {
      const look = { connection: 'web', mapping: cx.mapping };
      seen.push(...toDocuments(sources.orders.decode(bytes), look as never, { zone: 'UTC' }).map(({ kind }) => kind));
    }
  assert.ok(seen.includes('payment') && !seen.includes('refund'), seen.join());
});

test('a refund whose order is cancelled between the look at it and the call goes again, and is not for a person', async (t) => {
  const { shop, sinks, cx, sell, meanwhile } = await lab(t);
  const order = sell();
  const [line] = order.lines;
  const goods = { orderLine: tail(line!.id), quantity: '3', amount: 3 * Number(line!.unitPrice.shop) };
  const item = refundOf(order, [goods]);
  meanwhile.push(() => cancelOrder(shop, order, { paysBack: false }));
  assert.deepEqual((await sinks.refunds.deliver([item], cx)).map(told), [
    `transient: order ${order.name} changed meanwhile; it is looked at again`,
  ]);
  assert.deepEqual((await sinks.refunds.deliver([item], cx)).map(told), ['done']);
  assert.equal(order.refunds.at(-1)!.transactions[0]!.amount.shop, BigInt(item.document.amount));
  const paid = sell();
  meanwhile.push(() => cancelOrder(shop, paid));
  const other = { ...refundOf(paid, [{ ...goods, orderLine: tail(paid.lines[0]!.id) }]), key: 'odoo:RF-2' };
  assert.match(told((await sinks.refunds.deliver([other], cx))[0]), /^transient: .* changed meanwhile/);
  assert.match(told((await sinks.refunds.deliver([other], cx))[0]), /^rejected: The shop has paid back/);
  assert.equal(paid.transactions.filter(({ kind }) => kind === 'REFUND').length, 1);
});

test('units that were cancelled in the shop are paid back once: by it, or as the books say', async (t) => {
  const { shop, sinks, cx, sell } = await lab(t);
  const shipping = { title: 'Express', price: 3000n, taxes: [vat] };
  const units = (order: Order, quantity: number) => ({
    lineId: order.lines[0]!.id,
    quantity,
    restockType: 'CANCEL' as const,
  });
  const rest = (order: Order) =>
    order.lines.map(({ id, quantity, gone }) => ({
      lineId: id,
      quantity: quantity - gone,
      restockType: 'CANCEL' as const,
    }));
  const price = (order: Order): number => Number(order.lines[0]!.unitPrice.shop);
  const credit = async (order: Order, quantity: number): Promise<string> => {
    const line = { orderLine: tail(order.lines[0]!.id), quantity: String(quantity), amount: quantity * price(order) };
    return told((await sinks.refunds.deliver([refundOf(order, [line])], cx))[0]);
  };
  const paid = ({ transactions }: Order): number =>
    transactions.filter(({ kind }) => kind === 'REFUND').reduce((sum, { amount }) => sum + Number(amount.shop), 0);

  const whole = sell({ shipping });
  refundOrder(shop, whole, rest(whole));
  cancelOrder(shop, whole, { paysBack: false });
  const before = paid(whole);
  assert.match(
    await credit(whole, 3),
    /^rejected: The shop has paid back [\d.]+ EUR of order #1001 by itself, and refund RINV\/1 would pay for the same goods once more/,
  );
  assert.equal(paid(whole), before);

  const later = sell({ shipping });
  cancelOrder(shop, later, { paysBack: false });
  refundOrder(shop, later, [], { money: BigInt(2 * price(later)) });
  assert.match(await credit(later, 3), /^rejected: The shop has paid back 9\.98 EUR/);
  assert.equal(paid(later), 2 * price(later));

  const credited = sell({ shipping });
  cancelOrder(shop, credited, { storeCredit: true });
  assert.match(await credit(credited, 1), /^rejected: .* once more/);
  const kept = sell({ shipping });
  refundOrder(shop, kept, [units(kept, 1)], { paid: [{ parent: null, amount: kept.transactions[0]!.amount }] });
  assert.match(await credit(kept, 1), /^rejected: Refund RINV\/1 is 4\.99 EUR more than is left/);

  const parted = sell({ shipping });
  refundOrder(shop, parted, [units(parted, 1)]);
  refundOrder(shop, parted, [], { money: 100n });
  cancelOrder(shop, parted, { paysBack: false });
  parted.cancelledAt = new Date(parted.cancelledAt!.getTime() + 2000);
  assert.equal(await credit(parted, 2), 'done');
  assert.equal(paid(parted), 3 * price(parted) + 100);
});

test('a refund that cannot be is said to be, before any money goes', async (t) => {
  const { sinks, cx, sell } = await lab(t);
  const order = sell();
  const total = Number(order.transactions[0]!.amount.shop);
  const cases: [Item<Refund>, RegExp][] = [
    [refundOf(order, [{ amount: total + 1 }]), /^rejected: Refund RINV\/1 is 0.01 EUR more than is left/],
    [
      refundOf(order, [{ amount: 5 }], { method: 'cash' }),
      /^rejected: .* was paid back by cash, with which order #1001 was not paid/,
    ],
    [
      refundOf(order, [{ amount: 5 }], { currency: 'USD' }),
      /^rejected: .* is in USD, the customer of order #1001 paid in EUR/,
    ],
    [
      refundOf(order, [{ orderLine: tail(order.lines[0]!.id), quantity: '4', amount: 5 }]),
      /^rejected: .*cannot refund more items than were purchased/,
    ],
    [{ ...refundOf(order, [{ amount: 5 }]), links: new Map() }, /^rejected: Order #1001 is bound to no order/],
  ];
  for (const [item, words] of cases) assert.match(told((await sinks.refunds.deliver([item], cx))[0]), words);
  assert.equal(order.refunds.length, 0);
  const small = refundOf(order, [{ amount: 5 }], { method: 'card' });
  assert.equal(told((await sinks.refunds.deliver([small], cx))[0]), 'done');
  const other = refundOf(order, [{ amount: 6 }]);
  assert.equal((await sinks.refunds.find!([other], cx))[0]!.found, 'partial');
  assert.match(told((await sinks.refunds.deliver([other], cx))[0]), /^rejected: Shopify has paid back another amount/);
});

test('an order in another currency is refunded in the one the customer paid in', async (t) => {
  const dollars = { presentment: { currency: 'USD', rate: 1_100_000n } };
  const own = await lab(t);
  const refused = own.sell(dollars);
  assert.match(told((await own.sinks.refunds.deliver([refundOf(refused, [{ amount: 5 }])], own.cx))[0]), /paid in USD/);
  const { sinks, cx, sell } = await lab(t, { money: 'presentment' });
  const order = sell(dollars);
  const item = refundOf(order, [{ amount: 550 }], { currency: 'USD' });
  assert.equal(told((await sinks.refunds.deliver([item], cx))[0]), 'done');
  assert.deepEqual(order.refunds[0]!.transactions[0]!.amount, { shop: 500n, presentment: 550n });
});

test('an order is cancelled once, what was paid goes back, stock is left alone; one that has left is not', async (t) => {
  const { shop, simulator, sinks, cx, sell } = await lab(t);
  const [order, shipped] = [sell(), sell()];
  fulfil(shop, shipped, []);
  const cancellation = ({ id, name }: Order): Item<Cancellation> => ({
    key: `cancel-${name}`,
    id: null,
    version: 1,
    links: new Map([['order:web:1', id]]),
    document: {
      id: `cancel-${name}`,
      order: 'web:1',
      orderNumber: name,
      reason: 'stock',
      occurredAt: '2026-11-25T10:00:00Z',
    },
  });
  const levels = (): number[] => [...shop.levels.values()].map(({ available }) => available);
  const before = levels();
  const items = [cancellation(order), cancellation(shipped)];
  assert.deepEqual(
    (await sinks.cancellations.find!(items, cx)).map(({ found }) => found),
    ['absent', 'absent'],
  );
  const [done, refused] = await sinks.cancellations.deliver(items, cx);
  assert.equal(told(done), 'done');
  assert.match(told(refused), /^rejected: Order #1002 has left in part or whole/);
  assert.notEqual(order.cancelledAt, null);
  assert.equal(order.refunds[0]!.transactions[0]!.amount.shop, order.transactions[0]!.amount.shop);
  assert.deepEqual(levels(), before);
  assert.equal(told((await sinks.cancellations.deliver([items[0]!], cx))[0]), 'done');
  assert.equal(simulator.requests.filter(({ operation }) => operation === 'CancelOrder').length, 1);
});

test('money that Shopify names no gateway of is not paid back by it: a person is asked, and the others are paid', async (t) => {
  const { sinks, cx, sell } = await lab(t);
  const [bare, other] = [sell(), sell()];
  bare.transactions[0] = { ...bare.transactions[0]!, gateway: null };
  const items = [bare, other].map((order, n) => ({ ...refundOf(order, [{ amount: 500 }]), key: `odoo:RF-${n}` }));
  const [held, paid] = await sinks.refunds!.deliver(items, cx);
  assert.match(told(held), /^rejected: Order #1001 was paid by gid:.+ names no gateway/);
  assert.equal(told(paid), 'done');
  assert.deepEqual([bare.refunds.length, other.refunds.length], [0, 1]);
});
