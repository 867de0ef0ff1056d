import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { milliseconds } from '../core/clock.ts';
import type { Context, DroppedFile, FileSource, Incoming } from '../core/connector.ts';
import { faultOf } from '../core/fault.ts';
import { newId } from '../core/ids.ts';
import { readCursor } from '../ledger/connections.ts';
import { recordDuplicates } from '../ledger/events.ts';
import type { Lease } from '../ledger/leases.ts';
import { contextFor } from './context.ts';
import type { Replay } from './era.ts';
import { writeExceptions } from './exception.ts';
import { eventRow, withStorableNames } from './intake.ts';
import type { Parts } from './parts.ts';
import { storeRead } from './poll.ts';
import type { SourcePort } from './wiring.ts';

type FilePort = SourcePort & { source: FileSource<unknown> };

/** A file that was read: kept in the source's cursor to know it when it comes again, whole or grown. */
interface ReadFile {
  name: string;
  size: number;
  mtime: number;
  digest: string;
}

/** A file to be read: where it lies, and under which name it came. */
type Candidate = Omit<ReadFile, 'digest'> & { path: string };
type ParsedFile = ReadFile & { file: DroppedFile; parsed: unknown; again: boolean };

/** Files remembered per source; older ones are still known by the events they brought. */
const MOST_REMEMBERED = 10_000;

/** What one look into the folder came to: `waiting` while something is there that may still change. */
export type Look = { state: 'empty' | 'waiting' } | { state: 'read'; files: number; events: number };

/** Watches one folder of a file source; keeps what it saw at its last look to know when the inbox is quiet. */
export class Inbox {
  readonly #parts: Parts;
  readonly #port: FilePort;
  #seen = '';
  #since = 0;

  constructor(parts: Parts, port: FilePort) {
    this.#parts = parts;
    this.#port = port;
  }

