import assert from 'node:assert/strict';
import { test } from 'node:test';
import { creditOf, heard, lab, returnOf, tail, told } from '../../../../tests/shopify/returns.ts';
import type { Item } from '../../../core/connector.ts';
import type { Refund } from '../../../model/refund.ts';
import { fulfil, openReturn, placeOrder, refundOrder } from '../../../simulators/shopify/orders.ts';
import type { Order } from '../../../simulators/shopify/records.ts';
import { person, place } from '../../../simulators/shopify/traffic.ts';

test('a refund of the books waits for the return of its goods, is money alone then, and is the same refund when the shop tells it', async (t) => {
  const at = await lab(t);
  const { sinks, cx, sell, shop } = at;
  const order = sell();
  fulfil(shop, order, []);
  const unit = Number(order.lines[0]!.unitPrice.shop);
  const refund: Item<Refund> = {
    key: 'odoo:credit-note-9',
    id: null,
    version: 1,
    links: new Map([['order:web:1', order.id]]),
    document: {
      id: 'odoo:credit-note-9',
      number: 'RINV/9',
      order: 'web:1',
      orderNumber: order.name,
      return: 'odoo:return-7',
      creditNote: 'RINV/9',
      refundedOn: '2026-11-25',
      method: null,
      currency: 'EUR',
      amount: unit,
      lines: [
        {
          id: '1',
          orderLine: tail(order.lines[0]!.id),
          description: 'x',
          quantity: '1',
          amount: unit,
          tax: 0,
          taxes: [],
        },
      ],
    },
  };
  assert.match(told((await sinks.refunds.deliver([refund], cx))[0]), /^early: The goods of refund RINV\/9 came back/);
  assert.equal(order.refunds.length, 0);
  assert.equal(told((await sinks.returns.deliver([returnOf(order, [{ quantity: '3' }])], cx))[0]), 'done');
  assert.equal(told((await sinks.refunds.deliver([refund], cx))[0]), 'done');
  const paid = order.refunds.filter(({ transactions }) => transactions.length > 0);
  assert.equal(paid.length, 1);
  assert.equal(paid[0]!.transactions[0]!.amount.shop, BigInt(unit));
  assert.deepEqual(paid[0]!.lines, [], 'the units are off the order by their return');
});

test('what was paid back before its goods came is a return when they come, and is not paid again', async (t) => {
  const { sinks, cx, sell, shop, level } = await lab(t);
  const order = sell();
  fulfil(shop, order, []);
  const before = level();
  const refund = creditOf(order, [{ quantity: '2', mayReturn: true }]);
  assert.equal(told((await sinks.refunds.deliver([refund], cx))[0]), 'done');
  assert.deepEqual(
    order.refunds.map(({ lines }) => lines),
    [[]],
    'the goods stay on the order',
  );
  const goods = returnOf(order, [{ quantity: '2' }]);
  assert.equal(told((await sinks.returns.deliver([goods], cx))[0]), 'done');
  assert.deepEqual(
    order.returns.map(({ status, lines }) => [status, lines[0]!.quantity]),
    [['CLOSED', 2]],
  );
  assert.equal(level(), before + 2);
  const paid = order.transactions.filter(({ kind }) => kind === 'REFUND');
  assert.deepEqual(
    paid.map(({ amount }) => Number(amount.shop)),
    [refund.document.amount],
  );
  assert.deepEqual(await sinks.refunds.find!([refund], cx), [{ found: 'whole', id: order.refunds[0]!.id }]);
});

test('units that were not shipped in the shop, or were refunded there as goods, are refunded as goods; those in a return are money alone', async (t) => {
  const { sinks, cx, sell, shop } = await lab(t);
  const pays = async (order: Order) =>
    told((await sinks.refunds.deliver([creditOf(order, [{ quantity: '2', mayReturn: true }])], cx))[0]);
  const units = ({ refunds }: Order) => refunds.map(({ lines }) => lines.map(({ quantity }) => quantity));
  const unshipped = sell();
  assert.equal(await pays(unshipped), 'done');
  assert.deepEqual(units(unshipped), [[2]]);
  const refunded = sell();
  fulfil(shop, refunded, []);
  refundOrder(shop, refunded, [{ lineId: refunded.lines[0]!.id, quantity: 2, restockType: 'NO_RESTOCK' }], {
    money: 0n,
  });
  assert.match(await pays(refunded), /^rejected: .*cannot refund more items than were purchased/);
  const open = sell();
  fulfil(shop, open, []);
  openReturn(shop, open, open.lines[0]!.id, 2);
  assert.equal(await pays(open), 'done');
  assert.deepEqual(units(open), [[]]);
  const back = sell();
  fulfil(shop, back, []);
  assert.equal(told((await sinks.returns.deliver([returnOf(back, [{ quantity: '2' }])], cx))[0]), 'done');
  assert.equal(await pays(back), 'done');
  assert.deepEqual(units(back), [[2], []], 'the first is what the return took off');
});

