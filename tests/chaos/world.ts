import { type ChildProcess, spawn } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type SimulatedOdoo, startSimulatedOdoo } from '../../src/cli/simulated-odoo.ts';
import { isServerOf, readPidFile } from '../../src/ledger/embedded/process.ts';
import type { FaultRule } from '../../src/simulators/odoo/index.ts';
import type { Excepted, OdooLedger } from '../../src/simulators/verify.ts';

const root = join(import.meta.dirname, '..', '..');
const program = join(root, 'src', 'cli', 'main.ts');

/** One line of the simulator's call log. */
export interface OdooCall {
  readonly sequence: number;
  readonly received: string;
  readonly committed: string | null;
  readonly commit: number | null;
  readonly model: string;
  readonly method: string;
  readonly node: string | null;
  readonly fault: string | null;
  readonly outcome: string;
  readonly xmlids: readonly string[];
}

/** What a command came to. */
interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A hub in a process of its own, started without the launcher: its pid is the hub's. */
export interface HubProcess {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  readonly over: boolean;
  /** The end of what it wrote to standard error so far. */
  readonly said: string;
  signal(name: NodeJS.Signals): void;
}

/** An Odoo that a hub is pointed at. Only a simulated one has an admin interface and a process that is ours to end. */
export type OdooServer = Pick<SimulatedOdoo, 'url' | 'db' | 'login' | 'key' | 'stop'> &
  Partial<Pick<SimulatedOdoo, 'admin' | 'pid'>>;

/** A folder with an inbox and a home, and the processes that a scenario starts there; all of it is gone after `close`. */
export class Ground {
  readonly folder = mkdtempSync(join(tmpdir(), 'crossdock-chaos-'));
  readonly home = join(this.folder, 'home');
  readonly inbox = join(this.folder, 'inbox');
  readonly #children = new Set<ChildProcess>();
  readonly #estate: string;
  readonly #extra: Record<string, string>;
  readonly #onExit = () => this.killAll();

