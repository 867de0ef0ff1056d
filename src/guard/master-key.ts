import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  copyFileSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { HubError } from '../core/errors.ts';

export interface MasterKey {
  /** 32 bytes. */
  key: Buffer;
  /** True when it was made now: the person must be told to keep a copy. */
  created: boolean;
  /** Where it came from: `CROSSDOCK_KEY` or the path of a file. */
  from: string;
  /** What should be put right though the key works, such as a file that others may read. */
  warnings: string[];
}

const SIZE = 32;
const FILE = 'master.key';
const PENDING = 'master.key.next';
const MAKE = 'make one with: openssl rand -base64 32';
/** 32 random bytes hold about 30 different ones; fewer than this is never chance. */
const FEWEST_DIFFERENT = 16;

/**
 * The key that wraps the ledger's data keys, from the first of CROSSDOCK_KEY (32 bytes as base64 or hex), CROSSDOCK_KEY_FILE (a file that holds
 * the same) and `<home>/master.key`, which is made at the first start, readable by its owner only; two first starts at once get one key.
 * Throws HubError MASTER_KEY for a key that is not 32 random bytes, for a file that cannot be read, and when both variables are set.
 */
export function masterKey({ home, env }: { home: string; env: NodeJS.ProcessEnv }): MasterKey {
  const { CROSSDOCK_KEY: text, CROSSDOCK_KEY_FILE: file } = env;
  if (text && file)
    throw new HubError('MASTER_KEY', 'both CROSSDOCK_KEY and CROSSDOCK_KEY_FILE are set', {
      hint: 'keep the one that holds the key this ledger was written with',
    });
  if (text) return { key: parseKey(text, 'CROSSDOCK_KEY'), created: false, from: 'CROSSDOCK_KEY', warnings: [] };
  if (file) return { ...readKey(file, 'the file that CROSSDOCK_KEY_FILE names'), created: false, from: file };
  const path = join(home, FILE);
  const created = !exists(path) && create(home, path);
  return { ...readKey(path, 'the master key file of the home folder'), created, from: path };
}

/** Reads a key file that somebody names. Throws HubError MASTER_KEY. */
export const keyFile = (path: string): MasterKey => ({
  ...readKey(path, 'the key file'),
  created: false,
  from: path,
});

/** The master key that `masterKey` would give, or null where it would make one. */
export function presentMasterKey(at: { home: string; env: NodeJS.ProcessEnv }): MasterKey | null {
  const { CROSSDOCK_KEY: text, CROSSDOCK_KEY_FILE: file } = at.env;
  return text || file || exists(join(at.home, FILE)) ? masterKey(at) : null;
}

/** Keeps a key as the home's own where there is none. */
export function keepMasterKey(home: string, key: Buffer): void {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  writeDurably(join(home, FILE), `${key.toString('base64')}\n`);
  flushFolder(home);
}

/** Makes the home's next master key beside the present one; one that an interrupted rotation has left is used. */
export function pendingMasterKey(home: string): Buffer {
  const path = join(home, PENDING);
  if (!exists(path)) {
    writeDurably(path, `${randomBytes(SIZE).toString('base64')}\n`);
    flushFolder(home);
  }
  return readKey(path, 'the next master key').key;
}

/** Makes the pending key the home's master key; the one before stays beside it under a name with the time, for backups made with it. */
export function promoteMasterKey(home: string, now: Date): { kept: string } {
  const kept = join(home, `${FILE}.${now.toISOString().slice(0, 19).replaceAll(/\D/g, '')}`);
  copyFileSync(join(home, FILE), kept, constants.COPYFILE_EXCL);
  renameSync(join(home, PENDING), join(home, FILE));
  flushFolder(home);
  return { kept };
}

/** Ends a rotation that was broken off when the ledger had taken the pending key already: `opens` says whether it has. Null when there is none such. */
export async function promotePendingKey(
  home: string,
  opens: (key: Buffer) => Promise<boolean>,
  now = new Date(),
): Promise<MasterKey | null> {
  const path = join(home, PENDING);
  if (!exists(path)) return null;
  const { key, warnings } = readKey(path, 'the next master key');
  if (!(await opens(key))) return null;
  promoteMasterKey(home, now);
  return { key, created: false, from: join(home, FILE), warnings };
}

