import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bodies, draftsOf, lab, orderOf, simple } from '../../../../tests/shopify/lab.ts';
import { seeded } from '../../../core/clock.ts';
import type { Customer } from '../../../model/customer.ts';
import type { Order } from '../../../model/order.ts';
import type { Payment } from '../../../model/payment.ts';
import type { Refund } from '../../../model/refund.ts';
import { orderRules } from '../../../model/rules/order.ts';
import type { Variant } from '../../../simulators/shopify/index.ts';
import * as simulated from '../../../simulators/shopify/orders.ts';
import { currentTotalOf, totalOf } from '../../../simulators/shopify/sums.ts';
import { trade } from '../../../simulators/shopify/traffic.ts';
import type { ShopifyOrder } from '../native.ts';

const sumOf = ({ lines, pricesIncludeTax }: Order): number =>
  lines.reduce((all, { total, tax = 0 }) => all + total + (pricesIncludeTax ? 0 : tax), 0);

function wellFormed(native: ShopifyOrder, order: Order): void {
  const around = { receivedAt: new Date(), documents: draftsOf(native) };
  assert.deepEqual(
    orderRules().flatMap((rule) => rule(order, around) ?? []),
    [],
  );
  assert.equal(new Set(order.lines.map(({ id }) => id)).size, order.lines.length, 'two lines of one id');
}

for (const taxesIncluded of [true, false])
  for (const money of ['shop', 'presentment'] as const)
    test(`whatever is traded, sums agree to the cent: prices ${taxesIncluded ? 'with' : 'without'} tax, ${money} money`, async (t) => {
      const { simulator, shop, read } = await lab({ taxesIncluded }, money);
      t.after(() => simulator.stop());
      await trade(shop, seeded(taxesIncluded ? 5 : 6), 450);
      const orders = await read();
      assert.equal(orders.length, shop.orders.size);
      let reduced = 0;
      let refunded = 0;
      for (const native of orders) {
        const truth = shop.orders.get(native.id)!;
        const order = orderOf(native);
        wellFormed(native, order);
        assert.equal(sumOf(order), order.total, order.number);
        // What was taken off without money is no longer ordered; everything else still is.
        const current = currentTotalOf(truth)[money];
        const whole = totalOf(truth)[money];
        const moneyBack = truth.refunds.filter(
          ({ transactions, returnId }) => transactions.length > 0 || returnId !== null,
        );
        if (moneyBack.length === 0) assert.equal(BigInt(order.total!), current, order.number);
        if (truth.refunds.length === 0) assert.equal(BigInt(order.total!), whole, order.number);
        if (truth.refunds.length > moneyBack.length) reduced += 1;
        for (const refund of bodies<Refund>(native, 'refund')) {
          refunded += 1;
          assert.equal(
            refund.lines.reduce((all, { amount }) => all + amount, 0),
            refund.amount,
            refund.number,
          );
        }
        const paid = truth.transactions
          .filter(({ kind }) => kind === 'SALE')
          .reduce((all, { amount }) => all + amount[money], 0n);
        assert.equal(
          bodies<Payment>(native, 'payment').reduce((all, { amount }) => all + BigInt(amount), 0n),
          paid,
        );
      }
      assert.ok(
        reduced > 4 && refunded > 10,
        `${reduced} reduced and ${refunded} refunded orders are too few to prove anything`,
      );
    });

test('discounts, shipping and taxes each have their line, and what is known of the customer is there', async (t) => {
  const { simulator, shop, read } = await lab({ taxesIncluded: false });
  t.after(() => simulator.stop());
  const variant = [...shop.variants.values()].find(({ sku }) => sku === 'ART-3-S')!;
  simulated.placeOrder(
    shop,
    simple(shop, {
      lines: [{ variantId: variant.id, quantity: 3, discounts: [100n, 50n], taxes: [{ title: 'VAT', rate: 2100 }] }],
      shipping: { title: 'Express', price: 595n, discount: 595n, taxes: [{ title: 'VAT', rate: 2100 }] },
    }),
  );
  const [native] = await read();
  const order = orderOf(native!);
  assert.deepEqual(
    order.lines.map(({ sku, quantity, unitPrice, total, tax, taxes }) => [sku, quantity, unitPrice, total, tax, taxes]),
    [
      ['ART-3-S', '3', '14.50', 4350, 914, ['21']],
      ['DISCOUNT', '1', '-1.50', -150, -32, ['21']],
      ['SHIPPING', '1', '5.95', 595, 0, ['21']],
      ['DISCOUNT', '1', '-5.95', -595, 0, ['21']],
    ],
  );
  assert.deepEqual(
    [order.total, order.state, order.delivery?.method, order.shipTo?.city],
    [5082, 'open', 'ship', 'Gent'],
  );
  const [customer] = bodies<Customer>(native!, 'customer');
  assert.deepEqual([customer!.name, customer!.email, customer!.country], ['Customer 1', 'customer1@example.com', 'BE']);
});

