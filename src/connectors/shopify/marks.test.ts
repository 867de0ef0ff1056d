import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isRefundOf, isRefundWorth, refundKeyIn, refundNote, returnKeyIn, returnNote } from './marks.ts';

/** Keys as sources make them, and of anything, often with what marks are made of. */
const keys = fc.oneof(
  fc.constantFrom(
    'odoo:credit-note-52',
    'till:R-7, second',
    'a(b)',
    'a), 2.00 EUR',
    '100%',
    '%28',
    '(crossdock x)',
    '), (',
  ),
  fc
    .array(fc.constantFrom('(', ')', ',', ' ', '%', '2', '5', '8', '9', '.', 'EUR', '\n', 'a'), { minLength: 1 })
    .map((all) => all.join('')),
  fc.string({ unit: 'grapheme', minLength: 1 }),
);
/** What people write, which no mark begins in. */
const words = fc
  .oneof(fc.string(), fc.constantFrom('', 'asked by Ann (phone), 3.00 GBP) ', ' (see the box)', ')'))
  .filter((text) => !text.includes('(crossdock '));
const currencies = fc.constantFrom('EUR', 'GBP', 'JPY', 'KWD');
const amounts = fc.bigInt({ min: 1n, max: 10n ** 12n });

describe('marks in notes', () => {
  test('a refund is known by its key and amount, whatever the key is and people write around it', () => {
    fc.assert(
      fc.property(keys, keys, words, words, amounts, currencies, (key, other, before, after, amount, currency) => {
        const note = `${before}${refundNote(key, 'RINV/1', amount, currency)}${after}`;
        assert.equal(refundKeyIn(note), key);
        assert.ok(isRefundOf(note, key));
        assert.ok(isRefundWorth(note, amount, currency) && !isRefundWorth(note, amount + 1n, currency));
        if (other !== key && !other.includes('%')) assert.ok(!isRefundOf(note, other));
      }),
      { numRuns: 2000 },
    );
  });

  test('a return is known by its key, whatever the key is and people write around it', () => {
    fc.assert(
      fc.property(keys, words, words, (key, before, after) => {
        assert.equal(returnKeyIn(`${before}${returnNote(key, 'WH/IN/1')}${after}`), key);
      }),
      { numRuns: 2000 },
    );
  });

  test('marks that are in shops already are known', () => {
    for (const key of ['odoo:credit-note-52', 'till:R-7, second', 'a(b)', '100%', '50%25', ')('] as const) {
      const note = `RINV/1 (crossdock ${key}, 12.35 GBP)`;
      assert.ok(isRefundOf(note, key) && isRefundWorth(note, 1235n, 'GBP'), key);
      assert.notEqual(refundKeyIn(note), null);
    }
    for (const key of ['odoo:return-19', 'till:R-7, second', 'a(b)', '100%'])
      assert.equal(returnKeyIn(`WH/IN/1 (crossdock ${key})`), key);
  });

  test('what people wrote is no mark', () => {
    for (const note of [null, undefined, '', 'wrong size', '(crossdock)', 'crossdock a, 1.00 GBP', '(paid, 12.35 GBP)'])
      assert.deepEqual([refundKeyIn(note), returnKeyIn(note), isRefundOf(note, 'a')], [null, null, false]);
  });
});
