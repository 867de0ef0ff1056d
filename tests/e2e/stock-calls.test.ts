import assert from 'node:assert/strict';
import { test } from 'node:test';
import { trade } from '../stock/story.ts';
import { testLedger } from '../support/hub.ts';

test('changes of stock in Odoo reach a channel in far fewer calls', async (t) => {
  const moves = 5000;
  const told = await trade(await testLedger(t), {
    skus: 50,
    sales: 0,
    moves,
    seed: 3,
    faulty: false,
    rate: 1,
    // As shipped.
    every: 20_000,
    patience: 120,
  });
  assert.deepEqual(told.wrong, []);
  for (const [channel, calls] of Object.entries(told.calls))
    assert.ok(calls > 0 && calls * 50 <= moves, `${calls} calls of ${channel} for ${moves} changes`);
});
