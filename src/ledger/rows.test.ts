import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { testLedger } from '../../tests/support/hub.ts';
import { columns } from './rows.ts';

const ledger = await testLedger();
after(() => ledger.db.close());

test('any texts, numbers, dates and objects arrive as they were, and what is absent as null', async () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }).map((value) => value.replaceAll('\0', '').toWellFormed()),
    fc.constantFrom('', ' ', 'NULL', 'null', '{}', '"', '\\', '\\"', ',', '{a,b}', "'", '\n\t', '\\000'),
  );
  const row = fc.record(
    {
      text: fc.option(text),
      count: fc.integer(),
      minor: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      at: fc.oneof(
        fc.date({ min: new Date('1900-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }),
        fc.constantFrom(
          new Date('-000044-03-15'),
          new Date('0001-01-01'),
          new Date('+010000-01-01'),
          new Date('+020000-06-01'),
        ),
      ),
      labels: fc.record({ name: text }),
    },
    { requiredKeys: ['count', 'minor', 'at', 'labels'] },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(row, { maxLength: 20 }), async (rows) => {
      const back = await ledger.db.query(
        'columns',
        `select text, count, minor, at, labels from unnest($1::text[], $2::integer[], $3::bigint[], $4::timestamptz[], $5::jsonb[])
           as r (text, count, minor, at, labels)`,
        columns(rows, ['text', 'count', 'minor', 'at', 'labels']),
      );
      assert.deepEqual(
        back.map(({ labels, ...others }) => ({ ...others, labels: { ...(labels as object) } })),
        rows.map(({ text: given = null, labels, ...others }) => ({ text: given, ...others, labels: { ...labels } })),
      );
    }),
    { numRuns: 100 },
  );
});
