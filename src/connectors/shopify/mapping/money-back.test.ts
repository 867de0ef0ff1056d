import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bodies, lab, simple } from '../../../../tests/shopify/lab.ts';
import { seeded } from '../../../core/clock.ts';
import type { Payment } from '../../../model/payment.ts';
import type { Refund } from '../../../model/refund.ts';
import type { Return } from '../../../model/return.ts';
import * as simulated from '../../../simulators/shopify/orders.ts';
import { balanceOf, totalOf } from '../../../simulators/shopify/sums.ts';
import { refundNote } from '../marks.ts';
import type { ShopifyOrder } from '../native.ts';

test('refunds of one line of which units were taken off say what each has left of it, whatever comes later, and go one after the other', async (t) => {
  const { simulator, shop, read } = await lab();
  t.after(() => simulator.stop());
  const order = simulated.placeOrder(shop, simple(shop));
  const [line] = order.lines;
  const back = async () =>
    bodies<Refund>((await read())[0]!, 'refund').map(({ id, after = [], lines }) => ({
      id,
      after,
      left: lines[0]!.left ?? null,
    }));
  const gift = () => simulated.refundOrder(shop, order, [{ lineId: line!.id, quantity: 1, restockType: 'NO_RESTOCK' }]);
  gift();
  assert.deepEqual(
    (await back()).map(({ after, left }) => [after, left]),
    [[[], null]],
    'nothing was taken off',
  );
  simulated.removeUnits(shop, order, line!.id, 1);
  simulated.refundOrder(shop, order, [], { money: totalOf(order).shop / 3n });
  const [first, second] = await back();
  assert.deepEqual([second!.after, second!.left], [[first!.id], '1']);
  simulated.cancelOrder(shop, order);
  const third = (await back()).at(-1)!;
  assert.deepEqual((await back()).slice(0, 2), [first, second], 'what was told stays as it was');
  assert.deepEqual([third.after, third.left], [[second!.id], '0']);
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
