import type { Measure } from '../core/document.ts';
import type { Sql } from './database.ts';
import { columns } from './rows.ts';

export interface NewException extends Measure {
  id: string;
  entity: string;
  flow: string;
  connection: string;
  subject: string | null;
  kind: string | null;
  key: string | null;
  eventId: string | null;
  deliveryId: string | null;
  /** True when an event or lane waits for the decision. */
  holds: boolean;
  cause: string;
  field: string | null;
  message: Buffer;
  owner: string;
  dueSeconds: number;
  labels: Readonly<Record<string, string>>;
}

export async function openExceptions(sql: Sql, exceptions: readonly NewException[]): Promise<void> {
  if (exceptions.length === 0) return;
  await sql.query(
    'exceptions_open',
    `insert into exception (id, entity, flow, connection, subject, kind, key, event_id, delivery_id, holds, cause, field, message_sealed, owner, due_at, labels, lines, currency, minor, absolute)
     select id, entity, flow, connection, subject, kind, key, event_id, delivery_id, holds, cause, field, message, owner, now() + make_interval(secs => due), labels, lines, currency, minor, absolute
     from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::uuid[], $9::uuid[], $10::boolean[], $11::text[], $12::text[], $13::bytea[],
       $14::text[], $15::double precision[], $16::jsonb[], $17::integer[], $18::text[], $19::bigint[], $20::bigint[])
     as e (id, entity, flow, connection, subject, kind, key, event_id, delivery_id, holds, cause, field, message, owner, due, labels, lines, currency, minor, absolute)`,
    columns(exceptions, [
      'id',
      'entity',
      'flow',
      'connection',
      'subject',
      'kind',
      'key',
      'eventId',
      'deliveryId',
      'holds',
      'cause',
      'field',
      'message',
      'owner',
      'dueSeconds',
      'labels',
      'lines',
      'currency',
      'minor',
      'absolute',
    ]),
  );
}

export interface ExceptionRow {
  id: string;
  entity: string;
  flow: string;
  connection: string;
  subject: string | null;
  kind: string | null;
  key: string | null;
  event_id: string | null;
  delivery_id: string | null;
  holds: boolean;
  cause: string;
  field: string | null;
  message_sealed: Buffer;
  owner: string;
  due_at: Date;
  labels: Record<string, string>;
  lines: number;
  currency: string | null;
  minor: bigint;
  absolute: bigint;
  state: 'open' | 'retried' | 'edited' | 'dismissed' | 'bound';
  reason: string | null;
  opened_at: Date;
}

const visible =
  'id, entity, flow, connection, subject, kind, key, event_id, delivery_id, holds, cause, field, message_sealed, owner, due_at, labels, lines, currency, minor, absolute, state, reason, opened_at';

/** What a list is narrowed to. */
export interface OpenFilter {
  cause: string;
  flow: string;
  connection: string;
  owner: string;
}

/** Open Exceptions, oldest first, after the given id; ids are in order of time. */
export async function listExceptions(
  sql: Sql,
  after: string | null,
  limit: number,
  { cause, flow, connection, owner }: Partial<OpenFilter> = {},
): Promise<ExceptionRow[]> {
  return sql.query<ExceptionRow>(
    'exceptions_list',
    `select ${visible} from exception
     where state = 'open' and ($1::uuid is null or id > $1) and ($3::text is null or cause = $3) and ($4::text is null or flow = $4)
       and ($5::text is null or connection = $5) and ($6::text is null or owner = $6)
     order by id limit $2`,
    [after, limit, cause ?? null, flow ?? null, connection ?? null, owner ?? null],
  );
}

/** How many Exceptions of a cause there have been, closed ones included. */
export async function countExceptions(sql: Sql, cause: string): Promise<number> {
  const [row] = await sql.query<{ count: number }>(
    'count_exceptions',
    'select count(*)::int as count from exception where cause = $1',
    [cause],
  );
  return row!.count;
}

/** One Exception by its id or the beginning of it (at least 8 characters); null when there is none or more than one. */
export async function findException(sql: Sql, idOrStart: string): Promise<ExceptionRow | null> {
  const rows = await sql.query<ExceptionRow>(
    'exception_find',
    `select ${visible} from exception where id::text like $1 || '%' or right(id::text, 12) = $1 limit 2`,
    [idOrStart.replaceAll(/[%_\\]/g, '')],
  );
  return rows.length === 1 ? rows[0]! : null;
}

/** Closes open Exceptions; returns the ids that were open. */
export async function closeExceptions(
  sql: Sql,
  ids: readonly string[],
  how: { state: Exclude<ExceptionRow['state'], 'open'>; reason: string; by: string },
): Promise<string[]> {
  const rows = await sql.query<{ id: string }>(
    'exceptions_close',
    "update exception set state = $2, reason = $3, closed_by = $4, closed_at = now() where id = any($1::uuid[]) and state = 'open' returning id",
    [ids, how.state, how.reason, how.by],
  );
  return rows.map((row) => row.id);
}

