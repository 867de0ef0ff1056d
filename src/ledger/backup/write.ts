import { createWriteStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdCompress } from 'node:zlib';
import type pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { HubError } from '../../core/errors.ts';
import { type Database, plainSession } from '../database.ts';
import { sealingStream } from './container.ts';
import { type BackupRecord, encodeRecord, type Manifest, type Summary } from './records.ts';

export interface BackupReport extends Summary {
  readonly manifest: Manifest;
  /** Bytes of the file. */
  readonly size: number;
  readonly seconds: number;
}

/** Rows of processes and leases are of no use elsewhere. */
const NOT_KEPT = ['node', 'lease'];
/** Transaction numbers mean nothing in another cluster. */
const COLUMNS_NOT_KEPT: Readonly<Record<string, readonly string[]>> = { audit: ['xid'] };

/**
 * Writes the ledger as of one moment into a new file, while hubs run: COPY of every table in one snapshot, compressed and sealed with the master key,
 * streamed. The file appears whole under its name or not at all; it is readable by its owner only.
 * Throws HubError CONFLICT when the file is there already, BAD_USE when its folder is not.
 */
export async function writeBackup(
  db: Database,
  file: string,
  options: { master: Uint8Array; release: string; replace?: boolean },
): Promise<BackupReport> {
  const began = performance.now();
  if (!options.replace && (await stat(file).catch(() => null)))
    throw new HubError('CONFLICT', `${file} is there already`, { hint: 'name another file, or add --replace' });
  if (!(await stat(dirname(file)).catch(() => null))?.isDirectory())
    throw new HubError('BAD_USE', `the folder ${dirname(file)} is not there`, {
      hint: 'create it, or name a file in a folder that is there',
    });
  const draft = `${file}.part`;
  const client = await db.session();
  const told: { manifest?: Manifest; summary?: Summary } = {};
  try {
    await plainSession(client);
    await client.query('begin isolation level repeatable read read only');
    const bytes = Readable.from(encoded(recordsOf(client, options.release, told)), { objectMode: false });
    const compress = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 3 } });
    await rm(draft, { force: true });
    await pipeline(
      bytes,
      compress,
      sealingStream(options.master),
      createWriteStream(draft, { flags: 'wx', mode: 0o600, flush: true }),
    );
    await client.query('commit');
    await rename(draft, file);
    await flushFolder(dirname(file));
  } catch (error) {
    await rm(draft, { force: true });
    // Broken off in the middle of a COPY: no further statement can be sent.
    client.release(error as Error);
    throw error;
  }
  client.release(true);
  const { size } = await stat(file);
  return { manifest: told.manifest!, ...told.summary!, size, seconds: (performance.now() - began) / 1000 };
}

async function* encoded(records: AsyncIterable<BackupRecord>): AsyncGenerator<Buffer> {
  for await (const record of records) yield encodeRecord(record);
}

async function* recordsOf(
  client: pg.PoolClient,
  release: string,
  told: { manifest?: Manifest; summary?: Summary },
): AsyncGenerator<BackupRecord> {
  const names = await tableNames(client);
  // Before the snapshot is taken: what is locked is not dropped by retention until we are done.
  await client.query(`lock table ${names.map((name) => `"${name}"`).join(', ')} in access share mode`);
  const manifest = await manifestOf(client, names, release);
  told.manifest = manifest;
  yield { kind: 'manifest', manifest };
  const rows: Record<string, number> = {};
  for (const { name, columns } of manifest.tables) {
    yield { kind: 'table', name };
    const list = columns.map((column) => `"${column}"`).join(', ');
    const copy = client.query(copyTo(`copy (select ${list} from "${name}") to stdout`));
    for await (const bytes of copy) yield { kind: 'rows', bytes };
    rows[name] = copy.rowCount;
    yield { kind: 'end', rows: copy.rowCount };
  }
  // Sequences are of no snapshot: read last, they are at or beyond what any row holds.
  const sequences = await client.query<{ name: string; value: string }>(
    `select sequencename as name, coalesce(last_value, start_value)::text as value from pg_sequences where schemaname = 'crossdock' order by 1`,
  );
  told.summary = { rows, sequences: sequences.rows };
  yield { kind: 'summary', summary: told.summary };
}

/** Tables of the schema, those that others refer to first. */
async function tableNames(client: pg.PoolClient): Promise<string[]> {
  const { rows } = await client.query<{ name: string; refers: string[] }>(
    `select c.relname::text as name, array(
       select r.relname::text from pg_constraint f join pg_class r on r.oid = f.confrelid where f.contype = 'f' and f.conrelid = c.oid) as refers
     from pg_class c where c.relnamespace = 'crossdock'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition order by 1`,
  );
  const ordered: string[] = [];
  const add = (name: string): void => {
    if (ordered.includes(name)) return;
    for (const other of rows.find((row) => row.name === name)?.refers ?? []) if (other !== name) add(other);
    ordered.push(name);
  };
  for (const { name } of rows) add(name);
  return ordered.filter((name) => !NOT_KEPT.includes(name));
}

async function manifestOf(client: pg.PoolClient, names: readonly string[], release: string): Promise<Manifest> {
  const { rows } = await client.query<{ name: string; columns: string[] }>(
    `select c.relname::text as name, array_agg(a.attname::text order by a.attnum) as columns
     from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
     where c.relnamespace = 'crossdock'::regnamespace and c.relname = any($1) group by c.oid, c.relname`,
    [names],
  );
  const about = await client.query<Pick<Manifest, 'postgres' | 'ledger' | 'era' | 'at' | 'migrations' | 'months'>>(
    `select current_setting('server_version') as postgres,
       (select value from setting where name = 'ledger') as ledger,
       (select max(number) from era) as era,
       to_char(transaction_timestamp() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at,
       (select json_agg(json_build_object('name', name, 'checksum', checksum) order by number) from migration) as migrations,
       array(select distinct replace(substring(c.relname from '\\d{4}_\\d{2}$'), '_', '-') || '-01'
         from pg_class c where c.relnamespace = 'crossdock'::regnamespace and c.relispartition and c.relname ~ '_\\d{4}_\\d{2}$' order by 1) as months`,
  );
  const tables = names.map((name) => ({
    name,
    columns: rows
      .find((row) => row.name === name)!
      .columns.filter((column) => !COLUMNS_NOT_KEPT[name]?.includes(column)),
  }));
  return { crossdock: release, ...about.rows[0]!, tables };
}

/** So that the new name outlives a power cut. Windows cannot flush a folder. */
async function flushFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
