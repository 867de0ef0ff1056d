import type { Measure } from '../core/document.ts';
import type { Sql } from './database.ts';
import type { LaneKey } from './lanes.ts';
import { columns } from './rows.ts';

export interface NewDelivery extends Measure, LaneKey {
  id: string;
  entity: string;
  flow: string;
  place: bigint;
  documentId: string;
  kind: string;
  key: string;
  version: number;
  eventId: string;
  waits: number;
  notBefore: Date | null;
  labels: Readonly<Record<string, string>>;
  promisedAt: Date | null;
}

/** The parked delivery that a delivery `d` stands behind, and the open Exception that holds it; null where none holds its lane. An expression of SQL. */
export const heldBy = `(select jsonb_build_object('delivery', h.id, 'version', h.version, 'exception', x.id, 'cause', x.cause)
  from delivery h left join exception x on x.delivery_id = h.id and x.state = 'open'
  where h.connection = d.connection and h.sink = d.sink and h.lane_key = d.lane_key and h.place < d.place and h.state = 'parked' order by h.place limit 1)`;

/** What `heldBy` tells. */
export interface HeldBy {
  delivery: string;
  version: number;
  exception: string | null;
  cause: string | null;
}

/** Of records those of which a version is owed to a connection and neither there nor with a person. */
export async function underway(
  sql: Sql,
  connection: string,
  keys: readonly { readonly entity: string; readonly kind: string; readonly key: string }[],
): Promise<{ entity: string; kind: string; key: string }[]> {
  if (keys.length === 0) return [];
  return sql.query<{ entity: string; kind: string; key: string }>(
    'deliveries_underway',
    `select d.entity, d.kind, d.key from document d
     where (d.entity, d.kind, d.key) in (select * from unnest($2::text[], $3::text[], $4::text[]))
       and exists (select from delivery o where o.document_id = d.id and o.connection = $1 and o.state in ('waiting', 'leased', 'unknown'))`,
    [connection, ...columns(keys, ['entity', 'kind', 'key'])],
  );
}

/** Appends deliveries to their lanes. The lanes' rows are locked by `takePlaces`; `refreshLanes` follows. */
export async function addDeliveries(sql: Sql, deliveries: readonly NewDelivery[]): Promise<void> {
  await sql.query(
    'deliveries_add',
    `insert into delivery (id, entity, flow, connection, sink, lane_key, place, document_id, kind, key, version, event_id, waits, not_before, labels, lines, currency, minor, absolute, promised_at)
     select id, entity, flow, connection, sink, lane_key, place, document_id, kind, key, version, event_id, waits, coalesce(not_before, '-infinity'), labels, lines, currency, minor, absolute, promised_at
     from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::uuid[], $9::text[], $10::text[], $11::integer[], $12::uuid[],
       $13::integer[], $14::timestamptz[], $15::jsonb[], $16::integer[], $17::text[], $18::bigint[], $19::bigint[], $20::timestamptz[])
     as d (id, entity, flow, connection, sink, lane_key, place, document_id, kind, key, version, event_id, waits, not_before, labels, lines, currency, minor, absolute, promised_at)`,
    columns(deliveries, [
      'id',
      'entity',
      'flow',
      'connection',
      'sink',
      'laneKey',
      'place',
      'documentId',
      'kind',
      'key',
      'version',
      'eventId',
      'waits',
      'notBefore',
      'labels',
      'lines',
      'currency',
      'minor',
      'absolute',
      'promisedAt',
    ]),
  );
}

const kept =
  'id, entity, flow, connection, sink, lane_key, place, document_id, kind, key, version, event_id, attempts, labels, lines, currency, minor, absolute, created_at, promised_at';

/** Statement that keeps the rows of `gone` as history; `outcome` is an expression of SQL. */
const toHistory = (outcome: string): string =>
  `insert into delivery_history (${kept}, outcome) select ${kept}, ${outcome} from gone`;

