import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeContext } from '../../../tests/odoo/context.ts';
import { seeded } from '../../core/clock.ts';
import type { Incoming } from '../../core/connector.ts';
import { decimal, multiply, roundTo } from '../../core/decimal.ts';
import { FaultError } from '../../core/fault.ts';
import type { Customer } from '../../model/customer.ts';
import type { Order } from '../../model/order.ts';
import type { Payment } from '../../model/payment.ts';
import type { Refund } from '../../model/refund.ts';
import type { Return } from '../../model/return.ts';
import { type NewOrder, type Shop, type ShopifyOptions, startShopify } from '../../simulators/shopify/index.ts';
import * as simulated from '../../simulators/shopify/orders.ts';
import { balanceOf, currentTotalOf, totalOf } from '../../simulators/shopify/sums.ts';
import { furnish, person, place, trade } from '../../simulators/shopify/traffic.ts';
import { shopify } from './index.ts';
import { toDocuments } from './mapping.ts';
import { refundNote } from './marks.ts';
import type { ShopifyOrder } from './native.ts';

const table = (name: string) => {
  const find = (code: string): string | null => {
    if (name === 'shopify-taxes') return /VAT (21|6)%$/.exec(code)?.[1] ?? null;
    if (name === 'shopify-locations') return code.startsWith('gid://shopify/Location/') ? `LOC${code.slice(-1)}` : null;
    return name === 'shopify-payment-methods' ? `m:${code}` : null;
  };
  const get = (code: string): string => {
    const value = find(code);
    if (value === null) throw new FaultError({ kind: 'rejected', message: `${name} has no row for ${code}` });
    return value;
  };
  return { find, get };
};
const look = { connection: 'web', mapping: table };

/** A furnished shop, and a reader of all its orders as the connector reads them. */
async function lab(options: ShopifyOptions = {}, money: 'shop' | 'presentment' = 'shop') {
  const simulator = await startShopify({ bucket: [1e6, 1e6], ...options });
  furnish(simulator.shop);
  const connection = shopify({
    shop: simulator.shop.domain,
    url: simulator.url,
    token: { secret: 'TOKEN' },
    clientSecrets: [{ secret: 'SECRET' }],
    money,
  });
  const cx = makeContext({ connection: 'web', secrets: { TOKEN: simulator.token, SECRET: 's' } });
  const read = async (): Promise<ShopifyOrder[]> => {
    const items: Incoming[] = [];
    for await (const page of connection.sources.orders.pull(null, cx)) items.push(...page.items);
    return items.map(({ bytes }) => connection.sources.orders.decode(bytes));
  };
  return { simulator, shop: simulator.shop, read };
}

/** Drafts of one kind that an order means. */
const bodies = <T>(order: ShopifyOrder, kind: string): T[] =>
  toDocuments(order, look, { zone: 'Europe/Brussels' })
    .filter((draft) => draft.kind === kind)
    .map(({ body }) => body as T);
const orderOf = (order: ShopifyOrder): Order => bodies<Order>(order, 'order')[0]!;

const sumOf = ({ lines, pricesIncludeTax }: Order): number =>
  lines.reduce((all, { total, tax = 0 }) => all + total + (pricesIncludeTax ? 0 : tax), 0);

function wellFormed(order: Order): void {
  for (const { id, quantity, unitPrice, total } of order.lines)
    assert.equal(roundTo(multiply(decimal(quantity), decimal(unitPrice)), 2), BigInt(total), `${order.number} ${id}`);
  assert.equal(new Set(order.lines.map(({ id }) => id)).size, order.lines.length, 'two lines of one id');
}

const simple = (shop: Shop, more: Partial<NewOrder> = {}): NewOrder => {
  const customer = person(shop, 1);
  const variantId = [...shop.variants.keys()][0]!;
  return {
    lines: [{ variantId, quantity: 3, taxes: [{ title: 'VAT', rate: 2100 }] }],
    customer,
    shippingAddress: place(shop, 'Ann'),
    ...more,
  };
};

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
        wellFormed(order);
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

