import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type OdooConnection, odoo } from '../../src/connectors/odoo/index.ts';
import type { Item, Result, Sink } from '../../src/core/connector.ts';
import type { Order } from '../../src/model/order.ts';
import type { Payment } from '../../src/model/payment.ts';
import type { Refund } from '../../src/model/refund.ts';
import { done, faultOf, item, type People, people, soldOn } from './estate.ts';
import { type Road, startProxy } from './proxy.ts';
import { accessTo, type OdooServer, servers } from './servers.ts';

const mappings = { taxes: { standard: '15%' }, 'payment-methods': { card: 'BNK1' } };

/** Orders that were cancelled before they were invoiced: their money stands on the customer's account, beside what people booked there by hand. */
for (const { name, start } of servers)
  describe(`money on a customer's account that says of no order: ${name}`, () => {
    let server: OdooServer;
    let road: Road;
    let at: People;
    let hub: OdooConnection;
    let currency: string;
    let product: string;
    let journal: number;
    let number = 0;

    before(async () => {
      server = await start();
      road = await startProxy(server.url);
      at = await people(server, { mappings });
      hub = odoo({ ...accessTo(server), url: road.url });
      currency = (await at.direct.company(at.cx)).currency.name;
      product = String(await at.product('G'));
      journal = (await at.direct.read('account.journal', [['code', '=', 'BNK1']], ['name'], at.cx))[0]!.id as number;
    });
    after(async () => {
      await road?.close();
      await server?.stop();
    });

    const line = { id: 'L1', sku: 'G', description: 'Goods', quantity: '3', unitPrice: '10.00' };
    const order = async (
      customer: string,
      quantity = '3',
      key = `o${++number}-${at.run}`,
    ): Promise<[string, string]> => {
      const document: Order = {
        ...soldOn(key, currency),
        lines: [{ ...line, quantity, taxes: ['standard'], total: Number(quantity) * 1000 }],
      };
      const links = { 'customer:C': customer, 'product:G': product };
      const version = quantity === '3' ? 1 : 2;
      return [
        key,
        done((await hub.sinks.saleOrders.deliver([{ ...item(key, document, links), version }], at.cx))[0]).id,
      ];
    };
    const cancelled = async (customer: string): Promise<string> => {
      const [, id] = await order(customer);
      await at.call('sale.order', 'action_cancel', [[Number(id)]], { disable_cancel_warning: true });
      return id;
    };
    /** A customer of whom nobody else knows anything. */
    const walkIn = () => at.create('res.partner', { name: `Walk-in ${++number} ${at.run}` });
    const byHand = async (partner: number, type: 'inbound' | 'outbound', amount: number): Promise<string> => {
      const memo = `by hand ${++number} ${at.run}`;
      const vals = { payment_type: type, partner_type: 'customer', partner_id: partner, journal_id: journal };
      const made = await at.create('account.payment', { ...vals, amount, memo });
      await at.call('account.payment', 'action_post', [[made]]);
      return memo;
    };
    /** Owed just now, or a while ago. */
    const fresh = <T>(one: Item<T>): Item<T> => ({ ...one, owedAt: new Date() });
    const old = <T>(one: Item<T>): Item<T> => ({ ...one, owedAt: new Date(Date.now() - 60_000) });
    const payment = (id: string, amount = 3450, more: Partial<Payment> = {}): Item<Payment> => {
      const memo = `pay-${id}-${++number}-${at.run}`;
      const document: Payment = {
        id: memo,
        order: 'O',
        method: 'card',
        paidOn: '2026-11-20',
        currency,
        amount,
        ...more,
      };
      return item(memo, document, { 'order:O': id });
    };
    const refund = (id: string, amount = 3450): Item<Refund> => {
      const key = `shop:${++number}-${at.run}`;
      const goods = { id: '1', orderLine: 'L1', description: 'Goods', quantity: '3', amount, tax: 450, left: '0' };
      const document: Refund = {
        id: key,
        number: `F-${key}`,
        order: 'O',
        orderNumber: `W-${id}`,
        return: null,
        refundedOn: '2026-11-22',
        method: 'card',
        currency,
        amount,
        lines: [{ ...goods, taxes: ['standard'] }],
      };
      return item(key, document, { 'order:O': id });
    };
    const send = async <T>(sink: Sink<never>, one: Item<T>): Promise<Result> =>
      (await sink.deliver([one as never], at.cx))[0]!;
    const pay = (one: Item<Payment>) => send(hub.sinks.payments as never, one);
    const payBack = (one: Item<Refund>) => send(hub.sinks.refunds as never, one);
    const said = (result: Result): string => {
      if (result.outcome !== 'failed') return result.outcome;
      const { kind } = result.fault;
      return 'cause' in result.fault ? `${kind} ${result.fault.cause}` : kind;
    };
    /** Whether the payment of a memo, booked once, is all set against something. */
    const isSet = async (memo: string) => {
      const rows = await at.direct.read('account.payment', [['memo', '=', memo]], ['is_reconciled', 'amount'], at.cx);
      assert.equal(rows.length, 1, memo);
      return rows[0]!.is_reconciled;
    };
    const setOff = async (...memos: string[]): Promise<void> => {
      const money = await at.direct.read('account.payment', [['memo', 'in', memos]], ['move_id'], at.cx);
      const receivable = [
        ['move_id', 'in', money.map(({ move_id: move }) => (move as [number, string])[0])],
        ['account_id.account_type', '=', 'asset_receivable'],
      ];
      const lines = await at.direct.read('account.move.line', receivable, ['name'], at.cx);
      await at.call('account.move.line', 'reconcile', [lines.map(({ id }) => id)]);
    };
    const founds = async <T>(sink: Sink<never>, one: Item<T>) => (await sink.find!([one as never], at.cx))[0]!.found;

    it('a refund that comes before its payment waits for it a while, whatever people booked beside', async () => {
      const partner = await walkIn();
      const id = await cancelled(String(partner));
      const theirs = await byHand(partner, 'inbound', 34.5);
      const back = refund(id);
      assert.equal(said(await payBack(fresh(back))), 'early account-unclear');
      const money = payment(id);
      assert.equal(said(await pay(fresh(money))), 'done');
      assert.equal(said(await payBack(fresh(back))), 'done');
      assert.deepEqual(
        [await isSet(back.document.id), await isSet(money.document.id), await isSet(theirs)],
        [true, true, false],
      );
    });

    it('a refund whose payment does not come is a question, also where its answer was lost', async () => {
      const partner = await walkIn();
      const id = await cancelled(String(partner));
      await byHand(partner, 'inbound', 34.5);
      const back = refund(id);
      road.next('account.payment.action_post', { do: 'cut-after' });
      assert.match(said(await payBack(old(back))), /^(unknown|transient)/);
      road.clear();
      assert.equal(await founds(hub.sinks.refunds as never, old(back)), 'absent', 'it has not been asked yet');
      assert.equal(said(await payBack(old(back))), 'rejected account-unclear');
      assert.equal(await isSet(back.document.id), false);
    });

    it('a payment beside money that people paid back is a question once its own refund does not come, and is booked once', async () => {
      const partner = await walkIn();
      const id = await cancelled(String(partner));
      const theirs = await byHand(partner, 'outbound', 34.5);
      const money = payment(id);
      road.next('account.payment.action_post', { do: 'cut-after' });
      assert.match(said(await pay(fresh(money))), /^(unknown|transient)/);
      road.clear();
      assert.equal(await founds(hub.sinks.payments as never, money), 'absent', 'it has not been asked yet');
      assert.equal(said(await pay(fresh(money))), 'early account-unclear');
      const asked = await pay(old(money));
      assert.equal(said(asked), 'rejected account-unclear');
      assert.match(
        (faultOf(asked) as { message: string }).message,
        /^payment pay-.*: it stands on the customer's account in Odoo, where nothing of order S\d+ was paid back, but money that says of no order \(.+\)/,
      );
      await setOff(theirs, money.document.id);
      assert.equal(said(await pay(old(money))), 'done');
      assert.equal(await founds(hub.sinks.payments as never, money), 'whole');
      assert.deepEqual([await isSet(theirs), await isSet(money.document.id)], [true, true]);
    });

    it('a payment whose own refund comes meanwhile is set against that, and what people paid back is left alone', async () => {
      const partner = await walkIn();
      const id = await cancelled(String(partner));
      const theirs = await byHand(partner, 'outbound', 34.5);
      const money = payment(id);
      assert.equal(said(await pay(fresh(money))), 'early account-unclear');
      const back = refund(id);
      assert.equal(said(await payBack(fresh(back))), 'done');
      assert.equal(said(await pay(old(money))), 'done');
      assert.deepEqual(
        [await isSet(back.document.id), await isSet(money.document.id), await isSet(theirs)],
        [true, true, false],
      );
    });

    it('what was paid for units that were taken off is asked about too; money beyond all that was paid for the order is not', async () => {
      const partner = await walkIn();
      const [key, id] = await order(String(partner));
      await order(String(partner), '1', key);
      const theirs = await byHand(partner, 'outbound', 23);
      const first = payment(id, 2450, { beyond: 1300 });
      assert.equal(
        said(await pay(old(first))),
        'done',
        '13.00 of the order stand there, which 23.00 cannot have gone from',
      );
      const second = payment(id, 1000, { beyond: 1000 });
      assert.equal(said(await pay(old(second))), 'rejected account-unclear');
      assert.equal(await isSet(theirs), false);
    });
  });
