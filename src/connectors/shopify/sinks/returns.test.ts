import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeContext } from '../../../../tests/odoo/context.ts';
import type { Context, Item, Result } from '../../../core/connector.ts';
import type { Refund } from '../../../model/refund.ts';
import type { Return } from '../../../model/return.ts';
import { startShopify } from '../../../simulators/shopify/index.ts';
import { fulfil, openReturn, placeOrder, refundOrder } from '../../../simulators/shopify/orders.ts';
import type { Order } from '../../../simulators/shopify/records.ts';
import { furnish, person, place } from '../../../simulators/shopify/traffic.ts';
import { shopify } from '../index.ts';
import { toDocuments } from '../mapping/orders.ts';

async function lab(t: { after(fn: () => Promise<void>): void }) {
  const simulator = await startShopify({ bucket: [1e6, 1e6] });
  t.after(() => simulator.stop());
  const { shop } = simulator;
  furnish(shop);
  const { sinks, sources } = shopify({
    shop: shop.domain,
    url: simulator.url,
    token: { secret: 'TOKEN' },
    clientSecrets: [{ secret: 'TOKEN' }],
  });
  const [location] = shop.locations.keys();
  const mappings = {
    'shopify-payment-methods': { shopify_payments: 'card' },
    'shopify-locations': { warehouse: location! },
    'shopify-shipping-services': {},
    'shopify-return-reasons': { unknown: 'unwanted' },
  };
  const cx = makeContext({ connection: 'web', secrets: { TOKEN: simulator.token }, mappings });
  const [variant] = [...shop.variants.values()];
  const sell = (quantity = 3): Order =>
    placeOrder(shop, {
      lines: [{ variantId: variant!.id, quantity }],
      customer: person(shop, 1),
      shippingAddress: place(shop, 'A Person'),
    });
  const level = (): number => shop.level(variant!.inventoryItemId, location!)!.available;
  return { simulator, shop, sinks, sources, cx, sell, level, location: location! };
}

const tail = (id: string): string => id.split('/').at(-1)!;
const told = (result: Result | undefined): string =>
  result?.outcome === 'failed' ? `${result.fault.kind}: ${result.fault.message}` : String(result?.outcome);

const returnOf = (
  order: Order,
  lines: Partial<Return['lines'][number]>[],
  more: Partial<Return> = {},
): Item<Return> => ({
  key: 'odoo:return-7',
  id: null,
  version: 1,
  links: new Map([['order:web:1', order.id]]),
  document: {
    id: 'odoo:return-7',
    number: 'WH/IN/00007',
    order: 'web:1',
    orderNumber: order.name,
    state: 'received',
    location: 'warehouse',
    occurredAt: '2026-11-25T10:00:00Z',
    lines: lines.map((line, index) => ({
      id: String(index),
      orderLine: tail(order.lines[0]!.id),
      sku: 'A',
      quantity: '1',
      reason: 'unknown',
      restock: true,
      ...line,
    })),
    ...more,
  },
});

/** What a look at the shop finds of an order's returns, refunds and lines. */
async function heard({ sources }: Awaited<ReturnType<typeof lab>>, order: Order, cx: Context) {
  for await (const { items } of sources.orders.pull(null, cx))
    for (const { bytes } of items) {
      const native = sources.orders.decode(bytes);
      if (native.id !== order.id) continue;
      const look = { connection: 'web', mapping: cx.mapping };
      return toDocuments(native, look, { zone: 'UTC' });
    }
  throw new Error('the order was not read');
}

