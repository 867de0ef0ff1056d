import type { BindingKey } from './bindings.ts';
import type { Sql } from './database.ts';
import { columns } from './rows.ts';

/** The cause of an Exception about records that others wait for and that nobody brings. */
export const AWAITS_NOBODY = 'awaits-nobody';

/** A record that deliveries wait for, past their promise, while nothing under way could bring it. */
export interface ForlornRow extends BindingKey {
  /** The flow whose delivery has waited longest for it. */
  flow: string;
}

export interface ForlornTerms {
  /** For how long past the promise each flow's deliveries wait in silence. */
  patience: readonly { readonly flow: string; readonly seconds: number }[];
  /** Sources whose events may bring records of a kind to a connection. */
  bringers: readonly {
    readonly connection: string;
    readonly kind: string;
    readonly from: string;
    readonly source: string;
  }[];
  /** Connections, and kinds at them, of which it is known why they do not come: they are that system's matter. */
  excused: readonly { readonly connection: string; readonly kind: string }[];
  limit: number;
}

/** One at a time in all hubs; false while another looks. Ends with the transaction. */
export async function mayLookForForlorn(sql: Sql): Promise<boolean> {
  const [row] = await sql.query<{ free: boolean }>(
    'awaited_alone',
    'select pg_try_advisory_xact_lock(7070, 6) as free',
  );
  return row!.free;
}

/** Whether any delivery waits for another record past its promise: a cheap look before the thorough one. */
export async function isAnythingLate(sql: Sql): Promise<boolean> {
  const [row] = await sql.query<{ late: boolean }>(
    'awaited_late',
    'select exists (select from delivery where waits > 0 and promised_at <= clock_timestamp()) as late',
  );
  return row!.late;
}

/**
 * What waits past its promise and patience for a record that nothing under way could bring, and is at no Exception yet: no delivery of it is open, none to its connection
 * was due before and is still to be sent (it may bring it, or the system is away), and no event that came before is unrouted. Locked; what others hold is left.
 */
export async function lockForlorn(
  sql: Sql,
  { patience, bringers, excused, limit }: ForlornTerms,
): Promise<ForlornRow[]> {
  return sql.query<ForlornRow>(
    'awaited_forlorn',
    `with late as materialized (
       select a.connection, a.entity, a.kind, a.key, min(d.promised_at + make_interval(secs => p.seconds)) as due,
         (array_agg(d.flow order by d.promised_at, d.id))[1] as flow
       from delivery d join unnest($1::text[], $2::double precision[]) as p (flow, seconds) on p.flow = d.flow join awaits a on a.delivery_id = d.id
       where d.waits > 0 and d.promised_at + make_interval(secs => p.seconds) <= clock_timestamp() group by 1, 2, 3, 4),
     sending as materialized (
       select d.connection, min(d.created_at) as since from delivery d
       where d.waits = 0 and d.state <> 'parked' and (d.attempts > 0 or d.not_before <= clock_timestamp())
         and not exists (select from delivery h where h.connection = d.connection and h.sink = d.sink and h.lane_key = d.lane_key and h.place < d.place
           and (h.waits > 0 or h.state = 'parked'))
       group by 1),
     bringing as materialized (
       select r.connection, r.kind, min(e.received_at) as since from unnest($3::text[], $4::text[], $5::text[], $6::text[]) as r (connection, kind, "from", source)
         join event e on e.connection = r."from" and e.source = r.source and e.state = 'new' group by 1, 2)
     select b.connection, b.entity, b.kind, b.key, l.flow from late l join binding b using (connection, entity, kind, key)
     where b.external_id is null and b.exception_id is null and coalesce(b.patient_until, '-infinity') <= clock_timestamp()
       and (b.connection, b.kind) not in (select * from unnest($7::text[], $8::text[]))
       and not exists (select from sending s where s.connection = b.connection and s.since <= l.due)
       and not exists (select from bringing g where g.connection = b.connection and g.kind = b.kind and g.since <= l.due)
       and not exists (select from document o join delivery d on d.document_id = o.id and d.connection = b.connection
         where o.entity = b.entity and o.kind = b.kind and o.key = b.key)
     order by l.due, b.connection, b.entity, b.kind, b.key limit $9 for update of b skip locked`,
    [
      ...columns(patience, ['flow', 'seconds']),
      ...columns(bringers, ['connection', 'kind', 'from', 'source']),
      ...columns(excused, ['connection', 'kind']),
      limit,
    ],
  );
}

