import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { partsOf } from '../../src/cli/parts.ts';
import { type OdooConnection, odoo } from '../../src/connectors/odoo/index.ts';
import { shopify } from '../../src/connectors/shopify/index.ts';
import type { Context, Match, Sink } from '../../src/core/connector.ts';
import { defineEstate, secret } from '../../src/core/estate.ts';
import { adoptMatches, compareSides } from '../../src/engine/adopt.ts';
import { webOrders } from '../../src/flows/web-orders.ts';
import { listExceptions } from '../../src/ledger/exceptions.ts';
import type { Payment } from '../../src/model/payment.ts';
import type { Refund } from '../../src/model/refund.ts';
import type { Return } from '../../src/model/return.ts';
import { startOdooSimulator } from '../../src/simulators/odoo/index.ts';
import { startShopify } from '../../src/simulators/shopify/index.ts';
import { closeReturn, fulfil, openReturn, placeOrder, refundOrder } from '../../src/simulators/shopify/orders.ts';
import { person } from '../../src/simulators/shopify/traffic.ts';
import { goLive } from '../support/go-live.ts';
import { testLedger } from '../support/hub.ts';
import { booksOf, done, faultOf, item, type People, people } from './estate.ts';
import { type Road, startProxy } from './proxy.ts';
import { accessTo, isReal, type OdooServer, servers } from './servers.ts';

const DAY = '2026-11-20';

/** The real Odoo of the environment, which must keep euros, or simulated ones that do. */
const euro: { name: string; start: () => Promise<OdooServer> }[] = isReal
  ? [...servers]
  : ([18, 19] as const).map((version) => ({
      name: `simulated Odoo ${version}`,
      start: () => startOdooSimulator({ version, seed: 3, currency: 'EUR' }),
    }));

/** What people do about orders in Odoo, beside any hub. */
function bookkeeper(at: People, journal: number) {
  const booked = async (order: number): Promise<number> => {
    const [row] = await at.direct.read('sale.order', [['id', '=', order]], ['invoice_ids'], at.cx);
    return (row!.invoice_ids as number[])[0]!;
  };
  const post = (model: string, id: number) => at.call(model, 'action_post', [[id]]);
  const me = {
    invoice: async (order: number): Promise<number> => {
      const vals = { advance_payment_method: 'delivered', sale_order_ids: [[6, 0, [order]]] };
      const wizard = await at.create('sale.advance.payment.inv', vals);
      await at.call('sale.advance.payment.inv', 'create_invoices', [[wizard]]);
      await post('account.move', await booked(order));
      return booked(order);
    },
    /** Registers money on an invoice or credit note. */
    pay: async (move: number, amount: number, memo?: string): Promise<void> => {
      const context = { active_model: 'account.move', active_ids: [move] };
      const said = memo === undefined ? {} : { communication: memo };
      const vals = { journal_id: journal, amount, payment_date: DAY, ...said };
      const wizard = await at.create('account.payment.register', vals, context);
      await at.call('account.payment.register', 'action_create_payments', [[wizard]], context);
    },
    /** Enters money by itself. */
    enter: async (
      direction: 'inbound' | 'outbound',
      partner: number,
      amount: number,
      memo: string,
    ): Promise<number> => {
      const vals = { payment_type: direction, partner_type: 'customer', partner_id: partner, amount, memo, date: DAY };
      const id = await at.create('account.payment', { ...vals, journal_id: journal });
      await post('account.payment', id);
      return id;
    },
    /** Sets money that was entered by itself against an invoice. */
    settle: async (payment: number, invoice: number): Promise<void> => {
      const [row] = await at.direct.read('account.payment', [['id', '=', payment]], ['move_id'], at.cx);
      const domain = [
        ['move_id', 'in', [invoice, (row!.move_id as [number, string])[0]]],
        ['account_id.account_type', '=', 'asset_receivable'],
      ];
      const lines = await at.direct.read('account.move.line', domain, ['move_id'], at.cx);
      await at.call('account.move.line', 'reconcile', [lines.map(({ id }) => id)]);
    },
    /** A posted credit note on an invoice of one line, over so many of it. */
    credit: async (invoice: number, quantity: number): Promise<number> => {
      const [move] = await at.direct.read('account.move', [['id', '=', invoice]], ['journal_id'], at.cx);
      const context = { active_model: 'account.move', active_ids: [invoice] };
      const vals = { reason: 'sent back', journal_id: (move!.journal_id as [number, string])[0], date: DAY };
      const wizard = await at.create('account.move.reversal', vals, context);
      const made = (await at.call('account.move.reversal', 'refund_moves', [[wizard]], context)) as { res_id: number };
      const domain = [
        ['move_id', '=', made.res_id],
        ['display_type', '=', 'product'],
      ];
      const [line] = await at.direct.read('account.move.line', domain, ['quantity'], at.cx);
      await at.write('account.move', made.res_id, { invoice_line_ids: [[1, line!.id, { quantity }]] });
      await post('account.move', made.res_id);
      return made.res_id;
    },
    /** Takes goods of a shipped transfer back; `done` false: only says that they will come. */
    receive: async (picking: number, quantity: number, { done: here = true } = {}): Promise<number> => {
      const wizard = await at.create('stock.return.picking', { picking_id: picking });
      const domain = [['wizard_id', '=', wizard]];
      const [line] = await at.direct.read('stock.return.picking.line', domain, ['quantity'], at.cx);
      await at.write('stock.return.picking.line', line!.id as number, { quantity });
      const made = (await at.call('stock.return.picking', 'action_create_returns', [[wizard]])) as { res_id: number };
      if (here) await at.ship(made.res_id, quantity);
      return made.res_id;
    },
  };
  return me;
}

