import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type OdooConnection, odoo } from '../../src/connectors/odoo/index.ts';
import type { Item } from '../../src/core/connector.ts';
import type { Shipment } from '../../src/model/shipment.ts';
import { done, faultOf, item, type People, people } from './estate.ts';
import { ALL_TRIES, type Road, startProxy } from './proxy.ts';
import { accessTo, type OdooServer, servers } from './servers.ts';

/** Shipments into Odoo: simulators of 18 and 19, or the real server that the environment names. */
for (const { name, start } of servers)
  describe(`shipments: ${name}`, () => {
    let server: OdooServer;
    let road: Road;
    let at: People;
    let hub: OdooConnection;
    let number = 0;

    before(async () => {
      server = await start();
      road = await startProxy(server.url);
      at = await people(server);
      hub = odoo({ ...accessTo(server), url: road.url });
    });
    beforeEach(() => road.clear());
    after(async () => {
      await road?.close();
      await server?.stop();
    });

    const shipment = (order: number, sku: string, quantity: string, more: Partial<Shipment> = {}): Item<Shipment> => {
      const key = `wms:${at.run}-${++number}`;
      const document: Shipment = {
        id: key,
        number: `SHP-${number}`,
        fulfilmentOrder: 'F',
        order: 'O',
        orderNumber: `W-${order}`,
        location: 'main',
        milestone: 'shipped',
        occurredAt: '2026-11-20T10:00:00Z',
        carrier: null,
        tracking: [{ number: `TR-${number}`, url: null }],
        closes: false,
        lines: [{ id: '1', orderLine: null, sku: `${sku}-${at.run}`.toUpperCase(), quantity }],
        ...more,
      };
      return item(key, document, { 'order:O': String(order) });
    };
    const send = async (one: Item<Shipment>) => (await hub.sinks.shipments.deliver([one], at.cx))[0];
    const pickings = (order: number) =>
      at.direct.read(
        'stock.picking',
        [['sale_id', '=', order]],
        ['state', 'carrier_tracking_ref', 'backorder_id', 'origin'],
        at.cx,
      );
    const delivered = async (order: number) =>
      (await at.direct.read('sale.order.line', [['order_id', '=', order]], ['qty_delivered'], at.cx)).map(
        (row) => row.qty_delivered,
      );

    it('in parts: the rest waits as a backorder, each part has its number, and a repeat does nothing', async () => {
      const product = await at.product('A', 10);
      const { order, picking } = await at.order(product, 5);
      const first = shipment(order, 'A', '3', { tracking: ['T1', 'T2'].map((one) => ({ number: one, url: null })) });
      const result = done(await send(first));
      assert.equal(result.id, String(picking));
      assert.deepEqual(result.held?.tracking, [
        { number: 'T1', url: null },
        { number: 'T2', url: null },
      ]);
      assert.ok(result.version! > 1_700_000_000n);
      const second = shipment(order, 'A', '2');
      const rest = done(await send(second)).id;
      assert.notEqual(rest, result.id);
      for (const [one, id] of [
        [first, result.id],
        [second, rest],
        [first, result.id],
      ] as const)
        assert.equal(done(await send(one)).id, id, 'sent again');
      const other = { ...first, document: { ...first.document, lines: second.document.lines } };
      const found = await hub.sinks.shipments.find!([first, second, shipment(order, 'A', '1'), other], at.cx);
      assert.deepEqual(found.slice(0, 3), [
        { found: 'whole', id: result.id },
        { found: 'whole', id: rest },
        { found: 'absent' },
      ]);
      assert.match(JSON.stringify(found[3]), /"partial".*moved 3 there and 2 here/);
      const rows = await pickings(order);
      assert.deepEqual(
        rows.map((row) => [row.state, row.carrier_tracking_ref]),
        [
          ['done', 'T1, T2'],
          ['done', second.document.tracking[0]!.number],
        ],
      );
      assert.deepEqual(await delivered(order), [5]);
    });

    it('that closes drops what is left', async () => {
      const { order } = await at.order(await at.product('B', 10), 5);
      done(await send(shipment(order, 'B', '4', { closes: true })));
      assert.deepEqual(
        (await pickings(order)).map(({ state }) => state),
        ['done'],
      );
      assert.deepEqual(await delivered(order), [4]);
    });

    it('picked, packed and delivered are a line each in the notes of the transfer, once, beside what people wrote', async () => {
      const { order, picking } = await at.order(await at.product('C', 10), 5);
      await at.write('stock.picking', picking, { note: '<p>Ring twice</p>' });
      const one = shipment(order, 'C', '5', { milestone: 'picked' });
      const told = async (milestone: Shipment['milestone'], occurredAt: string) => {
        const next = { ...one, document: { ...one.document, milestone, occurredAt } };
        done(await send(next));
        road.clear();
        done(await send(next));
        assert.equal(
          road.calls.some(({ method }) => method === 'write' || method === 'button_validate'),
          false,
          'a repeat writes nothing',
        );
      };
      await told('picked', '2026-11-20T08:00:00Z');
      await told('packed', '2026-11-20T09:00:00Z');
      assert.deepEqual(
        (await pickings(order)).map(({ state }) => state),
        ['assigned'],
      );
      await told('shipped', '2026-11-20T10:00:00Z');
      await told('delivered', '2026-11-21T10:00:00Z');
      const [row] = await at.direct.read('stock.picking', [['id', '=', picking]], ['note', 'state'], at.cx);
      assert.equal(row!.state, 'done');
      const lines = [...String(row!.note).matchAll(/<p[^>]*>(.*?)<\/p>/g)].map(([, text]) => text);
      const at20 = (words: string) => `${one.key} ${words}`;
      assert.deepEqual(lines, [
        'Ring twice',
        at20('picked 2026-11-20 08:00 UTC'),
        at20('packed 2026-11-20 09:00 UTC'),
        at20('delivered 2026-11-21 10:00 UTC'),
      ]);
      assert.deepEqual(await delivered(order), [5]);
    });

    it('of one of several open transfers is noted on that one, and leaves from it; what could be of several is asked', async () => {
      const company = (await at.direct.company(at.cx)).id;
      const code = at.run.slice(0, 4).toUpperCase();
      const second = await at.create('stock.warehouse', { name: `Second ${at.run}`, code, company_id: company });
      const fields = ['lot_stock_id', 'delivery_route_id'];
      const [place] = await at.direct.read('stock.warehouse', [['id', '=', second]], fields, at.cx);
      const [shelf, route] = [place!.lot_stock_id, place!.delivery_route_id].map(
        (pair) => (pair as [number, string])[0],
      );
      const { lineRoute } = await at.direct.dialect(at.cx);
      const lines = await Promise.all(
        ['H1', 'H2'].map(async (sku, n) => {
          const product = await at.product(sku, 10);
          await at.count(product, 10, shelf);
          const from = lineRoute === 'route_id' ? route : [[6, 0, [route]]];
          return [
            0,
            0,
            { product_id: product, product_uom_qty: 2, price_unit: 1, ...(n === 1 ? { [lineRoute]: from } : {}) },
          ];
        }),
      );
      const partner = await at.create('res.partner', { name: `Apart ${at.run}` });
      const order = await at.create('sale.order', { partner_id: partner, order_line: lines });
      await at.call('sale.order', 'action_confirm', [[order]]);
      const all = await at.direct.read('stock.picking', [['sale_id', '=', order]], ['location_id'], at.cx);
      const isSecond = ({ location_id: from }: (typeof all)[number]) => (from as [number, string])[0] === shelf;
      const [whole, apart] = [all.find((row) => !isSecond(row))!.id, all.find(isSecond)!.id];
      const told = async (milestone: Shipment['milestone'], ...skus: string[]) => {
        const first = shipment(order, skus[0]!, '2', { milestone, location: 'unknown' });
        const more = skus.map((sku, n) => ({
          ...first.document.lines[0]!,
          id: String(n),
          sku: `${sku}-${at.run}`.toUpperCase(),
        }));
        return { key: first.key, result: await send({ ...first, document: { ...first.document, lines: more } }) };
      };
      const notes = async (): Promise<string[]> => {
        const rows = await at.direct.read('stock.picking', [['id', 'in', [whole, apart]]], ['note'], at.cx);
        return [whole, apart].map((id) => String(rows.find((row) => row.id === id)!.note || ''));
      };
      const picked = await told('picked', 'H2');
      done(picked.result);
      assert.deepEqual(
        (await notes()).map((text) => text.includes(`${picked.key} picked`)),
        [false, true],
      );
      const both = await told('packed', 'H1', 'H2');
      done(both.result);
      assert.deepEqual(
        (await notes()).map((text) => text.includes(`${both.key} packed`)),
        [true, true],
      );
      const none = await told('picked', 'NONE');
      const asked = faultOf(none.result);
      assert.equal(asked.kind === 'rejected' && asked.cause, 'transfer-ambiguous');
      done((await told('shipped', 'H2')).result);
      assert.deepEqual(await delivered(order), [0, 2]);
    });

    it('of one product of two leaves the other for later', async () => {
      const one = await at.product('D1', 10);
      const two = await at.product('D2', 10);
      const partner = await at.create('res.partner', { name: `Two ${at.run}` });
      const lines = [one, two].map((product) => [0, 0, { product_id: product, product_uom_qty: 2, price_unit: 1 }]);
      const order = await at.create('sale.order', { partner_id: partner, state: 'sale', order_line: lines });
      done(await send(shipment(order, 'D2', '2')));
      assert.deepEqual(await delivered(order), [0, 2]);
      done(await send(shipment(order, 'D1', '2')));
      assert.deepEqual(await delivered(order), [2, 2]);
    });

    it('of more than was ordered, or than is there, goes to a person and moves nothing', async () => {
      const product = await at.product('E', 3);
      const { order } = await at.order(product, 5);
      const more = faultOf(await send(shipment(order, 'E', '6')));
      assert.equal(more.kind === 'rejected' && more.cause, 'more-than-ordered');
      const short = faultOf(await send(shipment(order, 'E', '5')));
      assert.equal(short.kind === 'rejected' && short.cause, 'not-in-stock');
      const other = faultOf(await send(shipment(order, 'NONE', '1')));
      assert.equal(other.kind === 'rejected' && other.cause, 'more-than-ordered');
      assert.deepEqual(await delivered(order), [0]);
      done(await send(shipment(order, 'E', '3')));
      const nothing = faultOf(await send(shipment(order, 'E', '2')));
      assert.equal(nothing.kind === 'rejected' && nothing.cause, 'not-in-stock');
      await at.count(product, 2);
      done(await send(shipment(order, 'E', '2')));
      const over = faultOf(await send(shipment(order, 'E', '1')));
      assert.equal(over.kind === 'rejected' && over.cause, 'nothing-to-ship');
    });

    it('of goods that Odoo keeps by lots goes to a person', async () => {
      const { order } = await at.order(await at.product('F', 0, { tracking: 'lot' }), 1);
      const fault = faultOf(await send(shipment(order, 'F', '1')));
      assert.equal(fault.kind === 'rejected' && fault.cause, 'lots');
    });

    it('whose answer is lost, at whatever step, has left once', async () => {
      const product = await at.product('G', 100);
      for (const step of ['stock.picking.write', 'stock.picking.button_validate', 'stock.move.search_read'])
        for (const mishap of ['cut-before', 'cut-after'] as const) {
          const { order } = await at.order(product, 5);
          const one = shipment(order, 'G', '2');
          road.clear();
          road.next(step, { do: mishap }, ALL_TRIES);
          const fault = faultOf(await send(one));
          assert.ok(fault.kind === 'unknown' || fault.kind === 'transient', `${step} ${mishap}: ${fault.kind}`);
          road.clear();
          done(await send(one));
          assert.deepEqual(await delivered(order), [2], `${step} ${mishap}`);
        }
    });
  });
