import assert from 'node:assert/strict';
import { test } from 'node:test';
import { creditOf, heard, lab, returnOf, told } from '../../../../tests/shopify/returns.ts';
import type { Context, Item } from '../../../core/connector.ts';
import type { Return } from '../../../model/return.ts';
import { fulfil, openReturn, refundOrder } from '../../../simulators/shopify/orders.ts';
import type { Order } from '../../../simulators/shopify/records.ts';

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
