import type { Sql } from '../database.ts';
import type { MappingVersion } from '../mappings.ts';

export type MappingSummary = Omit<MappingVersion, 'rows'> & { rows: number };

const summary =
  'entity, name, version, owner, about, (select count(*)::int from jsonb_object_keys(rows)) as rows, changed_by, changed_at';

/** The newest version of Mapping tables, in order of entity and name, after the given one. */
export async function pageOfMappings(
  sql: Sql,
  terms: { after: { entity: string; name: string } | null; entity: string | null; limit: number },
): Promise<MappingSummary[]> {
  return sql.query<MappingSummary>(
    'page_mappings',
    `select distinct on (entity, name) ${summary} from mapping_version
     where ($1::text is null or (entity, name) > ($1, $2)) and ($3::text is null or entity = $3)
     order by entity, name, version desc limit $4`,
    [terms.after?.entity ?? null, terms.after?.name ?? null, terms.entity, terms.limit],
  );
}

/** Versions of one table, newest first, those before `before`. */
export async function pageOfMappingVersions(
  sql: Sql,
  terms: { entity: string; name: string; before: number | null; limit: number },
): Promise<MappingSummary[]> {
  return sql.query<MappingSummary>(
    'page_mapping_versions',
    `select ${summary} from mapping_version where entity = $1 and name = $2 and ($3::integer is null or version < $3) order by version desc limit $4`,
    [terms.entity, terms.name, terms.before, terms.limit],
  );
}

/** Tables of a name at a version (null: the newest), one per entity. */
export async function mappingsNamed(
  sql: Sql,
  terms: { name: string; entity: string | null; version: number | null },
): Promise<MappingVersion[]> {
  return sql.query<MappingVersion>(
    'mappings_named',
    `select distinct on (entity) entity, name, version, owner, about, rows, changed_by, changed_at from mapping_version
     where name = $1 and ($2::text is null or entity = $2) and ($3::integer is null or version = $3) order by entity, version desc`,
    [terms.name, terms.entity, terms.version],
  );
}
