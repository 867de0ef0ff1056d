import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cuts } from '../chaos/cuts.ts';

// The full size (every boundary of 20 invoices) is in tests/chaos.
test('files cut in mid-invoice, whose halves come at different times and again: nothing wrong is posted, what cannot be told is asked', async (t) => {
  const { figures, problems } = await cuts({ invoices: 5, seed: 3 });
  for (const [what, figure] of Object.entries(figures)) t.diagnostic(`${what}: ${figure}`);
  assert.deepEqual(problems, []);
});
