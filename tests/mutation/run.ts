// npm run test:mutation [-- --ward NAME --most N --seed S --at FILE:LINE]: makes one thing wrong after the other in code that must never be wrong (dedupe,
// fencing, signatures, authorisation, allocation), in copies, and counts which mistakes the tests notice. Names the survivors. Fails when a ward is
// below 80 %. `--most 0` is all of a ward; the default is a sample of 12 of each.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { seeded } from '../../src/core/clock.ts';
import { type Mutant, mutantsOf, mutated } from './mutants.ts';
import { reasons } from './reasons.ts';
import { type Part, wards } from './wards.ts';
import { Workshop } from './workshop.ts';

const { values } = parseArgs({
  options: {
    ward: { type: 'string' },
    at: { type: 'string', default: '' },
    most: { type: 'string', default: '12' },
    seed: { type: 'string', default: '1' },
  },
});
// A line number is one as a whole: `deliver.ts:4` is not line 42.
const wanted = new RegExp(`${values.at}${/\d$/.test(values.at) ? ' ' : ''}`);
const most = Number(values.most) || Number.POSITIVE_INFINITY;
const random = seeded(Number(values.seed));
const LEAST = 0.8;
const WORKSHOPS = 2;

interface Job {
  readonly part: Part;
  readonly text: string;
  readonly mutant: Mutant;
}

const root = join(import.meta.dirname, '../..');
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const short = (text: string): string => text.replaceAll(/\s+/g, ' ').trim().slice(0, 110) || 'nothing';
const describe = ({ part, mutant }: Job): string =>
  `${part.file}:${mutant.line}  ${short(mutant.from)} → ${short(mutant.to)}`;

const jobsOf = (part: Part): Job[] => {
  const text = readFileSync(join(root, part.file), 'utf8').replaceAll('\r\n', '\n');
  return mutantsOf(part.file, text, part.within).map((mutant) => ({ part, text, mutant }));
};

/** Why a survivor is no hole, where somebody has looked. */
function reasonFor({ part, text, mutant }: Job): string | undefined {
  const line = text.split('\n')[mutant.line - 1]!;
  return reasons.find(
    ({ file, code, change }) =>
      part.file.startsWith(file) && line.includes(code) && (!change || mutant.from.includes(change)),
  )?.why;
}

function sample(all: readonly Job[]): Job[] {
  const left = [...all];
  const chosen: Job[] = [];
  while (chosen.length < most && left.length > 0) chosen.push(...left.splice(Math.floor(random() * left.length), 1));
  // By file, so that whoever reads along finds the place.
  return all.filter((job) => chosen.includes(job));
}

async function survives(workshop: Workshop, { part, text, mutant }: Job): Promise<boolean> {
  const isMigration = part.file.endsWith('.sql');
  const lived = await workshop.with(
    part.file,
    mutated(text, mutant),
    async () => (!isMigration || (await workshop.migrate())) && (await workshop.failing(part.tests)) === null,
  );
  if (isMigration) await workshop.migrate();
  return lived;
}

const home = mkdtempSync(join(tmpdir(), 'crossdock-mutation-'));
const workshops: Workshop[] = [];
let below = 0;
// The mutants under way end, then the clusters: they would outlive this process.
let stopping = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    stopping = true;
  });
try {
  for (let n = 0; n < WORKSHOPS; n++) workshops.push(await Workshop.open(join(home, `workshop${n}`)));
  for (const ward of wards.filter(({ name }) => name === (values.ward ?? name))) {
    if (stopping) break;
    const all = ward.parts.flatMap(jobsOf).filter(({ part, mutant }) => wanted.test(`${part.file}:${mutant.line} `));
    const chosen = sample(all);
    if (chosen.length === 0) continue;
    const tests = [...new Set(chosen.flatMap(({ part }) => part.tests))];
    // Once more, should a busy machine have been too slow.
    const sound = async (workshop: Workshop) => (await workshop.failing(tests)) && (await workshop.failing(tests));
    for (const failing of await Promise.all(workshops.map(sound)))
      if (failing !== null) throw new Error(`${ward.name}: ${failing} fails without any mutant`);
    const survivors: Job[] = [];
    const queue = [...chosen];
    let tried = 0;
    const work = async (workshop: Workshop): Promise<void> => {
      for (let job = queue.shift(); job && !stopping; job = queue.shift()) {
        const lived = await survives(workshop, job);
        say(`${lived ? '✖ survived' : '✔ caught  '}  ${describe(job)}`);
        tried += 1;
        if (lived) survivors.push(job);
      }
    };
    await Promise.all(workshops.map(work));
    const caught = tried - survivors.length;
    if (caught < LEAST * tried) below += 1;
    say(
      `\n${ward.name}: ${caught} of ${tried} caught (${Math.round((100 * caught) / tried)} %), of ${all.length} possible`,
    );
    for (const job of survivors) say(`  survivor  ${describe(job)}\n            ${reasonFor(job) ?? 'NOT EXPLAINED'}`);
    say('');
  }
} finally {
  for (const workshop of workshops) await workshop.close();
  rmSync(home, { recursive: true, force: true });
}
process.exit(below === 0 ? 0 : 1);
