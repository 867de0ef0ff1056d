import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../core/clock.ts';
import { readTillJournal, startTill, type Till } from '../simulators/till.ts';
import { type OdooLedger, type Verdict, verifyDaySales } from '../simulators/verify.ts';
import { jsonLog, levelOf } from '../watch/log.ts';
import { loadEstate } from './estate-file.ts';
import { openExceptions } from './exceptions.ts';
import { homeFolder } from './open.ts';
import { printJson, type Say, sayTo, seconds } from './print.ts';
import { type SimulatedOdoo, startSimulatedOdoo } from './simulated-odoo.ts';
import { progressLine, type Running, run, untilSignal } from './start.ts';
import { describe } from './status.ts';

const SEED = 20_101_201;

/** The shipped estate: a till's folder, a simulated Odoo 19, the flow day-sales. */
const estateFile = (): string => {
  const root = join(import.meta.dirname, '..', '..');
  const source = join(root, 'crossdock.config.ts');
  return existsSync(source) ? source : join(root, 'crossdock.config.js');
};

/** Runs the demo estate until a signal or for a time; its ledger, its Odoo and its till go on where they stopped. */
export async function demo({ for: limit, json = false }: { for?: string; json?: boolean }): Promise<void> {
  const say = sayTo(json);
  const duration = limit === undefined ? null : seconds(limit);
  const log = jsonLog({ level: levelOf(process.env.CROSSDOCK_LOG, 'error') });
  const started = Date.now();
  const signal = untilSignal(say);
  const folder = join(homeFolder(), 'demo');
  const inbox = join(folder, 'inbox');
  const journal = join(folder, 'till.ndjson');
  mkdirSync(inbox, { recursive: true });
  say('Starting: PostgreSQL, a simulated Odoo 19, the hub, a till. The first start takes some seconds.');
  let odoo: SimulatedOdoo | undefined;
  let running: Running | undefined;
  let till: Till | undefined;
  try {
    running = await run(
      async () => {
        odoo = await startSimulatedOdoo({ version: 19, data: join(folder, 'odoo') });
        Object.assign(process.env, {
          CROSSDOCK_INBOX: inbox,
          ODOO_URL: odoo.url,
          ODOO_DB: odoo.db,
          ODOO_LOGIN: odoo.login,
          ODOO_KEY: odoo.key,
        });
        return loadEstate(estateFile());
      },
      log,
      say,
    );
    say(
      `The till drops its files into ${inbox}; the simulated Odoo answers at ${odoo!.url}.\nCtrl-C stops; the next start goes on where it stopped.\n`,
    );
    till = await startTill({ folder: inbox, journal, seed: SEED, rate: 10, odd: 0.01 });
    const stopTicking = tick(running, say, json);
    await waitFor(duration, signal);
    await till.stop();
    if (duration !== null && !signal.aborted) {
      say('\nThe till is closed; what is under way is delivered.');
      await running.hub.untilIdle(progressLine(running, say), signal);
    }
    stopTicking();
    const summary = await running.summary();
    const verified = signal.aborted ? null : await verify(running, journal, odoo!.admin);
    if (json) printJson({ ...summary, verified, seconds: (Date.now() - started) / 1000 });
    else say(`\n${describe(summary)}${verified ? `\n${describeVerdict(verified)}` : ''}`);
    if (verified && verified.lost + verified.duplicated + verified.outOfOrder > 0) process.exitCode = 1;
  } finally {
    await till?.stop();
    await running?.stop();
    await odoo?.stop();
  }
}

/** Compares what the till says it sold with what the simulated Odoo says it holds; the hub's own figures are not asked. */
async function verify(running: Running, journal: string, admin: string): Promise<Omit<Verdict, 'wrong'>> {
  const ledger = (await (await fetch(`${admin}/ledger`)).json()) as OdooLedger;
  const { lost, duplicated, outOfOrder } = verifyDaySales(
    await readTillJournal(journal),
    ledger,
    await openExceptions(running.ledger),
  );
  return { lost, duplicated, outOfOrder };
}

const describeVerdict = ({ lost, duplicated, outOfOrder }: Omit<Verdict, 'wrong'>): string =>
  `verified against the till's record and Odoo's: ${lost} lost, ${duplicated} duplicated, ${outOfOrder} out of order`;

async function waitFor(duration: number | null, signal: AbortSignal): Promise<void> {
  if (duration !== null) return systemClock.sleep(duration * 1000, signal);
  await new Promise<void>((resolve) =>
    signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true }),
  );
}

/** A live summary: one line that is rewritten each second on a terminal, a line every ten seconds elsewhere. Returns how to end it. */
function tick(running: Running, say: Say, json: boolean): () => void {
  const live = process.stdout.isTTY && !json;
  const show = async () => {
    const { events, deliveries, money, lines } = await running.summary();
    const [currency, amounts] = Object.entries(money)[0] ?? [
      'GBP',
      { posted: '0.00', excepted: '0.00', difference: '0.00' },
    ];
    const line = `${events.received} invoices · ${deliveries.delivered} delivered, ${deliveries.waiting} waiting, ${deliveries.parked} parked · ${lines.posted} of ${lines.received} lines · ${currency} ${amounts.posted} posted, ${amounts.excepted} excepted`;
    if (live) process.stdout.write(`\r\u001b[2K${line}`);
    else say(line);
  };
  const timer = setInterval(() => void show().catch(() => undefined), live ? 1000 : 10_000);
  return () => clearInterval(timer);
}
