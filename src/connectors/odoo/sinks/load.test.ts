import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { accusedOf, type Loadable, matrixOf, roundsOf } from './load.ts';

const order = (id: string, lines: number): Loadable => ({
  cells: { id, name: `order ${id}` },
  lines: {
    field: 'order_line',
    rows: Array.from({ length: lines }, (_, n) => ({ id: `${id}-${n}`, price_unit: String(n) })),
  },
});
const plain = (id: string, more: Record<string, string> = {}): Loadable => ({ cells: { id, ...more } });

describe('rows of a load', () => {
  it('puts the header on the first line of each record only', () => {
    assert.deepEqual(matrixOf([order('a', 2), order('b', 1)]), {
      fields: ['id', 'name', 'order_line/id', 'order_line/price_unit'],
      data: [
        ['a', 'order a', 'a-0', '0'],
        ['', '', 'a-1', '1'],
        ['b', 'order b', 'b-0', '0'],
      ],
      starts: [0, 2, 3],
    });
  });

  it('is all text, one cell a column, one row a line', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 6 }), (sizes) => {
        const { fields, data, starts } = matrixOf(sizes.map((size, n) => order(String(n), size)));
        assert.equal(
          data.length,
          sizes.reduce((a, b) => a + b, 0),
        );
        assert.equal(starts.length, sizes.length + 1);
        for (const row of data)
          assert.ok(row.length === fields.length && row.every((cell) => typeof cell === 'string'));
      }),
    );
  });
});

describe('calls of a load', () => {
  it('have one set of columns and one context', () => {
    const context = { default_pricelist_id: 3 };
    assert.deepEqual(roundsOf([plain('a'), plain('b', { country: '1' }), plain('c'), { ...plain('d'), context }]), [
      [0, 2],
      [1],
      [3],
    ]);
  });

  it('never have an id twice, and keep the order of one id', () => {
    assert.deepEqual(roundsOf([plain('a'), plain('a'), plain('b'), plain('a', { x: '1' }), plain('a')]), [
      [0, 2],
      [1],
      [3],
      [4],
    ]);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.boolean()), { maxLength: 12 }), (parts) => {
        const records = parts.map(([id, more]) => plain(id, more ? { x: '1' } : {}));
        const rounds = roundsOf(records);
        assert.deepEqual(
          rounds.flat().sort((a, b) => a - b),
          records.map((_, n) => n),
        );
        for (const round of rounds) {
          const ids = round.map((n) => records[n]!.cells.id);
          assert.equal(new Set(ids).size, ids.length);
        }
        for (const id of ['a', 'b', 'c']) {
          const sent = rounds.flat().filter((n) => records[n]!.cells.id === id);
          assert.deepEqual(
            sent,
            [...sent].sort((a, b) => a - b),
          );
        }
      }),
    );
  });
});

describe('whom the messages of a load accuse', () => {
  const starts = [0, 2, 3, 6];
  const about = (row: number, message = 'no', field?: string) => ({
    type: 'error',
    rows: { from: row, to: row },
    message,
    ...(field ? { field } : {}),
  });

  it('finds the record by its row, else by its number', () => {
    assert.deepEqual([...accusedOf([about(4)], starts).keys()], [2]);
    assert.deepEqual([...accusedOf([about(1)], starts).keys()], [0]);
    assert.deepEqual([...accusedOf([{ record: 1, message: 'no' }], starts).keys()], [1]);
    assert.deepEqual([...accusedOf([{ message: 'no' }, about(77)], starts).keys()], []);
  });

  it("does not believe the batch's own error, which Odoo ascribes to the first record", () => {
    assert.deepEqual([...accusedOf([about(0, 'bad S0042'), about(4, 'bad S0043')], starts).keys()], [2]);
    assert.deepEqual([...accusedOf([about(0), about(0), about(4)], starts).keys()], [0, 2]);
    assert.deepEqual([...accusedOf([about(0)], starts).keys()], [0]);
    assert.deepEqual([...accusedOf([about(0, 'no number', 'price_unit'), about(4)], starts).keys()], [0, 2]);
  });
});
