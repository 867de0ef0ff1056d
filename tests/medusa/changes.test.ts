import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { medusa } from '../../src/connectors/medusa/index.ts';
import { toDocuments } from '../../src/connectors/medusa/mapping.ts';
import type { MedusaOrder } from '../../src/connectors/medusa/native.ts';
import { type Order, OrderDocument } from '../../src/model/order.ts';
import type { Payment } from '../../src/model/payment.ts';
import type { Refund } from '../../src/model/refund.ts';
import { makeContext } from '../odoo/context.ts';
import { readAll } from '../odoo/estate.ts';
import { editOrder, payRest } from './people.ts';
import { type LabVariant, openMedusa, type Placed } from './shops.ts';

/** What becomes of orders that are edited and cancelled at a Medusa: the real one of MEDUSA_URL, else a simulated one. */
const lab = await openMedusa();
after(() => lab.stop());
const [a, b, c] = lab.variants as [LabVariant, LabVariant, LabVariant];
const mappings = {
  'medusa-taxes': { 'BE BE21 21%': 'VAT21' },
  'medusa-payment-methods': { pp_system_default: 'manual' },
};
const cx = makeContext({ connection: 'web', secrets: { KEY: lab.key }, mappings });
const { orders } = medusa({ url: lab.url, key: { secret: 'KEY' }, overlap: '2s' }).sources;

async function nativeOf({ id }: Placed): Promise<MedusaOrder> {
  const from = new Date(Date.now() - 600_000).toISOString();
  const cursor = JSON.stringify({ orders: from, payments: from, swept: new Date().toISOString() });
  const { items } = await readAll(orders as never, cursor, cx);
  return orders.decode(items.findLast(({ subject }) => subject === `order:${id}`)!.bytes) as MedusaOrder;
}

function meant(native: MedusaOrder) {
  const drafts = toDocuments(native, { connection: 'web', mapping: cx.mapping }, { zone: 'Europe/Brussels' });
  const of = <T>(kind: string): T[] => drafts.filter((draft) => draft.kind === kind).map(({ body }) => body as T);
  return {
    order: of<Order>('order')[0]!,
    payments: of<Payment>('payment').map(({ amount, beyond }) => [amount, beyond]),
    refunds: of<Refund>('refund').map(({ amount, lines }) => [
      amount,
      lines.map((line) => [line.orderLine, line.quantity, line.left, line.amount, line.tax, line.taxes.join()]),
    ]),
  };
}

const documentsOf = async (order: Placed) => meant(await nativeOf(order));
const capture = ({ payment }: Placed) => lab.admin('POST', `/admin/payments/${payment}/capture`, {});
const refund = ({ payment }: Placed, amount: number) =>
  lab.admin('POST', `/admin/payments/${payment}/refund`, { amount });
const cancel = ({ id }: Placed) => lab.admin('POST', `/admin/orders/${id}/cancel`, {});
const linesOf = ({ lines }: Order) => lines.map(({ sku, quantity, total }) => `${quantity} × ${sku} ${total}`).sort();

