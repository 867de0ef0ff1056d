import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge } from './judge.ts';
import { agreed, tampers } from './testing.ts';

test('what vendors sent is compared load by load, and is none of the till’s', () => {
  const { receiptsToOdoo, tillToOdoo } = judge(agreed());
  assert.deepEqual([receiptsToOdoo.compared, receiptsToOdoo.wrong, tillToOdoo.wrong], [2, [], []]);
});

tampers([
  [
    'a load is not in Odoo',
    'receiptsToOdoo',
    'lost',
    /P00001: 2 loads came in at the warehouse, 1 in Odoo/,
    (x) => {
      x.books.pickings.find(({ id }) => id === 18)!.state = 'assigned';
    },
  ],
  [
    'a load is twice in Odoo',
    'receiptsToOdoo',
    'duplicated',
    /P00001: 2 loads came in at the warehouse, 3 in Odoo/,
    (x) => x.books.pickings.push({ ...x.books.pickings.find(({ id }) => id === 18)!, id: 28 }),
  ],
  [
    'less came in in Odoo than at the warehouse',
    'receiptsToOdoo',
    'lost',
    /P00001: 3 × WEB-2 came in at the warehouse, 2 in Odoo/,
    (x) => {
      x.books.pickings.find(({ id }) => id === 17)!.moves[1]!.quantity = 2;
    },
  ],
  [
    'more came in in Odoo than at the warehouse',
    'receiptsToOdoo',
    'duplicated',
    /P00001: 6 × WEB-1 came in at the warehouse, 7 in Odoo/,
    (x) => {
      x.books.pickings.find(({ id }) => id === 17)!.moves[0]!.quantity = 6;
    },
  ],
  [
    'Odoo received what never came',
    'receiptsToOdoo',
    'duplicated',
    /P00001: 0 loads came in at the warehouse, 2 in Odoo/,
    (x) => x.warehouse.received.splice(0),
  ],
]);
