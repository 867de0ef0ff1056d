import { createHash } from 'node:crypto';
import { milliseconds } from '../core/clock.ts';
import type { Context, DroppedFile, FileSource } from '../core/connector.ts';
import { faultOf, rejected } from '../core/fault.ts';
import type { FileStore } from '../core/file-store.ts';
import { folderPlace } from '../core/folder.ts';
import { newId } from '../core/ids.ts';
import { readCursor } from '../ledger/connections.ts';
import { recordDuplicates } from '../ledger/events.ts';
import type { Lease } from '../ledger/leases.ts';
import { contextFor } from './context.ts';
import type { Replay } from './era.ts';
import type { ExceptionDraft } from './exception.ts';
import { eventRow, withStorableNames } from './intake.ts';
import type { Parts } from './parts.ts';
import { storeRead } from './poll.ts';
import { type Candidate, doneSince, filesToRead, putAside, takeToRead } from './settled-files.ts';
import type { SourcePort } from './wiring.ts';

type FilePort = SourcePort & { source: FileSource<unknown> };

/** A file that was read: kept in the source's cursor to know it when it comes again, whole or grown. */
interface ReadFile {
  name: string;
  size: number;
  mtime: number;
  digest: string;
  /** Nothing of it was taken, and somebody was told; it only has to be moved aside. */
  refused?: true;
}

interface Cursor {
  files: ReadFile[];
  era?: number | undefined;
}

type ParsedFile = ReadFile & { path: string; file: DroppedFile; parsed: unknown; again: boolean };
type RefusedFile = ReadFile & { path: string; refused: true; words: string; field: string | null; again: boolean };
interface Read {
  taken: ParsedFile[];
  refused: RefusedFile[];
}

/** Files remembered per source; older ones are still known by the events they brought. */
const MOST_REMEMBERED = 10_000;
/** Files that are messages by themselves go in commits of so many: a line that breaks often still gets on. */
const MOST_AT_ONCE = 50;

/** What one look into the folder came to: `waiting` while something is there that may still change. */
export type Look = { state: 'empty' | 'waiting' } | { state: 'read'; files: number; events: number };

/** All that one look works with. */
interface Visit {
  store: FileStore;
  cx: Context;
  lease: Lease;
  cursor: Cursor;
}

/** Watches the place of a file source; keeps what it saw at its last look to know what is quiet. */
export class Inbox {
  readonly #parts: Parts;
  readonly #port: FilePort;
  /** Monotonic milliseconds since when each state of a file (or of the whole folder) has been seen. */
  #since = new Map<string, number>();

  constructor(parts: Parts, port: FilePort) {
    this.#parts = parts;
    this.#port = port;
  }

