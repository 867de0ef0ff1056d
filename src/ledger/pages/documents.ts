import type { Sql } from '../database.ts';
import { columns } from '../rows.ts';
import { byKey, byReference } from './find.ts';
import { idRange, type PageTerms } from './page.ts';

export interface DocumentRow {
  id: string;
  entity: string;
  kind: string;
  key: string;
  version: number;
  shape: string;
  flow: string;
  event_id: string;
  labels: Record<string, string>;
  lines: number;
  currency: string | null;
  minor: bigint;
  absolute: bigint;
  written_at: Date;
}

const visible =
  'id, entity, kind, key, version, shape, flow, event_id, labels, lines, currency, minor, absolute, written_at';

export interface DocumentFilter {
  kind: string | null;
  flow: string | null;
  /** One of these. */
  key: readonly string[] | null;
  /** Keyed digest of a reference's value (an order number, a SKU). */
  reference: Buffer | null;
}

/** Documents at their newest version; those that were first written last come first. `since` is when the newest version was written. */
export async function pageOfDocuments(sql: Sql, terms: PageTerms, filter: DocumentFilter): Promise<DocumentRow[]> {
  // A document's id is as old as its first version: `since` says nothing about it.
  const [before] = idRange({ before: terms.before, since: null });
  return sql.query<DocumentRow>(
    'page_documents',
    `select ${visible} from document d
     where id < $1 and ($2::timestamptz is null or written_at >= $2) and ($3::text is null or entity = $3) and ($4::text is null or kind = $4)
       and ($5::text is null or flow = $5) and ($6::text[] is null or id = any(array(${byKey('$6')})))
       and ($7::bytea is null or id = any(array(${byReference('$7')})))
     order by id desc limit $8`,
    [before, terms.since, terms.entity, filter.kind, filter.flow, filter.key, filter.reference, terms.limit],
  );
}

export async function documentById(sql: Sql, id: string): Promise<DocumentRow | null> {
  const [row] = await sql.query<DocumentRow>('document_by_id', `select ${visible} from document where id = $1`, [id]);
  return row ?? null;
}

export interface BindingRow {
  connection: string;
  external_id: string;
  version: number | null;
  bound_at: Date | null;
}

/** What targets hold of a document. */
export async function bindingsOf(
  sql: Sql,
  document: Pick<DocumentRow, 'entity' | 'kind' | 'key'>,
): Promise<BindingRow[]> {
  return sql.query<BindingRow>(
    'bindings_of',
    `select connection, external_id, version, bound_at from binding
     where entity = $1 and kind = $2 and key = $3 and external_id is not null order by connection`,
    [document.entity, document.kind, document.key],
  );
}

export interface BodyRow {
  id: string;
  entity: string;
  kind: string;
  key: string;
  body_sealed: Buffer;
}

/** The newest body of each document and the five before it. */
export async function recentBodies(sql: Sql, ids: readonly string[]): Promise<BodyRow[]> {
  if (ids.length === 0) return [];
  return sql.query<BodyRow>(
    'bodies_recent',
    `select id, entity, kind, key, body_sealed from document where id = any($1::uuid[])
     union all
     select d.id, d.entity, d.kind, d.key, v.body_sealed from document d cross join lateral (
       select body_sealed from document_version where document_id = d.id order by version desc limit 5) v
     where d.id = any($1::uuid[])`,
    [ids],
  );
}

/** The newest bodies under these keys. */
export async function bodiesByKey(
  sql: Sql,
  keys: readonly { entity: string; kind: string; key: string }[],
): Promise<BodyRow[]> {
  if (keys.length === 0) return [];
  return sql.query<BodyRow>(
    'bodies_by_key',
    `select d.id, d.entity, d.kind, d.key, d.body_sealed from unnest($1::text[], $2::text[], $3::text[]) as k (entity, kind, key)
     join document d on d.entity = k.entity and d.kind = k.kind and d.key = k.key`,
    columns(keys, ['entity', 'kind', 'key']),
  );
}
