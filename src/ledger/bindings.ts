import type { Measure } from '../core/document.ts';
import type { Sql } from './database.ts';
import type { LaneKey } from './lanes.ts';
import { columns } from './rows.ts';

export interface BindingKey {
  connection: string;
  entity: string;
  kind: string;
  key: string;
}

const sorted = <Row extends BindingKey>(rows: readonly Row[]): Row[] =>
  [...rows].sort(
    (a, b) =>
      compareText(a.connection, b.connection) ||
      compareText(a.entity, b.entity) ||
      compareText(a.kind, b.kind) ||
      compareText(a.key, b.key),
  );
const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * Of the given keys, those without an external id yet; their rows stay share-locked until the transaction ends, so that the binding cannot be
 * made between this look and the `awaits` row that depends on it.
 */
export async function unboundOf(sql: Sql, keys: readonly BindingKey[]): Promise<BindingKey[]> {
  if (keys.length === 0) return [];
  const names = ['connection', 'entity', 'kind', 'key'] as const;
  const ordered = columns(sorted(keys), names);
  const missing = await sql.query<BindingKey>(
    'bindings_missing',
    `select k.* from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as k (connection, entity, kind, key)
     where not exists (select from binding b where b.connection = k.connection and b.entity = k.entity and b.kind = k.kind and b.key = k.key and b.external_id is not null)`,
    ordered,
  );
  if (missing.length === 0) return [];
  const wanted = columns(sorted(missing), names);
  await sql.query(
    'bindings_expect',
    `insert into binding (connection, entity, kind, key) select * from unnest($1::text[], $2::text[], $3::text[], $4::text[]) on conflict do nothing`,
    wanted,
  );
  const rows = await sql.query<BindingKey & { external_id: string | null }>(
    'bindings_share',
    `select connection, entity, kind, key, external_id from binding
     where (connection, entity, kind, key) in (select * from unnest($1::text[], $2::text[], $3::text[], $4::text[]))
     order by connection, entity, kind, key for share`,
    wanted,
  );
  return rows.filter((row) => row.external_id === null);
}

export async function addAwaits(sql: Sql, awaits: readonly (BindingKey & { deliveryId: string })[]): Promise<void> {
  if (awaits.length === 0) return;
  await sql.query(
    'awaits_add',
    'insert into awaits (delivery_id, connection, entity, kind, key) select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[])',
    columns(awaits, ['deliveryId', 'connection', 'entity', 'kind', 'key']),
  );
}

export interface BindingWrite extends BindingKey, Measure {
  externalId: string;
  version: number;
}

/** Writes what a target now holds, and releases the deliveries that waited for it. Returns the lanes of released deliveries: refresh them. */
export async function bind(sql: Sql, bindings: readonly BindingWrite[]): Promise<LaneKey[]> {
  if (bindings.length === 0) return [];
  await sql.query(
    'bindings_write',
    `insert into binding (connection, entity, kind, key, external_id, version, digest, lines, currency, minor, absolute, bound_at)
     select b.connection, b.entity, b.kind, b.key, b.external_id, b.version, d.digest, b.lines, b.currency, b.minor, b.absolute, now()
     from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::integer[], $7::integer[], $8::text[], $9::bigint[], $10::bigint[])
       as b (connection, entity, kind, key, external_id, version, lines, currency, minor, absolute)
     left join document d on d.entity = b.entity and d.kind = b.kind and d.key = b.key and d.version = b.version
     order by b.connection, b.entity, b.kind, b.key
     on conflict (connection, entity, kind, key) do update set external_id = excluded.external_id, version = excluded.version, digest = excluded.digest,
       lines = excluded.lines, currency = excluded.currency, minor = excluded.minor, absolute = excluded.absolute, bound_at = excluded.bound_at`,
    columns(sorted(bindings), [
      'connection',
      'entity',
      'kind',
      'key',
      'externalId',
      'version',
      'lines',
      'currency',
      'minor',
      'absolute',
    ]),
  );
  return releaseAwaits(sql, bindings);
}

