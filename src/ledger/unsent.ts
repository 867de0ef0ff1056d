import type { Sql } from './database.ts';
import type { ExpectationRow, NewExpectation } from './expectations.ts';
import { columns } from './rows.ts';

/** What is to be at a sink by a moment: the key of its row, unique within the connection. */
export const unsentKey = (sink: string, documentId: string): string => `unsent:${sink}:${documentId}`;

/** The delivery `d` is what the expectation `e` is about. */
const isAbout =
  "d.document_id = e.unsent and d.connection = e.connection and e.key = 'unsent:' || d.sink || ':' || d.document_id";

/** Of overdue expectations `e` those that a person is to hear of: of what is not sent not yet while its own version stands at an Exception already. */
export const isWanting = `(e.unsent is null or exists (select from delivery d where ${isAbout} and d.version >= e.version and d.state <> 'parked'))`;

export interface UnsentRow {
  connection: string;
  key: string;
  /** Seconds since it was first owed. */
  waited: number;
  exception_id: string | null;
}

/** What earlier versions of documents are still to be sent by, locked. */
export async function lockUnsent(
  sql: Sql,
  rows: readonly { readonly connection: string; readonly key: string }[],
): Promise<UnsentRow[]> {
  if (rows.length === 0) return [];
  return sql.query<UnsentRow>(
    'unsent_lock',
    `select connection, key, extract(epoch from now() - due_at)::float8 + within_seconds as waited, exception_id from expectation
     where (connection, key) in (select * from unnest($1::text[], $2::text[])) and answered_at is null order by connection, key for update`,
    columns(rows, ['connection', 'key']),
  );
}

export interface NewUnsent extends Omit<NewExpectation, 'parts'> {
  documentId: string;
  /** Seconds from now; negative where it is overdue. */
  leftSeconds: number;
}

/** Remembers by when documents must be sent; what is overdue in its later version as well stays at its Exception. */
export async function addUnsent(sql: Sql, rows: readonly NewUnsent[]): Promise<void> {
  if (rows.length === 0) return;
  await sql.query(
    'unsent_add',
    `insert into expectation (entity, connection, key, flow, owner, patience_seconds, kind, document_key, version, labels, message_sealed, within_seconds, due_at, unsent)
     select u.entity, u.connection, u.key, u.flow, u.owner, u.patience, u.kind, u.document_key, u.version, u.labels, u.message, u.within, now() + make_interval(secs => u."left"), u.document_id
     from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::double precision[], $7::text[], $8::text[], $9::integer[], $10::jsonb[], $11::bytea[],
       $12::double precision[], $13::double precision[], $14::uuid[])
       as u (entity, connection, key, flow, owner, patience, kind, document_key, version, labels, message, within, "left", document_id)
     order by u.connection, u.key
     on conflict (connection, key) do update set flow = excluded.flow, owner = excluded.owner, patience_seconds = excluded.patience_seconds, version = excluded.version,
       labels = excluded.labels, message_sealed = excluded.message_sealed, within_seconds = excluded.within_seconds, due_at = excluded.due_at, answered_at = null,
       exception_id = case when expectation.answered_at is null and excluded.due_at <= now() then expectation.exception_id end`,
    columns(rows, [
      'entity',
      'connection',
      'key',
      'flow',
      'owner',
      'patienceSeconds',
      'kind',
      'documentKey',
      'version',
      'labels',
      'message',
      'withinSeconds',
      'leftSeconds',
      'documentId',
    ]),
  );
}

/** Deliveries that are about to end, in whatever way: nobody waits for them to be sent any more. Returns the Exceptions that this had become. */
export async function endUnsent(sql: Sql, deliveries: readonly string[]): Promise<string[]> {
  if (deliveries.length === 0) return [];
  const rows = await sql.query<{ exception_id: string }>(
    'unsent_end',
    'select exception_id from end_unsent($1::uuid[]) as exception_id',
    [deliveries],
  );
  return rows.map(({ exception_id }) => exception_id);
}

/** Of these documents it does not matter any more when they are sent. Returns the Exceptions that they had become. */
export async function forgoUnsent(
  sql: Sql,
  rows: readonly { readonly connection: string; readonly key: string }[],
): Promise<string[]> {
  if (rows.length === 0) return [];
  const closing = await sql.query<{ exception_id: string }>(
    'unsent_forgo',
    `with ended as (
       select connection, key, exception_id from expectation where (connection, key) in (select * from unnest($1::text[], $2::text[])) and answered_at is null
       order by connection, key for update),
     kept as (
       update expectation e set answered_at = now() from ended where e.connection = ended.connection and e.key = ended.key and ended.exception_id is not null),
     gone as (
       delete from expectation e using ended where e.connection = ended.connection and e.key = ended.key and ended.exception_id is null)
     select exception_id from ended where exception_id is not null`,
    columns(rows, ['connection', 'key']),
  );
  return closing.map(({ exception_id }) => exception_id);
}

/** Why something is not sent, as far as the ledger knows. */
export interface UnsentFacts {
  connection: string;
  key: string;
  /** Since when it is owed. */
  owed: Date;
  /** Whether an earlier version is there. */
  bound: boolean;
  /** Since when a person has the connection paused. */
  paused: Date | null;
  /** A record that it waits for. */
  needs: { kind: string; key: string } | null;
  /** The earlier version at whose Exception its lane is held. */
  held: number | null;
  /** Since when the connection takes nothing, as the oldest failed call for what is still owed to it shows. */
  away: Date | null;
  /** The last of these answers, sealed, and the delivery it was about. */
  answer: { message_sealed: Buffer; delivery_id: string } | null;
}

export async function unsentFacts(sql: Sql, rows: readonly ExpectationRow[]): Promise<UnsentFacts[]> {
  if (rows.length === 0) return [];
  const found = await sql.query<
    Omit<UnsentFacts, 'answer'> & { message_sealed: Buffer | null; delivery_id: string | null }
  >(
    'unsent_facts',
    `with failing as materialized (
       select d.connection, min(a.started_at) as since, (array_agg(a.message_sealed order by a.finished_at desc))[1] as message_sealed,
         (array_agg(a.delivery_id order by a.finished_at desc))[1] as delivery_id
       from delivery d join attempt a on a.delivery_id = d.id
       where d.connection = any($1::text[]) and d.state <> 'parked' and a.outcome in ('transient', 'unknown', 'throttled', 'refused') and a.message_sealed is not null group by 1)
     select e.connection, e.key, d.created_at as owed, b.external_id is not null as bound, case when c.state = 'paused' then c.changed_at end as paused,
       (select jsonb_build_object('kind', a.kind, 'key', a.key) from awaits a where a.delivery_id = d.id order by a.kind, a.key limit 1) as needs,
       (select h.version from delivery h where h.connection = d.connection and h.sink = d.sink and h.lane_key = d.lane_key and h.place < d.place and h.state = 'parked'
         order by h.place limit 1) as held,
       f.since as away, f.message_sealed, f.delivery_id
     from unnest($1::text[], $2::text[]) as w (connection, key) join expectation e using (connection, key)
       join lateral (select * from delivery d where ${isAbout} order by d.place desc limit 1) d on true
       join connection c on c.name = e.connection
       left join binding b on b.connection = d.connection and b.entity = d.entity and b.kind = d.kind and b.key = d.key
       left join failing f on f.connection = e.connection`,
    columns(rows, ['connection', 'key']),
  );
  return found.map(({ message_sealed, delivery_id, ...row }) => ({
    ...row,
    answer: message_sealed === null || delivery_id === null ? null : { message_sealed, delivery_id },
  }));
}
