import type { Measure } from '../core/document.ts';
import type { Sql } from './database.ts';
import { columns } from './rows.ts';

export interface NewEvent extends Measure {
  id: string;
  entity: string;
  connection: string;
  source: string;
  subject: string;
  shard: number;
  sourceVersion: bigint | null;
  occurredAt: Date;
  payload: Buffer;
  labels: Readonly<Record<string, string>>;
  /** Keyed digest of the dedupe key. */
  seenKey: Buffer;
}

export const SHARDS = 32;

/**
 * Appends events and remembers their dedupe keys. Events whose key is known, here or earlier in the same call, are left out: `recordRepeats` is
 * for them. Returns the ids of the new ones. Order of the array is the order of routing.
 */
export async function appendEvents(sql: Sql, events: readonly NewEvent[]): Promise<Set<string>> {
  const rows = await sql.query<{ event_id: string }>(
    'events_append',
    `with incoming as (
       select i.*, substr($14::bytea, i.payload_from, i.payload_length) as payload, substr($15::bytea, i.place::int * 32 - 31, 32) as seen_key
       from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::timestamptz[], $8::jsonb[],
         $9::integer[], $10::text[], $11::bigint[], $12::bigint[], $13::smallint[], $16::integer[], $17::integer[])
       with ordinality as i (id, entity, connection, source, subject, source_version, occurred_at, labels, lines, currency, minor, absolute, shard, payload_from, payload_length, place)),
     fresh as (
       insert into seen (entity, connection, key, event_id) select entity, connection, seen_key, id from incoming order by connection, seen_key, place
       on conflict do nothing returning event_id),
     stored as (
       insert into event (id, entity, connection, source, subject, shard, source_version, occurred_at, payload_sealed, labels, lines, currency, minor, absolute)
       select id, entity, connection, source, subject, shard, source_version, occurred_at, payload, labels, lines, currency, minor, absolute
       from incoming where id in (select event_id from fresh) order by place)
     select event_id from fresh`,
    [...columns(events, [...described, 'shard']), ...joinedBytes(events)],
  );
  return new Set(rows.map((row) => row.event_id));
}

/**
 * Writes to history that events came again. Not in the statement that appends: one that may write to history costs PostgreSQL a fifth more, and
 * hardly any need it. Where it is lost with the hub, the sender has no answer and comes once more.
 */
export async function recordRepeats(sql: Sql, events: readonly NewEvent[]): Promise<void> {
  await sql.query(
    'events_repeated',
    `insert into event_history (id, entity, connection, source, subject, source_version, occurred_at, received_at, labels, lines, currency, minor, absolute, outcome)
     select id, entity, connection, source, subject, source_version, occurred_at, now(), labels, lines, currency, minor, absolute, 'duplicate'
     from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::timestamptz[], $8::jsonb[], $9::integer[], $10::text[],
       $11::bigint[], $12::bigint[])
     as i (id, entity, connection, source, subject, source_version, occurred_at, labels, lines, currency, minor, absolute)`,
    columns(events, described),
  );
}

/** What an event and the record of its repeat have in common. */
const described = [
  'id',
  'entity',
  'connection',
  'source',
  'subject',
  'sourceVersion',
  'occurredAt',
  'labels',
  'lines',
  'currency',
  'minor',
  'absolute',
] as const;

/** Payloads and keys travel as one value each, in binary: in an array every byte would be two digits, written and read one by one. */
function joinedBytes(events: readonly NewEvent[]): unknown[] {
  const lengths = events.map(({ payload }) => payload.length);
  let from = 1;
  const starts = lengths.map((length) => {
    from += length;
    return from - length;
  });
  const payloads = Buffer.concat(events.map(({ payload }) => payload));
  return [payloads, Buffer.concat(events.map(({ seenKey }) => seenKey)), starts, lengths];
}

export interface UnroutedEvent {
  id: string;
  entity: string;
  connection: string;
  source: string;
  subject: string;
  source_version: bigint | null;
  received_at: Date;
  /** Null: it only says to tell again what was heard last. */
  payload_sealed: Buffer | null;
  labels: Record<string, string>;
  lines: number;
  currency: string | null;
  minor: bigint;
  absolute: bigint;
  decision: string | null;
  attempts: number;
  /** When the source began to read it, where that is known. */
  looked_at: Date | null;
  /** What it says is told even where nothing changed. */
  afresh: boolean;
}

/** Shards in which an event could be routed now. */
export async function shardsWithWork(sql: Sql): Promise<number[]> {
  const rows = await sql.query<{ shard: number }>(
    'shards_with_work',
    "select distinct shard from event where state = 'new' and not_before <= clock_timestamp() order by shard",
  );
  return rows.map((row) => row.shard);
}

/**
 * The next events of a shard, at most one per subject, oldest first. By their unrouted state and never by an id cursor: transactions commit
 * out of sequence. A subject whose oldest event is parked or delayed waits.
 */
export async function nextEvents(sql: Sql, shard: number, limit: number): Promise<UnroutedEvent[]> {
  return sql.query<UnroutedEvent>(
    'events_next',
    `select id, entity, connection, source, subject, source_version, received_at, payload_sealed, labels, lines, currency, minor, absolute, decision, attempts, looked_at, afresh
     from event e
     where shard = $1 and state = 'new' and not_before <= clock_timestamp()
       and not exists (select from event older where older.connection = e.connection and older.subject = e.subject and older.seq < e.seq)
     order by seq limit $2`,
    [shard, limit],
  );
}

/**
 * Events of these sources behind which a later one of the same subject waits go to history as `late`: the later one tells all that they do. What a person has
 * decided on stays. Returns them.
 */
