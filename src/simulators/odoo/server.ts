import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Call, run } from './call.ts';
import type { Database } from './database.ts';
import { transaction } from './env.ts';
import { accessDenied, OdooError, serializationFailure, unauthorized } from './errors.ts';
import type { FaultRule, Faults } from './faults.ts';
import type { Journal } from './journal.ts';
import { History } from './ledger.ts';
import type { Json } from './types.ts';

/** What a call came to. */
export type Outcome = { readonly result: Json } | { readonly error: OdooError };

/** One line of the call log. */
export interface LoggedCall {
  readonly sequence: number;
  readonly received: string;
  committed: string | null;
  commit: number | null;
  readonly model: string;
  readonly method: string;
  /** The caller's `x-crossdock-node` header. */
  readonly node: string | null;
  fault: string | null;
  outcome: string;
  xmlids: readonly string[];
}

/** How an answer is put on the wire: JSON-2 and JSON-RPC differ. */
interface Transport {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  answer(outcome: Outcome): void;
  readonly named: boolean;
}

const LOG_LIMIT = 200_000;

const iso = (ms: number) => new Date(ms).toISOString();

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Real Odoo's slowness, roughly: milliseconds per record written, and per call. */
function realPace(call: Call, result: Json): number {
  const count = Array.isArray(result)
    ? result.length
    : typeof result === 'object' && result && Array.isArray((result as { ids?: Json }).ids)
      ? (result as { ids: Json[] }).ids.length
      : 1;
  if (call.method === 'load' || call.method === 'create' || call.method === 'action_confirm') return 50 + 95 * count;
  return call.method.includes('read') ? 20 + count * 0.12 : 40;
}

/** Runs calls one at a time, each a transaction, with the faults that were asked for. */
export class Engine {
  readonly db: Database;
  readonly faults: Faults;
  readonly history: History;
  readonly journal: Journal | undefined;
  readonly calls: LoggedCall[] = [];
  readonly pace: 'fast' | 'real';
  private sequence = 0;
  private commits = 0;

  constructor(options: { db: Database; faults: Faults; journal: Journal | undefined; pace: 'fast' | 'real' }) {
    this.db = options.db;
    this.faults = options.faults;
    this.journal = options.journal;
    this.pace = options.pace;
    this.history = new History(options.db);
  }

  /** Takes up the numbering of what a journal held. */
  resume(commit: { number: number; call: number }): void {
    this.commits = Math.max(this.commits, commit.number);
    this.sequence = Math.max(this.sequence, commit.call);
  }

  /** Writes the first filling of the database down. */
  begin(): void {
    const changes = [...this.db.store.tables.values()].flatMap((table) =>
      [...table.rows.values()].map((row) => ({ table: table.name, id: row.id, row, inserted: true, fields: [] })),
    );
    this.journal?.append({ number: ++this.commits, call: 0, at: iso(this.db.clock()), changes });
  }

  /** Handles one call that arrived over `transport`. */
  async handle(call: Call, transport: Transport): Promise<void> {
    const entry = this.log(call, transport);
    const fault = this.faults.strike(call.model, call.method);
    if (fault) entry.fault = fault.kind;
    if (await this.refuse(fault, call, transport, entry)) return;
    if (fault?.kind === 'commit-late') return this.commitLate(fault, call, transport, entry);
    const outcome = this.execute(call, entry);
    if (fault?.kind === 'cut-after-commit') {
      transport.request.socket.destroy();
      return;
    }
    if (this.pace === 'real') await wait(realPace(call, 'result' in outcome ? outcome.result : null));
    transport.answer(outcome);
  }

  private log(call: Call, transport: Transport): LoggedCall {
    const node = transport.request.headers['x-crossdock-node'];
    const entry: LoggedCall = {
      sequence: ++this.sequence,
      received: iso(this.db.clock()),
      committed: null,
      commit: null,
      model: call.model,
      method: call.method,
      node: typeof node === 'string' ? node : null,
      fault: null,
      outcome: 'not run',
      xmlids: [],
    };
    this.calls.push(entry);
    if (this.calls.length > LOG_LIMIT) this.calls.splice(0, LOG_LIMIT / 10);
    return entry;
  }

  /** Faults after which nothing was done. Answers true when the call ends here. */
  private async refuse(
    fault: FaultRule | undefined,
    call: Call,
    transport: Transport,
    entry: LoggedCall,
  ): Promise<boolean> {
    const fail = (error: OdooError): boolean => {
      entry.outcome = error.name;
      transport.answer({ error });
      return true;
    };
    switch (fault?.kind) {
      case 'latency':
        await wait(fault.ms ?? 100);
        return false;
      case 'cut-before-commit':
      case 'worker-killed':
        if (fault.ms) await wait(fault.ms);
        transport.request.socket.destroy();
        return true;
      case 'status':
        entry.outcome = `HTTP ${fault.status ?? 503}`;
        transport.response.writeHead(fault.status ?? 503, {
          'content-type': 'text/html',
          'retry-after': String(fault.retryAfter ?? 1),
        });
        transport.response.end('<html><body>Try again later</body></html>');
        return true;
      case 'expired-key':
        return fail(transport.named ? unauthorized('Invalid apikey') : accessDenied());
      case 'serialization':
        if (call.method !== 'load') return fail(serializationFailure());
        entry.outcome = 'serialization';
        transport.answer({ result: lostRace });
        return true;
      default:
        return false;
    }
  }

  /** The client hears nothing; the call, as it was sent, commits later. */
  private async commitLate(fault: FaultRule, call: Call, transport: Transport, entry: LoggedCall): Promise<void> {
    if (fault.socket !== 'silent') transport.request.socket.destroy();
    await wait(fault.ms ?? 1000);
    this.execute(call, entry);
    transport.request.socket.destroy();
  }

  /** One call, one transaction: everything is kept or nothing. */
  execute(call: Call, entry?: LoggedCall): Outcome {
    const tx = transaction(this.db.now());
    try {
      const result = run(this.db, call, tx);
      this.commit(entry);
      if (entry)
        Object.assign(entry, { outcome: refusedLoad(call, result) ? 'ids: false' : 'ok', xmlids: [...tx.xmlids] });
      return { result };
    } catch (error) {
      this.db.store.rollback();
      const known = error instanceof OdooError ? error : surprise(error);
      if (entry) Object.assign(entry, { outcome: known.name, xmlids: [...tx.xmlids] });
      return { error: known };
    }
  }

  private commit(entry: LoggedCall | undefined): void {
    const changes = this.db.store.commit();
    const at = iso(this.db.clock());
    if (entry) entry.committed = at;
    if (changes.length === 0) return;
    const commit = { number: ++this.commits, call: entry?.sequence ?? 0, at, changes };
    if (entry) entry.commit = commit.number;
    this.journal?.append(commit);
    this.history.note(commit);
  }
}

const refusedLoad = (call: Call, result: Json): boolean =>
  call.method === 'load' && (result as { ids?: Json } | null)?.ids === false;

const lostRace: Json = {
  ids: false,
  messages: [
    {
      rows: { from: 0, to: 0 },
      record: 0,
      type: 'error',
      message: 'could not serialize access due to concurrent update\n',
    },
  ],
  nextrow: 0,
};

/** A mistake of the simulator itself; it must not pass for an answer of Odoo's. */
function surprise(error: unknown): OdooError {
  const cause = error instanceof Error ? error : new Error(String(error));
  process.stderr.write(`${cause.stack}\n`);
  return new OdooError('simulator.Surprise', 500, cause.message);
}
