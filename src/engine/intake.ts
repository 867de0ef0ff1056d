import type { Incoming } from '../core/connector.ts';
import { countable, nothing } from '../core/document.ts';
import { HubError } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import { TRACE_LABEL } from '../core/trace.ts';
import { isAway } from '../ledger/database.ts';
import { appendEvents, type NewEvent, recordRepeats } from '../ledger/events.ts';
import { personalNamesOf, withKeptNames } from './names.ts';
import type { Parts } from './parts.ts';
import { shardOf } from './wiring.ts';

/** Whether an Incoming was new or known already. */
export type Receipt = 'new' | 'duplicate';

export interface Arrival {
  connection: string;
  source: string;
  incoming: Incoming;
  /** A valid `traceparent` that came with it. */
  trace?: string;
}

/** The row of an Incoming: sealed, with its shard and the keyed digest of its dedupe key; digests also in place of personal names. */
export function eventRow(
  parts: Pick<Parts, 'vault' | 'estate'>,
  { connection, source, incoming: told, trace }: Arrival,
): NewEvent {
  const id = newId();
  const incoming = withKeptNames(parts.vault, personalNamesOf(parts.estate, connection, source), told);
  return {
    id,
    entity: parts.estate.connections[connection]!.entity,
    connection,
    source,
    subject: incoming.subject,
    shard: shardOf(connection, incoming.subject),
    sourceVersion: storableVersion(incoming.sourceVersion),
    occurredAt: incoming.occurredAt,
    payload: parts.vault.seal(incoming.bytes, `event:${id}`),
    labels: trace === undefined ? (incoming.labels ?? {}) : { ...incoming.labels, [TRACE_LABEL]: trace },
    seenKey: parts.vault.digest(`${connection}\n${exact(incoming.dedupeKey)}`),
    ...countable(incoming.measure ?? nothing),
  };
}

/** Lone surrogates all have the same bytes in UTF-8, and two keys that differ in them only are two keys. */
const exact = (key: string): string => (key.isWellFormed() ? key : JSON.stringify(key));

/** A version beyond 64 bits is nobody's: the record goes by the order in which it came. */
const storableVersion = (version: bigint | undefined): bigint | null =>
  version !== undefined && BigInt.asIntN(64, version) === version ? version : null;

const isStorable = (text: string): boolean => !text.includes('\0') && text.isWellFormed();

/** Text that PostgreSQL can hold: NUL and lone surrogates become U+FFFD. */
const storable = (text: string): string => text.replaceAll('\0', '\ufffd').toWellFormed();

/**
 * An Incoming whose names can be stored, for sources that cannot be told that theirs cannot: nothing read by a poll or from a file may hold up
 * all that comes after it. Its bytes stay as they are.
 */
export function withStorableNames(incoming: Incoming): Incoming {
  const labels = Object.entries(incoming.labels ?? {});
  if (isStorable(incoming.subject) && labels.every((label) => label.every(isStorable))) return incoming;
  return {
    ...incoming,
    subject: storable(incoming.subject),
    labels: Object.fromEntries(labels.map(([name, value]) => [storable(name), storable(value)])),
  };
}

interface Waiting {
  row: NewEvent;
  /** Monotonic milliseconds after which its sender is told to come again. */
  due: number;
  resolve(receipt: Receipt): void;
  reject(error: unknown): void;
}

const MOST_PER_COMMIT = 500;
const MOST_BYTES_PER_COMMIT = 8 * 1024 * 1024;
const BETWEEN_LOOKS_MS = 100;

type IntakeParts = Pick<Parts, 'db' | 'vault' | 'estate' | 'bell' | 'clock' | 'terms'>;

/**
 * Intake with shared commits: arrivals that come while a commit is under way share the next one. An arrival resolves only after its commit
 * was confirmed; when that takes longer than the terms allow it rejects with LEDGER_AWAY, whether it was committed or not: the sender comes
 * again and is then known. When a shared commit fails for other reasons than an absent ledger, each of its arrivals gets a transaction of its
 * own, so a poisoned one never spoils its neighbours'.
 */
