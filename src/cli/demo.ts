import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../core/clock.ts';
import { HubError } from '../core/errors.ts';
import type { Estate } from '../core/estate.ts';
import { countExceptions } from '../ledger/exceptions.ts';
import { conditions, type Weather } from '../simulators/retailer/conditions.ts';
import { PLACE, PRICES } from '../simulators/retailer/counter.ts';
import { type Judgement, judge, verdictOf } from '../simulators/retailer/judge.ts';
import { type BooksLedger, shopLedger, storeLedger, warehouseLedger } from '../simulators/retailer/ledgers.ts';
import { jsonLog, levelOf } from '../watch/log.ts';
import { Logistics } from './demo-people.ts';
import { lookupLimits, stockDelay } from './demo-promise.ts';
import { type OpenDay, OUTAGES, type Systems, startSystems } from './demo-systems.ts';
import { describeJudgement, liveLine } from './demo-words.ts';
import { loadEstate } from './estate-file.ts';
import { openExceptions } from './exceptions.ts';
import { homeFolder } from './open.ts';
import { printJson, type Say, sayTo, seconds } from './print.ts';
import { progressLine, type Running, run, untilSignal } from './start.ts';
import { describe } from './status.ts';

const SEED = 20_101_201;

/**
 * Longest that is waited for everything to arrive after the day is closed, in milliseconds. After a kill in the middle of a call its lane stays quiet until
 * the call can no longer land: about five minutes for the shop.
 */
const PATIENCE = 420_000;

/** The shipped estate: examples/retailer. */
const estateFile = (): string => {
  const root = join(import.meta.dirname, '..', '..');
  const source = join(root, 'crossdock.config.ts');
  return existsSync(source) ? source : join(root, 'crossdock.config.js');
};

export interface DemoOptions {
  readonly for?: string;
  readonly faults?: Weather;
  readonly rate?: string;
  readonly json?: boolean;
}

/** Runs the demo estate until a signal or for a time; its ledger and all its systems go on where they stopped. */
export async function demo({ for: limit, faults = 'calm', rate = '1', json = false }: DemoOptions): Promise<void> {
  const say = sayTo(json);
  const orders = Number(rate);
  if (!(orders > 0 && orders <= 1000))
    throw new HubError('BAD_USE', `--rate '${rate}' is no number of orders a second`, {
      hint: 'above 0, such as 0.5 or 2',
    });
  const duration = limit === undefined ? null : seconds(limit);
  const log = jsonLog({ level: levelOf(process.env.CROSSDOCK_LOG, 'silent') });
  const started = Date.now();
  const signal = untilSignal(say);
  say(
    'Starting: PostgreSQL, a simulated Odoo 19, a simulated Shopify shop, a till that drops day files, a store that pushes its sales and hands over what the shop sold, a warehouse by files, and the hub between them. The first start takes some seconds.',
  );
  let systems: Systems | undefined;
  let estate: Estate | undefined;
  let running: Running | undefined;
  let open: OpenDay | undefined;
  let logistics: Logistics | undefined;
  try {
    running = await run(
      async () => {
        systems = await startSystems(join(homeFolder(), 'demo'));
        estate = await loadEstate(estateFile());
        return estate;
      },
      log,
      say,
    );
    say(
      `The till drops its files into ${systems!.inbox}; Odoo answers at ${systems!.odoo.url}, the shop at ${systems!.shop.url}.\nCtrl-C stops; the next start goes on where it stopped.\n`,
    );
    open = await systems!.open(conditions[faults], { seed: SEED, rate: orders });
    logistics = new Logistics(running, systems!.warehouse);
    const stopTicking = tick(running, say, json);
    const { outage } = conditions[faults];
    const closing = new AbortController();
    const away =
      outage > 0
        ? open.outages(awayFor(outage, duration), AbortSignal.any([signal, closing.signal]))
        : Promise.resolve();
    await waitFor(duration, signal);
    closing.abort();
    await away.catch(() => undefined);
    await open.close();
    const judgement =
      duration === null || signal.aborted ? null : await settle(running, systems!, { open, logistics, say, signal });
    stopTicking();
    const summary = await running.summary();
    const unacknowledged = await countExceptions(running.ledger.db, 'not-acknowledged');
    const forged = forgeries(systems!.shop.webhooks.sent);
    const delay = stockDelay(open.day, stockFlow(estate!), faults === 'calm');
    if (json)
      printJson({
        ...summary,
        faults,
        verified: judgement && withoutWords(verdictOf(judgement)),
        hops:
          judgement && Object.fromEntries(Object.entries(judgement).map(([name, hop]) => [name, withoutWords(hop)])),
        wrong: judgement && verdictOf(judgement).wrong.slice(0, 20),
        stockDelay: delay,
        forged,
        unacknowledged,
        settled: logistics.settled.length,
        seconds: (Date.now() - started) / 1000,
      });
    else
      say(
        `\n${describe(summary)}${judgement ? `\n\n${describeJudgement(judgement, delay, { forged, unacknowledged, settled: logistics.settled.length })}` : ''}`,
      );
    if (forged.taken > 0) process.exitCode = 1;
    if (judgement && (verdictOf(judgement).wrong.length > 0 || delay.broken !== null)) process.exitCode = 1;
  } finally {
    await logistics?.stop();
    await open?.stop();
    await running?.stop();
    await systems?.stop();
  }
}