/** Binds records that came into being with another one; what was last written to them is not touched. Returns lanes as `bind` does. */
export async function bindParts(
  sql: Sql,
  parts: readonly (BindingKey & { readonly externalId: string })[],
): Promise<LaneKey[]> {
  if (parts.length === 0) return [];
  // The last one counts where a batch names a record twice: one statement may not change a row twice.
  const last = [...new Map(parts.map((part) => [JSON.stringify([part.entity, part.kind, part.key]), part])).values()];
  await sql.query(
    'bindings_parts',
    `insert into binding (connection, entity, kind, key, external_id, bound_at)
     select b.*, now() from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) as b (connection, entity, kind, key, external_id)
     order by connection, entity, kind, key
     on conflict (connection, entity, kind, key) do update set external_id = excluded.external_id, bound_at = excluded.bound_at
       where binding.external_id is distinct from excluded.external_id`,
    columns(sorted(last), ['connection', 'entity', 'kind', 'key', 'externalId']),
  );
  return releaseAwaits(sql, last);
}

/** Releases the deliveries that waited for bindings which are made now. Returns their lanes: refresh them. */
export async function releaseAwaits(sql: Sql, bindings: readonly BindingKey[]): Promise<LaneKey[]> {
  return sql.query<LaneKey>(
    'awaits_release',
    `with gone as (
       delete from awaits where (connection, entity, kind, key) in (select * from unnest($1::text[], $2::text[], $3::text[], $4::text[])) returning delivery_id),
     released as (select delivery_id, count(*) as bound from gone group by delivery_id),
     ordered as (select id from delivery where id in (select delivery_id from released) order by id for update)
     update delivery d set waits = d.waits - r.bound from released r, ordered o where d.id = r.delivery_id and o.id = d.id
     returning d.connection, d.sink, d.lane_key as "laneKey"`,
    columns(bindings, ['connection', 'entity', 'kind', 'key']),
  );
}

export async function externalIds(
  sql: Sql,
  keys: readonly BindingKey[],
): Promise<(BindingKey & { external_id: string })[]> {
  if (keys.length === 0) return [];
  return sql.query<BindingKey & { external_id: string }>(
    'bindings_ids',
    `select connection, entity, kind, key, external_id from binding
     where (connection, entity, kind, key) in (select * from unnest($1::text[], $2::text[], $3::text[], $4::text[])) and external_id is not null`,
    columns(keys, ['connection', 'entity', 'kind', 'key']),
  );
}

/** What a record is bound to at a connection, and which other record of its kind is bound to an id there. */
export async function boundAs(
  sql: Sql,
  { connection, entity, kind, key }: BindingKey,
  externalId: string,
): Promise<{ id: string | null; other: string | null }> {
  const [row] = await sql.query<{ id: string | null; other: string | null }>(
    'binding_as',
    `select (select external_id from binding where connection = $1 and entity = $2 and kind = $3 and key = $4) as id,
       (select key from binding where connection = $1 and entity = $2 and kind = $3 and external_id = $5 and key <> $4 limit 1) as other`,
    [connection, entity, kind, key, externalId],
  );
  return row!;
}

/** What the target holds of documents, as measured when it was last written. */
export async function boundMeasures(sql: Sql, keys: readonly BindingKey[]): Promise<(BindingKey & Measure)[]> {
  if (keys.length === 0) return [];
  return sql.query<BindingKey & Measure>(
    'bindings_measures',
    `select connection, entity, kind, key, lines, currency, minor, absolute from binding
     where (connection, entity, kind, key) in (select * from unnest($1::text[], $2::text[], $3::text[], $4::text[])) and external_id is not null`,
    columns(keys, ['connection', 'entity', 'kind', 'key']),
  );
}