/** Coalesces: deliveries of the same documents to the same sinks that still wait, untried or known not to have landed, give way to a newer version. Returns how many. */
export async function supersedeWaiting(
  sql: Sql,
  newer: readonly { documentId: string; version: number; connection: string; sink: string }[],
): Promise<number> {
  if (newer.length === 0) return 0;
  const rows = await sql.query(
    'deliveries_supersede',
    `with newer as (select * from unnest($1::uuid[], $2::integer[], $3::text[], $4::text[]) as n (document_id, version, connection, sink)),
     gone as (
       delete from delivery d using newer n
       where d.document_id = n.document_id and d.version < n.version and d.connection = n.connection and d.sink = n.sink and d.state = 'waiting' returning d.*)
     ${toHistory("'superseded'")} returning 1`,
    columns(newer, ['documentId', 'version', 'connection', 'sink']),
  );
  return rows.length;
}

/** One that gave way to the delivery `newer`, of the same document. */
export interface GaveWay {
  newer: string;
  document_id: string;
  entity: string;
  kind: string;
}

/**
 * What was tried and is known not to have landed gives way, as what waits does, to a newer version that came while it was tried: its lane's lock is the caller's.
 */
export async function giveWay(sql: Sql, tried: readonly string[]): Promise<GaveWay[]> {
  if (tried.length === 0) return [];
  return sql.query<GaveWay>(
    'deliveries_give_way',
    `with gone as (
       delete from delivery d using delivery n
       where d.id = any($1::uuid[]) and d.state = 'waiting' and n.document_id = d.document_id and n.version > d.version and n.connection = d.connection and n.sink = d.sink
       returning d.*, n.id as newer),
     kept as (
       ${toHistory("'superseded'")})
     select newer, document_id, entity, kind from gone`,
    [tried],
  );
}

export interface ClaimedDelivery extends Measure {
  id: string;
  entity: string;
  flow: string;
  lane_key: string;
  document_id: string;
  kind: string;
  key: string;
  version: number;
  event_id: string;
  /** Attempts made before this one. */
  attempts: number;
  /** Not null when an earlier outcome was unknown: after this moment it can no longer change. */
  settled_at: Date | null;
  /** Until when the call may run, by the ledger's clock. */
  intent_deadline: Date;
  epoch: bigint;
  labels: Record<string, string>;
  created_at: Date;
  external_id: string | null;
  /** Version that was last written to the target; null where none was, also when the record was bound. */
  bound_version: number | null;
}

/** The only lane state a claim needs to know; seconds by the ledger's clock. */
export interface ClaimTerms {
  connection: string;
  sink: string;
  holder: string;
  max: number;
  maxLines: number;
  leaseSeconds: number;
  deadlineSeconds: number;
  settleSeconds: number;
}

/**
 * Leases free lanes of a sink and commits the Intents of their heads in the same transaction (the caller's): the highest priority and longest
 * ready first, as many as fit in `max` items and `maxLines` lines. Every lane of one claim gets the same new epoch.
 * Lanes are locked by a statement of their own: the next one sees what was committed until then, so a head is never one that has just gone.
 */
