import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { after, before, test } from 'node:test';
import { copyClone, must, nodes, run, scratch } from '../support/package.ts';

const { folder, clean } = scratch();
after(clean);
const clone = join(folder, 'a clone');
before(() => {
  copyClone(clone);
});

for (const major of ['10', '11', '12'])
  test(`npm ${major} accepts the lock file, twice in a row, and leaves it as it is`, async (t) => {
    const tool = join(folder, `npm ${major}`);
    mkdirSync(tool);
    await must('npm', ['install', '--no-save', '--prefix', '.', `npm@${major}`], { cwd: tool });
    const cli = join(tool, 'node_modules/npm/bin/npm-cli.js');
    // npm 12 needs a Node newer than 22.22.
    const dir = major === '12' ? nodes.packaged : nodes.inPath();
    if (dir === null || !existsSync(join(dir, 'node'))) return t.skip('no Node for this npm');
    const lock = readFileSync(join(clone, 'package-lock.json'), 'utf8');
    assert.doesNotMatch(lock, /"resolved"/, 'names no registry');
    const env = { PATH: `${dir}${delimiter}${process.env.PATH}` };
    for (let time = 1; time <= 2; time++) {
      const { code, stdout, stderr } = await run(join(dir, 'node'), [cli, 'ci', '--no-audit', '--no-fund'], {
        cwd: clone,
        env,
      });
      assert.equal(code, 0, stderr);
      assert.match(stdout, /added \d+ packages/);
      assert.doesNotMatch(stderr, /ERR|Missing:|install scripts not yet covered|blocked/);
    }
    assert.equal(readFileSync(join(clone, 'package-lock.json'), 'utf8'), lock);
    assert.match(await must('node', ['bin/crossdock.mjs', '--version'], { cwd: clone }), /^\d+\.\d+\.\d+\n$/);
  });
