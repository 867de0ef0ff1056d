import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dialectOf, methodOf, positions } from './versions.ts';

describe('versions', () => {
  it('speaks 17, 18 and 19 and nothing between or beyond', () => {
    assert.equal(dialectOf([19, 0, 0, 'final', 0, ''])?.protocol, 'json-2');
    assert.equal(dialectOf([18, 0, 0, 'final', 0, ''])?.lineTaxes, 'tax_id');
    assert.equal(dialectOf([17, 0, 0, 'final', 0, ''])?.experimental, true);
    for (const version of [[16, 0], [20, 0], ['saas~18', 2], [18, 2], []]) assert.equal(dialectOf(version), null);
  });

  it('puts named arguments into positions, filling what lies between', () => {
    assert.deepEqual(
      positions('search_read', [
        ['order', 'id'],
        ['domain', [['id', '>', 1]]],
      ]),
      [[['id', '>', 1]], null, 0, null, 'id'],
    );
    assert.deepEqual(positions('button_validate', []), []);
    assert.throws(() => positions('read', [['vals', {}]]), RangeError);
    assert.throws(() => methodOf('unlink'), RangeError);
  });
});