/** Connections that have an open Exception of their own: they refuse to be written to, or to be read. */
export async function refusingConnections(sql: Sql): Promise<string[]> {
  const rows = await sql.query<{ connection: string }>(
    'awaited_refusing',
    `select distinct connection from exception where state = 'open' and cause in ('connection-refused', 'reading-refused')`,
  );
  return rows.map(({ connection }) => connection);
}

export interface ForlornException {
  id: string;
  entity: string;
  connection: string;
  kind: string;
  flow: string;
}

/** The open ones, locked: nobody decides on them meanwhile. */
export async function lockForlornExceptions(sql: Sql): Promise<ForlornException[]> {
  return sql.query<ForlornException>(
    'awaited_open',
    'select id, entity, connection, kind, flow from exception where cause = $1 and state = $2 order by id for update',
    [AWAITS_NOBODY, 'open'],
  );
}

/** Remembers at which Exception records stand. */
export async function noteForlorn(sql: Sql, rows: readonly (BindingKey & { exceptionId: string })[]): Promise<void> {
  if (rows.length === 0) return;
  await sql.query(
    'awaited_note',
    `update binding b set exception_id = n.exception_id
     from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::uuid[]) as n (connection, entity, kind, key, exception_id)
     where b.connection = n.connection and b.entity = n.entity and b.kind = n.kind and b.key = n.key`,
    columns(rows, ['connection', 'entity', 'kind', 'key', 'exceptionId']),
  );
}

/** Lets go of records that came, or that nothing waits for any more. Returns at which Exceptions, open or decided, they stood. */
export async function releaseForlorn(sql: Sql): Promise<string[]> {
  const rows = await sql.query<{ exception_id: string }>(
    'awaited_release',
    `with gone as (
       select connection, entity, kind, key, exception_id from binding b where exception_id is not null and (external_id is not null or not exists (
         select from awaits a where a.connection = b.connection and a.entity = b.entity and a.kind = b.kind and a.key = b.key))
       order by connection, entity, kind, key for update skip locked)
     update binding b set exception_id = null, patient_until = null from gone
     where b.connection = gone.connection and b.entity = gone.entity and b.kind = gone.kind and b.key = gone.key returning gone.exception_id`,
  );
  return [...new Set(rows.map(({ exception_id }) => exception_id))];
}

/** What stands at one Exception of this cause, for its words. */
export interface ForlornFigures {
  records: number;
  /** The first of them by name, at most ten. */
  keys: string[];
  /** Deliveries that wait for one of them, by kind. */
  waiting: { kind: string; count: number }[];
  since: Date | null;
}

export async function forlornFigures(sql: Sql, exceptionId: string): Promise<ForlornFigures> {
  const [row] = await sql.query<ForlornFigures>(
    'awaited_figures',
    `with records as materialized (select connection, entity, kind, key from binding where exception_id = $1),
     waiting as materialized (
       select distinct d.id, d.kind, d.created_at from records r join awaits a using (connection, entity, kind, key) join delivery d on d.id = a.delivery_id)
     select (select count(*)::int from records) as records,
       array(select key from records order by key limit 10) as keys,
       coalesce((select jsonb_agg(jsonb_build_object('kind', kind, 'count', n) order by n desc, kind) from (select kind, count(*) as n from waiting group by kind) k), '[]') as waiting,
       (select min(created_at) from waiting) as since`,
    [exceptionId],
  );
  return row!;
}

/** What deliveries wait for: one row for each connection, kind that waits and kind that is waited for; those that have waited longest first. */
export interface AwaitedSummary {
  connection: string;
  kind: string;
  needs: string;
  count: number;
  /** Of the one that has waited longest. */
  key: string;
  needKey: string;
  /** Seconds. */
  age: number;
  /** True when its promise is over. */
  late: boolean;
}

export async function awaitedSummary(sql: Sql): Promise<AwaitedSummary[]> {
  return sql.query<AwaitedSummary>(
    'awaited_summary',
    `select d.connection, d.kind, a.kind as needs, count(distinct d.id)::int as count, (array_agg(d.key order by d.created_at, d.id))[1] as key,
       (array_agg(a.key order by d.created_at, d.id))[1] as "needKey",
       greatest(extract(epoch from clock_timestamp() - min(d.created_at)), 0)::float8 as age,
       coalesce(bool_or(d.promised_at < clock_timestamp()), false) as late
     from delivery d join awaits a on a.delivery_id = d.id where d.waits > 0 group by 1, 2, 3 order by min(d.created_at) limit 20`,
  );
}

/** Rewrites the words of an Exception that is about more or fewer records now. */
export async function rewordException(sql: Sql, id: string, message: Buffer): Promise<void> {
  await sql.query('exception_reword', 'update exception set message_sealed = $2 where id = $1', [id, message]);
}