test('what came back is opened, processed with what became of it, and closed, once; the shop does not tell it back, and the order stays as it was', async (t) => {
  const at = await lab(t);
  const { sinks, cx, sell, level, location } = at;
  const order = sell();
  fulfil(at.shop, order, []);
  const before = level();
  const item = returnOf(order, [{ quantity: '1' }, { quantity: '1', restock: false }]);
  assert.deepEqual(await sinks.returns.find!([item], cx), [{ found: 'absent' }]);
  assert.deepEqual((await sinks.returns.deliver([item], cx)).map(told), ['done']);
  assert.deepEqual((await sinks.returns.deliver([item], cx)).map(told), ['done'], 'once more');
  const [made, ...others] = order.returns;
  assert.equal(others.length, 0);
  assert.deepEqual(await sinks.returns.find!([item], cx), [{ found: 'whole', id: made!.id }]);
  assert.equal(made!.status, 'CLOSED');
  const [line] = made!.lines;
  assert.equal(line!.quantity, 2);
  assert.equal(line!.reason, 'unwanted');
  assert.deepEqual(
    line!.dispositions!.map(({ type, quantity, locationId }) => [type, quantity, locationId]),
    [
      ['NOT_RESTOCKED', 1, null],
      ['RESTOCKED', 1, location],
    ],
  );
  assert.equal(level(), before + 1);
  const drafts = await heard(at, order, cx);
  assert.deepEqual(
    drafts.filter(({ kind }) => kind === 'return' || kind === 'refund'),
    [],
  );
  const sale = drafts.find(({ kind }) => kind === 'order')!.body as { lines: { quantity: string }[] };
  assert.equal(sale.lines[0]!.quantity, '3', 'a return is no edit');
});

test('a return whose steps lost their answers is gone on with, never opened twice', async (t) => {
  const { simulator, sinks, cx, sell, shop } = await lab(t);
  for (const step of ['OpenReturn', 'ProcessReturn', 'CloseReturn']) {
    const order = sell();
    fulfil(shop, order, []);
    const item = returnOf(order, [{ quantity: '2' }]);
    let cut = false;
    const lossy: Context = {
      ...cx,
      fetch: async (url, init) => {
        const answer = await cx.fetch(url, init);
        if (cut || !String(init?.body).includes(step)) return answer;
        cut = true;
        throw new TypeError('the line broke');
      },
    };
    assert.match(told((await sinks.returns.deliver([item], lossy))[0]), /^unknown/, step);
    assert.ok(cut, step);
    assert.equal(told((await sinks.returns.deliver([item], cx))[0]), 'done', step);
    assert.deepEqual(
      order.returns.map(({ status, lines }) => [status, lines[0]!.processed]),
      [['CLOSED', 2]],
      step,
    );
  }
  assert.ok(simulator.requests.length > 0);
});

test('what Shopify cannot take back goes to a person, in words; what it has not shipped yet is waited for', async (t) => {
  const { sinks, cx, sell, shop } = await lab(t);
  const deliver = async (item: Item<Return>) => told((await sinks.returns.deliver([item], cx))[0]);
  const early = sell();
  assert.match(
    await deliver(returnOf(early, [{}])),
    /^early: Return WH\/IN\/00007 .* 1 more than Shopify can take back/,
  );
  const refunded = sell(1);
  fulfil(shop, refunded, []);
  refundOrder(shop, refunded, [{ lineId: refunded.lines[0]!.id, quantity: 1, restockType: 'NO_RESTOCK' }]);
  assert.match(await deliver(returnOf(refunded, [{}])), /^rejected: .*refunded there as goods before they came/);
  const asked = sell(1);
  fulfil(shop, asked, []);
  openReturn(shop, asked, asked.lines[0]!.id, 1).status = 'REQUESTED';
  assert.match(await deliver(returnOf(asked, [{}])), /^rejected: .*in a return that was asked for and not approved/);
  const broken = sell();
  fulfil(shop, broken, []);
  assert.match(await deliver(returnOf(broken, [{ quantity: '0.5' }])), /^rejected: Shopify takes back whole units/);
  assert.match(await deliver(returnOf(broken, [{ restock: null }])), /^rejected: .* fit for sale or not/);
  assert.match(await deliver(returnOf(broken, [{}], { state: 'announced' })), /^rejected: .* is announced/);
  assert.equal(broken.returns.length, 0);
});

const processedOf = ({ returns }: Order) =>
  returns.map(({ name, status, lines }) => [name, status, ...lines.map(({ processed = 0 }) => processed)]);

