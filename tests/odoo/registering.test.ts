import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { Odoo } from '../../src/connectors/odoo/database.ts';
import { type OdooConnection, odoo } from '../../src/connectors/odoo/index.ts';
import { prepareWizard } from '../../src/connectors/odoo/sinks/payable.ts';
import type { Context, Item, Result, Sink } from '../../src/core/connector.ts';
import type { Fault } from '../../src/core/fault.ts';
import type { Payment } from '../../src/model/payment.ts';
import { makeContext } from './context.ts';
import { soldOn } from './estate.ts';
import { accessTo, directly, type OdooServer, servers } from './servers.ts';

const mappings = { 'payment-methods': { card: 'BNK1', odd: 'NOPE' } };

const item = <T>(key: string, document: T, links: Record<string, string> = {}): Item<T> => ({
  key,
  id: null,
  document,
  version: 1,
  links: new Map(Object.entries(links)),
});

const done = (result: Result | undefined): string => {
  assert.equal(result?.outcome, 'done', JSON.stringify(result));
  return (result as Extract<Result, { outcome: 'done' }>).id;
};

const rejection = (result: Result | undefined): Extract<Fault, { kind: 'rejected' }> => {
  const fault = result?.outcome === 'failed' ? result.fault : undefined;
  assert.equal(fault?.kind, 'rejected', JSON.stringify(result));
  return fault as Extract<Fault, { kind: 'rejected' }>;
};