export interface AnsweredObjections {
  connection: string;
  flow: string;
  subject: string;
  causes: readonly string[];
}

/** Closes the open Exceptions that stand beside earlier events of a subject and are answered by a later one. Returns their ids and causes. */
export async function closeAnswered(
  sql: Sql,
  { connection, flow, subject, causes }: AnsweredObjections,
): Promise<{ id: string; cause: string }[]> {
  return sql.query(
    'exceptions_answered',
    `update exception set state = 'retried', reason = 'a later event answered it', closed_by = 'hub', closed_at = now()
     where state = 'open' and not holds and event_id is not null and connection = $1 and flow = $2 and subject = $3 and cause = any($4)
     returning id, cause`,
    [connection, flow, subject, causes],
  );
}

/** Exceptions of these causes that stand beside events of a subject: those that are open, and those that a person dismissed. */
export async function standingObjections(
  sql: Sql,
  { connection, flow, subject, causes }: AnsweredObjections,
): Promise<Pick<ExceptionRow, 'id' | 'cause' | 'message_sealed'>[]> {
  return sql.query(
    'exceptions_standing',
    `select id, cause, message_sealed from exception
     where state in ('open', 'dismissed') and not holds and event_id is not null and connection = $1 and flow = $2 and subject = $3 and cause = any($4)`,
    [connection, flow, subject, causes],
  );
}

/** Puts a parked event back for routing, with a person's decision or a new payload. */
export async function releaseEvent(
  sql: Sql,
  id: string,
  decision: string | null,
  payload: Buffer | null,
): Promise<boolean> {
  const rows = await sql.query(
    'event_release',
    `update event set state = 'new', not_before = '-infinity', decision = coalesce($2, decision), payload_sealed = coalesce($3, payload_sealed)
     where id = $1 and state = 'parked' returning 1`,
    [id, decision, payload],
  );
  return rows.length === 1;
}

/** Routes a finished event once more under a new id, with a person's decision; `payload` is sealed for that id. */
export async function repeatEvent(
  sql: Sql,
  id: string,
  again: { id: string; shard: number; decision: string | null; payload: Buffer },
): Promise<boolean> {
  const rows = await sql.query(
    'event_repeat',
    `insert into event (id, entity, connection, source, subject, shard, source_version, occurred_at, payload_sealed, labels, decision)
     select $2, entity, connection, source, subject, $3, null, occurred_at, $5, labels, $4 from event_history where id = $1 limit 1 returning 1`,
    [id, again.id, again.shard, again.decision, again.payload],
  );
  return rows.length === 1;
}

export async function eventPayload(
  sql: Sql,
  id: string,
): Promise<{ id: string; subject: string; payload_sealed: Buffer | null } | null> {
  const rows = await sql.query<{ id: string; subject: string; payload_sealed: Buffer | null }>(
    'event_payload',
    'select id, subject, payload_sealed from event where id = $1 union all select id, subject, payload_sealed from event_history where id = $1 limit 1',
    [id],
  );
  return rows[0] ?? null;
}

/** Removes a parked event from live work, to history. */
export async function dismissEvent(sql: Sql, id: string): Promise<void> {
  await sql.query(
    'event_dismiss',
    `with gone as (delete from event where id = $1 and state = 'parked' returning *)
     insert into event_history (id, entity, connection, source, subject, source_version, occurred_at, received_at, payload_sealed, labels, lines, currency, minor, absolute, outcome)
     select id, entity, connection, source, subject, source_version, occurred_at, received_at, payload_sealed, labels, lines, currency, minor, absolute, 'dismissed' from gone`,
    [id],
  );
}

/** Puts a parked delivery back into its lane; where an outcome is unknown, for when it can no longer change. Returns its lane, or null when it is not parked. */
export async function releaseDelivery(
  sql: Sql,
  id: string,
): Promise<{ connection: string; sink: string; laneKey: string } | null> {
  const rows = await sql.query<{ connection: string; sink: string; laneKey: string }>(
    'delivery_release',
    `update delivery set state = case when settled_at is null then 'waiting' else 'unknown' end, attempts = 0, not_before = coalesce(settled_at, '-infinity')
     where id = $1 and state = 'parked' returning connection, sink, lane_key as "laneKey"`,
    [id],
  );
  return rows[0] ?? null;
}

export interface ParkedDelivery extends Measure {
  connection: string;
  sink: string;
  laneKey: string;
  entity: string;
  kind: string;
  key: string;
  version: number;
}

