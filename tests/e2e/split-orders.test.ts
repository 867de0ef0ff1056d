import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { refundOrder } from '../../src/simulators/shopify/orders.ts';
import type { Order } from '../../src/simulators/shopify/records.ts';
import { retailer } from '../support/retailer.ts';

/** Orders of which a part is collected in a store, or shipped from one: each place gets its own lines, and order, invoice and payment stay one. */
for (const version of [18, 19] as const)
  describe(`split orders: simulated Odoo ${version}`, () => {
    test('each place gets its own lines, ships or hands them over, and the shop hears of each', async (t) => {
      const at = await retailer(t, version);
      const { warehouse, store } = at;
      await at.start();
      const mixed = at.buy({ 'WEB-1': 2, 'WEB-2': 3 }, { 'WEB-2': { locationId: store, collect: true } });
      const fromStore = at.buy({ 'WEB-1': 1, 'WEB-2': 1 }, { 'WEB-1': { locationId: store } });
      const collected = at.buy({ 'WEB-1': 1 }, { 'WEB-1': { locationId: store, collect: true } });
      const orders = [mixed, fromStore, collected];
      await at.until('all are in Odoo and invoiced, and two at the warehouse', async () => {
        at.reads();
        const sales = await Promise.all(orders.map(({ name }) => at.sale(name)));
        return sales.every((sale) => (sale?.invoiced ?? 0) > 0) && warehouse.orders.size === 2;
      });
      const deliveries = async ({ name }: Order) => {
        const { pickings } = await at.books();
        const ids = (await at.sale(name))!.pickings;
        return pickings
          .filter(({ id }) => ids.includes(id))
          .map(({ id, name: number, state, moves }) => ({
            id,
            place: number.split('/')[0],
            state,
            units: moves.map((move) => `${(move as { demand?: number }).demand} × ${move.default_code}`).join(),
          }))
          .sort((a, b) => a.place!.localeCompare(b.place!));
      };
      const shown = async (order: Order) => (await deliveries(order)).map(({ place, units }) => `${place}: ${units}`);
      assert.deepEqual(await shown(mixed), ['ST: 3 × WEB-2', 'WH: 2 × WEB-1']);
      assert.deepEqual(await shown(fromStore), ['ST: 1 × WEB-1', 'WH: 1 × WEB-2']);
      assert.deepEqual(await shown(collected), ['ST: 1 × WEB-1']);
      const asked = [...warehouse.orders.values()].map(({ lines }) =>
        lines.map(({ sku, ordered }) => `${ordered} × ${sku}`).join(),
      );
      assert.deepEqual(asked.sort(), ['1 × WEB-2', '2 × WEB-1'], 'the warehouse gets its own lines only');

      at.ships();
      for (const order of orders) {
        const [own] = await deliveries(order);
        await at.at.ship(own!.id, Number(own!.units.split(' ')[0]), `ST-${order.name.slice(1)}`);
      }
      const partsOf = ({ fulfillmentOrders, fulfillments }: Order) => [
        fulfillmentOrders.every(({ status }) => status === 'CLOSED'),
        fulfillments.length,
      ];
      await at.until('the shop has heard of each part', () => {
        at.reads();
        return orders.every((order) => partsOf(order)[0]);
      });
      assert.deepEqual(orders.map(partsOf), [
        [true, 2],
        [true, 2],
        [true, 1],
      ]);
      for (const { fulfillments, fulfillmentOrders, lines } of orders)
        for (const { tracking, lines: parts } of fulfillments) {
          const [part] = parts;
          const place = fulfillmentOrders.find((one) => one.lines.some(({ lineId }) => lineId === part!.lineId))!;
          const { sku } = lines.find(({ id }) => id === part!.lineId)!;
          assert.equal(
            tracking[0]!.number!.startsWith('ST-'),
            place.locationId === store,
            `${sku}: told by its own place`,
          );
        }
      await at.agreed(['ordersToOdoo', 'paymentsToOdoo', 'keptToOdoo']);
      assert.deepEqual(await at.exceptions(), []);
    });

    test('a part that is taken off before it is handed over leaves the other as it is', async (t) => {
      const at = await retailer(t, version);
      const { shop, warehouse, store } = at;
      await at.start();
      const order = at.buy({ 'WEB-1': 2, 'WEB-2': 3 }, { 'WEB-2': { locationId: store, collect: true } });
      await at.until('it is at the warehouse and invoiced', async () => {
        at.reads();
        return warehouse.orders.size === 1 && ((await at.sale(order.name))?.invoiced ?? 0) > 0;
      });
      refundOrder(shop, order, [{ lineId: order.lines[1]!.id, quantity: 3, restockType: 'CANCEL' }]);
      await at.agreed(['ordersToOdoo', 'paymentsToOdoo', 'refundsToOdoo', 'keptToOdoo']);
      assert.equal(await at.asked(order.name, 'WEB-1'), 2);
      at.ships();
      await at.until('the rest has left', () => order.fulfillments.length === 1);
      await at.agreed(['ordersToWarehouse', 'shipmentsToOdoo', 'shipmentsToShop', 'keptToOdoo']);
      assert.deepEqual(await at.exceptions(), []);
    });

    test('of a long order each line leaves from its own place, and a bundle arrives as its components, to the cent', async (t) => {
      const at = await retailer(t, version);
      const { shop, store } = at;
      await at.start();
      const group = { id: shop.id('LineItemGroup'), title: 'Set of both', quantity: 1 };
      // What leaves from the warehouse first stands first: what has no place would go there.
      const order = at.buyLines([
        { sku: 'WEB-1', quantity: 1, group },
        { sku: 'WEB-2', quantity: 1, group, locationId: store },
        ...Array.from({ length: 45 }, () => ({ sku: 'WEB-2', quantity: 1, locationId: store })),
      ]);
      await at.until('it is in Odoo and invoiced', async () => ((await at.sale(order.name))?.invoiced ?? 0) > 0);
      const ids = (await at.sale(order.name))!.pickings;
      const { pickings } = await at.books();
      const leaves = pickings
        .filter(({ id }) => ids.includes(id))
        .map(({ name, moves }) => [
          name.split('/')[0],
          moves.reduce((sum, move) => sum + (move as unknown as { demand: number }).demand, 0),
        ]);
      assert.deepEqual(leaves.sort(), [
        ['ST', 46],
        ['WH', 1],
      ]);
      const lines = await at.at.direct.read(
        'sale.order.line',
        [['order_id.client_order_ref', '=', order.name]],
        ['name', 'price_unit'],
        at.at.cx,
      );
      const ofSet = lines.filter(({ name }) => String(name).includes('(Set of both)'));
      assert.deepEqual(ofSet.map(({ price_unit }) => price_unit).sort(), [10, 3.33]);
      await at.agreed(['ordersToOdoo', 'paymentsToOdoo', 'keptToOdoo']);
      assert.deepEqual(await at.exceptions(), []);
    });
  });
