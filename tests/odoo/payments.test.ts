import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { type OdooConnection, odoo } from '../../src/connectors/odoo/index.ts';
import { type Duration, seeded, systemClock } from '../../src/core/clock.ts';
import { defineEstate } from '../../src/core/estate.ts';
import { defineFlow } from '../../src/core/flow.ts';
import { Hub } from '../../src/engine/hub.ts';
import { listExceptions } from '../../src/ledger/exceptions.ts';
import { CustomerDocument } from '../../src/model/customer.ts';
import { OrderDocument } from '../../src/model/order.ts';
import { PaymentDocument } from '../../src/model/payment.ts';
import { ProductDocument } from '../../src/model/product.ts';
import { type HeldPayment, type Paid, verifyPayments } from '../../src/simulators/verify-payments.ts';
import { connectionOf, pushSource, silent, type TestLedger, testLedger } from '../support/hub.ts';
import { makeContext } from './context.ts';
import { type Mishap, type SeenCall, startProxy } from './proxy.ts';
import { accessTo, directly, isReal, type OdooServer, servers } from './servers.ts';

/** How many payments cross: CROSSDOCK_TEST_PAYMENTS, 300 when unset. */
const COUNT = Number(process.env.CROSSDOCK_TEST_PAYMENTS ?? 300);
const LATE_MS = isReal ? 4000 : 600;
const SETTLE: Duration = isReal ? '30s' : '4s';
/** Long enough that a repeat which asks at once is through before, also on a busy machine. */
const MUCH_LATER_MS = isReal ? 20_000 : 8000;
const CUT = 0.2;
const LATE = 0.1;

interface NativeSale {
  run: string;
  n: number;
  currency: string;
}

const amountOf = (n: number): number => 1000 + n * 7;

/** A web sale: its customer, product, order and payment. */
function flowOf(connection: OdooConnection, source: ReturnType<typeof pushSource>) {
  return defineFlow({
    id: 'web-sales',
    about: 'paid web orders to Odoo',
    documents: [CustomerDocument, ProductDocument, OrderDocument, PaymentDocument],
    from: source as never,
    to: {
      customer: connection.sinks.customers,
      product: connection.sinks.products,
      order: connection.sinks.saleOrders,
      payment: connection.sinks.payments,
    },
    latency: 'realtime',
    promise: { within: '10m', critical: true },
    onException: { owner: 'tests', within: '1d', hold: 'lane' },
    fallback: 'none',
    mappings: [
      { table: 'payment-methods', owner: 'finance', about: 'method → journal', rows: { card: 'BNK1' } },
      { table: 'taxes', owner: 'finance', about: 'taxes', rows: {} },
    ],
    translate: ({ run, n, currency }: NativeSale) => {
      const amount = amountOf(n);
      const price = (amount / 100).toFixed(2);
      const customer = `pay-${run}`;
      const sku = `PAY-${run}`;
      const order = `pay-${run}-${n}`;
      const line = {
        id: '1',
        sku,
        description: 'A service',
        quantity: '1',
        unitPrice: price,
        taxes: [],
        total: amount,
      };
      return {
        outcome: 'routed' as const,
        documents: [
          {
            kind: 'customer' as const,
            onlyIfNew: true,
            body: { id: customer, number: null, name: 'Payer', country: null },
          },
          {
            kind: 'product' as const,
            onlyIfNew: true,
            body: { sku, code: sku, name: 'A service', kind: 'service' as const },
          },
          {
            kind: 'order' as const,
            body: {
              id: order,
              number: `W-${order}`,
              kind: 'sale' as const,
              refersTo: null,
              placedAt: '2026-11-20T10:11:12Z',
              businessDay: '2026-11-20',
              customer,
              currency,
              pricesIncludeTax: false,
              lines: [line],
            },
          },
          {
            kind: 'payment' as const,
            body: { id: `ch_${run}_${n}`, order, method: 'card', paidOn: '2026-11-21', currency, amount },
          },
        ],
      };
    },
  });
}

interface Crossing {
  readonly sent: readonly Paid[];
  readonly held: readonly HeldPayment[];
  readonly exceptions: number;
  readonly cut: number;
  readonly late: number;
  readonly seconds: number;
}

