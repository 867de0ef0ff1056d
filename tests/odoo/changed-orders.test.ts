import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { type OdooConnection, odoo } from '../../src/connectors/odoo/index.ts';
import { toCancellation, toDeliveryPromise } from '../../src/connectors/odoo/mapping/orders.ts';
import type { OrderRecord } from '../../src/connectors/odoo/sources/orders.ts';
import type { Item } from '../../src/core/connector.ts';
import type { Order } from '../../src/model/order.ts';
import { done, item, lookWith, type People, people, readAll, soldOn } from './estate.ts';
import { accessTo, type OdooServer, servers } from './servers.ts';

/** Orders that people change in Odoo: simulators of 18 and 19, or the real server that the environment names. */
for (const { name, start } of servers)
  describe(`orders that people change: ${name}`, () => {
    let server: OdooServer;
    let at: People;
    let hub: OdooConnection;
    let currency: string;
    let links: Record<string, string>;
    let cursor: string | null = null;

    before(async () => {
      server = await start();
      at = await people(server, { mappings: { taxes: { none: 'none' }, warehouses: {} } });
      hub = odoo(accessTo(server));
      currency = (await at.direct.company(at.cx)).currency.name;
      const customer = { id: 'C', number: null, name: `Buyer ${at.run}`, country: null };
      links = {
        'customer:C': done((await hub.sinks.customers.deliver([item(`c-${at.run}`, customer)], at.cx))[0]).id,
        'product:G': String(await at.product('G', 100)),
      };
      cursor = (await readAll(hub.sources.orders, null, at.cx)).cursor;
    });
    after(() => server?.stop());

    interface Sold {
      readonly id: number;
      readonly document: Order;
    }
    const sell = async (key: string, promisedAt: string | null = null): Promise<Sold> => {
      const document: Order = {
        ...soldOn(`${key}-${at.run}`, currency),
        delivery: { method: 'ship', service: null, promisedAt },
        lines: [{ id: 'L1', sku: 'G', description: 'G', quantity: '2', unitPrice: '10.00', taxes: [], total: 2000 }],
      };
      const sent: Item<Order> = item(document.id, document, links);
      return { document, id: Number(done((await hub.sinks.saleOrders.deliver([sent], at.cx))[0]).id) };
    };
    const readOne = async (id: number): Promise<OrderRecord | undefined> =>
      (await readAll(hub.sources.orders, cursor, at.cx)).natives.find((one) => one.id === id);
    const cancel = ({ id }: Sold) => at.call('sale.order', 'action_cancel', [[id]], { disable_cancel_warning: true });
    const sold = (key: string): boolean => key.endsWith(at.run);
    const look = ({ document }: Sold, change: Partial<Order> = {}, more: Record<string, unknown> = {}) =>
      lookWith({ documents: { [`order ${document.id}`]: { ...document, ...change }, ...more } });
    const cancelled = { sold, creditNotes: true };

    it('one that is cancelled is told once: not while it is open, and not where its shop cancelled it', async () => {
      const one = await sell('cancelled');
      const open = await readOne(one.id);
      assert.deepEqual([open?.state, open?.shipped, open?.invoiced], ['sale', false, false]);
      const untold = { cancellation: null, objection: null };
      assert.deepEqual(await toCancellation(open!, look(one), cancelled), untold);
      await cancel(one);
      const record = (await readOne(one.id))!;
      const { cancellation, objection } = await toCancellation(record, look(one), cancelled);
      assert.equal(objection, null);
      const { occurredAt, ...rest } = cancellation!;
      assert.match(occurredAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      assert.deepEqual(rest, {
        id: `odoo-main:cancelled-${one.id}`,
        order: one.document.id,
        orderNumber: one.document.number,
        reason: 'other',
      });
      const again = look(one, {}, { [`cancellation ${rest.id}`]: cancellation });
      for (const nobodys of [look(one, { state: 'cancelled' }), again])
        assert.deepEqual(await toCancellation(record, nobodys, cancelled), untold);
      assert.deepEqual(await toCancellation(record, look(one), { ...cancelled, sold: () => false }), untold);
    });

    it('of one that was invoiced the credit notes say what is paid back, where they are told', async () => {
      const one = await sell('invoiced');
      const context = { active_model: 'sale.order', active_ids: [one.id] };
      const vals = { advance_payment_method: 'delivered', sale_order_ids: [[6, 0, [one.id]]] };
      const [picking] = await at.direct.read('stock.picking', [['sale_id', '=', one.id]], ['name'], at.cx);
      await at.ship(picking!.id as number, 2);
      const wizard = await at.create('sale.advance.payment.inv', vals, context);
      await at.call('sale.advance.payment.inv', 'create_invoices', [[wizard]], context);
      const [sale] = await at.direct.read('sale.order', [['id', '=', one.id]], ['invoice_ids'], at.cx);
      assert.equal((await readOne(one.id))?.invoiced, false, 'a draft is no invoice');
      await at.call('account.move', 'action_post', [sale!.invoice_ids]);
      await cancel(one);
      const record = (await readOne(one.id))!;
      assert.deepEqual([record.state, record.shipped, record.invoiced], ['cancel', true, true]);
      const told = await toCancellation(record, look(one), cancelled);
      assert.equal(told.cancellation, null);
      assert.equal(told.objection?.cause, 'cancelled-after-shipping');
      assert.match(told.objection!.message, new RegExp(`${one.document.number} was cancelled in Odoo after goods`));
      const back = { ...record, shipped: false };
      assert.equal((await toCancellation(back, look(one), cancelled)).cancellation?.refundsFollow, true);
      const alone = await toCancellation(back, look(one), { sold, creditNotes: false });
      assert.equal(alone.cancellation?.refundsFollow, undefined);
    });

    it('the Delivery Date is told where it is another than the shop promised, or was told before', async () => {
      const one = await sell('promised', '2026-12-01T12:00:00.400Z');
      const first = (await readOne(one.id))!;
      assert.equal(first.promisedAt, '2026-12-01T12:00:00Z');
      assert.equal(await toDeliveryPromise(first, look(one), sold), null, 'the shop knows what it promised');
      await at.write('sale.order', one.id, { commitment_date: '2026-12-09 08:30:00' });
      const moved = (await readOne(one.id))!;
      const promise = { order: one.document.id, orderNumber: one.document.number };
      const told = { ...promise, promisedAt: '2026-12-09T08:30:00Z' };
      assert.deepEqual(await toDeliveryPromise(moved, look(one), sold), told);
      assert.equal(await toDeliveryPromise(moved, look(one), () => false), null);
      assert.equal(await toDeliveryPromise(moved, look(one, { state: 'cancelled' }), sold), null);
      const known = { [`delivery-promise ${one.document.id}`]: told };
      assert.deepEqual((await toDeliveryPromise(first, look(one, {}, known), sold))?.promisedAt, first.promisedAt);
      await at.write('sale.order', one.id, { commitment_date: false });
      const none = (await readOne(one.id))!;
      assert.equal(none.promisedAt, null);
      assert.equal((await toDeliveryPromise(none, look(one, {}, known), sold))?.promisedAt, '2026-12-01T12:00:00.400Z');
    });

    it('that people made themselves, or that changed before the hub began to read, is told to nobody', async () => {
      const { order } = await at.order(await at.product('P', 10), 1);
      assert.equal(await readOne(order), undefined);
      // Times count seconds.
      await setTimeout(1100);
      assert.deepEqual((await readAll(hub.sources.orders, null, at.cx)).natives, []);
    });
  });
