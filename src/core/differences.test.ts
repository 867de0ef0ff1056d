import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { differences } from './differences.ts';

test('names each field that differs, with both values', () => {
  assert.deepEqual(
    differences({ a: 1, b: { c: [1, 2] }, 'x/y~z': 1 }, { a: 1, b: { c: [1, 3, 4] }, d: null, 'x/y~z': 2 }),
    [
      { pointer: '/b/c/1', before: 2, after: 3 },
      { pointer: '/b/c/2', before: undefined, after: 4 },
      { pointer: '/x~1y~0z', before: 1, after: 2 },
      { pointer: '/d', before: undefined, after: null },
    ],
  );
  assert.deepEqual(differences(null, { a: 1 }), [{ pointer: '', before: null, after: { a: 1 } }]);
  assert.deepEqual(differences(-0, 0), []);
  assert.deepEqual(differences([1], { 0: 1 }), [{ pointer: '', before: [1], after: { 0: 1 } }]);
});

test('lines are the same lines by their ids, wherever they stand', () => {
  const line = (id: string, n: number) => ({ id, n });
  assert.deepEqual(differences([line('a', 1), line('b', 2)], [line('b', 2), line('a', 3)]), [
    { pointer: '/a/n', before: 1, after: 3 },
  ]);
  assert.deepEqual(differences([line('a', 1), line('a', 2)], [line('a', 1), line('a', 3)]), [
    { pointer: '/1/n', before: 2, after: 3 },
  ]);
});

test('finds none exactly where two values are the same', () => {
  const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
      assert.deepEqual(differences(a, JSON.parse(JSON.stringify(a))), []);
      // Order of names is no difference.
      if (!same(a, b) && typeof a !== 'object') assert.notDeepEqual(differences(a, b), []);
    }),
  );
});
