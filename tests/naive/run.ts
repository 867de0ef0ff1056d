// npm run test:naive: makes the engine naive in one way after the other, in a copy, and shows which test catches it. A naive version that
// passes its test is a test that proves nothing: then, and when a change no longer fits the source, the command fails.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from 'node:test';
import { openTestCluster } from '../support/cluster.ts';
import { type NaiveVersion, versions } from './versions.ts';

const root = join(import.meta.dirname, '../..');
const only = process.argv.slice(2).join(' ');

interface Verdict {
  ran: number;
  /** First line of the failure of the named test, or null when it passed. */
  failure: string | null;
}

/** A copy of the project in `folder` with the version's changes made. */
function makeCopy(folder: string, version: NaiveVersion | null): void {
  mkdirSync(folder);
  for (const part of ['src', 'tests', 'sql', 'package.json', 'tsconfig.json'])
    cpSync(join(root, part), join(folder, part), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
  for (const { file, from, to } of version?.changes ?? []) {
    const path = join(folder, file);
    const text = readFileSync(path, 'utf8').replaceAll('\r\n', '\n');
    const found = text.split(from).length - 1;
    if (found !== 1)
      throw new Error(
        `naive version '${version!.name}': its text stands ${found} times in ${file}, not once:\n${from}`,
      );
    writeFileSync(
      path,
      text.replace(from, () => to),
    );
  }
}

function runTests(folder: string, file: string, names: readonly string[]): Promise<Verdict> {
  return new Promise((resolve) => {
    const verdict: Verdict = { ran: 0, failure: null };
    const stream = run({
      files: [join(folder, file)],
      cwd: folder,
      forceExit: true,
      testNamePatterns: names.map((name) => new RegExp(name.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`))),
      execArgv: ['--conditions=source', '--disable-warning=ExperimentalWarning'],
    });
    stream.on('test:pass', ({ name }) => {
      if (names.includes(name)) verdict.ran += 1;
    });
    stream.on('test:fail', ({ name, details }) => {
      if (names.includes(name)) verdict.ran += 1;
      const { cause } = details.error as { cause?: unknown };
      if (names.includes(name) || verdict.failure === null)
        verdict.failure = String((cause instanceof Error ? cause.message : cause) ?? details.error.message);
    });
    stream.on('end', () => resolve(verdict));
    stream.resume();
  });
}

const home = mkdtempSync(join(tmpdir(), 'crossdock-naive-'));
const cluster = await openTestCluster(join(home, 'ledger'));
process.env.CROSSDOCK_TEST_URL = cluster.url;
const table: [string, string, string][] = [];
let wrong = 0;
try {
  const chosen = versions.filter(({ name }) => name.includes(only));
  makeCopy(join(home, 'unchanged'), null);
  for (const file of new Set(chosen.map((version) => version.file))) {
    const names = [...new Set(chosen.filter((version) => version.file === file).map(({ test }) => test))];
    const { ran, failure } = await runTests(join(home, 'unchanged'), file, names);
    const fine = ran === names.length && failure === null;
    if (!fine) wrong += 1;
    console.log(
      `${fine ? '✔' : '✖'} unchanged: ${ran} of ${names.length} tests of ${file} ran${failure === null ? ' and passed' : `; failed: ${failure}`}`,
    );
  }
  for (const [index, version] of chosen.entries()) {
    const folder = join(home, `version${index}`);
    makeCopy(folder, version);
    const { ran, failure } = await runTests(folder, version.file, [version.test]);
    const caught = ran === 1 && failure !== null;
    if (!caught) wrong += 1;
    console.log(`\n${caught ? '✔' : '✖'} ${version.name}\n  ${version.file}: ${version.test}`);
    console.log(
      `  ${caught ? `failed as it must: ${failure.trim().split('\n').join('\n    ')}` : ran === 1 ? 'PASSED: this test proves nothing' : `did not run: ${failure}`}`,
    );
    table.push([version.name, version.test, caught ? 'yes' : 'NO']);
    rmSync(folder, { recursive: true, force: true });
  }
} finally {
  await cluster.stop();
  rmSync(home, { recursive: true, force: true });
}
console.log('\n| naive version | test | failed as it must |\n|---|---|---|');
for (const row of table) console.log(`| ${row.join(' | ')} |`);
console.log(
  `\n${table.filter(([, , caught]) => caught === 'yes').length} of ${table.length} naive versions were caught`,
);
process.exit(wrong === 0 && table.length > 0 ? 0 : 1);
