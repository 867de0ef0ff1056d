import type { Sql } from './database.ts';

/** Makes the monthly history partitions that the next weeks need. */
export async function ensureHistory(sql: Sql): Promise<void> {
  await sql.query('history_ensure', "select ensure_history((now() at time zone 'utc')::date - 31, 4)");
}
