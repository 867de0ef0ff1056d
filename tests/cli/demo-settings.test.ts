import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startSystems } from '../../src/cli/demo-systems.ts';
import type { Finding } from '../../src/core/connector.ts';
import { lastJson, root, run, scratch } from '../support/package.ts';

const { folder, clean } = scratch();
after(clean);

test('a command beside the demo reaches its systems, without a variable of theirs', async () => {
  const own = new Set(Object.keys(process.env));
  const systems = await startSystems(join(folder, 'demo'));
  try {
    const set = Object.keys(process.env).filter((name) => !own.has(name));
    const env = { ...Object.fromEntries(set.map((name) => [name, undefined])), CROSSDOCK_HOME: folder };
    const { stdout } = await run('node', ['bin/crossdock.mjs', 'check', '--json'], { cwd: root, env });
    const wrong = lastJson<Finding[]>(stdout).filter(({ level }) => level === 'error');
    // These folders are for a hub to make.
    assert.deepEqual(
      wrong.filter(({ subject }) => !subject.startsWith('warehouse ')),
      [],
    );
  } finally {
    await systems.stop();
  }
});
