import assert from 'node:assert/strict';
import { test } from 'node:test';
import { verifyPayments } from './verify-payments.ts';

const held = (memo: string, amount = 10, more = {}) => ({ memo, state: 'paid', amount, reconciled: true, ...more });
const figures = (...args: Parameters<typeof verifyPayments>) => {
  const { lost, doubled, wrong, words } = verifyPayments(...args);
  assert.equal(words.length === 0, lost + doubled + wrong === 0);
  return [lost, doubled, wrong];
};

test('payments that were sent are compared with those that are held', () => {
  const sent = [
    { id: 'a', amount: 1000 },
    { id: 'b', amount: 1000 },
  ];
  assert.deepEqual(figures(sent, [held('a'), held('b')]), [0, 0, 0]);
  assert.deepEqual(figures(sent, [held('a')]), [1, 0, 0]);
  assert.deepEqual(figures(sent, [held('a'), held('b'), held('b', 10, { reconciled: false })]), [0, 1, 0]);
  assert.deepEqual(figures(sent, [held('a'), held('b'), held('b', 10, { state: 'canceled' })]), [0, 0, 0]);
  assert.deepEqual(figures(sent, [held('a', 10.01), held('b', 10, { reconciled: false })]), [0, 0, 2]);
  assert.deepEqual(figures(sent, [held('a'), held('b'), held('c')]), [0, 1, 0]);
});
