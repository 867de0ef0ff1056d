import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge } from './judge.ts';
import { agreed, tampers } from './testing.ts';

test('every hop between shop, store and Odoo has something to compare', () => {
  const judgement = judge(agreed());
  assert.deepEqual(
    (['ordersToStore', 'handoversToOdoo', 'handoversToShop', 'noticesToShop', 'uncollectedToPeople'] as const).map(
      (hop) => judgement[hop].compared,
    ),
    [3, 2, 2, 2, 1],
  );
  assert.equal(judgement.storeStockToShop.compared, 4);
});

test('what is the store’s is nothing to the warehouse', () => {
  const ledgers = agreed();
  const before = judge(ledgers);
  ledgers.shop.orders[2]!.atStore.collect = {};
  assert.match(judge(ledgers).ordersToWarehouse.wrong.join(), /#3: 0 of 2 × OWN-1-RED left the warehouse/);
  assert.deepEqual([before.ordersToWarehouse.wrong, before.shipmentsToOdoo.compared], [[], 1]);
});

test('what a customer left behind may be asked about until a person ends it, also where it was taken off the order since; what never was there may not', () => {
  const ledgers = agreed();
  const [collected] = ledgers.store.jobs;
  const what = `fulfilment order ${collected!.number} (order #3)`;
  const other = {
    lines: 1,
    value: '0.00',
    message: `Shipment SH1: 3 of OWN-1-RED left for ${what}, which wants 1 less`,
  };
  ledgers.excepted.push(other);
  assert.equal(judge(ledgers).uncollectedToPeople.duplicated, 0, 'another matter');
  const asked = { lines: 1, value: '0.00', message: `The customer did not take 1 × OWN-1-RED of ${what}; the goods` };
  ledgers.excepted.push(asked);
  assert.equal(judge(ledgers).uncollectedToPeople.duplicated, 1);
  collected!.unitsThen = { 'OWN-1-RED': 3 };
  assert.equal(judge(ledgers).uncollectedToPeople.duplicated, 0);
  ledgers.excepted.push(asked);
  assert.equal(judge(ledgers).uncollectedToPeople.duplicated, 1);
});

tampers([
  [
    'the store never heard of what is to be collected',
    'ordersToStore',
    'lost',
    /#3, to be collected: 2 × OWN-1-RED, and the store was asked for 0/,
    (x) => x.store.jobs.shift(),
  ],
  [
    'the store was asked for less',
    'ordersToStore',
    'lost',
    /#4, to be sent: 1 × OWN-1-RED, and the store was asked for 0/,
    (x) => {
      x.store.jobs[1]!.units = {};
    },
  ],
  [
    'the store was asked twice',
    'ordersToStore',
    'duplicated',
    /#3, to be collected: 2 × OWN-1-RED, and the store was asked for 4/,
    (x) => x.store.jobs.push({ ...x.store.jobs[0]!, number: 'STO/OUT/9', said: [] }),
  ],
  [
    'the store sends what is to be collected',
    'ordersToStore',
    'duplicated',
    /#3, to be sent: 0 × OWN-1-RED, and the store was asked for 2/,
    (x) => {
      x.store.jobs[0]!.method = 'ship';
    },
  ],
  [
    'the store goes on with what was cancelled',
    'ordersToStore',
    'duplicated',
    /#5, to be collected: 0 × OWN-1-RED, and the store was asked for 3/,
    (x) => {
      x.shop.orders[4]!.cancelled = true;
      x.excepted.pop();
    },
  ],
  [
    'the store was told that it is cancelled, and it is not',
    'ordersToStore',
    'lost',
    /#5, to be collected: 3 × OWN-1-RED, and the store was asked for 0/,
    (x) => {
      x.store.jobs[2]!.cancelled = true;
    },
  ],
  [
    'the store has something that nobody ordered',
    'ordersToStore',
    'duplicated',
    /STO\/OUT\/2: the store has it for #9, and nobody ordered it/,
    (x) => {
      x.store.jobs[0]!.order = '#9';
    },
  ],
  [
    'what was collected is not done in Odoo',
    'handoversToOdoo',
    'lost',
    /handover at the counter for #3 is not done in Odoo/,
    (x) => {
      x.books.pickings.find(({ id }) => id === 13)!.state = 'assigned';
    },
  ],
  [
    'what was collected is done twice in Odoo',
    'handoversToOdoo',
    'duplicated',
    /handover at the counter for #3 is 2 times done in Odoo/,
    (x) => {
      x.books.pickings.push({ ...x.books.pickings.find(({ id }) => id === 13)!, id: 23 });
      x.books.sale_orders.find((one) => one.client_order_ref === '#3')!.pickings.push(23);
    },
  ],
  [
    'more was moved in Odoo than was collected',
    'handoversToOdoo',
    'lost',
    /has 2 × OWN-1-RED; done in Odoo it is 3 × OWN-1-RED of #3/,
    (x) => {
      x.books.pickings.find(({ id }) => id === 13)!.moves[0]!.quantity = 3;
    },
  ],
  [
    'what nobody collected is done in Odoo',
    'handoversToOdoo',
    'duplicated',
    /handover 'at the counter for #5' is done in Odoo, and never left/,
    (x) => {
      x.books.pickings.find(({ id }) => id === 15)!.state = 'done';
    },
  ],
  [
    'a parcel of the store is not fulfilled in the shop',
    'handoversToShop',
    'lost',
    /#4: handover BR31 is not fulfilled in the shop/,
    (x) => x.shop.orders[3]!.fulfilments.pop(),
  ],
  [
    'what was collected is fulfilled twice in the shop',
    'handoversToShop',
    'duplicated',
    /handover at the counter for #3 is 2 times fulfilled in the shop/,
    (x) => x.shop.orders[2]!.fulfilments.push(x.shop.orders[2]!.fulfilments[0]!),
  ],
  [
    'a parcel of the store is another order’s in the shop',
    'handoversToShop',
    'lost',
    /handover BR31 has 1 × OWN-1-RED; fulfilled in the shop it is 1 × OWN-1-RED of #5/,
    (x) => x.shop.orders[4]!.fulfilments.push(x.shop.orders[3]!.fulfilments.pop()!),
  ],
  [
    'a customer was never told that the goods are ready',
    'noticesToShop',
    'lost',
    /#5: nobody told the customer that it can be collected/,
    (x) => {
      x.shop.orders[4]!.atStore.told = 0;
    },
  ],
  [
    'a customer was told twice',
    'noticesToShop',
    'duplicated',
    /#3: the customer was told 2 times, ready 1 times/,
    (x) => {
      x.shop.orders[2]!.atStore.told = 2;
    },
  ],
  [
    'a customer was told of what is not ready',
    'noticesToShop',
    'duplicated',
    /#5: the customer was told 1 times, ready 0 times/,
    (x) => {
      x.store.jobs[2]!.said = [];
    },
  ],
  [
    'nobody is asked about what was not collected',
    'uncollectedToPeople',
    'lost',
    /#5: nobody is asked about what was not collected of STO\/OUT\/4/,
    (x) => x.excepted.pop(),
  ],
  [
    'nobody is asked about what a customer left behind',
    'uncollectedToPeople',
    'lost',
    /#3: nobody is asked about what was not collected of STO\/OUT\/2/,
    (x) => {
      x.store.handovers[0]!.units = { 'OWN-1-RED': 1 };
    },
  ],
  [
    'people are still asked about what was collected after all',
    'uncollectedToPeople',
    'duplicated',
    /#5: people are asked 1 times about STO\/OUT\/4/,
    (x) => {
      x.store.jobs[2]!.said.push('collected');
      x.store.handovers.push({ ...x.store.handovers[0]!, job: 'STO/OUT/4', order: '#5', units: { 'OWN-1-RED': 3 } });
    },
  ],
  [
    'the shop sells from the store what is not there',
    'storeStockToShop',
    'differences',
    /WEB-1: 4 in the shop for the store, 2 free in Odoo/,
    (x) => {
      x.shop.levelsAtStore['WEB-1'] = 4;
    },
  ],
  [
    'the shop was told the warehouse’s level for the store',
    'storeStockToShop',
    'differences',
    /OWN-1-RED: 5 in the shop for the store, 8 free in Odoo/,
    (x) => {
      x.shop.levelsAtStore['OWN-1-RED'] = x.shop.levels['OWN-1-RED']!;
    },
  ],
  [
    'a new product has no level in the shop for the store',
    'storeStockToShop',
    'lost',
    /OWN-1-BLUE: no level in the shop for the store, 1 free in Odoo/,
    (x) => {
      delete x.shop.levelsAtStore['OWN-1-BLUE'];
    },
  ],
]);