test('money without goods after an edit is for the units that it took off, for less where some of it paid for what was added; what goes back later names none again', async (t) => {
  const { simulator, shop, read } = await lab();
  t.after(() => simulator.stop());
  const order = simulated.placeOrder(shop, simple(shop));
  const [line] = order.lines;
  const id = line!.id.split('/').at(-1)!;
  const whole = Number(totalOf(order).shop);
  const back = async () =>
    bodies<Refund>((await read())[0]!, 'refund').map(({ amount, lines }) => [
      amount,
      ...lines.map((one) => [one.orderLine, one.quantity, one.left ?? null, one.amount, one.tax]),
    ]);
  simulated.refundOrder(shop, order, [], { money: 50n });
  const before = [50, [null, '0', null, 50, 0]];
  assert.deepEqual(await back(), [before], 'nothing is owed yet');
  simulated.removeUnits(shop, order, line!.id, 1);
  simulated.removeUnits(shop, order, line!.id, 1);
  const worth = (whole * 2) / 3;
  simulated.refundOrder(shop, order, [], { money: BigInt(worth - 300) });
  const taxed = Math.round(
    ((worth - 300) * order.refunds.slice(1, 3).reduce((sum, { lines }) => sum + Number(lines[0]!.tax.shop), 0)) / worth,
  );
  assert.deepEqual(await back(), [before, [worth - 300, [id, '2', '1', worth - 300, taxed]]]);
  simulated.refundOrder(shop, order, [], { money: 20n });
  assert.deepEqual((await back()).at(-1), [20, [id, '0', null, 20, 3]], 'more for the same units');
  simulated.removeUnits(shop, order, line!.id, 1);
  simulated.refundOrder(shop, order, [], { money: BigInt(whole / 3 + 280 + 7) });
  const [, units, rest] = (await back()).at(-1) as [number, unknown[], unknown[]];
  assert.deepEqual(
    [units.slice(0, 4), rest.slice(0, 4)],
    [
      [id, '1', '0', whole / 3 + 280],
      [null, '0', null, 7],
    ],
  );
});

test('nothing is owed for units that nobody had paid, or whose money pays for what was added', async (t) => {
  const { simulator, shop, read } = await lab();
  t.after(() => simulator.stop());
  const later = simulated.placeOrder(shop, simple(shop, { paid: false }));
  const swapped = simulated.placeOrder(shop, simple(shop));
  const [variantId] = shop.variants.keys();
  const taxes = [{ title: 'VAT', rate: 2100 }];
  for (const order of [later, swapped]) simulated.removeUnits(shop, order, order.lines[0]!.id, 1);
  simulated.addLine(shop, swapped, { variantId: variantId!, quantity: 1, taxes }, { paid: false });
  simulated.payRest(shop, later);
  for (const order of [later, swapped]) simulated.refundOrder(shop, order, [], { money: 50n });
  const lines = (native: ShopifyOrder) =>
    bodies<Refund>(native, 'refund').map(({ lines: all }) => all.map((one) => [one.orderLine, one.quantity]));
  const first = await read();
  assert.deepEqual(first.map(lines), [[[[null, '0']]], [[[null, '0']]]]);
  assert.deepEqual(
    first.flatMap((native) => bodies<Payment>(native, 'payment').map(({ beyond }) => beyond)),
    [undefined, undefined],
  );
  // Of two units that were taken off only the second had been paid.
  simulated.removeUnits(shop, later, later.lines[0]!.id, 1);
  const worth = totalOf(later).shop / 3n;
  simulated.refundOrder(shop, later, [], { money: worth });
  const native = (await read()).find(({ id }) => id === later.id);
  const [, refund] = bodies<Refund>(native!, 'refund');
  const [line] = refund!.lines;
  assert.deepEqual([refund!.lines.length, line!.quantity, line!.left, line!.amount], [1, '1', '1', Number(worth)]);
  assert.deepEqual(
    bodies<Payment>(native!, 'payment').map(({ beyond }) => beyond),
    [Number(worth)],
  );
});

