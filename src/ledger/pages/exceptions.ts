import type { Sql } from '../database.ts';
import type { ExceptionRow } from '../exceptions.ts';
import { idRange, type PageTerms } from './page.ts';

/** An Exception with what was decided about it. */
export interface DecidedException extends ExceptionRow {
  closed_by: string | null;
  closed_at: Date | null;
}

const visible =
  'id, entity, flow, connection, subject, kind, key, event_id, delivery_id, holds, cause, field, message_sealed, owner, due_at, labels, lines, currency, minor, absolute, state, reason, opened_at, closed_by, closed_at';

export interface ExceptionFilter {
  /** null: any. */
  state: string | null;
  cause: string | null;
  flow: string | null;
  connection: string | null;
  kind: string | null;
  owner: string | null;
}

/** Exceptions, newest first. */
export async function pageOfExceptions(
  sql: Sql,
  terms: PageTerms,
  filter: ExceptionFilter,
): Promise<DecidedException[]> {
  return sql.query<DecidedException>(
    'page_exceptions',
    `select ${visible} from exception
     where id < $1 and id >= $2 and ($3::timestamptz is null or opened_at >= $3) and ($4::text is null or entity = $4)
       and ($5::text is null or state = $5) and ($6::text is null or cause = $6) and ($7::text is null or flow = $7)
       and ($8::text is null or connection = $8) and ($9::text is null or kind = $9) and ($10::text is null or owner = $10)
     order by id desc limit $11`,
    [
      ...idRange(terms),
      terms.since,
      terms.entity,
      filter.state,
      filter.cause,
      filter.flow,
      filter.connection,
      filter.kind,
      filter.owner,
      terms.limit,
    ],
  );
}

export async function exceptionById(sql: Sql, id: string): Promise<DecidedException | null> {
  const [row] = await sql.query<DecidedException>('exception_by_id', `select ${visible} from exception where id = $1`, [
    id,
  ]);
  return row ?? null;
}
