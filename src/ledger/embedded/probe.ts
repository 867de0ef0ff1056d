import pg from 'pg';
import type { Keys } from './keys.ts';

/** Runs one statement as a role and closes the connection. */
export async function ask<Row extends pg.QueryResultRow>(
  port: number,
  keys: Keys,
  as: 'crossdock' | 'crossdock_admin',
  sql: string,
): Promise<Row[]> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port,
    user: as,
    password: as === 'crossdock' ? keys.crossdock : keys.admin,
    database: as === 'crossdock' ? 'crossdock' : 'postgres',
    application_name: 'crossdock start',
    connectionTimeoutMillis: 5_000,
    query_timeout: 10_000,
  });
  client.on('error', () => undefined); // the pending connect or query rejects with it
  try {
    await client.connect();
    return (await client.query<Row>(sql)).rows;
  } finally {
    void client.end().catch(() => undefined);
  }
}

/** `stranger`: it answered, but does not know our password, role or database. */
export type Answer = 'ready' | 'away' | 'stranger' | 'no-database';

/** Whether the server answers on its port and accepts the hub's password; the proof is mutual (SCRAM), so nobody else can pose as it. */
export async function probe(port: number, keys: Keys): Promise<Answer> {
  try {
    await ask(port, keys, 'crossdock', 'SELECT 1');
    return 'ready';
  } catch (error) {
    return answerOf(error);
  }
}

export function answerOf(error: unknown): Answer {
  const code = String((error as { code?: unknown }).code ?? '');
  if (code === '53300') return 'ready'; // all connections are taken, by us
  if (code === '3D000') return 'no-database';
  if (/^28/.test(code) || /SASL|SCRAM/.test((error as Error).message)) return 'stranger';
  return 'away';
}
