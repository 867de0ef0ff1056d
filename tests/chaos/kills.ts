import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type Random, seeded } from '../../src/core/clock.ts';
import { readTillFiles, verifyDaySales } from '../../src/simulators/verify.ts';
import { askJudge, realDays, realDaysPresent } from './judge.ts';
import { drop, HEADER, makeSales, records } from './sales.ts';
import { type HubProcess, OrderLoads, pause, type Report, until, World } from './world.ts';

export interface KillsOptions {
  readonly seed: number;
  /** kill -9 of the hub, and of its PostgreSQL. */
  readonly hub: number;
  readonly postgres: number;
  /** Lines at least. */
  readonly lines: number;
  /** Days of real trading where they are present, else generated sales. */
  readonly real: boolean;
  /** Longest pause before a kill, in milliseconds. */
  readonly longest?: number;
  /** Orders in one call; default 5. */
  readonly batch?: number;
}

/**
 * kill -9 of the hub and of its PostgreSQL at random moments while days are read, routed and delivered; each time the hub is started again (the
 * PostgreSQL by the hub itself). In the end everything is there once and in order.
 */
export async function kills(options: KillsOptions): Promise<Report> {
  const world = await World.open({
    CHAOS_ORDERS: String(options.batch ?? 5),
    CHAOS_SETTLE: '10s',
    CHAOS_TIMEOUT: '10s',
    CROSSDOCK_LEASE_SECONDS: '3',
  });
  try {
    return await killAndJudge(world, options);
  } finally {
    await world.close();
  }
}

