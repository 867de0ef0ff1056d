import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type OdooConnection, odoo } from '../../src/connectors/odoo/index.ts';
import { broughtBack } from '../../src/connectors/odoo/sources/brought-back.ts';
import { type People, people, readAll } from './estate.ts';
import { type Road, startProxy } from './proxy.ts';
import { accessTo, directly, type OdooServer, servers } from './servers.ts';

/** What was done in a warehouse before it was archived: simulators of 18 and 19, or the real server that the environment names. */
for (const { name, start } of servers)
  describe(`a warehouse that was archived: ${name}`, () => {
    let server: OdooServer;
    let road: Road;
    let at: People;
    let hub: OdooConnection;

    before(async () => {
      server = await start();
      road = await startProxy(server.url);
      at = await people(server, { mappings: { warehouses: {} } });
      hub = odoo({ ...accessTo(server), url: road.url });
    });
    after(async () => {
      await road?.close();
      await server?.stop();
    });

    /** An order of a new warehouse, of which a piece came back there: the code, the line of the sale and the receipt. */
    const returned = async (code: string) => {
      const warehouse = await at.create('stock.warehouse', { name: `Old ${code} ${at.run}`, code });
      const [row] = await at.direct.read('stock.warehouse', [['id', '=', warehouse]], ['lot_stock_id'], at.cx);
      const product = await at.product(code);
      const [shelf] = row!.lot_stock_id as [number, string];
      await at.count(product, 5, shelf);
      const { order, picking } = await at.order(product, 2, { warehouse_id: warehouse });
      await at.ship(picking, 2);
      const wizard = await at.create('stock.return.picking', { picking_id: picking });
      const [line] = await at.direct.read(
        'stock.return.picking.line',
        [['wizard_id', '=', wizard]],
        ['quantity'],
        at.cx,
      );
      await at.write('stock.return.picking.line', line!.id as number, { quantity: 1 });
      const made = await at.call('stock.return.picking', 'action_create_returns', [[wizard]]);
      const receipt = (made as { res_id: number }).res_id;
      await at.ship(receipt, 1);
      const [sale] = await at.direct.read('sale.order.line', [['order_id', '=', order]], ['order_id'], at.cx);
      // Odoo archives none that still has goods.
      const archive = () => at.write('stock.warehouse', warehouse, { active: false });
      await assert.rejects(archive, /still contain products/);
      await at.count(product, 0, shelf);
      await archive();
      return { code, saleLine: sale!.id as number, receipt };
    };
    const reads = (model: string) => road.calls.filter((call) => call.model === model).length;

    it('is known by its code, and read once', async () => {
      const { cursor } = await readAll(hub.sources.returns, null, at.cx);
      const { code, saleLine, receipt } = await returned(`A${at.run.slice(0, 3)}`.toUpperCase());
      const record = (await readAll(hub.sources.returns, cursor, at.cx)).natives.find(({ id }) => id === receipt);
      assert.equal(record?.warehouse, code, 'what came back there is told');
      const session = directly({ ...server, url: road.url });
      const cover = async () =>
        (await broughtBack(session, [saleLine], at.cx)).cover(1, { id: 0, quantity: 1 }, saleLine);
      assert.deepEqual(await cover(), { picking: receipt, warehouse: code });
      road.clear();
      assert.deepEqual(await cover(), { picking: receipt, warehouse: code });
      assert.deepEqual([reads('stock.warehouse'), reads('stock.picking.type')], [0, 0]);
    });

    it('is none that goods are sent to, or that the stock feed tells of', async () => {
      const { code } = await returned(`B${at.run.slice(0, 3)}`.toUpperCase());
      const session = directly(server);
      assert.equal(
        (await session.warehouses(at.cx)).some((one) => one.code === code),
        false,
      );
      assert.equal([...(await session.warehouseCodes(at.cx)).values()].includes(code), false);
    });

    it('of an operation type without a warehouse nothing is for sale again, and it is not looked for at every turn', async () => {
      const { saleLine, receipt } = await returned(`C${at.run.slice(0, 3)}`.toUpperCase());
      const [row] = await at.direct.read('stock.picking', [['id', '=', receipt]], ['picking_type_id'], at.cx);
      await at.write('stock.picking.type', (row!.picking_type_id as [number, string])[0], { warehouse_id: false });
      const session = directly({ ...server, url: road.url });
      const cover = async () =>
        (await broughtBack(session, [saleLine], at.cx)).cover(1, { id: 0, quantity: 1 }, saleLine);
      assert.deepEqual(await cover(), { picking: receipt, warehouse: null });
      road.clear();
      await cover();
      assert.deepEqual([reads('stock.warehouse'), reads('stock.picking.type')], [0, 0]);
    });
  });
