import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FaultError } from './fault.ts';
import { readJson } from './json.ts';

const read = (text: string): unknown => readJson(Buffer.from(text));

test('reads what JSON.parse reads', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5, noUnicodeString: false }), (value) => {
      // That key is refused (below), and is among those that are tried on purpose.
      fc.pre(!JSON.stringify(value).includes('__proto__'));
      assert.deepEqual(read(JSON.stringify(value)), JSON.parse(JSON.stringify(value)));
    }),
    { numRuns: 30 },
  );
  assert.deepEqual(read('{"a":"[[[\\"[[","b":"\\\\"}'), { a: '[[["[[', b: '\\' });
  assert.deepEqual(read(`["\\\\\\"${'['.repeat(70)}"]`), [`\\"${'['.repeat(70)}`]);
  assert.ok(Array.isArray(read(`${'['.repeat(64)}${']'.repeat(64)}`)));
  assert.deepEqual(read(JSON.stringify(Array(1000).fill([]))), Array(1000).fill([]), 'wide is not deep');
});

test('refuses what is not UTF-8, not JSON, too deep or means to pollute, in words without the content', () => {
  for (const text of [
    ...[
      '',
      '{',
      'nul',
      '{"a":1}x',
      '[1,]',
      `${'['.repeat(65)}${']'.repeat(65)}`,
      '['.repeat(500_000),
      '{"a":'.repeat(100_000),
      `["\\\\",${'['.repeat(64)}${']'.repeat(64)}]`,
      `["\\\\\\"",${'['.repeat(64)}${']'.repeat(64)}]`,
    ],
    ...[
      '{"__proto__":1}',
      '[{"x":{"__proto__":{}}}]',
      '{"\\u005f_proto__":1}',
      '{"_\\u005Fproto\\u005f_":1}',
      '"secret',
    ],
  ])
    assert.throws(
      () => read(text),
      (error) => error instanceof FaultError && error.fault.kind === 'rejected' && !error.message.includes('secret'),
      text.slice(0, 40),
    );
  assert.throws(() => readJson(Buffer.from([0x22, 0xff, 0x22])), FaultError);
  assert.deepEqual(read('{"a":"__proto__"}'), { a: '__proto__' }, 'as a value it is a word');
});
