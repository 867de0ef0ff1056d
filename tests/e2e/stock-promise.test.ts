import assert from 'node:assert/strict';
import { test } from 'node:test';
import { trade } from '../stock/story.ts';
import { testLedger } from '../support/hub.ts';

test('three channels that sell what Odoo has, on bad lines: the levels are the same everywhere in the end, and no write undid a newer one', async (t) => {
  const told = await trade(await testLedger(t), {
    skus: 8,
    sales: 80,
    moves: 80,
    seed: 2,
    faulty: true,
    rate: 20,
    every: 500,
    patience: 120,
  });
  assert.deepEqual(told.wrong, []);
  assert.ok(Math.min(...Object.values(told.sold)) > 10, JSON.stringify(told.sold));
  assert.equal(told.ordersInOdoo, told.sold.web + told.sold.market + told.sold.till);
});