test('what was owed for units is told as these, whatever was added since, and also where they were paid after they were gone', async (t) => {
  const { simulator, shop, read } = await lab();
  t.after(() => simulator.stop());
  const [variantId] = shop.variants.keys();
  const hour = (hours: number): Date => new Date(Date.parse('2026-11-20T10:00:00Z') + hours * 3_600_000);
  const order = simulated.placeOrder(shop, simple(shop));
  const [line] = order.lines;
  const worth = totalOf(order).shop / 3n;
  simulated.removeUnits(shop, order, line!.id, 1);
  const back = simulated.refundOrder(shop, order, [], { money: worth });
  for (const one of [order.refunds[0]!, order.transactions[0]!, ...back.transactions])
    Object.assign(one, { processedAt: hour(0) });
  Object.assign(order.edits![0]!, { happenedAt: hour(0) });
  Object.assign(back, { processedAt: hour(1) });
  simulated.addLine(shop, order, { variantId: variantId!, quantity: 2 }, { paid: false });
  Object.assign(order.edits![1]!, { happenedAt: hour(2) });
  const late = simulated.placeOrder(shop, simple(shop, { paid: false }));
  simulated.removeUnits(shop, late, late.lines[0]!.id, 1);
  Object.assign(late.refunds[0]!, { processedAt: hour(0) });
  Object.assign(late.edits![0]!, { happenedAt: hour(0) });
  simulated.payRest(shop, late);
  // The customer paid for what had been ordered first.
  Object.assign(late.transactions[0]!.amount, totalOf(late));
  simulated.refundOrder(shop, late, [], { money: worth });
  const told = await read();
  for (const { id } of [order, late]) {
    const native = told.find((one) => one.id === id)!;
    assert.deepEqual(
      bodies<Refund>(native, 'refund').map(({ lines }) => lines.map((one) => [one.quantity, one.left, one.amount])),
      [[['1', '2', Number(worth)]]],
    );
    // As it was read before edits were: what was added later cannot be told from what was ordered first.
    const { edits, ...before } = native;
    assert.equal(edits!.length, id === order.id ? 2 : 1);
    assert.equal(bodies<Refund>(before, 'refund')[0]!.amount, Number(worth));
  }
});

test('whatever is edited, money back is told for units as far as more was paid than is ordered', async (t) => {
  let minutes = 0;
  const { simulator, shop, read } = await lab({ now: () => new Date(Date.UTC(2026, 10, 20, 10, minutes)) });
  t.after(() => simulator.stop());
  const random = seeded(8);
  const variants = [...shop.variants.keys()];
  const any = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)]!;
  const wanted = new Map<string, { readonly units: number; readonly all: number }[]>();
  for (let n = 0; n < 60; n++) {
    const order = simulated.placeOrder(shop, simple(shop, { paid: random() < 0.6 }));
    const backs: { units: number; all: number }[] = [];
    wanted.set(order.id, backs);
    // Given for nothing: the customer does not pay it again.
    let goodwill = 0;
    for (let step = 0; step < 8; step++) {
      minutes += 1;
      const [owed, chance] = [Number(balanceOf(order).shop) + goodwill, random()];
      const left = order.lines.filter(({ gone, quantity }) => gone < quantity);
      if (chance < 0.3 && left.length > 0) simulated.removeUnits(shop, order, any(left).id, 1);
      else if (chance < 0.5)
        simulated.addLine(
          shop,
          order,
          { variantId: any(variants), quantity: 1 + Math.floor(random() * 2) },
          { paid: false },
        );
      else if (chance < 0.7 && goodwill === 0) simulated.payRest(shop, order);
      else if (order.transactions.length > 0) {
        const all = Math.max(1, Math.floor((random() < 0.5 ? 1 : random() * 2) * Math.max(owed, 0)));
        simulated.refundOrder(shop, order, [], { money: BigInt(all) });
        const units = Math.max(0, Math.min(owed, all));
        backs.push({ units, all });
        goodwill += all - units;
      }
    }
  }
  let seen = 0;
  for (const native of await read()) {
    const told = bodies<Refund>(native, 'refund').map(({ amount, lines }) => ({
      units: lines.filter(({ orderLine }) => orderLine !== null).reduce((sum, one) => sum + one.amount, 0),
      all: amount,
    }));
    assert.deepEqual(told, wanted.get(native.id), native.name);
    seen += told.filter(({ units, all }) => units > 0 && units < all).length;
  }
  assert.ok(seen > 3, `${seen} refunds for units and more are too few to prove anything`);
});

test('what is paid for units after goodwill was given does not make it money for them', async (t) => {
  const { simulator, shop, read } = await lab();
  t.after(() => simulator.stop());
  const order = simulated.placeOrder(shop, simple(shop));
  const [line] = order.lines;
  simulated.addLine(shop, order, { variantId: line!.variantId!, quantity: 2 }, { paid: false });
  simulated.removeUnits(shop, order, line!.id, 1);
  const goodwill = simulated.refundOrder(shop, order, [], { money: 50n });
  const hours = [order.transactions[0]!, order.refunds[0]!, goodwill];
  for (const [hour, one] of hours.entries())
    Object.assign(one, { processedAt: new Date(Date.UTC(2026, 10, 20, hour)) });
  for (const one of order.edits!) Object.assign(one, { happenedAt: new Date(Date.UTC(2026, 10, 20)) });
  simulated.payRest(shop, order);
  Object.assign(order.transactions.at(-1)!.amount, { shop: 2n * line!.unitPrice.shop });
  const [native] = await read();
  const [refund] = bodies<Refund>(native!, 'refund');
  assert.deepEqual(
    refund!.lines.map(({ orderLine, amount }) => [orderLine, amount]),
    [[null, 50]],
  );
});

