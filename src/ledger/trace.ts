import type { Sql } from './database.ts';
import { heldBy } from './deliveries.ts';
import { byKey, byReference } from './pages/find.ts';
import { pseudonym, type Vault } from './vault.ts';

/** One step in the life of a record, as an operator reads it. */
export interface TraceStep {
  at: Date;
  what: 'event' | 'document' | 'delivery' | 'attempt' | 'exception' | 'binding' | 'expectation' | 'decision';
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

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The cheap look first. $2 are the two values as JSON text. */
const hasLabel = `(position(($2::text[])[1] in labels::text) > 0 or position(($2::text[])[2] in labels::text) > 0)
  and exists (select from jsonb_each_text(labels) l where l.value = any($1::text[]))`;

/** What became of the known documents and events. Events of one subject belong together (repeats, later versions): its 200 newest. */
const life = `
  subjects as (select distinct connection, subject from events_known),
  events as materialized (
    select e.* from subjects s cross join lateral (
      select id, connection, subject, lines, received_at, state from event where connection = s.connection and subject = s.subject
      union all
      select id, connection, subject, lines, received_at, outcome from event_history where connection = s.connection and subject = s.subject
      order by 1 desc limit 200) e),
  documents as (
    select * from document where event_id in (select id from events) or id in (select id from documents_known)),
  deliveries as (
    select id, connection, sink, kind, key, version, state, attempts, created_at as at,
      jsonb_build_object('attempts', attempts, 'promisedAt', promised_at, 'late', coalesce(promised_at < now() and state <> 'parked', false), 'awaits', coalesce(
        (select jsonb_agg(jsonb_build_object('kind', a.kind, 'key', a.key) order by a.kind, a.key) from awaits a where a.delivery_id = d.id), '[]'), 'behind', ${heldBy}) as detail
      from delivery d where document_id in (select id from documents)
    union all select id, connection, sink, kind, key, version, outcome, attempts, finished_at, jsonb_build_object('attempts', attempts) from delivery_history
      where document_id in (select id from documents)),
  exceptions as (
    select x.id::text, x.cause as about, x.state, x.lines, x.minor, x.currency, x.reason, x.message_sealed, x.opened_at, x.closed_at, x.closed_by
    from exception x where x.event_id in (select id from events) or x.delivery_id in (select id from deliveries) or x.id = $3::uuid
      or x.id in (select b.exception_id from deliveries d join awaits a on a.delivery_id = d.id
        join binding b on b.connection = a.connection and b.entity = a.entity and b.kind = a.kind and b.key = a.key)
      or x.id in (select e.exception_id from expectation e join documents d on d.entity = e.entity and d.kind = e.kind and d.key = e.document_key)
      or exists (select from jsonb_each_text(x.labels) l where l.value = any($1::text[])))
  select received_at as at, 'event' as what, id::text, connection || ' ' || subject as about, state, jsonb_build_object('lines', lines) as detail,
    null::bytea as message from events
  union all select written_at, 'document', id::text, kind || ' ' || key, 'version ' || version,
    jsonb_build_object('lines', lines, 'minor', minor, 'currency', currency), null from documents
  union all select at, 'delivery', id::text, connection || ' ' || sink || ' ' || kind || ' ' || key || ' v' || version, state, detail, null
    from deliveries
  union all select a.finished_at, 'attempt', a.delivery_id::text, 'attempt ' || a.number, a.outcome, '{}', a.message_sealed
    from attempt a join deliveries d on d.id = a.delivery_id
  union all select b.bound_at, 'binding', b.connection, b.kind || ' ' || b.key, b.external_id, jsonb_build_object('version', b.version), null
    from binding b join documents d on d.entity = b.entity and d.kind = b.kind and d.key = b.key where b.external_id is not null
  union all select coalesce(e.answered_at, e.due_at - make_interval(secs => e.within_seconds)), 'expectation', e.connection || ':' || e.key, e.connection || ' ' || case when e.unsent is null then e.key else 'unsent' end,
    case when e.answered_at is not null then 'answered' when e.due_at <= now() then 'overdue' else 'awaited' end,
    jsonb_build_object('until', e.due_at, 'answeredAt', e.answered_at), e.message_sealed
    from expectation e join documents d on d.entity = e.entity and d.kind = e.kind and d.key = e.document_key
  union all select opened_at, 'exception', id, about, state,
    jsonb_build_object('lines', lines, 'minor', minor, 'currency', currency, 'reason', reason), message_sealed
    from exceptions
  union all select closed_at, 'decision', id, about, state, jsonb_build_object('by', closed_by, 'reason', reason), null
    from exceptions where closed_by <> 'hub'
  union all select a.at, 'decision', substr(a.object, 7), a.detail->>'flow', 'told again', jsonb_build_object('by', a.actor, 'reason', a.detail->>'reason'), null
    from audit a where a.action = 'replay.asked' and a.object = any(array(select 'event:' || id from events))
  order by at, what desc`;

/** Finds by index: documents by id, key or reference; events by id or subject; what is still open, also by label. */
const known = `
  exceptions_known as materialized (
    select event_id, delivery_id from exception where id = $3::uuid or exists (select from jsonb_each_text(labels) l where l.value = any($1::text[]))),
  documents_known as materialized (
    select id, event_id from document where id = any(array(
      select $3::uuid
      union select * from (${byKey('$1')}) k
      union (select * from (${byReference('$2')}) r order by 1 desc limit 50)
      union select document_id from delivery where id = any(array(select $3::uuid union select delivery_id from exceptions_known))
      union select document_id from delivery_history where id = any(array(select $3::uuid union select delivery_id from exceptions_known))))),
  events_known as materialized (
    select id, connection, subject from event where id = $3::uuid or exists (select from jsonb_each_text(labels) l where l.value = any($1::text[]))
    union select id, connection, subject from event_history where id = $3::uuid
    union select e.id, e.connection, e.subject from connection c join event e on e.connection = c.name and e.subject = any($1::text[])
    union select e.id, e.connection, e.subject from connection c join event_history e on e.connection = c.name and e.subject = any($1::text[])
    union select e.id, e.connection, e.subject from documents_known d join event e on e.id = d.event_id
    union select e.id, e.connection, e.subject from documents_known d join event_history e on e.id = d.event_id
    union select id, connection, subject from event_history where id = any(array(select event_id from exceptions_known)))`;

/** Finds by label in all that is finished: one look at every row, so only when nothing else was found. */
const labelled = `
  documents_known as materialized (select id, event_id from document where ${hasLabel}),
  events_known as materialized (
    select id, connection, subject from event_history where ${hasLabel}
    union select e.id, e.connection, e.subject from documents_known d join event_history e on e.id = d.event_id)`;

/** The words of a step, or null. Of what is awaited it is what it is about. */
export function wordsOf(
  { what, sealed }: Pick<TraceStep, 'what' | 'sealed'>,
  vault: Pick<Vault, 'unseal'>,
): string | null {
  if (sealed === null) return null;
  const text = vault.unseal(sealed.bytes, sealed.place).toString();
  return what === 'expectation' ? (JSON.parse(text) as { about: string }).about : text;
}

/** A number as people may write it: they leave out the sign that shops write before one. */
export const spellings = (key: string): string[] => [key, key.startsWith('#') ? key.slice(1) : `#${key}`];

/**
 * Everything the ledger holds about an id, a document's key or reference (of many documents that carry it the 50 newest), a subject, or a label's value
 * (an invoice number, with its `#` or without), oldest first. What stands in the ledger as a digest is found by the name itself. A label that is no
 * document's reference is looked for last, in every finished record.
 */
export async function traceSteps(sql: Sql, vault: Pick<Vault, 'digest'>, key: string): Promise<TraceStep[]> {
  const id = UUID.test(key) ? key : null;
  const words = id === null ? spellings(key) : [key];
  const steps = await stepsOf(words, (word) =>
    sql.query<Row>('trace', `with ${known}, ${life}`, [[word, pseudonym(vault, word)], vault.digest(word), id]),
  );
  if (steps.length > 0 || id !== null) return steps;
  return stepsOf(words, (word) => {
    const names = [word, pseudonym(vault, word)];
    return sql.query<Row>('trace_labels', `with ${labelled}, ${life}`, [
      names,
      names.map((name) => JSON.stringify(name)),
      id,
    ]);
  });
}

/** What is found by any of the words, each step once. */
async function stepsOf(words: readonly string[], find: (word: string) => Promise<Row[]>): Promise<TraceStep[]> {
  const steps = new Map<string, Row>();
  for (const word of words) for (const row of await find(word)) steps.set(`${row.what} ${row.id} ${row.about}`, row);
  return [...steps.values()]
    .sort((one, other) => one.at.getTime() - other.at.getTime())
    .map(({ message, ...row }) => ({
      ...row,
      sealed: message ? { bytes: message, place: `${row.what}:${row.id}` } : null,
    }));
}