test('edits and cancellations are later versions with the same lines; refunds of what was shipped leave the order as it was', async (t) => {
  const { simulator, shop, read } = await lab();
  t.after(() => simulator.stop());
  const order = simulated.placeOrder(shop, simple(shop));
  const now = async () => orderOf((await read())[0]!);
  const first = await now();
  const [line] = first.lines;
  simulated.removeUnits(shop, order, order.lines[0]!.id, 1);
  const second = await now();
  assert.deepEqual(
    [second.lines[0]!.id, second.lines[0]!.quantity, second.total],
    [line!.id, '2', (first.total! * 2) / 3],
  );
  simulated.addLine(shop, order, { variantId: [...shop.variants.keys()][4]!, quantity: 1 });
  const third = await now();
  assert.deepEqual(third.lines.map(({ id }) => id).slice(0, 1), [line!.id]);
  assert.equal(third.lines.length, 2);
  simulated.refundOrder(shop, order, [{ lineId: order.lines[0]!.id, quantity: 1, restockType: 'NO_RESTOCK' }]);
  assert.deepEqual((await now()).lines, third.lines);
  simulated.refundOrder(shop, order, [{ lineId: order.lines[1]!.id, quantity: 1, restockType: 'CANCEL' }]);
  const [native] = await read();
  const fourth = orderOf(native!);
  assert.deepEqual(
    [fourth.lines.map(({ quantity }) => quantity), fourth.total],
    [['2', '0'], second.total],
    'what was not shipped yet is no longer ordered',
  );
  const [, cancelled] = bodies<Refund>(native!, 'refund');
  assert.deepEqual([cancelled!.lines[0]!.left, cancelled!.amount], ['0', third.total! - second.total!]);
  const beyond = first.total! + third.total! - second.total! - fourth.total!;
  assert.deepEqual(
    bodies<Payment>(native!, 'payment').map((one) => one.beyond),
    [beyond, beyond],
  );
  simulated.cancelOrder(shop, order);
  assert.deepEqual(
    [(await now()).state, (await now()).lines.map(({ id }) => id)],
    ['cancelled', third.lines.map(({ id }) => id)],
  );
});

test('an order that leaves from several places says of each line from where and how; a line that does itself is held', async (t) => {
  const { simulator, shop, read } = await lab();
  t.after(() => simulator.stop());
  const [central, store] = [...shop.locations.keys()] as [string, string];
  const [one, two] = [...shop.variants.keys()] as [string, string];
  const order = simulated.placeOrder(
    shop,
    simple(shop, {
      locationId: central,
      promisedAt: new Date('2026-12-01T12:00:00Z'),
      lines: [
        { variantId: one, quantity: 1 },
        { variantId: two, quantity: 2, locationId: store, collect: true },
      ],
    }),
  );
  const now = async () => orderOf((await read())[0]!);
  const codes = [central, store].map((gid) => `LOC${gid.slice(-1)}`);
  const { lines, delivery } = await now();
  assert.deepEqual(
    [lines.map(({ location, method }) => [location, method]), delivery?.method, delivery?.promisedAt],
    [
      [
        [codes[0], 'ship'],
        [codes[1], 'collect'],
      ],
      'ship',
      '2026-12-01T12:00:00.000Z',
    ],
  );
  const [first] = order.fulfillmentOrders;
  order.fulfillmentOrders.push({ ...first!, id: shop.id('FulfillmentOrder'), locationId: store });
  shop.touchOrder(order);
  await assert.rejects(now(), /units of '.+' leave from 2 places\. Let one place fulfil the whole line/);
});

