/**
 * The real Medusa: `npm run test:medusa`. Installs it from the npm registry into node_modules/.cache (680 MB, once; MEDUSA_FOLDER elsewhere), starts it on a
 * PostgreSQL of this run, and runs the contract and the story against it. MEDUSA_URL, MEDUSA_KEY and MEDUSA_PUBLISHABLE point at one that runs already.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openTestCluster } from '../support/cluster.ts';
import { install, startRealMedusa } from './server.ts';
import { SUBSCRIBER } from './subscriber.ts';

const files = ['contract', 'shapes'].map((name) => join(import.meta.dirname, `${name}.test.ts`));

/** The same runner as npm test's, with these files. Gives its exit code. */
function runTests(env: Record<string, string>): Promise<number> {
  const root = join(import.meta.dirname, '../..');
  const args = [join(root, 'bin/run.mjs'), join(root, 'tests/run.ts'), ...files];
  const child = spawn(process.execPath, args, { stdio: 'inherit', env: { ...process.env, ...env } });
  return new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
}

if (process.env.MEDUSA_URL) process.exitCode = await runTests({});
else {
  const home = mkdtempSync(join(tmpdir(), 'crossdock-medusa-'));
  const cluster = await openTestCluster(home);
  process.env.CROSSDOCK_TEST_URL = cluster.url;
  try {
    await install(SUBSCRIBER);
    const medusa = await startRealMedusa();
    const { url, key, publishable } = medusa;
    process.stdout.write(`Medusa runs at ${url}\n`);
    process.exitCode = await runTests({ MEDUSA_URL: url, MEDUSA_KEY: key, MEDUSA_PUBLISHABLE: publishable });
    await medusa.stop();
  } finally {
    await cluster.stop();
    rmSync(home, { recursive: true, force: true });
  }
}
