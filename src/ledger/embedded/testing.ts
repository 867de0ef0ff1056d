import { type ChildProcess, spawn } from 'node:child_process';
import { chownSync, cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import pg from 'pg';
import { type EmbeddedPostgres, type EmbeddedPostgresOptions, openEmbeddedPostgres } from './index.ts';
import { freePort, readKeys, writeKeys } from './keys.ts';
import { isServerOf, readPidFile, stopServer } from './process.ts';

/** Tests do not flush: what they kill is processes, not machines. */
const FAST = { fsync: 'off', shared_buffers: '16MB' };

/** A home in a private folder with a space and letters beyond ASCII; at the end its server is stopped and it is removed. */
export function newHome(t: TestContext, owner?: number): string {
  const top = mkdtempSync(join(tmpdir(), 'crossdock größe test-'));
  const home = join(top, '.crossdock');
  mkdirSync(home);
  if (owner !== undefined) for (const dir of [top, home]) chownSync(dir, owner, owner);
  t.after(async () => {
    const dataDir = join(home, 'postgres');
    const pid = readPidFile(dataDir)?.pid;
    if (pid && isServerOf(pid, dataDir)) await stopServer({ pid, dataDir, programs: null, patience: 3_000 });
    rmSync(top, { recursive: true, force: true, maxRetries: 3 });
  });
  return home;
}

let template: Promise<string> | undefined;

/** A home whose database was made and stopped: the copy of one that each test file makes once, since making it takes a second. */
export async function madeHome(t: TestContext): Promise<string> {
  template ??= makeTemplate();
  const home = newHome(t);
  cpSync(await template, home, { recursive: true });
  const { port, ...keys } = readKeys(home)!;
  writeKeys(home, { ...keys, port: await freePort() });
  return home;
}

async function makeTemplate(): Promise<string> {
  const top = mkdtempSync(join(tmpdir(), 'crossdock-template-'));
  process.once('exit', () => rmSync(top, { recursive: true, force: true }));
  const postgres = await openEmbeddedPostgres({ home: top, settings: FAST });
  await postgres.stop();
  return top;
}

/** Opens the home in this process; stopped at the end of the test. */
export async function openHere(
  t: TestContext,
  home: string,
  options: Partial<EmbeddedPostgresOptions> = {},
): Promise<EmbeddedPostgres> {
  const postgres = await openEmbeddedPostgres({ home, ...options, settings: { ...FAST, ...options.settings } });
  t.after(() => postgres.stop());
  return postgres;
}

export async function query<Row extends pg.QueryResultRow>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined); // tests kill servers: the query rejects
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

export interface Hub {
  child: ChildProcess;
  /** What opening gave, in the hub's process. */
  opened:
    | { url: string; pid: number; port: number; adopted: boolean }
    | { error: string; message: string; hint: string };
}

const SCRIPT = `
const [module, home, settings] = process.argv.slice(1);
const { openEmbeddedPostgres } = await import(module);
const say = (value) => console.log(JSON.stringify(value));
try {
  const postgres = await openEmbeddedPostgres({ home, settings: JSON.parse(settings) });
  say({ url: postgres.url, pid: postgres.pid, port: postgres.port, adopted: postgres.adopted });
  process.stdin.on('end', () => postgres.stop()).resume();
} catch (error) {
  say({ error: error.code ?? 'none', message: error.message, hint: error.hint ?? '' });
}`;

/** A hub in a process of its own, ended at the end of the test; `stopHub` ends it in good order, `kill` as kill -9 does. */
export async function startHub(
  t: TestContext,
  home: string,
  options: { uid?: number; module?: string; env?: Record<string, string> } = {},
): Promise<Hub> {
  const module = options.module ?? join(import.meta.dirname, 'index.ts');
  const child = spawn(process.execPath, ['--input-type=module', '-e', SCRIPT, module, home, JSON.stringify(FAST)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    cwd: '/',
    env: { ...process.env, ...options.env },
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  });
  t.after(() => kill(child));
  for await (const line of createInterface({ input: child.stdout! }))
    return { child, opened: JSON.parse(line) as Hub['opened'] };
  throw new Error('the hub ended without a word');
}

const ended = (child: ChildProcess): Promise<void> =>
  child.exitCode !== null || child.signalCode !== null
    ? Promise.resolve()
    : new Promise((resolve) => child.once('exit', () => resolve()));

export async function stopHub(hub: Hub): Promise<void> {
  hub.child.stdin!.end();
  await ended(hub.child);
}

export async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await ended(child);
}

/** The opened server; fails with the refusal when there is none. */
export function server(hub: Hub): { url: string; pid: number; port: number; adopted: boolean } {
  if ('error' in hub.opened) throw new Error(`${hub.opened.error}: ${hub.opened.message}`);
  return hub.opened;
}
