import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { type OdooConnection, odoo } from '../../src/connectors/odoo/index.ts';
import { type CreditRules, toRefund } from '../../src/connectors/odoo/mapping/credit-notes.ts';
import type { CreditNoteRecord } from '../../src/connectors/odoo/sources/credit-notes.ts';
import type { Item, Sink } from '../../src/core/connector.ts';
import type { Order } from '../../src/model/order.ts';
import type { Refund } from '../../src/model/refund.ts';
import { done, faultOf, item, lookWith, type People, people, readAll, soldOn } from './estate.ts';
import { type Road, startProxy } from './proxy.ts';
import { accessTo, type OdooServer, servers } from './servers.ts';

const mappings = {
  taxes: { standard: '15%' },
  'payment-methods': { card: 'BNK1' },
  'odoo-warehouses': { WH: 'warehouse' },
};

/** Credit notes that people make in Odoo: read, told once, and paid; simulators of 18 and 19, or the real server that the environment names. */
for (const { name, start } of servers)
  describe(`credit notes: ${name}`, () => {
    let server: OdooServer;
    let road: Road;
    let at: People;
    let hub: OdooConnection;
    let currency: string;
    let warehouse: string;
    let links: Record<string, string>;
    let cursor: string | null = null;

    before(async () => {
      server = await start();
      road = await startProxy(server.url);
      at = await people(server, { mappings });
      hub = odoo({ ...accessTo(server), url: road.url });
      currency = (await at.direct.company(at.cx)).currency.name;
      warehouse = (await at.direct.warehouse(at.cx)).code;
      const customer = { id: 'C', number: null, name: `Buyer ${at.run}`, country: null };
      links = {
        'customer:C': done((await hub.sinks.customers.deliver([item(`c-${at.run}`, customer)], at.cx))[0]).id,
        'product:G': String(await at.product('G', 100)),
      };
      cursor = (await readAll(hub.sources.creditNotes, null, at.cx)).cursor;
    });
    beforeEach(() => road.clear());
    after(async () => {
      await road?.close();
      await server?.stop();
    });

    const orderOf = (key: string, quantity: string): Item<Order> => {
      const line = {
        id: 'L1',
        sku: 'G',
        description: 'Goods',
        quantity,
        unitPrice: '10.00',
        taxes: ['standard'],
        total: Number(quantity) * 1000,
        tax: Number(quantity) * 150,
      };
      const document: Order = {
        ...soldOn(key, currency),
        lines: [line],
      };
      return item(key, document, links);
    };
    interface Sold {
      readonly id: number;
      readonly order: Item<Order>;
      readonly invoice: number;
    }
    /** So many pieces of 10.00 and 15 % of tax, paid unless said otherwise. */
    const sell = async (key: string, quantity = '3', paid = true): Promise<Sold> => {
      const order = orderOf(`${key}-${at.run}`, quantity);
      const id = Number(done((await hub.sinks.saleOrders.deliver([order], at.cx))[0]).id);
      const amount = Number(quantity) * 1150;
      const payment = { id: `pay-${order.key}`, order: 'O', method: 'card', paidOn: '2026-11-20', currency, amount };
      const sent = item(payment.id, paid ? payment : { ...payment, amount: 100 }, { 'order:O': String(id) });
      done((await (hub.sinks.payments as Sink).deliver([sent as never], at.cx))[0]);
      const [invoice] = await at.direct.read(
        'account.move',
        [['invoice_line_ids.sale_line_ids.order_id', '=', id]],
        ['name'],
        at.cx,
      );
      return { id, order, invoice: invoice!.id as number };
    };
    /** A person reverses an invoice: gives the draft. */
    const reverse = async (invoice: number): Promise<number> => {
      const [move] = await at.direct.read('account.move', [['id', '=', invoice]], ['journal_id'], at.cx);
      const context = { active_model: 'account.move', active_ids: [invoice] };
      const vals = { reason: 'goodwill', journal_id: (move!.journal_id as [number, string])[0], date: '2026-11-24' };
      const wizard = await at.create('account.move.reversal', vals, context);
      const action = (await at.call('account.move.reversal', 'refund_moves', [[wizard]], context)) as {
        res_id: number;
      };
      return action.res_id;
    };
    const linesOf = (note: number) =>
      at.direct.read(
        'account.move.line',
        [
          ['move_id', '=', note],
          ['display_type', '=', 'product'],
        ],
        ['quantity', 'price_unit', 'sale_line_ids'],
        at.cx,
      );
    const edit = async (note: number, vals: Record<string, unknown>) => {
      const [line] = await linesOf(note);
      await at.write('account.move', note, { invoice_line_ids: [[1, line!.id, vals]] });
    };
    const post = async (note: number) => {
      await at.call('account.move', 'action_post', [[note]]);
    };
    const readOne = async (id: number): Promise<CreditNoteRecord | undefined> =>
      (await readAll(hub.sources.creditNotes, cursor, at.cx)).natives.find((one) => one.id === id);
    const rules: CreditRules = { sold: (key) => key.endsWith(at.run), returnsToo: false };
    const look = (sold: Sold, told?: Refund) =>
      lookWith({
        mappings: { ...mappings, 'odoo-warehouses': { [warehouse]: 'warehouse' } },
        keys: {
          [`order ${sold.id}`]: sold.order.key,
          ...(told ? { [`refund ${told.id.replace(/^.*-/, '')}`]: told.id } : {}),
        },
        documents: {
          [`order ${sold.order.key}`]: sold.order.document,
          ...(told ? { [`refund ${told.id}`]: told } : {}),
        },
      });
    const told = async (note: number, sold: Sold, more: Partial<CreditRules> = {}): Promise<Refund> => {
      const record = await readOne(note);
      assert.ok(record, 'the credit note was not read');
      const { refund, objection } = await toRefund(record, look(sold), { ...rules, ...more });
      assert.equal(objection, null);
      assert.ok(refund, 'nothing was told');
      return refund;
    };
    const payments = (memo: string) =>
      at.direct.read('account.payment', [['memo', '=', memo]], ['amount', 'payment_type', 'is_reconciled'], at.cx);
    const stateOf = async (id: number) =>
      (
        await at.direct.read('account.move', [['id', '=', id]], ['state', 'amount_total', 'amount_residual'], at.cx)
      )[0]!;
    const returnGoods = async (order: number, quantity: number) => {
      const domain = [
        ['sale_id', '=', order],
        ['picking_type_id.code', '=', 'outgoing'],
      ];
      const [picking] = await at.direct.read('stock.picking', domain, ['state'], at.cx);
      if (picking!.state !== 'done') await at.ship(picking!.id as number, 3);
      const wizard = await at.create('stock.return.picking', { picking_id: picking!.id });
      const [line] = await at.direct.read(
        'stock.return.picking.line',
        [['wizard_id', '=', wizard]],
        ['quantity'],
        at.cx,
      );
      await at.write('stock.return.picking.line', line!.id as number, { quantity });
      const made = (await at.call('stock.return.picking', 'action_create_returns', [[wizard]])) as { res_id: number };
      await at.ship(made.res_id, quantity);
      return made.res_id;
    };

    it('are told once they are posted, with the units and the cents of their lines', async () => {
      const sold = await sell('whole');
      const note = await reverse(sold.invoice);
      await edit(note, { quantity: 2 });
      const draft = await readOne(note);
      assert.equal(draft?.state, 'draft');
      assert.deepEqual(await toRefund(draft, look(sold), rules), { refund: null, objection: null });
      await post(note);
      const refund = await told(note, sold);
      assert.equal(refund.order, sold.order.key);
      assert.equal(refund.orderNumber, sold.order.document.number);
      assert.equal(refund.amount, 2300);
      assert.equal(refund.currency, currency);
      assert.equal(refund.method, null);
      assert.equal(refund.refundedOn, '2026-11-24');
      assert.equal(refund.creditNote, refund.number);
      const { id, ...line } = refund.lines[0]!;
      assert.deepEqual(line, {
        orderLine: 'L1',
        description: line.description,
        quantity: '2',
        amount: 2300,
        tax: 300,
        taxes: ['standard'],
      });
      assert.equal(refund.lines.length, 1);
      assert.deepEqual(await toRefund((await readOne(note))!, look(sold, refund), rules), {
        refund: null,
        objection: null,
      });
    });

    it('are paid once on the credit note itself, though answers are lost, and make no second one', async () => {
      const sold = await sell('paid');
      const note = await reverse(sold.invoice);
      await post(note);
      const refund = { ...(await told(note, sold)), method: 'card', refundedOn: '2026-11-25' };
      const owed: Item<Refund> = {
        ...item(refund.id, refund, { [`order:${refund.order}`]: String(sold.id) }),
        id: String(note),
      };
      const send = async () => (await hub.sinks.refunds.deliver([owed], at.cx))[0];
      assert.deepEqual(await hub.sinks.refunds.find!([owed], at.cx), [{ found: 'absent' }]);
      road.next('account.payment.register.action_create_payments', { do: 'cut-after' });
      assert.equal(faultOf(await send()).kind, 'unknown');
      assert.deepEqual(await hub.sinks.refunds.find!([owed], at.cx), [{ found: 'whole', id: String(note) }]);
      assert.equal(done(await send()).id, String(note));
      assert.equal(done(await send()).id, String(note));
      const paid = await payments(refund.id);
      assert.equal(paid.length, 1);
      assert.equal(paid[0]!.amount, 34.5);
      assert.equal(paid[0]!.payment_type, 'outbound');
      assert.equal((await stateOf(note)).amount_residual, 0);
      const notes = await at.direct.read(
        'account.move',
        [
          ['move_type', '=', 'out_refund'],
          ['invoice_line_ids.sale_line_ids.order_id', '=', sold.id],
        ],
        ['name'],
        at.cx,
      );
      assert.equal(notes.length, 1);
      const again = await readOne(note);
      assert.deepEqual(await toRefund(again!, look(sold, refund), rules), { refund: null, objection: null });
    });

    it('of a lower price, or of nothing that was sold, are money alone', async () => {
      const sold = await sell('price');
      const note = await reverse(sold.invoice);
      await edit(note, { quantity: 1, price_unit: 3.33 });
      await at.write('account.move', note, {
        invoice_line_ids: [[0, 0, { name: 'Sorry', quantity: 1, price_unit: 1.01, tax_ids: [[6, 0, []]] }]],
      });
      await post(note);
      const refund = await told(note, sold);
      assert.equal(refund.amount, 484);
      assert.deepEqual(
        refund.lines.map(({ orderLine, quantity, amount }) => [orderLine, quantity, amount]),
        [
          ['L1', '0', 383],
          [null, '0', 101],
        ],
      );
    });

    it('that name the order as their origin are for it', async () => {
      const sold = await sell('origin');
      const [sale] = await at.direct.read('sale.order', [['id', '=', sold.id]], ['name', 'partner_id'], at.cx);
      const note = await at.create('account.move', {
        move_type: 'out_refund',
        partner_id: (sale!.partner_id as [number, string])[0],
        invoice_date: '2026-11-24',
        invoice_origin: sale!.name,
        invoice_line_ids: [[0, 0, { name: 'Goodwill', quantity: 1, price_unit: 5, tax_ids: [[6, 0, []]] }]],
      });
      await post(note);
      const refund = await told(note, sold);
      assert.equal(refund.order, sold.order.key);
      assert.deepEqual(
        refund.lines.map(({ orderLine, quantity, amount }) => [orderLine, quantity, amount]),
        [[null, '0', 500]],
      );
    });

    it('say which goods came back, and to where', async () => {
      const sold = await sell('back');
      const picking = await returnGoods(sold.id, 1);
      const note = await reverse(sold.invoice);
      await edit(note, { quantity: 1 });
      await post(note);
      const refund = await told(note, sold);
      assert.equal(refund.lines[0]!.restockAt, 'warehouse');
      assert.equal(refund.return, null);
      const waits = await told(note, sold, { returnsToo: true });
      assert.equal(waits.return, `odoo-main:return-${picking}`);
      assert.equal(waits.lines[0]!.restockAt, undefined);
      assert.equal(waits.lines[0]!.mayReturn, undefined);
      // One piece came back, and this one was credited already.
      const second = await reverse(sold.invoice);
      await edit(second, { quantity: 1 });
      await post(second);
      const [kept] = (await told(second, sold)).lines;
      assert.deepEqual([kept!.restockAt, kept!.mayReturn], [undefined, undefined]);
      const [may] = (await told(second, sold, { returnsToo: true })).lines;
      assert.deepEqual([may!.quantity, may!.mayReturn], ['1', true], 'a return of its own tells of it if it comes');
    });

    it('that were set against what is still open of the invoice are owed as far as they were not', async () => {
      const open = await sell('open', '3', false);
      const note = await reverse(open.invoice);
      await post(note);
      const refund = await told(note, open);
      assert.equal(refund.amount, 100, 'all but what was paid is set against the invoice');
      assert.deepEqual(
        refund.lines.map(({ id, orderLine, quantity, amount }) => [id, orderLine, quantity, amount]),
        [['rest', null, '0', 100]],
      );
      const half = await sell('half', '3', false);
      const small = await reverse(half.invoice);
      await edit(small, { quantity: 1 });
      await post(small);
      assert.deepEqual(await toRefund((await readOne(small))!, look(half), rules), { refund: null, objection: null });
    });

    it('that are reset or cancelled after they were told go to a person, and so does another amount', async () => {
      const sold = await sell('reset');
      const note = await reverse(sold.invoice);
      await post(note);
      const refund = await told(note, sold);
      await at.call('account.move', 'button_draft', [[note]]);
      const reset = await toRefund((await readOne(note))!, look(sold, refund), rules);
      assert.equal(reset.refund, null);
      assert.equal(reset.objection?.cause, 'credit-note-taken-back');
      assert.match(reset.objection.message, /reset to draft in Odoo after the shop was told to pay back 34\.50/);
      await edit(note, { quantity: 1 });
      await post(note);
      const other = await toRefund((await readOne(note))!, look(sold, refund), rules);
      assert.equal(other.objection?.cause, 'credit-note-changed');
      assert.match(other.objection.message, /was 34\.50 .* is 11\.50/);
      await at.call('account.move', 'button_draft', [[note]]);
      await at.call('account.move', 'button_cancel', [[note]]);
      const gone = await toRefund((await readOne(note))!, look(sold, refund), rules);
      assert.match(gone.objection!.message, /cancelled in Odoo/);
      const owed = {
        ...item(refund.id, { ...refund, method: 'card' }, { [`order:${refund.order}`]: String(sold.id) }),
        id: String(note),
      };
      const fault = faultOf((await hub.sinks.refunds.deliver([owed], at.cx))[0]);
      assert.equal(fault.kind === 'rejected' && fault.cause, 'credit-note-not-posted');
    });

    it('that the hub made of refunds told elsewhere, and those of before, are not read', async () => {
      const sold = await sell('echo');
      const line = { id: '1', orderLine: 'L1', description: 'Goods', quantity: '1', amount: 1150, tax: 150 };
      const refund: Refund = {
        id: `shop:${at.run}-echo`,
        number: `F-${at.run}-echo`,
        order: 'O',
        orderNumber: 'W',
        return: null,
        refundedOn: '2026-11-22',
        method: 'card',
        currency,
        amount: 1150,
        lines: [{ ...line, taxes: ['standard'] }],
      };
      const made = done(
        (await hub.sinks.refunds.deliver([item(refund.id, refund, { 'order:O': String(sold.id) })], at.cx))[0],
      ).id;
      assert.equal(await readOne(Number(made)), undefined);
      const late = odoo({ ...accessTo(server), url: road.url, capture: { goLive: '2100-01-01T00:00:00Z' } });
      const note = await reverse(sold.invoice);
      await post(note);
      assert.ok(await readOne(note));
      const { natives } = await readAll(late.sources.creditNotes, cursor, at.cx);
      assert.deepEqual(natives, []);
      // Who begins to read now is not told of what is there; times count seconds.
      await setTimeout(1100);
      const { natives: news } = await readAll(hub.sources.creditNotes, null, at.cx);
      // Others may be making theirs in the same books meanwhile.
      const own = (one: object) => 'id' in one && (one.id === note || String(one.id) === made);
      assert.deepEqual(news.filter(own), []);
    });

    it('of several orders go to a person, those of orders of nobody nowhere', async () => {
      const one = await sell('one');
      const other = await sell('other');
      const note = await reverse(one.invoice);
      const [, line] = [await linesOf(note), (await linesOf(await reverse(other.invoice)))[0]!];
      await at.write('account.move', note, {
        invoice_line_ids: [
          [
            0,
            0,
            {
              name: 'Other',
              quantity: 1,
              price_unit: 1,
              tax_ids: [[6, 0, []]],
              sale_line_ids: [[6, 0, line.sale_line_ids]],
            },
          ],
        ],
      });
      await post(note);
      const record = (await readOne(note))!;
      assert.equal(record.orders.length, 2);
      await assert.rejects(toRefund(record, look(one), rules), /is for 2 orders/);
      assert.deepEqual(await toRefund(record, look(one), { ...rules, sold: () => false }), {
        refund: null,
        objection: null,
      });
    });
  });
