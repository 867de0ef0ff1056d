import { existsSync, mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { systemClock } from '../core/clock.ts';
import type { Log } from '../core/connector.ts';
import { HubError } from '../core/errors.ts';
import type { Estate } from '../core/estate.ts';
import { type Chore, Hub } from '../engine/hub.ts';
import type { Terms } from '../engine/parts.ts';
import { appendCheckpoint, makeCheckpoint } from '../guard/checkpoints.ts';
import { applyRetention } from '../guard/retention.ts';
import { secretReader } from '../guard/secrets.ts';
import { freeBytes } from '../ledger/embedded/index.ts';
import { readFigures } from '../ledger/figures.ts';
import { startServer } from '../server/index.ts';
import { jsonLog, levelOf } from '../watch/log.ts';
import { Metrics } from '../watch/metrics.ts';
import { type Summary, summarise } from '../watch/summary.ts';
import { loadEstate } from './estate-file.ts';
import { type OpenLedger, openLedger } from './open.ts';
import { printJson, type Say, sayTo } from './print.ts';
import { type SimulatedOdoo, startSimulatedOdoo } from './simulated-odoo.ts';
import { describe } from './status.ts';
import { version } from './version.ts';

export interface Running {
  hub: Hub;
  ledger: OpenLedger;
  url: string;
  summary(): Promise<Summary>;
  stop(): Promise<void>;
}

/**
 * Opens the ledger, loads the estate and runs a hub with its server for it; `stop` ends all of it in order. The estate comes after the ledger, so that
 * what it starts (the demo's simulated Odoo) is started by the owner of the home only.
 */
export async function run(load: () => Promise<Estate>, written: Log, say: Say): Promise<Running> {
  const metrics = new Metrics({ version });
  const log = metrics.observe(written);
  const terms = termsFrom(process.env);
  const ledger = await openLedger({ own: true, log, say });
  metrics.watchDisk(() => (ledger.postgres ? freeBytes(ledger.home) : null));
  let begun: Hub | undefined;
  try {
    const estate = await load();
    const hub = new Hub({
      estate,
      db: ledger.db,
      vault: ledger.vault,
      clock: systemClock,
      random: Math.random,
      log,
      secret: secretReader(process.env),
      terms,
      chores: choresOf(estate, ledger, log),
    });
    begun = hub;
    await hub.start();
    const announce = (link: string) => say(`Sign in once with ${link}`);
    const api = { parts: hub.parts, version };
    const server = await startServer({ hub, db: ledger.db, clock: systemClock, log, metrics, announce, api });
    say(`Status page: ${server.url}   sign in once with ${server.signInLink}`);
    return {
      hub,
      ledger,
      url: server.url,
      summary: async () => summarise(await readFigures(ledger.db)),
      stop: async () => {
        await server.stop();
        await hub.stop();
        await ledger.close();
      },
    };
  } catch (error) {
    await begun?.stop().catch(() => undefined);
    await ledger.close();
    throw error;
  }
}

/** Retention once a day, and where CROSSDOCK_CHECKPOINTS names a folder, a checkpoint of the audit in it every hour. */
function choresOf(estate: Estate, { db, vault }: OpenLedger, log: Log): Chore[] {
  const folder = process.env.CROSSDOCK_CHECKPOINTS;
  const keep: Chore = {
    name: 'retention',
    every: '1d',
    work: async () => {
      const removals = await applyRetention(db, estate.retention ?? {}, systemClock.now());
      for (const { what, rows } of removals) if (rows > 0) log.info('retention', { what, rows });
    },
  };
  const anchor: Chore = {
    name: 'audit-checkpoints',
    every: '1h',
    work: async () => {
      const checkpoint = await makeCheckpoint(db, vault, systemClock.now());
      if (checkpoint) appendCheckpoint(resolve(folder!), checkpoint);
    },
  };
  return folder ? [keep, anchor] : [keep];
}

/**
 * Experts' settings: CROSSDOCK_LEASE_SECONDS (3–300, default 30), after so long without a sign of life another hub takes over what this one held;
 * CROSSDOCK_INTAKE_SECONDS (1–60, default 5), so long an arrival may wait for its commit before its sender is told to come again.
 */
function termsFrom(env: NodeJS.ProcessEnv): Partial<Terms> {
  const leaseSeconds = secondsOf(env, 'CROSSDOCK_LEASE_SECONDS', 3, 300);
  const intakeSeconds = secondsOf(env, 'CROSSDOCK_INTAKE_SECONDS', 1, 60);
  return { ...(leaseSeconds === null ? {} : { leaseSeconds }), ...(intakeSeconds === null ? {} : { intakeSeconds }) };
}

function secondsOf(env: NodeJS.ProcessEnv, name: string, least: number, most: number): number | null {
  const text = env[name];
  if (text === undefined || text === '') return null;
  const value = Number(text);
  if (value >= least && value <= most) return value;
  throw new HubError('BAD_USE', `${name} is '${text}'`, { hint: `a number of seconds from ${least} to ${most}` });
}

/** Aborts at the first SIGINT or SIGTERM; a second one ends the process at once. */
export function untilSignal(say: Say): AbortSignal {
  const stopping = new AbortController();
  let asked = 0;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      // A terminal's Ctrl-C reaches us and the launcher, which passes it on: the same one twice.
      if (asked > 0 && performance.now() - asked < 500) return;
      if (asked > 0) process.exit(1);
      asked = performance.now();
      say(
        'Stopping: what is under way is finished first. Press Ctrl-C again to stop at once; nothing is lost either way.',
      );
      stopping.abort();
    });
  // The launcher went away without a word: so do we, the ledger stands any end.
  process.on('disconnect', () => process.exit(1));
  process.channel?.unref();
  return stopping.signal;
}