  /** Reads what has not changed for the source's quiet time. */
  async look(lease: Lease, signal: AbortSignal): Promise<Look> {
    const { source, connection } = this.#port;
    const cx = contextFor(this.#parts, connection, signal, () => true);
    const cursor = parseCursor(await readCursor(this.#parts.db, connection, source.name));
    const store = await (source.place ?? folderPlace(source.folder)).open(cx);
    try {
      const visit = { store, cx, lease, cursor };
      const { replay } = this.#parts.era;
      return await (replay && cursor.era !== replay.era ? this.#readAgain(visit, replay) : this.#readNew(visit));
    } finally {
      await store.close();
    }
  }

  async #readNew(visit: Visit): Promise<Look> {
    const candidates = await this.#candidates(visit);
    if (candidates.length === 0) return { state: 'empty' };
    const quiet = this.#quiet(candidates);
    if (quiet.length === 0) return { state: 'waiting' };
    const { keep, alone } = this.#port.source;
    const taken = keep ? quiet : await takeToRead(visit.store, quiet);
    const isReady = alone ? taken.length > 0 : taken.length === quiet.length;
    return isReady ? this.#read(visit, taken) : { state: 'waiting' };
  }

  /** Those of the candidates that may be read: each for itself, or all or none of them. */
  #quiet(candidates: readonly Candidate[]): Candidate[] {
    const { quiet, alone } = this.#port.source;
    const now = this.#parts.clock.monotonic();
    // Wherever it lies: to be taken is no change.
    const all = candidates.map(({ name, size, mtime }) => ({ name, size, mtime }));
    const states = alone ? all.map((one) => JSON.stringify(one)) : [JSON.stringify(all)];
    this.#since = new Map(states.map((state) => [state, this.#since.get(state) ?? now]));
    const isQuiet = (state: string): boolean => now - this.#since.get(state)! >= milliseconds(quiet);
    if (!alone) return isQuiet(states[0]!) ? [...candidates] : [];
    return candidates.filter((_, index) => isQuiet(states[index]!)).slice(0, MOST_AT_ONCE);
  }

  async #candidates({ store, cursor: { files: known } }: Visit): Promise<Candidate[]> {
    const { source } = this.#port;
    const wanted = namePattern(source.pattern);
    const isKept = (file: Omit<Candidate, 'path'>): boolean =>
      source.keep && known.some((one) => !one.refused && isSame(one, file));
    return (await filesToRead(store)).filter((file) => wanted.test(file.name) && !(liesThere(file) && isKept(file)));
  }

  async #read(visit: Visit, candidates: readonly Candidate[]): Promise<Look> {
    const { store, cursor, lease } = visit;
    const { source, connection } = this.#port;
    const { taken, refused } = await this.#parse(visit, candidates);
    const known = cursor.files.filter((file) => !file.refused);
    const fresh = taken.filter(({ again }) => !again);
    const next = JSON.stringify({ files: remembered(cursor.files, [...taken, ...refused]), era: cursor.era });
    const stored = await storeRead(
      this.#parts,
      this.#port,
      lease,
      fresh.length > 0 ? source.events(fresh, known) : [],
      next,
      { exceptions: refused.filter(({ again }) => !again).map((file) => this.#exception(file)) },
    );
    if (!stored) return { state: 'waiting' };
    for (const file of refused)
      await this.#putAside(store, 'failed', file, { outcome: 'refused', problem: file.words });
    const together = newId();
    for (const one of taken) {
      const { file, parsed, again } = one;
      if (again) await this.#recordAgain(file, parsed, known);
      const outcome = again ? 'read before: nothing new' : 'read';
      await this.#putAside(store, 'done', one, { outcome, together, ...source.report(parsed) });
    }
    if (taken.length + refused.length === 0) return { state: 'waiting' };
    const repeated = taken.length - fresh.length;
    this.#parts.log.info('files read', { connection, files: taken.length, events: stored.size, repeated });
    return { state: 'read', files: taken.length, events: stored.size };
  }

  /** Reads files whole. One that has gone, or is not as it was listed, is left for the next look. */
  async #parse({ store, cx, cursor: { files: known } }: Visit, candidates: readonly Candidate[]): Promise<Read> {
    const taken: ParsedFile[] = [];
    const refused: RefusedFile[] = [];
    for (const { path, name, size, mtime } of candidates) {
      const mostBytes = this.#port.source.maxBytes ?? Number.POSITIVE_INFINITY;
      const bytes = size > mostBytes ? new Uint8Array() : await store.read(path);
      if (bytes === null || (size <= mostBytes && bytes.length !== size)) continue;
      const digest = createHash('sha256').update(bytes).digest('hex');
      const file: DroppedFile = { name, bytes, digest };
      const own = { path, name, size, mtime, digest };
      const isKnown = (one: ReadFile): boolean => !one.refused && one.digest === digest;
      try {
        if (size > mostBytes) throw tooLarge(name, size, mostBytes);
        const parsed = await this.#port.source.parse(file, cx);
        taken.push({ ...own, file, parsed, again: known.some(isKnown) || taken.some(isKnown) });
      } catch (error) {
        const fault = faultOf(error, 'rejected');
        const field = fault.kind === 'rejected' ? (fault.field ?? null) : null;
        const again = known.some((one) => one.refused && isSame(one, own) && one.digest === digest);
        refused.push({ ...own, refused: true, words: fault.message, field, again });
      }
    }
    return { taken, refused };
  }

  /**
   * After a restore: files that were read and moved to done/ since the backup are read once more where they lie, together with those they were
   * read with and in that order, before anything new. The cursor remembers each, so that this may break off anywhere.
   */
  async #readAgain(visit: Visit, replay: Replay): Promise<Look> {
    const { source, connection } = this.#port;
    let { files } = visit.cursor;
    let events = 0;
    let count = 0;
    const store = async (fresh: readonly ParsedFile[], next: Cursor): Promise<boolean> => {
      const known = files.filter((file) => !file.refused);
      const items = fresh.length > 0 ? source.events([...fresh], known) : [];
      const stored = await storeRead(this.#parts, this.#port, visit.lease, items, JSON.stringify(next));
      if (!stored) return false;
      files = next.files;
      events += stored.size;
      count += fresh.length;
      return true;
    };
    const wanted = namePattern(source.pattern);
    for (const group of await doneSince(visit.store, replay.from)) {
      // Other sources may read the same folder.
      const { taken } = await this.#parse(
        visit,
        group.filter(({ name }) => wanted.test(name)),
      );
      const fresh = taken.filter(({ digest }) => !files.some((file) => file.digest === digest));
      if (fresh.length > 0 && !(await store(fresh, { files: remembered(files, fresh) }))) return { state: 'waiting' };
    }
    if (!(await store([], { files, era: replay.era }))) return { state: 'waiting' };
    this.#parts.log.info('files read again after a restore', { connection, files: count, events });
    return { state: 'read', files: count, events };
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
  #exception({ name, words, field }: RefusedFile): ExceptionDraft {
    const { connection, entity, flows } = this.#port;
    const [flow] = flows;
    this.#parts.log.warn('file refused', { connection, file: name });
    return {
      id: newId(),
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
      field,
      message: `${words} Nothing of this file was taken; it lies in failed/ with this report. Put it right and drop it again.`,
      owner: flow?.onException.owner ?? 'operations',
      within: flow?.onException.within ?? '1d',
      labels: { file: name },
      lines: 0,
      currency: null,
      minor: 0n,
      absolute: 0n,
    };
  }

