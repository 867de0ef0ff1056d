import assert from 'node:assert/strict';
import { test } from 'node:test';
import { retailer } from '../support/retailer.ts';

const ORDERS = 30;

test('with a bucket that holds hardly one large call the hub waits by what calls cost, is refused at most once for each kind of call, and all lands', async (t) => {
  const at = await retailer(t, 19, { bucket: [1000, 200] });
  await at.start();
  const orders = Array.from({ length: ORDERS }, (_, n) =>
    at.buy(n % 2 === 0 ? { 'WEB-1': 1 } : { 'WEB-1': 1, 'WEB-2': 1 }),
  );
  await at.until(
    'all are at the warehouse and invoiced',
    async () => {
      at.reads();
      const invoiced = (await at.books()).sale_orders.filter(({ invoiced: sum }) => sum > 0);
      return invoiced.length === ORDERS && at.warehouse.orders.size === ORDERS;
    },
    90,
  );
  at.ships();
  await at.until(
    'the shop has heard of each shipment',
    () => orders.every(({ fulfillments }) => fulfillments.length === 1),
    90,
  );
  await at.agreed(undefined, 90);
  assert.deepEqual(await at.exceptions(), []);
  const asked = at.requests.map(({ operation }) => operation);
  const throttled = asked.filter((operation) => operation === 'throttled').length;
  // What a call costs is known only once it was sent. Without waiting by cost one call in eight is refused here.
  assert.ok(throttled <= new Set(asked).size, `${throttled} of ${asked.length} calls were refused`);
});
