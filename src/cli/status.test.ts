import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Summary } from '../watch/summary.ts';
import { describe } from './status.ts';

const summaryOf = (waiting: { events: number; deliveries: number }, difference: string): Summary => ({
  events: { received: 3, duplicate: 0, routed: 3, excepted: 0, waiting: waiting.events },
  lines: { received: 3, posted: 2, adjusted: 0, excepted: 0 },
  deliveries: { delivered: 2, superseded: 0, waiting: waiting.deliveries, parked: 0 },
  documents: {},
  money: {
    EUR: {
      received: '9.00',
      posted: '5.00',
      excepted: '0.00',
      difference,
      absolute: { received: '9.00', posted: '5.00', excepted: '0.00' },
    },
  },
  exceptions: [],
});

test('money on its way is in transit; it is a difference only when nothing moves', () => {
  const line = (waiting: { events: number; deliveries: number }, difference: string) =>
    describe(summaryOf(waiting, difference))
      .split('\n')
      .find((text) => text.startsWith('EUR'))!;
  assert.match(line({ events: 0, deliveries: 2 }, '4.00'), /excepted \+ 4\.00 in transit \(2 events and deliveries/);
  assert.match(line({ events: 1, deliveries: 0 }, '4.00'), /\+ 4\.00 in transit \(1 /);
  assert.doesNotMatch(line({ events: 1, deliveries: 2 }, '4.00'), /difference/);
  assert.match(line({ events: 0, deliveries: 0 }, '4.00'), /excepted; difference 4\.00$/);
  assert.match(line({ events: 5, deliveries: 0 }, '0.00'), /excepted; difference 0\.00$/);
});

test('a cause without money says so, and one with money in which', () => {
  const exceptions = [
    { cause: 'unknown-sku', count: 2, value: '-4.00', currency: 'EUR' },
    { cause: 'short', count: 1, value: null, currency: null },
  ];
  const told = describe({ ...summaryOf({ events: 0, deliveries: 0 }, '0.00'), exceptions });
  assert.match(told, /\nunknown-sku +2 +-4\.00 EUR\nshort +1 +no money\n/);
});
