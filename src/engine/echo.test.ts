import assert from 'node:assert/strict';
import { test } from 'node:test';
import { meaningOf } from './echo.ts';

const digest = (text: string): Buffer => Buffer.from(text.padEnd(32));
const heard = (text: string, version: bigint | null, at = 0) => ({
  digest: digest(text),
  version,
  plan: { event: { received_at: new Date(at) } },
});
const written = (text: string, version: bigint | null, document: number, at = 0) => ({
  digest: digest(text),
  version,
  document,
  at: new Date(at),
});
const seen = (text: string, version: bigint | null, document: number) => ({ digest: digest(text), version, document });
const intent = (text: string, document: number, since: number | null = null) => ({
  digest: digest(text),
  document,
  since: since === null ? null : new Date(since),
});

test('what a change at a target means', () => {
  const is = (...args: Parameters<typeof meaningOf>) => {
    const meaning = meaningOf(...args);
    return meaning.is === 'change' && meaning.doubt ? 'change, doubtful' : meaning.is;
  };
  const cases: [what: string, expected: string, ...Parameters<typeof meaningOf>][] = [
    ['nothing is known', 'change', heard('a', 1n), undefined, []],
    ['equal to what we wrote', 'echo', heard('a', 5n), { written: written('a', 5n, 1), seen: null }, []],
    ['equal to what was seen', 'echo', heard('b', 6n), { written: written('a', 5n, 1), seen: seen('b', 6n, 2) }, []],
    [
      'back to what we had written before the last was seen',
      'change',
      heard('a', 7n),
      { written: written('a', 5n, 1), seen: seen('b', 6n, 2) },
      [],
    ],
    [
      'back to what was seen before we wrote',
      'change',
      heard('b', 9n),
      { written: written('c', 8n, 3), seen: seen('b', 6n, 2) },
      [],
    ],
    ['older than our write', 'late', heard('b', 4n), { written: written('a', 5n, 1), seen: null }, []],
    [
      'of the version of our write, with other content',
      'change, doubtful',
      heard('b', 5n),
      { written: written('a', 5n, 1), seen: null },
      [],
    ],
    ['newer than our write', 'change', heard('b', 6n), { written: written('a', 5n, 1), seen: null }, []],
    [
      'our write, heard after a change that it overwrote',
      'echo',
      heard('a', 7n),
      { written: written('a', 7n, 1), seen: seen('b', 6n, 2) },
      [],
    ],
    ['equal to an open Intent', 'echo', heard('a', 5n), undefined, [intent('a', 1)]],
    [
      'equal to an open Intent that is older than what was seen',
      'open',
      heard('a', 7n),
      { written: null, seen: seen('b', 6n, 2) },
      [intent('a', 1)],
    ],
    [
      'the same without versions',
      'echo',
      heard('a', null),
      { written: null, seen: seen('b', null, 2) },
      [intent('a', 1)],
    ],
    ['other than what is being written', 'open', heard('A', 5n, 1000), undefined, [intent('a', 1, 900)]],
    ['heard before that call began', 'change', heard('A', 5n, 800), undefined, [intent('a', 1, 900)]],
    ['other than the open Intent', 'change', heard('b', 5n), undefined, [intent('a', 1)]],
    [
      'without versions, soon after our write',
      'change, doubtful',
      heard('b', null, 1000),
      { written: written('a', null, 2, 0), seen: seen('x', null, 1) },
      [],
    ],
    [
      'without versions, long after our write',
      'change',
      heard('b', null, 100_000),
      { written: written('a', null, 2, 0), seen: seen('x', null, 1) },
      [],
    ],
    [
      'without versions, when something was seen since our write',
      'change',
      heard('c', null, 1000),
      { written: written('a', null, 2, 0), seen: seen('b', null, 3) },
      [],
    ],
  ];
  for (const [what, expected, ...args] of cases) assert.equal(is(...args), expected, what);
});
