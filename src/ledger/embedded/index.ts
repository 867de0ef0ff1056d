import { mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { HubError } from '../../core/errors.ts';
import { accountFor } from './account.ts';
import { holdsCluster, makeCluster, setRoles, writeSettings } from './cluster.ts';
import { explainFull, saysFull } from './disk.ts';
import { freePort, type Keys, newKeys, readKeys, writeKeys } from './keys.ts';
import { takeHome } from './lock.ts';
import { ask, probe } from './probe.ts';
import { stopServer } from './process.ts';
import { findPrograms, type Programs } from './programs.ts';
import { findRunning, Mismatch, type Place, type Server, startServer, trimLog } from './server.ts';

export { attachEmbeddedPostgres } from './attach.ts';
export { freeBytes } from './disk.ts';

export interface EmbeddedPostgresOptions {
  /** The hub's home. Data go to `<home>/postgres`, passwords and port to `<home>/postgres.json` (0600), the server's log to `<home>/postgres.log`. */
  home: string;
  /** Told in plain words what happens; nothing secret. */
  log?: (line: string) => void;
  /** A port that must be used. Without it: the one used last, or another when that is taken. */
  port?: number;
  /** Lets the role `crossdock` create databases, for tests. */
  createDatabases?: boolean;
  /** Entries of postgresql.conf that replace ours, for tests. `fsync: 'off'` also skips flushing a new cluster. */
  settings?: Record<string, string>;
}

/** A running embedded PostgreSQL that this process owns. `port` and `url` never change; `pid` does after a restart. */
export interface EmbeddedPostgres {
  /** `postgres://crossdock:…@127.0.0.1:<port>/crossdock`: the role owns the database and is not a superuser. */
  readonly url: string;
  readonly pid: number;
  readonly port: number;
  readonly dataDir: string;
  /** True when the server was found running, left by a hub that was killed. */
  readonly adopted: boolean;
  /** True from the moment `stop` was called. */
  readonly stopped: boolean;
  /** Returns at once when the server answers; else waits for it or starts it again on the same port. Calls at the same time share one start. */
  ensureRunning(): Promise<void>;
  /** Calls `listener` each time the server ends while it should run. Returns a function that ends this. */
  onExit(listener: () => void): () => void;
  /** Fast shutdown, within 35 seconds at worst, and frees the home for another hub. May be called again. */
  stop(): Promise<void>;
}

/**
 * Starts, or adopts, the PostgreSQL that a hub without DATABASE_URL brings along, in its home.
 *
 * One process owns a home: the lock dies with it, so after a kill -9 the next start takes over at once. What that start finds is told apart by proof,
 * never by process id alone: a server still running on our data is adopted, a dead one's data are recovered by PostgreSQL itself.
 *
 * Throws HubError EMBEDDED_POSTGRES_IN_USE, …_BINARIES, …_MAJOR, …_USER, …_START or DISK_FULL, each with a hint.
 */
export async function openEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const home = resolve(options.home);
  const dataDir = join(home, 'postgres');
  try {
    mkdirSync(home, { recursive: true });
  } catch (cause) {
    const full = saysFull(cause) ? explainFull(dirname(home), cause) : null;
    if (full) throw full;
    throw new HubError(
      'EMBEDDED_POSTGRES_USER',
      `The hub cannot create its home ${home}: ${(cause as Error).message}.`,
      {
        hint: 'Name a directory that can be written with CROSSDOCK_HOME, or set DATABASE_URL.',
        cause,
      },
    );
  }
  const lock = await takeHome(home).catch((error: unknown) => {
    throw (saysFull(error) ? explainFull(home, error) : null) ?? error;
  });
  try {
    const at: Place = { home, dataDir, account: accountFor(dataDir), log: options.log ?? (() => undefined) };
    const opened = await open(at, options);
    return own(at, { ...options, ...opened, release: () => lock.release() });
  } catch (error) {
    lock.release();
    const full = isAboutStarting(error) ? explainFull(home, error) : null;
    if (full) throw full;
    if (error instanceof HubError) throw error;
    throw new HubError(
      'EMBEDDED_POSTGRES_START',
      `PostgreSQL could not be started in ${home}: ${(error as Error).message}.`,
      { cause: error },
    );
  }
}

/** Refusals of a start have causes of their own; only what failed on the way may be the disk's fault. */
const isAboutStarting = (error: unknown): boolean =>
  !(error instanceof HubError) || error.code === 'EMBEDDED_POSTGRES_START' || saysFull(error);

interface Opened {
  server: Server;
  keys: Keys;
  adopted: boolean;
}

