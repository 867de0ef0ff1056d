import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../core/connector.ts';
import { type MasterKey, masterKey, promotePendingKey } from '../guard/master-key.ts';
import { Database } from '../ledger/database.ts';
import { attachEmbeddedPostgres, type EmbeddedPostgres, openEmbeddedPostgres } from '../ledger/embedded/index.ts';
import { migrate } from '../ledger/migrate.ts';
import { openVault, type Vault } from '../ledger/vault.ts';
import { jsonLog } from '../watch/log.ts';

/** An open ledger, and what must be closed after it. */
export interface OpenLedger {
  db: Database;
  vault: Vault;
  master: MasterKey;
  home: string;
  /** Migrations that were applied now. */
  applied: string[];
  /** Set when this process runs the embedded PostgreSQL. */
  postgres: EmbeddedPostgres | null;
  close(): Promise<void>;
}

export const homeFolder = (): string => resolve(process.env.CROSSDOCK_HOME ?? '.crossdock');

/**
 * Opens the ledger: DATABASE_URL where given, else the embedded PostgreSQL of the home folder. `own` runs that PostgreSQL in this process (a hub);
 * otherwise a running one is used, or one is started for as long as this command takes.
 */
export async function openLedger(options: {
  own: boolean;
  log: Log;
  say?: (line: string) => void;
}): Promise<OpenLedger> {
  const home = homeFolder();
  mkdirSync(home, { recursive: true });
  keepOutOfGit(home);
  const { url, postgres } = await serverUrl(home, options);
  const db = Database.open(url);
  try {
    const applied = await migrate(db);
    const { master, vault } = await unlock(db, home);
    if (master.created)
      options.say?.(
        `A master key was made: ${master.from}. Keep a copy in a safe place; without it the ledger cannot be read.`,
      );
    for (const warning of master.warnings) options.say?.(`Warning: ${warning}`);
    const close = async () => {
      await db.close();
      await postgres?.stop();
    };
    return { db, vault, master, home, applied, postgres, close };
  } catch (error) {
    await db.close();
    await postgres?.stop();
    throw error;
  }
}

async function unlock(db: Database, home: string): Promise<{ master: MasterKey; vault: Vault }> {
  const master = masterKey({ home, env: process.env });
  try {
    return { master, vault: await openVault(db, master.key) };
  } catch (error) {
    // A key made a moment ago opens nothing that was there before: do not leave a wrong one behind.
    if (master.created) rmSync(master.from, { force: true });
    // A rotation that was broken off after the ledger had taken the new key, before the file had.
    const pending = master.created
      ? null
      : await promotePendingKey(home, (key) =>
          openVault(db, key).then(
            () => true,
            () => false,
          ),
        );
    if (!pending) throw error;
    return { master: pending, vault: await openVault(db, pending.key) };
  }
}

/** The home holds the master key, and often lies inside somebody's repository. */
function keepOutOfGit(home: string): void {
  const file = join(home, '.gitignore');
  if (!existsSync(file)) writeFileSync(file, '*\n');
}

/** Opens the ledger for one command beside a hub, or without one, and closes it after `work`. */
export async function withLedger(
  work: (ledger: OpenLedger) => Promise<void>,
  say?: (line: string) => void,
): Promise<void> {
  const ledger = await openLedger({ own: false, log: jsonLog({ level: 'warn' }), ...(say ? { say } : {}) });
  try {
    await work(ledger);
  } finally {
    await ledger.close();
  }
}

/** Where the ledger's PostgreSQL is; started here when it is the embedded one and does not run. */
export async function serverUrl(
  home: string,
  { own, log }: { own: boolean; log: Log },
): Promise<{ url: string; postgres: EmbeddedPostgres | null }> {
  if (process.env.DATABASE_URL) return { url: process.env.DATABASE_URL, postgres: null };
  const running = own ? null : await attachEmbeddedPostgres(home);
  if (running) return { url: running.url, postgres: null };
  const postgres = await openEmbeddedPostgres({ home, log: (line) => log.info(line) });
  postgres.onExit(() => void revive(postgres, log));
  return { url: postgres.url, postgres };
}

/** Starts an embedded PostgreSQL that ended by itself, again and again until it runs; the hub waits meanwhile. */
async function revive(postgres: EmbeddedPostgres, log: Log): Promise<void> {
  log.warn('the embedded PostgreSQL ended and is started again');
  for (let wait = 500; ; wait = Math.min(wait * 2, 30_000)) {
    try {
      return await postgres.ensureRunning();
    } catch (error) {
      if (postgres.stopped) return;
      log.error('the embedded PostgreSQL did not start', { error: (error as Error).message });
    }
    await sleep(wait, undefined, { ref: false }); // keeps no hub that stops meanwhile
    if (postgres.stopped) return;
  }
}
