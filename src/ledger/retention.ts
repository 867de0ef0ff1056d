import { genesis } from './audit.ts';
import type { Database, Sql } from './database.ts';

/** A monthly partition all of whose rows are older than a moment. */
export interface OldPartition {
  readonly name: string;
  readonly parent: HistoryTable;
  /** First moment of the month after it. */
  readonly until: Date;
}

export const historyTables = ['event_history', 'document_version', 'delivery_history', 'attempt'] as const;
export type HistoryTable = (typeof historyTables)[number] | 'audit';

/** Which rows something that still lives refers to, by table; `t` is the row. */
const needed: Readonly<Record<HistoryTable, string>> = {
  event_history: `exists (select from exception x where x.event_id = t.id and x.state = 'open') or exists (select from delivery d where d.event_id = t.id)`,
  document_version: `exists (select from delivery d where d.document_id = t.document_id and d.version = t.version)`,
  delivery_history: `exists (select from exception x where x.delivery_id = t.id and x.state = 'open')`,
  attempt: `exists (select from delivery d where d.id = t.delivery_id)`,
  audit: 'false',
};

/** Monthly partitions of a history table that end at or before a moment, oldest first. */
export async function oldPartitions(sql: Sql, parent: HistoryTable, before: Date): Promise<OldPartition[]> {
  return sql.query<OldPartition>(
    'partitions_old',
    `select * from (
       select c.relname::text as name, p.relname::text as parent,
         (to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month')::timestamp at time zone 'utc' as until
       from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_class p on p.oid = i.inhparent
       where p.relnamespace = 'crossdock'::regnamespace and p.relname = $1 and c.relname ~ '_\\d{4}_\\d{2}$') m
     where until <= $2 order by until`,
    [parent, before],
  );
}

/** Rows of a partition, and those among them that are still needed. */
export async function countPartition(
  sql: Sql,
  { name, parent }: OldPartition,
): Promise<{ rows: number; needed: number }> {
  const [row] = await sql.query<{ rows: number; needed: number }>(
    `partition_count_${name}`,
    `select count(*)::int as rows, (count(*) filter (where ${needed[parent]}))::int as needed from "${name}" t`,
  );
  return row!;
}

/** What the rows say in the figures is added to `retired`, grouped by the SQL expressions of a name. */
async function retire(
  sql: Sql,
  id: string,
  rows: { what: 'event' | 'delivery' | 'exception'; name: string; from: string },
): Promise<void> {
  await sql.query(
    id,
    `insert into retired (entity, what, name, currency, count, lines, minor, absolute)
     select entity, '${rows.what}', ${rows.name}, coalesce(currency, ''), count(*), sum(lines), sum(minor), sum(absolute) from ${rows.from} group by 1, 3, 4
     on conflict (entity, what, name, currency) do update set count = retired.count + excluded.count, lines = retired.lines + excluded.lines,
       minor = retired.minor + excluded.minor, absolute = retired.absolute + excluded.absolute`,
  );
}

/**
 * Removes a month: the partition is dropped, or, while something in it is still needed, everything else is deleted from it. What its rows said in the
 * figures stays. Returns rows removed and kept. In the caller's transaction; gives up (55P03) rather than let everybody queue behind its lock.
 */
export async function removePartition(sql: Sql, partition: OldPartition): Promise<{ removed: number; kept: number }> {
  const { name, parent } = partition;
  await sql.query('retention_patience', "set local lock_timeout = '2s'");
  await sql.query(`partition_lock_${name}`, `lock table "${name}" in share row exclusive mode`);
  const { rows, needed: kept } = await countPartition(sql, partition);
  const going = kept === 0 ? `"${name}" t` : `"${name}" t where not (${needed[parent]})`;
  if (parent === 'event_history') await retire(sql, `retire_${name}`, { what: 'event', name: 'outcome', from: going });
  if (parent === 'delivery_history')
    await retire(sql, `retire_${name}`, { what: 'delivery', name: 'outcome', from: going });
  if (kept === 0) await sql.query(`partition_drop_${name}`, `drop table "${name}"`);
  else if (rows > kept) await sql.query(`partition_thin_${name}`, `delete from ${going}`);
  return { removed: rows - kept, kept };
}

const gone = `finished_at < $1 and payload_sealed is not null and not (${needed.event_history})`;

/** Raw records of finished events that ended before a moment; those of open Exceptions and deliveries stay. */
export async function countPayloads(sql: Sql, before: Date): Promise<number> {
  const [row] = await sql.query<{ count: number }>(
    'payloads_count',
    `select count(*)::int as count from event_history t where finished_at >= ${mark} and ${gone}`,
    [before],
  );
  return row!.count;
}

