import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type OdooConnection, odoo } from '../../src/connectors/odoo/index.ts';
import type { Item, Sink } from '../../src/core/connector.ts';
import type { Payment } from '../../src/model/payment.ts';
import type { Receipt } from '../../src/model/receipt.ts';
import type { Refund } from '../../src/model/refund.ts';
import type { Return } from '../../src/model/return.ts';
import type { Shipment } from '../../src/model/shipment.ts';
import { done, faultOf, item, type People, people } from './estate.ts';
import { type Road, startProxy } from './proxy.ts';
import { accessTo, type OdooServer, servers } from './servers.ts';

const mappings = { taxes: {}, 'payment-methods': { card: 'BNK1' } };

/** Documents of a sink whose line to Odoo breaks, each of an order of its own. */
interface Crossing {
  /** The call at which the line breaks. */
  readonly step: string;
  /** A document that Odoo takes, or one that is refused for what it says. */
  make(id: string, good: boolean): Promise<Item<unknown>>;
}

/** What Odoo is given one after the other, over a line that breaks: simulators of 18 and 19, or the real server that the environment names. */
for (const { name, start } of servers)
  describe(`a line that breaks in the middle of a batch: ${name}`, () => {
    let server: OdooServer;
    let road: Road;
    let at: People;
    let hub: OdooConnection;
    let currency: string;
    let product: number;

    before(async () => {
      server = await start();
      road = await startProxy(server.url);
      at = await people(server, { mappings });
      hub = odoo({ ...accessTo(server), url: road.url });
      currency = (await at.direct.company(at.cx)).currency.name;
      product = await at.product('MUG', 100);
    });
    after(async () => {
      await road?.close();
      await server?.stop();
    });

    const line = (quantity: number) => ({ id: '1', orderLine: null, sku: 'MUG', quantity: String(quantity) });
    const days = { paidOn: '2026-11-21', refundedOn: '2026-11-22' };
    const moment = '2026-11-20T10:00:00Z';
    const ofOrder = { order: 'O', orderNumber: 'W' };
    const placed = async () => {
      const { order, picking } = await at.order(product, 2);
      return { order, picking, links: { 'order:O': String(order), 'product:MUG': String(product) } };
    };

    const crossings: Record<string, Crossing> = {
      payments: {
        step: 'account.payment.register.action_create_payments',
        make: async (id, good) => {
          const { links } = await placed();
          const amount = good ? 500 : 900_000;
          const payment: Payment = { id, order: 'O', method: 'card', paidOn: days.paidOn, currency, amount };
          return item(id, payment, links);
        },
      },
      refunds: {
        step: 'account.move.load',
        make: async (id, good) => {
          const { links } = await placed();
          const goods = { id: '1', orderLine: null, description: 'A kindness', quantity: '0', amount: 100 };
          const refund: Refund = {
            ...ofOrder,
            id,
            number: id,
            return: null,
            refundedOn: days.refundedOn,
            method: null,
            currency,
            amount: 100,
            lines: [{ ...goods, tax: 0, taxes: [] }],
          };
          return item(id, refund, good ? links : { 'order:O': '999999999' });
        },
      },
      shipments: {
        step: 'stock.picking.button_validate',
        make: async (id, good) => {
          const { links } = await placed();
          const shipment: Shipment = {
            ...ofOrder,
            id,
            number: id,
            fulfilmentOrder: 'F',
            location: 'main',
            milestone: 'shipped',
            occurredAt: moment,
            carrier: null,
            tracking: [],
            closes: false,
            lines: [{ ...line(good ? 2 : 50), sku: `MUG-${at.run}`.toUpperCase() }],
          };
          return item(id, shipment, links);
        },
      },
      receipts: {
        step: 'stock.picking.button_validate',
        make: async (id, good) => {
          const partner_id = await at.create('res.partner', { name: `Vendor ${id}` });
          const order_line = [[0, 0, { product_id: product, product_qty: 3, price_unit: 2 }]];
          const order = await at.create('purchase.order', { partner_id, order_line });
          await at.call('purchase.order', 'button_confirm', [[order]]);
          const [row] = await at.direct.read('purchase.order', [['id', '=', order]], ['name'], at.cx);
          const { orderLine: _, ...goods } = { ...line(3), condition: null };
          const reference = good ? String(row!.name) : 'P-NOBODY';
          const receipt: Receipt = { id, number: id, reference, receivedAt: moment, lines: [goods] };
          return item(id, receipt, { 'product:MUG': String(product) });
        },
      },
      returns: {
        step: 'stock.picking.button_validate',
        make: async (id, good) => {
          const { picking, links } = await placed();
          await at.ship(picking, 2);
          const goods = { ...line(good ? 1 : 50), sku: `MUG-${at.run}`.toUpperCase(), orderLine: 'L1' };
          const back: Return = {
            ...ofOrder,
            id,
            number: id,
            state: 'received',
            location: null,
            occurredAt: moment,
            lines: [{ ...goods, reason: 'too small', restock: true }],
          };
          return item(id, back, links);
        },
      },
    };

    for (const [kind, { step, make }] of Object.entries(crossings))
      it(`${kind}: what is refused holds up nothing; what comes after the break is not tried, and lands later`, async () => {
        const sink = hub.sinks[kind as keyof OdooConnection['sinks']] as unknown as Sink;
        const batch: Item<unknown>[] = [];
        for (const good of [false, true, true, true])
          batch.push(await make(`${kind}-${at.run}-${batch.length + 1}`, good));
        road.clear();
        road.next(step, { do: 'cut-before' });
        const [wrong, cut, ...rest] = await sink.deliver(batch as never, at.cx);
        assert.equal(faultOf(wrong).kind, 'rejected');
        const { kind: fault } = faultOf(cut);
        assert.ok(fault === 'unknown' || fault === 'transient', fault);
        assert.deepEqual(rest, [{ outcome: 'untouched' }, { outcome: 'untouched' }]);
        const steps = road.calls.map(({ model, method }) => `${model}.${method}`);
        assert.equal(steps.filter((one) => one === step).length, 1, 'nothing more was sent');
        road.clear();
        for (const result of await sink.deliver(batch.slice(1) as never, at.cx)) done(result);
      });
  });
