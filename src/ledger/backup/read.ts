import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createZstdDecompress } from 'node:zlib';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { HubError } from '../../core/errors.ts';
import { appendAudit } from '../audit.ts';
import { type Database, plainSession, type Sql } from '../database.ts';
import { rewrapDataKeys } from '../keys.ts';
import { migrate, migrationsFolder, readMigrations, refuseStrangeLedger, schema } from '../migrate.ts';
import { HEADER, openingStream, opensWith } from './container.ts';
import { type BackupRecord, decodeRecords, type Manifest, type Summary } from './records.ts';

export interface RestoreReport extends Summary {
  readonly manifest: Manifest;
  /** The era that begins with the restored ledger. */
  readonly era: number;
  /** Migrations that were applied after it, forward to this release. */
  readonly applied: readonly string[];
  readonly seconds: number;
}

/** Fencing tokens go on far beyond any that were given out after the backup. */
const TOKENS_APART = 1_000_000;

/** Whether the master key opens the file. Reads its first bytes only. Throws HubError BACKUP_INVALID for a file that is no backup. */
export async function backupOpensWith(file: string, master: Uint8Array): Promise<boolean> {
  const handle = await open(file, 'r').catch((cause: NodeJS.ErrnoException) => {
    throw new HubError('BACKUP_INVALID', `${file} cannot be read: ${cause.code}`, { cause });
  });
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEADER), 0, HEADER, 0);
    return opensWith(buffer.subarray(0, bytesRead), master);
  } finally {
    await handle.close();
  }
}

/** Reads a backup from end to end without keeping anything. Throws HubError BACKUP_INVALID when any of it is not as it was written. */
export async function checkBackup(file: string, master: Uint8Array): Promise<{ manifest: Manifest } & Summary> {
  let manifest: Manifest | undefined;
  let summary: Summary | undefined;
  await eachRecord(file, master, async (records) => {
    for await (const record of records) {
      if (record.kind === 'manifest') manifest = record.manifest;
      if (record.kind === 'summary') summary = record.summary;
    }
  });
  if (!manifest || !summary) throw new HubError('BACKUP_INVALID', 'the backup lacks its beginning or its end');
  return { manifest, ...summary };
}

/**
 * Fills an empty ledger from a backup: at the backup's own migrations, in one transaction that is committed only when the file was read to its
 * authenticated end, then migrated forward to this release. The restored ledger begins a new era (see engine/era.ts).
 *
 * `replace` also replaces the same ledger (known by its id) while no hub runs on it. With `rewrap`, the data keys are wrapped with that master key
 * instead of the backup's. Throws HubError BACKUP_INVALID, MASTER_KEY, LEDGER_VERSION, MIGRATION_CHANGED or CONFLICT; nothing is changed then.
 */
export async function readBackup(
  db: Database,
  file: string,
  options: { master: Uint8Array; actor: string; replace?: boolean; rewrap?: Uint8Array },
): Promise<RestoreReport> {
  const began = performance.now();
  const client = await db.session();
  let loaded: { manifest: Manifest; summary: Summary; era: number } | undefined;
  try {
    await plainSession(client);
    await eachRecord(file, options.master, async (records) => {
      await client.query('begin');
      await client.query('select pg_advisory_xact_lock(7070, 0)');
      loaded = await load(client, records, options);
    });
    await client.query('commit');
  } catch (error) {
    client.release(error as Error);
    throw error;
  }
  client.release(true);
  const { manifest, summary, era } = loaded!;
  const applied = await migrate(db);
  for (const { name } of manifest.tables) await db.query(`analyze_${name}`, `analyze "${name}"`);
  return { manifest, ...summary, era, applied, seconds: (performance.now() - began) / 1000 };
}

/** Resolves when `work` has read all records and the file was authenticated to its end. */
async function eachRecord(
  file: string,
  master: Uint8Array,
  work: (records: AsyncIterable<BackupRecord>) => Promise<void>,
): Promise<void> {
  await pipeline(createReadStream(file), openingStream(master), createZstdDecompress(), async (bytes) => {
    await work(decodeRecords(bytes as AsyncIterable<Buffer>));
  });
}

async function load(
  client: pg.PoolClient,
  records: AsyncIterable<BackupRecord>,
  options: { master: Uint8Array; actor: string; replace?: boolean; rewrap?: Uint8Array },
): Promise<{ manifest: Manifest; summary: Summary; era: number }> {
  let manifest: Manifest | undefined;
  let summary: Summary | undefined;
  let tokens = 0n;
  let table: Filling | null = null;
  for await (const record of records) {
    if (record.kind === 'manifest') {
      manifest = record.manifest;
      tokens = await clearPlace(client, manifest, options.replace ?? false);
      await makeTables(client, manifest);
    } else if (record.kind === 'table') {
      const { columns } = manifest!.tables.find(({ name }) => name === record.name)!;
      table = fill(client, record.name, columns);
    } else if (record.kind === 'rows') await table!.write(record.bytes);
    else if (record.kind === 'end') await table!.end(record.rows);
    else summary = record.summary;
  }
  if (!manifest || !summary) throw new HubError('BACKUP_INVALID', 'the backup lacks its beginning or its end');
  await protect(client, true);
  await setSequences(client, summary, tokens);
  const sql = sqlOf(client);
  if (options.rewrap) await rewrapDataKeys(sql, options.master, options.rewrap);
  return { manifest, summary, era: await beginEra(sql, manifest, options.actor) };
}