/** Up to here there is none left but those that were still needed. */
const mark = `(select coalesce(max(value), '-infinity')::timestamptz from setting where name = 'payloads_removed_until')`;

/** Removes up to `limit` of them; returns how many. */
export async function removePayloads(sql: Sql, before: Date, limit: number): Promise<number> {
  const rows = await sql.query(
    'payloads_remove',
    `update event_history h set payload_sealed = null from (
       select id, finished_at from event_history t where finished_at >= ${mark} and ${gone} order by finished_at limit $2) old
     where h.id = old.id and h.finished_at = old.finished_at returning 1`,
    [before, limit],
  );
  return rows.length;
}

/** Remembers where the next search for raw records begins: at the oldest that is still there. */
export async function markPayloads(sql: Sql, before: Date): Promise<void> {
  await sql.query(
    'payloads_mark',
    `insert into setting (name, value)
     select 'payloads_removed_until', coalesce((select min(finished_at) from event_history where finished_at >= ${mark} and finished_at < $1 and payload_sealed is not null), $1)::text
     on conflict (name) do update set value = excluded.value`,
    [before],
  );
}

/** What targets answered to finished deliveries before a moment. */
export async function countMessages(sql: Sql, before: Date): Promise<number> {
  const [row] = await sql.query<{ count: number }>(
    'messages_count',
    `select count(*)::int as count from attempt t where finished_at < $1 and message_sealed is not null and not (${needed.attempt})`,
    [before],
  );
  return row!.count;
}

export async function removeMessages(sql: Sql, before: Date, limit: number): Promise<number> {
  const rows = await sql.query(
    'messages_remove',
    `update attempt a set message_sealed = null from (
       select delivery_id, number, finished_at from attempt t where finished_at < $1 and message_sealed is not null and not (${needed.attempt}) limit $2) old
     where a.delivery_id = old.delivery_id and a.number = old.number and a.finished_at = old.finished_at returning 1`,
    [before, limit],
  );
  return rows.length;
}

/** Exceptions that were decided on before a moment. */
export async function countExceptions(sql: Sql, before: Date): Promise<number> {
  const [row] = await sql.query<{ count: number }>(
    'exceptions_old',
    "select count(*)::int as count from exception where state <> 'open' and closed_at < $1",
    [before],
  );
  return row!.count;
}

export async function removeExceptions(sql: Sql, before: Date, limit: number): Promise<number> {
  const rows = await sql.query(
    'exceptions_remove',
    `with gone as (
       delete from exception where id in (select id from exception where state <> 'open' and closed_at < $1 limit $2) returning *),
     counted as (
       insert into retired (entity, what, name, currency, count, lines, minor, absolute)
       select entity, 'exception', case when state = 'dismissed' then 'dismissed' when event_id is not null and not holds then 'routed-again' else 'decided' end,
         coalesce(currency, ''), count(*), sum(lines), sum(minor), sum(absolute) from gone group by 1, 3, 4
       on conflict (entity, what, name, currency) do update set count = retired.count + excluded.count, lines = retired.lines + excluded.lines,
         minor = retired.minor + excluded.minor, absolute = retired.absolute + excluded.absolute)
     select 1 from gone`,
    [before, limit],
  );
  return rows.length;
}

/** What was expected before a moment and is answered, or an Exception that is decided on. */
const met = `due_at < $1 and (answered_at is not null or exception_id is not null)
  and not exists (select from exception x where x.id = t.exception_id and x.state = 'open')`;

export async function countExpectations(sql: Sql, before: Date): Promise<number> {
  const [row] = await sql.query<{ count: number }>(
    'expectations_old',
    `select count(*)::int as count from expectation t where ${met}`,
    [before],
  );
  return row!.count;
}

export async function removeExpectations(sql: Sql, before: Date, limit: number): Promise<number> {
  const rows = await sql.query(
    'expectations_remove',
    `delete from expectation e using (select connection, key from expectation t where ${met} limit $2) old
     where e.connection = old.connection and e.key = old.key returning 1`,
    [before, limit],
  );
  return rows.length;
}

/** Numbers given to a partner before a moment, but for those of what is not delivered yet. */
const spent = 'given_at < $1 and not exists (select from delivery d where d.document_id = t.document_id)';

export async function countNumbers(sql: Sql, before: Date): Promise<number> {
  const [row] = await sql.query<{ count: number }>(
    'partner_numbers_old',
    `select count(*)::int as count from partner_number t where ${spent}`,
    [before],
  );
  return row!.count;
}

export async function removeNumbers(sql: Sql, before: Date, limit: number): Promise<number> {
  const rows = await sql.query(
    'partner_numbers_remove',
    `delete from partner_number n using (select connection, number from partner_number t where ${spent} limit $2) old
     where n.connection = old.connection and n.number = old.number returning 1`,
    [before, limit],
  );
  return rows.length;
}