for (const { name, start } of servers)
  describe(`registering payments: ${name}`, () => {
    const run = randomUUID().slice(0, 8);
    let target: OdooServer;
    let hub: OdooConnection;
    let direct: Odoo;
    let cx: Context;
    let currency: string;
    let links: Record<string, string>;

    before(async () => {
      target = await start();
      cx = makeContext({ connection: `r-${run}`, secrets: { ODOO_KEY: target.key }, mappings });
      hub = odoo({ ...accessTo(target), settle: '120s', timeout: '150s' });
      direct = directly(target);
      currency = (await direct.company(cx)).currency.name;
      const buyer = { id: `b-${run}`, number: null, name: 'Payer', country: null };
      const service = { sku: `s-${run}`, code: `s-${run}`, name: 'A service', kind: 'service' as const };
      links = {
        'customer:C': done((await hub.sinks.customers.deliver([item(buyer.id, buyer)], cx))[0]),
        'product:S': done((await hub.sinks.products.deliver([item(service.sku, service)], cx))[0]),
      };
    });
    after(() => target?.stop());

    /** A confirmed order worth 10.00; gives its id in Odoo. */
    const order = async (key: string): Promise<number> => {
      const line = {
        id: '1',
        sku: 'S',
        description: 'A service',
        quantity: '1',
        unitPrice: '10.00',
        taxes: [],
        total: 1000,
      };
      const document = {
        ...soldOn(key, currency),
        lines: [line],
      };
      return Number(done((await (hub.sinks.saleOrders as Sink).deliver([item(key, document, links) as never], cx))[0]));
    };
    const pay = (id: string, orderId: number, amount: number, more: Partial<Payment> = {}): Item<Payment> =>
      item(
        id,
        { id, order: 'O', method: 'card', paidOn: '2026-11-21', currency, amount, ...more },
        { 'order:O': String(orderId) },
      );
    const deliver = (...items: Item<Payment>[]) => hub.sinks.payments.deliver(items, cx);
    const invoicesOf = async (orderId: number) => {
      const [sale] = await direct.read('sale.order', [['id', '=', orderId]], ['invoice_ids'], cx);
      const domain = [['id', 'in', sale!.invoice_ids]];
      return direct.read('account.move', domain, ['state', 'amount_residual', 'payment_state'], cx);
    };
    const paymentsOf = (memo: string) =>
      direct.read('account.payment', [['memo', '=', memo]], ['amount', 'date', 'journal_id', 'is_reconciled'], cx);

    it('invoices the order once, posts it, and pays it in parts, each booked as it was paid', async () => {
      const id = await order(`parts-${run}`);
      const results = await deliver(pay(`a-${run}`, id, 400), pay(`b-${run}`, id, 600));
      assert.notEqual(done(results[0]), done(results[1]));
      const invoices = await invoicesOf(id);
      assert.equal(invoices.length, 1);
      assert.deepEqual([invoices[0]!.state, invoices[0]!.amount_residual], ['posted', 0]);
      assert.match(String(invoices[0]!.payment_state), /^(in_payment|paid)$/);
      const [payment] = await paymentsOf(`a-${run}`);
      assert.deepEqual([payment!.amount, payment!.date, payment!.is_reconciled], [4, '2026-11-21', true]);
      assert.equal((payment!.journal_id as [number, string])[1], 'Bank');
    });

    it('lets money wait for what was added to the order while that is on its way, also where it could stand on the account', async () => {
      const id = await order(`added-${run}`);
      const first = pay(`w-${run}`, id, 1000);
      const added = pay(`x-${run}`, id, 300, { beyond: 500 });
      const coming = { underway: new Set(['order:O']) };
      done((await deliver({ ...first, ...coming }))[0]);
      const [early] = await deliver({ ...added, ...coming });
      assert.ok(early?.outcome === 'failed' && early.fault.kind === 'early', JSON.stringify(early));
      assert.deepEqual(await paymentsOf(`x-${run}`), []);
      done((await deliver({ ...added, underway: new Set() }))[0]);
    });

    it('lets a person decide on money beyond what is left to pay, and goes on with the others', async () => {
      const [over, next] = [await order(`over-${run}`), await order(`next-${run}`)];
      const results = await deliver(
        pay(`c-${run}`, over, 400),
        pay(`d-${run}`, over, 700),
        pay(`e-${run}`, next, 1000),
      );
      done(results[0]);
      const fault = rejection(results[1]);
      assert.deepEqual([fault.cause, fault.field], ['overpaid', 'amount']);
      assert.match(
        fault.message,
        new RegExp(`payment d-${run}: it is 7\\.00 ${currency}, but 6\\.00 ${currency} is left to pay on invoice `),
      );
      done(results[2]);
      const [late] = await deliver(pay(`f-${run}`, next, 100));
      assert.match(rejection(late).message, /nothing is left to pay/);
      assert.deepEqual([await paymentsOf(`d-${run}`), await paymentsOf(`f-${run}`)], [[], []]);
    });

    for (const [n, step] of ['create_invoices', 'action_post'].entries())
      it(`lets the money of an order that people cancel before ${step} stand on the account`, async () => {
        const id = await order(`cancelled-${n}-${run}`);
        const cancel = () =>
          direct.call('sale.order', 'action_cancel', { ids: [id], context: { disable_cancel_warning: true } }, cx);
        let isCancelled = false;
        const meddled = {
          ...cx,
          fetch: async (url: string, init?: RequestInit) => {
            if (!isCancelled && JSON.stringify([url, init?.body]).includes(step)) {
              isCancelled = true;
              await cancel();
            }
            return cx.fetch(url, init);
          },
        };
        const money = pay(`p-${n}-${run}`, id, 1000);
        done((await hub.sinks.payments.deliver([money], meddled))[0]);
        assert.equal(isCancelled, true);
        const [payment, ...more] = await paymentsOf(money.key);
        assert.deepEqual([payment!.amount, payment!.is_reconciled, more], [10, false, []]);
        assert.deepEqual(
          (await invoicesOf(id)).filter(({ state }) => state !== 'cancel'),
          [],
        );
      });

    it('takes an invoice that is a draft already', async () => {
      const id = await order(`draft-${run}`);
      const vals = { advance_payment_method: 'delivered', sale_order_ids: [[6, 0, [id]]] };
      const wizard = await prepareWizard(direct, 'sale.advance.payment.inv', vals, {}, cx);
      await direct.call('sale.advance.payment.inv', 'create_invoices', { ids: [wizard] }, cx);
      assert.deepEqual(
        (await invoicesOf(id)).map(({ state }) => state),
        ['draft'],
      );
      done((await deliver(pay(`g-${run}`, id, 1000)))[0]);
      assert.deepEqual(
        (await invoicesOf(id)).map(({ state }) => state),
        ['posted'],
      );
    });

    it('knows a payment that a bookkeeper has registered under its memo', async () => {
      const id = await order(`hand-${run}`);
      const first = done((await deliver(pay(`h-${run}`, id, 1000)))[0]);
      assert.equal(done((await deliver(pay(`h-${run}`, id, 1000)))[0]), first);
      assert.equal((await paymentsOf(`h-${run}`)).length, 1);
      const [other] = await deliver(pay(`h-${run}`, id, 900));
      assert.match(rejection(other).message, /but of 10\.00 .* instead of 9\.00 .*Put that right there/);
    });

    it('two wizards prepared before either was pressed make two payments: find tells', async () => {
      const id = await order(`double-${run}`);
      done((await deliver(pay(`i-${run}`, id, 100)))[0]);
      const [invoice] = await invoicesOf(id);
      const context = { active_model: 'account.move', active_ids: [invoice!.id] };
      const journal_id = await direct.journal('BNK1', cx);
      const vals = { journal_id, amount: 9, payment_date: '2026-11-21', communication: `j-${run}` };
      const wizards = [
        await prepareWizard(direct, 'account.payment.register', vals, context, cx),
        await prepareWizard(direct, 'account.payment.register', vals, context, cx),
      ];
      for (const wizard of wizards)
        await direct.call('account.payment.register', 'action_create_payments', { ids: [wizard], context }, cx);
      const [found] = await hub.sinks.payments.find!([pay(`j-${run}`, id, 900)], cx);
      assert.equal(found!.found, 'partial');
      assert.match(String((found as { message?: string }).message), new RegExp(`2 payments with the memo 'j-${run}'`));
    });

    it('says in words what is wrong with a payment before anything is sent', async () => {
      const id = await order(`words-${run}`);
      const faults = (
        await deliver(
          pay(`k-${run}`, id, 100, { currency: currency === 'CHF' ? 'SEK' : 'CHF' }),
          pay(`l-${run}`, id, 100, { method: 'cheque' }),
          pay(`m-${run}`, id, 100, { method: 'odd' }),
          pay(`n-${run}`, id, 100, { paidOn: 'yesterday' }),
          { ...pay(`o-${run}`, id, 100), links: new Map() },
        )
      ).map(rejection);
      assert.deepEqual(
        faults.map(({ field }) => field),
        ['currency', 'payment-methods', 'journal', 'paidOn', 'order'],
      );
      assert.match(faults[1]!.message, /'payment-methods' has no row for 'cheque'/);
      assert.match(faults[2]!.message, /no journal 'NOPE' \(Mapping table 'payment-methods'\)/);
      assert.deepEqual(await invoicesOf(id), []);
    });
  });