export async function passOver(
  sql: Sql,
  shard: number,
  sources: readonly { connection: string; source: string }[],
): Promise<{ id: string; entity: string }[]> {
  if (sources.length === 0) return [];
  return sql.query<{ id: string; entity: string }>(
    'events_pass_over',
    `with last as (
       select connection, source, subject, max(seq) as seq from event
       where shard = $1 and state = 'new' and payload_sealed is not null and decision is null
         and (connection, source) in (select * from unnest($2::text[], $3::text[]))
       group by 1, 2, 3 having count(*) > 1),
     gone as (
       delete from event e using last l
       where e.connection = l.connection and e.source = l.source and e.subject = l.subject and e.seq < l.seq and e.state = 'new' and e.decision is null
       returning e.*),
     heirs as (
       update event e set afresh = true from last l
       where e.seq = l.seq and exists (select from gone g where g.connection = l.connection and g.source = l.source and g.subject = l.subject and g.afresh))
     insert into event_history (id, entity, connection, source, subject, source_version, occurred_at, received_at, payload_sealed, labels, lines, currency, minor, absolute, outcome)
     select id, entity, connection, source, subject, source_version, occurred_at, received_at, payload_sealed, labels, 0, null, 0, 0, 'late'
     from gone returning id, entity`,
    [shard, ...columns(sources, ['connection', 'source'])],
  );
}

export interface FinishedEvent extends Measure {
  id: string;
  outcome: 'routed' | 'duplicate' | 'late' | 'dismissed' | 'echo';
}

/** Moves events to history with what they brought. Returns how many were still there. */
export async function finishEvents(sql: Sql, events: readonly FinishedEvent[]): Promise<number> {
  const rows = await sql.query(
    'events_finish',
    `with done as (select * from unnest($1::uuid[], $2::text[], $3::integer[], $4::text[], $5::bigint[], $6::bigint[]) as d (id, outcome, lines, currency, minor, absolute)),
     gone as (delete from event using done where event.id = done.id
       returning event.*, done.outcome, done.lines as brought_lines, done.currency as brought_currency, done.minor as brought_minor, done.absolute as brought_absolute)
     insert into event_history (id, entity, connection, source, subject, source_version, occurred_at, received_at, payload_sealed, labels, lines, currency, minor, absolute, outcome)
     select id, entity, connection, source, subject, source_version, occurred_at, received_at, payload_sealed, labels, brought_lines, brought_currency, brought_minor, brought_absolute, outcome
     from gone returning id`,
    columns(events, ['id', 'outcome', 'lines', 'currency', 'minor', 'absolute']),
  );
  return rows.length;
}

/** Leaves the event where it is, held for a person. */
export async function parkEvent(sql: Sql, id: string): Promise<void> {
  await sql.query('event_park', "update event set state = 'parked' where id = $1", [id]);
}

/** Tries the event again after `seconds`; its subject waits with it. */
export async function delayEvent(sql: Sql, id: string, seconds: number): Promise<void> {
  await sql.query(
    'event_delay',
    'update event set attempts = attempts + 1, not_before = clock_timestamp() + make_interval(secs => $2) where id = $1',
    [id, seconds],
  );
}

export interface SubjectState {
  connection: string;
  subject: string;
  flow: string;
  source_version: bigint | null;
  memory_sealed: Buffer | null;
  /** When the newest of what was heard began to be read. */
  looked_at: Date | null;
}

export async function readSubjects(
  sql: Sql,
  keys: readonly { connection: string; flow: string; subject: string }[],
): Promise<SubjectState[]> {
  return sql.query<SubjectState>(
    'subjects_read',
    `select connection, subject, flow, source_version, memory_sealed, looked_at from subject
     where (connection, flow, subject) in (select * from unnest($1::text[], $2::text[], $3::text[]))`,
    columns(keys, ['connection', 'flow', 'subject']),
  );
}

export interface SubjectUpdate {
  entity: string;
  connection: string;
  flow: string;
  subject: string;
  sourceVersion: bigint | null;
  lookedAt?: Date | null;
  /** null: unchanged. */
  memory: Buffer | null;
}

export async function writeSubjects(sql: Sql, subjects: readonly SubjectUpdate[]): Promise<void> {
  await sql.query(
    'subjects_write',
    `insert into subject (entity, connection, flow, subject, source_version, memory_sealed, looked_at)
     select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bytea[], $7::timestamptz[])
     on conflict (connection, flow, subject) do update set
       source_version = greatest(subject.source_version, excluded.source_version),
       memory_sealed = coalesce(excluded.memory_sealed, subject.memory_sealed),
       looked_at = greatest(subject.looked_at, excluded.looked_at),
       updated_at = now()`,
    columns(subjects, ['entity', 'connection', 'flow', 'subject', 'sourceVersion', 'memory', 'lookedAt']),
  );
}

/** Records arrivals that are known as a whole to be repeats. */
export async function recordDuplicates(sql: Sql, events: readonly NewEvent[]): Promise<void> {
  if (events.length === 0) return;
  await sql.query(
    'events_duplicate',
    `insert into event_history (id, entity, connection, source, subject, occurred_at, received_at, labels, lines, currency, minor, absolute, outcome)
     select id, entity, connection, source, subject, occurred_at, now(), labels, lines, currency, minor, absolute, 'duplicate'
     from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::jsonb[], $8::integer[], $9::text[], $10::bigint[], $11::bigint[])
     as d (id, entity, connection, source, subject, occurred_at, labels, lines, currency, minor, absolute)`,
    columns(events, [
      'id',
      'entity',
      'connection',
      'source',
      'subject',
      'occurredAt',
      'labels',
      'lines',
      'currency',
      'minor',
      'absolute',
    ]),
  );
}