test('lines of a refund that are for one line of the order are judged together', async (t) => {
  const { sinks, cx, sell, shop } = await lab(t);
  const twoOf = async (order: Order, more: Partial<Refund> = {}) => {
    const credit = creditOf(order, [
      { mayReturn: more.return === undefined },
      { mayReturn: more.return === undefined },
    ]);
    const document = { ...credit.document, ...more };
    const [result] = await sinks.refunds.deliver([{ ...credit, document }], cx);
    const paid = order.refunds.filter(({ transactions }) => transactions.length > 0);
    return [told(result), paid.map(({ lines }) => lines.map(({ quantity }) => quantity))];
  };
  // Of the two one was not shipped, and would be shipped yet if only its money went back.
  const half = sell(2);
  fulfil(shop, half, [], new Map([[half.fulfillmentOrders[0]!.lines[0]!.id, 1]]));
  assert.deepEqual(await twoOf(half), ['done', [[1, 1]]]);
  // One of the two is off the order by its return: Shopify refunds one as goods, and not both.
  const back = sell(2);
  fulfil(shop, back, []);
  const goods = returnOf(back, [{}]);
  assert.equal(told((await sinks.returns.deliver([goods], cx))[0]), 'done');
  assert.deepEqual(await twoOf(back, { return: goods.key }), ['done', [[]]]);
});

