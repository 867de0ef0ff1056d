import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Figures } from '../ledger/figures.ts';
import { summarise } from './summary.ts';

const figures = (changes: Partial<Figures> = {}): Figures => ({
  events: { received: 10, duplicate: 1, routed: 6, late: 1, echo: 0, waiting: 1, parked: 1, dismissed: 0, excepted: 1 },
  deliveries: { delivered: 5, superseded: 2, dismissed: 0, waiting: 3, leased: 2, unknown: 1, parked: 4 },
  documents: { customer: 2, order: 6 },
  measures: [],
  exceptions: [],
  ...changes,
});

type Row = Figures['measures'][number];
const row = (what: Row['what'], currency: string | null, lines: number, minor: bigint, absolute = minor): Row => ({
  what,
  kind: what === 'bound' ? 'order' : null,
  currency,
  lines,
  minor,
  absolute,
});

test('the shape of the JSON summary', () => {
  const summary = summarise(
    figures({
      measures: [
        row('received', 'GBP', 90, 100_000n, 120_000n),
        row('received', null, 10, 0n),
        row('bound', 'GBP', 80, 99_001n, 118_000n),
        row('bound', null, 8, 0n),
        row('bound', null, 0, 0n),
        row('excepted', 'GBP', 10, 999n, 2_000n),
        row('excepted', null, 2, 0n),
      ],
      exceptions: [{ cause: 'unknown-code', currency: 'GBP', count: 3, lines: 10, minor: -1_250n }],
    }),
  );
  assert.deepEqual(summary, {
    events: { received: 10, duplicate: 1, routed: 6, excepted: 1, waiting: 1 },
    lines: { received: 100, posted: 80, adjusted: 8, excepted: 12 },
    deliveries: { delivered: 5, superseded: 2, waiting: 6, parked: 4 },
    documents: { customer: 2, order: 6 },
    money: {
      GBP: {
        received: '1000.00',
        posted: '990.01',
        excepted: '9.99',
        difference: '0.00',
        absolute: { received: '1200.00', posted: '1180.00', excepted: '20.00' },
      },
    },
    exceptions: [{ cause: 'unknown-code', count: 3, value: '-12.50', currency: 'GBP' }],
  });
});

test('kinds of one currency add up; currencies stay apart, each in its own digits', () => {
  const { money } = summarise(
    figures({
      measures: [
        row('received', 'JPY', 1, 1_234n),
        row('received', 'KWD', 1, -1_005n),
        row('bound', 'KWD', 1, -1_000n),
        { ...row('bound', 'KWD', 1, -5n), kind: 'journal-entry' },
      ],
    }),
  );
  assert.deepEqual(Object.keys(money), ['JPY', 'KWD']);
  assert.equal(money.JPY!.difference, '1234');
  assert.deepEqual([money.KWD!.received, money.KWD!.posted, money.KWD!.difference], ['-1.005', '-1.005', '0.000']);
});

test('a cause is one row per currency; what has no money counts with the first', () => {
  const cause = (name: string, currency: string | null, count: number, minor: bigint) => ({
    cause: name,
    currency,
    count,
    lines: count,
    minor,
  });
  const { exceptions } = summarise(
    figures({
      exceptions: [
        cause('a', null, 4, 0n),
        cause('b', null, 2, 0n),
        cause('a', 'GBP', 1, 250n),
        cause('a', 'EUR', 7, 100n),
      ],
    }),
  );
  assert.deepEqual(exceptions, [
    { cause: 'a', count: 7, value: '1.00', currency: 'EUR' },
    { cause: 'a', count: 5, value: '2.50', currency: 'GBP' },
    { cause: 'b', count: 2, value: null, currency: null },
  ]);
});

test('rows that were stored with a currency that is none are shown as they are', () => {
  const { money, exceptions } = summarise(
    figures({
      measures: [row('received', 'XXQ', 1, 1_250n)],
      exceptions: [{ cause: 'a', currency: 'XXQ', count: 1, lines: 1, minor: 1_250n }],
    }),
  );
  assert.deepEqual([money.XXQ!.received, exceptions[0]!.value], ['1250', '1250']);
});

test('an empty ledger has no money and no exceptions', () => {
  const { money, exceptions } = summarise(figures());
  assert.deepEqual([money, exceptions], [{}, []]);
});

test('whatever the amounts: received = posted + excepted + difference, to the unit', () => {
  const amount = fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n });
  fc.assert(
    fc.property(amount, fc.array(amount), fc.array(amount), (received, bound, excepted) => {
      const measures = [
        row('received', 'EUR', 1, received),
        ...bound.map((minor) => row('bound', 'EUR', 1, minor)),
        ...excepted.map((minor) => row('excepted', 'EUR', 1, minor)),
      ];
      const eur = summarise(figures({ measures })).money.EUR!;
      const minor = (text: string): bigint => BigInt(text.replace('.', ''));
      assert.equal(minor(eur.received), minor(eur.posted) + minor(eur.excepted) + minor(eur.difference));
      assert.equal(minor(eur.received), received);
    }),
  );
});
