import type { Sql } from './database.ts';

/** One step in the life of a record, as an operator reads it. */
export interface TraceStep {
  at: Date;
  what: 'event' | 'document' | 'delivery' | 'attempt' | 'exception' | 'binding';
  id: string;
  about: string;
  state: string;
  detail: Record<string, unknown>;
  sealed: { bytes: Buffer; place: string } | null;
}

interface Row {
  at: Date;
  what: TraceStep['what'];
  id: string;
  about: string;
  state: string;
  detail: Record<string, unknown>;
  message: Buffer | null;
}

/**
 * Everything the ledger holds about a label's value (an invoice number), an event, document or delivery id, or a reference (`digest` is its keyed
 * digest; of many documents that carry it the 50 newest), oldest first.
 */
export async function traceSteps(sql: Sql, key: string, digest: Buffer): Promise<TraceStep[]> {
  const rows = await sql.query<Row>(
    'trace',
    `with referenced as materialized (
       select id, event_id from document where id in (select document_id from reference where value = $2) order by id desc limit 50),
     events as (
       select id, connection, subject, labels, lines, received_at, state, null::timestamptz as finished_at from event
         where exists (select from jsonb_each_text(labels) l where l.value = $1) or id::text = $1 or subject = $1 or id in (select event_id from referenced)
       union all select id, connection, subject, labels, lines, received_at, outcome, finished_at from event_history
         where exists (select from jsonb_each_text(labels) l where l.value = $1) or id::text = $1 or subject = $1 or id in (select event_id from referenced)),
     documents as (
       select * from document where event_id in (select id from events) and exists (select from jsonb_each_text(labels) l where l.value = $1)
         or id::text = $1 or key = $1 or id in (select id from referenced)),
     deliveries as (
       select id, connection, sink, kind, key, version, state, attempts, created_at as at from delivery where document_id in (select id from documents)
       union all select id, connection, sink, kind, key, version, outcome, attempts, finished_at from delivery_history where document_id in (select id from documents))
     select received_at as at, 'event' as what, id::text, connection || ' ' || subject as about, state, jsonb_build_object('lines', lines) as detail, null::bytea as message from events
     union all select written_at, 'document', id::text, kind || ' ' || key, 'version ' || version, jsonb_build_object('lines', lines, 'minor', minor, 'currency', currency), null from documents
     union all select at, 'delivery', id::text, connection || ' ' || sink || ' ' || kind || ' ' || key || ' v' || version, state, jsonb_build_object('attempts', attempts), null from deliveries
     union all select a.finished_at, 'attempt', a.delivery_id::text, 'attempt ' || a.number, a.outcome, '{}', a.message_sealed from attempt a join deliveries d on d.id = a.delivery_id
     union all select b.bound_at, 'binding', b.connection, b.kind || ' ' || b.key, b.external_id, jsonb_build_object('version', b.version), null
       from binding b join documents d on d.entity = b.entity and d.kind = b.kind and d.key = b.key where b.external_id is not null
     union all select x.opened_at, 'exception', x.id::text, x.cause, x.state, jsonb_build_object('lines', x.lines, 'minor', x.minor, 'currency', x.currency, 'reason', x.reason), x.message_sealed
       from exception x where x.event_id in (select id from events) or x.delivery_id in (select id from deliveries) or x.id::text = $1
     order by at, what desc`,
    [key, digest],
  );
  return rows.map(({ message, ...row }) => ({
    ...row,
    sealed: message ? { bytes: message, place: `${row.what}:${row.id}` } : null,
  }));
}
