import type { Sql } from './database.ts';
import type { ExceptionRow } from './exceptions.ts';

/** Signs of life that the figures do not hold. */
export interface Vitals {
  /** Age in seconds of the oldest delivery that has not arrived and is not held; 0 when there is none. */
  oldestWaitingSeconds: number;
  /** Deliveries that have not arrived, are not held, and are past what their flow promises. */
  lateDeliveries: number;
  /** Age in seconds of the oldest event that was not routed yet and is not held; 0 when there is none. */
  oldestUnroutedSeconds: number;
  /** Audit records that the chain does not hold yet. */
  unsealedAudit: number;
  /** Hub processes seen within the last 30 seconds. */
  liveNodes: number;
}

/** Asks the ledger for any answer at all. */
export async function askLedger(sql: Sql): Promise<void> {
  await sql.query('ready', 'select 1');
}

export async function readVitals(sql: Sql): Promise<Vitals> {
  const [row] = await sql.query<Vitals>(
    'vitals',
    `select
       (select coalesce(greatest(extract(epoch from clock_timestamp() - min(created_at)), 0), 0)::float8
          from delivery where state in ('waiting', 'leased', 'unknown')) as "oldestWaitingSeconds",
       (select count(*)::int from delivery d where state in ('waiting', 'leased', 'unknown') and promised_at < clock_timestamp()
          and (attempts > 0 or not_before <= clock_timestamp())
          and not (waits > 0 and exists (select from awaits a join binding b using (connection, entity, kind, key) join exception x on x.id = b.exception_id
            where a.delivery_id = d.id and x.state = 'dismissed'))) as "lateDeliveries",
       (select coalesce(greatest(extract(epoch from clock_timestamp() - min(e.received_at)), 0), 0)::float8
          from event e where state = 'new'
            and not exists (select from event p where p.connection = e.connection and p.subject = e.subject and p.seq < e.seq and p.state = 'parked')) as "oldestUnroutedSeconds",
       (select count(*)::int from audit a
          where xid >= coalesce((select value from setting where name = 'audit_sealed_xid'), '0')::xid8
            and not exists (select from audit_seal s where s.audit_id = a.id)) as "unsealedAudit",
       (select count(*)::int from node where seen_at > clock_timestamp() - interval '30 seconds') as "liveNodes"`,
  );
  return row!;
}

/** The open Exceptions that were opened last, newest first. */
export async function latestExceptions(sql: Sql, limit: number): Promise<ExceptionRow[]> {
  return sql.query<ExceptionRow>(
    'exceptions_latest',
    `select id, entity, flow, connection, subject, kind, key, event_id, delivery_id, holds, cause, field, message_sealed, owner, due_at, labels, lines, currency,
       minor, absolute, state, reason, opened_at
     from exception where state = 'open' order by id desc limit $1`,
    [limit],
  );
}

/** The version of the ledger's PostgreSQL, such as `18.4`. */
export async function serverVersion(sql: Sql): Promise<string> {
  const [row] = await sql.query<{ version: string }>('server', "select current_setting('server_version') as version");
  return row!.version;
}
