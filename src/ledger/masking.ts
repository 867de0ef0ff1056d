import { HubError } from '../core/errors.ts';
import { appendAudit } from './audit.ts';
import type { Database, Sql } from './database.ts';
import { pseudonym, type Vault } from './vault.ts';

/** Names that the ledger keeps as keyed digests: keys of a kind, subjects or labels of a source's events (`flows` read it). */
export type MaskScope =
  | { readonly what: 'key'; readonly kind: string }
  | {
      readonly what: 'subject';
      readonly connection: string;
      readonly source: string;
      readonly flows: readonly string[];
    }
  | {
      readonly what: 'label';
      readonly connection: string;
      readonly source: string;
      readonly flows: readonly string[];
      readonly label: string;
    };

const idOf = (scope: MaskScope): string =>
  scope.what === 'key'
    ? `key ${scope.kind}`
    : `${scope.what} ${scope.connection} ${scope.source}${scope.what === 'label' ? ` ${scope.label}` : ''}`;

const PREFIX = 'masked ';

const readMasked = async (sql: Sql): Promise<Set<string>> => {
  const rows = await sql.query<{ id: string }>(
    'masked_read',
    "select substr(name, 8) as id from setting where name like 'masked %'",
  );
  return new Set(rows.map(({ id }) => id));
};

/** Kinds whose keys stand as digests in this ledger. */
export const maskedKinds = async (sql: Sql): Promise<string[]> =>
  [...(await readMasked(sql))].flatMap((id) => (id.startsWith('key ') ? [id.slice(4)] : []));

/**
 * Makes digests of the names that an earlier release, or an earlier estate, wrote as they are: bindings, lanes and memories keep their records. Once for
 * each scope, in one transaction, audited. `shardOf` gives the shard in which a subject's events are routed.
 * Throws HubError CONFLICT while another hub runs that would still write them as they are.
 */
export async function maskNames(
  db: Database,
  vault: Vault,
  scopes: readonly MaskScope[],
  shardOf: (connection: string, subject: string) => number,
): Promise<void> {
  const known = await readMasked(db);
  if (scopes.every((scope) => known.has(idOf(scope)))) return;
  await db.transaction(async (sql) => {
    await sql.query('mask_lock', 'select pg_advisory_xact_lock(7070, 5)');
    const done = await readMasked(sql);
    for (const scope of scopes.filter((one) => !done.has(idOf(one)))) {
      const names = await collect(sql, vault, scope);
      await refuseOtherHubs(sql, scope, names > 0);
      if (names > 0) await rename(sql, vault, scope, shardOf);
      await sql.query('masked_add', 'insert into setting (name, value) values ($1, now()::text)', [
        `${PREFIX}${idOf(scope)}`,
      ]);
      if (names > 0)
        await appendAudit(sql, [
          { entity: '*', actor: 'hub', action: 'names.masked', object: idOf(scope), detail: { names } },
        ]);
    }
  });
}

async function refuseOtherHubs(sql: Sql, scope: MaskScope, some: boolean): Promise<void> {
  const [row] = await sql.query<{ hubs: number }>(
    'mask_hubs',
    `select count(*)::int as hubs from node
     where seen_at > clock_timestamp() - interval '30 seconds' and ($1 or not coalesce((about->>'masks')::boolean, false))`,
    [some],
  );
  if (row!.hubs === 0) return;
  throw new HubError(
    'CONFLICT',
    `this ledger is to keep digests in place of personal names (${idOf(scope)}), and ${row!.hubs} other hub(s) still write them as they are`,
    { hint: 'stop the other hubs (one that was killed counts as running for 30 seconds), then start this one' },
  );
}

const keyTables = ['document', 'binding', 'binding_flow', 'awaits', 'delivery', 'delivery_history', 'exception'];
/** What is kept of a source's subjects beside its events. */
const ofSubject = ['reading', 'concern', 'nudge'];
const labelTables = ['document', 'delivery', 'delivery_history', 'exception'];

