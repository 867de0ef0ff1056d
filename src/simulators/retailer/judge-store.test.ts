import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Judgement, judge, verdictOf } from './judge.ts';
import { agreed } from './testing.ts';

const units = { 'OWN-1-RED': 2 };
const red = (quantity: number, from: string) => ({
  ...{ state: 'done', default_code: 'OWN-1-RED', quantity, from, to: 'Customers' },
});

/** Two sales of the store beside all others: one is collected there, one is sent by the warehouse. */
function soldForLater() {
  const ledgers = agreed();
  for (const [id, place, name, tracking] of [
    ['S1003', 'store', 'STO/OUT/7', ''],
    ['S1004', 'central', 'WH/OUT/9', '1Z9'],
  ] as const) {
    const number = `R-${id.slice(1)}`;
    const picking = ledgers.books.pickings.length + 50;
    ledgers.store.sales.push({
      ...{ id, number, total: 2000, later: { method: place === 'store' ? 'collect' : 'ship', place } },
      lines: [{ id: '1', sku: 'OWN-1-RED', quantity: 2, total: 2000 }],
    });
    ledgers.store.recorded[id] = 'recorded';
    ledgers.store.told.push({ order: number, tracking, units: { ...units } });
    const line = { xmlid: `hub_odoo.order_line_store_3a_${id}-1`, default_code: 'OWN-1-RED', quantity: 2 };
    ledgers.books.sale_orders.push({
      ...{ name: id, xmlid: `hub_odoo.order_store_3a_${id}`, client_order_ref: number, state: 'sale' },
      ...{ amount_total: 20, promised: null, invoiced: 0, credited: 0, pickings: [picking] },
      lines: [{ ...line, price_unit: 10, discount: 0 }],
    });
    ledgers.books.pickings.push({
      ...{ id: picking, name, xmlid: null, origin: id, state: 'done', tracking, return_of: null },
      moves: [red(2, place === 'store' ? 'STO/Stock' : 'WH/Stock')],
    });
  }
  const job = { number: 'STO/OUT/7', order: 'R-1003', method: 'collect' as const, cancelled: false };
  ledgers.store.jobs.push({ ...job, units: { ...units }, unitsThen: { ...units }, said: ['ready', 'collected'] });
  ledgers.store.handovers.push({ job: job.number, order: job.order, tracking: '', units: { ...units } });
  ledgers.warehouse.shipments.push({ number: 'SH9', order: 'WH/OUT/9', tracking: '1Z9', units: { ...units } });
  return ledgers;
}

test('what a store sells for later is judged as the shop’s orders are, and is nothing to the shop', () => {
  const [before, judgement] = [judge(agreed()), judge(soldForLater())];
  assert.deepEqual(verdictOf(judgement), { lost: 0, duplicated: 0, outOfOrder: 0, differences: 0, wrong: [] });
  const more = (hop: keyof Judgement): number => judgement[hop].compared - before[hop].compared;
  assert.deepEqual(
    (['shipmentsToStore', 'ordersToWarehouse', 'shipmentsToOdoo', 'shipmentsToShop'] as const).map(more),
    [2, 1, 1, 0],
  );
  assert.deepEqual((['ordersToStore', 'handoversToOdoo', 'handoversToShop'] as const).map(more), [1, 1, 0]);
});

for (const [what, hop, words, tamper] of [
  [
    'the store never heard that it was collected',
    'shipmentsToStore',
    /R-1003: parcel at the counter for R-1003 is not told to the store/,
    (x) => x.store.told.shift(),
  ],
  [
    'the store heard of a parcel twice',
    'shipmentsToStore',
    /R-1004: parcel 1Z9 is 2 times told to the store/,
    (x) => x.store.told.push({ ...x.store.told[1]! }),
  ],
  [
    'the store heard of a parcel of the shop',
    'shipmentsToStore',
    /#1: parcel '1Z1' is told to the store, and never left/,
    (x) => x.store.told.push({ order: '#1', tracking: '1Z1', units: {} }),
  ],
  [
    'nobody prepares what is to be collected',
    'ordersToStore',
    /R-1003, to be collected: 2 × OWN-1-RED, and the store was asked for 0/,
    (x) => x.store.jobs.pop(),
  ],
  [
    'the warehouse never sent it',
    'ordersToWarehouse',
    /R-1004: 0 of 2 × OWN-1-RED left the warehouse/,
    (x) => x.warehouse.shipments.pop(),
  ],
  [
    'the warehouse sent what was sold over the counter',
    'ordersToWarehouse',
    /R-1001: left, and nobody ordered it/,
    (x) => x.warehouse.shipments.push({ number: 'SH8', order: 'STO/OUT/1', tracking: '1Z8', units: { ...units } }),
  ],
  [
    'what was collected is still in Odoo',
    'handoversToOdoo',
    /R-1003: handover at the counter for R-1003 is not done in Odoo/,
    (x) => {
      x.books.pickings.find(({ name }) => name === 'STO/OUT/7')!.state = 'assigned';
    },
  ],
] as readonly (readonly [string, keyof Judgement, RegExp, (ledgers: ReturnType<typeof agreed>) => unknown])[])
  test(`${what}: it is told`, () => {
    const ledgers = soldForLater();
    tamper(ledgers);
    assert.match(judge(ledgers)[hop].wrong.join('\n'), words);
  });
