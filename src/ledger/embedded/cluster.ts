import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { HubError } from '../../core/errors.ts';
import { type Account, give, giveTree, run, writeFor } from './account.ts';
import type { Keys } from './keys.ts';
import { type Programs, program } from './programs.ts';

const ADMIN = 'crossdock_admin';

/**
 * Settings for small machines; durability is never traded for speed. The server's log holds no personal data: PostgreSQL quotes values and whole
 * statements in its errors, so those go to the client only, and the log keeps what concerns the server itself.
 * No parallel queries: they need /dev/shm, of which containers have 64 MB.
 */
const SETTINGS: Record<string, string> = {
  shared_buffers: '128MB',
  max_connections: '60',
  work_mem: '8MB',
  maintenance_work_mem: '64MB',
  effective_cache_size: '512MB',
  random_page_cost: '1.1',
  max_wal_size: '1GB',
  wal_compression: 'on',
  max_parallel_workers_per_gather: '0',
  max_parallel_maintenance_workers: '0',
  autovacuum_naptime: '15s',
  jit: 'off',
  password_encryption: 'scram-sha-256',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_line_prefix: '%m [%p] ',
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
  log_statement: 'none',
  cluster_name: 'crossdock',
};

/**
 * How PostgreSQL is told where the data are, and from which directory it is started. As root on Linux the server, which runs as another user, is put
 * into the directory before the switch and addresses it as its own working directory. So the data are always in the hub's home, also when that lies
 * in a private place such as /root (mode 700), which we neither open to others nor replace by a second place that users would not expect.
 */
export const placeOf = (dataDir: string, account: Account): { data: string; cwd: string } => ({
  data: account && process.platform === 'linux' ? '/proc/self/cwd' : dataDir,
  cwd: dataDir,
});

/** True when the directory holds a cluster of this major version, false when it is absent or empty. Throws EMBEDDED_POSTGRES_MAJOR, or …_START for foreign files. */
export function holdsCluster(dataDir: string, major: number): boolean {
  if (!existsSync(dataDir)) return false;
  let found: string;
  try {
    found = readFileSync(join(dataDir, 'PG_VERSION'), 'utf8').trim();
  } catch (cause) {
    if (readdirSync(dataDir).length === 0) return false;
    throw new HubError('EMBEDDED_POSTGRES_START', `${dataDir} holds files, but no PostgreSQL data (no PG_VERSION).`, {
      hint: 'Restore the directory from a backup, or move it away to begin with an empty database.',
      cause,
    });
  }
  if (found === String(major)) return true;
  throw new HubError(
    'EMBEDDED_POSTGRES_MAJOR',
    `The data in ${dataDir} were written by PostgreSQL ${found}; this Crossdock brings PostgreSQL ${major}.`,
    {
      hint: `With the Crossdock version that wrote them make a backup (crossdock backup FILE), move the directory away, and restore it with this version (crossdock restore FILE). Or set DATABASE_URL to a PostgreSQL ${found} on these data.`,
    },
  );
}

