import { type BindingKey, releaseAwaits } from './bindings.ts';
import type { Sql } from './database.ts';
import type { LaneKey } from './lanes.ts';
import { columns } from './rows.ts';

const keyColumns = ['connection', 'entity', 'kind', 'key'] as const;

/** What is known of a record at a connection, for one flow that reads from there. */
export interface FlowKey extends BindingKey {
  flow: string;
}

/** A state of the record: digest of the flow's own fields, the target's own version, and the canonical document's version it stands for. */
export interface KnownState {
  digest: Buffer;
  version: bigint | null;
  document: number;
}

export interface KnownStates extends FlowKey {
  written: (KnownState & { at: Date }) | null;
  seen: KnownState | null;
}

type Columns = FlowKey & {
  written_digest: Buffer | null;
  written_version: bigint | null;
  written_document: number | null;
  written_at: Date | null;
  seen_digest: Buffer | null;
  seen_version: bigint | null;
  seen_document: number | null;
};

/** What was last written to records and last seen of them, for the flows named. */
export async function knownStates(sql: Sql, keys: readonly FlowKey[]): Promise<KnownStates[]> {
  const rows = await sql.query<Columns>(
    'binding_flows_read',
    `select connection, entity, kind, key, flow, written_digest, written_version, written_document, written_at, seen_digest, seen_version, seen_document
     from binding_flow where (connection, entity, kind, key, flow) in (select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]))`,
    columns(keys, [...keyColumns, 'flow']),
  );
  return rows.map(({ connection, entity, kind, key, flow, ...row }) => ({
    connection,
    entity,
    kind,
    key,
    flow,
    written: row.written_digest
      ? {
          digest: row.written_digest,
          version: row.written_version,
          document: row.written_document!,
          at: row.written_at!,
        }
      : null,
    seen: row.seen_digest ? { digest: row.seen_digest, version: row.seen_version, document: row.seen_document! } : null,
  }));
}

/** Remembers what the target holds of documents after a delivery, as read back. */
export async function noteWritten(sql: Sql, rows: readonly (FlowKey & KnownState)[]): Promise<void> {
  if (rows.length === 0) return;
  await sql.query(
    'binding_flows_written',
    `insert into binding_flow (connection, entity, kind, key, flow, written_digest, written_version, written_document, written_at)
     select connection, entity, kind, key, flow, digest, version, document, clock_timestamp()
     from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::bigint[], $8::integer[])
       as w (connection, entity, kind, key, flow, digest, version, document)
     order by connection, entity, kind, key, flow
     on conflict (connection, entity, kind, key, flow) do update set written_digest = excluded.written_digest, written_version = excluded.written_version,
       written_document = excluded.written_document, written_at = excluded.written_at`,
    columns(rows, [...keyColumns, 'flow', 'digest', 'version', 'document']),
  );
}

/** Remembers what was seen of records, and by which event. */
export async function noteSeen(sql: Sql, rows: readonly (FlowKey & KnownState & { event: string })[]): Promise<void> {
  if (rows.length === 0) return;
  await sql.query(
    'binding_flows_seen',
    `insert into binding_flow (connection, entity, kind, key, flow, seen_digest, seen_version, seen_document, seen_event, seen_at)
     select connection, entity, kind, key, flow, digest, version, document, event, clock_timestamp()
     from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::bigint[], $8::integer[], $9::uuid[])
       as s (connection, entity, kind, key, flow, digest, version, document, event)
     order by connection, entity, kind, key, flow
     on conflict (connection, entity, kind, key, flow) do update set seen_digest = excluded.seen_digest, seen_version = excluded.seen_version,
       seen_document = excluded.seen_document, seen_event = excluded.seen_event, seen_at = excluded.seen_at`,
    columns(rows, [...keyColumns, 'flow', 'digest', 'version', 'document', 'event']),
  );
}

/** A delivery that is not finished; `open`: its Intent is, so it may land at any moment, or has. */
export interface OpenDelivery extends LaneKey {
  document_id: string;
  version: number;
  open: boolean;
  /** While its call is under way: until when that may run, by the ledger's clock. */
  deadline: Date | null;
  /** Whether an earlier call of it may have landed too. */
  repeated: boolean;
}

/** Unfinished deliveries of lanes. */
export async function unfinishedDeliveries(sql: Sql, lanes: readonly LaneKey[]): Promise<OpenDelivery[]> {
  return sql.query<OpenDelivery>(
    'deliveries_unfinished',
    `select connection, sink, lane_key as "laneKey", document_id, version, state in ('leased', 'unknown') or settled_at is not null as open,
       case when state = 'leased' then intent_deadline end as deadline, settled_at is not null as repeated from delivery
     where (connection, sink, lane_key) in (select * from unnest($1::text[], $2::text[], $3::text[])) order by place`,
    columns(lanes, ['connection', 'sink', 'laneKey']),
  );
}