async function killAndJudge(world: World, options: KillsOptions): Promise<Report> {
  const random = seeded(options.seed);
  const kept = join(world.folder, 'dropped');
  mkdirSync(kept);
  const days = options.real && realDaysPresent() ? chooseRealDays(kept, options.lines) : makeDays(kept, options);
  const sold = await readTillFiles(days.map((name) => join(kept, name)));
  const lines = sold.reduce((sum, { lines }) => sum + lines.length, 0);
  const loads = new OrderLoads(world);
  const plan = shuffled(random, [
    ...Array.from({ length: options.hub }, () => 'hub' as const),
    ...Array.from({ length: options.postgres }, () => 'postgres' as const),
  ]);
  const total = plan.length;
  const due = new Set<string>();
  const waiting = [...days];
  const dropNext = async (): Promise<boolean> => {
    const name = waiting.shift();
    if (name === undefined) return false;
    for (const { invoice, lines } of await readTillFiles([join(kept, name)]))
      if (lines.some(({ quantity, price }) => quantity * price !== 0)) due.add(invoice);
    drop(world.inbox, name, readFileSync(join(kept, name), 'utf8'));
    return true;
  };
  /** Invoices that were dropped and have no order yet: never fewer than there is work, for some of them may be Exceptions. */
  const outstanding = async (): Promise<number> => {
    await loads.refresh();
    const landed = loads.landed();
    return [...due].filter((invoice) => !landed.has(invoice)).length;
  };
  const started = Date.now();
  const counts = { hub: 0, postgres: 0, reading: 0, unstarted: 0 };
  let hub: HubProcess = world.hub();
  let since = 0;
  const problems: string[] = [];
  /** A hub whose PostgreSQL is killed while it starts says so and ends: whoever keeps it running starts it again, and so do we. */
  const keepRunning = async (): Promise<void> => {
    if (!hub.over) return;
    const { code, signal, stderr } = await hub.ended;
    if (since > 0 && code === 1) counts.unstarted += 1;
    else problems.push(`the hub ended by itself with ${code ?? signal}: ${stderr}`);
    since = 0;
    hub = world.hub();
  };
  await dropNext();
  await until('the first order has landed', 90, async () => {
    if (hub.over) throw new Error(`the hub ended: ${(await hub.ended).stderr}`);
    await loads.refresh();
    return loads.landed().size > 0;
  });
  for (const [done, victim] of plan.entries()) {
    // Days come so that the last one is still being worked on at the last kill; slow calls stretch what is left over the kills that are left.
    if (done > 0 && done % Math.ceil(total / days.length) === 0) await dropNext();
    let left = await outstanding();
    while (left < 20 && (await dropNext())) left = await outstanding();
    const undropped = sold.length - due.size;
    const longest = options.longest ?? 5000;
    const callsFor = (orders: number): number => Math.max(1, orders / (options.batch ?? 5));
    const wait = random() * longest;
    // Slow enough for what has come to last until this kill, and for all of it until the last one.
    const milliseconds = Math.max(
      ((total - done) * longest) / 3 / callsFor(left + undropped),
      (2 * wait) / callsFor(left),
    );
    await world.faults([
      { kind: 'latency', model: 'sale.order', method: 'load', ms: Math.min(2000, Math.max(50, milliseconds)) },
    ]);
    await pause(wait);
    if ((await outstanding()) === 0 && !(await dropNext())) {
      problems.push(`everything had landed before kill ${done + 1} of ${total}`);
      break;
    }
    await keepRunning();
    if (existsSync(world.inbox) && readdirSync(world.inbox).some((name) => name.endsWith('.csv'))) counts.reading += 1;
    if (victim === 'hub') {
      hub.signal('SIGKILL');
      await hub.ended;
      counts.hub += 1;
      since = 0;
      hub = world.hub();
    } else {
      // The pid file of one that was killed stays until the next one starts.
      await until('the embedded PostgreSQL runs', 60, async () => {
        await keepRunning();
        const pid = world.postgresPid();
        return pid !== null && killed(pid);
      });
      counts.postgres += 1;
      since = Date.now();
    }
  }
  while (await dropNext());
  await world.faults([]);
  const killing = Math.round((Date.now() - started) / 1000);
  const landedWhile = loads.landed().size;
  await pause(2000);
  await keepRunning();
  hub.signal('SIGTERM');
  const stopped = await hub.ended;
  // One that was still starting has no ear for SIGTERM yet: it ends at once.
  if (stopped.code !== 0 && stopped.signal !== 'SIGTERM')
    problems.push(`the hub ended with ${stopped.code}: ${stopped.stderr}`);
  const last = await world.hub({ untilIdle: true }).ended;
  if (last.code !== 0) problems.push(`the last hub ended with ${last.code}: ${last.stderr}`);

  const working = Math.round((Date.now() - started) / 1000) - killing;
  const exceptions = await world.exceptions();
  const ledger = await world.ledger();
  const verdict = verifyDaySales(sold, ledger, exceptions);
  problems.push(...verdict.wrong);
  if (counts.hub < options.hub || counts.postgres < options.postgres) problems.push('not all kills were made');
  const judge = await askJudge(world, kept, exceptions);
  if (judge.code !== null && judge.code !== 0) problems.push(`the judge ended with ${judge.code}: ${judge.said}`);
  return {
    figures: {
      'till files': days.length,
      lines,
      invoices: sold.length,
      'kills of the hub': counts.hub,
      'kills of PostgreSQL': counts.postgres,
      'of these while a file lay unread': counts.reading,
      'hubs that had to be started again because PostgreSQL was killed while they started': counts.unstarted,
      'seconds of killing': killing,
      'seconds from the last kill until idle': working,
      'orders that landed meanwhile': landedWhile,
      orders: ledger.sale_orders.length,
      lost: verdict.lost,
      duplicated: verdict.duplicated,
      'out of order': verdict.outOfOrder,
      exceptions: `${exceptions.length} (${exceptions.reduce((sum, { lines }) => sum + lines, 0)} lines)`,
      judge: judge.said,
    },
    problems,
  };
}

function killed(pid: number): boolean {
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch {
    return false;
  }
}

function shuffled<T>(random: Random, all: T[]): T[] {
  for (let i = all.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [all[i], all[j]] = [all[j]!, all[i]!];
  }
  return all;
}

/** The first days that hold as many lines as wanted, and at least eight. */
function chooseRealDays(folder: string, lines: number): string[] {
  const days: string[] = [];
  let count = 0;
  for (const file of realDays()) {
    const name = basename(file);
    if (count >= lines && days.length >= 8) break;
    copyFileSync(file, join(folder, name));
    days.push(name);
    count += readFileSync(join(folder, name), 'utf8').trim().split('\n').length - 1;
  }
  return days;
}

function makeDays(folder: string, { seed, lines }: KillsOptions): string[] {
  // Sales of up to 16 lines: 8 on average.
  const sales = makeSales({ seed, count: Math.ceil(lines / 7.5), most: 16 });
  const perDay = Math.ceil(sales.length / 8);
  return Array.from({ length: 8 }, (_, day) => {
    const name = `day-${day + 1}.csv`;
    writeFileSync(join(folder, name), HEADER + records(sales.slice(day * perDay, (day + 1) * perDay)));
    return name;
  });
}