describe('orders of a Medusa that change', { concurrency: 1 }, () => {
  test('an order changes its customer, unless people own what customers are', async () => {
    const native = await nativeOf(await lab.place([[a, 1]]));
    const customerOf = (newCustomersOnly: boolean) =>
      toDocuments(native, { connection: 'web', mapping: cx.mapping }, { zone: 'UTC', newCustomersOnly }).find(
        ({ kind }) => kind === 'customer',
      )!;
    assert.equal(customerOf(false).onlyIfNew, undefined);
    assert.equal(customerOf(true).onlyIfNew, true);
    assert.deepEqual(customerOf(true).body, customerOf(false).body);
  });

  test('units that an edit takes off a paid order: lines stay with quantity 0, the payment says what it paid beyond, the refund how many are left', async () => {
    const order = await lab.place(
      [
        [a, 3],
        [b, 2],
      ],
      { promotion: true },
    );
    await capture(order);
    const before = await documentsOf(order);
    assert.deepEqual(before.payments, [[9306, undefined]]);
    await editOrder(lab, order, [
      [a, 1],
      [b, 0],
    ]);
    const [ofA, ofB] = [order.lines.get(a.sku)!, order.lines.get(b.sku)!];
    const edited = await documentsOf(order);
    // The promotion's 2.997 stays whole on the line of which one is left: (9.99 − 2.997 + 4.95) × 1.21.
    assert.equal(edited.order.total, 1445);
    assert.deepEqual(
      linesOf(edited.order),
      [
        `1 × ${a.sku} 999`,
        '1 × DISCOUNT -300',
        `0 × ${b.sku} 0`,
        '1 × DISCOUNT 0',
        '1 × SHIPPING 495',
        '1 × ROUNDING 0',
      ].sort(),
    );
    assert.deepEqual(edited.order.lines.map(({ id }) => id).sort(), before.order.lines.map(({ id }) => id).sort());
    const takes = OrderDocument.takes!(edited.order).find(({ name }) => name === b.sku);
    assert.equal(takes?.quantity, '0');
    assert.deepEqual(edited.payments, [[9306, 7861]]);
    await refund(order, 78.60402);
    const given = await documentsOf(order);
    const lines = [
      [ofA, '2', '1', 2417, 419, 'VAT21'],
      [ofB, '2', '0', 5443, 945, 'VAT21'],
    ].sort();
    assert.deepEqual(
      given.refunds.map(([amount, all]) => [amount, (all as unknown[]).sort()]),
      [[7860, lines]],
    );
    await refund(order, 1.5);
    assert.deepEqual((await documentsOf(order)).refunds[1], [150, [[null, '0', undefined, 150, 0, '']]]);
  });

  test('a paid order that is cancelled: Medusa gives all of it back, and the refund has its lines, discounts and taxes within', async () => {
    const order = await lab.place([[a, 3]], { promotion: true });
    await capture(order);
    await cancel(order);
    const { order: body, refunds } = await documentsOf(order);
    assert.equal(body.state, 'cancelled');
    assert.equal(OrderDocument.takes!(body).find(({ name }) => name === a.sku)?.quantity, '0');
    const shipping = body.lines.find(({ sku }) => sku === 'SHIPPING')!.id;
    const [[amount, lines]] = refunds as [[number, unknown[]]];
    assert.equal(amount, 3863);
    assert.deepEqual(
      lines.slice().sort(),
      [
        [order.lines.get(a.sku), '3', undefined, 3263, 566, 'VAT21'],
        [shipping, '1', undefined, 599, 104, 'VAT21'],
        [null, '0', undefined, 1, 0, ''],
      ].sort(),
    );
  });

  test('an order without tax, not paid, cancelled: the next version says so', async () => {
    const order = await lab.place([[c, 1]], { country: 'nl' });
    const { order: body } = await documentsOf(order);
    assert.deepEqual([body.total, body.state, body.lines.map(({ taxes }) => taxes)], [828, 'open', [[], []]]);
    await cancel(order);
    const { order: now, payments, refunds } = await documentsOf(order);
    assert.deepEqual([now.state, payments, refunds], ['cancelled', [], []]);
  });

  test('edited and then cancelled: what goes back last is for what was left', async () => {
    const order = await lab.place([[c, 3]], { country: 'nl' });
    await capture(order);
    await editOrder(lab, order, [[c, 1]]);
    await cancel(order);
    const { refunds } = await documentsOf(order);
    const [[amount, lines]] = refunds as [[number, unknown[][]]];
    assert.equal(amount, 1494);
    const line = order.lines.get(c.sku);
    assert.deepEqual(lines.slice(0, 1), [[line, '2', '1', 666, 0, '']]);
    assert.deepEqual(
      lines.reduce((sum, one) => sum + (one[3] as number), 0),
      1494,
    );
  });

  test('a line that was added is paid for by a payment of its own; what was swapped goes back as what is owed', async () => {
    const grown = await lab.place([[a, 2]]);
    await capture(grown);
    await editOrder(lab, grown, [], [[b, 1]]);
    await payRest(lab, grown);
    // 30.1653 and 30.2379 are 60.4032: each rounded by itself they are a cent more.
    const { order, payments } = await documentsOf(grown);
    assert.equal(order.total, 6040);
    assert.deepEqual(payments.map(([amount]) => amount).sort(), [3017, 3024]);
    assert.deepEqual(
      payments.map(([, beyond]) => beyond),
      [1, 1],
    );
    const swapped = await lab.place([[b, 2]], { country: 'nl' });
    await capture(swapped);
    await editOrder(lab, swapped, [[b, 1]], [[c, 1]]);
    await refund(swapped, 21.66);
    const told = await documentsOf(swapped);
    assert.deepEqual(told.refunds, [[2166, [[swapped.lines.get(b.sku), '1', '1', 2166, 0, '']]]]);
  });

  test('an edit before the money came in: it pays for what is left, and money that goes back is for no units', async () => {
    const order = await lab.place([[a, 3]]);
    await editOrder(lab, order, [[a, 2]]);
    await payRest(lab, order);
    const paid = await documentsOf(order);
    assert.deepEqual(paid.payments, [[paid.order.total, undefined]]);
    const native = await nativeOf(order);
    const payment = native.payment_collections
      .flatMap(({ payments }) => payments)
      .find(({ captures }) => captures.length)!;
    await lab.admin('POST', `/admin/payments/${payment.id}/refund`, { amount: 2 });
    assert.deepEqual((await documentsOf(order)).refunds, [[200, [[null, '0', undefined, 200, 0, '']]]]);
  });

  test('an order as it was kept before edits were read is still understood', async () => {
    const order = await lab.place([[a, 1]]);
    const { edits, removed, ...old } = await nativeOf(order);
    assert.deepEqual([edits, removed], [[], []]);
    assert.deepEqual(meant(orders.decode(Buffer.from(JSON.stringify(old))) as MedusaOrder), await documentsOf(order));
  });
});
