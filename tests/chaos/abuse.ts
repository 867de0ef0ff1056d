// npm run test:abuse [-- --requests N --seed S]: hostile requests against the hub's intake, while healthy ones go on. 100,000 unless told otherwise.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openTestCluster } from '../support/cluster.ts';
import { describeSiege, siege } from './siege.ts';

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '100000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const home = mkdtempSync(join(tmpdir(), 'crossdock-abuse-'));
const cluster = await openTestCluster(home);
try {
  process.env.CROSSDOCK_TEST_URL = cluster.url;
  process.stdout.write(`seed ${values.seed}\n`);
  const told = await siege({ requests: Number(values.requests), seed: Number(values.seed) });
  process.stdout.write(`${describeSiege(told)}\n`);
  if (told.faults.length > 0) process.exitCode = 1;
} finally {
  await cluster.stop();
  rmSync(home, { recursive: true, force: true });
}
