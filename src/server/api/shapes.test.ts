import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anException } from '../../watch/testing.ts';
import { exceptionView } from './shapes.ts';

test('an Exception that was stored with a currency that is none is shown, its amount as it is stored', () => {
  const row = { ...anException({ currency: 'XXQ' }), closed_by: null, closed_at: null };
  const view = exceptionView(row, { message: 'm', masked: false });
  assert.deepEqual(
    [view.value, view.absolute],
    [
      { amount: '1250', currency: 'XXQ' },
      { amount: '1250', currency: 'XXQ' },
    ],
  );
});
