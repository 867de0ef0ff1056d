import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge } from './judge.ts';
import { agreed, tampers } from './testing.ts';

const wrote = (commit: number, values: Readonly<Record<string, string>>) => ({
  commit,
  xmlid: 'hub_odoo.customer_shop_3a_31',
  model: 'res.partner',
  kind: 'write',
  values,
});

test('customers are compared both ways, a number by its digits', () => {
  const { customersToOdoo, contactsToShop } = judge(agreed());
  assert.deepEqual([customersToOdoo.compared, contactsToShop.compared], [2, 1]);
});

tampers([
  [
    'a customer of the shop is not in Odoo',
    'customersToOdoo',
    'lost',
    /Ben Dunn \(32\) is not in Odoo/,
    (x) => x.books.partners.pop(),
  ],
  [
    'a customer is twice in Odoo',
    'customersToOdoo',
    'duplicated',
    /Ada Bell \(31\) is 2 partners/,
    (x) => x.books.partners.push(x.books.partners[0]!),
  ],
  [
    'Odoo has an old name',
    'customersToOdoo',
    'differences',
    /name is 'Ada Bell' in the shop, 'Ada Holt' in Odoo/,
    (x) => {
      x.books.partners[0]!.name = 'Ada Holt';
    },
  ],
  [
    'Odoo has an old e-mail address',
    'customersToOdoo',
    'differences',
    /email is 'ben@example.com' in the shop, nothing in Odoo/,
    (x) => {
      x.books.partners[1]!.email = null;
    },
  ],
  [
    'Odoo has another country',
    'customersToOdoo',
    'differences',
    /country is 'GB' in the shop, 'BE' in Odoo/,
    (x) => {
      x.books.partners[0]!.country = 'BE';
    },
  ],
  [
    'what a shopper gave was undone on both sides',
    'customersToOdoo',
    'differences',
    /Ada Bell \(31\) gave 'ada@example.com' as email, the shop has 'old@example.com'/,
    (x) => {
      x.shop.customers[0]!.email = 'old@example.com';
      x.books.partners[0]!.email = 'old@example.com';
    },
  ],
  [
    'an older address came last',
    'customersToOdoo',
    'outOfOrder',
    /put email back to "a@example.com"/,
    (x) => {
      const address = (commit: number, email: string) => wrote(commit, { email });
      x.books.writes.push(
        address(1, 'a@example.com'),
        address(2, 'ada@example.com'),
        address(3, 'a@example.com'),
        address(4, 'ada@example.com'),
      );
    },
  ],
  [
    'the shop has no number',
    'contactsToShop',
    'differences',
    /phone is '\+44 7700900001' in Odoo, nothing in the shop/,
    (x) => {
      x.shop.customers[0]!.phone = null;
    },
  ],
  [
    'the shop has a number that Odoo has not',
    'contactsToShop',
    'differences',
    /Ben Dunn \(32\): phone is nothing in Odoo, '\+447700900002' in the shop/,
    (x) => {
      x.shop.customers[1]!.phone = '+447700900002';
    },
  ],
  [
    'what people in Odoo gave was undone on both sides',
    'contactsToShop',
    'differences',
    /people in Odoo gave '\+44 7700900001' as phone, it has nothing/,
    (x) => {
      x.shop.customers[0]!.phone = null;
      x.books.partners[0]!.phone = null;
    },
  ],
  [
    'a number was undone and given again',
    'contactsToShop',
    'outOfOrder',
    /put phone back to "1"/,
    (x) => x.books.writes.push(wrote(1, { phone: '1' }), wrote(2, { phone: '2' }), wrote(3, { phone: '1' })),
  ],
]);
