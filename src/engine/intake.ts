import type { Incoming } from '../core/connector.ts';
import { nothing } from '../core/document.ts';
import { newId } from '../core/ids.ts';
import { isAway } from '../ledger/database.ts';
import { appendEvents, type NewEvent } from '../ledger/events.ts';
import type { Parts } from './parts.ts';
import { shardOf } from './wiring.ts';

/** Whether an Incoming was new or known already. */
export type Receipt = 'new' | 'duplicate';

export interface Arrival {
  connection: string;
  source: string;
  incoming: Incoming;
}

/** The row of an Incoming: sealed, with its shard and the keyed digest of its dedupe key. */
export function eventRow(parts: Pick<Parts, 'vault' | 'estate'>, { connection, source, incoming }: Arrival): NewEvent {
  const id = newId();
  return {
    id,
    entity: parts.estate.connections[connection]!.entity,
    connection,
    source,
    subject: incoming.subject,
    shard: shardOf(connection, incoming.subject),
    sourceVersion: incoming.sourceVersion ?? null,
    occurredAt: incoming.occurredAt,
    payload: parts.vault.seal(incoming.bytes, `event:${id}`),
    labels: incoming.labels ?? {},
    seenKey: parts.vault.digest(`${connection}\n${incoming.dedupeKey}`),
    ...(incoming.measure ?? nothing),
  };
}

/** Text that PostgreSQL can hold: NUL and lone surrogates become U+FFFD. */
const storable = (text: string): string => text.replaceAll('\0', '\ufffd').toWellFormed();

/**
 * An Incoming whose names can be stored, for sources that cannot be told that theirs cannot: nothing read by a poll or from a file may hold up
 * all that comes after it. Its bytes stay as they are.
 */
export const withStorableNames = (incoming: Incoming): Incoming => ({
  ...incoming,
  subject: storable(incoming.subject),
  labels: Object.fromEntries(
    Object.entries(incoming.labels ?? {}).map(([name, value]) => [storable(name), storable(value)]),
  ),
});

interface Waiting {
  row: NewEvent;
  resolve(receipt: Receipt): void;
  reject(error: unknown): void;
}

const MOST_PER_COMMIT = 500;

/**
 * Intake with shared commits: arrivals that come while a commit is under way share the next one. An arrival resolves only after its commit
 * was confirmed. When a shared commit fails for other reasons than an absent ledger, each of its arrivals gets a transaction of its own, so a
 * poisoned one never spoils its neighbours'.
 */
export class Intake {
  readonly #parts: Pick<Parts, 'db' | 'vault' | 'estate' | 'bell'>;
  #queue: Waiting[] = [];
  #running = false;

  constructor(parts: Pick<Parts, 'db' | 'vault' | 'estate' | 'bell'>) {
    this.#parts = parts;
  }

  receive(arrival: Arrival): Promise<Receipt> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ row: eventRow(this.#parts, arrival), resolve, reject });
      if (!this.#running) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, MOST_PER_COMMIT);
      try {
        await this.#commit(batch);
      } catch (error) {
        if (isAway(error) || batch.length === 1) for (const waiting of batch) waiting.reject(error);
        else for (const waiting of batch) await this.#commit([waiting]).catch(waiting.reject);
      }
    }
    this.#running = false;
  }

  async #commit(batch: Waiting[]): Promise<void> {
    const fresh = await this.#parts.db.transaction((sql) =>
      appendEvents(
        sql,
        batch.map(({ row }) => row),
      ),
    );
    this.#parts.bell.ring('route');
    for (const waiting of batch) waiting.resolve(fresh.has(waiting.row.id) ? 'new' : 'duplicate');
  }
}
