import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Type } from 'typebox';
import { classified } from './document.ts';
import { masked, scrubbed } from './mask.ts';

const schema = Type.Object({
  id: Type.String(classified('internal')),
  name: Type.String(classified('personal')),
  phone: Type.Union([Type.String(), Type.Null()], classified('personal')),
  card: Type.Object({ number: Type.String(), expires: Type.String() }, classified('payment')),
  country: Type.String(),
  lines: Type.Array(
    Type.Object({ sku: Type.String(classified('public')), gift: Type.Optional(Type.String(classified('personal'))) }),
  ),
  party: Type.Union([
    Type.Object({ kind: Type.Literal('firm'), vat: Type.String() }),
    Type.Object({ kind: Type.Literal('person'), born: Type.String(classified('personal')) }),
  ]),
  notes: Type.Record(Type.String(), Type.String(classified('personal'))),
});

const body = {
  id: 'c1',
  name: 'Ada Lovelace',
  phone: null,
  card: { number: '4111', expires: '12/30' },
  country: 'GB',
  lines: [{ sku: 'A', gift: 'for Byron' }, { sku: 'B' }],
  party: { kind: 'person', born: '1815-12-10' },
  notes: { desk: 'allergic' },
};

test('personal and payment fields are masked wherever they stand, the rest is shown', () => {
  const { body: shown, hidden } = masked(schema, body);
  assert.deepEqual(shown, {
    id: 'c1',
    name: '[personal]',
    phone: null,
    card: '[payment]',
    country: 'GB',
    lines: [{ sku: 'A', gift: '[personal]' }, { sku: 'B' }],
    party: { kind: 'person', born: '[personal]' },
    notes: { desk: '[personal]' },
  });
  assert.deepEqual(hidden, ['Ada Lovelace', '4111', '12/30', 'for Byron', '1815-12-10', 'allergic']);
  assert.equal(body.name, 'Ada Lovelace', 'the body itself is not changed');
});

test('what the schema does not describe is hidden', () => {
  assert.deepEqual(masked(schema, { id: 'c1', surprise: 'Ada', party: { kind: 'ghost', born: '1815' } }).body, {
    id: 'c1',
    surprise: '[undescribed]',
    party: '[undescribed]',
  });
  const nested = Type.Object({ list: Type.Array(Type.Object({ a: Type.String() })) });
  assert.deepEqual(masked(nested, { list: [{ a: 'x', b: { c: 'Ada' } }] }), {
    body: { list: [{ a: 'x', b: '[undescribed]' }] },
    hidden: ['Ada'],
  });
});

test('intersections that hold anything personal are hidden whole', () => {
  const both = Type.Intersect([
    Type.Object({ a: Type.String() }),
    Type.Object({ b: Type.String(classified('personal')) }),
  ]);
  assert.equal(masked(both, { a: 'x', b: 'Ada' }).body, '[undescribed]');
});

test('hidden values are found in words: whole, in parts, in another case of letters, not within other words', () => {
  const hidden = ['Ada Lovelace', 'ada@example.org', '17850', 'Li (x.y)', 'ot'];
  assert.equal(
    scrubbed('Partner "ADA LOVELACE" (Lovelace, Ada) has no 17850; Adam and 178501 stay, so does not.', hidden),
    'Partner "[personal]" ([personal], [personal]) has no [personal]; Adam and 178501 stay, so does not.',
  );
  assert.equal(scrubbed('Li (x.y) lives', hidden), '[personal] lives');
});

test('what looks like an address, an account, a card or a telephone is hidden without being known', () => {
  for (const text of [
    'jane.doe+x@shop.example.com',
    'BE68 5390 0754 7034',
    'GB29NWBK60161331926819',
    '4111 1111 1111 1111',
    '+32 470 12 34 56',
    '0032470123456',
    '0470 12 34 56',
  ])
    assert.equal(scrubbed(`see ${text}.`, []), 'see [personal].', text);
  const kept = 'Invoice 536365 of 2026-11-25, order S00042, 85123A costs 2.55: no tax VAT20 in 0.5 s.';
  assert.equal(scrubbed(kept, []), kept);
});

test('whatever a hidden value is made of, it does not stay in the words', () => {
  const value = fc
    .string({ unit: fc.constantFrom(...'ab-/.*+?^$', ...'{}()|[]\\ \n,@é'), minLength: 3, maxLength: 12 })
    .map((text) => text.trim());
  fc.assert(
    fc.property(value, (secret) => {
      fc.pre(secret.length >= 3);
      assert.ok(!scrubbed(`before "${secret}" after`, [secret]).includes(`"${secret}"`));
    }),
    { numRuns: 500 },
  );
});