/** Where the names of a scope stand: parameters are its parts. */
function placesOf(scope: MaskScope): { names: string; values: unknown[] } {
  if (scope.what === 'key')
    return {
      names: keyTables.map((table) => `select key as name from ${table} where kind = $1`).join(' union '),
      values: [scope.kind],
    };
  const { connection, source, flows } = scope;
  const ofSource = ['event', 'event_history'];
  if (scope.what === 'subject')
    return {
      names: `${[...ofSource, ...ofSubject].map((table) => `select subject as name from ${table} where connection = $1 and source = $2`).join(' union ')}
        union select subject from subject where connection = $1 and flow = any($3)
        union select subject from exception where connection = $1 and flow = any($3) and subject is not null`,
      values: [connection, source, flows],
    };
  return {
    names: [
      ...ofSource.map(
        (table) => `select labels->>$4::text as name from ${table} where connection = $1 and source = $2`,
      ),
      ...labelTables.map((table) => `select labels->>$4::text from ${table} where flow = any($3)`),
    ].join(' union '),
    values: [connection, source, flows, scope.label],
  };
}

/** Collects the names of a scope, each with its pseudonym, for the rest of the transaction. Returns how many there are. */
async function collect(sql: Sql, vault: Vault, scope: MaskScope): Promise<number> {
  await sql.query('mask_drop', 'drop table if exists pg_temp.masked_name');
  await sql.query('mask_table', 'create temp table masked_name (old text primary key, new text) on commit drop');
  const { names, values } = placesOf(scope);
  await sql.query(
    `mask_collect_${scope.what}`,
    `insert into masked_name (old) select name from (${names}) n where name is not null`,
    values,
  );
  for (let total = 0; ; ) {
    const page = await sql.query<{ old: string }>(
      'mask_page',
      'select old from masked_name where new is null limit 5000',
    );
    if (page.length === 0) return total;
    total += page.length;
    await sql.query(
      'mask_pseudonyms',
      'update masked_name m set new = n.new from unnest($1::text[], $2::text[]) as n (old, new) where m.old = n.old',
      [page.map(({ old }) => old), page.map(({ old }) => pseudonym(vault, old))],
    );
  }
}

async function rename(
  sql: Sql,
  vault: Vault,
  scope: MaskScope,
  shardOf: (connection: string, subject: string) => number,
): Promise<void> {
  if (scope.what === 'key') return renameKeys(sql, vault, scope.kind);
  if (scope.what === 'subject') return renameSubjects(sql, vault, scope, shardOf);
  const { connection, source, flows, label } = scope;
  const set =
    'labels = t.labels || jsonb_build_object($1::text, m.new) from masked_name m where t.labels->>$1::text = m.old';
  for (const table of ['event', 'event_history'])
    await sql.query(`mask_labels_${table}`, `update ${table} t set ${set} and t.connection = $2 and t.source = $3`, [
      label,
      connection,
      source,
    ]);
  for (const table of labelTables)
    await sql.query(`mask_labels_${table}`, `update ${table} t set ${set} and t.flow = any($2)`, [label, flows]);
}

const BATCH = 500;

