import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeSiege, siege } from '../chaos/siege.ts';

test('two thousand hostile requests: refused or cut off, memory stays, healthy ones are served meanwhile', async () => {
  const told = await siege({ requests: 2000, seed: 20_101_201 });
  assert.deepEqual(told.faults, [], describeSiege(told));
});

test('a server that keeps what it refused is found out', async () => {
  const told = await siege({ requests: 3500, seed: 20_101_202, served: 'leaking' });
  assert.match(told.faults.join(), /MB more are in use/, describeSiege(told));
});
