import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { seeded } from '../../core/clock.ts';
import { stockShop } from '../retailer/assortment.ts';
import { keepShop } from './journal.ts';
import { setQuantities } from './mutations.ts';
import { cancelOrder, fulfil, placeOrder } from './orders.ts';
import { Shop } from './shop.ts';
import { randomOrder } from './traffic.ts';

const booksOf = ({ products, variants, levels, locations, customers, orders, subscriptions }: Shop) => ({
  products,
  variants,
  levels,
  locations,
  customers,
  orders,
  subscriptions,
});

test('a shop goes on where its journal ends, whatever was torn off; ids are never given twice', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'shop-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'shop.ndjson');
  const shop = new Shop({ currency: 'GBP' });
  const close = keepShop(shop, path);
  stockShop(shop);
  const [location] = shop.locations.keys();
  const quantities = [...shop.variants.values()].map(({ inventoryItemId }) => ({
    inventoryItemId,
    locationId: location!,
    quantity: 50,
    changeFromQuantity: null,
  }));
  setQuantities(shop, { name: 'available', reason: 'correction', quantities });
  const random = seeded(3);
  const orders = Array.from({ length: 20 }, () => placeOrder(shop, randomOrder(shop, random)));
  fulfil(shop, orders[0]!, [{ company: 'UPS', number: '1Z', url: null }]);
  cancelOrder(shop, orders[1]!);
  const before = shop.id('Order');
  close();
  appendFileSync(path, '{"last":9,"kept":[{"kind":"order","id":"gid://shop');
  for (let start = 0; start < 2; start++) {
    const again = new Shop({ currency: 'GBP' });
    const end = keepShop(again, path);
    assert.deepEqual(booksOf(again), booksOf(shop));
    stockShop(again);
    assert.equal(again.products.size, shop.products.size, 'it is furnished already');
    assert.ok(!again.orders.has(before));
    end();
  }
  assert.equal(readFileSync(path, 'utf8').split('\n').length, 2, 'begun anew with one line');
});
