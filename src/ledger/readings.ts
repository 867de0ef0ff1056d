import type { Sql } from './database.ts';
import { columns } from './rows.ts';

/** What a source that tells its subjects whole read last of one. */
export interface Reading {
  entity: string;
  connection: string;
  source: string;
  subject: string;
  /** Keyed digest of the dedupe key. */
  key: Buffer;
  /** The event of it. */
  eventId: string;
  /** The newest source version of it so far; null where it has none. */
  version: bigint | null;
}

/** By subject; those of which nothing was read yet are left out. */
export async function lastReadings(
  sql: Sql,
  { connection, source }: { connection: string; source: string },
  subjects: readonly string[],
): Promise<Map<string, Reading>> {
  const rows = await sql.query<Omit<Reading, 'eventId'> & { event_id: string }>(
    'readings_last',
    `select entity, connection, source, subject, key, event_id, version from reading
     where connection = $1 and source = $2 and subject = any($3::text[])`,
    [connection, source, subjects],
  );
  return new Map(rows.map(({ event_id: eventId, ...row }) => [row.subject, { ...row, eventId }]));
}

/** At most one of each subject. */
export async function noteReadings(sql: Sql, readings: readonly Reading[]): Promise<void> {
  if (readings.length === 0) return;
  await sql.query(
    'readings_note',
    `insert into reading (entity, connection, source, subject, key, event_id, version)
     select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::uuid[], $7::bigint[])
     on conflict (connection, source, subject) do update
       set key = excluded.key, event_id = excluded.event_id, version = excluded.version, updated_at = now()`,
    columns(readings, ['entity', 'connection', 'source', 'subject', 'key', 'eventId', 'version']),
  );
}