test('goods of a return that the customer opened in the shop are processed on that one, once, and the shop tells none of them back', async (t) => {
  const at = await lab(t);
  const { simulator, sinks, cx, sell, shop, level } = at;
  for (const step of [null, 'ClaimReturn', 'ProcessReturn', 'CloseReturn']) {
    const order = sell();
    fulfil(shop, order, []);
    const one = openReturn(shop, order, order.lines[0]!.id, 2);
    const before = level();
    const item = returnOf(order, [{ quantity: '2' }]);
    assert.deepEqual(await sinks.returns.find!([item], cx), [{ found: 'absent' }]);
    let cut = step === null;
    const lossy: Context = {
      ...cx,
      fetch: async (url, init) => {
        const answer = await cx.fetch(url, init);
        if (cut || !String(init?.body).includes(String(step))) return answer;
        cut = true;
        throw new TypeError('the line broke');
      },
    };
    if (step !== null) {
      assert.match(told((await sinks.returns.deliver([item], lossy))[0]), /^unknown/, step);
      const landed = step === 'CloseReturn';
      assert.deepEqual(
        await sinks.returns.find!([item], cx),
        [landed ? { found: 'whole', id: one.id } : { found: 'absent' }],
        step,
      );
    }
    assert.deepEqual((await sinks.returns.deliver([item], cx))[0], { outcome: 'done', id: one.id });
    assert.deepEqual((await sinks.returns.deliver([item], cx))[0], { outcome: 'done', id: one.id }, 'once more');
    assert.deepEqual(await sinks.returns.find!([item], cx), [{ found: 'whole', id: one.id }]);
    assert.deepEqual(processedOf(order), [[one.name, 'CLOSED', 2]]);
    assert.equal(level(), before + 2);
    const drafts = await heard(at, order, cx);
    assert.deepEqual(
      drafts.filter(({ kind }) => kind === 'return' || kind === 'refund'),
      [],
    );
    assert.deepEqual(
      order.transactions.filter(({ kind }) => kind === 'REFUND'),
      [],
    );
  }
  assert.ok(
    simulator.requests.every(({ operation }) => operation !== 'OpenReturn'),
    'a second return was opened',
  );
});

test('of goods that come in parts each part is processed, the last one closes the return, and what people took back in the shop is told', async (t) => {
  const at = await lab(t);
  const { sinks, cx, sell, shop } = at;
  const order = sell();
  fulfil(shop, order, []);
  const one = openReturn(shop, order, order.lines[0]!.id, 3);
  const part = (key: string): Item<Return> => ({ ...returnOf(order, [{ quantity: '1' }]), key });
  const send = async (item: Item<Return>) => told((await sinks.returns.deliver([item], cx))[0]);
  assert.equal(await send(part('odoo:return-1')), 'done');
  assert.deepEqual(processedOf(order), [[one.name, 'OPEN', 1]]);
  assert.equal(await send(part('odoo:return-1')), 'done', 'once more');
  assert.equal(await send(part('odoo:return-2')), 'done');
  assert.deepEqual(processedOf(order), [[one.name, 'OPEN', 2]]);
  const announced = (await heard(at, order, cx)).filter(({ kind }) => kind === 'return');
  assert.deepEqual(
    announced.map(({ body }) => [(body as Return).state, (body as Return).lines.map(({ quantity }) => quantity)]),
    [['announced', ['1']]],
    'what is still to come',
  );
  assert.equal(await send(part('odoo:return-3')), 'done');
  assert.deepEqual(processedOf(order), [[one.name, 'CLOSED', 3]]);
  assert.deepEqual(
    (await sinks.returns.find!([part('odoo:return-1'), part('odoo:return-2'), part('odoo:return-3')], cx)).map(
      ({ found }) => found,
    ),
    ['whole', 'whole', 'whole'],
  );
  const refund = { ...creditOf(order, [{ quantity: '1' }]) };
  const waits = { ...refund, document: { ...refund.document, return: 'odoo:return-2' } };
  assert.equal(told((await sinks.refunds.deliver([waits], cx))[0]), 'done', 'its goods are back');
});

