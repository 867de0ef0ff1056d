import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  add,
  compare,
  decimal,
  decimalText,
  divideRounded,
  fits,
  integer,
  multiply,
  negate,
  roundTo,
} from './decimal.ts';
import { allocate, currencyDigits, exactMoney, money, moneyText, roundedMoney, storedText, sum } from './money.ts';

const decimals = fc
  .record({ coefficient: fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }), scale: fc.nat(8) })
  .map(({ coefficient, scale }) => ({ coefficient, scale }));
const currencies = fc.constantFrom('EUR', 'JPY', 'KWD');
const runs = { numRuns: 2000 };

test('a decimal reads as it is written, and nothing else is one', () => {
  fc.assert(
    fc.property(decimals, (value) => {
      assert.deepEqual(decimal(decimalText(value)), value);
    }),
    runs,
  );
  for (const text of [
    '',
    '-',
    '.5',
    '5.',
    '1e400',
    'NaN',
    'Infinity',
    '1,000',
    '0x10',
    ' 1',
    '1 ',
    '١',
    '1'.repeat(40),
  ])
    assert.throws(() => decimal(text), RangeError, text);
  assert.deepEqual(decimal('-0'), { coefficient: 0n, scale: 0 });
  assert.deepEqual(decimal('+9007199254740993.10'), { coefficient: 900719925474099310n, scale: 2 });
  const longest = `-${'1'.repeat(15)}.${'1'.repeat(15)}`;
  assert.equal(decimalText(decimal(longest)), longest);
  assert.throws(() => decimal(`${longest}1`), RangeError);
});

test('a decimal is written as books print it: no sign at zero, one digit before the point, every decimal it carries', () => {
  for (const text of ['0', '0.00', '0.05', '-0.05', '0.50', '10.00', '-1', '12.345'])
    assert.equal(decimalText(decimal(text)), text);
  assert.equal(decimalText(decimal('-0.00')), '0.00');
  assert.equal(decimalText(integer(-7)), '-7');
  assert.equal(moneyText(money(-5n, 'EUR')), '-0.05');
  assert.equal(moneyText(money(0n, 'EUR')), '0.00');
});

test('decimals that differ by one unit of their last place differ', () => {
  assert.deepEqual([compare(decimal('2'), integer(1)), compare(integer(1n), decimal('2'))], [1, -1]);
  assert.deepEqual([compare(decimal('1.01'), decimal('1')), compare(decimal('1'), decimal('1.00'))], [1, 0]);
});

test('decimal arithmetic is exact', () => {
  fc.assert(
    fc.property(decimals, decimals, decimals, (a, b, c) => {
      assert.equal(compare(add(a, b), add(b, a)), 0);
      assert.equal(compare(add(add(a, b), negate(b)), a), 0);
      assert.equal(compare(multiply(a, add(b, c)), add(multiply(a, b), multiply(a, c))), 0);
      assert.equal(compare(a, b), -compare(b, a) + 0);
    }),
    runs,
  );
});

test('rounding is to the nearest, halves away from zero, and symmetric', () => {
  assert.deepEqual(
    ['0.005', '0.015', '0.0149', '-0.005', '-2.5'].map((text) => roundTo(decimal(text), 2)),
    [1n, 2n, 1n, -1n, -250n],
  );
  fc.assert(
    fc.property(decimals, fc.nat(4), (value, digits) => {
      const rounded = roundTo(value, digits);
      assert.equal(roundTo(negate(value), digits), -rounded);
      const twiceOff = multiply(add(value, negate({ coefficient: rounded, scale: digits })), integer(2));
      const size = twiceOff.coefficient < 0n ? negate(twiceOff) : twiceOff;
      assert.ok(compare(size, { coefficient: 1n, scale: digits }) <= 0);
      if (fits(value, digits)) assert.equal(twiceOff.coefficient, 0n);
    }),
    runs,
  );
  assert.equal(divideRounded(7n, -2n), -4n);
});

test('an amount is exact or refused, in the decimals of its currency', () => {
  assert.deepEqual(['EUR', 'JPY', 'KWD'].map(currencyDigits), [2, 0, 3]);
  // As ISO 4217 has them, not as people mostly show them.
  assert.deepEqual(['HUF', 'COP', 'PKR', 'IQD'].map(currencyDigits), [2, 2, 2, 3]);
  for (const code of ['eur', 'EU', '', 'EURO', '€']) assert.throws(() => currencyDigits(code), RangeError);
  assert.throws(() => exactMoney(decimal('0.5'), 'JPY'), /more decimals than JPY allows/);
  assert.deepEqual(exactMoney(decimal('1.500'), 'EUR'), { minor: 150n, currency: 'EUR' });
  fc.assert(
    fc.property(fc.bigInt(), currencies, (minor, currency) => {
      const amount = money(minor % 10n ** 20n, currency);
      assert.deepEqual(exactMoney(decimal(moneyText(amount)), currency), amount);
      assert.deepEqual(roundedMoney(decimal(moneyText(amount)), currency), amount);
    }),
    runs,
  );
  assert.deepEqual(sum([money(1n, 'EUR'), money(-3n, 'EUR')], 'EUR'), money(-2n, 'EUR'));
  assert.throws(() => sum([money(1n, 'EUR'), money(1n, 'USD')], 'EUR'), RangeError);
});

test('the parts of an allocation add up to the whole, each within a unit of its share', () => {
  assert.deepEqual(allocate(100n, [1n, 1n, 1n]), [33n, 34n, 33n]);
  assert.deepEqual(allocate(-5n, [0n, 0n]), [-3n, -2n]);
  assert.throws(() => allocate(1n, []), RangeError);
  assert.throws(() => allocate(1n, [2n, -1n]), RangeError);
  const weights = fc.array(fc.bigInt({ min: 0n, max: 10n ** 9n }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }), weights, (total, weighed) => {
      const parts = allocate(total, weighed);
      assert.equal(
        parts.reduce((a, b) => a + b, 0n),
        total,
      );
      const whole = weighed.reduce((a, b) => a + b, 0n);
      for (const [index, part] of parts.entries()) {
        if (whole === 0n) continue;
        if (weighed[index] === 0n) assert.equal(part, 0n);
        const off = part * whole - total * weighed[index]!;
        assert.ok((off < 0n ? -off : off) <= whole);
      }
    }),
    runs,
  );
});

test('what is stored is shown, also in a currency that is none: its smallest units as they are', () => {
  assert.equal(storedText({ minor: -1250n, currency: 'EUR' }), '-12.50');
  assert.equal(storedText({ minor: -1250n, currency: 'XXQ' }), '-1250');
  assert.equal(storedText({ minor: 7n, currency: '' }), '7');
});
