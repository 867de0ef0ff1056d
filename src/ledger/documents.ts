import type { Measure } from '../core/document.ts';
import type { Sql } from './database.ts';
import { columns } from './rows.ts';

export interface DocumentWrite extends Measure {
  id: string;
  entity: string;
  kind: string;
  key: string;
  shape: string;
  digest: Buffer;
  body: Buffer;
  flow: string;
  eventId: string;
  labels: Readonly<Record<string, string>>;
  /** A next version even where the content is the same. */
  afresh: boolean;
}

export interface WrittenDocument {
  id: string;
  entity: string;
  kind: string;
  key: string;
  version: number;
}

const writeColumns = [
  'id',
  'entity',
  'kind',
  'key',
  'shape',
  'digest',
  'body',
  'flow',
  'eventId',
  'labels',
  'lines',
  'currency',
  'minor',
  'absolute',
] as const;
const writeTypes =
  '$1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::bytea[], $8::text[], $9::uuid[], $10::jsonb[], $11::integer[], $12::text[], $13::bigint[], $14::bigint[]';
const writeNames =
  'id, entity, kind, key, shape, digest, body, flow, event_id, labels, lines, currency, minor, absolute';

/** Writes documents that are not there yet, as version 1, and returns those it wrote. */
export async function createDocuments(sql: Sql, documents: readonly DocumentWrite[]): Promise<WrittenDocument[]> {
  return sql.query<WrittenDocument>(
    'documents_create',
    `insert into document (id, entity, kind, key, version, shape, digest, body_sealed, flow, event_id, labels, lines, currency, minor, absolute)
     select id, entity, kind, key, 1, shape, digest, body, flow, event_id, labels, lines, currency, minor, absolute
     from unnest(${writeTypes}) as d (${writeNames}) order by entity, kind, key
     on conflict (entity, kind, key) do nothing returning id, entity, kind, key, version`,
    columns(documents, writeColumns),
  );
}

/** Writes the next version of documents whose content differs, or that are written afresh; the version before goes to history. Returns those that were written. `id` is the existing document's or ignored. */
export async function changeDocuments(sql: Sql, documents: readonly DocumentWrite[]): Promise<WrittenDocument[]> {
  return sql.query<WrittenDocument>(
    'documents_change',
    `with wanted as (select * from unnest(${writeTypes}, $15::boolean[]) as w (${writeNames}, afresh)),
     held as (
       select d.* from document d join wanted w using (entity, kind, key) where d.digest <> w.digest or w.afresh order by d.entity, d.kind, d.key for update of d),
     kept as (
       insert into document_version (document_id, entity, version, shape, digest, body_sealed, event_id, written_at)
       select id, entity, version, shape, digest, body_sealed, event_id, written_at from held)
     update document d set version = d.version + 1, shape = w.shape, digest = w.digest, body_sealed = w.body, flow = w.flow, event_id = w.event_id,
       labels = w.labels, lines = w.lines, currency = w.currency, minor = w.minor, absolute = w.absolute, written_at = now()
     from held join wanted w using (entity, kind, key) where d.id = held.id
     returning d.id, d.entity, d.kind, d.key, d.version`,
    columns(documents, [...writeColumns, 'afresh']),
  );
}

export interface StoredBody {
  id: string;
  entity: string;
  kind: string;
  key: string;
  version: number;
  digest: Buffer;
  body_sealed: Buffer;
}

/** Bodies of exact versions, from the newest or from history. */
export async function documentBodies(
  sql: Sql,
  versions: readonly { documentId: string; version: number }[],
): Promise<StoredBody[]> {
  return sql.query<StoredBody>(
    'documents_bodies',
    `with wanted as (select * from unnest($1::uuid[], $2::integer[]) as w (id, version))
     select d.id, d.entity, d.kind, d.key, d.version, d.digest, d.body_sealed from document d join wanted w using (id, version)
     union all
     select v.document_id, d.entity, d.kind, d.key, v.version, v.digest, v.body_sealed
     from wanted w join document_version v on v.document_id = w.id and v.version = w.version join document d on d.id = w.id`,
    columns(versions, ['documentId', 'version']),
  );
}

/** Versions of a document that were not replaced by a moment, the current one first, at most 1,000. */
export async function versionsSince(
  sql: Sql,
  { entity, kind, key }: Pick<StoredBody, 'entity' | 'kind' | 'key'>,
  moment: Date,
): Promise<StoredBody[]> {
  return sql.query<StoredBody>(
    'documents_versions_since',
    `with one as (select * from document where entity = $1 and kind = $2 and key = $3)
     select id, entity, kind, key, version, digest, body_sealed from one
     union all
     select v.document_id, v.entity, one.kind, one.key, v.version, v.digest, v.body_sealed
     from one join document_version v on v.document_id = one.id and v.replaced_at > $4
     order by version desc limit 1000`,
    [entity, kind, key, moment],
  );
}

/** Current documents of a kind that carry a reference, the one that was written last first, at most 50. */
export async function documentsByReference(
  sql: Sql,
  entity: string,
  kind: string,
  referenceKind: string,
  value: Buffer,
): Promise<StoredBody[]> {
  return sql.query<StoredBody>(
    'documents_by_reference',
    `select d.id, d.entity, d.kind, d.key, d.version, d.digest, d.body_sealed
     from reference r join document d on d.id = r.document_id
     where r.entity = $1 and r.kind = $3 and r.value = $4 and d.kind = $2 order by d.written_at desc, d.id desc limit 50`,
    [entity, kind, referenceKind, value],
  );
}

/** Adds references; those there already stay. */
export async function addReferences(
  sql: Sql,
  references: readonly { entity: string; kind: string; value: Buffer; documentId: string }[],
): Promise<void> {
  if (references.length === 0) return;
  await sql.query(
    'references_add',
    `insert into reference (entity, kind, value, document_id)
     select * from unnest($1::text[], $2::text[], $3::bytea[], $4::uuid[]) on conflict do nothing`,
    columns(references, ['entity', 'kind', 'value', 'documentId']),
  );
}
