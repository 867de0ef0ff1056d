import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeContext } from '../../../tests/odoo/context.ts';
import type { Context, Item, Result } from '../../core/connector.ts';
import type { Refund } from '../../model/refund.ts';
import type { Return } from '../../model/return.ts';
import { startShopify } from '../../simulators/shopify/index.ts';
import { fulfil, openReturn, placeOrder, refundOrder } from '../../simulators/shopify/orders.ts';
import type { Order } from '../../simulators/shopify/records.ts';
import { furnish, person, place } from '../../simulators/shopify/traffic.ts';
import { shopify } from './index.ts';
import { toDocuments } from './mapping.ts';

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
  assert.match(await deliver(returnOf(refunded, [{}])), /^rejected: .*refunded there before they came/);
  const asked = sell(1);
  fulfil(shop, asked, []);
  openReturn(shop, asked, asked.lines[0]!.id, 1);
  assert.match(await deliver(returnOf(asked, [{}])), /^rejected: .*in a return that is open there/);
  const broken = sell();
  fulfil(shop, broken, []);
  assert.match(await deliver(returnOf(broken, [{ quantity: '0.5' }])), /^rejected: Shopify takes back whole units/);
  assert.match(await deliver(returnOf(broken, [{ restock: null }])), /^rejected: .* fit for sale or not/);
  assert.match(await deliver(returnOf(broken, [{}], { state: 'announced' })), /^rejected: .* is announced/);
  assert.equal(broken.returns.length, 0);
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
