import assert from 'node:assert/strict';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type DemoSummary, lastJson, makeProject, must, pack, run, scratch } from '../support/package.ts';

const { folder, clean } = scratch();
after(clean);
const packed = pack(folder);
const project = join(folder, 'a shop');
/** False when npm's cache does not hold what the clone was installed from (another machine's node_modules): then there is nothing to install. */
const installed = packed.then(async ({ file }) => {
  makeProject(project, file);
  const { code, stderr } = await run('npm', ['ci', '--offline', '--no-audit', '--no-fund'], { cwd: project });
  if (code !== 0 && /ENOTCACHED/.test(stderr)) return false;
  assert.equal(code, 0, stderr);
  return true;
});
installed.catch(() => undefined);
const absent = "npm's cache does not hold the packages (npm run test:package installs them from the registry)";

test('the tarball holds what runs, reads and licences, and nothing else', async () => {
  const { files, size, unpackedSize } = await packed;
  const paths = files.map(({ path }) => path);
  for (const needed of [
    'LICENSE',
    'README.md',
    'CHANGELOG.md',
    'package.json',
    'bin/crossdock.mjs',
    'bin/launch.mjs',
    'dist/src/cli/main.js',
    'dist/src/index.js',
    'dist/src/index.d.ts',
    'dist/src/simulators/odoo/main.js',
    'dist/crossdock.config.js',
    'examples/day-sales/crossdock.config.ts',
    'sql/001-ledger.sql',
  ])
    assert.ok(paths.includes(needed), `${needed} is in the package`);
  const unwanted = paths.filter((path) =>
    /(^|\/)(tests?|fixtures|coverage)\/|\.test\.|testing\.(js|d\.ts)$|\.map$|\.crossdock|\.env|\.lock$/.test(path),
  );
  assert.deepEqual(unwanted, []);
  const sources = paths.filter((path) => /(?<!\.d)\.ts$/.test(path) && !path.startsWith('examples/'));
  assert.deepEqual(sources, [], 'no sources beside the compiled output: Node would not run them here');
  assert.equal(files.find(({ path }) => path === 'bin/crossdock.mjs')!.mode & 0o111, 0o111);
  assert.ok(size < 1.5 * 1024 ** 2, `${size} bytes packed`);
  assert.ok(unpackedSize < 6 * 1024 ** 2, `${unpackedSize} bytes unpacked`);
});

test('an installed package runs the demo from compiled output, and every invoice arrives once', async (t) => {
  if (!(await installed)) return t.skip(absent);
  const { verified, money, documents } = lastJson<DemoSummary>(
    await must('npx', ['--no-install', 'crossdock', 'demo', '--for', '6s', '--json'], { cwd: project }),
  );
  assert.deepEqual(verified, { lost: 0, duplicated: 0, outOfOrder: 0, differences: 0 });
  assert.ok(documents.order! > 10, `${documents.order} orders`);
  for (const { difference } of Object.values(money)) assert.equal(difference, '0.00');
  assert.equal(
    readFileSync(join(project, '.crossdock', '.gitignore'), 'utf8'),
    '*\n',
    'the master key stays out of git',
  );
});

test('an estate beside an installed package imports it by name', async (t) => {
  if (!(await installed)) return t.skip(absent);
  cpSync(
    join(project, 'node_modules/crossdock/examples/day-sales/crossdock.config.ts'),
    join(project, 'crossdock.config.ts'),
  );
  const { code, stdout } = await run('npx', ['--no-install', 'crossdock', 'check', '--json'], {
    cwd: project,
    env: { ODOO_KEY: 'k', ODOO_URL: 'http://127.0.0.1:9' },
  });
  const findings = lastJson<{ level: string; subject: string }[]>(stdout);
  assert.deepEqual(
    findings.filter(({ level }) => level === 'error').map(({ subject }) => subject),
    ['odoo reachable'],
    'all is well but for the Odoo that is not there',
  );
  assert.equal(code, 1);
});
