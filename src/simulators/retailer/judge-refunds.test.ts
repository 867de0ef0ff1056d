import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge } from './judge.ts';
import { agreed, tampers } from './testing.ts';

test('credit notes, what was paid for them and what was taken back are compared, and are not the shop’s own refunds and returns', () => {
  const told = judge(agreed());
  const hops = ['creditsToShop', 'paidBackToOdoo', 'takenBackToShop', 'refundsToOdoo', 'returnsToOdoo'] as const;
  assert.deepEqual(
    hops.map((hop) => told[hop].compared),
    [1, 1, 1, 1, 1],
  );
  assert.deepEqual(told.creditsToShop.money, { there: '3.00', here: '3.00', difference: '0.00' });
});

tampers([
  [
    'a credit note was not paid back',
    'creditsToShop',
    'lost',
    /#1: credit note RINV\/2 \(3\.00\) was not paid back/,
    (x) => x.shop.orders[0]!.paidBack.pop(),
  ],
  [
    'a credit note was paid back twice',
    'creditsToShop',
    'duplicated',
    /RINV\/2 was paid back 2 times/,
    (x) => x.shop.orders[0]!.paidBack.push(x.shop.orders[0]!.paidBack[0]!),
  ],
  [
    'a cent too much was paid back',
    'creditsToShop',
    'money',
    /of credit note RINV\/2 \(3\.00\) the shop paid back 3\.01/,
    (x) => {
      x.shop.orders[0]!.paidBack[0]!.amount = 301;
    },
  ],
  [
    'a credit note that is no longer posted was paid back',
    'creditsToShop',
    'duplicated',
    /which is not posted in Odoo/,
    (x) => {
      x.books.credit_notes[1]!.state = 'draft';
    },
  ],
  [
    'money went back at another order',
    'creditsToShop',
    'lost',
    /#2: the shop paid back 3\.00 for 'RINV\/2 /,
    (x) => x.shop.orders[1]!.paidBack.push(x.shop.orders[0]!.paidBack.pop()!),
  ],
  [
    'what the shop paid is not registered',
    'paidBackToOdoo',
    'lost',
    /credit note 52: not there/,
    (x) => x.books.payments.splice(1, 1),
  ],
  [
    'what the shop paid is registered twice',
    'paidBackToOdoo',
    'duplicated',
    /credit note 52: 2 payments/,
    (x) => x.books.payments.push(x.books.payments[1]!),
  ],
  [
    'less than was paid is registered',
    'paidBackToOdoo',
    'money',
    /credit note 52: 2\.99 instead of 3/,
    (x) => {
      x.books.payments[1]!.amount = 2.99;
    },
  ],
  [
    'a credit note is still owed',
    'paidBackToOdoo',
    'lost',
    /#1: 3 of credit note RINV\/2 is still owed/,
    (x) => {
      x.books.credit_notes[1]!.residual = 3;
    },
  ],
  [
    'what was taken back is not in the shop',
    'takenBackToShop',
    'lost',
    /1 × WEB-2 came back by WH\/IN\/3, and the shop has no return/,
    (x) => x.shop.orders[0]!.takenBack.pop(),
  ],
  [
    'what was taken back is twice in the shop',
    'takenBackToShop',
    'duplicated',
    /WH\/IN\/3 is 2 returns in the shop/,
    (x) => x.shop.orders[0]!.takenBack.push(x.shop.orders[0]!.takenBack[0]!),
  ],
  [
    'something else is said to have come back',
    'takenBackToShop',
    'lost',
    /1 × WEB-2 came back by WH\/IN\/3, in the shop 1 × WEB-1/,
    (x) => {
      x.shop.orders[0]!.takenBack[0]!.units = { 'WEB-1': 1 };
    },
  ],
  [
    'the shop has a return of what never came back',
    'takenBackToShop',
    'duplicated',
    /the shop has the return 'WH\/IN\/3 .*', and nothing came back/,
    (x) => {
      x.books.pickings.at(-1)!.state = 'assigned';
    },
  ],
]);
