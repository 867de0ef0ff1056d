import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge, type Ledgers, verdictOf } from './judge.ts';
import { agreed, tampers } from './testing.ts';

test('books that agree are found to agree, hop by hop', () => {
  const judgement = judge(agreed());
  assert.deepEqual(verdictOf(judgement), { lost: 0, duplicated: 0, outOfOrder: 0, differences: 0, wrong: [] });
  assert.deepEqual(
    [judgement.ordersToOdoo.money, judgement.paymentsToOdoo.money],
    [
      { there: '85.00', here: '85.00', difference: '0.00' },
      { there: '25.00', here: '25.00', difference: '0.00' },
    ],
  );
});

test('a parcel that left while its order was cancelled is missed, unless people are asked about that order', () => {
  const late = (message: string): Ledgers => {
    const all = agreed();
    all.warehouse.shipments.push({ number: 'SH2', order: 'WH/OUT/2', tracking: '1Z2', units: { 'WEB-1': 2 } });
    all.books.sale_orders[1]!.pickings.push(8);
    all.excepted.push({ lines: 1, value: '0.00', message });
    return all;
  };
  const words = (message: string) => verdictOf(judge(late(message))).wrong;
  assert.deepEqual(words('order #2 was cancelled, and 2 × WEB-1 left all the same'), []);
  for (const other of ['order #22 was cancelled', 'order #1 was not shipped'])
    assert.deepEqual(words(other), [
      '#2: 2 of 0 × WEB-1 left the warehouse',
      '#2: parcel 1Z2 is not done in Odoo',
      '#2: parcel 1Z2 is not fulfilled in the shop',
    ]);
});

test('an order that was changed while its parcel left is missed, unless people are asked about that order', () => {
  const late = (message: string): Ledgers => {
    const all = agreed();
    const [line] = all.shop.orders[0]!.lines;
    Object.assign(all.shop.orders[0]!, { edited: true, total: 1600, kept: 400 });
    Object.assign(line!, { quantity: 1, net: 900 });
    all.excepted.push({ lines: 1, value: '0.00', message });
    return all;
  };
  const words = (message: string) => verdictOf(judge(late(message))).wrong;
  assert.deepEqual(words('2 × WEB-1 of order #1 left, and 1 is ordered'), []);
  assert.deepEqual(words('2 × WEB-1 of order #11 left, and 1 is ordered'), [
    '#1: 16.00 in the shop, 25 in Odoo',
    '#1: 1 × WEB-1 for 9.00, in Odoo 2 × WEB-1 for 18.00',
    "#1: the shop kept 4.00, Odoo's invoices less credit notes come to 13.00",
    '#1: 2 of 1 × WEB-1 left the warehouse',
  ]);
});