test('a sale over the counter is delivered nowhere, from its store, to the walk-in customer', async (t) => {
  const { simulator, shop, read } = await lab();
  t.after(() => simulator.stop());
  const store = [...shop.locations.keys()][1]!;
  simulated.placeOrder(shop, {
    lines: [{ title: 'Tip', price: 200n, sku: null, quantity: 1 }],
    retailLocationId: store,
    gateway: 'cash',
  });
  const [native] = await read();
  const order = orderOf(native!);
  assert.deepEqual(
    [
      order.delivery,
      order.shipTo,
      order.customer,
      order.lines[0]!.sku,
      order.lines[0]!.location,
      order.lines[0]!.taxes,
    ],
    [undefined, undefined, 'web:walk-in', 'CUSTOM', `LOC${store.slice(-1)}`, []],
  );
  assert.equal(bodies<Payment>(native!, 'payment')[0]!.method, 'm:cash');
});

test('what cannot be booked is rejected in words that say why', async (t) => {
  const { simulator, shop, read } = await lab();
  t.after(() => simulator.stop());
  simulated.placeOrder(
    shop,
    simple(shop, { lines: [{ variantId: [...shop.variants.keys()][0]!, sku: null, quantity: 1 }] }),
  );
  simulated.placeOrder(
    shop,
    simple(shop, { lines: [{ title: 'A', quantity: 1, price: 100n, taxes: [{ title: 'VAT', rate: 1200 }] }] }),
  );
  const natives = await read();
  assert.throws(() => orderOf(natives[0]!), /#1001: 'Lantern - S' has no SKU in Shopify/);
  assert.throws(() => orderOf(natives[1]!), /shopify-taxes has no row for BE VAT 12%/);
  assert.throws(() => orderOf({ ...natives[0]!, test: true }), /test order/);
  const good = {
    ...natives[1]!,
    lineItems: { nodes: natives[1]!.lineItems.nodes.map((line) => ({ ...line, taxLines: [] })) },
  };
  const bag = { money: { amount: '1.01', currencyCode: 'EUR' } };
  assert.equal(orderOf(good).total, 100);
  // A cent that no line explains gets none of its own: the order's rules refuse it.
  assert.deepEqual(orderOf({ ...good, totalPriceSet: bag }), { ...orderOf(good), total: 101 });
  assert.throws(
    () => orderOf({ ...good, totalPriceSet: { money: { amount: '1.005', currencyCode: 'EUR' } } }),
    /more decimals/,
  );
});

test('of several places, a line that Shopify gives none is held; of one that is gone or needs no shipping nothing is asked', async (t) => {
  const { simulator, shop, read } = await lab();
  t.after(() => simulator.stop());
  const [home, store] = [...shop.locations.keys()] as [string, string];
  const [one, other] = [...shop.variants.values()] as [Variant, Variant];
  const lines = [
    { variantId: one.id, quantity: 1, locationId: home },
    { variantId: other.id, quantity: 2, locationId: store },
  ];
  const order = simulated.placeOrder(shop, simple(shop, { lines }));
  const read2 = async () => orderOf((await read())[0]!).lines.map(({ location }) => location);
  const places = await read2();
  assert.ok(places[0] !== places[1] && places.every((place) => place !== undefined));
  const part = order.fulfillmentOrders[1]!;
  const kept = part.lines.splice(0);
  shop.touchOrder(order);
  await assert.rejects(read2, /Order #1001: Shopify does not say where .* leaves from, and several places/);
  simulated.removeUnits(shop, order, order.lines[1]!.id, 2);
  assert.deepEqual(await read2(), [places[0], undefined]);
  assert.equal(kept.length, 1);
});

test('a bundle is its components, each with its own price and the name of the bundle', async (t) => {
  const { simulator, shop, read } = await lab();
  t.after(() => simulator.stop());
  const [one, other] = [...shop.variants.values()] as [Variant, Variant];
  const group = { id: shop.id('LineItemGroup'), title: 'Breakfast for two', quantity: 1 };
  const taxes = [{ title: 'VAT', rate: 2100 }];
  const lines = [
    { variantId: one.id, quantity: 2, group, taxes, discounts: [125n] },
    { variantId: other.id, quantity: 1, group, taxes },
    { variantId: other.id, quantity: 1, taxes },
  ];
  const placed = simulated.placeOrder(shop, simple(shop, { lines }));
  const [native] = (await read()) as [ShopifyOrder];
  const order = orderOf(native);
  wellFormed(native, order);
  const inBundle = order.lines.map(({ sku, description }) => [sku, / \(Breakfast for two\)$/.test(description)]);
  assert.deepEqual(inBundle, [
    [one.sku, true],
    ['DISCOUNT', true],
    [other.sku, true],
    [other.sku, false],
  ]);
  assert.equal(BigInt(order.total!), totalOf(placed).shop);
  assert.equal(sumOf(order), order.total);
});
