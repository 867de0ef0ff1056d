import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Database } from './database.ts';
import type { Change } from './store.ts';
import type { Row, Value } from './types.ts';

/** What must survive a restart beside the records. */
export interface Identity {
  readonly version: number;
  readonly db: string;
  readonly currency: string;
  readonly prepared: boolean;
  readonly keys: Readonly<Record<string, string>>;
  readonly adminToken: string;
}

/** One committed transaction. */
export interface Commit {
  readonly number: number;
  /** Number of the call that made it; 0 for the first filling of the database. */
  readonly call: number;
  readonly at: string;
  readonly changes: readonly Change[];
}

interface Line {
  n: number;
  c: number;
  at: string;
  /** Last id of each table touched. */
  s: Record<string, number>;
  /** Records written: table, whether it is new, fields changed, and every value that is not empty. */
  w: [table: string, inserted: number, fields: readonly string[], row: Record<string, Value>][];
  d: [table: string, id: number][];
}

const COMPACT_BYTES = 256 * 1024 * 1024;

const files = (dir: string): string[] =>
  readdirSync(dir)
    .filter((name) => /^state-\d{8}\.ndjson$/.test(name))
    .sort();

const fileName = (generation: number) => `state-${String(generation).padStart(8, '0')}.ndjson`;

/** Values that differ from the empty row. */
function slim(db: Database, table: string, row: Row): Record<string, Value> {
  const { template } = db.models.get(table)!;
  const out: Record<string, Value> = { id: row.id };
  for (const [name, value] of Object.entries(row)) {
    const empty = template[name];
    if (value !== empty && !(Array.isArray(value) && value.length === 0)) out[name] = value;
  }
  return out;
}

function encode(db: Database, commit: Commit): string {
  const line: Line = { n: commit.number, c: commit.call, at: commit.at, s: {}, w: [], d: [] };
  for (const { table, id, row, inserted, fields } of commit.changes) {
    line.s[table] = db.table(table).lastId;
    if (row) line.w.push([table, inserted ? 1 : 0, fields, slim(db, table, row)]);
    else line.d.push([table, id]);
  }
  return `${JSON.stringify(line)}\n`;
}

/** Puts a journal line's records in place and says what it changed. */
function apply(db: Database, line: Line): Commit {
  const changes: Change[] = [];
  for (const [name, inserted, fields, values] of line.w) {
    const table = db.table(name);
    const before = table.rows.get(Number(values.id));
    if (before) table.drop(before);
    const row = { ...db.models.get(name)!.template, ...values } as Row;
    table.put(row);
    changes.push({ table: name, id: row.id, row, inserted: inserted === 1, fields });
  }
  for (const [name, id] of line.d) {
    const row = db.table(name).rows.get(id);
    if (row) db.table(name).drop(row);
    changes.push({ table: name, id, row: null, inserted: false, fields: [] });
  }
  for (const [name, last] of Object.entries(line.s)) db.table(name).lastId = Math.max(db.table(name).lastId, last);
  return { number: line.n, call: line.c, at: line.at, changes };
}

/** The identity kept in a data folder, when there is one. */
export function identityIn(dir: string): Identity | undefined {
  if (!existsSync(dir)) return undefined;
  const last = files(dir).at(-1);
  if (!last) return undefined;
  const text = readFileSync(join(dir, last), 'utf8');
  const end = text.indexOf('\n');
  return end < 0 ? undefined : (JSON.parse(text.slice(0, end)) as Identity);
}

/** Every commit as a line in a file, so that a restart (or a kill) loses nothing that was answered. A torn last line is ignored. */
export class Journal {
  private readonly dir: string;
  private readonly db: Database;
  private readonly identity: Identity;
  private readonly sync: boolean;
  private file = -1;
  private bytes = 0;
  private generation = 0;

  constructor(dir: string, db: Database, identity: Identity, sync: boolean) {
    this.dir = dir;
    this.db = db;
    this.identity = identity;
    this.sync = sync;
    mkdirSync(dir, { recursive: true });
  }

  /** Replays what is there, or begins anew. Calls `seen` for every commit found. */
  open(seen: (commit: Commit) => void): void {
    const last = files(this.dir).at(-1);
    if (last) {
      this.generation = Number(last.slice(6, 14));
      this.replay(join(this.dir, last), seen);
      this.file = openSync(join(this.dir, last), 'a', 0o600);
    } else {
      this.generation = 1;
      this.file = openSync(join(this.dir, fileName(1)), 'a', 0o600);
      this.put(`${JSON.stringify(this.identity)}\n`);
    }
  }

  private replay(path: string, seen: (commit: Commit) => void): void {
    const bytes = readFileSync(path);
    let start = bytes.indexOf(10) + 1;
    for (let end = bytes.indexOf(10, start); end >= 0; end = bytes.indexOf(10, start)) {
      seen(apply(this.db, JSON.parse(bytes.toString('utf8', start, end)) as Line));
      start = end + 1;
    }
    if (start < bytes.length) truncateSync(path, start);
    this.bytes = start;
  }

  append(commit: Commit): void {
    this.put(encode(this.db, commit));
    if (this.bytes > COMPACT_BYTES) this.compact(commit);
  }

  private put(line: string): void {
    this.bytes += writeSync(this.file, line);
    if (this.sync) fsyncSync(this.file);
  }

  /** Starts a new file with the records as they are. The history of writes before it is given up. */
  private compact(last: Commit): void {
    const next = join(this.dir, fileName(this.generation + 1));
    const file = openSync(`${next}.tmp`, 'w', 0o600);
    writeSync(file, `${JSON.stringify(this.identity)}\n`);
    for (const table of this.db.store.tables.values())
      for (const row of table.rows.values()) {
        const change: Change = { table: table.name, id: row.id, row, inserted: false, fields: [] };
        writeSync(file, encode(this.db, { ...last, changes: [change] }));
      }
    fsyncSync(file);
    closeSync(file);
    renameSync(`${next}.tmp`, next);
    closeSync(this.file);
    rmSync(join(this.dir, fileName(this.generation)));
    this.generation++;
    this.file = openSync(next, 'a', 0o600);
    this.bytes = 0;
  }

  close(): void {
    if (this.file >= 0) closeSync(this.file);
    this.file = -1;
  }
}
