import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fault } from './fault.ts';
import { FaultError } from './fault.ts';
import { patiently } from './patience.ts';

const transient: Fault = { kind: 'transient', message: 'busy' };
const throttled = (retryAfter: number): Fault => ({ kind: 'throttled', message: 'slower', retryAfter });
const unknown: Fault = { kind: 'unknown', message: 'no answer' };

/** What became of a call that fails in this way, so often, and how long was waited before each repeat. `leaves`: when the caller gives up, in waits. */
async function tried(fault: Fault, fails: number, { passing = ['transient', 'throttled'] as const, leaves = 99 } = {}) {
  const left = new AbortController();
  const waits: number[] = [];
  const clock = {
    now: () => new Date(0),
    monotonic: () => 0,
    sleep: async (delay: number) => {
      waits.push(delay);
      if (waits.length === leaves) left.abort();
    },
  };
  let calls = 0;
  const call = async (): Promise<string> => {
    if (++calls <= fails) throw new FaultError(fault);
    return 'done';
  };
  const end = await patiently({ clock, signal: left.signal }, passing, call).catch((error: FaultError) => error.fault);
  return { end, calls, waits };
}

test('a call that fails in passing is made again, ever later, and three times at most', async () => {
  assert.deepEqual(await tried(transient, 3), { end: 'done', calls: 4, waits: [200, 400, 800] });
  assert.deepEqual(await tried(transient, 4), { end: transient, calls: 4, waits: [200, 400, 800] });
  assert.deepEqual(await tried(transient, 0), { end: 'done', calls: 1, waits: [] });
});

test('who asks to wait is left alone for as long as it asks; where that is long, it is told at once', async () => {
  assert.deepEqual(await tried(throttled(5000), 2), { end: 'done', calls: 3, waits: [5000, 5000] });
  assert.deepEqual(await tried(throttled(5001), 1), { end: throttled(5001), calls: 1, waits: [] });
});

test('what may have landed is never made again, nor what the caller did not name', async () => {
  assert.deepEqual(await tried(unknown, 1), { end: unknown, calls: 1, waits: [] });
  const passing = ['throttled'] as unknown as readonly ['transient', 'throttled'];
  assert.deepEqual(await tried(transient, 1, { passing }), { end: transient, calls: 1, waits: [] });
  const failing = patiently({ clock: null as never, signal: AbortSignal.timeout(1e6) }, ['transient'], async () => {
    throw new RangeError('a bug');
  });
  await assert.rejects(failing, RangeError);
});

test('nothing is called once the caller has gone', async () => {
  assert.deepEqual(await tried(transient, 9, { leaves: 2 }), { end: transient, calls: 2, waits: [200, 400] });
});