export class Intake {
  readonly #parts: IntakeParts;
  #queue: Waiting[] = [];
  /** In the commit under way. */
  #leaving: readonly Waiting[] = [];
  #bytes = 0;
  #running = false;
  #watch: NodeJS.Timeout | undefined;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
  }

  /** Throws HubError OVERLOADED when more waits already than the terms allow, and LEDGER_AWAY as said above. */
  receive(arrival: Arrival): Promise<Receipt> {
    return new Promise((resolve, reject) => {
      const { arrivals, bytes } = this.#parts.terms.intakeQueue;
      if (this.#queue.length >= arrivals || this.#bytes >= bytes)
        throw new HubError('OVERLOADED', 'more waits to be stored than the hub can hold');
      const row = eventRow(this.#parts, arrival);
      const due = this.#parts.clock.monotonic() + this.#parts.terms.intakeSeconds * 1000;
      this.#queue.push({ row, due, resolve, reject });
      this.#bytes += row.payload.length;
      if (!this.#running) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    this.#watch ??= setInterval(() => this.#giveUpOnTheLate(), BETWEEN_LOOKS_MS);
    while (this.#queue.length > 0) {
      // What has come in with the last answers, and is only read in this turn of the loop, goes along: fewer and fuller commits.
      await immediately();
      const batch = this.#nextBatch();
      if (batch.length === 0) break;
      this.#leaving = batch;
      try {
        await this.#commit(batch);
      } catch (error) {
        if (isAway(error) || batch.length === 1) for (const waiting of batch) waiting.reject(error);
        else for (const waiting of batch) await this.#commit([waiting]).catch(waiting.reject);
      }
    }
    this.#leaving = [];
    this.#running = false;
    clearInterval(this.#watch);
    this.#watch = undefined;
  }

  #nextBatch(): readonly Waiting[] {
    let count = 0;
    let bytes = 0;
    for (const { row } of this.#queue) {
      if (count === MOST_PER_COMMIT || (count > 0 && bytes + row.payload.length > MOST_BYTES_PER_COMMIT)) break;
      count += 1;
      bytes += row.payload.length;
    }
    this.#bytes -= bytes;
    return this.#queue.splice(0, count);
  }

  /** A commit may hang; those who wait for it or behind it are told in time. What is in the commit may be stored nevertheless. */
  #giveUpOnTheLate(): void {
    const now = this.#parts.clock.monotonic();
    const late = ({ due }: Waiting): boolean => due <= now;
    for (const waiting of this.#leaving.filter(late)) waiting.reject(notInTime());
    if (!this.#queue.some(late)) return;
    for (const waiting of this.#queue.filter(late)) {
      this.#bytes -= waiting.row.payload.length;
      waiting.reject(notInTime());
    }
    this.#queue = this.#queue.filter((waiting) => !late(waiting));
  }

  async #commit(batch: readonly Waiting[]): Promise<void> {
    const fresh = await this.#parts.db.statement(
      (sql) => appendEvents(sql, rowsOf(batch)),
      this.#parts.terms.intakeSeconds * 1000,
    );
    this.#parts.bell.ring('route');
    const repeated: Waiting[] = [];
    for (const waiting of batch)
      if (fresh.has(waiting.row.id)) waiting.resolve('new');
      else repeated.push(waiting);
    if (repeated.length > 0) await this.#record(repeated);
  }

  /** Those that were known are answered when history says that they came again; they were committed before, whatever happens here. */
  async #record(repeated: readonly Waiting[]): Promise<void> {
    try {
      await this.#parts.db.statement(
        (sql) => recordRepeats(sql, rowsOf(repeated)),
        this.#parts.terms.intakeSeconds * 1000,
      );
      for (const waiting of repeated) waiting.resolve('duplicate');
    } catch (error) {
      for (const waiting of repeated) waiting.reject(error);
    }
  }
}

const immediately = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const rowsOf = (batch: readonly Waiting[]): NewEvent[] => batch.map(({ row }) => row);

const notInTime = (): HubError => new HubError('LEDGER_AWAY', 'the ledger did not confirm in time');
