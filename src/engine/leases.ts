import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/connector.ts';
import type { Database } from '../ledger/database.ts';
import { type Lease, releaseLeases, takeLeases } from '../ledger/leases.ts';

interface Held {
  lease: Lease;
  /** By the process's monotonic clock, taken before the renewal was sent: earlier than the ledger's own expiry. */
  validUntil: number;
}

/** Keeps the named leases of this process: takes what is wanted and free, renews what is held, and says in time when one is no longer safe to act on. */
export class LeaseKeeper {
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #holder: string;
  readonly #seconds: number;
  readonly #log: Log;
  #wanted = new Set<string>();
  #held = new Map<string, Held>();
  #turn: Promise<void> = Promise.resolve();

  constructor(options: { db: Database; clock: Clock; holder: string; seconds: number; log: Log }) {
    this.#db = options.db;
    this.#clock = options.clock;
    this.#holder = options.holder;
    this.#seconds = options.seconds;
    this.#log = options.log;
  }

  want(name: string): void {
    this.#wanted.add(name);
  }

  unwant(name: string): void {
    if (!this.#held.has(name)) this.#wanted.delete(name);
  }

  /** The lease while it is safely ours: a second of its time is left by our own clock. */
  held(name: string): Lease | null {
    const held = this.#held.get(name);
    return held && this.#clock.monotonic() < held.validUntil - 1000 ? held.lease : null;
  }

  /** Takes and renews everything wanted, now. */
  refresh(): Promise<void> {
    return this.#inTurn(() => this.#refresh());
  }

  /** One exchange with the ledger at a time: two that overlap would forget what the other has just taken or given back. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #refresh(): Promise<void> {
    const asked = this.#clock.monotonic();
    const leases = await takeLeases(this.#db, this.#holder, [...this.#wanted], this.#seconds);
    for (const lease of leases) {
      if (!this.#held.has(lease.name))
        this.#log.debug('lease taken', { lease: lease.name, epoch: String(lease.epoch) });
      this.#held.set(lease.name, { lease, validUntil: asked + this.#seconds * 1000 });
    }
    for (const name of this.#held.keys())
      if (!leases.some((lease) => lease.name === name)) {
        this.#log.warn('lease lost', { lease: name });
        this.#held.delete(name);
      }
  }

  release(names?: readonly string[]): Promise<void> {
    return this.#inTurn(() => this.#release(names ?? [...this.#held.keys()]));
  }

  async #release(names: readonly string[]): Promise<void> {
    const leases = names.flatMap((name) => this.#held.get(name)?.lease ?? []);
    for (const name of names) {
      this.#held.delete(name);
      this.#wanted.delete(name);
    }
    if (leases.length > 0) await releaseLeases(this.#db, leases);
  }

  /** Renews every third of the lease time until the signal aborts; an absent ledger is retried. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.refresh().catch((error: Error) =>
        this.#log.warn('leases could not be renewed', { error: error.message }),
      );
      await this.#clock.sleep((this.#seconds * 1000) / 3, signal);
    }
  }
}
