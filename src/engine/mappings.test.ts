import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FaultError } from '../core/fault.ts';
import { checkMappingRows, mappingTable, seedsOf } from './mappings.ts';

test('a table that an estate fills is brought with its rows, whoever else brings it empty', () => {
  const seed = (rows: Record<string, string>) => [{ table: 'warehouses', owner: 'x', about: 'x', rows }];
  const flows = [
    { id: 'reads', to: {}, mappings: seed({}) },
    { id: 'fills', to: {}, mappings: seed({ WH: 'central' }) },
    { id: 'fills-too', to: {}, mappings: seed({ WH: 'other' }) },
  ];
  const from = { mappings: seed({}) };
  const estate = {
    flows,
    lookups: [{ id: 'stock', from }],
    connections: { books: { entity: 'main', lookups: { from } } },
  };
  const wiring = { sources: [{ entity: 'main', flows }] };
  assert.deepEqual(
    seedsOf({ estate, wiring } as never).map(({ entity, name, rows, changed_by: by }) => [entity, name, rows, by]),
    [['main', 'warehouses', { WH: 'central' }, 'flow fills']],
  );
});

test('an exact row wins over a pattern, and the pattern that says most wins over others', () => {
  const table = mappingTable('goods', {
    'A*': 'any A',
    'AB*': 'any AB',
    'AB##': 'AB and two digits',
    AB12: 'exactly',
    '???': 'three',
  });
  assert.deepEqual(['AB12', 'AB34', 'ABC', 'AX', 'XYZ'].map(table.find), [
    'exactly',
    'AB and two digits',
    'any AB',
    'any A',
    'three',
  ]);
  assert.equal(table.find('Z'), null);
  assert.throws(
    () => table.get('Z'),
    (error) =>
      error instanceof FaultError &&
      error.fault.kind === 'rejected' &&
      error.fault.cause === 'mapping-gap' &&
      /table 'goods' has no row for 'Z'/.test(error.message),
  );
});

test('a code that is no pattern finds itself and nothing else, whatever characters it has', () => {
  const code = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !/[#?*]/.test(text));
  fc.assert(
    fc.property(code, code, (one, other) => {
      const table = mappingTable('t', { [one]: 'found' });
      assert.equal(table.find(one), 'found');
      if (one !== other) assert.equal(table.find(other), null);
      const starred = mappingTable('t', { [`${one}*`]: 'found' });
      assert.equal(starred.find(one + other), 'found');
      assert.equal(starred.find(other), other.startsWith(one) ? 'found' : null);
    }),
  );
});

test('a star may stand at the end only', () => {
  checkMappingRows({ 'A*': 'x', B: 'y' });
  assert.throws(() => checkMappingRows({ 'A*B': 'x' }), { code: 'MAPPING_INVALID' });
});
