import { type Clock, milliseconds } from '../core/clock.ts';
import type { Idempotency } from '../core/connector.ts';
import { appendAudit } from '../ledger/audit.ts';
import type { Database } from '../ledger/database.ts';
import { adoptRestored, catchingUp, currentEra, type Era, sourceWasRead } from '../ledger/eras.ts';
import { repeatable } from './outcome.ts';
import type { SinkPort, SourcePort, Wiring } from './wiring.ts';

/** How long after a restore what is delivered may have been delivered before: senders repeat for days what they were not told has arrived. */
const DOUBTFUL_MS = milliseconds('14d');
/** The same where a person has to be asked: the time in which sources are read again. */
const DOUBTFUL_UNSAFE_MS = milliseconds('1d');
/** Longest that deliveries wait for sources that do not answer. */
const PATIENCE_SECONDS = 600;
const MARGIN_MS = milliseconds('1h');

/** What a file source must read again: files that were done at or after this moment, as the hub's clock had it then. */
export interface Replay {
  readonly era: number;
  readonly from: Date;
}

/**
 * What a hub knows of a restore. After one the ledger lacks what was done since its backup, and that may have landed; so nothing is sent
 * before the targets can no longer commit what was under way (`settle`), nor before the sources were read again to their end, so that the newest version goes and
 * not one that the target has left behind; and for two weeks a record without a Binding is asked about before it is sent, where the sink can be asked.
 */
export class EraWatch {
  readonly #db: Database;
  readonly #clock: Clock;
  #era: Era | null = null;
  #startedAt = 0;
  #caughtUp = true;
  readonly #told = new Set<string>();

  constructor(db: Database, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
  }

  /** Reads the era and, in one that a restore began, makes its open deliveries ready. Returns how many there were, null when there is nothing new. */
  async begin(wiring: Wiring): Promise<number | null> {
    const era = await currentEra(this.#db);
    this.#era = era;
    this.#startedAt = this.#clock.monotonic() - era.age * 1000;
    this.#caughtUp = era.backup_at === null;
    if (era.adopted_at !== null) return null;
    const again = wiring.sinks
      .filter(({ sink }) => repeatable(sink.idempotency))
      .map(({ connection, sink }) => ({ connection, sink: sink.name }));
    return this.#db.transaction(async (sql) => {
      const adopted = await adoptRestored(sql, era.number, again);
      if (adopted !== null)
        await appendAudit(sql, [
          {
            entity: '*',
            actor: 'hub',
            action: 'era.adopted',
            object: `era:${era.number}`,
            detail: { deliveries: adopted },
          },
        ]);
      return adopted;
    });
  }

  /** What a file source must read again before anything new; null when nothing. */
  get replay(): Replay | null {
    const { number, backup_at: backup } = this.#era ?? {};
    return number !== undefined && backup ? { era: number, from: new Date(backup.getTime() - MARGIN_MS) } : null;
  }

  /** Tells all hubs that a source has been read to its end. */
  async sourceRead(port: SourcePort): Promise<void> {
    const id = `${port.connection} ${port.source.name}`;
    if (this.#caughtUp || this.#told.has(id)) return;
    await sourceWasRead(this.#db, this.#era!.number, port.connection, port.source.name);
    this.#told.add(id);
  }

  /** Looks whether the sources have been read to their end and routed; those of paused connections are not waited for. */
  async look(wiring: Wiring, paused: ReadonlySet<string>): Promise<void> {
    if (this.#caughtUp) return;
    const { read, unrouted } = await catchingUp(this.#db, this.#era!.number);
    const missing = wiring.sources.filter(
      ({ connection, source }) =>
        !paused.has(connection) && !read.some((one) => one.connection === connection && one.source === source.name),
    );
    this.#caughtUp = (missing.length === 0 && unrouted === 0) || this.#age() > PATIENCE_SECONDS;
  }

  /** True while nothing may be sent to this sink yet. */
  holdsBack({ sink }: SinkPort): boolean {
    if (!this.#era || this.#era.backup_at === null) return false;
    return !this.#caughtUp || this.#age() * 1000 < milliseconds(sink.settle);
  }

  /** True for a delivery that may have landed before the restore, though this ledger knows nothing of it. */
  mayHaveLanded(createdAt: Date, idempotency: Idempotency): boolean {
    if (!this.#era || this.#era.backup_at === null) return false;
    const doubtful = idempotency === 'unsafe' ? DOUBTFUL_UNSAFE_MS : DOUBTFUL_MS;
    return createdAt.getTime() < this.#era.began_at.getTime() + doubtful;
  }

  #age(): number {
    return (this.#clock.monotonic() - this.#startedAt) / 1000;
  }
}