  /** Reads the folder's files once nothing in it has changed for the source's quiet time. */
  async look(lease: Lease, signal: AbortSignal): Promise<Look> {
    const { source, connection } = this.#port;
    const { clock, db } = this.#parts;
    await mkdir(source.folder, { recursive: true });
    const { files: known, era } = parseCursor(await readCursor(db, connection, source.name));
    const { replay } = this.#parts.era;
    if (replay && era !== replay.era) return this.#readAgain(replay, known, lease, signal);
    const candidates = await this.#candidates(known);
    if (candidates.length === 0) return { state: 'empty' };
    const seen = JSON.stringify(candidates);
    if (seen !== this.#seen) {
      this.#seen = seen;
      this.#since = clock.monotonic();
    }
    if (clock.monotonic() - this.#since < milliseconds(source.quiet)) return { state: 'waiting' };
    this.#seen = '';
    return this.#read(candidates, known, era, lease, signal);
  }

  /**
   * After a restore: files that were read and moved to done/ since the backup are read once more where they lie, together with those they were
   * read with and in that order, before anything new. The cursor remembers each, so that this may break off anywhere.
   */
  async #readAgain(replay: Replay, known: readonly ReadFile[], lease: Lease, signal: AbortSignal): Promise<Look> {
    const { source, connection } = this.#port;
    const folder = join(source.folder, 'done');
    let files = [...known];
    let events = 0;
    let count = 0;
    for (const group of await doneSince(folder, replay.from)) {
      const read = await this.#parse(
        group,
        known,
        contextFor(this.#parts, connection, signal, () => true),
      );
      const fresh = read.filter(({ digest }) => !files.some((file) => file.digest === digest));
      if (fresh.length === 0) continue;
      const next = remembered(files, fresh);
      const stored = await storeRead(
        this.#parts,
        this.#port,
        lease,
        source.events(fresh, files),
        JSON.stringify({ files: next }),
      );
      if (!stored) return { state: 'waiting' };
      files = next;
      events += stored.size;
      count += fresh.length;
    }
    const stored = await storeRead(this.#parts, this.#port, lease, [], JSON.stringify({ files, era: replay.era }));
    if (!stored) return { state: 'waiting' };
    this.#parts.log.info('files read again after a restore', { connection, files: count, events });
    return { state: 'read', files: count, events };
  }

  async #candidates(known: readonly ReadFile[]): Promise<Omit<ReadFile, 'digest'>[]> {
    const { source } = this.#port;
    const wanted = namePattern(source.pattern);
    const found: Omit<ReadFile, 'digest'>[] = [];
    for (const entry of await readdir(source.folder, { withFileTypes: true })) {
      if (!entry.isFile() || entry.name.startsWith('.') || entry.name.endsWith('.part') || !wanted.test(entry.name))
        continue;
      const status = await stat(join(source.folder, entry.name)).catch(() => null);
      if (!status) continue;
      const file = { name: entry.name, size: status.size, mtime: Math.round(status.mtimeMs) };
      if (
        source.keep &&
        known.some(({ name, size, mtime }) => name === file.name && size === file.size && mtime === file.mtime)
      )
        continue;
      found.push(file);
    }
    return found.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async #read(
    candidates: readonly Omit<ReadFile, 'digest'>[],
    known: readonly ReadFile[],
    era: number | undefined,
    lease: Lease,
    signal: AbortSignal,
  ): Promise<Look> {
    const { source, connection } = this.#port;
    const cx = contextFor(this.#parts, connection, signal, () => true);
    const read = await this.#parse(
      candidates.map((candidate) => ({ ...candidate, path: join(source.folder, candidate.name) })),
      known,
      cx,
      (name, error) => this.#refuse(name, error),
    );
    const fresh = read.filter(({ again }) => !again);
    const items = fresh.length > 0 ? source.events(fresh, known) : [];
    const stored = await storeRead(
      this.#parts,
      this.#port,
      lease,
      items,
      JSON.stringify({ files: remembered(known, read), era }),
    );
    if (!stored) return { state: 'waiting' };
    const together = newId();
    for (const { file, parsed, again } of read) {
      if (again) await this.#recordAgain(file, parsed, known);
      await this.#put('done', file.name, {
        file: file.name,
        outcome: again ? 'read before: nothing new' : 'read',
        together,
        ...source.report(parsed),
      });
    }
    this.#parts.log.info('files read', {
      connection,
      files: read.length,
      events: stored.size,
      repeated: read.length - fresh.length,
    });
    return { state: 'read', files: read.length, events: stored.size };
  }

  /** Reads files whole; `again` are those that were read before. What cannot be read is told to `refuse`. */
  async #parse(
    candidates: readonly Candidate[],
    known: readonly ReadFile[],
    cx: Context,
    refuse: (name: string, error: unknown) => Promise<void> = async () => undefined,
  ): Promise<ParsedFile[]> {
    const read: ParsedFile[] = [];
    for (const { path, ...candidate } of candidates) {
      const bytes = await readFile(path);
      const file = { name: candidate.name, bytes, digest: digestOf(bytes) };
      try {
        const again =
          known.some(({ digest }) => digest === file.digest) || read.some(({ digest }) => digest === file.digest);
        read.push({
          ...candidate,
          size: bytes.length,
          digest: file.digest,
          file,
          parsed: await this.#port.source.parse(file, cx),
          again,
        });
      } catch (error) {
        await refuse(candidate.name, error);
      }
    }
    return read;
  }

  /** A file that came again whole: its records are duplicates, and counted as such. */
  async #recordAgain(file: DroppedFile, parsed: unknown, known: readonly ReadFile[]): Promise<void> {
    const { source, connection } = this.#port;
    const rows = source
      .events([{ file, parsed }], known)
      .map((incoming) =>
        eventRow(this.#parts, { connection, source: source.name, incoming: withStorableNames(incoming) }),
      );
    await recordDuplicates(this.#parts.db, rows);
  }

  /** A file that cannot be read as a whole goes aside with a report, and becomes an Exception; nothing of it was taken. */
  async #refuse(name: string, error: unknown): Promise<void> {
    const { connection, entity, flows } = this.#port;
    const fault = faultOf(error, 'rejected');
    const [flow] = flows;
    const id = newId();
    this.#parts.log.warn('file refused', { connection, file: name });
    await this.#parts.db.transaction((sql) =>
      writeExceptions(this.#parts, sql, [
        {
          id,
          entity,
          flow: flow?.id ?? '',
          connection,
          subject: null,
          kind: null,
          key: null,
          eventId: null,
          deliveryId: null,
          holds: false,
          cause: 'file-refused',
          field: fault.kind === 'rejected' ? (fault.field ?? null) : null,
          message: `${fault.message} Nothing of this file was taken; it lies in failed/ with this report. Put it right and drop it again.`,
          owner: flow?.onException.owner ?? 'operations',
          within: flow?.onException.within ?? '1d',
          labels: { file: name },
          lines: 0,
          currency: null,
          minor: 0n,
          absolute: 0n,
        },
      ]),
    );
    await this.#put('failed', name, { file: name, outcome: 'refused', problem: fault.message });
  }

  /** Moves a file aside with its report. With `keep` a refused file still goes to failed/, so that it is not refused again and again. */
  async #put(where: 'done' | 'failed', name: string, report: object): Promise<void> {
    const { source } = this.#port;
    if (source.keep && where === 'done') return;
    const folder = join(source.folder, where);
    await mkdir(folder, { recursive: true });
    let target = name;
    for (let n = 2; existsSync(join(folder, target)); n++) target = name.replace(/(\.[^.]*)?$/, `.${n}$1`);
    await writeFile(
      join(folder, `${target}.report.json`),
      `${JSON.stringify({ ...report, at: this.#parts.clock.now().toISOString() }, null, 2)}\n`,
    );
    await rename(join(source.folder, name), join(folder, target));
  }
}

