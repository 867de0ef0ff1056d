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
  '53300',
  '53100',
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
export class Database implements Reader {
  readonly #pool: pg.Pool;

  private constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** Opens a pool. `size` connections at most; the commit deadline is the caller's patience in milliseconds. */
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
   * synchronous standby.
   */
  async transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#once(work);
      } catch (error) {
        if (attempt >= 8 || !REPEATABLE.has(codeOf(error))) throw error;
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 10 * 2 ** attempt));
      }
    }
  }

  /** Runs reads of one moment: all statements of `work` see the same snapshot. */
  snapshot<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    return this.#once(work, 'begin isolation level repeatable read read only');
  }

  async #once<T>(work: (sql: Sql) => Promise<T>, begin = 'begin'): Promise<T> {
    const client = await this.#pool.connect();
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
      await client.query(begin);
      const result = await work({
        query: async <Row>(name: string, text: string, values: unknown[] = []) =>
          (await client.query({ name, text, values })).rows as Row[],
      });
      await client.query('commit');
      if (unconfirmed) throw new HubError('LEDGER_AWAY', 'the commit was not confirmed by the synchronous standby');
      return result;
    } catch (error) {
      await client.query('rollback').catch((cause: Error) => {
        broken ??= cause;
      });
      throw error;
    } finally {
      client.off('notice', onNotice);
      client.off('error', onError);
      client.release(broken);
    }
  }

  /** One connection of its own, for session locks and LISTEN; the caller ends it. */
  async session(): Promise<pg.PoolClient> {
    return this.#pool.connect();
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}

/** Makes a session of the pool fit for long work in one transaction, with values written as any other server reads them. Give it back broken: `release(true)`. */
export async function plainSession(client: pg.PoolClient): Promise<void> {
  await client.query(
    `set idle_in_transaction_session_timeout = 0; set statement_timeout = 0; set timezone = 'UTC'; set datestyle = 'ISO, YMD';
     set intervalstyle = 'iso_8601'; set bytea_output = 'hex'; set extra_float_digits = 1; set client_encoding = 'UTF8'; set search_path = crossdock`,
  );
}
