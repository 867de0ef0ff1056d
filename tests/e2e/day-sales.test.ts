import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { readTillFiles, verifyDaySales } from '../../src/simulators/verify.ts';
import type { Summary } from '../../src/watch/summary.ts';
import { drop, HEADER, makeSales, records } from '../chaos/sales.ts';
import { World } from '../chaos/world.ts';

const repository = join(import.meta.dirname, '..', '..');
const config = join(repository, 'examples', 'day-sales', 'crossdock.config.ts');
const realDays = join(repository, '..', 'shared', 'data', 'uci-online-retail');

async function runUntilIdle(world: World, inbox: string): Promise<Summary> {
  const { code, stdout, stderr } = await world.run([
    'start',
    '--config',
    config,
    '--inbox',
    inbox,
    '--until-idle',
    '--json',
  ]).ended;
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as Summary;
}

async function assertTrue(world: World, files: readonly string[], summary: Summary): Promise<void> {
  const verdict = verifyDaySales(await readTillFiles(files), await world.ledger(), await world.exceptions());
  assert.deepEqual(verdict, { lost: 0, duplicated: 0, outOfOrder: 0, wrong: [] });
  assert.equal(summary.lines.received, summary.lines.posted + summary.lines.adjusted + summary.lines.excepted);
  for (const { difference } of Object.values(summary.money)) assert.equal(difference, '0.00');
}

/** Cuts a file's records at each of the places, in pairs of files; every second tail comes without a header. */
function cutInto(folder: string, file: string, places: readonly number[]): void {
  const [header, ...lines] = readFileSync(file, 'utf8').trimEnd().split('\n');
  for (const [n, place] of places.entries()) {
    const name = `${basename(file, '.csv')}-cut${String(n).padStart(3, '0')}`;
    writeFileSync(join(folder, `${name}-a.csv`), `${[header, ...lines.slice(0, place)].join('\n')}\n`);
    writeFileSync(join(folder, `${name}-b.csv`), `${[...(n % 2 ? [] : [header]), ...lines.slice(place)].join('\n')}\n`);
  }
}

/** Places between two records of one invoice. */
function insideInvoices(file: string): number[] {
  const numbers = readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => line.split(',')[0]);
  return numbers.flatMap((number, index) => (index > 0 && number === numbers[index - 1] ? [index] : []));
}

async function comesAgain(world: World, files: readonly string[], first: Summary): Promise<void> {
  const again = join(world.folder, 'again');
  mkdirSync(again);
  for (const file of files) {
    copyFileSync(file, join(again, basename(file)));
    copyFileSync(file, join(again, `renamed-${basename(file)}`));
    const places = insideInvoices(file);
    cutInto(
      again,
      file,
      places.filter((_, index) => index % Math.ceil(places.length / 12) === 0),
    );
  }
  const second = await runUntilIdle(world, again);
  await assertTrue(world, files, second);
  for (const name of ['lines', 'documents', 'money', 'exceptions', 'deliveries'] as const)
    assert.deepEqual(second[name], first[name]);
  assert.ok(second.events.duplicate > 0);
}

test('generated day files reach the simulated Odoo 18 once, also when they come again, renamed and cut', async () => {
  const world = await World.open({}, 18);
  try {
    const sales = makeSales({ seed: 5, count: 60, most: 6 });
    drop(world.inbox, 'monday.csv', HEADER + records(sales.slice(0, 30)));
    drop(world.inbox, 'tuesday.csv', HEADER + records(sales.slice(30)));
    const files = ['monday.csv', 'tuesday.csv'].map((name) => join(world.inbox, 'done', name));
    const summary = await runUntilIdle(world, world.inbox);
    await assertTrue(world, files, summary);
    await comesAgain(world, files, summary);
  } finally {
    await world.close();
  }
});

test('two real trading days reach the simulated Odoo 19 to the penny', {
  skip: !existsSync(realDays) && 'the real input is not here',
}, async () => {
  const world = await World.open({});
  try {
    const files = ['2010-12-22.csv', '2010-12-23.csv'].map((name) => join(realDays, name));
    for (const file of files) copyFileSync(file, join(world.inbox, basename(file)));
    const summary = await runUntilIdle(world, world.inbox);
    assert.equal(summary.lines.received, 1254);
    assert.equal(summary.money.GBP?.received, '17930.88');
    await assertTrue(world, files, summary);
    await comesAgain(world, files, summary);
  } finally {
    await world.close();
  }
});

test('a file that is not what was declared goes aside with a report, and the others are read', async () => {
  const world = await World.open({});
  try {
    drop(world.inbox, 'good.csv', HEADER + records(makeSales({ seed: 6, count: 3, most: 3 })));
    drop(world.inbox, 'strange.csv', 'Invoice;Code\n1;2\n');
    const summary = await runUntilIdle(world, world.inbox);
    assert.deepEqual(
      summary.exceptions.map(({ cause, count }) => ({ cause, count })),
      [{ cause: 'file-refused', count: 1 }],
    );
    const report = JSON.parse(readFileSync(join(world.inbox, 'failed', 'strange.csv.report.json'), 'utf8')) as {
      problem: string;
    };
    assert.match(report.problem, /strange\.csv/);
    assert.ok(existsSync(join(world.inbox, 'done', 'good.csv.report.json')));
  } finally {
    await world.close();
  }
});
