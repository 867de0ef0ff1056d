import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seeded, systemClock } from '../core/clock.ts';
import type { Idempotency } from '../core/connector.ts';
import type { Fault } from '../core/fault.ts';
import { backoff } from './backoff.ts';
import { Breaker } from './breaker.ts';
import { type Circumstances, decide } from './outcome.ts';
import { applyEdits } from './resolve.ts';

const circumstances = (changes: Partial<Circumstances> = {}): Circumstances => ({
  idempotency: 'external-id',
  settle: '120s',
  attempts: 1,
  mostAttempts: 12,
  retrySeconds: [1, 300],
  connectionDown: false,
  random: seeded(1),
  ...changes,
});
const fault = (changes: Fault, at: Partial<Circumstances> = {}) =>
  decide({ outcome: 'failed', fault: changes }, circumstances(at));

test('waits double from the first to the longest, at least half of each is fixed', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1000 }), fc.integer(), (attempts, seed) => {
      const whole = Math.min(300, 2 ** Math.max(0, attempts - 1));
      const wait = backoff(attempts, [1, 300], seeded(seed));
      assert.ok(wait >= whole / 2 && wait < whole, `${attempts}: ${wait}`);
    }),
  );
});

test('only what nothing was sent for gives its attempt back', () => {
  assert.deepEqual(decide({ outcome: 'done', id: '7' }, circumstances()), { next: 'finish', externalId: '7' });
  assert.deepEqual(decide({ outcome: 'untouched' }, circumstances()), {
    next: 'again',
    afterSeconds: 0,
    settlesSeconds: null,
    spent: false,
  });
  assert.deepEqual(fault({ kind: 'throttled', message: '', retryAfter: '90s' }), {
    next: 'again',
    afterSeconds: 90,
    settlesSeconds: null,
    spent: false,
  });
  assert.deepEqual(fault({ kind: 'refused', message: '' }), {
    next: 'again',
    afterSeconds: 0,
    settlesSeconds: null,
    spent: false,
  });
  const transient = fault({ kind: 'transient', message: '' });
  assert.ok(transient.next === 'again' && transient.spent && transient.settlesSeconds === null);
  const down = fault({ kind: 'transient', message: '' }, { connectionDown: true, attempts: 99 });
  assert.ok(down.next === 'again' && !down.spent);
});

test('whatever may have landed is settled before anything else of its lane goes; only what the target recognises is repeated before', () => {
  const grades: [Idempotency, boolean][] = [
    ['native', true],
    ['external-id', true],
    ['overwrite', true],
    ['find-first', false],
  ];
  for (const [idempotency, atOnce] of grades) {
    const next = fault({ kind: 'unknown', message: '' }, { idempotency });
    assert.ok(next.next === 'again' && next.settlesSeconds === 120, idempotency);
    assert.equal(next.afterSeconds < 120, atOnce, idempotency);
  }
  const unsafe = fault({ kind: 'unknown', message: 'cut' }, { idempotency: 'unsafe' });
  assert.ok(unsafe.next === 'park' && unsafe.cause === 'outcome-unknown' && unsafe.settlesSeconds === 120);
  for (const kind of ['transient', 'unknown'] as const) {
    const spent = fault({ kind, message: 'no' }, { attempts: 12 });
    assert.ok(spent.next === 'park' && spent.cause === 'retries-exhausted', kind);
    assert.equal(spent.settlesSeconds, kind === 'unknown' ? 120 : null);
  }
  const early: Fault = { kind: 'early', message: 'no', cause: 'not-shipped' };
  const waits = fault(early, { attempts: 11 });
  assert.ok(waits.next === 'again' && waits.spent && waits.afterSeconds > 0 && waits.settlesSeconds === null);
  const comes = fault(early, { attempts: 12, underway: true });
  assert.ok(comes.next === 'again' && !comes.spent && comes.afterSeconds > 0, 'what it waits for is on its way');
  const given = fault(early, { attempts: 12, connectionDown: true });
  assert.ok(given.next === 'park' && given.cause === 'not-shipped' && given.message === 'no');
  const rejected = fault({ kind: 'rejected', message: 'no', cause: 'tax', field: '/tax' });
  assert.deepEqual(rejected, { next: 'park', cause: 'tax', message: 'no', field: '/tax', settlesSeconds: null });
});

function enters(breaker: Breaker): boolean {
  const may = breaker.enter();
  if (may) breaker.leave();
  return may;
}

test('an open breaker lets one through at a time, whoever it is', () => {
  let now = 0;
  const breaker = new Breaker({ ...systemClock, monotonic: () => now });
  assert.deepEqual([breaker.enter(), breaker.enter()], [true, true], 'as many as like while it is closed');
  breaker.leave();
  breaker.leave();
  for (let n = 0; n < 3; n++) breaker.failed();
  now = 1000;
  assert.deepEqual([breaker.enter(), breaker.enter()], [true, false]);
  breaker.leave();
  assert.ok(breaker.enter());
});

test('a breaker opens after three failures in a row, ever longer, and closes at the first success', () => {
  let now = 0;
  const breaker = new Breaker({ ...systemClock, monotonic: () => now });
  breaker.failed();
  breaker.failed();
  assert.deepEqual([breaker.open, enters(breaker)], [false, true]);
  for (const seconds of [1, 2, 4, 8, 16, 32, 60, 60]) {
    breaker.failed();
    assert.deepEqual([breaker.open, enters(breaker)], [true, false]);
    now += seconds * 1000 - 1;
    assert.equal(enters(breaker), false);
    now += 1;
    assert.equal(enters(breaker), true);
  }
  breaker.succeeded();
  assert.equal(breaker.open, false);
  breaker.wait(5);
  assert.deepEqual([breaker.open, enters(breaker)], [false, false]);
});

test('edits change what is there, by JSON Pointer, and nothing else', () => {
  const record = { lines: [{ 'a/b': 1, '~': 2 }] };
  const edited = applyEdits(
    record,
    new Map<string, unknown>([
      ['/lines/0/a~1b', 9],
      ['/lines/0/~0', null],
    ]),
  );
  assert.deepEqual(edited, { lines: [{ 'a/b': 9, '~': null }] });
  assert.deepEqual(record, { lines: [{ 'a/b': 1, '~': 2 }] });
  for (const pointer of [
    '',
    '/',
    '/lines/1/x',
    '/lines/0/new',
    '/__proto__/polluted',
    '/constructor/prototype',
    '/lines/length/x',
  ])
    assert.throws(() => applyEdits(record, new Map([[pointer, 1]])), { code: 'BAD_USE' }, pointer);
});