/** Documents that are being made at a connection: their Intent is open and the target's id is not known yet. */
export async function openCreations(
  sql: Sql,
  connection: string,
  kind: string,
): Promise<{ document_id: string; version: number }[]> {
  return sql.query(
    'deliveries_creating',
    `select d.document_id, d.version from delivery d
     where d.connection = $1 and d.kind = $2 and d.state in ('leased', 'unknown') and not exists (
       select from binding b where b.connection = d.connection and b.entity = d.entity and b.kind = d.kind and b.key = d.key and b.external_id is not null)`,
    [connection, kind],
  );
}

/** The canonical key of the record that a connection knows under this id, or null. */
export async function keyOfExternal(
  sql: Sql,
  where: { connection: string; entity: string; kind: string },
  externalId: string,
): Promise<string | null> {
  const rows = await sql.query<{ key: string }>(
    'binding_key',
    'select key from binding where connection = $1 and entity = $2 and kind = $3 and external_id = $4 order by key limit 1',
    [where.connection, where.entity, where.kind, externalId],
  );
  return rows[0]?.key ?? null;
}

/** Binds documents to the ids their source knows them by; bindings there already stay. Returns the lanes of deliveries that waited for it. */
export async function adopt(sql: Sql, bindings: readonly (BindingKey & { externalId: string })[]): Promise<LaneKey[]> {
  if (bindings.length === 0) return [];
  await sql.query(
    'bindings_adopt',
    `insert into binding (connection, entity, kind, key, external_id, bound_at)
     select connection, entity, kind, key, external_id, now()
     from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) as b (connection, entity, kind, key, external_id)
     order by connection, entity, kind, key
     on conflict (connection, entity, kind, key) do update set external_id = excluded.external_id, bound_at = excluded.bound_at where binding.external_id is null`,
    columns(bindings, [...keyColumns, 'externalId']),
  );
  return releaseAwaits(sql, bindings);
}

/** Versions at their connections of the newest states of records that were written; those of which none is known are left out. */
export async function heardVersions(
  sql: Sql,
  keys: readonly BindingKey[],
): Promise<(BindingKey & { version: bigint })[]> {
  if (keys.length === 0) return [];
  return sql.query<BindingKey & { version: bigint }>(
    'bindings_heard',
    `select connection, entity, kind, key, heard_version as version from binding
     where (connection, entity, kind, key) in (select * from unnest($1::text[], $2::text[], $3::text[], $4::text[])) and heard_version is not null`,
    columns(keys, keyColumns),
  );
}

/** Remembers versions that are newer than those known; call it with the documents locked. */
export async function noteHeard(sql: Sql, rows: readonly (BindingKey & { version: bigint })[]): Promise<void> {
  if (rows.length === 0) return;
  await sql.query(
    'bindings_hear',
    `insert into binding (connection, entity, kind, key, heard_version)
     select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[]) as b (connection, entity, kind, key, version)
     order by connection, entity, kind, key
     on conflict (connection, entity, kind, key) do update set heard_version = excluded.heard_version`,
    columns(rows, [...keyColumns, 'version']),
  );
}

export interface CurrentDocument {
  id: string;
  entity: string;
  kind: string;
  key: string;
  version: number;
  body_sealed: Buffer;
}

/** The newest versions of documents. */
export async function currentDocuments(
  sql: Sql,
  keys: readonly { entity: string; kind: string; key: string }[],
): Promise<CurrentDocument[]> {
  if (keys.length === 0) return [];
  return sql.query<CurrentDocument>(
    'documents_current',
    `select id, entity, kind, key, version, body_sealed from document
     where (entity, kind, key) in (select * from unnest($1::text[], $2::text[], $3::text[]))`,
    columns(keys, ['entity', 'kind', 'key']),
  );
}

/** The same, locked in sorted order until the transaction ends; so are those that are not there yet. */
export async function lockDocuments(
  sql: Sql,
  keys: readonly { entity: string; kind: string; key: string }[],
): Promise<CurrentDocument[]> {
  if (keys.length === 0) return [];
  await sql.query(
    'documents_lock_keys',
    `select pg_advisory_xact_lock(7071, hash) from (
       select distinct hashtext(jsonb_build_array(entity, kind, key)::text) as hash from unnest($1::text[], $2::text[], $3::text[]) as k (entity, kind, key) order by 1) h`,
    columns(keys, ['entity', 'kind', 'key']),
  );
  return sql.query<CurrentDocument>(
    'documents_lock',
    `select id, entity, kind, key, version, body_sealed from document
     where (entity, kind, key) in (select * from unnest($1::text[], $2::text[], $3::text[])) order by entity, kind, key for update`,
    columns(keys, ['entity', 'kind', 'key']),
  );
}
