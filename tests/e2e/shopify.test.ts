import assert from 'node:assert/strict';
import { test } from 'node:test';
import { odooBooks } from '../shopify/books.ts';
import { trade } from '../shopify/story.ts';
import { testLedger } from '../support/hub.ts';

test('webhooks lost, doubled, late and forged, subscriptions deleted: every order comes once, and nobody did anything', async (t) => {
  const told = await trade(await testLedger(t), {
    orders: 150,
    seed: 4,
    every: '3s',
    // So many that a hundred webhooks show each of them.
    webhooks: { lost: 0.1, twice: 0.1, late: 0.15, unsigned: 0.1 },
  });
  assert.deepEqual(told.wrong, []);
  assert.equal(told.sold, 150);
  assert.ok(told.changed > 10, `${told.changed} orders changed`);
  const { lost, twice, late, unsigned } = told.webhooks;
  assert.ok(Math.min(lost, twice, late, unsigned) > 0, JSON.stringify(told.webhooks));
  assert.deepEqual([told.unheard, told.fooled], [0, 0], 'webhooks that were not taken, and forged ones that were');
  assert.ok(Number.isFinite(told.resubscribed) && Number.isFinite(told.closed));
});

for (const version of [18, 19] as const)
  test(`orders that are edited, shipped, cancelled and refunded again and again are worth to the cent in the simulated Odoo ${version} what the shop kept`, async (t) => {
    const books = await odooBooks(version);
    t.after(() => books.stop());
    const story = { orders: 150, seed: version, every: '3s', changes: 5, rate: 8 } as const;
    const told = await trade(await testLedger(t), story, books);
    t.diagnostic(`${told.sold} orders, ${told.changed} changes`);
    assert.deepEqual(told.wrong, []);
    assert.ok(told.changed > 300, `${told.changed} orders changed`);
  });
