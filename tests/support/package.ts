import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';

export const root = join(import.meta.dirname, '../..');

/** What a clone holds beside its packages and its data. */
const NOT_CLONED = new Set(['node_modules', 'dist', '.crossdock', '.git', 'coverage']);

/** A folder with a space and a letter beyond ASCII in its path; `clean` removes it. */
export function scratch(): { folder: string; clean(): void } {
  const top = mkdtempSync(join(tmpdir(), 'crossdock größe '));
  return { folder: top, clean: () => rmSync(top, { recursive: true, force: true, maxRetries: 5 }) };
}

/** Copies the project's files (the working tree as it is, without packages and data) to `to`. */
export function copyClone(to: string): string {
  cpSync(root, to, { recursive: true, filter: (path) => dirname(path) !== root || !NOT_CLONED.has(basename(path)) });
  return to;
}

export interface Ran {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  cwd: string;
  env?: Record<string, string | undefined>;
  uid?: number;
  /** A process group of its own, as a terminal makes for a command. */
  detached?: boolean;
}

/** The environment of a user's shell: none of what npm or the test runner tells its children, except where npm finds its registry and cache. */
function userEnvironment(more: Record<string, string | undefined> = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) =>
      !/^(npm_(?!config_(cache|registry|userconfig|cafile)$)|CROSSDOCK_|ODOO_|DATABASE_URL|NODE_|INIT_CWD)/i.test(name),
  );
  return { ...Object.fromEntries(kept), ...more };
}

export function start(
  program: string,
  args: readonly string[],
  { cwd, env, uid, detached = false }: RunOptions,
): ChildProcess {
  return spawn(program, args, {
    cwd,
    env: userEnvironment(env),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached,
    shell: process.platform === 'win32' && !/\.exe$/.test(program),
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
}

/** Waits for a child and gathers what it says. */
export function outcome(child: ChildProcess): Promise<Ran> {
  return new Promise((resolve, reject) => {
    let stdout = '';
    let stderr = '';
    child.stdout!.on('data', (data) => {
      stdout += data;
    });
    child.stderr!.on('data', (data) => {
      stderr += data;
    });
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

export const run = (program: string, args: readonly string[], options: RunOptions): Promise<Ran> =>
  outcome(start(program, args, options));

/** Runs a program that must succeed; fails with its own words. */
export async function must(program: string, args: readonly string[], options: RunOptions): Promise<string> {
  const { code, stdout, stderr } = await run(program, args, options);
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}:\n${stderr}\n${stdout}`);
  return stdout;
}

interface Packed {
  filename: string;
  size: number;
  unpackedSize: number;
  files: { path: string; mode: number }[];
}

/** Packs the package from a copy of the clone that borrows its node_modules, so that the clone itself is not written to. */
export async function pack(into: string): Promise<Packed & { file: string }> {
  const copy = copyClone(join(into, 'packing'));
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'junction');
  const said = await must('npm', ['pack', '--json', '--foreground-scripts=false', '--pack-destination', '..'], {
    cwd: copy,
  });
  const json = JSON.parse(said.slice(said.search(/^[[{]/m))) as Packed[] | Record<string, Packed>;
  const packed = Array.isArray(json) ? json[0]! : Object.values(json)[0]!;
  rmSync(join(copy, 'node_modules'));
  rmSync(copy, { recursive: true });
  return { ...packed, file: join(into, packed.filename) };
}

interface Manifest {
  name: string;
  version: string;
  dependencies: Record<string, string>;
  optionalDependencies: Record<string, string>;
  bin: Record<string, string>;
}

/**
 * Makes `folder` a project that depends on the packed file, with a lock file made from ours: so `npm ci --offline` installs exactly the versions
 * that this clone has in npm's cache, and the test needs no network.
 */
export function makeProject(folder: string, tarball: string): void {
  mkdirSync(folder, { recursive: true });
  const read = (name: string) => JSON.parse(readFileSync(join(root, name), 'utf8'));
  const { version, dependencies, optionalDependencies, bin } = read('package.json') as Manifest;
  const { packages } = read('package-lock.json') as { packages: Record<string, { dev?: boolean }> };
  const own = { name: 'shop', version: '1.0.0', type: 'module', dependencies: { crossdock: `file:${tarball}` } };
  const entry = { version, resolved: `file:${tarball}`, dependencies, optionalDependencies, bin };
  const theirs = Object.entries(packages).filter(([path, { dev }]) => path !== '' && !dev);
  const lock = {
    ...own,
    lockfileVersion: 3,
    requires: true,
    packages: { '': own, 'node_modules/crossdock': entry, ...Object.fromEntries(theirs) },
  };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(own));
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(lock));
}

/** The folder of the Node that runs npm (`node` in PATH), and that of the packaged one. */
export const nodes = {
  inPath: (): string | null =>
    (process.env.PATH ?? '')
      .split(delimiter)
      .find((dir) => !dir.includes('node_modules') && existsSync(join(dir, 'node'))) ?? null,
  packaged: join(root, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin'),
};

/** The JSON document that a command printed. */
export const lastJson = <T>(stdout: string): T => JSON.parse(stdout.trim().split('\n').at(-1)!) as T;

export interface DemoSummary {
  documents: Record<string, number>;
  money: Record<string, { difference: string }>;
  verified: { lost: number; duplicated: number; outOfOrder: number; differences: number } | null;
}
