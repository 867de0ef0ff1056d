// npm test: static checks, then every *.test.ts beside the sources and in tests/, on a PostgreSQL of its own. Ends with "N passed, N failed[, N skipped]".
import { spawn } from 'node:child_process';
import { existsSync, globSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve as resolvePath } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { pathToFileURL } from 'node:url';
import { fetchRealSchema, hasRealSchema, Unreachable } from './shopify/real-schema.ts';
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

/** Longest that is waited for Shopify's schemas, in milliseconds. */
const SCHEMA_MS = 60_000;

const needsRealSchema = (file: string): boolean =>
  existsSync(file) && readFileSync(file, 'utf8').includes('/real-schema.ts');

/** Fetches the schemas that Shopify publishes when one of the files holds something against them; where they cannot be had its tests count as skipped. False when what came is not them. */
function bringRealSchema(): boolean {
  if (hasRealSchema() || !files.some(needsRealSchema)) return true;
  process.stdout.write("Fetching the schemas that Shopify publishes from npm's registry, once (14 MB) …\n");
  try {
    fetchRealSchema(SCHEMA_MS);
    return true;
  } catch (error) {
    process.stdout.write(`… which failed: ${(error as Error).message}\n`);
    return error instanceof Unreachable;
  }
}

/** How long a process whose tests are over may be silent, in milliseconds. */
const LONGEST_SILENCE_MS = 20_000;

/** Ends test files that hang in Node's own end of their process. `ends` has a file for each whose tests are over, named by its pid and written each second. */
function endHung(ends: string, hung: Set<string>): void {
  for (const pid of readdirSync(ends)) {
    const path = join(ends, pid);
    if (Date.now() - statSync(path).mtimeMs < LONGEST_SILENCE_MS) continue;
    const { file, code } = JSON.parse(readFileSync(path, 'utf8')) as { file: string; code: number };
    rmSync(path);
    if (!isOurs(pid)) continue;
    process.stdout.write(`${file}: its tests are over, but its process hangs at its end (exit code ${code}): killed\n`);
    if (code === 0) hung.add(file);
    process.kill(Number(pid), 'SIGKILL');
  }
}

/** Whether there is such a child of ours still. */
function isOurs(pid: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ')[1] === String(process.pid);
  } catch {
    // It has ended, or this system does not tell.
    return false;
  }
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

if (!bringRealSchema()) failed += 1;

const home = mkdtempSync(join(tmpdir(), 'crossdock-test-'));
const cluster = await openTestCluster(home);
process.env.CROSSDOCK_TEST_URL = cluster.url;
const unlimited = only.length > 0;
if (!unlimited) process.env.CROSSDOCK_TEST_FILE_SECONDS = String(FILE_SECONDS);
const ends = join(home, 'ends');
mkdirSync(ends);
process.env.CROSSDOCK_TEST_ENDS = ends;
const openFiles = new Set<string>();
const overdue = setTimeout(
  () => {
    process.stdout.write(`\n✖ not done within ${ALL_SECONDS} s; still at work: ${[...openFiles].join(', ')}\n`);
    process.stdout.write(`\n${passed} passed, ${failed + openFiles.size} failed\n`);
    void cluster.stop().finally(() => process.exit(1));
  },
  unlimited ? 2 ** 31 - 1 : ALL_SECONDS * 1000,
);
/** Files whose tests had all passed when Node hung in ending their process. */
const hung = new Set<string>();
const burial = setInterval(() => endHung(ends, hung), 5000);
try {
  await new Promise<void>((resolve) => {
    const stream = run({
      files,
      // Most of what tests do is wait: four files keep two cores busy.
      concurrency: 4,
      execArgv: [
        '--conditions=source',
        '--disable-warning=ExperimentalWarning',
        `--import=${pathToFileURL(join(root, 'tests', 'support', 'open-end.ts'))}`,
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
      if (data.details.type !== 'suite' && !(isFile(data) && hung.has(resolvePath(data.name)))) failed += 1;
    });
    stream.on('end', () => resolve());
    stream.compose(new spec()).pipe(process.stdout, { end: false });
  });
} finally {
  clearTimeout(overdue);
  clearInterval(burial);
  await cluster.stop();
  rmSync(home, { recursive: true, force: true });
}
process.stdout.write(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
