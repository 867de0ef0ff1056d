/**
 * The real Medusa: `npm run test:medusa`. Installs it from the npm registry into node_modules/.cache (680 MB, once; MEDUSA_FOLDER elsewhere), starts it on a
 * PostgreSQL of this run, and runs the contract and the stories against it. MEDUSA_URL, MEDUSA_KEY and MEDUSA_PUBLISHABLE point at one that runs already
 * (MEDUSA_NOTICES_PORT and MEDUSA_NOTICES: where on 127.0.0.1 its subscriber sends notices, and what it signs them with).
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openTestCluster } from '../support/cluster.ts';
import { freePort, install, startRealMedusa } from './server.ts';
import { SUBSCRIBER } from './subscriber.ts';

/** One group after the other: a hub of a story takes every order of the shop. */
const groups = [
  ['tests/medusa/contract.test.ts', 'tests/medusa/changes.test.ts', 'tests/medusa/shapes.test.ts'],
  ['tests/medusa/catalogue.test.ts'],
  ['tests/e2e/medusa.test.ts'],
  ['tests/e2e/medusa-money.test.ts'],
  ['tests/e2e/medusa-changes.test.ts'],
  ['tests/e2e/medusa-promises.test.ts'],
  ['tests/e2e/medusa-catalogue.test.ts'],
];

/** The same runner as npm test's, with these files. Gives the last exit code that is not 0. */
async function runTests(env: Record<string, string>): Promise<number> {
  const root = join(import.meta.dirname, '../..');
  let failed = 0;
  for (const files of groups) {
    const args = [join(root, 'bin/run.mjs'), join(root, 'tests/run.ts'), ...files];
    const child = spawn(process.execPath, args, { stdio: 'inherit', env: { ...process.env, ...env } });
    failed = (await new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? 1)))) || failed;
  }
  return failed;
}

if (process.env.MEDUSA_URL) process.exitCode = await runTests({});
else {
  const home = mkdtempSync(join(tmpdir(), 'crossdock-medusa-'));
  const cluster = await openTestCluster(home);
  process.env.CROSSDOCK_TEST_URL = cluster.url;
  try {
    await install(SUBSCRIBER);
    const port = String(await freePort());
    const notices = `whsec_${randomBytes(24).toString('base64')}`;
    const hub = { CROSSDOCK_HUB: `http://127.0.0.1:${port}/in/web`, CROSSDOCK_SECRET: notices };
    const medusa = await startRealMedusa(hub);
    const { url, key, publishable } = medusa;
    process.stdout.write(`Medusa runs at ${url}\n`);
    process.exitCode = await runTests({
      MEDUSA_URL: url,
      MEDUSA_KEY: key,
      MEDUSA_PUBLISHABLE: publishable,
      MEDUSA_NOTICES_PORT: port,
      MEDUSA_NOTICES: notices,
    });
    await medusa.stop();
  } finally {
    await cluster.stop();
    rmSync(home, { recursive: true, force: true });
  }
}
