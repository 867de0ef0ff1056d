import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge, verdictOf } from './judge.ts';
import { agreed, tampers } from './testing.ts';

test('every hop of the store and of what Odoo tells has something to compare', () => {
  const judgement = judge(agreed());
  const hops = ['catalogueToShop', 'pricesToShop', 'storeSalesToOdoo', 'storeGoodsToOdoo', 'storeReceipts'] as const;
  for (const hop of [...hops, 'catalogueToStore', 'stockToStore', 'pricesToStore'] as const)
    assert.ok(judgement[hop].compared > 1, `${hop}: ${judgement[hop].compared}`);
  assert.deepEqual(judgement.storeSalesToOdoo.money, { there: '9.25', here: '9.25', difference: '0.00' });
});

test('without a store nothing is missed of it', () => {
  const { store: _, ...others } = agreed();
  others.books.sale_orders.splice(2);
  others.books.pickings.splice(3, 2);
  others.books.prices = [];
  others.shop.orders.splice(2);
  others.shop.levelsAtStore = {};
  others.shop.marketPrices = {};
  others.books.quants = others.books.quants.filter(({ location }) => !location!.startsWith('STO/'));
  others.excepted = [];
  others.warehouse.received = [];
  assert.deepEqual(verdictOf(judge(others)).wrong, []);
});