/** What the files that a source has not read yet would bring, were they read now; none is moved. Throws for one that cannot be read. */
export async function* unreadFiles(
  source: FileSource<unknown>,
  cursor: string | null,
  cx: Context,
): AsyncIterable<Incoming[]> {
  const { files: known } = parseCursor(cursor);
  const wanted = namePattern(source.pattern);
  const names = (await readdir(source.folder).catch(() => []))
    .filter((name) => !name.startsWith('.') && !name.endsWith('.part') && wanted.test(name))
    .sort();
  const read: { file: DroppedFile; parsed: unknown }[] = [];
  for (const name of names) {
    const bytes = await readFile(join(source.folder, name));
    const file = { name, bytes, digest: digestOf(bytes) };
    if (known.some(({ digest }) => digest === file.digest) || read.some((one) => one.file.digest === file.digest))
      continue;
    read.push({ file, parsed: await source.parse(file, cx) });
  }
  if (read.length > 0) yield source.events(read, known);
}

const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const parseCursor = (cursor: string | null): { files: ReadFile[]; era?: number } =>
  cursor === null ? { files: [] } : JSON.parse(cursor);

const remembered = (known: readonly ReadFile[], read: readonly ReadFile[]): ReadFile[] =>
  [
    ...known.filter(({ name }) => !read.some((file) => file.name === name)),
    ...read.map(({ name, size, mtime, digest }) => ({ name, size, mtime, digest })),
  ].slice(-MOST_REMEMBERED);

/** Files in done/ whose reports say that they were read at or after a moment, grouped as they were read, oldest first. */
async function doneSince(folder: string, from: Date): Promise<Candidate[][]> {
  const groups = new Map<string, { at: string; files: Candidate[] }>();
  for (const entry of await readdir(folder).catch(() => [])) {
    if (!entry.endsWith(REPORT)) continue;
    const path = join(folder, entry.slice(0, -REPORT.length));
    const report = await readReport(join(folder, entry));
    const status = await stat(path).catch(() => null);
    if (!report || !status || new Date(report.at) < from) continue;
    const id = report.together ?? entry;
    const group = groups.get(id) ?? { at: report.at, files: [] };
    if (report.at < group.at) group.at = report.at;
    group.files.push({ path, name: report.file, size: status.size, mtime: Math.round(status.mtimeMs) });
    groups.set(id, group);
  }
  return [...groups.values()]
    .sort((a, b) => (a.at < b.at ? -1 : 1))
    .map(({ files }) => files.sort((a, b) => (a.name < b.name ? -1 : 1)));
}

const REPORT = '.report.json';

async function readReport(path: string): Promise<{ file: string; at: string; together?: string } | null> {
  try {
    const report = JSON.parse(await readFile(path, 'utf8'));
    return typeof report?.file === 'string' && typeof report.at === 'string' ? report : null;
  } catch {
    return null;
  }
}

const namePattern = (glob: string): RegExp =>
  new RegExp(
    `^${glob
      .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
  );