test('the return that goods belong to is the one that awaits just them; other goods than were announced go to a person', async (t) => {
  const { sinks, cx, sell, shop } = await lab(t);
  const send = async (item: Item<Return>) => told((await sinks.returns.deliver([item], cx))[0]);
  const shipped = (quantity = 5): Order => {
    const order = sell(quantity);
    fulfil(shop, order, []);
    return order;
  };
  const order = shipped();
  openReturn(shop, order, order.lines[0]!.id, 3);
  const fits = openReturn(shop, order, order.lines[0]!.id, 1);
  assert.equal(await send(returnOf(order, [{}])), 'done');
  assert.deepEqual(
    order.returns.map(({ name, status }) => [name, status]),
    [
      [order.returns[0]!.name, 'OPEN'],
      [fits.name, 'CLOSED'],
    ],
  );
  const more = shipped();
  openReturn(shop, more, more.lines[0]!.id, 1);
  assert.match(
    await send(returnOf(more, [{ quantity: '2' }])),
    /^rejected: Return WH\/IN\/00007 brought other goods of order #\d+ than #\d+-R1 in Shopify awaits/,
  );
  const unclear = shipped();
  openReturn(shop, unclear, unclear.lines[0]!.id, 2);
  openReturn(shop, unclear, unclear.lines[0]!.id, 3);
  assert.match(await send(returnOf(unclear, [{}])), /^rejected: .* than #\d+-R1, #\d+-R2 in Shopify await:/);
  for (const one of [more, unclear]) assert.ok(one.returns.every(({ lines }) => (lines[0]!.processed ?? 0) === 0));
  const called = shipped();
  const gone = openReturn(shop, called, called.lines[0]!.id, 1);
  const cx2: Context = {
    ...cx,
    fetch: async (url, init) => {
      if (String(init?.body).includes('ProcessReturn')) gone.status = 'CANCELED';
      return cx.fetch(url, init);
    },
  };
  await sinks.returns.deliver([returnOf(called, [{}])], cx2);
  assert.match(await send(returnOf(called, [{}])), /^rejected: Return WH\/IN\/00007 was cancelled in Shopify/);
});

test('two receipts of one return are told one after the other, also where both began at once', async (t) => {
  const { sinks, cx, sell, shop } = await lab(t);
  const order = sell();
  fulfil(shop, order, []);
  const one = openReturn(shop, order, order.lines[0]!.id, 2);
  const part = (key: string): Item<Return> => ({ ...returnOf(order, [{}]), key });
  // The second is told while the first has written down what it is and not processed it.
  let second = '';
  const slow: Context = {
    ...cx,
    fetch: async (url, init) => {
      if (String(init?.body).includes('ProcessReturn') && second === '')
        second = told((await sinks.returns.deliver([part('odoo:return-2')], cx))[0]);
      return cx.fetch(url, init);
    },
  };
  assert.equal(told((await sinks.returns.deliver([part('odoo:return-1')], slow))[0]), 'done');
  assert.match(second, /^early: Other goods of return #\d+-R1 came before those of WH\/IN\/00007/);
  // And while it has read what is there and not written it down.
  const other = sell();
  fulfil(shop, other, []);
  openReturn(shop, other, other.lines[0]!.id, 1);
  openReturn(shop, other, other.lines[0]!.id, 2);
  let raced = '';
  const racing: Context = {
    ...cx,
    fetch: async (url, init) => {
      if (String(init?.body).includes('ClaimReturn') && raced === '')
        raced = told((await sinks.returns.deliver([{ ...returnOf(other, [{ quantity: '2' }]), key: 'b' }], cx))[0]);
      return cx.fetch(url, init);
    },
  };
  const first = { ...returnOf(other, [{}]), key: 'a' };
  assert.match(told((await sinks.returns.deliver([first], racing))[0]), /^transient: Another return of the order/);
  assert.equal(raced, 'done');
  assert.equal(told((await sinks.returns.deliver([first], cx))[0]), 'done');
  assert.equal(told((await sinks.returns.deliver([part('odoo:return-2')], cx))[0]), 'done');
  assert.deepEqual(processedOf(order), [[one.name, 'CLOSED', 2]]);
  assert.deepEqual(
    other.returns.map(({ status }) => status),
    ['CLOSED', 'CLOSED'],
  );
});

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

const creditOf = (
  order: Order,
  lines: Partial<Refund['lines'][number]>[],
  key = 'odoo:credit-note-5',
): Item<Refund> => {
  const unit = Number(order.lines[0]!.unitPrice.shop);
  const document: Refund = {
    id: key,
    number: 'RINV/5',
    order: 'web:1',
    orderNumber: order.name,
    return: null,
    creditNote: 'RINV/5',
    refundedOn: '2026-11-25',
    method: null,
    currency: 'EUR',
    amount: lines.reduce((sum, { quantity = '1' }) => sum + Number(quantity) * unit, 0),
    lines: lines.map((line, index) => ({
      id: String(index),
      orderLine: tail(order.lines[0]!.id),
      description: 'x',
      quantity: '1',
      amount: Number(line.quantity ?? '1') * unit,
      tax: 0,
      taxes: [],
      ...line,
    })),
  };
  return { key, id: null, version: 1, links: new Map([['order:web:1', order.id]]), document };
};

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
