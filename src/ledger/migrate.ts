import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HubError } from '../core/errors.ts';
import { sha256 } from '../core/seal.ts';
import type { Database } from './database.ts';

export interface Migration {
  number: number;
  name: string;
  text: string;
  checksum: string;
}

const NEEDED_MAJOR = 15;

/** The folder of numbered migrations, found from a clone's sources and from compiled output alike. */
export function migrationsFolder(): string {
  for (const up of ['../../sql', '../../../sql']) {
    const folder = join(import.meta.dirname, up);
    try {
      if (readdirSync(folder).some((name) => name.endsWith('.sql'))) return folder;
    } catch {
      // not here: look further up
    }
  }
  throw new HubError('LEDGER_VERSION', 'the migrations (folder sql) are missing from this installation', {
    hint: 'install Crossdock again',
  });
}

export function readMigrations(folder: string): Migration[] {
  const names = readdirSync(folder).filter((name) => /^\d{3}-.+\.sql$/.test(name));
  return names.sort().map((name) => {
    const text = readFileSync(join(folder, name), 'utf8').replaceAll('\r\n', '\n');
    return { number: Number(name.slice(0, 3)), name, text, checksum: sha256(text).toString('hex') };
  });
}

/** The schema, and the table that says which migrations it has. */
export const schema = `create schema if not exists crossdock;
  create table if not exists crossdock.migration (number integer primary key, name text not null, checksum text not null, applied_at timestamptz not null default now())`;

/**
 * Brings the ledger to this release: forward only, one transaction each, safe with several hubs starting at once (an advisory lock).
 * Returns the names that were applied now. Throws HubError LEDGER_VERSION (older PostgreSQL, newer ledger) or MIGRATION_CHANGED.
 */
export async function migrate(db: Database, folder: string = migrationsFolder()): Promise<string[]> {
  const migrations = readMigrations(folder);
  const [server] = await db.query<{ major: number; version: string }>(
    'server_version',
    "select current_setting('server_version_num')::int / 10000 as major, current_setting('server_version') as version",
  );
  if (server!.major < NEEDED_MAJOR)
    throw new HubError(
      'LEDGER_VERSION',
      `PostgreSQL ${server!.version} is too old: Crossdock needs ${NEEDED_MAJOR} or newer`,
    );
  const client = await db.session();
  try {
    await client.query('select pg_advisory_lock(7070, 0)');
    await client.query(schema);
    const { rows } = await client.query<{ number: number; name: string; checksum: string }>(
      'select number, name, checksum from crossdock.migration order by number',
    );
    refuseStrangeLedger(rows, migrations);
    const applied: string[] = [];
    for (const migration of migrations.slice(rows.length)) {
      await client.query('begin');
      try {
        await client.query(migration.text);
        await client.query('insert into crossdock.migration (number, name, checksum) values ($1, $2, $3)', [
          migration.number,
          migration.name,
          migration.checksum,
        ]);
        await client.query('commit');
      } catch (error) {
        await client.query('rollback');
        throw error;
      }
      applied.push(migration.name);
    }
    return applied;
  } finally {
    await client.query('select pg_advisory_unlock(7070, 0)').catch(() => undefined);
    client.release();
  }
}

/** Throws HubError LEDGER_VERSION or MIGRATION_CHANGED unless the migrations applied are the first ones of this release. */
export function refuseStrangeLedger(
  applied: readonly { readonly name: string; readonly checksum: string }[],
  known: readonly Migration[],
): void {
  if (applied.length > known.length)
    throw new HubError(
      'LEDGER_VERSION',
      `the ledger is at migration ${applied.at(-1)!.name}, this Crossdock knows ${known.length}: it was written by a newer release`,
      {
        hint: 'start the newer release, or restore a backup from before the upgrade',
      },
    );
  for (const [index, row] of applied.entries())
    if (row.checksum !== known[index]!.checksum)
      throw new HubError('MIGRATION_CHANGED', `migration ${row.name} in the ledger is not the one of this release`, {
        hint: 'a migration never changes once shipped: check which release wrote this ledger',
      });
}