tampers([
  [
    'a credit note is missing',
    'keptToOdoo',
    'money',
    /#1: the shop kept 13\.00, Odoo's invoices less credit notes come to 25\.00/,
    (x) => {
      x.books.sale_orders[0]!.credited = 0;
    },
  ],
  ['a refund is not in Odoo', 'refundsToOdoo', 'lost', /95: not there/, (x) => x.books.payments.pop()],
  [
    'a refund stands twice in Odoo',
    'refundsToOdoo',
    'duplicated',
    /95: 2 payments/,
    (x) => x.books.payments.push(x.books.payments.at(-1)!),
  ],
  [
    'what came back is not in Odoo',
    'returnsToOdoo',
    'lost',
    /1 × WEB-1 came back, in Odoo 0/,
    (x) => x.books.pickings.splice(2, 1),
  ],
  [
    'what came back is twice in Odoo',
    'returnsToOdoo',
    'duplicated',
    /1 × WEB-1 came back, in Odoo 2/,
    (x) => {
      x.books.pickings[2]!.moves[0]!.quantity = 2;
    },
  ],
  [
    'a shipment is taken out of the shop',
    'shipmentsToShop',
    'lost',
    /1Z1 is not fulfilled/,
    (x) => x.shop.orders[0]!.fulfilments.pop(),
  ],
  [
    'a shipment stands twice in the shop',
    'shipmentsToShop',
    'duplicated',
    /2 times fulfilled/,
    (x) => x.shop.orders[0]!.fulfilments.push(x.shop.orders[0]!.fulfilments[0]!),
  ],
  [
    'a parcel is fulfilled that never left',
    'shipmentsToShop',
    'duplicated',
    /never left/,
    (x) => x.shop.orders[0]!.fulfilments.push({ tracking: '1Z9', units: { 'WEB-1': 1 }, atStore: false }),
  ],
  [
    'fewer units are fulfilled than left',
    'shipmentsToShop',
    'lost',
    /2 × WEB-1, 1 × WEB-2; fulfilled in the shop it is 2 × WEB-1 /,
    (x) => {
      x.shop.orders[0]!.fulfilments[0]!.units = { 'WEB-1': 2 };
    },
  ],
  [
    'a parcel stands at another order',
    'shipmentsToShop',
    'lost',
    /of #2/,
    (x) => x.shop.orders[1]!.fulfilments.push(x.shop.orders[0]!.fulfilments.pop()!),
  ],
  [
    'a delivery is not done in Odoo',
    'shipmentsToOdoo',
    'lost',
    /not done in Odoo/,
    (x) => {
      x.books.pickings[0]!.state = 'assigned';
    },
  ],
  [
    'a delivery moved too much in Odoo',
    'shipmentsToOdoo',
    'lost',
    /3 × WEB-1/,
    (x) => {
      x.books.pickings[0]!.moves[0]!.quantity = 3;
    },
  ],
  [
    'a delivery is done without a parcel',
    'shipmentsToOdoo',
    'duplicated',
    /parcel '' is done in Odoo/,
    (x) => {
      Object.assign(x.books.pickings[1]!, { state: 'done' });
    },
  ],
  [
    'people promise another day, and the shop is not told',
    'promisesKept',
    'lost',
    /#1: promised for 2026-12-01 12:00:00 in the shop, for 2026-12-05 12:00:00 in Odoo/,
    (x) => {
      x.shop.orders[0]!.promised.told = null;
    },
  ],
  [
    'the shop’s old day comes back in Odoo',
    'promisesKept',
    'lost',
    /#1: promised for 2026-12-05 12:00:00 in the shop, for 2026-12-01 12:00:00 in Odoo/,
    (x) => {
      x.books.sale_orders[0]!.promised = '2026-12-01 12:00:00';
    },
  ],
  [
    'the warehouse goes by a day that nobody promised',
    'promisesKept',
    'lost',
    /for 20261211 at the warehouse/,
    (x) => {
      x.warehouse.promised['WH/OUT/1'] = '20261211';
    },
  ],
  [
    'the warehouse never heard of an order',
    'ordersToWarehouse',
    'lost',
    /0 of 2 × WEB-1/,
    (x) => x.warehouse.shipments.pop(),
  ],
  [
    'the warehouse ships twice',
    'ordersToWarehouse',
    'duplicated',
    /4 of 2 × WEB-1/,
    (x) => x.warehouse.shipments.push({ ...x.warehouse.shipments[0]!, tracking: '1Z2' }),
  ],
  [
    'the warehouse ships what was cancelled',
    'ordersToWarehouse',
    'duplicated',
    /1 of 0 × WEB-2/,
    (x) => x.warehouse.shipments.push({ number: 'SH2', order: 'WH/OUT/2', tracking: '1Z2', units: { 'WEB-2': 1 } }),
  ],
  ['an order is missing in Odoo', 'ordersToOdoo', 'lost', /#1: no sale order/, (x) => x.books.sale_orders.shift()],
  [
    'an order is twice in Odoo',
    'ordersToOdoo',
    'duplicated',
    /2 sale orders/,
    (x) => x.books.sale_orders.push(x.books.sale_orders[0]!),
  ],
  [
    'Odoo has an order that nobody made',
    'ordersToOdoo',
    'duplicated',
    /#9: nobody ordered it/,
    (x) => x.books.sale_orders.push({ ...x.books.sale_orders[1]!, client_order_ref: '#9' }),
  ],
  [
    'a cancelled order goes on in Odoo',
    'ordersToOdoo',
    'lost',
    /cancelled in the shop, sale in Odoo/,
    (x) => {
      x.books.sale_orders[1]!.state = 'sale';
    },
  ],
  [
    'a line is missing in Odoo',
    'ordersToOdoo',
    'lost',
    /1 × WEB-2 is not in Odoo/,
    (x) => x.books.sale_orders[0]!.lines.pop(),
  ],
  [
    'a discount is missing in Odoo',
    'ordersToOdoo',
    'lost',
    /for 18.00, in Odoo 2 × WEB-1 for 20.00/,
    (x) => x.books.sale_orders[0]!.lines.splice(1, 1),
  ],
  [
    'a cent is missing in Odoo',
    'ordersToOdoo',
    'money',
    /25.00 in the shop, 24.99 in Odoo/,
    (x) => {
      x.books.sale_orders[0]!.amount_total = 24.99;
    },
  ],
  [
    'an older version came last',
    'ordersToOdoo',
    'outOfOrder',
    /put product_uom_qty back to 1/,
    (x) => {
      const write = (commit: number, units: number) => ({
        commit,
        xmlid: 'hub_odoo.order_line_shop_3a_1-11',
        model: 'sale.order.line',
        kind: 'write',
        values: { product_uom_qty: units },
      });
      x.books.writes.push(write(1, 1), write(2, 2), write(3, 1));
    },
  ],
  ['a payment is missing', 'paymentsToOdoo', 'lost', /91: not there/, (x) => x.books.payments.shift()],
  [
    'a payment was made twice',
    'paymentsToOdoo',
    'duplicated',
    /91: 2 payments/,
    (x) => x.books.payments.push(x.books.payments[0]!),
  ],
  [
    'a payment is of another amount',
    'paymentsToOdoo',
    'lost',
    /24 instead of 25/,
    (x) => {
      x.books.payments[0]!.amount = 24;
    },
  ],
  [
    'the shop sells what is not there',
    'stockToShop',
    'differences',
    /WEB-1: 8 in the shop, 7 free/,
    (x) => {
      x.shop.levels['WEB-1'] = 8;
    },
  ],
  [
    'the till’s invoice is missing',
    'tillToOdoo',
    'lost',
    /600001/,
    (x) => x.till.push({ invoice: '600001', lines: [{ code: 'A', quantity: 1, price: 100 }] }),
  ],
]);
