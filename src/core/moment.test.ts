import assert from 'node:assert/strict';
import { test } from 'node:test';
import { knownZone, momentOf } from './moment.ts';

test('a moment is one that was, or will be, on a clock', () => {
  for (const [text, utc] of [
    ['2026-02-28T10:00:00Z', '2026-02-28T10:00:00.000Z'],
    ['2028-02-29T23:59:59.5+02:00', '2028-02-29T21:59:59.500Z'],
    ['2026-01-01T00:30+01:00', '2025-12-31T23:30:00.000Z'],
  ] as const)
    assert.equal(new Date(momentOf(text)).toISOString(), utc);
  for (const text of [
    '2026-02-30T10:00:00Z',
    '2026-02-29T10:00:00Z',
    '2026-04-31T10:00:00+02:00',
    '2026-13-01T10:00:00Z',
    '2026-01-00T10:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T10:60:00Z',
    '2026-01-01T10:00:00',
    '2026-01-01',
    'some day',
  ])
    assert.ok(Number.isNaN(momentOf(text)), text);
});

test('a zone that is none is refused with its name and whose it is', () => {
  assert.equal(knownZone('Europe/Brussels', "flow 'sales'"), 'Europe/Brussels');
  assert.throws(() => knownZone('Europe/Bruxelles', "flow 'sales'"), {
    code: 'CONFIG_INVALID',
    message: /flow 'sales': zone 'Europe\/Bruxelles' is no IANA time zone/,
  });
});
