// npm test: static checks, then every *.test.ts beside the sources and in tests/, on a PostgreSQL of its own. Ends with "N passed, N failed[, N skipped]".
import { spawn } from 'node:child_process';
import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { openTestCluster } from './support/cluster.ts';

const root = join(import.meta.dirname, '..');
process.chdir(root);

const only = process.argv.slice(2);
/** Longest that one file may take, in milliseconds: one that leaves something open would hold up all. Files that are named may take what they need. */
const FILE_LIMIT = only.length > 0 ? Number.POSITIVE_INFINITY : 600_000;
const files =
  only.length > 0
    ? only
    : [
        ...globSync('src/**/*.test.ts'),
        ...globSync('tests/*.test.ts'),
        ...globSync('tests/{engine,medusa,odoo,shopify,ledger,cli,e2e,conformance}/*.test.ts'),
      ].sort();

/** Runs one of the static checks; its output is shown only when it fails. */
function check(name: string, args: string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (data) => {
      output += data;
    });
    child.stderr.on('data', (data) => {
      output += data;
    });
    child.on('exit', (code) => {
      if (code !== 0) process.stdout.write(output);
      process.stdout.write(`${code === 0 ? '✔' : '✖'} ${name}\n`);
      resolve(code === 0);
    });
  });
}

let passed = 0;
let failed = 0;
let skipped = 0;
if (only.length === 0) {
  const checks: [string, string[]][] = [
    ['types (tsc)', ['node_modules/typescript/bin/tsc6', '--noEmit']],
    ['format and lint (biome)', ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.']],
    ['nothing unused (knip)', ['node_modules/knip/bin/knip.js']],
  ];
  for (const [name, args] of checks) {
    if (await check(name, args)) passed += 1;
    else failed += 1;
  }
}

const home = mkdtempSync(join(tmpdir(), 'crossdock-test-'));
const cluster = await openTestCluster(home);
process.env.CROSSDOCK_TEST_URL = cluster.url;
try {
  await new Promise<void>((resolve) => {
    const stream = run({
      files,
      // Most of what tests do is wait: three files keep two cores half busy.
      concurrency: 3,
      timeout: FILE_LIMIT,
      execArgv: ['--conditions=source', '--disable-warning=ExperimentalWarning'],
    });
    const isFile = (data: { name: string; nesting: number; file?: string | undefined }) =>
      data.nesting === 0 && data.name.endsWith('.test.ts');
    stream.on('test:pass', (data) => {
      if (data.details.type === 'suite' || isFile(data)) return;
      if (data.skip !== undefined) skipped += 1;
      else passed += 1;
    });
    stream.on('test:fail', (data) => {
      if (data.details.type !== 'suite') failed += 1;
    });
    stream.on('end', () => resolve());
    stream.compose(new spec()).pipe(process.stdout, { end: false });
  });
} finally {
  await cluster.stop();
  rmSync(home, { recursive: true, force: true });
}
process.stdout.write(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