test('goods of a return that the shop has paid back by itself are not paid again', async (t) => {
  const { sinks, cx, sell, shop } = await lab(t);
  const order = sell();
  const unit = order.lines[0]!.unitPrice.shop;
  fulfil(shop, order, []);
  const goods = [returnOf(order, [{}]), { ...returnOf(order, [{}]), key: 'odoo:return-8' }];
  for (const one of goods) assert.equal(told((await sinks.returns.deliver([one], cx))[0]), 'done');
  refundOrder(shop, order, [], { money: unit, returnId: order.returns[0]!.id });
  const credit = async (key: string): Promise<string> => {
    const one = creditOf(order, [{}], `odoo:credit-note-of-${key}`);
    return told((await sinks.refunds.deliver([{ ...one, document: { ...one.document, return: key } }], cx))[0]);
  };
  assert.match(await credit(goods[0]!.key), /^rejected: The shop has paid back 4\.99 EUR of order #1001 by itself/);
  assert.equal(await credit(goods[1]!.key), 'done');
  const paid = order.transactions.filter(({ kind }) => kind === 'REFUND').map(({ amount }) => amount.shop);
  assert.deepEqual(paid, [unit, unit]);
  // Only the money went back: what the customer has may still be returned.
  const last = { ...returnOf(order, [{}]), key: 'odoo:return-9' };
  assert.equal(told((await sinks.returns.deliver([last], cx))[0]), 'done');
});

test('a unit that is off the order is paid once, though another one of its line is not off', async (t) => {
  const { sinks, cx, sell, shop } = await lab(t);
  const credit = async (order: Order, key: string): Promise<string> => {
    const one = creditOf(order, [{}], `odoo:credit-note-of-${key}`);
    return told((await sinks.refunds.deliver([{ ...one, document: { ...one.document, return: key } }], cx))[0]);
  };
  const moneyBack = ({ transactions }: Order) =>
    transactions.filter(({ kind }) => kind === 'REFUND').map(({ amount }) => amount.shop);
  /** Somebody in the shop pays for the units that a return has taken off, and names them. */
  const payFor = (order: Order, returnId: string): void => {
    const { lines } = order.refunds.find((one) => one.returnId === returnId)!;
    Object.assign(refundOrder(shop, order, [], { money: order.lines[0]!.unitPrice.shop, returnId }), { lines });
  };

  const half = sell(2);
  fulfil(shop, half, []);
  const goods = returnOf(half, [{}]);
  assert.equal(told((await sinks.returns.deliver([goods], cx))[0]), 'done');
  payFor(half, half.returns[0]!.id);
  assert.match(await credit(half, goods.key), /^rejected: The shop has paid back 4\.99 EUR/);
  assert.equal(moneyBack(half).length, 1, 'the customer has the other one still');

  // Both are off; the shop paid for one of them, which of them nobody can say once the hub has paid for one.
  const whole = sell(3);
  fulfil(shop, whole, []);
  const both = [goods, { ...goods, key: 'odoo:return-8' }].map((one) => ({ ...returnOf(whole, [{}]), key: one.key }));
  for (const one of both) assert.equal(told((await sinks.returns.deliver([one], cx))[0]), 'done');
  payFor(whole, whole.returns[0]!.id);
  assert.equal(await credit(whole, both[1]!.key), 'done');
  assert.match(await credit(whole, both[0]!.key), /^rejected: The shop has paid back 4\.99 EUR/);
  assert.equal(moneyBack(whole).length, 2);
});

test('a metafield that the hub did not write holds the order, in words that can be followed', async (t) => {
  const at = await lab(t);
  const { sinks, cx, sell, shop } = at;
  const order = sell(2);
  fulfil(shop, order, []);
  openReturn(shop, order, order.lines[0]!.id, 1);
  const deliver = async () => told((await sinks.returns.deliver([returnOf(order, [{}])], cx))[0]);
  const metafield = { id: shop.id('Metafield'), namespace: 'app--1', key: 'crossdock_returns', type: 'json' };
  Object.assign(order, { metafields: [{ ...metafield, value: '{"a":1}' }] });
  shop.touchOrder(order);
  const remedy = "let whoever has the app's token keep a copy and delete it (metafieldsDelete, namespace $app), then ";
  assert.ok((await deliver()).includes(`${remedy}retry.`));
  await assert.rejects(heard(at, order, cx), ({ message }: Error) =>
    message.includes(`${remedy}add a note to the order, so that it is read anew, and dismiss this.`),
  );
  assert.ok(order.returns.every(({ lines }) => (lines[0]!.processed ?? 0) === 0));
  Object.assign(order, { metafields: [] });
  shop.touchOrder(order);
  assert.equal((await heard(at, order, cx)).filter(({ kind }) => kind === 'return').length, 1);
  assert.equal(await deliver(), 'done');
});

test('a unit that was not shipped is refunded as goods, also where another of its line came back before', async (t) => {
  const { sinks, cx, sell, shop } = await lab(t);
  const order = sell(2);
  const [open] = order.fulfillmentOrders;
  fulfil(shop, order, [], new Map([[open!.lines[0]!.id, 1]]));
  assert.equal(told((await sinks.returns.deliver([returnOf(order, [{}])], cx))[0]), 'done');
  assert.equal(
    told((await sinks.refunds.deliver([creditOf(order, [{ quantity: '1', mayReturn: true }])], cx))[0]),
    'done',
  );
  assert.deepEqual(
    order.refunds.map(({ returnId, lines }) => [returnId !== null, lines.map(({ quantity }) => quantity)]),
    [
      [true, [1]],
      [false, [1]],
    ],
  );
});

test('units are in a return however many returns and lines an order has', async (t) => {
  const { sinks, cx, shop } = await lab(t);
  const [variant] = shop.variants.values();
  const sold = (count: number): Order => {
    const lines = Array.from({ length: count }, () => ({ variantId: variant!.id, quantity: 1 }));
    const order = placeOrder(shop, { lines, customer: person(shop, 1), shippingAddress: place(shop, 'A Person') });
    fulfil(shop, order, []);
    return order;
  };
  const pays = async (order: Order, line: Order['lines'][number]) => {
    const credit = creditOf(order, [{ orderLine: tail(line.id), mayReturn: true }]);
    const [result] = await sinks.refunds.deliver([credit], cx);
    return [told(result), order.refunds.map(({ lines }) => lines.length)];
  };
  const many = sold(12);
  for (const { id } of many.lines) openReturn(shop, many, id, 1);
  assert.deepEqual(await pays(many, many.lines.at(-1)!), ['done', [0]]);
  /** One return of all lines. */
  const long = (count: number): Order => {
    const order = sold(count);
    const all = order.lines.map(({ id }) => openReturn(shop, order, id, 1));
    order.returns.splice(0, count, { ...all[0]!, lines: all.flatMap(({ lines }) => lines) });
    return order;
  };
  const one = long(12);
  assert.deepEqual(await pays(one, one.lines.at(-1)!), ['done', [0]]);
  const large = long(51);
  const [words, made] = await pays(large, large.lines.at(-1)!);
  assert.match(String(words), /^rejected: Refund RINV\/5: return #\d+-R1 of its order has more lines than are read/);
  assert.deepEqual(made, []);
});

test('goods that are for sale again are restocked with their refund where no return tells of them', async (t) => {
  const { sinks, cx, sell, shop, level } = await lab(t);
  const order = sell();
  fulfil(shop, order, []);
  const before = level();
  const unit = Number(order.lines[0]!.unitPrice.shop);
  const line = { id: '1', orderLine: tail(order.lines[0]!.id), description: 'x', quantity: '2', amount: 2 * unit };
  const document: Refund = {
    id: 'odoo:credit-note-8',
    number: 'RINV/8',
    order: 'web:1',
    orderNumber: order.name,
    return: null,
    creditNote: 'RINV/8',
    refundedOn: '2026-11-25',
    method: null,
    currency: 'EUR',
    amount: 2 * unit,
    lines: [{ ...line, tax: 0, taxes: [], restockAt: 'warehouse' }],
  };
  const item = { key: document.id, id: null, version: 1, links: new Map([['order:web:1', order.id]]), document };
  assert.equal(told((await sinks.refunds.deliver([item], cx))[0]), 'done');
  assert.deepEqual(
    order.refunds[0]!.lines.map(({ restockType, quantity }) => [restockType, quantity]),
    [['RETURN', 2]],
  );
  assert.equal(level(), before + 2);
});