tampers([
  [
    'a variant is not in the shop',
    'catalogueToShop',
    'lost',
    /OWN-1-BLUE of 'Linen robe' is not in the shop/,
    (x) => x.shop.products[1]!.variants.pop(),
  ],
  [
    'a product is not in the shop',
    'catalogueToShop',
    'lost',
    /OWN-1-RED of 'Linen robe' is not in the shop/,
    (x) => x.shop.products.pop(),
  ],
  [
    'a product is twice in the shop',
    'catalogueToShop',
    'duplicated',
    /'Linen robe' is 2 products in the shop/,
    (x) => x.shop.products.push(x.shop.products[1]!),
  ],
  [
    'a variant is twice in the shop',
    'catalogueToShop',
    'duplicated',
    /OWN-1-RED is 2 times in the shop/,
    (x) => x.shop.products[1]!.variants.push(x.shop.products[1]!.variants[0]!),
  ],
  [
    'the shop shows what is not for sale in Odoo',
    'catalogueToShop',
    'duplicated',
    /OWN-1-RED: in the shop as a variant of 'Linen robe', and not for sale in Odoo/,
    (x) => {
      x.books.products[1]!.sold = false;
    },
  ],
  [
    'a name is an older one',
    'catalogueToShop',
    'differences',
    /'Linen robe' \(Soft\) is called 'Robe' \(Soft\) in the shop/,
    (x) => {
      x.shop.products[1]!.title = 'Robe';
    },
  ],
  [
    'a description is an older one',
    'catalogueToShop',
    'differences',
    /is called 'Linen robe' \(Rough\) in the shop/,
    (x) => {
      x.shop.products[1]!.description = 'Rough';
    },
  ],
  [
    'a variant has another colour',
    'catalogueToShop',
    'differences',
    /OWN-1-RED is 'Green \/ S' in the shop, 'Red \/ S' in Odoo/,
    (x) => {
      x.shop.products[1]!.variants[0]!.values = ['Green', 'S'];
    },
  ],
  [
    'the store was not told of a variant',
    'catalogueToStore',
    'lost',
    /OWN-1-BLUE of 'Linen robe' is not in the store/,
    (x) => x.store.products![1]!.variants.pop(),
  ],
  [
    'the store takes what is for sale for withdrawn',
    'catalogueToStore',
    'lost',
    /WEB-1 of 'Oak shelf' is not in the store/,
    (x) => {
      x.store.products![0]!.sold = false;
    },
  ],
  [
    'the store sells what was withdrawn in Odoo',
    'catalogueToStore',
    'duplicated',
    /WEB-1: in the store as a variant of 'Oak shelf', and not for sale in Odoo/,
    (x) => {
      x.books.products[0]!.sold = false;
    },
  ],
  [
    'the store has an older name',
    'catalogueToStore',
    'differences',
    /'Linen robe' \(Soft\) is called 'Robe' \(Soft\) in the store/,
    (x) => {
      x.store.products![1]!.title = 'Robe';
    },
  ],
  [
    'the store was told a price of what it did not know',
    'catalogueToStore',
    'differences',
    /OWN-1-RED: the store was told a level or a price before the product/,
    (x) => x.store.unknown.push('OWN-1-RED'),
  ],
  [
    'the shop charges an older price',
    'pricesToShop',
    'differences',
    /OWN-1-RED: 9\.99 in the shop, 10\.00 in Odoo/,
    (x) => {
      x.shop.prices['OWN-1-RED'] = 999;
    },
  ],
  [
    'somebody bought what had no price yet',
    'pricesToShop',
    'differences',
    /#1: WEB-1 for nothing/,
    (x) => {
      x.shop.orders[0]!.lines[0]!.net = 0;
    },
  ],
  [
    'the shop was never told a price',
    'pricesToShop',
    'lost',
    /WEB-2: no price in the shop/,
    (x) => {
      delete x.shop.prices['WEB-2'];
    },
  ],
  [
    'a new product has no level in the shop',
    'stockToShop',
    'lost',
    /OWN-1-BLUE: no level in the shop, 3 free in Odoo/,
    (x) => {
      delete x.shop.levels['OWN-1-BLUE'];
    },
  ],
  [
    'a sale of the store is not in Odoo',
    'storeSalesToOdoo',
    'lost',
    /R-1001: no sale order/,
    (x) => x.books.sale_orders.splice(2, 1),
  ],
  [
    'a sale of the store is twice in Odoo',
    'storeSalesToOdoo',
    'duplicated',
    /R-1001: 2 sale orders/,
    (x) => x.books.sale_orders.push(x.books.sale_orders[2]!),
  ],
  [
    'Odoo has a sale that the store never made',
    'storeSalesToOdoo',
    'duplicated',
    /R-1002: the store never sold it/,
    (x) => x.store.sales.pop(),
  ],
  [
    'a sale of the store is cancelled in Odoo',
    'storeSalesToOdoo',
    'lost',
    /R-1001: cancel in Odoo/,
    (x) => {
      x.books.sale_orders[2]!.state = 'cancel';
    },
  ],
  [
    'a cent of the store’s is missing in Odoo',
    'storeSalesToOdoo',
    'money',
    /R-1001: 18\.50 in the store, 18\.49 in Odoo/,
    (x) => {
      x.books.sale_orders[2]!.amount_total = 18.49;
    },
  ],
  [
    'a correction at the till is missing in Odoo',
    'storeSalesToOdoo',
    'lost',
    /2 × OWN-1-RED for 18\.50, in Odoo 2 × OWN-1-RED for 20\.00/,
    (x) => x.books.sale_orders[2]!.lines.pop(),
  ],
  [
    'a discount of the till is twice in Odoo',
    'storeSalesToOdoo',
    'duplicated',
    /OWN-1-RED or its discount is several times in Odoo/,
    (x) => x.books.sale_orders[2]!.lines.push(x.books.sale_orders[2]!.lines[1]!),
  ],
  [
    'an older version of a sale came last',
    'storeSalesToOdoo',
    'outOfOrder',
    /put price_unit back to 10/,
    (x) => {
      const write = (commit: number, price: number) => ({
        commit,
        xmlid: 'hub_odoo.order_line_store_3a_S1001-1',
        model: 'sale.order.line',
        kind: 'write',
        values: { price_unit: price },
      });
      x.books.writes.push(write(1, 10), write(2, 9), write(3, 10));
    },
  ],
  [
    'what was handed over is still on Odoo’s shelf',
    'storeGoodsToOdoo',
    'lost',
    /R-1001: 0 of 2 × OWN-1-RED moved/,
    (x) => {
      x.books.pickings.find(({ id }) => id === 11)!.moves[0]!.state = 'assigned';
    },
  ],
  [
    'what was handed over has left Odoo’s shelf twice',
    'storeGoodsToOdoo',
    'duplicated',
    /R-1001: 4 of 2 × OWN-1-RED moved/,
    (x) => {
      x.books.pickings.push({ ...x.books.pickings.find(({ id }) => id === 11)!, id: 21 });
      x.books.sale_orders[2]!.pickings.push(21);
    },
  ],
  [
    'what came back over the counter is not on Odoo’s shelf',
    'storeGoodsToOdoo',
    'lost',
    /R-1002: 0 of -1 × OWN-1-RED moved/,
    (x) => {
      x.books.sale_orders[3]!.pickings = [];
    },
  ],
  [
    'what came back over the counter has left Odoo’s shelf once more',
    'storeGoodsToOdoo',
    'lost',
    /R-1002: 1 of -1 × OWN-1-RED moved/,
    (x) => {
      Object.assign(x.books.pickings.find(({ id }) => id === 12)!.moves[0]!, { from: 'STO/Stock', to: 'Customers' });
    },
  ],
  [
    'what the store sold has left the warehouse’s shelf',
    'storeGoodsToOdoo',
    'lost',
    /R-1001: 0 of 2 × OWN-1-RED moved/,
    (x) => {
      x.books.pickings.find(({ id }) => id === 11)!.moves[0]!.from = 'WH/Stock';
    },
  ],
  [
    'the store was not told of its sale',
    'storeReceipts',
    'lost',
    /R-1001: the store was not told/,
    (x) => {
      delete x.store.recorded.S1001;
    },
  ],
  [
    'the store was told something else of its sale',
    'storeReceipts',
    'lost',
    /R-1002: the store was told 'recorded', not 'cancelled'/,
    (x) => {
      x.store.recorded.S1002 = 'recorded';
    },
  ],
  [
    'the store may sell what the shop has sold',
    'stockToStore',
    'differences',
    /WEB-1: 9 in the store, 2 free in Odoo/,
    (x) => {
      x.store.levels['WEB-1'] = 9;
    },
  ],
  [
    'the store was told no level',
    'stockToStore',
    'lost',
    /WEB-1: no level in the store/,
    (x) => {
      delete x.store.levels['WEB-1'];
    },
  ],
  [
    'the store charges an older price',
    'pricesToStore',
    'differences',
    /WEB-1: 9\.00 in the store, 10\.00 in Odoo/,
    (x) => {
      x.store.prices['WEB-1'] = 900;
    },
  ],
  [
    'the store was told no price',
    'pricesToStore',
    'lost',
    /OWN-1-BLUE: no price in the store/,
    (x) => {
      delete x.store.prices['OWN-1-BLUE'];
    },
  ],
]);
