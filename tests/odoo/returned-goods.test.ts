import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { type OdooConnection, odoo } from '../../src/connectors/odoo/index.ts';
import { toReturn } from '../../src/connectors/odoo/mapping/returns.ts';
import type { Item } from '../../src/core/connector.ts';
import type { Order } from '../../src/model/order.ts';
import type { Return } from '../../src/model/return.ts';
import { done, item, lookWith, type People, people, readAll, soldOn } from './estate.ts';
import { accessTo, type OdooServer, servers } from './servers.ts';

/** Goods that people take back in Odoo: simulators of 18 and 19, or the real server that the environment names. */
for (const { name, start } of servers)
  describe(`goods that came back: ${name}`, () => {
    let server: OdooServer;
    let at: People;
    let hub: OdooConnection;
    let currency: string;
    let code: string;
    let links: Record<string, string>;
    let cursor: string | null = null;

    before(async () => {
      server = await start();
      at = await people(server, { mappings: { taxes: { none: 'none' }, warehouses: {} } });
      hub = odoo(accessTo(server));
      currency = (await at.direct.company(at.cx)).currency.name;
      ({ code } = await at.direct.warehouse(at.cx));
      const customer = { id: 'C', number: null, name: `Buyer ${at.run}`, country: null };
      links = {
        'customer:C': done((await hub.sinks.customers.deliver([item(`c-${at.run}`, customer)], at.cx))[0]).id,
        'product:G': String(await at.product('G', 100)),
      };
      cursor = (await readAll(hub.sources.returns, null, at.cx)).cursor;
    });
    after(() => server?.stop());

    interface Shipped {
      readonly id: number;
      readonly key: string;
      readonly picking: number;
    }
    const ship = async (key: string, quantity: number): Promise<Shipped> => {
      const document: Order = {
        ...soldOn(`${key}-${at.run}`, currency),
        lines: [
          {
            id: 'L1',
            sku: 'G',
            description: 'Goods',
            quantity: String(quantity),
            unitPrice: '10.00',
            taxes: [],
            total: quantity * 1000,
          },
        ],
      };
      const sent: Item<Order> = item(document.id, document, links);
      const id = Number(done((await hub.sinks.saleOrders.deliver([sent], at.cx))[0]).id);
      const [picking] = await at.direct.read('stock.picking', [['sale_id', '=', id]], ['name'], at.cx);
      await at.ship(picking!.id as number, quantity);
      return { id, key: document.id, picking: picking!.id as number };
    };
    /** Opens the return; `to`: another place than the stock. */
    const open = async ({ picking }: Shipped, quantity: number): Promise<number> => {
      const wizard = await at.create('stock.return.picking', { picking_id: picking });
      const [line] = await at.direct.read(
        'stock.return.picking.line',
        [['wizard_id', '=', wizard]],
        ['quantity'],
        at.cx,
      );
      await at.write('stock.return.picking.line', line!.id as number, { quantity });
      const made = await at.call('stock.return.picking', 'action_create_returns', [[wizard]]);
      return (made as { res_id: number }).res_id;
    };
    const readOne = async (id: number) =>
      (await readAll(hub.sources.returns, cursor, at.cx)).natives.find((one) => one.id === id);
    const look = (shipped: Shipped) =>
      lookWith({
        mappings: { 'odoo-warehouses': { [code]: 'warehouse' } },
        keys: { [`order ${shipped.id}`]: shipped.key },
      });
    const sold = (key: string): boolean => key.endsWith(at.run);

    it('is told once its receipt is done, with its units and where it lies', async () => {
      const shipped = await ship('back', 3);
      const receipt = await open(shipped, 2);
      assert.equal(await readOne(receipt), undefined, 'told before it came');
      await at.ship(receipt, 2);
      const record = await readOne(receipt);
      assert.ok(record, 'the receipt was not read');
      const one = await toReturn(record, look(shipped), sold);
      const { occurredAt, number, ...rest } = one!;
      assert.match(occurredAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      assert.equal(number, record.name);
      assert.deepEqual(rest, {
        id: `odoo-main:return-${receipt}`,
        order: shipped.key,
        orderNumber: `W-${shipped.key}`,
        state: 'received',
        location: 'warehouse',
        lines: [
          {
            id: String(record.lines[0]!.saleLine),
            orderLine: 'L1',
            sku: `G-${at.run}`.toUpperCase(),
            quantity: '2',
            reason: 'unknown',
            restock: true,
          },
        ],
      });
      // Its order is known by the ids of its lines too, and one of another channel goes nowhere.
      const unbound = await toReturn(
        record,
        lookWith({ mappings: { 'odoo-warehouses': { [code]: 'warehouse' } } }),
        sold,
      );
      assert.equal(unbound?.order, shipped.key);
      assert.equal(await toReturn(record, look(shipped), () => false), null);
    });

    it('that is not fit for sale is told as such', async () => {
      const shipped = await ship('lost', 2);
      const receipt = await open(shipped, 1);
      const [place] = await at.direct.read(
        'stock.location',
        [
          ['usage', '=', 'inventory'],
          ['company_id', '=', (await at.direct.company(at.cx)).id],
        ],
        ['usage'],
        at.cx,
      );
      const [move] = await at.direct.read('stock.move', [['picking_id', '=', receipt]], ['state'], at.cx);
      await at.write('stock.move', move!.id as number, { location_dest_id: place!.id });
      await at.write('stock.picking', receipt, { location_dest_id: place!.id });
      await at.ship(receipt, 1);
      const one = await toReturn((await readOne(receipt))!, look(shipped), sold);
      assert.deepEqual(
        one!.lines.map(({ quantity, restock }) => [quantity, restock]),
        [['1', false]],
      );
    });

    it('that the hub took back for the shop, that came of no order of the hub, or before the go-live, is told to nobody', async () => {
      const shipped = await ship('echo', 2);
      const one: Return = {
        id: `shop:${at.run}-R1`,
        number: `R1-${at.run}`,
        order: 'O',
        orderNumber: 'W',
        state: 'received',
        location: null,
        occurredAt: '2026-11-24T10:00:00Z',
        lines: [{ id: '1', orderLine: 'L1', sku: 'G', quantity: '1', reason: 'unwanted', restock: true }],
      };
      const sent = item(one.id, one, { 'order:O': String(shipped.id) });
      const made = Number(done((await hub.sinks.returns.deliver([sent], at.cx))[0]).id);
      const [transfer] = await at.direct.read('stock.picking', [['id', '=', made]], ['state', 'return_id'], at.cx);
      assert.equal(transfer!.state, 'done');
      assert.notEqual(transfer!.return_id, false);
      assert.equal(await readOne(made), undefined);

      const product = await at.product('P', 10);
      const { order, picking } = await at.order(product, 2);
      await at.ship(picking, 2);
      const hand = await open({ id: order, key: '', picking }, 1);
      await at.ship(hand, 1);
      const record = (await readOne(hand))!;
      assert.equal(record.order.line, null);
      assert.equal(await toReturn(record, lookWith({}), sold), null);
      // Who begins to read now is not told of what is there; times count seconds.
      await setTimeout(1100);
      assert.deepEqual((await readAll(hub.sources.returns, null, at.cx)).natives, []);
    });
  });