/** Bodies are bound to their keys, so they are sealed anew with them; so are those of earlier versions. */
async function renameKeys(sql: Sql, vault: Vault, kind: string): Promise<void> {
  for (;;) {
    const rows = await sql.query<{ id: string; entity: string; old: string; new: string; body_sealed: Buffer }>(
      'mask_documents',
      'select t.id, t.entity, m.old, m.new, t.body_sealed from document t join masked_name m on m.old = t.key where t.kind = $1 limit $2',
      [kind, BATCH],
    );
    if (rows.length === 0) break;
    const byId = new Map(rows.map((row) => [row.id, row]));
    const resealed = (id: string, sealed: Buffer): Buffer => {
      const { entity, old, new: kept } = byId.get(id)!;
      const place = `document:${entity}:${kind}:`;
      return vault.seal(vault.unseal(sealed, place + old), place + kept);
    };
    const versions = await sql.query<{ document_id: string; version: number; body_sealed: Buffer }>(
      'mask_versions',
      'select document_id, version, body_sealed from document_version where document_id = any($1::uuid[])',
      [[...byId.keys()]],
    );
    await sql.query(
      'mask_versions_write',
      `update document_version t set body_sealed = n.body from unnest($1::uuid[], $2::integer[], $3::bytea[]) as n (id, version, body)
       where t.document_id = n.id and t.version = n.version`,
      [
        versions.map(({ document_id }) => document_id),
        versions.map(({ version }) => version),
        versions.map(({ document_id, body_sealed }) => resealed(document_id, body_sealed)),
      ],
    );
    await sql.query(
      'mask_documents_write',
      'update document t set key = n.key, body_sealed = n.body from unnest($1::uuid[], $2::text[], $3::bytea[]) as n (id, key, body) where t.id = n.id',
      [
        rows.map(({ id }) => id),
        rows.map((row) => row.new),
        rows.map(({ id, body_sealed }) => resealed(id, body_sealed)),
      ],
    );
  }
  for (const table of ['binding', 'binding_flow', 'awaits', 'exception'])
    await sql.query(
      `mask_keys_${table}`,
      `update ${table} t set key = m.new from masked_name m where t.kind = $1 and t.key = m.old`,
      [kind],
    );
  for (const table of ['delivery', 'delivery_history'])
    await sql.query(
      `mask_keys_${table}`,
      `update ${table} t set key = m.new, lane_key = $1 || ':' || m.new from masked_name m where t.kind = $1 and t.key = m.old`,
      [kind],
    );
  await sql.query(
    'mask_lanes',
    "update lane t set key = $1 || ':' || m.new from masked_name m where t.key = $1 || ':' || m.old",
    [kind],
  );
}

async function renameSubjects(
  sql: Sql,
  vault: Vault,
  { connection, source, flows }: Extract<MaskScope, { what: 'subject' }>,
  shardOf: (connection: string, subject: string) => number,
): Promise<void> {
  for (;;) {
    const rows = await sql.query<{ flow: string; old: string; new: string; memory_sealed: Buffer | null }>(
      'mask_memories',
      `select t.flow, m.old, m.new, t.memory_sealed from subject t join masked_name m on m.old = t.subject
       where t.connection = $1 and t.flow = any($2) limit $3`,
      [connection, flows, BATCH],
    );
    if (rows.length === 0) break;
    const memories = rows.map(({ flow, old, new: kept, memory_sealed }) => {
      const place = `subject:${connection}:${flow}:`;
      return memory_sealed && vault.seal(vault.unseal(memory_sealed, place + old), place + kept);
    });
    await sql.query(
      'mask_memories_write',
      `update subject t set subject = n.new, memory_sealed = n.memory from unnest($2::text[], $3::text[], $4::text[], $5::bytea[]) as n (flow, old, new, memory)
       where t.connection = $1 and t.flow = n.flow and t.subject = n.old`,
      [connection, rows.map(({ flow }) => flow), rows.map(({ old }) => old), rows.map((row) => row.new), memories],
    );
  }
  for (const table of ['event', 'concern', 'nudge']) {
    const rows = await sql.query<{ new: string }>(
      `mask_sharded_${table}`,
      `select distinct m.new from ${table} t join masked_name m on m.old = t.subject where t.connection = $1 and t.source = $2`,
      [connection, source],
    );
    await sql.query(
      `mask_subjects_${table}`,
      `update ${table} t set subject = m.new, shard = n.shard from masked_name m join unnest($3::text[], $4::smallint[]) as n (new, shard) on n.new = m.new
       where t.connection = $1 and t.source = $2 and t.subject = m.old`,
      [connection, source, rows.map((row) => row.new), rows.map((row) => shardOf(connection, row.new))],
    );
  }
  for (const table of ['event_history', 'reading'])
    await sql.query(
      `mask_subjects_${table}`,
      `update ${table} t set subject = m.new from masked_name m where t.connection = $1 and t.source = $2 and t.subject = m.old`,
      [connection, source],
    );
  await sql.query(
    'mask_exceptions',
    'update exception t set subject = m.new from masked_name m where t.connection = $1 and t.flow = any($2) and t.subject = m.old',
    [connection, flows],
  );
}
