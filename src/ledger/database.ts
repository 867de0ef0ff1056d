import pg from 'pg';
import { HubError } from '../core/errors.ts';

/** Runs SQL; inside `transaction` all statements share one transaction. */
export interface Sql {
  /** Rows of one statement. `name` prepares it once per connection. */
  query<Row = Record<string, unknown>>(name: string, text: string, values?: unknown[]): Promise<Row[]>;
}

/** Sql that can also read many statements of one moment. */
export interface Reader extends Sql {
  snapshot<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
}

/** A Reader that can also write, in transactions. */
export interface Ledger extends Reader {
  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
}

const BIGINT = 20;
const NUMERIC = 1700;
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) => {
    if (oid === BIGINT) return (value: string) => BigInt(value);
    if (oid === NUMERIC) return (value: string) => value;
    return pg.types.getTypeParser(oid, format as 'text');
  },
};

/** Serialisation failure, deadlock: the transaction did nothing and may run again. */
const REPEATABLE = new Set(['40001', '40P01']);
const AWAY = new Set([
  '57P01',
  '57P02',
  '57P03',
  '08000',
  '08003',
  '08006',
  '08001',
  '53100',
  '53200',
  '53300',
  '53400',
  '58030',
  '25006',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
]);

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '');

/** True when the ledger could not be reached or broke off: what was under way may or may not have been committed. */
export const isAway = (error: unknown): boolean =>
  AWAY.has(codeOf(error)) ||
  (error instanceof HubError && error.code === 'LEDGER_AWAY') ||
  (error instanceof Error &&
    /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|not queryable/.test(
      error.message,
    ));

/** The ledger's PostgreSQL: a pool of connections that see every entity (`crossdock.entity` = '*') in schema `crossdock`. */
export class Database implements Ledger {
  readonly #pool: pg.Pool;

  private constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** Opens a pool of `size` connections at most. */
  static open(url: string, options: { size?: number; application?: string } = {}): Database {
    const pool = new pg.Pool({
      connectionString: url,
      max: options.size ?? 12,
      types,
      application_name: options.application ?? 'crossdock',
      options:
        // A process that stands still in a transaction holds up the other hubs: no longer than this.
        '-c search_path=crossdock -c crossdock.entity=* -c timezone=UTC -c idle_in_transaction_session_timeout=10000',
      connectionTimeoutMillis: 10_000,
      idleTimeoutMillis: 30_000,
      keepAlive: true,
    });
    pool.on('error', () => undefined); // an idle connection broke: the pool replaces it, whoever works on one sees its own error
    return new Database(pool);
  }

  async query<Row = Record<string, unknown>>(name: string, text: string, values: unknown[] = []): Promise<Row[]> {
    return (await this.#pool.query({ name, text, values })).rows as Row[];
  }

  /**
   * Runs `work` in one READ COMMITTED transaction and returns what it returns once the commit is confirmed. Repeats it after a deadlock or
   * serialisation failure, so `work` must touch nothing but the ledger. Throws HubError LEDGER_AWAY when the commit was not confirmed by a
   * synchronous standby, or when nothing was confirmed within `patience` milliseconds: then it was cancelled, and may be committed all the same.
   */
  async transaction<T>(work: (sql: Sql) => Promise<T>, { patience }: { patience?: number } = {}): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#once(work, 'begin', patience);
      } catch (error) {
        if (attempt >= 8 || !REPEATABLE.has(codeOf(error))) throw error;
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 10 * 2 ** attempt));
      }
    }
  }

  /**
   * Like `transaction`, for work that is one single statement: it is committed by itself, without the two round trips of BEGIN and COMMIT. Its
   * rows are given back only when PostgreSQL is ready for the next one, which is after the commit and its confirmation. Not repeated.
   */
  statement<T>(work: (sql: Sql) => Promise<T>, patience: number): Promise<T> {
    return this.#once(work, null, patience);
  }

  /** Runs reads of one moment: all statements of `work` see the same snapshot. */
  snapshot<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    return this.#once(work, 'begin isolation level repeatable read read only');
  }

  async #once<T>(work: (sql: Sql) => Promise<T>, begin: string | null, patience?: number): Promise<T> {
    const client = await this.#pool.connect();
    const cancelling = patience === undefined ? null : this.#cancelAfter(client, patience);
    let unconfirmed = false;
    let broken: Error | undefined;
    const onNotice = (notice: { message?: string | undefined }) => {
      if (notice.message?.includes('synchronous replication')) unconfirmed = true;
    };
    const onError = (error: Error) => {
      broken = error;
    };
    client.on('notice', onNotice);
    client.on('error', onError);
    try {
      if (begin !== null) await client.query(begin);
      const result = await work({
        query: async <Row>(name: string, text: string, values: unknown[] = []) =>
          (await client.query({ name, text, values })).rows as Row[],
      });
      if (begin !== null) await client.query('commit');
      if (unconfirmed) throw new HubError('LEDGER_AWAY', 'the commit was not confirmed by the synchronous standby');
      return result;
    } catch (error) {
      // A connection that is ending still looks like a good one for a moment.
      if (isAway(error)) broken ??= error as Error;
      else if (begin !== null)
        await client.query('rollback').catch((cause: Error) => {
          broken ??= cause;
        });
      if (!cancelling?.begun) throw error;
      throw new HubError('LEDGER_AWAY', `the ledger did not confirm within ${patience} ms`, { cause: error });
    } finally {
      client.off('notice', onNotice);
      client.off('error', onError);
      // A connection on which a cancel may still arrive is not given to anybody else.
      client.release(cancelling?.end() || broken);
    }
  }

  /**
   * After `patience` milliseconds cancels what runs on the connection, and breaks the connection off when even that has no effect. Needed
   * because a commit that waits for a dead synchronous standby heeds no timeout of PostgreSQL's, and a vanished network none at all.
   */
  #cancelAfter(client: pg.PoolClient, patience: number): { readonly begun: boolean; end(): boolean } {
    const state = { begun: false, ended: false };
    const breakOff = (): void => {
      if (!state.ended) void Promise.resolve(client.end()).catch(() => undefined);
    };
    let timer = setTimeout(() => {
      state.begun = true;
      timer = setTimeout(breakOff, Math.min(2000, patience));
      // pg has it, its types do not.
      const { processID } = client as pg.PoolClient & { readonly processID: number };
      this.query('cancel_backend', 'select pg_cancel_backend($1)', [processID]).catch(() => undefined);
    }, patience);
    return {
      get begun() {
        return state.begun;
      },
      end: () => {
        state.ended = true;
        clearTimeout(timer);
        return state.begun;
      },
    };
  }

  /** One connection of its own, for session locks and LISTEN; the caller ends it. */
  async session(): Promise<pg.PoolClient> {
    return this.#pool.connect();
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}