/** The flow that tells the shop what is free in Odoo. */
const stockFlow = ({ flows }: Estate) => flows.find(({ id }) => id === 'shop-stock')!;

/** Webhooks without a signature, and those of them that the hub took for the shop's. */
function forgeries(sent: Systems['shop']['webhooks']['sent']): { readonly sent: number; readonly taken: number } {
  const all = sent.filter(({ fault }) => fault === 'unsigned');
  return { sent: all.length, taken: all.filter(({ statuses: [first] }) => first === 200 || first === 202).length };
}

const withoutWords = <T extends { readonly wrong: unknown }>({ wrong: _, ...rest }: T): Omit<T, 'wrong'> => rest;

/** Seconds that each system is away: on a short day for less, so that it is the turn of all of them. */
const awayFor = (outage: number, duration: number | null): number =>
  duration === null ? outage : Math.min(outage, duration / (2 * OUTAGES));

/** Waits until the hub is idle, warehouse and store have handed over all and every system's books agree, twice in a row with a count between; or for as long as can be expected. */
async function settle(
  running: Running,
  systems: Systems,
  { open, logistics, say, signal }: { open: OpenDay; logistics: Logistics; say: Say; signal: AbortSignal },
): Promise<Judgement | null> {
  say('\nThe tills and the shop are closed; what is under way is delivered.');
  const end = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]);
  const report = progressLine(running, say);
  let told: string | undefined;
  for (let quiet = 0; ; ) {
    const progress = await running.hub.progress();
    report(progress);
    const moving = progress.routable + progress.deliverable + progress.leased + open.waiting > 0 && !end.aborted;
    const judgement = moving ? null : await judgeNow(running, systems, open, logistics);
    if (signal.aborted) return null;
    if (judgement && end.aborted) return judgement;
    const wrong = judgement ? verdictOf(judgement).wrong : [];
    if (wrong.length > 0 && wrong[0] !== told) {
      told = wrong[0];
      say(`Not equal yet: ${told}${wrong.length > 1 ? ` (and ${wrong.length - 1} more)` : ''}`);
    }
    quiet = judgement && wrong.length === 0 ? quiet + 1 : 0;
    if (judgement && quiet === 2) return judgement;
    // What was counted while goods still moved differs by what moved.
    if (quiet === 1) await open.day.takeStock();
    await systemClock.sleep(quiet > 0 ? 2000 : 1000, end);
  }
}

/** Compares what each system's own books say; of the hub only what stands as an Exception is known. */
async function judgeNow(
  running: Running,
  systems: Systems,
  { said, questions }: OpenDay,
  { settled }: Logistics,
): Promise<Judgement> {
  const books = (await (await fetch(`${systems.odoo.admin}/ledger`)).json()) as BooksLedger;
  return judge({
    till: await systems.sold(),
    shop: shopLedger(systems.shop.shop),
    store: storeLedger(systems.store, PLACE, PRICES),
    lookups: {
      ...{ told: questions.told, unanswered: questions.unanswered, wrong: questions.wrong },
      limits: lookupLimits(running.hub.parts.estate),
    },
    books,
    warehouse: warehouseLedger(systems.warehouse),
    said,
    excepted: await openExceptions(running.ledger),
    settled,
  });
}

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
    const line = liveLine(await running.summary());
    if (live) process.stdout.write(`\r\u001b[2K${line}`);
    else say(line);
  };
  const timer = setInterval(() => void show().catch(() => undefined), live ? 1000 : 10_000);
  return () => clearInterval(timer);
}
