import type { Sql } from './database.ts';

/** One version of a Mapping table. */
export interface MappingVersion {
  entity: string;
  name: string;
  version: number;
  owner: string;
  about: string;
  rows: Record<string, string>;
  changed_by: string;
  changed_at: Date;
}

/** The newest version of every Mapping table. */
export async function currentMappings(sql: Sql): Promise<MappingVersion[]> {
  return sql.query<MappingVersion>(
    'mappings_current',
    'select distinct on (entity, name) entity, name, version, owner, about, rows, changed_by, changed_at from mapping_version order by entity, name, version desc',
  );
}

/** Changes whenever any Mapping table changes. */
export async function mappingStamp(sql: Sql): Promise<string> {
  const [row] = await sql.query<{ stamp: string }>(
    'mappings_stamp',
    "select coalesce(sum(version), 0) || ' ' || count(*) as stamp from mapping_version",
  );
  return row!.stamp;
}

/** Until the transaction ends nobody else who locks the table writes it: what is read after this is what the next version is based on. */
export async function lockMapping(sql: Sql, entity: string, name: string): Promise<void> {
  await sql.query('mapping_lock', 'select pg_advisory_xact_lock(7071, hashtext($1))', [JSON.stringify([entity, name])]);
}

/** Adds a version, the one after that which was read. False when another writer was faster: that version is taken. */
export async function addMappingVersion(sql: Sql, table: Omit<MappingVersion, 'changed_at'>): Promise<boolean> {
  const rows = await sql.query(
    'mapping_add',
    `insert into mapping_version (entity, name, version, owner, about, rows, changed_by)
     values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing returning 1`,
    [table.entity, table.name, table.version, table.owner, table.about, table.rows, table.changed_by],
  );
  return rows.length === 1;
}

/** Writes version 1 where the table is not there yet. Returns true when it was written. */
export const seedMapping = (sql: Sql, table: Omit<MappingVersion, 'version' | 'changed_at'>): Promise<boolean> =>
  addMappingVersion(sql, { ...table, version: 1 });
