// npm run test:chaos [-- --minutes N --seed S --only NAME --size N]: lost answers, kills, zombies and races with real processes, judged from the
// simulated Odoo's own ledger and the files that were dropped. Prints each scenario's figures; ends with "N passed, N failed".
// In full size all of it takes about 20 minutes, --only one of them at most 10. --minutes (10 when absent) makes everything smaller to fit; when
// given, further rounds with other seeds follow while there is time; --size 0.1 is a tenth.
import { parseArgs } from 'node:util';
import { cuts } from './cuts.ts';
import { gauntlet } from './gauntlet.ts';
import { kills } from './kills.ts';
import { lostAnswers } from './lost-answers.ts';
import { routing } from './routing.ts';
import type { Report } from './world.ts';
import { zombie } from './zombie.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    seed: { type: 'string' },
    only: { type: 'string' },
    size: { type: 'string' },
  },
});
const minutes = Number(values.minutes ?? 10);
const FULL_MINUTES = 20;
const size = Number(values.size ?? (values.only ? 1 : Math.min(1, minutes / FULL_MINUTES)));
const scenarios: Record<string, (seed: number) => Promise<Report>> = {
  'lost-answers': (seed) => lostAnswers({ orders: Math.ceil(2000 * size), seed }),
  kills: (seed) =>
    kills({
      seed,
      hub: Math.ceil(30 * size),
      postgres: Math.ceil(20 * size),
      lines: Math.ceil(20_000 * size),
      real: true,
    }),
  zombie: (seed) => zombie({ rounds: Math.ceil(12 * size), seed }),
  cuts: (seed) => cuts({ invoices: Math.ceil(20 * size), seed }),
  gauntlet: (seed) => gauntlet({ seed, minutes: Math.max(0.5, 10 * size), subjects: 600 }),
  routing: () => routing({ subjects: Math.ceil(500 * size), each: 40 }),
};
if (!(size > 0) || !(minutes > 0) || (values.only !== undefined && !(values.only in scenarios))) {
  process.stderr.write(`usage: --minutes N --seed N --size N --only ${Object.keys(scenarios).join('|')}\n`);
  process.exit(2);
}

let passed = 0;
let failed = 0;
async function play(name: string, seed: number): Promise<void> {
  const started = performance.now();
  const { figures, problems } = await scenarios[name]!(seed).catch((error: Error) => ({
    figures: {},
    problems: [error.stack ?? error.message],
  }));
  if (problems.length === 0) passed += 1;
  else failed += 1;
  const seconds = Math.round((performance.now() - started) / 1000);
  process.stdout.write(`${problems.length === 0 ? '✔' : '✖'} ${name} (${seconds} s, --seed ${seed})\n`);
  for (const [what, figure] of Object.entries(figures)) process.stdout.write(`    ${what}: ${figure}\n`);
  for (const problem of problems.slice(0, 40)) process.stdout.write(`    ! ${problem}\n`);
  if (problems.length > 40) process.stdout.write(`    ! and ${problems.length - 40} more\n`);
}

// Whatever a scenario has started ends with us.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(1));
const end = performance.now() + minutes * 60_000;
let round = 0;
let seed = Number(values.seed ?? Math.floor(Math.random() * 1_000_000));
do {
  round = performance.now();
  for (const name of Object.keys(scenarios)) if ((values.only ?? name) === name) await play(name, seed);
  seed += 1;
  // Another round only where time was asked for and one fits in.
} while (values.minutes !== undefined && 2 * performance.now() - round < end);
process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
process.exit(failed === 0 ? 0 : 1);
