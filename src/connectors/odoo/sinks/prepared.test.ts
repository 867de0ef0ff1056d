import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Result } from '../../../core/connector.ts';
import type { Fault } from '../../../core/fault.ts';
import { oneByOne } from './prepared.ts';

const failed = (fault: Fault): Result => ({ outcome: 'failed', fault });
const done: Result = { outcome: 'done', id: '1' };

/** What `oneByOne` answers when the items have these results, and how many were tried. */
async function tried(...results: Result[]): Promise<{ outcomes: string[]; times: number }> {
  let times = 0;
  const all = await oneByOne(results, async (result) => {
    times += 1;
    return result;
  });
  return { outcomes: all.map(({ outcome }) => outcome), times };
}

describe('one item after the other', () => {
  it('goes on after what is wrong with one item alone', async () => {
    for (const kind of ['rejected', 'early'] as const)
      assert.deepEqual(await tried(done, failed({ kind, message: 'this one', cause: 'this-one' }), done), {
        outcomes: ['done', 'failed', 'done'],
        times: 3,
      });
  });

  it('tries nothing more once the connection fails, whatever the fault', async () => {
    const faults: Fault[] = [
      { kind: 'unknown', message: 'no answer' },
      { kind: 'transient', message: 'away' },
      { kind: 'throttled', message: 'slower', retryAfter: 1000 },
      { kind: 'refused', message: 'no key' },
    ];
    for (const fault of faults)
      assert.deepEqual(await tried(done, failed(fault), done, done), {
        outcomes: ['done', 'failed', 'untouched', 'untouched'],
        times: 2,
      });
  });

  it('never runs two at once', async () => {
    let running = 0;
    await oneByOne([1, 2, 3], async () => {
      running += 1;
      assert.equal(running, 1);
      await Promise.resolve();
      running -= 1;
      return done;
    });
  });
});
