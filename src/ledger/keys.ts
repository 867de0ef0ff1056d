import { randomBytes } from 'node:crypto';
import { HubError } from '../core/errors.ts';
import { keyNumber } from '../core/seal.ts';
import { appendAudit } from './audit.ts';
import type { Database, Sql } from './database.ts';
import { type SealedColumn, sealedColumns } from './sealed-columns.ts';
import {
  type DataKeyRow,
  handOver,
  lockDataKeys,
  readDataKeys,
  unwrapDataKey,
  type Vault,
  wrapDataKey,
  wrappingKey,
} from './vault.ts';

/** Wraps all data keys with another master key. Throws HubError MASTER_KEY when `before` is not the one in use. */
export async function rewrapDataKeys(sql: Sql, before: Uint8Array, after: Uint8Array): Promise<void> {
  await lockDataKeys(sql);
  const [from, to] = [wrappingKey(before), wrappingKey(after)];
  for (const row of await readDataKeys(sql))
    await sql.query('rewrap_data_key', 'update data_key set wrapped = $2 where id = $1', [
      row.id,
      wrapDataKey(to, unwrapDataKey(from, row), row),
    ]);
}

/**
 * First step of a rotation, one transaction: the data keys are wrapped with the new master key, and a new sealing key is announced (one that an
 * interrupted rotation has announced is used). Running hubs learn of it by its handover. Returns the new key's number.
 */
export function announceKey(
  db: Database,
  master: { before: Uint8Array; after: Uint8Array },
  actor: string,
): Promise<number> {
  return db.transaction(async (sql) => {
    await rewrapDataKeys(sql, master.before, master.after);
    const rows = await readDataKeys(sql);
    const waiting = rows.find(({ state }) => state === 'announced');
    if (waiting) return waiting.id;
    const current = sealingKey(rows);
    const id = Math.max(...rows.map((row) => row.id)) + 1;
    const wrapping = wrappingKey(master.after);
    const key = randomBytes(32);
    await sql.query(
      'announce_data_key',
      "insert into data_key (id, purpose, wrapped, state, handover) values ($1, 'seal', $2, 'announced', $3)",
      [
        id,
        wrapDataKey(wrapping, key, { id, purpose: 'seal' }),
        handOver({ id: current.id, key: unwrapDataKey(wrapping, current) }, key, id),
      ],
    );
    await appendAudit(sql, [{ entity: '*', actor, action: 'key.announced', object: `data-key:${id}` }]);
    return id;
  });
}

const sealingKey = (rows: readonly DataKeyRow[]): DataKeyRow =>
  rows.findLast(({ purpose, state }) => purpose === 'seal' && state === 'active')!;

/** Hubs seen within the last 30 seconds: which sealing keys they can read with, and which they use; null for a release that does not say. */
export async function hubKeys(sql: Sql): Promise<{ id: string; keys: { known: number[]; sealing: number } | null }[]> {
  return sql.query(
    'hub_keys',
    "select id, about->'keys' as keys from node where seen_at > clock_timestamp() - interval '30 seconds'",
  );
}

/** Second step: from now on everything is sealed with this key. Throws HubError CONFLICT while a live hub cannot read with it. */
export async function activateKey(db: Database, id: number, actor: string): Promise<void> {
  await db.transaction(async (sql) => {
    await lockDataKeys(sql);
    const unready = (await hubKeys(sql)).filter(({ keys }) => !keys?.known.includes(id));
    if (unready.length > 0)
      throw new HubError('CONFLICT', `${unready.length} running hub(s) do not have the new key yet`, {
        hint: 'hubs of this release take it within seconds; stop those of an older one, then repeat the command',
      });
    await sql.query(
      'activate_data_key',
      "update data_key set state = case when id = $1 then 'active' else 'kept' end where purpose = 'seal' and (id = $1 or state = 'active')",
      [id],
    );
    await appendAudit(sql, [{ entity: '*', actor, action: 'key.activated', object: `data-key:${id}` }]);
  });
}

/** Last step: nobody needs to learn of a key by another one any more. */
export async function endHandover(sql: Sql): Promise<void> {
  await sql.query('end_handover', 'update data_key set handover = null where handover is not null');
}

/**
 * Seals everything with the key in use that was sealed with an earlier one, 500 rows at a time, while hubs run. May be stopped and run again.
 * `progress` is told rows sealed so far and the table at hand. Returns how many rows there were.
 */
export async function resealAll(
  db: Database,
  vault: Vault,
  progress: (rows: number, table: string) => void,
): Promise<number> {
  let sealed = 0;
  for (const place of sealedColumns)
    for (let after: string[] | null = null; ; ) {
      const page: SealedRow[] = await pageOf(db, place, after);
      if (page.length === 0) break;
      const old = page.filter(({ sealed }) => sealed !== null && keyNumber(sealed) !== vault.keys.sealing);
      if (old.length > 0) sealed += await writeSealed(db, vault, place, old);
      progress(sealed, place.table);
      after = page.at(-1)!.key;
    }
  return sealed;
}

interface SealedRow {
  key: string[];
  sealed: Buffer | null;
  place: string | null;
}

const PAGE = 500;

function pageOf(sql: Sql, { table, column, key, place }: SealedColumn, after: string[] | null): Promise<SealedRow[]> {
  const names = Object.keys(key);
  const values = Object.values(key).map((type, n) => `($1::text[])[${n + 1}]::${type}`);
  return sql.query<SealedRow>(
    `reseal_page_${table}_${column}`,
    `select array[${names.map((name) => `t.${name}::text`).join(', ')}] as key, t.${column} as sealed, ${place} as place from ${table} t
     where $1::text[] is null or (${names.map((name) => `t.${name}`).join(', ')}) > (${values.join(', ')})
     order by ${names.map((name) => `t.${name}`).join(', ')} limit ${PAGE}`,
    [after],
  );
}

/** Only where the value is still the one that was read: a hub may have written a newer one. */
async function writeSealed(
  sql: Sql,
  vault: Vault,
  { table, column, key }: SealedColumn,
  rows: readonly SealedRow[],
): Promise<number> {
  const names = Object.keys(key);
  const types = Object.values(key);
  const written = await sql.query(
    `reseal_write_${table}_${column}`,
    `update ${table} t set ${column} = n.after from unnest(${names.map((_, n) => `$${n + 3}::${types[n]}[]`).join(', ')}, $1::bytea[], $2::bytea[])
       as n (${names.map((_, n) => `k${n}`).join(', ')}, before, after)
     where ${names.map((name, n) => `t.${name} = n.k${n}`).join(' and ')} and t.${column} = n.before returning 1`,
    [
      rows.map(({ sealed }) => sealed),
      rows.map(({ sealed, place }) => vault.seal(vault.unseal(sealed!, place!), place!)),
      ...names.map((_, n) => rows.map((row) => row.key[n])),
    ],
  );
  return written.length;
}
