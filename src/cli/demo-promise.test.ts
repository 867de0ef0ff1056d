import assert from 'node:assert/strict';
import { test } from 'node:test';
import retailer from '../../examples/retailer/crossdock.config.ts';
import { lookupLimits, stockDelay } from './demo-promise.ts';

const flow = { id: 'shop-stock', promise: { within: '5s', critical: true } } as const;
const moves = (fast: number, slow: number): number[] => [
  ...Array<number>(slow).fill(5001),
  ...Array<number>(fast).fill(5000),
];

test('a promise is kept when 95 of 100 stock moves stand in the shop in time, and broken in words when they do not', () => {
  const kept = stockDelay({ delays: moves(95, 5), unseen: 0 }, flow, true);
  assert.deepEqual(kept, { moves: 100, unseen: 0, p95: 5, promised: 5, broken: null });
  const { p95, broken } = stockDelay({ delays: moves(94, 6), unseen: 0 }, flow, true);
  assert.equal(p95, 5.001);
  assert.equal(
    broken,
    "Flow 'shop-stock' promises 5 s: of 100 stock moves in Odoo 95 of 100 stood in the shop within 5.1 s only.",
  );
});

test('the promise is the flow’s own', () => {
  const minute = { ...flow, promise: { within: '1m', critical: true } } as const;
  assert.deepEqual(
    [stockDelay({ delays: moves(0, 30), unseen: 0 }, minute, true)].map((one) => [one.promised, one.broken]),
    [[60, null]],
  );
});

test('what the shop never said is later than any promise', () => {
  assert.equal(stockDelay({ delays: moves(95, 0), unseen: 5 }, flow, true).broken, null);
  assert.match(stockDelay({ delays: moves(94, 0), unseen: 6 }, flow, true).broken!, /late or never \(6 never\)/);
  assert.match(stockDelay({ delays: [], unseen: 20 }, flow, true).broken!, /of 20 stock moves/);
});

test('where things go wrong on purpose, and of too few moves, nothing is said of the promise', () => {
  assert.equal(stockDelay({ delays: moves(0, 100), unseen: 0 }, flow, false).broken, null);
  assert.equal(stockDelay({ delays: moves(0, 19), unseen: 0 }, flow, true).broken, null);
  assert.notEqual(stockDelay({ delays: moves(0, 20), unseen: 0 }, flow, true).broken, null);
  assert.deepEqual(stockDelay({ delays: [], unseen: 0 }, flow, true), {
    ...{ moves: 0, unseen: 0, p95: null, promised: 5, broken: null },
  });
});

test('look-ups promise at the counter what the estate says of them', () => {
  assert.deepEqual(lookupLimits(retailer), {
    levels: { fresh: 5000, stale: 600_000, within: 2000 },
    prices: { fresh: 60_000, stale: 86_400_000, within: 2000 },
  });
});