function parseKey(text: string, where: string): Buffer {
  const written = text.trim();
  const key = /^[0-9a-f]{64}$/i.test(written) ? Buffer.from(written, 'hex') : fromBase64(written);
  if (!key)
    throw new HubError('MASTER_KEY', `${where} holds a text that is neither base64 nor hex`, {
      hint: `a passphrase cannot be the master key; ${MAKE}`,
    });
  if (key.length !== SIZE)
    throw new HubError('MASTER_KEY', `${where} holds ${key.length} bytes; the master key has ${SIZE}`, {
      hint: `a passphrase cannot be the master key; ${MAKE}`,
    });
  if (new Set(key).size < FEWEST_DIFFERENT)
    throw new HubError('MASTER_KEY', `${where} holds bytes that are not random`, { hint: MAKE });
  return key;
}

/** The bytes of base64 or base64url text, or null when it is something else. */
function fromBase64(text: string): Buffer | null {
  const bare = text
    .replace(/={1,2}$/, '')
    .replaceAll('-', '+')
    .replaceAll('_', '/');
  const bytes = Buffer.from(bare, 'base64');
  return bare !== '' && bytes.toString('base64').replace(/=+$/, '') === bare ? bytes : null;
}

function readKey(path: string, where: string): Pick<MasterKey, 'key' | 'warnings'> {
  let text: string;
  let warnings: string[];
  try {
    warnings = openness(path);
    text = readWhole(path);
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException;
    throw new HubError('MASTER_KEY', `${where} (${path}) cannot be read: ${code}`, {
      cause,
      hint:
        code === 'ENOENT'
          ? 'put the file back, or name the right one'
          : 'the file must be readable by the user that runs the hub, and by nobody else (chmod 600)',
    });
  }
  return { key: parseKey(text, `${where} (${path})`), warnings };
}

function openness(path: string): string[] {
  const about = statSync(path);
  if (process.platform === 'win32' || (about.mode & 0o077) === 0) return [];
  const mode = (about.mode & 0o777).toString(8).padStart(3, '0');
  return [`others than its owner may open the master key ${path} (mode ${mode}): chmod 600 it`];
}

/** The text of a key file. One that another process is just writing (see `publish`) lacks its line end: waits up to a second for it. */
function readWhole(path: string): string {
  for (let tries = 0; ; tries++) {
    const text = readFileSync(path, 'utf8');
    if (text.endsWith('\n') || text.trim().length >= 43 || tries >= 20) return text;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
  }
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** Makes the key file whole or not at all. Returns false when another process was first. */
function create(home: string, path: string): boolean {
  const draft = join(home, `.${FILE}.${process.pid}.${randomBytes(6).toString('hex')}`);
  try {
    mkdirSync(home, { recursive: true, mode: 0o700 });
    try {
      writeDurably(draft, `${randomBytes(SIZE).toString('base64')}\n`);
      publish(draft, path);
    } finally {
      if (exists(draft)) rmSync(draft);
    }
    flushFolder(home);
    return true;
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException;
    if (code === 'EEXIST' && exists(path)) return false;
    throw new HubError('MASTER_KEY', `no master key could be made in ${home}: ${code || (cause as Error).message}`, {
      cause,
      hint: 'make the home folder (CROSSDOCK_HOME) writable, or give a key by CROSSDOCK_KEY or CROSSDOCK_KEY_FILE',
    });
  }
}

function writeDurably(path: string, text: string): void {
  const file = openSync(path, 'wx', 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Gives the draft its name unless the name is taken (EEXIST). A file system without hard links gets an exclusive copy. */
function publish(draft: string, path: string): void {
  try {
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw error;
    copyFileSync(draft, path, constants.COPYFILE_EXCL);
  }
}

/** So that the name outlives a power cut, as what was sealed with the key does. Windows cannot flush a folder. */
function flushFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
