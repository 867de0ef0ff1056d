import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, constants, copyFileSync, openSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { HubError } from '../../core/errors.ts';
import { type Account, as, environment, give, ownerOf, writeFor } from './account.ts';
import { lastWords, placeOf } from './cluster.ts';
import { freePort, isFree, type Keys } from './keys.ts';
import { type Answer, answerOf, ask, probe } from './probe.ts';
import { disownPidFile, endOrphans, isAlive, isServerOf, readPidFile, stopServer } from './process.ts';
import { type Programs, program } from './programs.ts';

/** Recovery after a crash may replay up to max_wal_size of log before the server answers. */
const START_PATIENCE = 300_000;
const ORPHANS_PATIENCE = 30_000;
/** As 'a', but never through a symbolic link that somebody put there for root to follow. */
const APPEND = constants.O_APPEND | constants.O_CREAT | constants.O_WRONLY | (constants.O_NOFOLLOW ?? 0);
const LOG_LIMIT = 8 * 1024 * 1024;

/** A server that answers. `ended` resolves when its process is gone, for whatever reason. */
export interface Server {
  pid: number;
  port: number;
  ended: Promise<void>;
}

export interface Place {
  home: string;
  dataDir: string;
  account: Account;
  log: (line: string) => void;
}

export const logFile = (home: string): string => join(home, 'postgres.log');

/** Keeps the log below about 8 MB and one older file of that size. Copied and cut, because the server holds the file open. */
export function trimLog(home: string): void {
  const file = logFile(home);
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size < LOG_LIMIT) return;
  rmSync(`${file}.1`, { force: true });
  copyFileSync(file, `${file}.1`);
  truncateSync(file);
}

/**
 * Finds the server that a killed hub left running on our data, waiting while it starts or stops; null when there is none, after which the directory is
 * free for a new start. That it answers our password is not enough (a copied home has the same): it must read back what we wrote into our directory.
 */
export async function findRunning(at: Place, keys: Keys | null): Promise<Server | null> {
  for (const deadline = Date.now() + START_PATIENCE; ; await sleep(50)) {
    const file = readPidFile(at.dataDir);
    if (!file) return null;
    if (!isServerOf(file.pid, at.dataDir)) {
      disownPidFile(at.dataDir, at.account);
      return null;
    }
    const answer = file.port > 0 && !file.isStopping ? (keys ? await isOurs(file.port, keys, at) : 'stranger') : 'away';
    if (answer === 'ready') return { pid: file.pid, port: file.port, ended: watch(file.pid) };
    if (answer === 'stranger') {
      at.log(`PostgreSQL (process ${file.pid}) runs on our data with passwords we do not have; it is stopped.`);
      await stopServer({ pid: file.pid, dataDir: at.dataDir, programs: null });
      return null;
    }
    if (Date.now() > deadline)
      throw new HubError(
        'EMBEDDED_POSTGRES_START',
        `PostgreSQL (process ${file.pid}) holds ${at.dataDir} but does not answer.`,
        {
          hint: `Read ${logFile(at.home)}. If the process hangs, end it with: kill -QUIT ${file.pid}`,
        },
      );
  }
}

async function isOurs(port: number, keys: Keys, at: Place): Promise<Answer> {
  const nonce = randomBytes(16).toString('hex');
  const file = join(at.dataDir, `crossdock-${nonce}.tmp`);
  try {
    writeFor(file, nonce, at.account);
    const [row] = await ask<{ text: string | null }>(
      port,
      keys,
      'crossdock_admin',
      `SELECT pg_read_file('${basename(file)}', true) AS text`,
    );
    return row?.text === nonce ? 'ready' : 'away';
  } catch (error) {
    return answerOf(error);
  } finally {
    rmSync(file, { force: true });
  }
}

/** Resolves when a process that is not our child has ended. */
async function watch(pid: number): Promise<void> {
  while (isAlive(pid)) await sleep(500, undefined, { ref: false });
}

/**
 * Starts the server and waits until it answers. Without `fixed`, a port that somebody else took is replaced by another.
 * Throws EMBEDDED_POSTGRES_START with the server's own words.
 */
