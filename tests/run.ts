// npm test: static checks, then every *.test.ts beside the sources and in tests/, on a PostgreSQL of its own. Ends with "N passed, N failed[, N skipped]".
import { spawn } from 'node:child_process';
import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { pathToFileURL } from 'node:url';
import { openTestCluster } from './support/cluster.ts';

const root = join(import.meta.dirname, '..');
process.chdir(root);

const only = process.argv.slice(2);
/** Longest that one file, and all of them, may take. Files that are named may take what they need. */
const FILE_SECONDS = 600;
const ALL_SECONDS = 3600;
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
process.env.CROSSDOCK_TEST_FILE_SECONDS = String(FILE_SECONDS);
const unlimited = only.length > 0;
const openFiles = new Set<string>();
const overdue = setTimeout(
  () => {
    process.stdout.write(`\n✖ not done within ${ALL_SECONDS} s; still at work: ${[...openFiles].join(', ')}\n`);
    process.stdout.write(`\n${passed} passed, ${failed + openFiles.size} failed\n`);
    void cluster.stop().finally(() => process.exit(1));
  },
  unlimited ? 2 ** 31 - 1 : ALL_SECONDS * 1000,
);
try {
  await new Promise<void>((resolve) => {
    const stream = run({
      files,
      // Most of what tests do is wait: three files keep two cores half busy.
      concurrency: 3,
      execArgv: [
        '--conditions=source',
        '--disable-warning=ExperimentalWarning',
        ...(unlimited ? [] : [`--import=${pathToFileURL(join(root, 'tests', 'support', 'open-end.ts'))}`]),
      ],
    });
    const isFile = (data: { name: string; nesting: number; file?: string | undefined }) =>
      data.nesting === 0 && data.name.endsWith('.test.ts');
    stream.on('test:dequeue', (data) => {
      if (isFile(data)) openFiles.add(data.name);
    });
    stream.on('test:complete', (data) => {
      if (isFile(data)) openFiles.delete(data.name);
    });
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
  clearTimeout(overdue);
  await cluster.stop();
  rmSync(home, { recursive: true, force: true });
}
process.stdout.write(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
