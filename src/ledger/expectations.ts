import type { Sql } from './database.ts';
import { columns } from './rows.ts';
import { isWanting } from './unsent.ts';

/** What must still come of a document version that was sent. `message` and `refusal` are sealed. */
export interface ExpectationRow {
  entity: string;
  connection: string;
  key: string;
  flow: string;
  owner: string;
  patience_seconds: number;
  kind: string | null;
  document_key: string | null;
  version: number | null;
  labels: Record<string, string>;
  message_sealed: Buffer | null;
  refusal_sealed: Buffer | null;
  exception_id: string | null;
  /** The document that is still to be sent; null: it was, and an answer is awaited. */
  unsent: string | null;
}

export interface NewExpectation {
  entity: string;
  connection: string;
  key: string;
  flow: string;
  owner: string;
  patienceSeconds: number;
  kind: string;
  documentKey: string;
  version: number;
  labels: Readonly<Record<string, string>>;
  message: Buffer;
  withinSeconds: number;
  /** Sets of texts as JSON; null: it comes whole. */
  parts: string | null;
}

const shown =
  'entity, connection, key, flow, owner, patience_seconds, kind, document_key, version, labels, message_sealed, refusal_sealed, exception_id, unsent';

/**
 * Remembers what must still come; a repeat of the same delivery does not wait longer, a later version of the document says anew until when. Returns those whose answer was there first, and was a refusal:
 * nobody has been told yet.
 */
export async function addExpectations(sql: Sql, rows: readonly NewExpectation[]): Promise<ExpectationRow[]> {
  if (rows.length === 0) return [];
  const written = await sql.query<ExpectationRow>(
    'expectations_add',
    `insert into expectation (entity, connection, key, flow, owner, patience_seconds, kind, document_key, version, labels, message_sealed,
       within_seconds, parts, due_at)
     select e.entity, e.connection, e.key, e.flow, e.owner, e.patience, e.kind, e.document_key, e.version, e.labels, e.message, e.within,
       (select array_agg(p) from jsonb_array_elements_text(e.parts) p), now() + make_interval(secs => e.within)
     from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::double precision[], $7::text[],
       $8::text[], $9::integer[], $10::jsonb[], $11::bytea[], $12::double precision[], $13::jsonb[])
       as e (entity, connection, key, flow, owner, patience, kind, document_key, version, labels, message, within, parts)
     order by e.connection, e.key
     on conflict (connection, key) do update set flow = excluded.flow, owner = excluded.owner, patience_seconds = excluded.patience_seconds, kind = excluded.kind,
       document_key = excluded.document_key, version = excluded.version, labels = excluded.labels, message_sealed = excluded.message_sealed, within_seconds = excluded.within_seconds,
       parts = excluded.parts, answered_at = case when excluded.parts is null or excluded.parts <@ expectation.came then expectation.answered_at end,
       due_at = case when expectation.kind is null or excluded.version > expectation.version then excluded.due_at else expectation.due_at end
     returning ${shown}`,
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
      'parts',
    ]),
  );
  return written.filter((row) => row.refusal_sealed !== null && row.exception_id === null);
}

export interface NewAnswer {
  entity: string;
  connection: string;
  key: string;
  /** The flow that heard it, and who is asked when nobody ever sent what it answers. */
  flow: string;
  owner: string;
  patienceSeconds: number;
  labels: Readonly<Record<string, string>>;
  refusal: Buffer | null;
  /** Nobody need have asked. */
  unasked: boolean;
  /** Null: all of it. */
  parts: readonly string[] | null;
}

/** How long an answer may be there before we know that we sent what it answers. */
const EARLY_SECONDS = 3600;

/** Writes one answer down; the last one counts. Returns what is known of the expectation, with the Exception it had become, and whether all has come. */
export async function answerExpectation(sql: Sql, answer: NewAnswer): Promise<ExpectationRow & { whole: boolean }> {
  const [row] = await sql.query<ExpectationRow & { whole: boolean }>(
    'expectation_answer',
    `insert into expectation (entity, connection, key, flow, owner, patience_seconds, labels, refusal_sealed, within_seconds, due_at, answered_at, unasked, came)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, now() + make_interval(secs => $9), now(), $10, coalesce($11::text[], '{}'))
     on conflict (connection, key) do update set refusal_sealed = excluded.refusal_sealed,
       came = case when $11::text[] is null then coalesce(expectation.parts, expectation.came) else expectation.came || excluded.came end,
       answered_at = case when $11::text[] is null or expectation.parts is null or expectation.parts <@ (expectation.came || excluded.came) then now() end
     returning ${shown}, answered_at is not null as whole`,
    [
      answer.entity,
      answer.connection,
      answer.key,
      answer.flow,
      answer.owner,
      answer.patienceSeconds,
      answer.labels,
      answer.refusal,
      EARLY_SECONDS,
      answer.unasked,
      answer.parts === null ? null : [...answer.parts],
    ],
  );
  return row!;
}

