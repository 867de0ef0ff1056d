import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type OdooConnection, odoo } from '../../src/connectors/odoo/index.ts';
import type { Item, Sink } from '../../src/core/connector.ts';
import type { Order } from '../../src/model/order.ts';
import type { Refund } from '../../src/model/refund.ts';
import { booksOf, done, faultOf, item, type People, people, soldOn } from './estate.ts';
import { type Road, startProxy } from './proxy.ts';
import { accessTo, type OdooServer, servers } from './servers.ts';

const mappings = {
  taxes: { standard: '15%' },
  'payment-methods': { card: 'BNK1', odd: 'NOPE' },
};

/** Refunds into Odoo: simulators of 18 and 19, or the real server that the environment names. */
for (const { name, start } of servers)
  describe(`refunds: ${name}`, () => {
    let server: OdooServer;
    let road: Road;
    let at: People;
    let hub: OdooConnection;
    let currency: string;
    let links: Record<string, string>;
    let number = 0;

    before(async () => {
      server = await start();
      road = await startProxy(server.url);
      at = await people(server, { mappings });
      hub = odoo({ ...accessTo(server), url: road.url });
      currency = (await at.direct.company(at.cx)).currency.name;
      const customer = { id: 'C', number: null, name: `Buyer ${at.run}`, country: null };
      links = {
        'customer:C': done((await hub.sinks.customers.deliver([item(`c-${at.run}`, customer)], at.cx))[0]).id,
        'product:G': String(await at.product('G')),
      };
    });
    beforeEach(() => road.clear());
    after(async () => {
      await road?.close();
      await server?.stop();
    });

    const order = (key: string, quantity: string, version = 1): Item<Order> => {
      const line = {
        id: 'L1',
        sku: 'G',
        description: 'Goods',
        quantity,
        unitPrice: '10.00',
        taxes: ['standard'],
        total: Number(quantity) * 1000,
      };
      const document: Order = {
        ...soldOn(key, currency),
        lines: [line],
      };
      return { ...item(key, document, links), version };
    };
    const place = async (one: Item<Order>) => Number(done((await hub.sinks.saleOrders.deliver([one], at.cx))[0]).id);
    const pay = async (id: string, amount: number) => {
      const payment = { id: `pay-${id}-${at.run}`, order: 'O', method: 'card', paidOn: '2026-11-20', currency, amount };
      done(
        (await (hub.sinks.payments as Sink).deliver([item(payment.id, payment, { 'order:O': id }) as never], at.cx))[0],
      );
    };
    /** Three pieces of 10.00 and 15 % of tax, paid: 34.50. */
    const paid = async (key: string) => {
      const id = await place(order(`${key}-${at.run}`, '3'));
      await pay(String(id), 3450);
      return id;
    };
    const one = (more: Partial<Refund['lines'][number]> = {}): Refund['lines'][number] => ({
      id: '1',
      orderLine: 'L1',
      description: 'Goods',
      quantity: '1',
      amount: 1150,
      tax: 150,
      taxes: ['standard'],
      ...more,
    });
    const money = (amount: number) =>
      one({ orderLine: null, description: 'Money without goods', quantity: '0', amount, tax: 0, taxes: [] });
    const refund = (id: number, lines = [one()], more: Partial<Refund> = {}): Item<Refund> => {
      const key = `shop:${at.run}-${++number}`;
      const document: Refund = {
        id: key,
        number: `F-${at.run}-${number}`,
        order: 'O',
        orderNumber: `W-${id}`,
        return: null,
        refundedOn: '2026-11-22',
        method: 'card',
        currency,
        amount: lines.reduce((sum, { amount }) => sum + amount, 0),
        lines,
        ...more,
      };
      return item(key, document, { 'order:O': String(id) });
    };
    const send = async (one: Item<Refund>) => (await hub.sinks.refunds.deliver([one], at.cx))[0];
    const cause = (result: Parameters<typeof faultOf>[0]) => {
      const fault = faultOf(result);
      return fault.kind === 'rejected' ? fault.cause : fault.kind;
    };
    const fields = ['state', 'amount_total', 'amount_tax', 'amount_residual', 'invoice_date', 'reversed_entry_id'];
    const notes = ({ document }: Item<Refund>) =>
      at.direct.read('account.move', [['ref', '=', document.number]], fields, at.cx);
    const moneyBack = ({ document }: Item<Refund>) =>
      at.direct.read(
        'account.payment',
        [['memo', '=', document.id]],
        ['amount', 'payment_type', 'date', 'is_reconciled'],
        at.cx,
      );
    const sold = async (id: number) =>
      (await at.direct.read('sale.order.line', [['order_id', '=', id]], ['qty_invoiced', 'qty_to_invoice'], at.cx))[0]!;

    it('become a posted credit note of the invoice, to the cent, paid back once, however often they are sent', async () => {
      const id = await paid('a');
      const back = refund(id);
      const first = done(await send(back)).id;
      assert.equal(done(await send(back)).id, first);
      const [note, ...more] = await notes(back);
      assert.equal(more.length, 0);
      assert.deepEqual(
        [note!.state, note!.amount_total, note!.amount_tax, note!.amount_residual, note!.invoice_date],
        ['posted', 11.5, 1.5, 0, '2026-11-22'],
      );
      const [sale] = await at.direct.read('sale.order', [['id', '=', id]], ['invoice_ids'], at.cx);
      assert.ok((sale!.invoice_ids as number[]).includes((note!.reversed_entry_id as [number, string])[0]));
      const [payment, ...others] = await moneyBack(back);
      assert.equal(others.length, 0);
      assert.deepEqual(
        [payment!.amount, payment!.payment_type, payment!.date, payment!.is_reconciled],
        [11.5, 'outbound', '2026-11-22', true],
      );
      assert.equal((await sold(id)).qty_invoiced, 2);
      assert.deepEqual(await hub.sinks.refunds.find!([back, refund(id)], at.cx), [
        { found: 'whole', id: first },
        { found: 'absent' },
      ]);
    });

    it('of an odd amount for several pieces agree to the cent', async () => {
      const id = await paid('b');
      const back = refund(id, [one({ quantity: '3', amount: 1000, tax: 130 }), { ...money(-1), id: 'kept' }]);
      done(await send(back));
      const [note] = await notes(back);
      assert.deepEqual([note!.amount_total, note!.amount_residual], [9.99, 0]);
      assert.equal((await sold(id)).qty_invoiced, 0);
    });

    it('before money came in leave the invoice open, for the payment that is still to come', async () => {
      const id = await place(order(`c-${at.run}`, '3'));
      done(await send(refund(id)));
      await pay(String(id), 3450);
    });

    it('that were not paid back yet are paid back later', async () => {
      const id = await paid('d');
      const open = refund(id, [one()], { method: null });
      const first = done(await send(open)).id;
      assert.deepEqual([(await notes(open))[0]!.amount_residual, await moneyBack(open)], [11.5, []]);
      const later = { ...open, document: { ...open.document, method: 'card' } };
      assert.equal(done(await send(later)).id, first);
      assert.deepEqual([(await notes(open))[0]!.amount_residual, (await moneyBack(open)).length], [0, 1]);
    });

    it('of units that an edit took off are not booked beside the edit', async () => {
      const id = await paid('e');
      await place(order(`e-${at.run}`, '2', 2));
      assert.deepEqual([(await sold(id)).qty_invoiced, (await sold(id)).qty_to_invoice], [3, -1]);
      const back = refund(id, [money(1150)]);
      done(await send(back));
      assert.deepEqual((await sold(id)).qty_to_invoice, 0, 'Odoo has nothing left to credit by itself');
      const [note] = await notes(back);
      assert.deepEqual([note!.amount_total, note!.amount_tax], [11.5, 1.5]);
      const kind = refund(id, [money(200)]);
      done(await send(kind));
      assert.deepEqual(
        [(await notes(kind))[0]!.amount_tax, (await sold(id)).qty_to_invoice],
        [0, 0],
        'a kindness is one',
      );
    });

    const books = async (id: number) => {
      const { standing: _, ...rest } = await booksOf(at, id);
      return rest;
    };
    const loose = (memo: string) =>
      at.direct.read(
        'account.payment',
        [['memo', '=', memo]],
        ['amount', 'payment_type', 'state', 'is_reconciled'],
        at.cx,
      );
    const cancelled = (id: number) => at.call('sale.order', 'action_cancel', [[id]], { disable_cancel_warning: true });

    it('of an order that was cancelled after it was invoiced credit all of it', async () => {
      const id = await paid('j');
      await cancelled(id);
      done(await send(refund(id, [one({ quantity: '3', amount: 3450, tax: 450, left: '0' })])));
      assert.deepEqual(await books(id), { state: 'cancel', invoiced: 3450, credited: 3450, open: 0 });
    });

    it('whose order is cancelled while their credit note is a draft, which Odoo cancels with it, are credited and paid back all the same', async () => {
      const id = await paid('jj');
      const item = refund(id, [one({ quantity: '3', amount: 3450, tax: 450, left: '0' })]);
      let isCancelled = false;
      const meddled = {
        ...at.cx,
        fetch: async (url: string, init?: RequestInit) => {
          const isPosting = JSON.stringify([url, init?.body]).includes('action_post');
          if (isPosting && !isCancelled) {
            isCancelled = true;
            await cancelled(id);
          }
          return at.cx.fetch(url, init);
        },
      };
      assert.equal(cause((await hub.sinks.refunds.deliver([item], meddled))[0]), 'transient');
      assert.deepEqual(
        (await notes(item)).map(({ state }) => state),
        ['cancel'],
      );
      done(await send(item));
      assert.deepEqual(await books(id), { state: 'cancel', invoiced: 3450, credited: 3450, open: 0 });
      assert.equal((await moneyBack(item)).length, 1);
    });

    it('of an order that was cancelled before it was invoiced go from where its payment stands: no invoice, no credit note, nothing left over', async () => {
      const id = await place(order(`k-${at.run}`, '3'));
      await cancelled(id);
      const back = refund(id, [one({ quantity: '3', amount: 3450, tax: 450, left: '0' })]);
      assert.deepEqual(await hub.sinks.refunds.find!([back], at.cx), [{ found: 'absent' }]);
      await pay(String(id), 3450);
      await pay(String(id), 3450);
      for (let times = 0; times < 2; times++) assert.equal(done(await send(back)).id, `order-${id}`);
      assert.deepEqual(await hub.sinks.refunds.find!([back], at.cx), [{ found: 'whole', id: `order-${id}` }]);
      assert.deepEqual(await books(id), { state: 'cancel', invoiced: 0, credited: 0, open: 0 });
      for (const [memo, type] of [
        [`pay-${id}-${at.run}`, 'inbound'],
        [back.document.id, 'outbound'],
      ] as const) {
        const [money, ...more] = await loose(memo);
        assert.equal(more.length, 0, 'once');
        assert.deepEqual([money!.amount, money!.payment_type, money!.is_reconciled], [34.5, type, true]);
        assert.notEqual(money!.state, 'draft');
      }
    });

    it('of units taken off before they were shipped come to the same, whichever of edit, invoice and refund is first', async () => {
      const off = (id: number) => refund(id, [one({ quantity: '2', amount: 2300, tax: 300, left: '1' })]);
      const edit = (key: string) => place(order(`${key}-${at.run}`, '1', 2));
      const early = await paid('l1');
      await edit('l1');
      done(await send(off(early)));
      const late = await paid('l2');
      done(await send(off(late)));
      await edit('l2');
      for (const id of [early, late])
        assert.deepEqual(
          [await books(id), (await sold(id)).qty_to_invoice],
          [{ state: 'sale', invoiced: 3450, credited: 2300, open: 0 }, 0],
        );
    });

    it('of units taken off before the order was invoiced are on no invoice, and what was paid for them goes back from the account', async () => {
      const key = `m-${at.run}`;
      const id = await place(order(key, '3'));
      await place(order(key, '1', 2));
      const payment = {
        id: `pay-${key}`,
        order: 'O',
        method: 'card',
        paidOn: '2026-11-20',
        currency,
        amount: 3450,
        beyond: 2300,
      };
      const sent = item(payment.id, payment, { 'order:O': String(id) }) as never;
      for (let times = 0; times < 2; times++) done((await (hub.sinks.payments as Sink).deliver([sent], at.cx))[0]);
      const back = refund(id, [one({ quantity: '2', amount: 2300, tax: 300, left: '1' })]);
      for (let times = 0; times < 2; times++) done(await send(back));
      assert.deepEqual(await books(id), { state: 'sale', invoiced: 1150, credited: 0, open: 0 });
      for (const memo of [payment.id, back.document.id])
        assert.deepEqual(
          (await loose(memo)).map(({ is_reconciled: set }) => set),
          [true],
        );
    });

    const stories = {
      'an order that was cancelled': async (key: string) => {
        const id = await place(order(key, '3'));
        await cancelled(id);
        return { id, back: refund(id, [one({ quantity: '3', amount: 3450, tax: 450, left: '0' })]), beyond: {} };
      },
      'units that were taken off': async (key: string) => {
        const id = await place(order(key, '3'));
        await place(order(key, '1', 2));
        return {
          id,
          back: refund(id, [one({ quantity: '2', amount: 2300, tax: 300, left: '1' })]),
          beyond: { beyond: 2300 },
        };
      },
    };
    for (const [what, story] of Object.entries(stories))
      it(`from the account for ${what} that come before their payment are set against it when it comes, also when that was cut off`, async () => {
        for (const mishap of [null, 'cut-before', 'cut-after'] as const) {
          const key = `o${mishap}${what.length}-${at.run}`;
          const { id, back, beyond } = await story(key);
          done(await send(back));
          const money = { order: 'O', method: 'card', paidOn: '2026-11-20', currency, amount: 3450, ...beyond };
          const payment = item(`pay-${key}`, { id: `pay-${key}`, ...money }, { 'order:O': String(id) }) as never;
          const sink = hub.sinks.payments as Sink;
          road.clear();
          if (mishap) {
            road.next('account.move.line.reconcile', { do: mishap });
            const fault = faultOf((await sink.deliver([payment], at.cx))[0]);
            assert.ok(fault.kind === 'unknown' || fault.kind === 'transient', fault.kind);
            assert.equal((await sink.find!([payment], at.cx))[0]!.found, mishap === 'cut-before' ? 'absent' : 'whole');
          }
          done((await sink.deliver([payment], at.cx))[0]);
          assert.equal((await sink.find!([payment], at.cx))[0]!.found, 'whole');
          for (const [memo, amount] of [
            [`pay-${key}`, 34.5],
            [back.document.id, back.document.amount / 100],
          ] as const)
            assert.deepEqual(
              (await loose(memo)).map((row) => [row.amount, row.is_reconciled]),
              [[amount, true]],
              `${mishap}: ${memo}`,
            );
        }
      });

    const isSet = async (memo: string) => (await loose(memo)).map((row) => row.is_reconciled);
    const offAccount = async (key: string) => {
      const id = await place(order(`${key}-${at.run}`, '3'));
      await cancelled(id);
      const memo = `pay-${id}-${at.run}`;
      return { id, memo, back: (amount: number) => refund(id, [one({ quantity: '3', amount, tax: 450, left: '0' })]) };
    };

    it('from the account are set against money of their own order alone, whatever else of the customer stands there', async () => {
      const early = await offAccount('p1');
      const other = await offAccount('p2');
      await pay(String(early.id), 3450);
      // Of no amount that stands there, and of just the amount that stands there.
      for (const amount of [2000, 3450]) {
        const back = other.back(amount);
        done(await send(back));
        assert.deepEqual([await isSet(back.document.id), await isSet(early.memo)], [[false], [false]], `${amount}`);
      }
      await pay(String(other.id), 5450);
      assert.deepEqual([await isSet(other.memo), await isSet(early.memo)], [[true], [false]]);
      const own = early.back(3450);
      done(await send(own));
      assert.deepEqual([await isSet(own.document.id), await isSet(early.memo)], [[true], [true]]);
      assert.deepEqual(await hub.sinks.refunds.find!([own], at.cx), [{ found: 'whole', id: `order-${early.id}` }]);
    });

    it('from the account beside money that says of no order are a question to a person, and are booked once', async () => {
      const { id, back } = await offAccount('q');
      const [sale] = await at.direct.read('sale.order', [['id', '=', id]], ['partner_invoice_id', 'name'], at.cx);
      const partner = (sale!.partner_invoice_id as [number, string])[0];
      const [journal] = await at.direct.read('account.journal', [['code', '=', 'BNK1']], ['name'], at.cx);
      const vals = { payment_type: 'inbound', partner_type: 'customer', partner_id: partner, amount: 34.5 };
      const made = await at.create('account.payment', { ...vals, journal_id: journal!.id, memo: `by hand ${at.run}` });
      await at.call('account.payment', 'action_post', [[made]]);
      const asks = back(3450);
      const result = await send(asks);
      assert.equal(cause(result), 'account-unclear');
      assert.match(
        String((faultOf(result) as { message: string }).message),
        new RegExp(`nothing of order ${sale!.name} stands, but money that says of no order \\(`),
      );
      assert.equal(cause(await send(asks)), 'account-unclear', 'once more');
      assert.deepEqual(await isSet(asks.document.id), [false], 'booked once, set against nothing');
      const both = [['memo', 'in', [`by hand ${at.run}`, asks.document.id]]];
      const money = await at.direct.read('account.payment', both, ['move_id'], at.cx);
      const lines = await at.direct.read(
        'account.move.line',
        [
          ['move_id', 'in', money.map(({ move_id: move }) => (move as [number, string])[0])],
          ['account_id.account_type', '=', 'asset_receivable'],
        ],
        ['name'],
        at.cx,
      );
      assert.equal(lines.length, 2);
      await at.call('account.move.line', 'reconcile', [lines.map((line) => line.id)]);
      assert.equal(done(await send(asks)).id, `order-${id}`);
      assert.deepEqual(await isSet(asks.document.id), [true]);
    });

    it('from the account whose answer is lost, at whatever step, are booked once', async () => {
      const steps = ['account.payment.load', 'account.payment.action_post', 'account.move.line.reconcile'];
      for (const step of steps)
        for (const mishap of ['cut-before', 'cut-after'] as const) {
          const id = await place(order(`n${step}${mishap}-${at.run}`, '3'));
          await cancelled(id);
          await pay(String(id), 3450);
          const back = refund(id, [one({ quantity: '3', amount: 3450, tax: 450, left: '0' })]);
          road.clear();
          road.next(step, { do: mishap });
          const fault = faultOf(await send(back));
          assert.ok(fault.kind === 'unknown' || fault.kind === 'transient', `${step} ${mishap}: ${fault.kind}`);
          road.clear();
          done(await send(back));
          assert.deepEqual(
            (await loose(back.document.id)).map((row) => [row.amount, row.is_reconciled]),
            [[34.5, true]],
            `${step} ${mishap}`,
          );
        }
    });

    it('that cannot be booked say so in words, and write nothing', async () => {
      const id = await paid('f');
      assert.equal(
        cause(await send(refund(id, [one()], { currency: currency === 'CHF' ? 'SEK' : 'CHF' }))),
        'currency-unknown',
      );
      assert.equal(cause(await send(refund(id, [one()], { amount: 5 }))), 'totals-differ');
      assert.equal(cause(await send(refund(id, [one()], { method: 'odd' }))), 'journal-unknown');
      assert.equal(cause(await send(refund(id, [one()], { refundedOn: 'soon' }))), 'not-a-day');
      assert.equal(cause(await send(refund(id, [one({ quantity: 'some' })]))), 'not-a-number');
      assert.equal(
        road.calls.some(({ model, method }) => model === 'account.move' && method === 'load'),
        false,
      );
      const wrong = refund(id, [one({ tax: 0, amount: 1150 })]);
      assert.equal(cause(await send(wrong)), 'read-back-amount', 'Odoo taxes it otherwise than the shop did');
      assert.equal((await notes(wrong))[0]!.state, 'draft');
    });

    it('whose answer is lost, at whatever step, are booked and paid back once', async () => {
      const steps = ['account.move.load', 'account.move.action_post', 'account.payment.register.create'];
      for (const step of [...steps, 'account.payment.register.action_create_payments'])
        for (const mishap of ['cut-before', 'cut-after'] as const) {
          const back = refund(await paid(`h${step}${mishap}`));
          road.clear();
          road.next(step, { do: mishap });
          const fault = faultOf(await send(back));
          assert.ok(fault.kind === 'unknown' || fault.kind === 'transient', `${step} ${mishap}: ${fault.kind}`);
          road.clear();
          const [found] = await hub.sinks.refunds.find!([back], at.cx);
          if (found!.found !== 'whole') done(await send(back));
          assert.deepEqual([(await notes(back)).length, (await moneyBack(back)).length], [1, 1], `${step} ${mishap}`);
          assert.equal((await notes(back))[0]!.amount_residual, 0);
        }
    });
  });
