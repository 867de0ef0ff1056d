import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shopify } from '../../src/connectors/shopify/index.ts';
import { seeded, systemClock } from '../../src/core/clock.ts';
import type { Incoming, PollSource, Sink } from '../../src/core/connector.ts';
import { defineEstate } from '../../src/core/estate.ts';
import { Hub } from '../../src/engine/hub.ts';
import { shopCancellations, shopRefunds } from '../../src/flows/shop-refunds.ts';
import { webOrders } from '../../src/flows/web-orders.ts';
import type { Cancellation } from '../../src/model/cancellation.ts';
import { CustomerDocument } from '../../src/model/customer.ts';
import { OrderDocument } from '../../src/model/order.ts';
import { PaymentDocument } from '../../src/model/payment.ts';
import { ProductDocument } from '../../src/model/product.ts';
import { type Refund, RefundDocument } from '../../src/model/refund.ts';
import { startShopify } from '../../src/simulators/shopify/index.ts';
import { placeOrder } from '../../src/simulators/shopify/orders.ts';
import { furnish, person } from '../../src/simulators/shopify/traffic.ts';
import { connectionOf, silent, testLedger } from '../support/hub.ts';
import { recording, type Written } from '../support/recording.ts';
import { until } from '../support/target.ts';

const ORDERS = 40;

/** A desk where people decide: what lies on it is read again at each look. */
function desk<T extends { readonly id: string }>(name: string) {
  const papers: T[] = [];
  const source: PollSource<T> = {
    kind: 'poll',
    name,
    every: '200ms',
    async *pull(cursor) {
      const items = papers.slice(Number(cursor ?? 0)).map(
        (paper): Incoming => ({
          dedupeKey: paper.id,
          subject: `${name}:${paper.id}`,
          occurredAt: new Date(),
          bytes: Buffer.from(JSON.stringify(paper)),
        }),
      );
      if (items.length > 0) yield { items, cursor: String(papers.length) };
    },
    decode: (bytes) => JSON.parse(Buffer.from(bytes).toString()) as T,
  };
  return { papers, source };
}

test('refunds and cancellations decided elsewhere reach the shop once over a bad line, and what the hub paid back is not told to the books again', async (t) => {
  const simulator = await startShopify({ bucket: [1e6, 1e6], seed: 3 });
  t.after(() => simulator.stop());
  const { shop } = simulator;
  furnish(shop);
  const variant = [...shop.variants.values()][0]!;
  const web = shopify({
    shop: shop.domain,
    url: simulator.url,
    token: { secret: 'TOKEN' },
    clientSecrets: [{ secret: 'TOKEN' }],
    every: 200,
    settle: 200,
  });
  const written: Written[] = [];
  const to = {
    customer: recording(CustomerDocument, written),
    product: recording(ProductDocument, written),
    order: recording(OrderDocument, written),
    payment: recording(PaymentDocument, written),
    refund: recording(RefundDocument, written),
  };
  const refunds = desk<Refund>('refunds');
  const cancellations = desk<Cancellation>('cancellations');
  const orders = webOrders({ from: web.sources.orders, to, zone: 'UTC' });
  const mappings = orders.mappings!.map((seed) =>
    seed.table === 'shopify-payment-methods' ? { ...seed, rows: { shopify_payments: 'card' } } : seed,
  );
  const connections = {
    web,
    books: connectionOf({ sinks: to as unknown as Record<string, Sink> }),
    desk: connectionOf({ sources: { refunds: refunds.source, cancellations: cancellations.source } }),
  };
  const flows = [
    { ...orders, mappings },
    shopRefunds({ from: refunds.source, to: { refund: web.sinks.refunds }, toRefund: (refund) => refund }),
    shopCancellations({
      from: cancellations.source,
      to: { cancellation: web.sinks.cancellations },
      toCancellation: (one) => one,
    }),
  ];
  const approval = { reason: 'looked for first, by its mark or its state', by: 'finance' };
  const approvals = { 'shop-refunds': approval, 'shop-cancellations': approval };
  const ledger = await testLedger(t);
  const hub = new Hub({
    estate: defineEstate({ name: 'refunds', connections, flows, approvals }),
    db: ledger.db,
    vault: ledger.vault,
    clock: systemClock,
    random: seeded(3),
    log: silent,
    secret: () => simulator.token,
    terms: { pollSeconds: 0.05, retrySeconds: [0.02, 0.2], attempts: 60 },
  });
  await hub.start();
  t.after(() => hub.stop());
  const sold = Array.from({ length: ORDERS }, (_, n) =>
    placeOrder(shop, { lines: [{ variantId: variant.id, quantity: 3 }], customer: person(shop, n) }),
  );
  const arrived = (kind: string): number => written.filter((one) => one.kind === kind).length;
  await until('the orders are in the books', async () => arrived('order') >= ORDERS, 60);
  Object.assign(simulator.faults, { cut: 0.15, broken: 0.05, throttled: 0.05 });
  const half = ORDERS / 2;
  for (const [n, { id, name, lines }] of sold.entries()) {
    const at = { order: `web:${id.split('/').at(-1)}`, orderNumber: name };
    if (n < half) {
      const [line] = lines;
      const goods = {
        id: '1',
        orderLine: line!.id.split('/').at(-1)!,
        description: 'x',
        quantity: '1',
        tax: 0,
        taxes: [],
      };
      refunds.papers.push({
        ...at,
        id: `RF${n}`,
        number: `RF/${n}`,
        return: null,
        refundedOn: '2026-11-25',
        method: null,
        currency: 'EUR',
        amount: 101 + n,
        lines: [{ ...goods, amount: 101 + n }],
      });
    } else cancellations.papers.push({ ...at, id: `C${n}`, reason: 'stock', occurredAt: '2026-11-25T10:00:00Z' });
  }
  const done = (): boolean => sold.every(({ refunds: all }) => all.length > 0);
  await until('all is paid back', async () => done() && arrived('refund') >= half, 60);
  await until(
    'nothing is under way',
    async () => {
      const { routable, deliverable, leased } = await hub.progress();
      return routable + deliverable + leased === 0;
    },
    60,
  );
  for (const [n, order] of sold.entries()) {
    assert.equal(order.refunds.length, 1, `${order.name} was paid back ${order.refunds.length} times`);
    const back = order.refunds[0]!.transactions.reduce((sum, { amount }) => sum + Number(amount.shop), 0);
    assert.equal(back, n < half ? 101 + n : Number(order.transactions[0]!.amount.shop));
    assert.equal(order.cancelledAt === null, n < half);
  }
  const told = new Set(written.filter(({ kind }) => kind === 'refund').map(({ body }) => (body as Refund).orderNumber));
  assert.deepEqual(
    [...told].sort(),
    sold
      .slice(half)
      .map(({ name }) => name)
      .sort(),
    'only what the shop paid back by itself',
  );
  const open = await ledger.db.query<{ cause: string }>('open', "select cause from exception where state = 'open'");
  assert.deepEqual(open, []);
});
