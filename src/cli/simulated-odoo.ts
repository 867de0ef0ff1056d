import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { HubError } from '../core/errors.ts';

/** A simulated Odoo in a process of its own. */
export interface SimulatedOdoo {
  url: string;
  db: string;
  login: string;
  key: string;
  admin: string;
  pid: number;
  stop(): Promise<void>;
}

/** The runnable file of a room, in a clone's sources or in compiled output. */
function program(path: string): string {
  const source = join(import.meta.dirname, `${path}.ts`);
  return existsSync(source) ? source : join(import.meta.dirname, `${path}.js`);
}

/** Starts `crossdock sim odoo` as a child and waits until it answers; `data` keeps its database between starts. */
export async function startSimulatedOdoo(options: {
  version: 18 | 19;
  data?: string;
  port?: number;
  currency?: string;
}): Promise<SimulatedOdoo> {
  const args = [program('../simulators/odoo/main'), '--version', String(options.version), '--json', '--attached'];
  if (options.data) args.push('--data', options.data);
  if (options.port !== undefined) args.push('--port', String(options.port));
  if (options.currency) args.push('--currency', options.currency);
  // A group of its own, so that Ctrl-C reaches the hub first and the hub stops it in order.
  const child = spawn(process.execPath, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
    windowsHide: true,
  });
  const line = await firstLine(child);
  const started = JSON.parse(line) as Omit<SimulatedOdoo, 'stop'>;
  return { ...started, pid: child.pid!, stop: () => stop(child) };
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const lines = createInterface({ input: child.stdout! });
    lines.once('line', resolve);
    child.once('error', reject);
    child.once('exit', (code) =>
      reject(new HubError('CONFIG_INVALID', `the simulated Odoo ended at once (exit code ${code})`)),
    );
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await gone;
  clearTimeout(late);
}