async function open(at: Place, options: EmbeddedPostgresOptions): Promise<Opened> {
  const known = readKeys(at.home);
  let server = await findRunning(at, known);
  if (server && options.port !== undefined && options.port !== server.port) {
    await stopServer({ pid: server.pid, dataDir: at.dataDir, programs: null });
    server = null;
  }
  if (server && known) {
    writeSettings(at.dataDir, at.account, options.settings ?? {});
    await ask(server.port, known, 'crossdock_admin', 'SELECT pg_reload_conf()');
    at.log(`PostgreSQL (process ${server.pid}, port ${server.port}) was still running and is used again.`);
    const keys = remember(at.home, known, server.port);
    await allow(keys, options);
    return { server, keys, adopted: true };
  }
  const programs = await findPrograms(at);
  const isNew = !holdsCluster(at.dataDir, programs.major);
  const draft = known ?? newKeys(options.port ?? (await freePort()));
  if (!known) writeKeys(at.home, draft); // before the data exist that they open
  if (isNew) {
    at.log(`PostgreSQL ${programs.version}: a new database is made in ${at.dataDir}.`);
    await makeCluster({ ...at, programs, keys: draft, durable: options.settings?.fsync !== 'off' });
  }
  writeSettings(at.dataDir, at.account, options.settings ?? {});
  if (!isNew && !known) {
    at.log(`The passwords of the database in ${at.dataDir} were lost; new ones are set.`);
    await setRoles({ ...at, programs, keys: draft, create: [] });
  }
  server = await startMatching(at, programs, draft, options);
  at.log(`PostgreSQL ${programs.version} runs (process ${server.pid}, port ${server.port}).`);
  const keys = remember(at.home, draft, server.port);
  await allow(keys, options);
  return { server, keys, adopted: false };
}

/** Starts the server; when the keys do not fit the data (one of them was restored from another time), makes them fit and starts it again. */
async function startMatching(
  at: Place,
  programs: Programs,
  keys: Keys,
  options: EmbeddedPostgresOptions,
): Promise<Server> {
  const start = () =>
    startServer({ ...at, programs, keys, port: options.port ?? keys.port, fixed: options.port !== undefined });
  try {
    return await start();
  } catch (error) {
    if (!(error instanceof Mismatch)) throw error;
    at.log(`The database in ${at.dataDir} does not know the passwords in ${at.home}; they are set.`);
    await stopServer({ pid: error.pid, dataDir: at.dataDir, programs });
    await setRoles({ ...at, programs, keys, create: error.hasDatabase ? [] : ['database'] });
    return start();
  }
}

function remember(home: string, keys: Keys, port: number): Keys {
  if (keys.port === port) return keys;
  writeKeys(home, { ...keys, port });
  return { ...keys, port };
}

/** What only the administrator may set: the rights of the hub's role, and the role of its API (sql/002, prepare_api_role). */
async function allow(keys: Keys, options: EmbeddedPostgresOptions): Promise<void> {
  const asAdmin = (statement: string) => ask(keys.port, keys, 'crossdock_admin', statement);
  await asAdmin(`ALTER ROLE crossdock ${options.createDatabases ? 'CREATEDB' : 'NOCREATEDB'}`);
  await asAdmin(`DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'crossdock_api') THEN CREATE ROLE crossdock_api NOLOGIN; END IF;
    IF NOT pg_has_role('crossdock', 'crossdock_api', 'MEMBER') THEN GRANT crossdock_api TO crossdock; END IF;
  END $$`);
}

/** The handle: watches the server, restarts it when asked, stops it at the end. */
function own(at: Place, opened: Opened & EmbeddedPostgresOptions & { release(): void }): EmbeddedPostgres {
  const { keys, adopted } = opened;
  let { server } = opened;
  let programs: Programs | null = null;
  let restarting: Promise<void> | null = null;
  let stopping: Promise<void> | null = null;
  const listeners = new Set<() => void>();

  const follow = (followed: Server) => {
    server = followed;
    void followed.ended.then(() => {
      if (!stopping && server === followed) for (const listener of listeners) listener();
    });
  };
  const restart = async () => {
    if ((await probe(keys.port, keys)) === 'ready') return;
    const found = await findRunning(at, keys);
    if (found) return found.pid === server.pid ? undefined : follow(found);
    programs ??= await findPrograms(at);
    follow(await startServer({ ...at, programs, keys, port: keys.port, fixed: true }));
    at.log(`PostgreSQL was started again (process ${server.pid}, port ${keys.port}).`);
  };
  const end = async () => {
    clearInterval(trimming);
    await restarting?.catch(() => undefined);
    await stopServer({
      pid: server.pid,
      dataDir: at.dataDir,
      programs: process.platform === 'win32' ? await findPrograms(at) : null,
    });
    opened.release();
    at.log('PostgreSQL is stopped.');
  };
  const trimming = setInterval(() => trimLog(at.home), 60_000).unref();
  follow(server);

  return {
    url: `postgres://crossdock:${keys.crossdock}@127.0.0.1:${keys.port}/crossdock`,
    port: keys.port,
    dataDir: at.dataDir,
    adopted,
    get pid() {
      return server.pid;
    },
    get stopped() {
      return stopping !== null;
    },
    async ensureRunning() {
      if (stopping) throw new HubError('EMBEDDED_POSTGRES_START', 'PostgreSQL was stopped together with the hub.');
      restarting ??= restart()
        .catch((error: unknown) => {
          throw explainFull(at.home, error) ?? error;
        })
        .finally(() => {
          restarting = null;
        });
      await restarting;
    },
    onExit(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stop() {
      stopping ??= end();
      return stopping;
    },
  };
}