/** Refuses a place that holds another ledger, or this one without leave; otherwise drops what is there. Returns where its fencing tokens stood. */
async function clearPlace(client: pg.PoolClient, manifest: Manifest, replace: boolean): Promise<bigint> {
  const { rows } = await client.query<{ there: boolean }>(
    `select to_regclass('crossdock.data_key') is not null as there`,
  );
  if (!rows[0]!.there) {
    await client.query('drop schema if exists crossdock cascade');
    return 0n;
  }
  const held = await client.query<{ keys: number; ledger: string | null; live: number; tokens: string }>(
    `select (select count(*)::int from data_key) as keys, (select value from setting where name = 'ledger') as ledger,
       (select count(*)::int from node where seen_at > clock_timestamp() - interval '30 seconds') as live,
       (select last_value::text from lease_epoch) as tokens`,
  );
  const { keys, ledger, live, tokens } = held.rows[0]!;
  if (live > 0)
    throw new HubError('CONFLICT', `${live} hub(s) run on the ledger that is there`, {
      hint: 'stop them (one that was killed counts for 30 seconds), then repeat; nothing was changed',
    });
  if (keys > 0 && ledger !== manifest.ledger)
    throw new HubError('CONFLICT', 'the place holds another ledger', {
      hint: 'restore into an empty database or a new home folder (CROSSDOCK_HOME, DATABASE_URL); nothing was changed',
    });
  if (keys > 0 && !replace)
    throw new HubError('CONFLICT', 'the place holds this ledger already', {
      hint: 'restore into an empty database or a new home folder, or add --replace to give up what it holds; nothing was changed',
    });
  await client.query('drop schema crossdock cascade');
  return BigInt(tokens);
}

/** The tables as the backup's migrations make them, empty, with partitions for every month it has, open for COPY. */
async function makeTables(client: pg.PoolClient, manifest: Manifest): Promise<void> {
  const known = readMigrations(migrationsFolder());
  refuseStrangeLedger(manifest.migrations, known);
  await client.query(schema);
  for (const { text } of known.slice(0, manifest.migrations.length)) await client.query(text);
  for (const month of manifest.months) await client.query('select ensure_history($1::date, 1)', [month]);
  await client.query(`truncate ${manifest.tables.map(({ name }) => `"${name}"`).join(', ')}`);
  await protect(client, false);
}

/** Row-level security binds the owner too, and COPY cannot write under it: let go of for this transaction alone, which nobody else sees into. */
async function protect(client: pg.PoolClient, force: boolean): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `select relname::text as name from pg_class
     where relnamespace = 'crossdock'::regnamespace and relkind in ('r', 'p') and not relispartition and relrowsecurity order by 1`,
  );
  for (const { name } of rows)
    await client.query(`alter table "${name}" ${force ? 'force' : 'no force'} row level security`);
}

interface Filling {
  write(bytes: Buffer): Promise<void>;
  /** Throws when PostgreSQL took another number of rows. */
  end(rows: number): Promise<void>;
}

function fill(client: pg.PoolClient, name: string, columns: readonly string[]): Filling {
  const copy = client.query(
    copyFrom(`copy "${name}" (${columns.map((column) => `"${column}"`).join(', ')}) from stdin`),
  );
  let failed: Error | null = null;
  const over = new Promise<void>((resolve) => {
    copy.once('error', (error: Error) => {
      failed = error;
      resolve();
    });
    copy.once('finish', () => resolve());
  });
  const check = (): void => {
    if (failed) throw failed;
  };
  return {
    write: async (bytes) => {
      check();
      if (copy.write(bytes)) return;
      await Promise.race([over, new Promise<void>((resolve) => copy.once('drain', () => resolve()))]);
      check();
    },
    end: async (rows) => {
      copy.end();
      await over;
      check();
      if (copy.rowCount !== rows)
        throw new HubError('BACKUP_INVALID', `${name} has ${copy.rowCount} rows instead of ${rows}`);
    },
  };
}

async function setSequences(client: pg.PoolClient, summary: Summary, tokens: bigint): Promise<void> {
  for (const { name, value } of summary.sequences) {
    const next =
      name === 'lease_epoch' ? (BigInt(value) > tokens ? BigInt(value) : tokens) + BigInt(TOKENS_APART) : BigInt(value);
    await client.query(`select setval(quote_ident($1)::regclass, $2::bigint)`, [name, String(next)]);
  }
}

const sqlOf = (client: pg.PoolClient): Sql => ({
  query: async <Row>(_: string, text: string, values: unknown[] = []) =>
    (await client.query(text, values)).rows as Row[],
});

/**
 * The audit goes on in this cluster, whose transaction numbers are its own: all restored records carry the number of this transaction, and those that
 * were not chained yet are chained after it.
 */
async function beginEra(sql: Sql, manifest: Manifest, actor: string): Promise<number> {
  await sql.query(
    'restore_seal_mark',
    `insert into setting (name, value) values ('audit_sealed_xid', pg_current_xact_id()::text) on conflict (name) do update set value = excluded.value`,
  );
  const [era] = await sql.query<{ number: number }>(
    'restore_era',
    `insert into era (number, backup_at, audit_seq) select max(number) + 1, $1, (select coalesce(max(seq), 0) from audit_seal) from era returning number`,
    [manifest.at],
  );
  await appendAudit(sql, [
    {
      entity: '*',
      actor,
      action: 'ledger.restored',
      object: `era:${era!.number}`,
      detail: { backup: manifest.at, crossdock: manifest.crossdock, postgres: manifest.postgres },
    },
  ]);
  return era!.number;
}