/** Makes the cluster, its roles and the database aside and moves it into place whole, so that a start that was killed leaves nothing half made. */
export async function makeCluster(at: {
  dataDir: string;
  programs: Programs;
  account: Account;
  keys: Keys;
  durable: boolean;
}): Promise<void> {
  const { dataDir, account } = at;
  const home = dirname(dataDir);
  for (const name of readdirSync(home))
    if (name.startsWith(`${basename(dataDir)}.new-`))
      rmSync(join(home, name), { recursive: true, force: true, maxRetries: 3 });
  const draft = `${dataDir}.new-${randomBytes(4).toString('hex')}`;
  mkdirSync(draft, { mode: 0o700 });
  try {
    give(draft, account);
    const { data, cwd } = placeOf(draft, account);
    const { code, output } = await run(
      program(at.programs, 'initdb'),
      [
        '-D',
        data,
        '-U',
        ADMIN,
        '--auth=reject',
        '--encoding=UTF8',
        '--locale=C',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
      ].concat(['--data-checksums', '--no-instructions', ...(at.durable ? [] : ['--no-sync'])]),
      { account, cwd },
    );
    if (code !== 0) throw initFailed(output);
    writeFileSync(join(draft, 'pg_hba.conf'), '# Written by Crossdock.\nhost all all 127.0.0.1/32 scram-sha-256\n');
    appendFileSync(
      join(draft, 'postgresql.conf'),
      "\n# Crossdock's settings; yours go before the hub's start into ALTER SYSTEM (postgresql.auto.conf), which comes last.\ninclude_if_exists 'crossdock.conf'\n",
    );
    await setRoles({ ...at, dataDir: draft, create: ['role', 'database'] });
    if (existsSync(dataDir)) rmdirSync(dataDir);
    renameSync(draft, dataDir);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

function initFailed(output: string): HubError {
  const uid = /could not look up effective user ID (\d+)/.exec(output)?.[1];
  if (!uid)
    return new HubError(
      'EMBEDDED_POSTGRES_START',
      `PostgreSQL could not create its data directory:\n${lastWords(output)}`,
      /Permission denied/.test(output) ? { hint: 'Name a directory that its user can reach with CROSSDOCK_HOME.' } : {},
    );
  return new HubError(
    'EMBEDDED_POSTGRES_USER',
    `The hub runs as user id ${uid}, which has no entry in the list of users, and PostgreSQL needs one.`,
    {
      hint: `Add one (echo 'crossdock:x:${uid}:0::/tmp:/sbin/nologin' >> /etc/passwd in the image), preload nss_wrapper (LD_PRELOAD=libnss_wrapper.so with NSS_WRAPPER_PASSWD and NSS_WRAPPER_GROUP), run as a user that has one, or set DATABASE_URL.`,
    },
  );
}

/**
 * Sets roles and passwords to those of the keys, in PostgreSQL's single-user mode (the server must be down): at first start, and again when the keys were
 * lost. Whoever may write the data directory may do this; no moment exists at which the server listens without a password.
 */
export async function setRoles(at: {
  dataDir: string;
  programs: Programs;
  account: Account;
  keys: Keys;
  create: ('role' | 'database')[];
}): Promise<void> {
  const { data, cwd } = placeOf(at.dataDir, at.account);
  const statements = [
    ...(at.create.includes('role') ? ['CREATE ROLE crossdock'] : []),
    `ALTER ROLE crossdock LOGIN NOSUPERUSER PASSWORD '${at.keys.crossdock}'`,
    `ALTER ROLE ${ADMIN} PASSWORD '${at.keys.admin}'`,
    ...(at.create.includes('database') ? ['CREATE DATABASE crossdock OWNER crossdock'] : []),
  ];
  const { code, output } = await run(
    program(at.programs, 'postgres'),
    ['--single', '-j', '-D', data, '-c', 'exit_on_error=on', '-c', 'log_min_error_statement=panic', 'postgres'],
    { account: at.account, cwd, input: statements.map((statement) => `${statement};\n\n`).join('') },
  );
  if (code !== 0)
    throw new HubError(
      'EMBEDDED_POSTGRES_START',
      `PostgreSQL could not set the roles of its database:\n${lastWords(output.replaceAll('backend> ', ''))}`,
    );
}

/** The end of what a program said before it gave up. */
export const lastWords = (output: string): string => output.trim().split('\n').slice(-6).join('\n');

/** Writes the settings that take effect at the next start or reload, and puts right what a restored backup may have lost: owner and mode. */
export function writeSettings(dataDir: string, account: Account, settings: Record<string, string>): void {
  if (account && statSync(dataDir).uid === 0) giveTree(dataDir, account);
  chmodSync(dataDir, 0o700);
  const lines = Object.entries({ ...SETTINGS, ...settings }).map(
    ([name, value]) => `${name} = '${value.replaceAll("'", "''")}'`,
  );
  writeFor(join(dataDir, 'crossdock.conf'), `# Written by Crossdock at every start.\n${lines.join('\n')}\n`, account);
}