/** Earlier versions of a document need no answer of their own once a later one is accepted. Returns the Exceptions they had become. */
export async function answerEarlier(
  sql: Sql,
  { connection, kind, document_key, version }: ExpectationRow,
): Promise<string[]> {
  const rows = await sql.query<{ exception_id: string | null }>(
    'expectations_earlier',
    `update expectation set answered_at = now() where connection = $1 and kind = $2 and document_key = $3 and version < $4 and answered_at is null
     returning exception_id`,
    [connection, kind, document_key, version],
  );
  return rows.flatMap(({ exception_id }) => exception_id ?? []);
}

/** Lets what is to come of documents begin anew where a later version was sent, or be forgone. Returns the Exceptions that were opened for want of it. */
export async function forgetWants(
  sql: Sql,
  connection: string,
  { renewed, forgone }: { renewed: readonly { key: string; version: number }[]; forgone: readonly string[] },
): Promise<string[]> {
  if (renewed.length + forgone.length === 0) return [];
  const rows = await sql.query<{ exception_id: string | null }>(
    'expectations_forget',
    `with old as (
       select e.connection, e.key, e.exception_id, n.key is null as forgone from expectation e
         left join unnest($2::text[], $3::integer[]) as n (key, version) on n.key = e.key
       where e.connection = $1 and e.answered_at is null and (e.key = any($4::text[]) or e.version < n.version)
       order by e.key for update of e)
     update expectation e set exception_id = null, answered_at = case when old.forgone then now() end
     from old where e.connection = old.connection and e.key = old.key returning old.exception_id`,
    [connection, renewed.map(({ key }) => key), renewed.map(({ version }) => version), forgone],
  );
  return rows.flatMap(({ exception_id }) => exception_id ?? []);
}

/** Remembers which Exception each became, by connection and key. */
export async function noteExceptions(
  sql: Sql,
  rows: readonly { connection: string; key: string; exceptionId: string | null }[],
): Promise<void> {
  if (rows.length === 0) return;
  await sql.query(
    'expectations_excepted',
    `update expectation e set exception_id = n.exception_id from unnest($1::text[], $2::text[], $3::uuid[]) as n (connection, key, exception_id)
     where e.connection = n.connection and e.key = n.key`,
    columns(rows, ['connection', 'key', 'exceptionId']),
  );
}

/** What is due by the ledger's clock, not yet an Exception: not sent, without an answer, or an answer to nothing. Locked; another hub takes the others. */
export async function lockOverdue(sql: Sql, limit: number): Promise<ExpectationRow[]> {
  return sql.query<ExpectationRow>(
    'expectations_overdue',
    `select ${shown} from expectation e where due_at <= clock_timestamp() and exception_id is null and (answered_at is null or (kind is null and not unasked)) and ${isWanting}
     order by due_at limit $1 for update skip locked`,
    [limit],
  );
}

export interface AwaitedRow {
  connection: string;
  key: string;
  version: number;
  message_sealed: Buffer;
  due_at: Date;
  answered_at: Date | null;
  exception_id: string | null;
}

/** What must still come of a document, and what has come, by when it is due. */
export async function awaitedOf(
  sql: Sql,
  { entity, kind, key }: { entity: string; kind: string; key: string },
): Promise<AwaitedRow[]> {
  return sql.query<AwaitedRow>(
    'expectations_of',
    `select connection, key, version, message_sealed, due_at, answered_at, exception_id from expectation
     where entity = $1 and kind = $2 and document_key = $3 order by due_at, key limit 100`,
    [entity, kind, key],
  );
}

/** A person lets it wait once more. False when the Exception is not about something that is still to come. */
export async function waitAgain(sql: Sql, exceptionId: string): Promise<boolean> {
  const [row] = await sql.query<{ again: boolean }>('expectation_again', 'select wait_again($1) as again', [
    exceptionId,
  ]);
  return row!.again;
}
