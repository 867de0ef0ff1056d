import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { HubError } from '../../core/errors.ts';
import { give, ownerOf, writeFor } from './account.ts';

const SQLITE_BUSY = 5;
/** A hub that was killed, or that is about to end, needs a moment; and the winner of a race one to write its name. Milliseconds. */
const PATIENCE = 1_000;
/** Open locks: a collected DatabaseSync would let go of its lock. */
const held = new Set<DatabaseSync>();

/**
 * Takes `home` for this process until `release()` or until the process dies, however it dies. Node has no flock; SQLite, which is built in, has:
 * an exclusive transaction on an empty file holds an operating system lock (fcntl, LockFileEx), atomic between starts in the same moment and
 * also between containers that share a volume. The file beside it only tells people who holds it.
 * The owner must not open postgres.lock otherwise (to copy the home, say): closing any handle on a file gives up the process's fcntl locks on it.
 * Throws EMBEDDED_POSTGRES_IN_USE when a live process has it, EMBEDDED_POSTGRES_USER when the home cannot be written.
 */
export async function takeHome(home: string): Promise<{ release(): void }> {
  const file = join(home, 'postgres.lock');
  const owner = join(home, 'postgres.owner.json');
  let taken: DatabaseSync;
  for (const deadline = Date.now() + PATIENCE; ; await sleep(50)) {
    try {
      taken = lock(file);
      break;
    } catch (cause) {
      if (!isBusy(cause)) throw notWritable(home, cause);
      if (Date.now() > deadline) throw inUse(home, owner, cause);
    }
  }
  try {
    give(file, ownerOf(home));
    writeFor(owner, `${JSON.stringify({ pid: process.pid, since: new Date().toISOString() })}\n`, ownerOf(home));
  } catch (cause) {
    taken.close();
    throw notWritable(home, cause);
  }
  held.add(taken);
  return {
    release() {
      if (!held.delete(taken)) return;
      rmSync(owner, { force: true });
      taken.close();
    },
  };
}

function lock(file: string): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

const isBusy = (error: unknown): boolean =>
  error instanceof Error && 'errcode' in error && Number(error.errcode) % 256 === SQLITE_BUSY;

const notWritable = (home: string, cause: unknown): HubError =>
  new HubError(
    'EMBEDDED_POSTGRES_USER',
    `The hub cannot lock and write its home ${home}: ${(cause as Error).message}.`,
    {
      hint: 'Give the directory to the user that runs the hub, or name another with CROSSDOCK_HOME (on a local disk, where files can be locked).',
      cause,
    },
  );

function inUse(home: string, owner: string, cause: unknown): HubError {
  let who = 'another process';
  try {
    const { pid, since } = JSON.parse(readFileSync(owner, 'utf8')) as { pid: number; since: string };
    who = `process ${pid} (since ${since})`;
  } catch {
    // it has not written its name, or we may not read it
  }
  return new HubError(
    'EMBEDDED_POSTGRES_IN_USE',
    `The database in ${home} is in use by ${who}, a hub that is running.`,
    {
      hint: 'Stop that hub, start this one with another CROSSDOCK_HOME, or let several hubs share a PostgreSQL of your own by DATABASE_URL.',
      cause,
    },
  );
}