/** A parked delivery, locked; null when it is not parked. */
export async function parkedDelivery(sql: Sql, id: string): Promise<ParkedDelivery | null> {
  const rows = await sql.query<ParkedDelivery>(
    'delivery_parked',
    `select connection, sink, lane_key as "laneKey", entity, kind, key, version, lines, currency, minor, absolute
     from delivery where id = $1 and state = 'parked' for update`,
    [id],
  );
  return rows[0] ?? null;
}

/** The lane of an open delivery, or null. */
export async function laneOfDelivery(
  sql: Sql,
  id: string,
): Promise<{ connection: string; sink: string; laneKey: string } | null> {
  const rows = await sql.query<{ connection: string; sink: string; laneKey: string }>(
    'delivery_lane',
    'select connection, sink, lane_key as "laneKey" from delivery where id = $1 for update',
    [id],
  );
  return rows[0] ?? null;
}

/** What a connection refuses: to be written to, or to have one of its sources read. */
export type Refused = { connection: string } & (
  | { cause: 'connection-refused'; subject: null; sink: string }
  | { cause: 'reading-refused'; subject: string; sink?: undefined }
);

/** Opens the one Exception that says a connection refuses us, unless it is open already. */
export async function openRefusal(
  sql: Sql,
  refusal: Refused & { id: string; entity: string; flow: string; owner: string; message: Buffer },
): Promise<void> {
  await sql.query('refusal_lock', 'select from connection where name = $1 for update', [refusal.connection]);
  await sql.query(
    'refusal_open',
    `insert into exception (id, entity, flow, connection, subject, holds, cause, message_sealed, owner, due_at, labels, lines, minor, absolute)
     select $1, $2, $4, $3, $8, true, $7, $6, $5, now() + interval '1 hour', jsonb_strip_nulls(jsonb_build_object('sink', $9::text)), 0, 0, 0
     where not exists (select from exception where connection = $3 and cause = $7 and subject is not distinct from $8 and state = 'open')`,
    [
      refusal.id,
      refusal.entity,
      refusal.connection,
      refusal.flow,
      refusal.owner,
      refusal.message,
      refusal.cause,
      refusal.subject,
      refusal.sink ?? null,
    ],
  );
}

/** Closes it: the connection works again. A refusal of writing is closed by the sink that opened it. */
export async function closeRefusal(sql: Sql, { connection, cause, subject, sink }: Refused): Promise<void> {
  await sql.query(
    'refusal_close',
    `update exception set state = 'retried', reason = 'the connection works again', closed_by = 'hub', closed_at = now()
     where connection = $1 and cause = $2 and subject is not distinct from $3 and state = 'open'
       and coalesce(labels->>'sink', $4) is not distinct from $4`,
    [connection, cause, subject, sink ?? null],
  );
}

/**
 * Writes a corrected version of the document that a parked delivery carries, and puts the delivery back with it. Returns its lane, or null
 * when it is not parked or a newer version is there already.
 */
export async function replaceDelivered(
  sql: Sql,
  deliveryId: string,
  change: Measure & { digest: Buffer; body: Buffer },
): Promise<{ connection: string; sink: string; laneKey: string } | null> {
  const rows = await sql.query<{ connection: string; sink: string; laneKey: string }>(
    'delivery_replace',
    `with held as (
       select d.id as delivery_id, doc.* from delivery d join document doc on doc.id = d.document_id and doc.version = d.version
       where d.id = $1 and d.state = 'parked' for update of d, doc),
     kept as (
       insert into document_version (document_id, entity, version, shape, digest, body_sealed, event_id, written_at)
       select id, entity, version, shape, digest, body_sealed, event_id, written_at from held),
     changed as (
       update document doc set version = held.version + 1, digest = $2, body_sealed = $3, lines = $4, currency = $5, minor = $6, absolute = $7, written_at = now()
       from held where doc.id = held.id returning doc.version)
     update delivery d set version = changed.version, lines = $4, currency = $5, minor = $6, absolute = $7, attempts = 0, not_before = coalesce(d.settled_at, '-infinity'),
       state = case when d.settled_at is null then 'waiting' else 'unknown' end
     from held, changed where d.id = held.delivery_id returning d.connection, d.sink, d.lane_key as "laneKey"`,
    [deliveryId, change.digest, change.body, change.lines, change.currency, change.minor, change.absolute],
  );
  return rows[0] ?? null;
}

/** The document version that an open delivery carries, or null. */
export async function carriedVersion(
  sql: Sql,
  deliveryId: string,
): Promise<{ documentId: string; version: number } | null> {
  const rows = await sql.query<{ documentId: string; version: number }>(
    'delivery_carries',
    'select document_id as "documentId", version from delivery where id = $1',
    [deliveryId],
  );
  return rows[0] ?? null;
}
