import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge, type Ledgers, verdictOf } from './judge.ts';
import { agreed, tampers } from './testing.ts';

type Agreed = ReturnType<typeof agreed>;

/** An order more, that people in Odoo cancelled after it was paid: in the shop too, and its money went back by a credit note. */
function withCancelled(all: Agreed): Agreed {
  const [sold] = all.shop.orders;
  all.shop.orders.push({
    ...structuredClone(sold!),
    name: '#9',
    cancelled: true,
    toldToCancel: true,
    kept: 0,
    promised: { checkout: null, told: null },
    payments: [{ id: '99', amount: 2500 }],
    refunds: [],
    returned: {},
    paidBack: [{ note: 'RINV/9 (crossdock odoo:credit-note-59, 25.00 GBP)', amount: 2500 }],
    takenBack: [],
    fulfilments: [],
  });
  const { books } = all;
  books.sale_orders.push({
    ...structuredClone(books.sale_orders[1]!),
    name: 'S9',
    xmlid: 'hub_odoo.order_shop_3a_9',
    client_order_ref: '#9',
    invoiced: 25,
    credited: 25,
    pickings: [29],
  });
  books.pickings.push({ ...structuredClone(books.pickings[1]!), id: 29, name: 'WH/OUT/9', origin: 'S9' });
  books.credit_notes.push({
    id: 59,
    name: 'RINV/9',
    xmlid: null,
    state: 'posted',
    total: 25,
    residual: 0,
    order: '#9',
  });
  books.payments.push(
    { memo: 'shop:payment-99', state: 'paid', amount: 25, reconciled: true },
    { memo: 'odoo:credit-note-59', state: 'paid', amount: 25, reconciled: true },
  );
  return all;
}

const after = (tamper: (all: Agreed) => unknown) => (all: Agreed) => tamper(withCancelled(all));

/** The order, as the shop and as Odoo has it. */
const inShop = ({ shop }: Agreed) => shop.orders.at(-1)!;
const inOdoo = ({ books }: Agreed) => books.sale_orders.at(-1)!;

test('an order that is cancelled on both sides, and paid back, is found to agree; one that its customer cancelled in the shop is no news to it', () => {
  const { cancellationsToShop: hop, ...others } = judge(withCancelled(agreed()));
  assert.deepEqual(verdictOf({ cancellationsToShop: hop, ...others }).wrong, []);
  assert.deepEqual(
    [hop.compared, hop.money],
    [1, { there: '25.00', here: '25.00', difference: '0.00' }],
    'order #2 is its customer’s',
  );
});

test('an order that was cancelled in Odoo while its parcel left goes on in the shop, unless nobody is asked about it', () => {
  const left = (message: string): Ledgers => {
    const all = withCancelled(agreed());
    Object.assign(inShop(all), { cancelled: false, toldToCancel: false });
    all.excepted.push({ lines: 1, value: '0.00', message });
    return all;
  };
  const words = (message: string) => verdictOf(judge(left(message))).wrong;
  assert.deepEqual(words('Order #9 was cancelled in Odoo after goods of it had left'), []);
  assert.deepEqual(
    words('Order #99 was cancelled in Odoo after goods of it had left').filter((one) =>
      /cancelled|cancel in/.test(one),
    ),
    ['#9: cancel in Odoo', '#9: cancelled in Odoo, and not in the shop'],
  );
});

tampers([
  [
    'the shop is not told that people cancelled an order',
    'cancellationsToShop',
    'lost',
    /#9: cancelled in Odoo, and not in the shop/,
    after((x) => Object.assign(inShop(x), { cancelled: false, toldToCancel: false })),
  ],
  [
    'the shop is told that an order is cancelled which goes on in Odoo',
    'cancellationsToShop',
    'duplicated',
    /#9: the shop was told that it is cancelled, and it is sale in Odoo/,
    after((x) => Object.assign(inOdoo(x), { state: 'sale' })),
  ],
  [
    'the money of what people cancelled is not paid back',
    'cancellationsToShop',
    'money',
    /#9: cancelled in Odoo, and the shop keeps 25\.00 of what was paid/,
    after((x) => Object.assign(inShop(x), { kept: 2500, paidBack: [] })),
  ],
  [
    'the money of what people cancelled is paid back twice',
    'cancellationsToShop',
    'money',
    /#9: cancelled in Odoo, and the shop keeps -25\.00/,
    after((x) => Object.assign(inShop(x), { kept: -2500 })),
  ],
  [
    'goods of what people cancelled are still reserved',
    'cancellationsToShop',
    'lost',
    /#9: cancelled in Odoo, where WH\/OUT\/9 is assigned/,
    after((x) => Object.assign(x.books.pickings.at(-1)!, { state: 'assigned' })),
  ],
  [
    'what people cancelled leaves the warehouse',
    'ordersToWarehouse',
    'duplicated',
    /#9: 2 of 0 × WEB-1 left the warehouse/,
    after((x) =>
      x.warehouse.shipments.push({ number: 'SH9', order: 'WH/OUT/9', tracking: '1Z9', units: { 'WEB-1': 2 } }),
    ),
  ],
  [
    'a customer cancels in the shop, and Odoo goes on',
    'ordersToOdoo',
    'lost',
    /#2: cancelled in the shop, sale in Odoo/,
    (x) => Object.assign(x.books.sale_orders[1]!, { state: 'sale' }),
  ],
]);