export async function startServer(
  at: Place & { programs: Programs; keys: Keys; port: number; fixed: boolean },
): Promise<Server> {
  const began = Date.now();
  for (let { port } = at, attempt = 1; ; ) {
    if (!(await isFree(port))) {
      if (at.fixed) throw taken(port);
      const other = await freePort();
      at.log(`Port ${port} is taken by another program; PostgreSQL gets ${other}.`);
      port = other;
    }
    trimLog(at.home);
    const from = statSync(logFile(at.home), { throwIfNoEntry: false })?.size ?? 0;
    const child = spawnServer(at, port);
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()).once('error', () => resolve()));
    if (await isReady(child, port, at)) return { pid: child.pid!, port, ended };
    const words = readFileSync(logFile(at.home)).subarray(from).toString('utf8');
    if (/could not bind|could not create any TCP/.test(words) && attempt++ < 5) continue;
    if (/is still in use/.test(words) && Date.now() - began < ORPHANS_PATIENCE) {
      if (Date.now() - began > 1_000) endOrphans(at.dataDir);
      await sleep(200);
      continue;
    }
    if (/administrative permissions/.test(words))
      throw new HubError('EMBEDDED_POSTGRES_USER', 'PostgreSQL does not run with the rights of an administrator.', {
        hint: 'Start the hub from an ordinary prompt (not "as administrator") or as a service account without those rights, or set DATABASE_URL.',
      });
    throw new HubError('EMBEDDED_POSTGRES_START', `PostgreSQL did not start:\n${lastWords(words)}`, {
      hint: `Its log is ${logFile(at.home)}. With DATABASE_URL the hub uses a PostgreSQL of your own instead.`,
    });
  }
}

const taken = (port: number) =>
  new HubError(
    'EMBEDDED_POSTGRES_START',
    `Port ${port} of 127.0.0.1, which PostgreSQL is to use, is taken by another program.`,
    {
      hint: 'Free the port, or start the hub again: it then looks for another one unless a port was asked for.',
    },
  );

/** Detached: Ctrl-C in the terminal reaches the hub only, which stops the server after its own work is finished. */
function spawnServer(at: Place & { programs: Programs }, port: number): ChildProcess {
  const { data, cwd } = placeOf(at.dataDir, at.account);
  const log = openSync(logFile(at.home), APPEND, 0o600);
  give(logFile(at.home), ownerOf(at.home));
  try {
    const fixed = {
      port: String(port),
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      logging_collector: 'off',
    };
    const args = Object.entries(fixed).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const child = spawn(program(at.programs, 'postgres'), ['-D', data, ...args], {
      ...as(at.account),
      cwd,
      env: environment(),
      detached: true,
      windowsHide: true,
      stdio: ['ignore', log, log],
    });
    child.on('error', () => undefined); // seen by isReady as an end without a word
    child.unref();
    return child;
  } finally {
    closeSync(log);
  }
}

/** False when the process ended before it answered. Throws EMBEDDED_POSTGRES_START, the server stopped, when it never did. */
async function isReady(
  child: ChildProcess,
  port: number,
  at: Place & { programs: Programs; keys: Keys },
): Promise<boolean> {
  const began = Date.now();
  for (let told = began; ; await sleep(Date.now() - began < 2_000 ? 20 : 200)) {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return false;
    const answer = await probe(port, at.keys);
    if (answer === 'ready') return true;
    if (answer !== 'away' && isServerOf(child.pid, at.dataDir) && readPidFile(at.dataDir)?.pid === child.pid)
      throw new Mismatch(child.pid, answer);
    if (Date.now() - told > 10_000) {
      told = Date.now();
      at.log(
        `PostgreSQL is still starting after ${Math.round((told - began) / 1000)} s (recovery after a crash can take minutes).`,
      );
    }
    if (Date.now() - began > START_PATIENCE) {
      await stopServer({ pid: child.pid, dataDir: at.dataDir, programs: at.programs });
      throw new HubError('EMBEDDED_POSTGRES_START', `PostgreSQL did not answer within ${START_PATIENCE / 1000} s.`, {
        hint: `Read ${logFile(at.home)}.`,
      });
    }
  }
}

/** The started server does not know the passwords or the database that the keys name: they were lost, or come from another time than the data. */
export class Mismatch extends Error {
  readonly pid: number;
  readonly hasDatabase: boolean;

  constructor(pid: number, answer: Answer) {
    super(`PostgreSQL does not accept the hub's keys (${answer})`);
    this.pid = pid;
    this.hasDatabase = answer !== 'no-database';
  }
}
