import type { Clock, Random } from '../core/clock.ts';
import type { Log } from '../core/connector.ts';
import type { Estate } from '../core/estate.ts';
import type { Database } from '../ledger/database.ts';
import type { Vault } from '../ledger/vault.ts';
import type { Doorbell } from './doorbell.ts';
import type { EraWatch } from './era.ts';
import type { MappingBook } from './mappings.ts';
import type { Names } from './names.ts';
import type { Wiring } from './wiring.ts';

/** Times of the engine, in seconds. Leases run by the ledger's clock. */
export interface Terms {
  readonly leaseSeconds: number;
  /** Longest wait between two looks for work that nobody announced. */
  readonly pollSeconds: number;
  /** First and longest wait before a repeat. */
  readonly retrySeconds: readonly [first: number, longest: number];
  /** Attempts that may fail for transient reasons before a person is asked. */
  readonly attempts: number;
  /** Between two looks for what waits for records that nobody brings. */
  readonly awaitedSeconds: number;
  /** Events a shard routes before the next shard's turn: small, so that arrival order nearly holds across subjects too. */
  readonly routeBatch: number;
  /** How long an arrival may wait for its commit before its sender is told to come again. */
  readonly intakeSeconds: number;
  /** Most arrivals that wait for a commit, and the bytes they may hold together. */
  readonly intakeQueue: { readonly arrivals: number; readonly bytes: number };
}

export const defaultTerms: Terms = {
  leaseSeconds: 30,
  pollSeconds: 0.5,
  retrySeconds: [1, 300],
  attempts: 12,
  awaitedSeconds: 15,
  routeBatch: 16,
  intakeSeconds: 5,
  intakeQueue: { arrivals: 5000, bytes: 32 * 1024 * 1024 },
};

/** What every part of a running hub is given. */
export interface Parts {
  readonly estate: Estate;
  readonly wiring: Wiring;
  readonly db: Database;
  readonly vault: Vault;
  readonly names: Names;
  readonly mappings: MappingBook;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly bell: Doorbell;
  readonly era: EraWatch;
  readonly terms: Terms;
  /** This hub process. */
  readonly node: string;
  secret(name: string): string;
}