export async function start(options: {
  config: string;
  inbox?: string;
  keep?: boolean;
  untilIdle?: boolean;
  json?: boolean;
}): Promise<void> {
  const json = options.json ?? false;
  const say = sayTo(json);
  const log = jsonLog({ level: levelOf(process.env.CROSSDOCK_LOG, json || options.untilIdle ? 'error' : 'info') });
  if (options.inbox !== undefined) process.env.CROSSDOCK_INBOX = inboxFolder(options.inbox);
  if (options.keep) process.env.CROSSDOCK_KEEP = '1';
  const started = Date.now();
  const signal = untilSignal(say);
  const simulator = await simulatorFor(options.config, say);
  let running: Running | undefined;
  try {
    const estate = await loadEstate(options.config);
    running = await run(async () => estate, log, say);
    if (options.untilIdle) await finish(running, signal, { json, say, started });
    else
      await new Promise<void>((resolve) =>
        signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true }),
      );
  } finally {
    await running?.stop();
    await simulator?.stop();
  }
}

async function finish(
  running: Running,
  signal: AbortSignal,
  { json, say, started }: { json: boolean; say: Say; started: number },
): Promise<void> {
  await running.hub.untilIdle(progressLine(running, say), signal);
  const summary = await running.summary();
  const paused = (await running.hub.progress()).paused;
  if (json) printJson({ ...summary, verified: null, seconds: (Date.now() - started) / 1000 });
  else say(`\n${describe(summary)}`);
  if (paused.length > 0) throw new HubError('CONFLICT', `connections are paused: ${paused.join(', ')}`);
}

/** A line every few seconds on how far it is. */
export function progressLine(
  running: Running,
  say: Say,
): (progress: { unread: number; routable: number; deliverable: number; leased: number }) => void {
  let last = 0;
  return (progress) => {
    if (Date.now() - last < 5000) return;
    last = Date.now();
    void running
      .summary()
      .then(({ events, deliveries, lines }) =>
        say(
          `${new Date().toISOString().slice(11, 19)}  ${events.received} events (${progress.routable} to route), ${deliveries.delivered} delivered, ${deliveries.waiting} waiting, ${deliveries.parked} parked; ${lines.posted} of ${lines.received} lines posted`,
        ),
      )
      .catch(() => undefined);
  };
}

function inboxFolder(dir: string): string {
  const folder = resolve(dir);
  if (!existsSync(folder))
    throw new HubError('BAD_USE', `the inbox ${folder} is not there`, {
      hint: 'name the folder in which the till drops its files',
    });
  return folder;
}

/** The shipped examples run against a simulated Odoo while no real one is named. */
async function simulatorFor(config: string, say: Say): Promise<SimulatedOdoo | null> {
  const example = resolve(config).startsWith(resolve(dirname(dirname(import.meta.dirname)), 'examples'));
  if (process.env.ODOO_URL || !example) return null;
  const data = `${process.env.CROSSDOCK_HOME ?? '.crossdock'}/simulated-odoo`;
  mkdirSync(data, { recursive: true });
  const simulator = await startSimulatedOdoo({ version: 19, data });
  Object.assign(process.env, {
    ODOO_URL: simulator.url,
    ODOO_DB: simulator.db,
    ODOO_LOGIN: simulator.login,
    ODOO_KEY: simulator.key,
  });
  say(`No ODOO_URL is given: a simulated Odoo 19 is used (${simulator.url}).`);
  return simulator;
}
