import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type OdooConnection, odoo } from '../../src/connectors/odoo/index.ts';
import type { Item } from '../../src/core/connector.ts';
import type { Return } from '../../src/model/return.ts';
import { done, faultOf, item, type People, people } from './estate.ts';
import { ALL_TRIES, type Road, startProxy } from './proxy.ts';
import { accessTo, type OdooServer, servers } from './servers.ts';

/** Returns into Odoo: simulators of 18 and 19, or the real server that the environment names. */
for (const { name, start } of servers)
  describe(`returns: ${name}`, () => {
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

    type Line = Partial<Return['lines'][number]>;
    const line = (sku: string, quantity: string, restock: boolean | null = true, more: Line = {}) => ({
      id: '1',
      orderLine: 'L1',
      sku: `${sku}-${at.run}`.toUpperCase(),
      quantity,
      reason: 'too small',
      restock,
      ...more,
    });
    const back = (order: number, lines: Return['lines'], more: Partial<Return> = {}): Item<Return> => {
      const key = `shop:${at.run}-${++number}`;
      const document: Return = {
        id: key,
        number: `RMA-${number}`,
        order: 'O',
        orderNumber: `W-${order}`,
        state: 'received',
        location: null,
        occurredAt: '2026-11-20T10:00:00Z',
        lines,
        ...more,
      };
      return item(key, document, { 'order:O': String(order) });
    };
    const send = async (one: Item<Return>) => (await hub.sinks.returns.deliver([one], at.cx))[0];
    /** Pieces of a product on the shelf. */
    const onHand = async (product: number) =>
      (await at.direct.read('product.product', [['id', '=', product]], ['qty_available'], at.cx))[0]!.qty_available;
    const delivered = async (order: number) =>
      (await at.direct.read('sale.order.line', [['order_id', '=', order]], ['qty_delivered'], at.cx)).map(
        (row) => row.qty_delivered,
      );
    /** `quantity` ordered and shipped, of 10 on the shelf. */
    const shipped = async (code: string, quantity: number) => {
      const product = await at.product(code, 10);
      const { order, picking } = await at.order(product, quantity);
      await at.ship(picking, quantity);
      return { product, order };
    };
    const cause = (result: Parameters<typeof faultOf>[0]) => {
      const fault = faultOf(result);
      return fault.kind === 'rejected' || fault.kind === 'early' ? fault.cause : fault.kind;
    };

    it('in parts: goods are on the shelf again, the order has delivered less, and a repeat does nothing', async () => {
      const { product, order } = await shipped('A', 5);
      const first = back(order, [line('A', '2')]);
      const id = done(await send(first)).id;
      assert.deepEqual([await onHand(product), await delivered(order)], [7, [3]]);
      const second = back(order, [line('A', '1')]);
      const other = done(await send(second)).id;
      for (const [one, held] of [
        [first, id],
        [second, other],
      ] as const)
        assert.equal(done(await send(one)).id, held, 'sent again');
      assert.deepEqual([await onHand(product), await delivered(order)], [8, [2]]);
      assert.deepEqual(await hub.sinks.returns.find!([first, second, back(order, [line('A', '1')])], at.cx), [
        { found: 'whole', id },
        { found: 'whole', id: other },
        { found: 'absent' },
      ]);
      const [picking] = await at.direct.read('stock.picking', [['id', '=', Number(id)]], ['return_id', 'state'], at.cx);
      assert.ok(picking!.return_id, 'it is the return of what was shipped');
    });

    it('of what may not be sold again leaves the shelf as it is', async () => {
      const { product, order } = await shipped('B', 5);
      const mixed = back(order, [line('B', '2', false), line('B', '1', true, { id: '2' })]);
      done(await send(mixed));
      assert.deepEqual([await onHand(product), await delivered(order)], [6, [2]]);
      done(await send(mixed));
      assert.deepEqual([await onHand(product), await delivered(order)], [6, [2]]);
      const free = await at.direct.read('product.product', [['id', '=', product]], ['free_qty'], at.cx);
      assert.equal(free[0]!.free_qty, 6);
    });

    it('announced writes nothing; called off after it came back goes to a person', async () => {
      const { product, order } = await shipped('C', 5);
      const one = back(order, [line('C', '2', null)], { state: 'announced' });
      done(await send(one));
      assert.equal(await onHand(product), 5);
      assert.equal(
        road.calls.some(({ method }) => method === 'load'),
        false,
      );
      const here = { ...one, document: { ...one.document, state: 'received' as const, lines: [line('C', '2')] } };
      done(await send(here));
      assert.equal(await onHand(product), 7);
      const off = { ...one, document: { ...here.document, state: 'cancelled' as const } };
      assert.equal(cause(await send(off)), 'already-returned');
    });

    it('of what was not shipped, or of more, or that nobody looked at, goes to a person and moves nothing', async () => {
      const product = await at.product('D', 10);
      const { order, picking } = await at.order(product, 5);
      const early = back(order, [line('D', '1')]);
      const fault = faultOf(await send(early));
      assert.equal(fault.kind === 'early' && fault.cause, 'not-shipped');
      assert.match(fault.message, /nothing of order W-\d+ has been shipped in Odoo yet/);
      await at.ship(picking, 3);
      const soon = faultOf(await send(back(order, [line('D', '4')])));
      assert.equal(soon.kind === 'early' && soon.cause, 'more-than-shipped', 'the rest may leave yet');
      assert.equal(
        cause(await send(back(order, [line('D', '2'), line('D', '2', true, { id: '2' })]))),
        'more-than-shipped',
      );
      assert.equal(cause(await send(back(order, [line('D', '1', null)]))), 'not-inspected');
      assert.equal(cause(await send(back(order, [line('D', '1')], { location: 'MOON' }))), 'warehouse-unknown');
      assert.equal(cause(await send(back(order, [line('D', 'many')]))), 'not-a-number');
      assert.deepEqual([await onHand(product), await delivered(order)], [7, [3]]);
      done(await send(early));
      assert.equal(cause(await send(back(order, [line('D', '3')]))), 'more-than-shipped');
      assert.deepEqual([await onHand(product), await delivered(order)], [8, [2]]);
    });

    it('of goods shipped in parts comes back through both', async () => {
      const product = await at.product('E', 10);
      const { order, picking } = await at.order(product, 5);
      await at.ship(picking, 2);
      const domain = [
        ['sale_id', '=', order],
        ['state', '=', 'assigned'],
      ];
      const [rest] = await at.direct.read('stock.picking', domain, ['name'], at.cx);
      await at.ship(rest!.id as number, 3);
      done(await send(back(order, [line('E', '4')])));
      const over = faultOf(await send(back(order, [line('E', '2')])));
      assert.equal(over.kind === 'rejected' && over.cause, 'more-than-shipped', 'nothing is to leave any more');
      assert.deepEqual([await onHand(product), await delivered(order)], [9, [1]]);
    });

    it('whose answer is lost, at whatever step, came back once', async () => {
      const product = await at.product('F', 100);
      for (const step of ['stock.picking.load', 'stock.picking.button_validate', 'stock.move.search_read'])
        for (const mishap of ['cut-before', 'cut-after'] as const) {
          const { order, picking } = await at.order(product, 5);
          await at.ship(picking, 5);
          const before = Number(await onHand(product));
          const one = back(order, [line('F', '2'), line('F', '1', false, { id: '2' })]);
          road.clear();
          road.next(step, { do: mishap }, ALL_TRIES);
          const fault = faultOf(await send(one));
          assert.ok(fault.kind === 'unknown' || fault.kind === 'transient', `${step} ${mishap}: ${fault.kind}`);
          road.clear();
          done(await send(one));
          assert.deepEqual([await onHand(product), await delivered(order)], [before + 2, [2]], `${step} ${mishap}`);
        }
    });
  });
