import type { Sql } from './database.ts';
import { columns } from './rows.ts';

/** A record that holds something of a person. */
export interface PersonalDocument {
  id: string;
  entity: string;
  kind: string;
  key: string;
  body_sealed: Buffer;
}

const record = 'd.id, d.entity, d.kind, d.key, d.body_sealed';

/** Documents that carry one of the references, or stand under one of the keys, locked until the transaction ends. */
export async function lockPersonalDocuments(
  sql: Sql,
  by: { references: readonly { kind: string; value: Buffer }[]; keys: readonly string[]; entity: string | null },
): Promise<PersonalDocument[]> {
  return sql.query<PersonalDocument>(
    'erase_find',
    `select ${record} from document d
     where ($4::text is null or d.entity = $4) and (d.key = any($3::text[]) or d.id in (
       select r.document_id from reference r join unnest($1::text[], $2::bytea[]) as w (kind, value) on r.kind = w.kind and r.value = w.value))
     order by d.entity, d.kind, d.key for update of d`,
    [...columns(by.references, ['kind', 'value']), by.keys, by.entity],
  );
}

/** Documents that refer to records by their keys (digests), in the same entities, locked. */
export async function lockDocumentsAbout(
  sql: Sql,
  keys: readonly { entity: string; value: Buffer }[],
): Promise<PersonalDocument[]> {
  if (keys.length === 0) return [];
  return sql.query<PersonalDocument>(
    'erase_about',
    `select ${record} from document d where d.id in (
       select r.document_id from reference r join unnest($1::text[], $2::bytea[]) as w (entity, value) on r.entity = w.entity and r.value = w.value)
     order by d.entity, d.kind, d.key for update of d`,
    columns(keys, ['entity', 'value']),
  );
}

/** Everything around documents that may hold the same words. */
export interface Traces {
  events: number;
  attempts: number;
  exceptions: number;
  memories: number;
  /** What is not finished: it must be before anything can be erased. */
  live: { events: number; deliveries: number; exceptions: number };
}

/** Events that documents and their deliveries came from, or by which a target's record was last seen, with all others of their subjects; Exceptions beside them. $1: documents. */
const around = `
  deliveries as materialized (
    select id, event_id from delivery where document_id = any($1::uuid[]) union select id, event_id from delivery_history where document_id = any($1::uuid[])),
  origins as materialized (
    select event_id as id from document where id = any($1::uuid[]) union select event_id from document_version where document_id = any($1::uuid[])
    union select event_id from deliveries
    union select f.seen_event from binding_flow f join document d on d.entity = f.entity and d.kind = f.kind and d.key = f.key
      where d.id = any($1::uuid[]) and f.seen_event is not null),
  subjects as materialized (
    select connection, subject from event where id in (select id from origins) union
    select connection, subject from event_history where id in (select id from origins)),
  waiting as materialized (select e.id from event e join subjects s using (connection, subject)),
  finished as materialized (select e.id, e.finished_at, e.payload_sealed is not null as kept from event_history e join subjects s using (connection, subject)),
  exceptions as materialized (
    select id, state from exception where delivery_id in (select id from deliveries) or event_id in (select id from waiting union select id from finished))`;

export async function tracesOf(sql: Sql, documents: readonly string[]): Promise<Traces> {
  const [row] = await sql.query<Traces>(
    'erase_traces',
    `with ${around}
     select (select count(*)::int from finished where kept) as events,
       (select count(*)::int from attempt where delivery_id in (select id from deliveries) and message_sealed is not null) as attempts,
       (select count(*)::int from exceptions) as exceptions,
       (select count(*)::int from subject join subjects s using (connection, subject) where memory_sealed is not null) as memories,
       jsonb_build_object('events', (select count(*) from waiting), 'deliveries', (select count(*) from delivery where document_id = any($1::uuid[])),
         'exceptions', (select count(*) from exceptions where state = 'open')) as live`,
    [documents],
  );
  return row!;
}

/** Empties raw records, answers and memories around documents; returns the ids of Exceptions, whose words are written anew. */
export async function emptyTraces(sql: Sql, documents: readonly string[]): Promise<string[]> {
  const rows = await sql.query<{ id: string }>(
    'erase_empty',
    `with ${around},
     raw as (update event_history e set payload_sealed = null from finished f where e.id = f.id and e.finished_at = f.finished_at and f.kept),
     answers as (update attempt set message_sealed = null where delivery_id in (select id from deliveries) and message_sealed is not null),
     memories as (update subject m set memory_sealed = null from subjects s where m.connection = s.connection and m.subject = s.subject)
     select id from exceptions`,
    [documents],
  );
  return rows.map(({ id }) => id);
}

export async function writeExceptionWords(sql: Sql, words: readonly { id: string; message: Buffer }[]): Promise<void> {
  await sql.query(
    'erase_words',
    'update exception x set message_sealed = w.message from unnest($1::uuid[], $2::bytea[]) as w (id, message) where x.id = w.id',
    columns(words, ['id', 'message']),
  );
}

export interface KeptVersion {
  id: string;
  version: number;
  body_sealed: Buffer;
}

export async function earlierVersions(sql: Sql, documents: readonly string[]): Promise<KeptVersion[]> {
  return sql.query<KeptVersion>(
    'erase_versions',
    'select document_id as id, version, body_sealed from document_version where document_id = any($1::uuid[])',
    [documents],
  );
}

/** Overwrites bodies in place; `digest` is that of the newest. */
export async function overwriteBodies(
  sql: Sql,
  newest: readonly { id: string; body: Buffer; digest: Buffer }[],
  earlier: readonly { id: string; version: number; body: Buffer; digest: Buffer }[],
): Promise<void> {
  await sql.query(
    'erase_bodies',
    'update document d set body_sealed = n.body, digest = n.digest from unnest($1::uuid[], $2::bytea[], $3::bytea[]) as n (id, body, digest) where d.id = n.id',
    columns(newest, ['id', 'body', 'digest']),
  );
  await sql.query(
    'erase_earlier',
    `update document_version v set body_sealed = n.body, digest = n.digest from unnest($1::uuid[], $2::integer[], $3::bytea[], $4::bytea[]) as n (id, version, body, digest)
     where v.document_id = n.id and v.version = n.version`,
    columns(earlier, ['id', 'version', 'body', 'digest']),
  );
}

/** Removes references of documents. Returns how many there were. */
export async function removeReferences(
  sql: Sql,
  references: readonly { documentId: string; kind: string; value: Buffer }[],
): Promise<number> {
  const rows = await sql.query(
    'erase_references',
    `delete from reference r using unnest($1::uuid[], $2::text[], $3::bytea[]) as g (document_id, kind, value)
     where r.document_id = g.document_id and r.kind = g.kind and r.value = g.value returning 1`,
    columns(references, ['documentId', 'kind', 'value']),
  );
  return rows.length;
}
