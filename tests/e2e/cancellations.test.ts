import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  addLine,
  cancelOrder,
  fulfil,
  payRest,
  refundOrder,
  removeUnits,
} from '../../src/simulators/shopify/orders.ts';
import type { Order } from '../../src/simulators/shopify/records.ts';
import { retailer, vat } from '../support/retailer.ts';

const lineOf = (order: Order, n = 0): string => order.lines[n]!.id;
const cancelUnits = (order: Order, quantity: number, n = 0) => [
  { lineId: lineOf(order, n), quantity, restockType: 'CANCEL' as const },
];

/** Paid orders that are cancelled or changed at every stage: judged by the books of shop, Odoo and warehouse. */
for (const version of [18, 19] as const)
  describe(`paid orders that change: simulated Odoo ${version}`, () => {
    test('while the hub was away, before they are picked, after a part and after all was shipped: what the shop kept is what is invoiced and not credited', async (t) => {
      const at = await retailer(t, version);
      const { shop, warehouse } = at;
      // What happens while the hub is away is told to it as one state.
      const unseen = at.buy({ 'WEB-1': 2 });
      cancelOrder(shop, unseen);
      const halved = at.buy({ 'WEB-1': 4, 'WEB-2': 3 });
      refundOrder(shop, halved, cancelUnits(halved, 3));
      const trimmed = at.buy({ 'WEB-1': 2, 'WEB-2': 1 });
      removeUnits(shop, trimmed, lineOf(trimmed, 1), 1);
      refundOrder(shop, trimmed, [], { money: 333n });
      await at.start();
      const whole = at.buy({ 'WEB-1': 3 });
      const reduced = at.buy({ 'WEB-1': 3, 'WEB-2': 3 });
      const edited = at.buy({ 'WEB-2': 3 });
      const shipped = at.buy({ 'WEB-1': 2 });
      const parted = at.buy({ 'WEB-1': 3 });
      const all = [halved, trimmed, whole, reduced, edited, shipped, parted];
      await at.until('all are invoiced and at the warehouse', async () => {
        at.reads();
        const sales = await Promise.all(all.map(({ name }) => at.sale(name)));
        return sales.every((sale) => (sale?.invoiced ?? 0) > 0) && warehouse.orders.size === all.length;
      });

      // One piece leaves, and is entered by hand on both sides.
      const sale = await at.sale(parted.name);
      await at.at.ship(sale!.pickings[0]!, 1, 'BYHAND1');
      const { name: number } = (await at.books()).pickings.find(({ id }) => id === sale!.pickings[0])!;
      warehouse.sendByHand('BYHAND', { order: number, units: { 'WEB-1': 1 }, tracking: 'BYHAND1' });
      const [open] = parted.fulfillmentOrders;
      fulfil(shop, parted, [{ company: null, number: 'BYHAND1', url: null }], new Map([[open!.lines[0]!.id, 1]]));

      cancelOrder(shop, whole);
      refundOrder(shop, reduced, cancelUnits(reduced, 1));
      refundOrder(shop, reduced, cancelUnits(reduced, 3, 1), { shipping: true });
      removeUnits(shop, edited, lineOf(edited), 1);
      refundOrder(shop, edited, [], { money: 333n });
      addLine(shop, edited, { variantId: [...shop.variants.keys()][0]!, quantity: 1, taxes: [vat] });
      refundOrder(shop, parted, cancelUnits(parted, 2));
      const wanted: readonly (readonly [Order, string, number])[] = [
        [halved, 'WEB-1', 1],
        [halved, 'WEB-2', 3],
        [trimmed, 'WEB-2', 0],
        [trimmed, 'WEB-1', 2],
        [whole, 'WEB-1', 0],
        [reduced, 'WEB-1', 2],
        [reduced, 'WEB-2', 0],
        [edited, 'WEB-2', 2],
        [edited, 'WEB-1', 1],
        [parted, 'WEB-1', 1],
      ];
      for (const [{ name }, sku, units] of wanted)
        await at.until(`the warehouse is to ship ${units} × ${sku} of ${name}`, async () => {
          at.reads();
          return (await at.asked(name, sku)) === units;
        });
      const leave = [halved, trimmed, reduced, edited, shipped];
      await at.until('all has left and the shop knows', () => {
        at.ships();
        return leave.every(({ fulfillments }) => fulfillments.length > 0);
      });
      refundOrder(shop, shipped, [{ lineId: lineOf(shipped), quantity: 1, restockType: 'NO_RESTOCK' }]);
      await at.agreed();
      assert.deepEqual(await at.exceptions(), []);
      const sales = await Promise.all(
        [unseen, halved, trimmed, whole, reduced, parted, shipped].map(async ({ name }) => {
          const { state, invoiced, credited } = (await at.sale(name))!;
          return [state, invoiced, credited];
        }),
      );
      assert.deepEqual(sales, [
        ['cancel', 0, 0],
        ['sale', 24.98, 0],
        ['sale', 24.99, 0],
        ['cancel', 34.99, 34.99],
        ['sale', 44.98, 24.98],
        ['sale', 34.99, 20],
        ['sale', 24.99, 10],
      ]);
    });

    test('goodwill after an edit that nobody had paid for, or that paid for what it added, is credited as goodwill', async (t) => {
      const at = await retailer(t, version);
      const { shop } = at;
      await at.start();
      const later = at.buy({ 'WEB-1': 3 }, {}, false);
      const swapped = at.buy({ 'WEB-1': 3 });
      removeUnits(shop, later, lineOf(later), 1);
      removeUnits(shop, swapped, lineOf(swapped), 1);
      addLine(
        shop,
        swapped,
        { title: 'Engraving', price: 1000n, sku: 'WEB-1', quantity: 1, taxes: [vat] },
        { paid: false },
      );
      payRest(shop, later);
      const sums = async ({ name }: Order) => {
        const sale = await at.sale(name);
        return [sale?.invoiced, sale?.credited];
      };
      for (const [order, invoiced] of [
        [later, 24.99],
        [swapped, 34.99],
      ] as const)
        await at.until('it is invoiced', async () => (await sums(order))[0] === invoiced);
      for (const order of [later, swapped]) refundOrder(shop, order, [], { money: 500n });
      await at.agreed(['ordersToOdoo', 'paymentsToOdoo', 'refundsToOdoo', 'keptToOdoo']);
      assert.deepEqual(
        [await sums(later), await sums(swapped)],
        [
          [24.99, 5],
          [34.99, 5],
        ],
      );
      assert.deepEqual(await at.exceptions(), []);
    });

    test('too late: the parcel has left, and a person is told in words what to do', async (t) => {
      const at = await retailer(t, version);
      await at.start();
      const order = at.buy({ 'WEB-1': 2 });
      await at.until('the warehouse has it', () => {
        at.reads();
        return at.warehouse.orders.size === 1;
      });
      await at.stop();
      at.ships();
      cancelOrder(at.shop, order);
      await at.start();
      await at.until('somebody is asked', async () => (await at.exceptions()).length >= 2);
      const words = (await at.exceptions()).map(({ message }) => message).join('\n');
      assert.match(words, /cancelled/);
      assert.match(words, /take the goods back as a return|call the parcel back/i);
    });
  });
