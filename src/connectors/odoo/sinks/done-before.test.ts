import assert from 'node:assert/strict';
import { test } from 'node:test';
import { says } from './done-before.ts';

test('a number is said as a word of its own, with or without its #', () => {
  for (const text of ['#1001', '1001', 'order 1001.', 'Web (#1001), card', 'paid: 1001;1002'])
    assert.equal(says(text, ['#1001']), true, text);
  for (const text of ['10010', 'INV/2026/1001', '1001-2', 'card', '', false])
    assert.equal(says(text, ['#1001', 'S00012']), false, String(text));
  assert.equal(says('payment of s00012', ['#1001', 'S00012']), true);
  assert.equal(says(' Shop 7 ', ['Shop 7']), true, 'a number with a space');
});
