import type { Sql } from '../database.ts';
import { idRange, type PageTerms } from './page.ts';

export interface EventRow {
  id: string;
  entity: string;
  connection: string;
  source: string;
  subject: string;
  source_version: bigint | null;
  occurred_at: Date;
  received_at: Date;
  finished_at: Date | null;
  state: string;
  attempts: number;
  labels: Record<string, string>;
  lines: number;
  currency: string | null;
  minor: bigint;
  absolute: bigint;
  /** Whether the raw bytes are still kept. */
  kept: boolean;
}

const common =
  'id, entity, connection, source, subject, source_version, occurred_at, received_at, labels, lines, currency, minor, absolute, payload_sealed is not null as kept';
const live = `select ${common}, state, attempts, null::timestamptz as finished_at from event`;
const done = `select ${common}, outcome as state, 0 as attempts, finished_at from event_history`;

export interface EventFilter {
  state: string | null;
  connection: string | null;
  source: string | null;
  /** One of these. */
  subject: readonly string[] | null;
}

/** Events, live and finished, newest first. */
export async function pageOfEvents(sql: Sql, terms: PageTerms, filter: EventFilter): Promise<EventRow[]> {
  const where = (state: string): string =>
    `where id < $1 and id >= $2 and ($3::timestamptz is null or received_at >= $3) and ($4::text is null or entity = $4)
       and ($5::text is null or ${state} = $5) and ($6::text is null or connection = $6) and ($7::text is null or source = $7)
       and ($8::text[] is null or subject = any($8)) order by id desc limit $9`;
  return sql.query<EventRow>(
    'page_events',
    `select * from ((${live} ${where('state')}) union all (${done} ${where('outcome')})) e order by id desc limit $9`,
    [
      ...idRange(terms),
      terms.since,
      terms.entity,
      filter.state,
      filter.connection,
      filter.source,
      filter.subject,
      terms.limit,
    ],
  );
}

export async function eventById(sql: Sql, id: string): Promise<EventRow | null> {
  const [row] = await sql.query<EventRow>(
    'event_by_id',
    `${live} where id = $1 union all ${done} where id = $1 limit 1`,
    [id],
  );
  return row ?? null;
}
