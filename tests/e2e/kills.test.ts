import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kills } from '../chaos/kills.ts';

// The full size (30 and 20 kills over 20,000 lines of real days) is in tests/chaos.
test('kill -9 of the hub and of its PostgreSQL while it works: nothing lost, nothing twice, nothing out of order', async (t) => {
  const { figures, problems } = await kills({
    seed: 4,
    hub: 3,
    postgres: 2,
    lines: 3000,
    real: false,
    longest: 1200,
    batch: 15,
  });
  for (const [what, figure] of Object.entries(figures)) t.diagnostic(`${what}: ${figure}`);
  assert.deepEqual(problems, []);
});