test('a cent beside refunded goods, and what the books paid back for others, leave what is owed as it was', async (t) => {
  const { simulator, shop, read } = await lab();
  t.after(() => simulator.stop());
  const order = simulated.placeOrder(shop, simple(shop));
  const [line] = order.lines;
  const worth = totalOf(order).shop / 3n;
  simulated.removeUnits(shop, order, line!.id, 1);
  simulated.refundOrder(shop, order, [{ lineId: line!.id, quantity: 1, restockType: 'NO_RESTOCK' }], {
    money: worth + 1n,
  });
  const own = simulated.refundOrder(shop, order, [], { money: 50n });
  Object.assign(own, { note: refundNote('odoo:credit-note-7', 'RINV/1', 50n, 'EUR') });
  simulated.refundOrder(shop, order, [], { money: worth });
  const told = bodies<Refund>((await read())[0]!, 'refund');
  assert.deepEqual(
    told.map(({ lines }) => lines.map(({ description, amount, tax }) => [description, amount, tax > 0])),
    [
      [
        [`${line!.title} - S`, Number(worth), true],
        ['Difference (refund discrepancy)', 1, false],
      ],
      [[`${line!.title} - S`, Number(worth), true]],
    ],
  );
});

test('what a hub paid back for the books settles what was owed, and is not told again', async (t) => {
  const { simulator, shop, read } = await lab();
  t.after(() => simulator.stop());
  const order = simulated.placeOrder(shop, simple(shop));
  simulated.removeUnits(shop, order, order.lines[0]!.id, 1);
  const own = simulated.refundOrder(shop, order, [], { money: totalOf(order).shop / 3n });
  Object.assign(own, { note: refundNote('odoo:credit-note-7', 'RINV/1', totalOf(order).shop / 3n, 'EUR') });
  shop.touchOrder(order);
  simulated.refundOrder(shop, order, [], { money: 20n });
  const told = bodies<Refund>((await read())[0]!, 'refund');
  assert.deepEqual(
    told.map(({ amount, lines }) => [amount, lines.map(({ orderLine }) => orderLine)]),
    [[20, [null]]],
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

test('a return is announced, then received with its refund; what is paid beyond the goods is named', async (t) => {
  const { simulator, shop, read } = await lab();
  t.after(() => simulator.stop());
  const order = simulated.placeOrder(shop, simple(shop));
  simulated.fulfil(shop, order, []);
  const opened = simulated.openReturn(shop, order, order.lines[0]!.id, 2, 'size_too_small');
  const announced = bodies<Return>((await read())[0]!, 'return')[0]!;
  assert.deepEqual(
    [announced.state, announced.lines[0]!.quantity, announced.lines[0]!.restock, announced.lines[0]!.reason],
    ['announced', '2', null, 'size_too_small'],
  );
  simulated.closeReturn(shop, order, opened, false);
  simulated.refundOrder(shop, order, [{ lineId: order.lines[0]!.id, quantity: 1, restockType: 'NO_RESTOCK' }], {
    money: 100n,
  });
  const [native] = await read();
  const [received] = bodies<Return>(native!, 'return');
  assert.deepEqual([received!.state, received!.lines[0]!.restock, received!.id], ['received', false, announced.id]);
  const [withReturn, part] = bodies<Refund>(native!, 'refund');
  assert.equal(withReturn!.return, announced.id);
  assert.deepEqual(part!.lines.map(({ description, amount }) => [description, amount]).slice(1), [
    ['Difference (refund discrepancy)', 100 - 499],
  ]);
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
  assert.throws(
    () => orderOf({ ...good, totalPriceSet: bag }),
    /lines come to 1\.00 EUR, but Shopify says 1\.01 EUR; 0\.01 EUR differ/,
  );
  assert.throws(
    () => orderOf({ ...good, totalPriceSet: { money: { amount: '1.005', currencyCode: 'EUR' } } }),
    /more decimals/,
  );
});
