import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge } from './judge.ts';
import { agreed, tampers } from './testing.ts';

test('every figure that the till was told is compared, and an honest refusal is no difference', () => {
  const { lookupsInStore } = judge(agreed());
  assert.deepEqual([lookupsInStore.compared, lookupsInStore.differences, lookupsInStore.wrong], [8, 0, []]);
});

test('without a question of the till nothing is missed', () => {
  const { lookups: _, ...others } = agreed();
  assert.deepEqual(judge(others).lookupsInStore.wrong, []);
});

tampers([
  [
    'a level is not what is free',
    'lookupsInStore',
    'differences',
    /WEB-901: the till was told 4 \(levels\), in Odoo 5/,
    (x) => Object.assign(x.lookups.told[0]!, { value: 4 }),
  ],
  [
    'a level is that of before, and is said to be of now',
    'lookupsInStore',
    'differences',
    /WEB-901: the till was told 5 \(levels\), in Odoo 6/,
    (x) =>
      Object.assign(x.lookups.told[1]!, {
        age: 0,
        askedAt: x.lookups.told[1]!.askedAt + 4000,
        toldAt: x.lookups.told[1]!.toldAt + 4000,
      }),
  ],
  [
    'a level of one location of several is told',
    'lookupsInStore',
    'differences',
    /WEB-901: the till was told 1 \(levels\), in Odoo 6/,
    (x) => Object.assign(x.lookups.told[2]!, { value: 1 }),
  ],
  [
    'the level of another place is told',
    'lookupsInStore',
    'differences',
    /WEB-901: the till was told 40 \(levels\), in Odoo 6/,
    (x) => Object.assign(x.lookups.told[2]!, { value: 40 }),
  ],
  [
    'more is promised than is free',
    'lookupsInStore',
    'differences',
    /WEB-1: the till was told 10 \(levels\), in Odoo 9/,
    (x) => Object.assign(x.lookups.told[4]!, { value: 10 }),
  ],
  [
    'a price is not what it was',
    'lookupsInStore',
    'differences',
    /WEB-1: the till was told 1195 \(prices\), in Odoo 1000/,
    (x) => Object.assign(x.lookups.told[5]!, { value: 1195 }),
  ],
  [
    'a price that has changed is said to be of now',
    'lookupsInStore',
    'differences',
    /WEB-1: the till was told 1000 \(prices\), in Odoo 1250/,
    (x) => Object.assign(x.lookups.told[6]!, { age: 0 }),
  ],
  [
    'there is said to be none',
    'lookupsInStore',
    'differences',
    /WEB-1: the till was told nothing \(prices\), in Odoo 1250/,
    (x) => Object.assign(x.lookups.told[7]!, { value: null }),
  ],
  [
    'an answer is older than the look-up promises',
    'lookupsInStore',
    'differences',
    /WEB-901: told 8 s after Odoo said so, at most 7 s/,
    (x) => Object.assign(x.lookups.told[2]!, { age: 8000 }),
  ],
  [
    'an answer of a system that is away is too old to count',
    'lookupsInStore',
    'differences',
    /WEB-901: told 110 s after Odoo said so, at most 62 s/,
    (x) => Object.assign(x.lookups.limits.levels, { stale: 60_000 }),
  ],
  [
    'the till gets no answer at all',
    'lookupsInStore',
    'lost',
    /1 questions of the till, and no answer/,
    (x) => x.lookups.told.splice(0),
  ],
  [
    'a stranger is answered',
    'lookupsInStore',
    'lost',
    /a stranger/,
    (x) => x.lookups.wrong.push('levels of WEB-1: a stranger who asked was answered 200'),
  ],
  [
    'a price is not in the market',
    'marketPricesToShop',
    'lost',
    /WEB-1: no price in Ireland, 11\.95 in Odoo/,
    (x) => delete x.shop.marketPrices['WEB-1'],
  ],
  [
    'the market has another price',
    'marketPricesToShop',
    'differences',
    /OWN-1-RED: 10\.00 in Ireland, 11\.95 in Odoo/,
    (x) => Object.assign(x.shop.marketPrices, { 'OWN-1-RED': 1000 }),
  ],
  [
    'the market has a price that was taken away in Odoo',
    'marketPricesToShop',
    'duplicated',
    /WEB-1: 11\.95 in Ireland, no price in Odoo/,
    (x) =>
      x.books.prices.splice(
        x.books.prices.findIndex(({ list, default_code }) => list !== 'Web shop' && default_code === 'WEB-1'),
        1,
      ),
  ],
  [
    'the market’s price is the shop’s own',
    'pricesToShop',
    'differences',
    /WEB-1: 11\.95 in the shop, 10\.00 in Odoo/,
    (x) => Object.assign(x.shop.prices, { 'WEB-1': 1195 }),
  ],
]);
