import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Account, run, writeFor } from './account.ts';
import { type Programs, program } from './programs.ts';

/** True while the process exists and is more than an entry that its parent has not collected. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  if (process.platform !== 'linux') return true;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}

/**
 * True when the live process is a PostgreSQL program at work in this data directory: process ids are used again, so a pid from a file proves nothing.
 * On Linux by its executable and working directory; elsewhere by its command line.
 */
export function isServerOf(pid: number, dataDir: string): boolean {
  if (!isAlive(pid)) return false;
  try {
    if (process.platform === 'linux') {
      if (!/^postgres( \(deleted\))?$/.test(basename(readlinkSync(`/proc/${pid}/exe`)))) return false;
      const [theirs, ours] = [statSync(`/proc/${pid}/cwd`), statSync(dataDir)];
      return theirs.dev === ours.dev && theirs.ino === ours.ino;
    }
    const command = commandOf(pid);
    return command.includes('postgres') && command.includes(dataDir);
  } catch {
    return false;
  }
}

function commandOf(pid: number): string {
  const options = { encoding: 'utf8', windowsHide: true } as const;
  if (process.platform !== 'win32') return execFileSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], options);
  const ask = `(Get-CimInstance Win32_Process -Filter 'ProcessId=${pid}').CommandLine`;
  return execFileSync('powershell', ['-NoProfile', '-NonInteractive', '-Command', ask], options);
}

/** What the server wrote about itself in postmaster.pid; null when there is no such file. `port` is 0 in single-user mode and in the first moments. */
export function readPidFile(dataDir: string): { pid: number; port: number; isStopping: boolean } | null {
  try {
    const lines = readFileSync(join(dataDir, 'postmaster.pid'), 'utf8').split('\n');
    const pid = Math.abs(Number.parseInt(lines[0] ?? '', 10));
    return pid > 0
      ? { pid, port: Number.parseInt(lines[3] ?? '', 10) || 0, isStopping: lines[7]?.trim() === 'stopping' }
      : null;
  } catch {
    return null;
  }
}

/**
 * Makes PostgreSQL take a pid file for stale whose pid belongs to another program by now (or to a dead process that nobody collected). PostgreSQL
 * itself refuses any pid that exists, except its parent's, which we are about to be. The rest of the file stays: by it the server notices old processes that still use its shared memory.
 */
export function disownPidFile(dataDir: string, account: Account): void {
  const file = join(dataDir, 'postmaster.pid');
  if (process.platform === 'win32') {
    rmSync(file, { force: true });
  } else {
    const [, ...rest] = readFileSync(file, 'utf8').split('\n');
    writeFor(file, [process.pid, ...rest].join('\n'), account);
  }
}

/**
 * Ends what a killed server left behind in this data directory: children in the middle of a long statement notice the death of their server only
 * afterwards, and until then no new one may start. Only processes of PostgreSQL whose working directory is this very directory. Linux only;
 * elsewhere the wait is until they end themselves.
 */
export function endOrphans(dataDir: string): void {
  if (process.platform !== 'linux') return;
  for (const name of readdirSync('/proc'))
    if (/^\d+$/.test(name) && isServerOf(Number(name), dataDir)) signal(Number(name), 'SIGQUIT');
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // it ended by itself
  }
}

/**
 * Stops the server: fast shutdown (open transactions roll back, a checkpoint is written), after `patience` milliseconds an immediate one, at last a kill;
 * after the latter two the next start recovers from the log. Nothing is sent to a process that is not at work in this data directory.
 */
export async function stopServer(at: {
  pid: number;
  dataDir: string;
  programs: Programs | null;
  patience?: number;
}): Promise<void> {
  const { pid, dataDir } = at;
  const steps: [NodeJS.Signals, number][] = [
    ['SIGINT', at.patience ?? 25_000],
    ['SIGQUIT', 5_000],
    ['SIGKILL', 5_000],
  ];
  for (const [name, patience] of steps) {
    if (!isServerOf(pid, dataDir)) return;
    // Windows has no signals: every kill is a hard one.
    if (process.platform === 'win32' && name !== 'SIGKILL' && at.programs)
      await run(
        program(at.programs, 'pg_ctl'),
        ['stop', '-D', dataDir, '-m', name === 'SIGINT' ? 'fast' : 'immediate', '-W'],
        { account: null },
      );
    else signal(pid, name);
    for (const deadline = Date.now() + patience; Date.now() < deadline; await sleep(20)) if (!isAlive(pid)) return;
  }
}