export async function claimDeliveries(sql: Sql, terms: ClaimTerms): Promise<ClaimedDelivery[]> {
  const free = await sql.query<{ key: string }>(
    'lanes_lock_free',
    `select key from lane
     where connection = $1 and sink = $2 and holder is null and ready_at <= clock_timestamp()
     order by priority desc, ready_at limit $3 for update skip locked`,
    [terms.connection, terms.sink, terms.max],
  );
  if (free.length === 0) return [];
  return sql.query<ClaimedDelivery>(
    'deliveries_claim',
    `with heads as (
       select l.key, h.id, sum(h.lines) over (order by l.priority desc, l.ready_at, l.key) as lines_up_to, row_number() over (order by l.priority desc, l.ready_at, l.key) as number
       from lane l cross join lateral (
         select id, lines, state, waits from delivery d where d.connection = $1 and d.sink = $2 and d.lane_key = l.key order by place limit 1) h
       where l.connection = $1 and l.sink = $2 and l.key = any($4) and h.state in ('waiting', 'unknown') and h.waits = 0),
     token as materialized (select nextval('lease_epoch') as epoch),
     taken as (
       update lane l set holder = $3, epoch = token.epoch, lease_until = clock_timestamp() + make_interval(secs => $6), ready_at = null
       from heads, token where l.connection = $1 and l.sink = $2 and l.key = heads.key and (heads.number = 1 or heads.lines_up_to <= $5)
       returning l.key, l.epoch, heads.id),
     intent as (
       update delivery d set state = 'leased', attempts = d.attempts + 1,
         intent_deadline = clock_timestamp() + make_interval(secs => $7),
         intent_settles = clock_timestamp() + make_interval(secs => $7 + $8)
       from taken where d.id = taken.id
       returning d.*, taken.epoch)
     select i.id, i.entity, i.flow, i.lane_key, i.document_id, i.kind, i.key, i.version, i.event_id, i.attempts - 1 as attempts, i.settled_at, i.intent_deadline, i.epoch, i.labels, i.lines, i.currency, i.minor, i.absolute, i.created_at, b.external_id, b.version as bound_version
     from intent i left join binding b on b.connection = i.connection and b.entity = i.entity and b.kind = i.kind and b.key = i.key
     order by i.place, i.lane_key`,
    [
      terms.connection,
      terms.sink,
      terms.holder,
      free.map((lane) => lane.key),
      terms.maxLines,
      terms.leaseSeconds,
      terms.deadlineSeconds,
      terms.settleSeconds,
    ],
  );
}

/** Renews the leases of one claim for `seconds`, never past the Intents' deadline. Returns how many lanes are still ours. */
export async function renewLanes(
  sql: Sql,
  holder: string,
  epoch: bigint,
  seconds: number,
  deadline: Date,
): Promise<number> {
  const rows = await sql.query(
    'lanes_renew',
    `update lane set lease_until = least(clock_timestamp() + make_interval(secs => $3), $4::timestamptz)
     where holder = $1 and epoch = $2 and lease_until > clock_timestamp() returning 1`,
    [holder, epoch, seconds, deadline],
  );
  return rows.length;
}

/** Of one claim, the lanes that are still ours, locked in sorted order: the fence of everything that is written about its outcome. */
export async function lockOwnLanes(
  sql: Sql,
  terms: { connection: string; sink: string; holder: string; epoch: bigint; keys: readonly string[] },
): Promise<Set<string>> {
  const rows = await sql.query<{ key: string }>(
    'lanes_lock_own',
    'select key from lane where connection = $1 and sink = $2 and key = any($5) and holder = $3 and epoch = $4 order by key for update',
    [terms.connection, terms.sink, terms.holder, terms.epoch, terms.keys],
  );
  return new Set(rows.map((row) => row.key));
}

/** Gives locked lanes back, keeping them quiet for another delivery until `quietSeconds` from now where that is given. */
export async function freeLanes(
  sql: Sql,
  connection: string,
  sink: string,
  lanes: readonly { key: string; quietSeconds: number | null }[],
): Promise<void> {
  await sql.query(
    'lanes_free',
    `update lane l set holder = null, lease_until = null,
       quiet_until = greatest(l.quiet_until, case when f.quiet is not null then clock_timestamp() + make_interval(secs => f.quiet) end)
     from unnest($3::text[], $4::double precision[]) as f (key, quiet)
     where l.connection = $1 and l.sink = $2 and l.key = f.key`,
    [connection, sink, lanes.map((lane) => lane.key), lanes.map((lane) => lane.quietSeconds)],
  );
}

/** Delivered: to history. */
export async function finishDeliveries(
  sql: Sql,
  ids: readonly string[],
  outcome: 'delivered' | 'dismissed',
): Promise<void> {
  if (ids.length === 0) return;
  await sql.query(
    'deliveries_finish',
    `with gone as (delete from delivery where id = any($1::uuid[]) returning *)
     ${toHistory('$2')}`,
    [ids, outcome],
  );
}