  /** `estate` is a file beside this one; `env` is given to every command. */
  constructor(estate: string, env: Record<string, string>) {
    this.#estate = join(import.meta.dirname, estate);
    this.#extra = env;
    mkdirSync(this.inbox);
    mkdirSync(this.home);
    process.on('exit', this.#onExit);
  }

  #env(): NodeJS.ProcessEnv {
    const { DATABASE_URL: _, CROSSDOCK_KEY: __, CROSSDOCK_KEY_FILE: ___, ...inherited } = process.env;
    return { ...inherited, CROSSDOCK_HOME: this.home, CROSSDOCK_PORT: '0', ...this.#extra };
  }

  /** Runs a command of the CLI. `flags` go to Node. */
  run(
    args: readonly string[],
    { env = {}, flags = [] }: { env?: Record<string, string>; flags?: string[] } = {},
  ): HubProcess {
    return this.node(['--conditions=source', '--disable-warning=ExperimentalWarning', ...flags, program, ...args], env);
  }

  /** Runs a program with what every command is given. */
  node(args: readonly string[], env: Record<string, string> = {}): HubProcess {
    const child = spawn(process.execPath, args, {
      cwd: this.folder,
      env: { ...this.#env(), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#children.add(child);
    let stdout = '';
    let stderr = '';
    let over = false;
    child.stdout.on('data', (data) => {
      stdout += data;
    });
    child.stderr.on('data', (data) => {
      stderr = `${stderr}${data}`.slice(-2_000_000);
    });
    const ended = new Promise<Ended>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => {
        over = true;
        this.#children.delete(child);
        resolve({ code, signal, stdout, stderr });
      });
    });
    return {
      pid: child.pid!,
      ended,
      get over() {
        return over;
      },
      get said() {
        return stderr;
      },
      signal: (name) => child.kill(name),
    };
  }

  /** Starts a hub on the estate. */
  hub(options: { untilIdle?: boolean; env?: Record<string, string>; flags?: string[] } = {}): HubProcess {
    const { untilIdle = false, ...rest } = options;
    const more = untilIdle ? ['--until-idle'] : [];
    return this.run(['start', '--config', this.#estate, '--inbox', this.inbox, '--json', ...more], rest);
  }

  /** Open Exceptions, asked by the CLI while no hub runs or one does. */
  async exceptions(): Promise<(Excepted & { cause: string; message: string })[]> {
    const { code, stdout, stderr } = await this.run(['exceptions', 'list', '--json']).ended;
    if (code !== 0) throw new Error(`crossdock exceptions list ended with ${code}: ${stderr}`);
    return JSON.parse(stdout);
  }

  /** Pid of the embedded PostgreSQL at work in this world's home; null while there is none (a hub that starts may write its own into the file). */
  postgresPid(): number | null {
    const folder = join(this.home, 'postgres');
    const pid = readPidFile(folder)?.pid;
    return pid !== undefined && isServerOf(pid, folder) ? pid : null;
  }

  /** For a process that ends at once. */
  protected killAll(): void {
    for (const child of this.#children) child.kill('SIGKILL');
    quitPostgresUnder(this.folder);
  }

  /** Kills every process that still runs. */
  async stopAll(): Promise<void> {
    const children = [...this.#children].map((child) => {
      const gone = new Promise((resolve) => child.once('close', resolve));
      child.kill('SIGKILL');
      return gone;
    });
    await Promise.all(children);
  }

  async close(): Promise<void> {
    await this.stopAll();
    const postgres = this.postgresPid();
    if (postgres !== null) await endPostgres(postgres);
    process.off('exit', this.#onExit);
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** A ground with an Odoo, which every command knows. `close` ends a simulated one and leaves a real one be. */
export class World extends Ground {
  readonly odoo: OdooServer;

  private constructor(odoo: OdooServer, extra: Record<string, string>) {
    const { url, db, login, key } = odoo;
    super('estate.ts', { ODOO_URL: url, ODOO_DB: db, ODOO_LOGIN: login, ODOO_KEY: key, ...extra });
    this.odoo = odoo;
  }

  /** `env` is given to every command; the estate reads CHAOS_TIMEOUT, CHAOS_SETTLE and CHAOS_ORDERS. */
  static async open(env: Record<string, string>, version: 18 | 19 = 19): Promise<World> {
    return new World(await startSimulatedOdoo({ version }), env);
  }

  /** The same around an Odoo that stands already. */
  static around(odoo: OdooServer, env: Record<string, string>): World {
    return new World(odoo, env);
  }

  async #admin<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${this.odoo.admin}/${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  /** Replaces the simulator's faults. */
  async faults(rules: readonly FaultRule[]): Promise<void> {
    await this.#admin('DELETE', 'faults');
    if (rules.length > 0) await this.#admin('POST', 'faults', rules);
  }

  async calls(after = 0): Promise<OdooCall[]> {
    return (await this.#admin<{ calls: OdooCall[] }>('GET', `calls?after=${after}`)).calls;
  }

  ledger(): Promise<OdooLedger> {
    return this.#admin('GET', 'ledger');
  }

  protected override killAll(): void {
    super.killAll();
    if (this.odoo.pid === undefined) return;
    try {
      process.kill(this.odoo.pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }

  override async close(): Promise<void> {
    await super.close();
    await this.odoo.stop();
  }
}

/** For a process that ends at once: asks every PostgreSQL whose home is in the folder, or is it, to quit. */
export function quitPostgresUnder(folder: string): void {
  for (const home of globSync('{,*/}postgres', { cwd: folder })) {
    const dataDir = join(folder, home);
    const pid = readPidFile(dataDir)?.pid;
    if (pid !== undefined && isServerOf(pid, dataDir)) process.kill(pid, 'SIGQUIT');
  }
}

/** Ends a PostgreSQL that a killed hub left behind (fast shutdown). */
async function endPostgres(pid: number): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    try {
      process.kill(pid, tries < 80 ? 'SIGINT' : 'SIGQUIT');
    } catch {
      return;
    }
    await pause(250);
  }
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Looks four times a second, or every so many milliseconds, until `condition` holds. Throws after `seconds`. */
export async function until(
  what: string,
  seconds: number,
  condition: () => Promise<boolean> | boolean,
  every = 250,
): Promise<void> {
  const end = performance.now() + seconds * 1000;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not within ${seconds} s: ${what}`);
    await pause(every);
  }
}

/** What a scenario saw. `problems` is empty when every invariant held. */
export interface Report {
  readonly figures: Readonly<Record<string, string | number>>;
  readonly problems: readonly string[];
}

/** External ids of order lines in Odoo. */
const lineId = /^hub_odoo\.order_line_till_3a_(.+)-(\d+)$/;

/** Invoices whose order a call wrote → the highest line that it wrote: a later version has more lines, and only ever at its end. */
export function ordersIn(call: OdooCall): Map<string, number> {
  const found = new Map<string, number>();
  for (const xmlid of call.xmlids) {
    const [, invoice, line] = lineId.exec(xmlid) ?? [];
    if (invoice !== undefined) found.set(invoice, Math.max(found.get(invoice) ?? 0, Number(line)));
  }
  return found;
}

/** Keeps the order loads of the simulator's call log without reading it from its start again; late ones are read again until they are over. */
export class OrderLoads {
  readonly #world: World;
  readonly #calls = new Map<number, OdooCall>();
  #after = 0;

  constructor(world: World) {
    this.#world = world;
  }

  async refresh(): Promise<readonly OdooCall[]> {
    for (const call of await this.#world.calls(this.#after)) this.#calls.set(call.sequence, call);
    const open = [...this.#calls.values()]
      .filter(({ outcome }) => outcome === 'not run')
      .map(({ sequence }) => sequence);
    const last = Math.max(0, ...this.#calls.keys());
    this.#after = Math.min(last, ...open.map((sequence) => sequence - 1));
    return this.all();
  }

  all(): readonly OdooCall[] {
    return [...this.#calls.values()].filter(({ model, method }) => model === 'sale.order' && method === 'load');
  }

  /** Invoices whose order was ever committed. */
  landed(): Set<string> {
    return new Set(this.all().flatMap((call) => (call.commit === null ? [] : [...ordersIn(call).keys()])));
  }
}
