import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type OdooConnection, odoo } from '../../src/connectors/odoo/index.ts';
import { toStockLevels } from '../../src/connectors/odoo/mapping/stock-levels.ts';
import type { Item } from '../../src/core/connector.ts';
import type { StockLevel } from '../../src/model/stock-level.ts';
import { done, faultOf, item, lookWith, type People, people, readAll } from './estate.ts';
import { type Road, startProxy } from './proxy.ts';
import { accessTo, type OdooServer, servers } from './servers.ts';

/** Stock levels into Odoo: simulators of 18 and 19, or the real server that the environment names. */
for (const { name, start } of servers)
  describe(`stock levels: ${name}`, () => {
    let server: OdooServer;
    let road: Road;
    let at: People;
    let hub: OdooConnection;
    let warehouse: string;

    const connect = (more: Partial<Parameters<typeof odoo>[0]> = {}) =>
      odoo({ ...accessTo(server), url: road.url, ...more });

    before(async () => {
      server = await start();
      road = await startProxy(server.url);
      at = await people(server);
      warehouse = (await at.direct.warehouse(at.cx)).code;
      hub = connect();
    });
    beforeEach(() => road.clear());
    after(async () => {
      await road?.close();
      await server?.stop();
    });

    const level = (product: number, available: string, more: Partial<StockLevel> = {}): Item<StockLevel> => {
      const document = {
        id: `${warehouse}/S${product}`,
        sku: 'S',
        location: warehouse,
        available,
        asOf: '2026-11-20T10:00:00Z',
        ...more,
      };
      return item(document.id, document, { 'product:S': String(product) });
    };
    const send = async (...items: Item<StockLevel>[]) => hub.sinks.stockLevels.deliver(items, at.cx);
    const onHand = async (product: number) =>
      (await at.direct.read('product.product', [['id', '=', product]], ['qty_available', 'free_qty'], at.cx))[0]!;

    it('are what the warehouse has then, whatever it had, and a repeat moves nothing', async () => {
      const [a, b] = [await at.product('A', 7), await at.product('B')];
      for (const result of await send(level(a, '3'), level(b, '12'))) done(result);
      assert.deepEqual([(await onHand(a)).qty_available, (await onHand(b)).qty_available], [3, 12]);
      const moves = () => at.direct.count('stock.move', [['product_id', 'in', [a, b]]], at.cx);
      const before = await moves();
      for (const result of await send(level(a, '3'), level(b, '12'))) done(result);
      assert.equal(await moves(), before);
      assert.deepEqual(await hub.sinks.stockLevels.find!([level(a, '3'), level(b, '11'), level(b, 'x')], at.cx), [
        { found: 'whole', id: `${a}@${warehouse}` },
        { found: 'absent' },
        { found: 'absent' },
      ]);
      const [first, last] = await send(level(a, '5'), level(a, '0'));
      assert.deepEqual([done(first).id, done(last).id], [`${a}@${warehouse}`, `${a}@${warehouse}`]);
      assert.equal((await onHand(a)).qty_available, 0);
    });

    it('count the shelf, or beside what is reserved', async () => {
      const product = await at.product('C', 10);
      await at.order(product, 4);
      done((await send(level(product, '8')))[0]);
      assert.deepEqual([(await onHand(product)).qty_available, (await onHand(product)).free_qty], [8, 4]);
      done((await connect({ stockCounts: 'free' }).sinks.stockLevels.deliver([level(product, '8')], at.cx))[0]);
      assert.deepEqual([(await onHand(product)).qty_available, (await onHand(product)).free_qty], [12, 8]);
    });

    it('are counted again when goods moved between reading and counting', async () => {
      const free = connect({ stockCounts: 'free' }).sinks.stockLevels;
      const product = await at.product('D', 10);
      const { picking } = await at.order(product, 2);
      road.clear();
      let moved = false;
      const meddled = {
        ...at.cx,
        fetch: async (url: string, init?: RequestInit) => {
          if (!moved && JSON.stringify([init?.body]).includes('inventory_quantity_auto_apply')) {
            moved = true;
            await at.ship(picking, 2);
          }
          return at.cx.fetch(url, init);
        },
      };
      done((await free.deliver([level(product, '20')], meddled))[0]);
      assert.equal(moved, true);
      assert.equal(road.calls.filter(({ method }) => method === 'create').length, 2);
      assert.equal((await onHand(product)).qty_available, 20);
    });

    it('that cannot be go to a person, and their neighbours land', async () => {
      const product = await at.product('E');
      const service = await at.product('F', 0, { type: 'service', is_storable: false });
      const results = await send(
        level(product, '-1'),
        level(product, '1', { location: 'nowhere' }),
        level(product, '1.12345678'),
        level(service, '1'),
        level(product, '4'),
      );
      assert.deepEqual(
        results.slice(0, 4).map((result) => {
          const fault = faultOf(result);
          return fault.kind === 'rejected' ? fault.cause : fault.kind;
        }),
        ['odoo-precision', 'warehouse-unknown', 'odoo-precision', 'odoo-refused'],
      );
      done(results[4]);
      assert.equal((await onHand(product)).qty_available, 4);
    });

    it('below the stock location are not counted away', async () => {
      const product = await at.product('G', 5);
      const { stockLocation } = await at.direct.warehouse(at.cx);
      const shelf = await at.create('stock.location', {
        name: `Shelf ${at.run}`,
        location_id: stockLocation,
        usage: 'internal',
      });
      await at.count(product, 3, shelf);
      done((await send(level(product, '6')))[0]);
      assert.equal((await onHand(product)).qty_available, 6);
      const fault = faultOf((await send(level(product, '2')))[0]);
      assert.equal(fault.kind === 'rejected' && fault.cause, 'stock-elsewhere');
    });

    it('whose answer is lost are what they should be when they come again', async () => {
      const product = await at.product('H', 1);
      for (const mishap of ['cut-before', 'cut-after'] as const) {
        await at.count(product, 1);
        road.next('stock.quant.create', { do: mishap });
        const { kind } = faultOf((await send(level(product, '5')))[0]);
        assert.equal(kind, 'unknown', mishap);
        road.clear();
        done((await send(level(product, '5')))[0]);
        assert.equal((await onHand(product)).qty_available, 5, mishap);
      }
    });

    it('are counted in one call, because 19 takes a second apply for a count of 0', async () => {
      const { stockLocation } = await at.direct.warehouse(at.cx);
      const product = await at.product('J');
      const vals = { product_id: product, location_id: stockLocation, inventory_quantity: 7 };
      const quant = await at.create('stock.quant', vals, { inventory_mode: true });
      const found = [];
      for (let time = 1; time <= 2; time++) {
        await at.call('stock.quant', 'action_apply_inventory', [[quant]]);
        found.push((await onHand(product)).qty_available);
      }
      const { version } = await at.direct.introduction(at.cx);
      assert.deepEqual(found, version.startsWith('18') ? [7, 7] : [7, 0]);
    });

    it('come back as the sink said that they are held', async () => {
      const product = await at.product('I', 9);
      const { held, version } = done((await send(level(product, '4')))[0]);
      const { natives, items } = await readAll(hub.sources.stockLevels, null, at.cx);
      const place = natives.findIndex(({ id }) => id === product);
      const look = lookWith({ mappings: { 'odoo-warehouses': { [warehouse]: warehouse } } });
      const [draft] = await toStockLevels(natives[place]!, look);
      assert.deepEqual({ available: draft!.body.available, free: draft!.body.free }, held);
      assert.equal(items[place]!.sourceVersion, version);
    });
  });
