import { spawn } from 'node:child_process';
import {
  closeSync,
  fsyncSync,
  lchownSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { HubError } from '../../core/errors.ts';

/** The operating system user that runs PostgreSQL; `null` is ourselves. Only root hands the work to another, since PostgreSQL refuses root. */
export type Account = { uid: number; gid: number } | null;

export const isRoot = (): boolean => process.platform !== 'win32' && process.getuid?.() === 0;

/**
 * Chooses who runs the server in `dataDir`: ourselves, or when we are root the owner of the data, else `postgres`, else `nobody`. The owner comes
 * first, so that installing another PostgreSQL later (which brings a user `postgres`) does not lock us out of our own data.
 * Throws EMBEDDED_POSTGRES_USER when there is no such user, or when the data belongs to somebody else.
 */
export function accountFor(dataDir: string): Account {
  const owner = statSync(dataDir, { throwIfNoEntry: false });
  if (!isRoot()) {
    const us = process.getuid?.();
    if (owner && us !== undefined && owner.uid !== us)
      throw new HubError(
        'EMBEDDED_POSTGRES_USER',
        `The database in ${dataDir} belongs to user id ${owner.uid}, the hub runs as user id ${us}.`,
        {
          hint: `Run the hub as the user that ran it first, or once as root: chown -R ${us} ${quote(dirname(dataDir))}`,
        },
      );
    return null;
  }
  const known = users();
  if (owner && owner.uid !== 0)
    return { uid: owner.uid, gid: known.find((user) => user.uid === owner.uid)?.gid ?? owner.gid };
  const chosen = known.find((user) => user.name === 'postgres') ?? known.find((user) => user.name === 'nobody');
  if (chosen) return { uid: chosen.uid, gid: chosen.gid };
  throw new HubError(
    'EMBEDDED_POSTGRES_USER',
    'PostgreSQL does not run as root, and there is neither a user `postgres` nor `nobody`.',
    {
      hint: 'Run the hub as an ordinary user, add a user `postgres`, or set DATABASE_URL to a PostgreSQL of your own.',
    },
  );
}

const quote = (path: string): string => `'${path.replaceAll("'", `'\\''`)}'`;

function users(): { name: string; uid: number; gid: number }[] {
  try {
    return readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .map((line) => line.split(':'))
      .filter((fields) => fields.length >= 7)
      .map(([name, , uid, gid]) => ({ name: name!, uid: Number(uid) >>> 0, gid: Number(gid) >>> 0 }))
      .filter((user) => user.uid !== 0);
  } catch {
    return [];
  }
}

/** Hands a file or directory to the account; nothing to do when that is ourselves. */
export function give(path: string, account: Account): void {
  if (!account) return;
  try {
    lchownSync(path, account.uid, account.gid);
  } catch (cause) {
    throw noSwitch(account, cause);
  }
}

/**
 * Writes a private file for the account, whole or not at all. A new file takes the place of the old: root must not write through a link that the
 * account, or the owner of the home, may have put there.
 */
export function writeFor(path: string, text: string, account: Account): void {
  const draft = `${path}.${process.pid}.new`;
  rmSync(draft, { force: true });
  const handle = openSync(draft, 'wx', 0o600);
  try {
    writeSync(handle, text);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  give(draft, account);
  renameSync(draft, path);
}

/** Hands a whole tree (a backup that root unpacked) to the account. */
export function giveTree(path: string, account: NonNullable<Account>): void {
  lchownSync(path, account.uid, account.gid);
  if (!lstatSync(path).isDirectory()) return;
  for (const name of readdirSync(path)) giveTree(join(path, name), account);
}

/** Whom files in the home are for: what root writes into a home of somebody else is theirs, so that they can start the hub themselves next time. */
export function ownerOf(home: string): Account {
  if (!isRoot()) return null;
  const { uid, gid } = statSync(home);
  return uid === 0 ? null : { uid, gid };
}

const noSwitch = (account: NonNullable<Account>, cause: unknown): HubError =>
  new HubError(
    'EMBEDDED_POSTGRES_USER',
    `The hub runs as root but may not act as user id ${account.uid}, and PostgreSQL does not run as root.`,
    {
      hint: 'Run the hub as an ordinary user, allow CHOWN, SETUID and SETGID to the container, or set DATABASE_URL.',
      cause,
    },
  );

const PASSED_ON = /^(PATH|LD_.*|DYLD_.*|NSS_WRAPPER_.*|SystemRoot|SystemDrive|windir|ComSpec|TEMP|TMP|TMPDIR)$/i;

/** The environment of PostgreSQL's programs: none of our secrets, none of the user's PG* settings, and messages in English, which we read. */
export function environment(): Record<string, string> {
  const kept = Object.entries(process.env).filter(([name, value]) => PASSED_ON.test(name) && value !== undefined);
  return { ...(Object.fromEntries(kept) as Record<string, string>), LC_ALL: 'C', TZ: 'UTC' };
}

/** How to spawn as the account. `cwd` may be a directory that the account cannot reach by its path: it is entered before the switch. */
export const as = (account: Account): { uid?: number; gid?: number } => account ?? {};

/** Runs a program to its end. Output is stdout and stderr together. Throws EMBEDDED_POSTGRES_USER when the account cannot be taken, else the spawn error. */
export function run(
  program: string,
  args: string[],
  options: { account: Account; cwd?: string; input?: string },
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      ...as(options.account),
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: environment(),
      stdio: ['pipe', 'pipe', 'pipe'],
      windowsHide: true,
    });
    let output = '';
    const gather = (chunk: Buffer) => {
      output += chunk;
    };
    child.stdout.on('data', gather);
    child.stderr.on('data', gather);
    child.on('error', (error: NodeJS.ErrnoException) =>
      reject(options.account && /EPERM|EINVAL/.test(error.code ?? '') ? noSwitch(options.account, error) : error),
    );
    child.on('close', (code) => resolve({ code, output }));
    child.stdin.on('error', () => undefined); // it ended before it read all: its exit code tells
    child.stdin.end(options.input ?? '');
  });
}