  /** With `keep` a refused file still goes to failed/, so that it is not refused again and again. */
  async #putAside(store: FileStore, where: 'done' | 'failed', file: Candidate, report: object): Promise<void> {
    if (liesThere(file) && where === 'done') return;
    const at = this.#parts.clock.now().toISOString();
    for (const own of await takeToRead(store, [file]))
      await putAside(store, where, own, { file: own.name, ...report, at });
  }
}

/** Where files are kept they are read where they lie. */
const liesThere = ({ path, name }: Pick<Candidate, 'path' | 'name'>): boolean => path === name;

const isSame = (a: Omit<Candidate, 'path'>, b: Omit<Candidate, 'path'>): boolean =>
  a.name === b.name && a.size === b.size && a.mtime === b.mtime;

const MEGABYTE = 1024 * 1024;

const tooLarge = (name: string, size: number, most: number) =>
  rejected(
    `${name}: is ${Math.ceil(size / MEGABYTE)} MB, more than the ${Math.floor(most / MEGABYTE)} MB allowed.`,
    'file-too-large',
  );

export const parseCursor = (cursor: string | null): Cursor => (cursor === null ? { files: [] } : JSON.parse(cursor));

const remembered = (known: readonly ReadFile[], read: readonly ReadFile[]): ReadFile[] =>
  [
    ...known.filter(({ name }) => !read.some((file) => file.name === name)),
    ...read.map(
      ({ name, size, mtime, digest, refused }): ReadFile => ({
        name,
        size,
        mtime,
        digest,
        ...(refused ? { refused } : {}),
      }),
    ),
  ].slice(-MOST_REMEMBERED);

export const namePattern = (glob: string): RegExp =>
  new RegExp(
    `^${glob
      .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
  );