/** Dedupe keys from before a moment, but for those of events that still wait. */
export async function countSeen(sql: Sql, before: Date): Promise<number> {
  const [row] = await sql.query<{ count: number }>(
    'seen_old',
    'select count(*)::int as count from seen s where seen_at < $1 and not exists (select from event e where e.id = s.event_id)',
    [before],
  );
  return row!.count;
}

export async function removeSeen(sql: Sql, before: Date, limit: number): Promise<number> {
  const rows = await sql.query(
    'seen_remove',
    `delete from seen s using (
       select connection, key from seen o where seen_at < $1 and not exists (select from event e where e.id = o.event_id) limit $2) old
     where s.connection = old.connection and s.key = old.key returning 1`,
    [before, limit],
  );
  return rows.length;
}

/** What flows keep of subjects of which nothing was heard since a moment, and of which nothing waits. */
export async function countSubjects(sql: Sql, before: Date): Promise<number> {
  const [row] = await sql.query<{ count: number }>(
    'subjects_old',
    `select count(*)::int as count from subject t where ${quiet}`,
    [before],
  );
  return row!.count;
}

const quiet = `updated_at < $1 and not exists (select from event e where e.connection = t.connection and e.subject = t.subject)
  and not exists (select from exception x where x.connection = t.connection and x.subject = t.subject and x.state = 'open')`;

export async function removeSubjects(sql: Sql, before: Date, limit: number): Promise<number> {
  const rows = await sql.query(
    'subjects_remove',
    `delete from subject s using (select connection, flow, subject from subject t where ${quiet} limit $2) old
     where s.connection = old.connection and s.flow = old.flow and s.subject = old.subject returning 1`,
    [before, limit],
  );
  return rows.length;
}

/**
 * Whether the audit's months before a moment can go, and where the chain then begins: null while a record among them is not sealed yet. Links up to `seq` go;
 * between it and `last_seq` records of a younger month stand among those that go, so their links stay.
 */
export async function auditCutAt(
  sql: Sql,
  before: Date,
): Promise<{ seq: bigint; last_seq: bigint; records: number } | null> {
  const [row] = await sql.query<{ unsealed: boolean; first_kept: bigint | null; last: bigint | null; records: number }>(
    'audit_cut_at',
    `select exists (select from audit a where at < $1 and not exists (select from audit_seal s where s.audit_id = a.id)) as unsealed,
       (select min(seq) from audit_seal where at >= $1) as first_kept,
       (select max(seq) from audit_seal s where at < $1 and exists (select from audit a where a.id = s.audit_id and a.at = s.at)) as last,
       (select count(*)::int from audit where at < $1) as records`,
    [before],
  );
  const { unsealed, first_kept: firstKept, last, records } = row!;
  // At least one younger link must be there to begin with.
  if (unsealed || last === null || firstKept === null) return null;
  return { seq: (firstKept <= last ? firstKept : last + 1n) - 1n, last_seq: last, records };
}

/** Drops the audit's months before a moment with their links, and writes down where the chain begins now. In the caller's transaction. */
export async function cutAudit(
  sql: Sql,
  partitions: readonly OldPartition[],
  before: Date,
  cut: { seq: bigint; last_seq: bigint },
): Promise<Buffer> {
  await sql.query('retention_patience', "set local lock_timeout = '2s'");
  const [link] = await sql.query<{ hash: Buffer }>(
    'audit_cut_hash',
    `select hash from audit_seal where seq = $1 union all select hash from audit_cut where seq = $1 limit 1`,
    [cut.seq],
  );
  const hash = link?.hash ?? genesis;
  await sql.query(
    'audit_cut_write',
    `insert into audit_cut (seq, hash, last_seq, before) values ($1, $2, $3, $4)
     on conflict (seq) do update set last_seq = excluded.last_seq, before = excluded.before, cut_at = now()`,
    [cut.seq, hash, cut.last_seq, before],
  );
  for (const { name } of partitions) await sql.query(`partition_drop_${name}`, `drop table "${name}"`);
  await sql.query('audit_cut_links', 'delete from audit_seal where seq <= $1', [cut.seq]);
  return hash;
}

/** Runs `remove` in transactions of up to `limit` rows each until nothing is left. Returns how many rows went. */
export async function removeAll(
  db: Database,
  remove: (sql: Sql, limit: number) => Promise<number>,
  limit = 2000,
): Promise<number> {
  for (let total = 0; ; ) {
    const removed = await db.transaction((sql) => remove(sql, limit));
    total += removed;
    if (removed < limit) return total;
  }
}
