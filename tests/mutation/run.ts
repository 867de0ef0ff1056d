// npm run test:mutation [-- --ward NAME --most N --seed S]: makes one thing wrong after the other in code that must never be wrong (dedupe, fencing,
// signatures, authorisation, allocation), in a copy, and counts which mistakes the tests notice. Names the survivors. Fails below 80 %.
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { seeded } from '../../src/core/clock.ts';
import { openTestCluster } from '../support/cluster.ts';
import { type Mutant, mutantsOf, mutated, type Ward } from './mutants.ts';
import { wards } from './wards.ts';

const { values } = parseArgs({
  options: { ward: { type: 'string' }, most: { type: 'string' }, seed: { type: 'string' } },
});
const most = Number(values.most ?? 16);
const random = seeded(Number(values.seed ?? 1));
const LEAST = 0.8;
const PATIENCE_MS = 240_000;

const root = join(import.meta.dirname, '../..');
const home = mkdtempSync(join(tmpdir(), 'crossdock-mutation-'));
const copy = join(home, 'copy');
mkdirSync(copy);
for (const part of ['src', 'tests', 'sql', 'bin', 'package.json', 'tsconfig.json'])
  cpSync(join(root, part), join(copy, part), { recursive: true });
symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'junction');
const cluster = await openTestCluster(join(home, 'ledger'));

/** Whether the ward's tests pass in the copy as it is now. */
function pass(files: readonly string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(
      process.execPath,
      ['--conditions=source', '--test', '--test-force-exit', '--test-timeout=120000', ...files],
      { cwd: copy, env: { ...process.env, CROSSDOCK_TEST_URL: cluster.url, CROSSDOCK_LOG: 'silent' }, stdio: 'ignore' },
    );
    const late = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
    child.once('close', (code) => {
      clearTimeout(late);
      resolve(code === 0);
    });
  });
}

function sample(all: readonly Mutant[]): Mutant[] {
  const left = [...all];
  const chosen: Mutant[] = [];
  while (chosen.length < most && left.length > 0) chosen.push(...left.splice(Math.floor(random() * left.length), 1));
  return chosen.sort((a, b) => a.at - b.at);
}

async function guard({
  name,
  file,
  within,
  tests,
}: Ward): Promise<{ caught: number; of: number; survivors: string[] }> {
  const path = join(copy, file);
  const text = readFileSync(path, 'utf8');
  const all = mutantsOf(text, within);
  if (!(await pass(tests))) throw new Error(`${name}: ${tests.join(', ')} fail without any mutant`);
  const chosen = sample(all);
  const survivors: string[] = [];
  for (const mutant of chosen) {
    writeFileSync(path, mutated(text, mutant));
    const lived = await pass(tests);
    const what = `${file}:${mutant.line}  ${mutant.from.trim()} → ${mutant.to.trim() || 'nothing'}`;
    process.stdout.write(`${lived ? '✖ survived' : '✔ caught'}  ${what}\n`);
    if (lived) survivors.push(what);
  }
  writeFileSync(path, text);
  process.stdout.write(
    `${name}: ${chosen.length - survivors.length} of ${chosen.length} caught (${all.length} possible in ${file})\n\n`,
  );
  return { caught: chosen.length - survivors.length, of: chosen.length, survivors };
}

const totals = { caught: 0, of: 0, survivors: [] as string[] };
try {
  for (const ward of wards.filter(({ name }) => name === (values.ward ?? name))) {
    const { caught, of, survivors } = await guard(ward);
    totals.caught += caught;
    totals.of += of;
    totals.survivors.push(...survivors);
  }
} finally {
  await cluster.stop();
  rmSync(home, { recursive: true, force: true });
}
process.stdout.write(`${totals.caught} of ${totals.of} caught (${Math.round((100 * totals.caught) / totals.of)} %)\n`);
if (totals.survivors.length > 0) process.stdout.write(`survivors:\n  ${totals.survivors.join('\n  ')}\n`);
process.exit(totals.of > 0 && totals.caught / totals.of >= LEAST ? 0 : 1);