/** Names of the documents of one order, as `match` answers. */
const ids = (matches: readonly Match[]): (string | null)[] =>
  matches.map((one) => (one.match === 'one' ? one.id : one.match === 'none' ? null : 'several'));

for (const { name, start } of euro)
  describe(`adopting money and returns: ${name}`, () => {
    let server: OdooServer;
    let road: Road;
    let at: People;
    let hub: OdooConnection;
    let cx: Context;
    let partner: number;
    /** A contact of it. */
    let office: number;
    let product: number;
    let desk: ReturnType<typeof bookkeeper>;
    /** What is bound: kind and id, to the key. */
    const bound = new Map<string, string>();
    let number = 0;

    before(async () => {
      server = await start();
      road = await startProxy(server.url);
      at = await people(server, { mappings: { 'payment-methods': { card: 'BNK1' } } });
      desk = bookkeeper(at, await at.direct.journal('BNK1', at.cx));
      hub = odoo({ ...accessTo(server), url: road.url });
      const other = (kind: string, key: string, id: string) => {
        const owner = bound.get(`${kind} ${id}`);
        return owner === undefined || owner === key ? null : owner;
      };
      cx = { ...at.cx, otherBoundTo: async (kind, key, id) => other(kind, key, id) };
      partner = await at.create('res.partner', { name: `Known ${at.run}`, email: `known-${at.run}@example.com` });
      office = await at.create('res.partner', { name: 'Office', parent_id: partner, type: 'contact' });
      product = await at.product('M', 1000);
    });
    beforeEach(() => {
      road.clear();
      bound.clear();
    });
    after(async () => {
      await road?.close();
      await server?.stop();
    });

    /** An order of so many pieces of 10.00 that people made, with its transfer. */
    const sold = async (pieces: number, buyer = partner) => {
      const reference = `N${++number}-${at.run}`;
      const line = { product_id: product, product_uom_qty: pieces, price_unit: 10 };
      const made = await at.order(product, pieces, {
        partner_id: buyer,
        client_order_ref: reference,
        order_line: [[0, 0, line]],
      });
      return { ...made, reference };
    };
    type Sold = Awaited<ReturnType<typeof sold>>;
    const about = ({ order, reference }: Sold) => ({
      links: { 'order:O': String(order) },
      says: { order: 'O', orderNumber: reference },
    });
    const payment = (one: Sold, key: string, amount: number, id: string | null = null) => {
      const document: Payment = { id: key, order: 'O', method: 'card', paidOn: DAY, currency: 'EUR', amount };
      return { ...item(key, document, about(one).links), id };
    };
    const refund = (one: Sold, key: string, amount: number, id: string | null = null) => {
      const line = { id: '1', orderLine: 'L1', description: 'Goods', quantity: '1', amount, tax: 0, taxes: [] };
      const document: Refund = {
        id: key,
        number: `${one.reference}-${key}`,
        ...about(one).says,
        return: null,
        refundedOn: DAY,
        method: 'card',
        currency: 'EUR',
        amount,
        lines: [line],
      };
      return { ...item(key, document, about(one).links), id };
    };
    const back = (one: Sold, key: string, quantity: string, id: string | null = null) => {
      const line = { id: '1', orderLine: 'L1', sku: `M-${at.run}`.toUpperCase(), quantity, reason: 'unwanted' };
      const document: Return = {
        id: key,
        number: `${one.reference}-${key}`,
        ...about(one).says,
        state: 'received',
        location: null,
        occurredAt: `${DAY}T10:00:00Z`,
        lines: [{ ...line, restock: true }],
      };
      return { ...item(key, document, about(one).links), id };
    };
    const key = (word: string): string => `${word}-${at.run}-${++number}`;
    const matches = (sink: unknown, items: readonly object[]): Promise<Match[]> =>
      (sink as Sink).match!(items as never, cx);
    const send = async (sink: unknown, one: object) => (await (sink as Sink).deliver([one] as never, cx))[0];
    /** What is asked for all is asked at once. */
    const askedAtOnce = async (sink: unknown, items: readonly object[]): Promise<void> => {
      const counts: number[] = [];
      for (const some of [items.slice(0, 1), items]) {
        road.calls.length = 0;
        await matches(sink, some);
        counts.push(road.calls.length);
      }
      assert.equal(counts[0], counts[1], 'as many calls for one as for all');
    };
    const paidOn = (direction: string): Promise<number> => {
      const own = ['partner_id', 'in', [partner, office]];
      return at.direct.count('account.payment', [own, ['payment_type', '=', direction]], at.cx);
    };
    const notes = (): Promise<number> => {
      const own = ['partner_id', 'in', [partner, office]];
      return at.direct.count('account.move', [own, ['move_type', '=', 'out_refund']], at.cx);
    };
    const receipts = (): Promise<number> => {
      const own = ['product_id', '=', product];
      return at.direct.count('stock.move', [own, ['origin_returned_move_id', '!=', false]], at.cx);
    };
    const causeOf = (result: Parameters<typeof faultOf>[0]) => {
      const fault = faultOf(result);
      return [fault.kind === 'rejected' ? fault.cause : fault.kind, fault.message] as const;
    };

    it('payments are found by invoice or memo, order and amount; what is bound is not registered again', async () => {
      const { payments } = hub.sinks;
      const [onInvoice, byMemo, none] = [await sold(3), await sold(4, office), await sold(5)];
      const later = await sold(6);
      await desk.pay(await desk.invoice(onInvoice.order), 30);
      const entered = await desk.enter('inbound', partner, 40, `web shop ${byMemo.reference}, card`);
      const set = await desk.enter('inbound', partner, 60, 'transfer');
      await desk.settle(set, await desk.invoice(later.order));
      await desk.invoice(none.order);
      const items = [
        payment(onInvoice, key('p'), 3000),
        payment(byMemo, key('p'), 4000),
        payment(none, key('p'), 5000),
        payment(later, key('p'), 6000),
        { ...payment(none, key('p'), 5000), links: new Map([['order:O', '']]) },
      ];
      const found = ids(await matches(payments, items));
      await askedAtOnce(payments, items);
      assert.deepEqual(found.slice(1), [String(entered), null, String(set), null], 'the customer is the whole company');
      assert.match(found[0]!, /^\d+$/);
      const before = await paidOn('inbound');
      for (const place of [0, 1, 3])
        assert.equal(done(await send(payments, { ...items[place]!, id: found[place]! })).id, found[place]);
      assert.equal(await paidOn('inbound'), before, 'nothing is registered a second time');
      done(await send(payments, items[2]!));
      assert.deepEqual([await paidOn('inbound'), (await booksOf(at, none.order)).open], [before + 1, 0]);
    });

    it('equal instalments are told apart by their memos only, and a payment over something else is not taken', async () => {
      const { payments } = hub.sinks;
      const [alike, told, unlike] = [await sold(2), await sold(2), await sold(4)];
      const plain = await desk.invoice(alike.order);
      for (const memo of ['first', 'second']) await desk.pay(plain, 10, memo);
      const [one, two] = [key('ch_'), key('ch_')];
      const invoice = await desk.invoice(told.order);
      await desk.pay(invoice, 10, `card ${two}`);
      await desk.pay(invoice, 10, 'bank');
      await desk.enter('inbound', partner, 23, unlike.reference);
      const items = [
        payment(alike, key('p'), 1000),
        payment(alike, key('p'), 1000),
        payment(told, one, 1000),
        payment(told, two, 1000),
        payment(unlike, key('p'), 4000),
      ];
      const answers = await matches(payments, items);
      assert.deepEqual(ids(answers).slice(0, 2), ['several', 'several']);
      const [, , bank, card] = ids(answers);
      assert.ok(Number(card) < Number(bank), 'each its own');
      const message = (place: number): string => (answers[place] as { message: string }).message;
      assert.match(
        message(0),
        new RegExp(`^payment of 10.00 EUR for order ${alike.reference}: Odoo has 2 .*\\(id \\d+\\) over 10.00 EUR, `),
      );
      assert.match(message(4), /payment .* over 23.00 EUR, which is not the same$/);
      const before = await paidOn('inbound');
      for (const place of [0, 4]) assert.equal(causeOf(await send(payments, items[place]!))[0], 'may-be-there');
      assert.equal(await paidOn('inbound'), before, 'nothing is registered where people may have done it');
      bound.set(`payment ${bank}`, one);
      bound.set(`payment ${card}`, two);
      assert.deepEqual(
        ids(await matches(payments, [payment(told, key('p'), 1000)])),
        [null],
        'both are others already',
      );
    });

    it('refunds are found by order and total; their money is paid back once, whoever does it', async () => {
      const { refunds } = hub.sinks;
      const [paid, owed, loose, twice] = [await sold(3), await sold(3), await sold(3), await sold(5)];
      const invoices: number[] = [];
      for (const one of [paid, owed, loose, twice]) invoices.push(await desk.invoice(one.order));
      for (const [place, amount] of [30, 30, 30, 50].entries()) await desk.pay(invoices[place]!, amount);
      const made: number[] = [];
      for (const invoice of invoices.slice(0, 3)) made.push(await desk.credit(invoice, 1));
      await desk.pay(made[0]!, 10);
      for (let n = 0; n < 2; n++) await desk.credit(invoices[3]!, 2);
      const items = [
        refund(paid, key('r'), 1000),
        refund(owed, key('r'), 1000),
        refund(twice, key('r'), 2000),
        refund(paid, key('r'), 900),
      ];
      const answers = await matches(refunds, items);
      await askedAtOnce(refunds, items);
      assert.deepEqual(ids(answers), [String(made[0]), String(made[1]), 'several', null]);
      assert.match(
        (answers[2] as { message: string }).message,
        /: Odoo has 2 that it may be: credit note .* over 20.00 EUR, credit note /,
      );
      const counts = async () => [await notes(), await paidOn('outbound')];
      const [credited, out] = await counts();
      assert.equal(done(await send(refunds, { ...items[0]!, id: String(made[0]) })).id, String(made[0]));
      assert.deepEqual(await counts(), [credited, out], 'neither credited nor paid a second time');
      for (let n = 0; n < 2; n++) done(await send(refunds, { ...items[1]!, id: String(made[1]), version: n + 1 }));
      assert.deepEqual(await counts(), [credited, out! + 1], 'what nobody had paid is paid, once');
      assert.equal(causeOf(await send(refunds, items[2]!))[0], 'may-be-there');
      await desk.enter('outbound', partner, 10, 'cash');
      const third = refund(loose, key('r'), 1000);
      assert.deepEqual(ids(await matches(refunds, [third])), ['several']);
      const [cause, words] = causeOf(await send(refunds, { ...third, id: String(made[2]) }));
      assert.equal(cause, 'account-unclear');
      assert.match(words, /is not paid back, but its customer was paid payment .* over 10.00 EUR/);
      assert.deepEqual(await counts(), [credited, out! + 2]);
    });

    it('returns are found by order and goods, and what is open or otherwise is asked about', async () => {
      const { returns } = hub.sinks;
      const [same, other, open, none] = [await sold(4), await sold(4), await sold(4), await sold(4)];
      for (const { picking } of [same, other, open, none]) await at.ship(picking, 4);
      const here = await desk.receive(same.picking, 2);
      await desk.receive(other.picking, 3);
      await desk.receive(open.picking, 2, { done: false });
      const items = [same, other, open, none].map((one) => back(one, key('b'), '2'));
      const answers = await matches(returns, items);
      await askedAtOnce(returns, items);
      assert.deepEqual(ids(answers), [String(here), 'several', 'several', null]);
      assert.match((answers[1] as { message: string }).message, /receipt .* with 3 of M-.*, which is not the same$/);
      assert.match((answers[2] as { message: string }).message, /open receipt .* with 2 of M-/);
      const before = await receipts();
      assert.equal(done(await send(returns, { ...items[0]!, id: String(here) })).id, String(here));
      for (const place of [1, 2]) assert.equal(causeOf(await send(returns, items[place]!))[0], 'may-be-there');
      assert.equal(await receipts(), before, 'nothing is received a second time');
      done(await send(returns, items[3]!));
      assert.equal(await receipts(), before + 1);
    });

    it('a shop whose payments, refund and return people have booked goes live, and nothing happens a second time', async (t) => {
      const simulator = await startShopify({ seed: 5, bucket: [1e6, 1e6] });
      t.after(() => simulator.stop());
      const { shop } = simulator;
      shop.addLocation('Warehouse');
      const [variant] = shop.addProduct('Thing', [{ sku: `M-${at.run}`, price: 1000n }]).variants;
      for (const { id } of shop.locations.values()) shop.level(variant!.inventoryItemId, id)!.available = 1000;
      const buyer = { ...person(shop, 1), email: `known-${at.run}@example.com` };
      /** The same order in the shop and in Odoo. */
      const both = async (pieces: number) => {
        const order = placeOrder(shop, { lines: [{ variantId: variant!.id, quantity: pieces }], customer: buyer });
        Object.assign(order, { name: `${order.name}-${at.run}` });
        const line = { product_id: product, product_uom_qty: pieces, price_unit: 10 };
        const vals = { partner_id: partner, client_order_ref: order.name, order_line: [[0, 0, line]] };
        return { shop: order, ...(await at.order(product, pieces, vals)) };
      };
      const [whole, unpaid, unclear] = [await both(3), await both(4), await both(5)];
      fulfil(shop, whole.shop, []);
      closeReturn(shop, whole.shop, openReturn(shop, whole.shop, whole.shop.lines[0]!.id, 2));
      await at.ship(whole.picking, 3);
      const invoice = await desk.invoice(whole.order);
      await desk.pay(invoice, 30);
      const received = await desk.receive(whole.picking, 2);
      const note = await desk.credit(invoice, 2);
      await desk.pay(note, 20);
      refundOrder(shop, unclear.shop, [], { money: 1000n });
      const second = await desk.invoice(unclear.order);
      await desk.pay(second, 50);
      for (let n = 0; n < 2; n++) await desk.credit(second, 1);

      const web = shopify({
        shop: shop.domain,
        url: simulator.url,
        token: secret('TOKEN'),
        clientSecrets: [secret('CLIENT')],
        every: '1s',
      });
      const erp = odoo({ ...accessTo(server), url: road.url });
      const { customers, products, saleOrders, payments, refunds, returns } = erp.sinks;
      const to = { customer: customers, product: products, order: saleOrders, payment: payments, refund: refunds };
      const flow = webOrders({ from: web.sources.orders, to: { ...to, return: returns }, zone: 'Europe/Brussels' });
      const rows: Record<string, Record<string, string>> = {
        'shopify-locations': Object.fromEntries([...shop.locations.values()].map(({ id }) => [id, 'main'])),
        'shopify-payment-methods': { shopify_payments: 'card' },
        'shopify-return-reasons': { unwanted: 'unwanted', unknown: 'unwanted' },
      };
      const [warehouse] = await at.direct.warehouses(at.cx);
      const mappings = [
        ...flow.mappings!.map((seed) => ({ ...seed, rows: rows[seed.table] ?? seed.rows })),
        { table: 'payment-methods', owner: 'finance', about: 'Journals', rows: { card: 'BNK1' } },
        { table: 'warehouses', owner: 'operations', about: 'Warehouses', rows: { main: warehouse!.code } },
      ];
      // The shop's ids are the same in every run, and an Odoo may have seen one before.
      const source = `web-${at.run}`;
      const connections = { [source]: web, erp };
      const approvals = { 'web-orders': { reason: 'looked for by their reference', by: 'finance' } };
      const estate = defineEstate({ name: 'adopting-money', connections, flows: [{ ...flow, mappings }], approvals });
      const ledger = await testLedger(t);
      const secrets: Record<string, string> = {
        TOKEN: simulator.token,
        CLIENT: simulator.secrets[0]!,
        ODOO_KEY: server.key,
      };
      const parts = { ...(await partsOf(estate, ledger)), secret: (one: string) => secrets[one]! };
      const orders = parts.wiring.flow('web-orders')!;
      const port = parts.wiring.sources.find(({ flows }) => flows.includes(orders))!;
      const look = async () => {
        const { sides, unasked } = await compareSides(parts, port, orders, AbortSignal.timeout(300_000));
        assert.deepEqual(unasked, []);
        return {
          sides,
          of: (kind: string) => {
            const { matched, onlyHere, ambiguous, known } = sides.find((side) => side.kind === kind)!;
            return { ids: matched.map(({ id }) => id), here: onlyHere.length, ambiguous, known };
          },
        };
      };
      const world = async () => [await paidOn('inbound'), await paidOn('outbound'), await notes(), await receipts()];
      const [inbound, ...rest] = await world();

      const shown = await look();
      assert.deepEqual(
        shown.of('order').ids.map(Number).sort(),
        [whole, unpaid, unclear].map(({ order }) => order).sort(),
      );
      assert.deepEqual([shown.of('payment').ids.length, shown.of('payment').here], [2, 1], 'in the dry run too');
      assert.deepEqual(shown.of('return').ids, [String(received)]);
      assert.deepEqual([shown.of('refund').ids, shown.of('refund').ambiguous.length], [[String(note)], 1]);
      assert.match(shown.of('refund').ambiguous[0]!.message, /Odoo has 2 that it may be/);
      await adoptMatches(parts, { flow: orders, source, sides: shown.sides }, { by: 'tests', reason: 'go-live' });
      const bindings = await look();
      assert.deepEqual(
        ['order', 'payment', 'return', 'refund'].map((kind) => bindings.of(kind).known),
        [3, 2, 1, 1],
      );

      await goLive(t, parts);
      const open = await listExceptions(ledger.db, null, 10);
      assert.deepEqual(
        open.map(({ kind, cause }) => [kind, cause]),
        [['refund', 'may-be-there']],
        'the one that is unclear is a person’s',
      );
      assert.deepEqual(await world(), [inbound! + 1, ...rest], 'only what was not there was made');
      const books = await booksOf(at, unpaid.order);
      assert.deepEqual([books.invoiced, books.open], [4000, 0], 'the order that nobody had paid is paid');
    });
  });
