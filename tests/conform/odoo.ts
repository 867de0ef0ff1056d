/**
 * Holds the simulated Odoo against exchanges recorded from real servers: `npm run conform:odoo [-- DIR]`.
 * DIR holds one folder a version (`18`, `19`) of recorded scenarios; the judge that compares them stands in `tools` beside its parent.
 * All scenarios run in one go, for the answers of some show records of others. Those of the slice must be reproduced to 97 %; the rest is shown
 * for information.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { type OdooSimulator, startOdooSimulator, type Version } from '../../src/simulators/odoo/index.ts';

const SLICE = '00 01 02 03 04 06 07 09 10 11 13 14 15 16 17 19 20 21 23 24 25 36 39 41 42 43'.split(' ');
const WANTED = 97;
/** The day the recordings were made; a few answers name days counted from it. */
const RECORDED = Date.parse('2026-11-23T07:30:00Z');

interface Score {
  readonly steps: number;
  readonly same: number;
  readonly percent: number;
}

const shared = resolve(import.meta.dirname, '../../../shared');
const recordings = resolve(process.argv[2] ?? join(shared, 'data/odoo-exchanges'));
const judge = [
  join(shared, 'tools/odoo-replay.mjs'),
  resolve(dirname(dirname(recordings)), 'tools/odoo-replay.mjs'),
].find((path) => existsSync(path));

const clock = (): (() => number) => {
  const shift = RECORDED - Date.now();
  return () => Date.now() + shift;
};

/** Starts a prepared simulator on a port below the range systems hand out by themselves. */
async function start(version: Version, attempt = 0): Promise<OdooSimulator> {
  const port = 20_000 + Math.floor(Math.random() * 12_000);
  try {
    return await startOdooSimulator({
      version,
      prepared: true,
      port,
      clock: clock(),
      seed: Math.floor(Math.random() * 1e9),
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || attempt > 20) throw error;
    return start(version, attempt + 1);
  }
}

function writeEnvironment(dir: string, { db, uid, keys }: OdooSimulator): string {
  const path = join(dir, 'ENV.json');
  const named = Object.fromEntries(Object.entries(keys).map(([name, key]) => [`key.${name}`, key]));
  writeFileSync(path, JSON.stringify({ db, 'uid.hub': uid, 'uid.low': uid + 1, 'uid.admin': 2, ...named }), {
    mode: 0o600,
  });
  return path;
}

/** Exchanges of each scenario, as the judge counts them. */
function exchanges(folder: string): Map<string, number> {
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
  return new Map(
    files.map((file) => {
      const { scenario, steps } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as {
        scenario: string;
        steps: { received?: unknown }[];
      };
      return [scenario, steps.filter(({ received }) => !received).length];
    }),
  );
}

const run = (args: readonly string[]): Promise<string> =>
  new Promise((done, fail) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    child.once('error', fail);
    child.once('close', () => done(output));
  });

/** The score of some scenarios, from what the judge says was not reproduced. */
function scoreOf(output: string, counts: ReadonlyMap<string, number>, chosen: (scenario: string) => boolean): Score {
  const missed = new Map(
    [...output.matchAll(/^(\S+): (\d+) not reproduced$/gm)].map(([, name, n]) => [name, Number(n)]),
  );
  let steps = 0;
  let same = 0;
  for (const [scenario, count] of counts)
    if (chosen(scenario)) {
      steps += count;
      same += count - (missed.get(scenario) ?? 0);
    }
  return { steps, same, percent: steps ? (100 * same) / steps : 0 };
}

async function score(version: Version): Promise<{ slice: Score; all: Score }> {
  const dir = mkdtempSync(join(tmpdir(), 'conform-'));
  const simulator = await start(version);
  try {
    const folder = join(recordings, String(version));
    const output = await run([judge!, folder, simulator.url, writeEnvironment(dir, simulator)]);
    process.stdout.write(`== Odoo ${version}\n${output}`);
    const counts = exchanges(folder);
    const all = scoreOf(output, counts, () => true);
    const [, steps, same] = /(\d+) exchanges, (\d+) reproduced/.exec(output) ?? [];
    if (Number(steps) !== all.steps || Number(same) !== all.same) throw new Error('the judge counts otherwise');
    return { slice: scoreOf(output, counts, (scenario) => SLICE.includes(scenario.slice(0, 2))), all };
  } finally {
    await simulator.stop();
    rmSync(dir, { recursive: true });
  }
}

const shown = ({ steps, same, percent }: Score) => `${same}/${steps} (${percent.toFixed(1)} %)`;

async function main(): Promise<void> {
  if (!judge || !existsSync(recordings) || !readdirSync(recordings).includes('18')) {
    process.stdout.write(
      `conform:odoo skipped: no recorded exchanges in ${recordings}, or no odoo-replay.mjs beside them\n`,
    );
    return;
  }
  const summary: string[] = [];
  for (const version of [18, 19] as const) {
    const { slice, all } = await score(version);
    if (slice.percent < WANTED) process.exitCode = 1;
    summary.push(`Odoo ${version}: slice ${shown(slice)}, all ${shown(all)}`);
  }
  process.stdout.write(`\n${summary.join('\n')}\n`);
}

await main();
