import assert from 'node:assert/strict';
import type { Incoming } from '../core/connector.ts';

export const keysOf = (items: readonly Incoming[]): Set<string> => new Set(items.map(({ dedupeKey }) => dedupeKey));

/** What was wanted and is not there. */
export const lost = (wanted: Iterable<string>, had: ReadonlySet<string>): string[] =>
  [...wanted].filter((key) => !had.has(key));

/** What every fact must have, whatever source it comes from. */
export function wellFormed(items: readonly Incoming[]): void {
  for (const { dedupeKey, subject, occurredAt, bytes, labels } of items) {
    assert.ok(typeof dedupeKey === 'string' && dedupeKey !== '', 'a fact without a dedupe key');
    assert.ok(typeof subject === 'string' && subject !== '' && subject.length <= 500, `subject '${subject}'`);
    assert.ok(!Number.isNaN(occurredAt.getTime()), `${subject}: occurredAt is no time`);
    assert.ok(bytes.length > 0, `${subject}: no bytes`);
    for (const text of [subject, ...Object.values(labels ?? {})])
      assert.ok(!text.includes('\0') && text.isWellFormed(), `${subject}: a name that cannot be stored`);
  }
  const byKey = Map.groupBy(items, ({ dedupeKey }) => dedupeKey);
  for (const [key, same] of byKey)
    for (const item of same) assert.equal(item.subject, same[0]!.subject, `two facts have the dedupe key '${key}'`);
}

/** The same fact always has the same names and content. */
export function sameFacts(
  first: readonly Incoming[],
  second: readonly Incoming[],
  decode: (bytes: Uint8Array) => unknown,
): void {
  const known = new Map(first.map((item) => [item.dedupeKey, item]));
  for (const item of second) {
    const before = known.get(item.dedupeKey);
    if (!before) continue;
    assert.equal(item.subject, before.subject, `fact ${item.dedupeKey} is about something else now`);
    assert.equal(item.sourceVersion, before.sourceVersion, `fact ${item.dedupeKey} has another version now`);
    assert.deepEqual(decode(item.bytes), decode(before.bytes), `fact ${item.dedupeKey} says something else now`);
  }
}

export function decodes(items: readonly Incoming[], decode: (bytes: Uint8Array) => unknown): void {
  for (const { bytes, subject } of items) {
    const before = Buffer.from(bytes);
    const native = decode(bytes);
    assert.ok(native !== undefined && native !== null, `${subject}: decode gives nothing`);
    assert.deepEqual(decode(Buffer.from(before)), native, `${subject}: decode gives something else the second time`);
    assert.ok(before.equals(Buffer.from(bytes)), `${subject}: decode changes the bytes it is given`);
  }
}
