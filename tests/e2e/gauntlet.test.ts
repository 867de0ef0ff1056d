import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gauntlet } from '../chaos/gauntlet.ts';

// The full size (ten minutes and a hundred kills) is in tests/chaos.
test('signed events over a bad line to a hub that is killed at named moments and at random: 0 lost, 0 doubled, 0 out of order', async (t) => {
  const { figures, problems } = await gauntlet({ seed: 7, minutes: 0.2, subjects: 20, atMoments: 3 });
  for (const [what, figure] of Object.entries(figures)) t.diagnostic(`${what}: ${figure}`);
  assert.deepEqual(problems, []);
  assert.deepEqual([figures.lost, figures.doubled, figures['out of order']], [0, 0, 0]);
  assert.ok(Number(figures['kills at a moment']) >= 3);
  assert.ok(Number(figures['events acknowledged']) > 20, 'there was something to lose');
});
