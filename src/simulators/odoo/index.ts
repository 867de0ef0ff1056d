import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Admin } from './admin.ts';
import { type Clock, Database } from './database.ts';
import { Faults } from './faults.ts';
import { furnish } from './fixtures.ts';
import { takeFolder } from './folder.ts';
import { type Identity, identityIn, Journal } from './journal.ts';
import { modelsOf } from './models.ts';
import { randomFrom } from './random.ts';
import { Rpc } from './rpc.ts';
import { Engine } from './server.ts';
import type { Version } from './types.ts';

export type { FaultRule } from './faults.ts';
export type { Version } from './types.ts';

export interface OdooSimulatorOptions {
  readonly version: Version;
  /** 0 or absent: any free port. */
  readonly port?: number;
  /** Folder to keep every commit in; without it everything is gone at the end. */
  readonly dataDir?: string;
  /** Makes keys, id shifts and faults repeatable. */
  readonly seed?: number;
  /** The database of the recorded exchanges instead of the plain one. */
  readonly prepared?: boolean;
  /** Currency of the company in the plain database; GBP when absent. */
  readonly currency?: string;
  readonly clock?: Clock;
  /** `real` answers about as slowly as Odoo does. */
  readonly pace?: 'fast' | 'real';
  /** Force each commit to disk before answering. */
  readonly fsync?: boolean;
}

export interface OdooSimulator {
  readonly url: string;
  readonly db: string;
  readonly login: string;
  readonly key: string;
  readonly uid: number;
  /** Base URL of the admin interface; its token is in the path. */
  readonly admin: string;
  /** All API keys, by what they are for: hub, and in the prepared database low, admin and the odd ones. */
  readonly keys: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

const BODY_LIMIT = 128 * 1024 * 1024;

const keyNames = (prepared: boolean) =>
  prepared ? ['hub', 'low', 'admin', 'admin_global', 'admin_otherscope', 'admin_expiring'] : ['hub', 'admin'];

function secrets(seed: number | undefined): (name: string) => string {
  return seed === undefined
    ? () => randomBytes(20).toString('hex')
    : (name) => createHash('sha256').update(`${seed}:${name}`).digest('hex').slice(0, 40);
}

function identity(options: OdooSimulatorOptions): Identity {
  const secret = secrets(options.seed);
  const prepared = options.prepared ?? false;
  return {
    version: options.version,
    db: 'odoo',
    currency: options.currency ?? 'GBP',
    prepared,
    keys: Object.fromEntries(keyNames(prepared).map((name) => [name, secret(name)])),
    adminToken: secret('admin interface'),
  };
}

class Simulation {
  readonly identity: Identity;
  readonly db: Database;
  readonly engine: Engine;
  private readonly folder: { release(): void } | undefined;
  private readonly journal: Journal | undefined;
  private readonly server: Server;
  private readonly rpc: Rpc;
  private readonly admin: Admin;

  constructor(options: OdooSimulatorOptions) {
    this.folder = options.dataDir === undefined ? undefined : takeFolder(options.dataDir);
    const kept = options.dataDir === undefined ? undefined : identityIn(options.dataDir);
    if (kept && kept.version !== options.version) {
      this.folder?.release();
      throw new RangeError(`the data folder holds an Odoo ${kept.version}, not ${options.version}`);
    }
    this.identity = kept ?? identity(options);
    let shift = 0;
    const clock = options.clock ?? Date.now;
    const moved = {
      now: () => clock() + shift,
      advance: (ms: number) => {
        shift += ms;
      },
    };
    this.db = new Database({
      version: options.version,
      name: this.identity.db,
      models: modelsOf(options.version),
      clock: moved.now,
    });
    this.journal =
      options.dataDir === undefined
        ? undefined
        : new Journal(options.dataDir, this.db, this.identity, options.fsync ?? false);
    const seed = options.seed ?? 1;
    this.engine = new Engine({
      db: this.db,
      faults: new Faults(seed),
      journal: this.journal,
      pace: options.pace ?? 'fast',
    });
    this.fill(seed);
    this.rpc = new Rpc(this.engine);
    this.admin = new Admin(this.engine, moved, () => void this.stop());
    this.server = createServer(
      { keepAliveTimeout: 30_000 },
      (request, response) => void this.receive(request, response),
    );
  }

  private fill(seed: number): void {
    this.journal?.open((commit) => {
      this.engine.resume(commit);
      this.engine.history.note(commit);
    });
    if (this.db.table('res.users').rows.size) return;
    const { prepared, currency, keys } = this.identity;
    furnish(this.db, { prepared, currency, keys, random: randomFrom(seed) });
    this.engine.begin();
  }

  async listen(port: number): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, '127.0.0.1', resolve);
    });
    const address = this.server.address();
    return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : port}`;
  }

  private async receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const body = await readAll(request);
      if (!body) {
        response.writeHead(413).end();
        return;
      }
      await this.route(request, response, body);
    } catch (error) {
      if (!request.destroyed) process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
      if (!response.headersSent && !response.destroyed) response.writeHead(500).end();
    }
  }

  private async route(request: IncomingMessage, response: ServerResponse, body: Buffer): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    const prefix = `/${this.identity.adminToken}/`;
    if (pathname.startsWith(prefix))
      this.admin.handle(request, response, pathname.slice(prefix.length), searchParams, body);
    else await this.rpc.handle(request, response, body);
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.server.closeAllConnections();
    await closed;
    this.journal?.close();
    this.folder?.release();
  }
}

/** The whole body, or undefined when it is larger than Odoo takes. */
async function readAll(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > BODY_LIMIT) return undefined;
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

/** Starts a simulated Odoo on 127.0.0.1. Throws when the port is taken, or the data folder is in use or of another version. */
export async function startOdooSimulator(options: OdooSimulatorOptions): Promise<OdooSimulator> {
  const simulation = new Simulation(options);
  const url = await simulation.listen(options.port ?? 0);
  const { db, keys, adminToken } = simulation.identity;
  return {
    url,
    db,
    login: 'hub',
    key: keys.hub!,
    uid: options.version >= 19 ? 6 : 7,
    admin: `${url}/${adminToken}`,
    keys,
    stop: () => simulation.stop(),
  };
}
