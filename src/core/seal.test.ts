import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { milliseconds, seeded } from './clock.ts';
import { newId } from './ids.ts';
import { canonicalJson, deriveKey, keyedDigest, keyNumber, sameBytes, seal, unseal } from './seal.ts';

test('what is sealed opens with its key at its place only, and no bit of it may change', () => {
  const key = randomBytes(32);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.string(), fc.nat(), fc.nat(65_534), (plain, place, at, n) => {
      const sealed = seal(key, plain, place, n + 1);
      assert.equal(keyNumber(sealed), n + 1);
      assert.ok(sameBytes(unseal(key, sealed, place), plain));
      assert.throws(() => unseal(randomBytes(32), sealed, place));
      assert.throws(() => unseal(key, sealed, `${place}x`));
      assert.throws(() => unseal(key, sealed.subarray(0, sealed.length - 1), place));
      sealed[at % sealed.length]! ^= 1;
      assert.throws(() => unseal(key, sealed, place));
    }),
    { numRuns: 300 },
  );
  assert.throws(() => unseal(key, Buffer.alloc(0), 'x'), /not a sealed value/);
  assert.notDeepEqual(seal(key, Buffer.from('a'), 'x'), seal(key, Buffer.from('a'), 'x'), 'a new nonce each time');
});

test('derived keys and keyed digests differ by purpose, key and text', () => {
  const key = randomBytes(32);
  assert.deepEqual(deriveKey(key, 'a'), deriveKey(key, 'a'));
  assert.notDeepEqual(deriveKey(key, 'a'), deriveKey(key, 'b'));
  assert.notDeepEqual(keyedDigest(key, 'a'), keyedDigest(deriveKey(key, 'a'), 'a'));
  assert.notDeepEqual(keyedDigest(key, 'a'), keyedDigest(key, 'b'));
  assert.equal(sameBytes(Buffer.from('a'), Buffer.from('ab')), false);
});

test('equal content has one canonical text, which reads back as it was', () => {
  const shuffled = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.map(shuffled)
      : value !== null && typeof value === 'object'
        ? Object.fromEntries(
            Object.entries(value)
              .reverse()
              .map(([name, inner]) => [name, shuffled(inner)]),
          )
        : value;
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = canonicalJson(value);
      assert.equal(text, canonicalJson(shuffled(value)));
      assert.equal(canonicalJson(JSON.parse(text)), text);
      assert.equal(JSON.stringify(JSON.parse(text)).length, JSON.stringify(value).length);
    }),
  );
  assert.equal(canonicalJson({ b: undefined, a: [undefined, 1] }), '{"a":[null,1]}');
});

test('ids are UUIDv7, never equal, and in the order they were made', () => {
  const ids = Array.from({ length: 20_000 }, () => newId());
  assert.deepEqual(ids, ids.toSorted());
  assert.equal(new Set(ids).size, ids.length);
  for (const id of ids.slice(0, 100))
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  const past = newId(0);
  assert.ok(past > ids.at(-1)!, 'a clock that goes back does not');
  const time = Number.parseInt(ids[0]!.replaceAll('-', '').slice(0, 12), 16);
  assert.ok(Math.abs(time - Date.now()) < 60_000);
});

test('a duration is a number with a unit', () => {
  assert.deepEqual(
    [0, '250ms', '1.5s', '5m', '2h', '1d'].map((text) => milliseconds(text as never)),
    [0, 250, 1500, 300_000, 7_200_000, 86_400_000],
  );
  for (const wrong of ['', '5', '-5s', '5 s', 'PT5S', Number.NaN, -1, Number.POSITIVE_INFINITY])
    assert.throws(() => milliseconds(wrong as never), RangeError);
});

test('a seed repeats its numbers, evenly spread in [0, 1)', () => {
  const numbers = (seed: number) => {
    const random = seeded(seed);
    return Array.from({ length: 1000 }, random);
  };
  assert.deepEqual(numbers(7), numbers(7));
  assert.notDeepEqual(numbers(7), numbers(8));
  assert.ok(numbers(7).every((value) => value >= 0 && value < 1));
  const mean = numbers(7).reduce((a, b) => a + b) / 1000;
  assert.ok(mean > 0.45 && mean < 0.55);
});
