import { type BindingKey, externalIds } from './bindings.ts';
import type { Sql } from './database.ts';
import type { HeldBy } from './deliveries.ts';
import type { LaneKey } from './lanes.ts';
import { columns } from './rows.ts';

/** Which of a flow's subjects are to be told again: those that fit everything that is given. */
export interface ReplayFilter {
  flow: string;
  connection: string;
  source: string;
  /** Heard from this moment on, and before that one. */
  from: Date | null;
  to: Date | null;
  /** One of these: a subject as it is, or a reference of a document, also as a keyed digest. */
  keys: readonly { text: string; digest: Buffer }[] | null;
  /** Cause of an Exception of the flow, open or closed. */
  cause: string | null;
}

/** Subjects of which something was routed, in order; `after` is the last of the page before. */
export async function subjectsToReplay(
  sql: Sql,
  { flow, connection, source, from, to, keys, cause }: ReplayFilter,
  after: string,
  limit: number,
): Promise<string[]> {
  const rows = await sql.query<{ subject: string }>(
    'replay_subjects',
    `select distinct h.subject from event_history h
     where h.connection = $1 and h.source = $2 and h.outcome = 'routed' and h.subject > $3
       and h.received_at >= coalesce($4::timestamptz, '-infinity') and h.received_at < coalesce($5::timestamptz, 'infinity')
       and ($6::text[] is null or h.subject = any($6) or h.id in (
         select v.event_id from reference r join document d on d.id = r.document_id
           cross join lateral (select d.event_id union all select e.event_id from document_version e where e.document_id = d.id) v
         where r.value = any($7::bytea[])))
       and ($8::text is null
         or h.subject in (select subject from exception where flow = $9 and connection = $1 and cause = $8 and subject is not null)
         or h.id in (
           select event_id from exception where flow = $9 and cause = $8 and event_id is not null
           union all select d.event_id from exception x join delivery d on d.id = x.delivery_id where x.flow = $9 and x.cause = $8
           union all select d.event_id from exception x join delivery_history d on d.id = x.delivery_id where x.flow = $9 and x.cause = $8))
     order by h.subject limit $10`,
    [
      connection,
      source,
      after,
      from,
      to,
      keys?.map(({ text }) => text) ?? null,
      keys?.map(({ digest }) => digest) ?? null,
      cause,
      flow,
      limit,
    ],
  );
  return rows.map(({ subject }) => subject);
}

/** An Event that was routed. */
export interface RoutedEvent {
  id: string;
  entity: string;
  connection: string;
  subject: string;
  source_version: bigint | null;
  received_at: Date;
  payload_sealed: Buffer | null;
}

/** All that was routed of a subject, in the order in which it came. What a person or a replay had routed again is not among it. */
export async function routedEvents(
  sql: Sql,
  { connection, source, subject }: { connection: string; source: string; subject: string },
): Promise<RoutedEvent[]> {
  return sql.query<RoutedEvent>(
    'replay_events',
    `select id, entity, connection, subject, source_version, received_at, payload_sealed from event_history
     where connection = $1 and source = $2 and subject = $3 and outcome = 'routed' order by received_at, id`,
    [connection, source, subject],
  );
}

/** Of lanes those that a parked delivery holds, with what it is about and the open Exception. */
export async function heldLanes(
  sql: Sql,
  lanes: readonly LaneKey[],
): Promise<(HeldBy & { kind: string; key: string })[]> {
  if (lanes.length === 0) return [];
  return sql.query<HeldBy & { kind: string; key: string }>(
    'replay_held',
    `select h.id as delivery, h.kind, h.key, h.version, x.id as exception, x.cause from delivery h left join exception x on x.delivery_id = h.id and x.state = 'open'
     where (h.connection, h.sink, h.lane_key) in (select * from unnest($1::text[], $2::text[], $3::text[])) and h.state = 'parked' order by h.kind, h.key`,
    columns(lanes, ['connection', 'sink', 'laneKey']),
  );
}

/** Those keyed digests of dedupe keys that a connection was heard with before, as hex. */
export async function seenAmong(sql: Sql, connection: string, keys: readonly Buffer[]): Promise<string[]> {
  const rows = await sql.query<{ key: string }>(
    'seen_among',
    "select encode(key, 'hex') as key from seen where connection = $1 and key = any($2::bytea[])",
    [connection, keys],
  );
  return rows.map(({ key }) => key);
}

/** Of the given keys those that their connection has no id for, as `JSON.stringify([connection, entity, kind, key])`. */
export async function missingBindings(sql: Sql, keys: readonly BindingKey[]): Promise<Set<string>> {
  const missing = new Set<string>();
  for (let from = 0; from < keys.length; from += 1000) {
    const part = keys.slice(from, from + 1000);
    const bound = new Set((await externalIds(sql, part)).map(bindingId));
    for (const key of part) if (!bound.has(bindingId(key))) missing.add(bindingId(key));
  }
  return missing;
}

const bindingId = ({ connection, entity, kind, key }: BindingKey): string =>
  JSON.stringify([connection, entity, kind, key]);