/** Sends sales through a hub and a road on which answers to registrations are cut after the commit, and some registrations commit late. */
async function cross(
  t: TestContext,
  target: OdooServer,
  options: { count: number; settle: Duration; cut: number; late: number; lateMs: number; seed: number },
): Promise<Crossing> {
  const run = `${Date.now().toString(36)}${options.seed}`;
  const random = seeded(options.seed);
  const struck = { cut: 0, late: 0 };
  const fate = ({ model, method }: SeenCall): Mishap | undefined => {
    if (model !== 'account.payment.register' || method !== 'action_create_payments') return undefined;
    const dice = random();
    if (dice < options.late) {
      struck.late += 1;
      return { do: 'commit-late', milliseconds: options.lateMs };
    }
    if (dice >= options.late + options.cut) return undefined;
    struck.cut += 1;
    return { do: 'cut-after' };
  };
  const road = await startProxy(target.url, fate);
  t.after(() => road.close());
  const connection = odoo({ ...accessTo(target), url: road.url, settle: options.settle });
  const source = pushSource();
  const ledger: TestLedger = await testLedger(t);
  const hub = new Hub({
    estate: defineEstate({
      name: 'test',
      connections: { from: connectionOf({ sources: { notes: source } }), 'odoo-main': connection },
      flows: [flowOf(connection, source)],
      approvals: { [flowOf(connection, source).id]: { reason: 'payments are found by their memo', by: 'tests' } },
    }),
    db: ledger.db,
    vault: ledger.vault,
    clock: systemClock,
    random: seeded(options.seed),
    log: silent,
    secret: () => target.key,
    terms: { pollSeconds: 0.1, retrySeconds: [0.05, 1] },
  });
  const cx = makeContext({ secrets: { ODOO_KEY: target.key } });
  const direct = directly(target);
  const { currency } = await direct.company(cx);
  const started = performance.now();
  await hub.start();
  const sent = Array.from({ length: options.count }, (_, n) => ({ id: `ch_${run}_${n}`, amount: amountOf(n) }));
  await Promise.all(
    sent.map((_, n) =>
      hub.intake.receive({
        connection: 'from',
        source: 'notes',
        incoming: {
          dedupeKey: `${run}/${n}`,
          subject: `sale:${run}-${n}`,
          occurredAt: new Date(),
          bytes: Buffer.from(JSON.stringify({ run, n, currency: currency.name } satisfies NativeSale)),
        },
      }),
    ),
  );
  const patience = AbortSignal.timeout(isReal ? 3_600_000 : 300_000);
  await hub.untilIdle(() => undefined, patience);
  assert.ok(!patience.aborted, JSON.stringify(await hub.progress()));
  await hub.stop();
  await road.quiet();
  const rows = await direct.read(
    'account.payment',
    [['memo', 'like', `ch_${run}_`]],
    ['memo', 'state', 'amount', 'is_reconciled'],
    cx,
  );
  return {
    sent,
    held: rows.map((row) => ({
      memo: String(row.memo),
      state: String(row.state),
      amount: Number(row.amount),
      reconciled: row.is_reconciled === true,
    })),
    exceptions: (await listExceptions(ledger.db, null, 1000)).length,
    ...struck,
    seconds: Math.round((performance.now() - started) / 100) / 10,
  };
}

for (const { name, start } of servers)
  describe(`payments through a bad line: ${name}`, () => {
    it(`${COUNT} payments, answers cut after the commit and late commits: each is registered once`, async (t) => {
      const target = await start();
      t.after(() => target.stop());
      const { sent, held, exceptions, cut, late, seconds } = await cross(t, target, {
        count: COUNT,
        settle: SETTLE,
        cut: CUT,
        late: LATE,
        lateMs: LATE_MS,
        seed: 7,
      });
      t.diagnostic(`${held.length} payments, ${cut} answers cut, ${late} committed late, ${seconds} s`);
      assert.deepEqual(verifyPayments(sent, held), { lost: 0, doubled: 0, wrong: 0, words: [] });
      assert.equal(held.length, COUNT);
      assert.equal(exceptions, 0);
      assert.ok(cut >= COUNT * 0.1 && late >= COUNT * 0.03, `${cut} cut, ${late} late: the line was not bad`);
    });

    it('the same with settle 0 shows doubles: it is settle that prevents them', async (t) => {
      const target = await start();
      t.after(() => target.stop());
      const { sent, held, late } = await cross(t, target, {
        count: Math.min(COUNT, isReal ? 60 : 40),
        settle: 0,
        cut: 0.05,
        late: 0.3,
        lateMs: MUCH_LATER_MS,
        seed: 8,
      });
      const { doubled, lost } = verifyPayments(sent, held);
      t.diagnostic(`${late} committed late, ${doubled} doubled`);
      assert.ok(doubled > 0, `${late} commits came late and nothing was doubled: the test above proves nothing`);
      assert.equal(lost, 0);
    });
  });