export interface Postponed {
  id: string;
  state: 'waiting' | 'unknown' | 'parked';
  /** Seconds until it may be tried again; 0 where it keeps its place. */
  afterSeconds: number;
  /** Seconds until an unknown outcome can no longer change; null where it was not unknown now. */
  settlesSeconds: number | null;
  /** False gives the attempt back: nothing was tried for it. */
  spent: boolean;
}

/** Not delivered: what is to become of each delivery. One that was unknown stays unknown until it is known to have landed. */
export async function postponeDeliveries(sql: Sql, rows: readonly Postponed[]): Promise<void> {
  if (rows.length === 0) return;
  await sql.query(
    'deliveries_postpone',
    `update delivery d set
       state = case when p.state = 'waiting' and d.settled_at is not null then 'unknown' else p.state end,
       not_before = case when p.after > 0 then clock_timestamp() + make_interval(secs => p.after) else d.not_before end,
       settled_at = case when p.settles is null then d.settled_at else greatest(d.settled_at, clock_timestamp() + make_interval(secs => p.settles)) end,
       attempts = case when p.spent then d.attempts else d.attempts - 1 end
     from unnest($1::uuid[], $2::text[], $3::double precision[], $4::double precision[], $5::boolean[]) as p (id, state, after, settles, spent)
     where d.id = p.id`,
    columns(rows, ['id', 'state', 'afterSeconds', 'settlesSeconds', 'spent']),
  );
}

/**
 * Lanes whose lease ran out: their Intents were committed, so the outcome is unknown, never waiting. Lanes stay quiet until the target can no
 * longer commit. `repeatable` sinks may repeat at once, others only then. Returns the lanes.
 */
export async function reapLanes(
  sql: Sql,
  repeatable: readonly { connection: string; sink: string }[],
): Promise<LaneKey[]> {
  return sql.query<LaneKey>(
    'lanes_reap',
    `with lost as (
       select connection, sink, key from lane where holder is not null and lease_until <= clock_timestamp()
       order by connection, sink, key limit 1000 for update skip locked),
     unknown as (
       update delivery d set state = 'unknown', settled_at = greatest(d.settled_at, d.intent_settles),
         not_before = case when exists (select from unnest($1::text[], $2::text[]) as r (connection, sink) where r.connection = d.connection and r.sink = d.sink)
           then clock_timestamp() else greatest(d.settled_at, d.intent_settles) end
       from lost where d.connection = lost.connection and d.sink = lost.sink and d.lane_key = lost.key and d.state = 'leased'
       returning d.connection, d.sink, d.lane_key, d.settled_at)
     update lane l set holder = null, lease_until = null,
       quiet_until = greatest(l.quiet_until, (select max(u.settled_at) from unknown u where u.connection = l.connection and u.sink = l.sink and u.lane_key = l.key))
     from lost where l.connection = lost.connection and l.sink = lost.sink and l.key = lost.key
     returning l.connection, l.sink, l.key as "laneKey"`,
    columns(repeatable, ['connection', 'sink']),
  );
}

export interface AttemptRow {
  deliveryId: string;
  entity: string;
  number: number;
  node: string;
  outcome: string;
  message: Buffer | null;
  startedAt: Date;
}

export async function addAttempts(sql: Sql, attempts: readonly AttemptRow[]): Promise<void> {
  await sql.query(
    'attempts_add',
    `insert into attempt (delivery_id, entity, number, node, outcome, message_sealed, started_at)
     select * from unnest($1::uuid[], $2::text[], $3::integer[], $4::uuid[], $5::text[], $6::bytea[], $7::timestamptz[])`,
    columns(attempts, ['deliveryId', 'entity', 'number', 'node', 'outcome', 'message', 'startedAt']),
  );
}
