import type { Clock } from '../core/clock.ts';
import { HubError } from '../core/errors.ts';
import { type AwaitedSummary, awaitedSummary } from '../ledger/awaited.ts';
import { type ConnectionState, connectionStates } from '../ledger/connections.ts';
import type { Reader } from '../ledger/database.ts';
import type { ExceptionRow } from '../ledger/exceptions.ts';
import { type Figures, readFigures } from '../ledger/figures.ts';
import { latestExceptions, readVitals, type Vitals } from '../ledger/vitals.ts';

/** The ledger at one moment, as metrics and the status page show it. */
export interface Reading {
  at: Date;
  figures: Figures;
  vitals: Vitals;
  connections: ConnectionState[];
  /** The latest open ones, newest first; their messages are sealed. */
  exceptions: ExceptionRow[];
  /** What deliveries wait for, longest first. */
  awaited: AwaitedSummary[];
  /** True when no amount moved since the reading before: the figures are read one after the other, so moving ones may disagree for a moment. */
  steady: boolean;
}

const FRESH = 5_000;
const PATIENCE = 8_000;
/** A reading is kept at least this many times as long as it took, so that looking costs a large ledger at most a tenth of one connection. */
const REST = 9;

/**
 * Reads the ledger for everybody who looks: one reading at a time, kept 5 seconds. `read` throws HubError LEDGER_AWAY when the ledger gives no
 * answer; `last` then still holds what was read before.
 */
export class LedgerReader {
  last: Reading | null = null;
  readonly #db: Reader;
  readonly #clock: Clock;
  #underWay: Promise<Reading> | null = null;
  #freshUntil = Number.NEGATIVE_INFINITY;

  constructor(db: Reader, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
  }

  async read(): Promise<Reading> {
    if (this.last && this.#clock.monotonic() < this.#freshUntil) return this.last;
    this.#underWay ??= this.#readNow().finally(() => {
      this.#underWay = null;
    });
    this.#underWay.catch(() => undefined);
    return within(this.#underWay, PATIENCE, this.#clock);
  }

  async #readNow(): Promise<Reading> {
    const asked = this.#clock.monotonic();
    const [figures, vitals, connections, exceptions, awaited] = [
      await readFigures(this.#db),
      await readVitals(this.#db),
      await connectionStates(this.#db),
      await latestExceptions(this.#db, 20),
      await awaitedSummary(this.#db),
    ];
    const answered = this.#clock.monotonic();
    this.#freshUntil = answered + Math.max(FRESH, REST * (answered - asked));
    const steady = this.last !== null && sameMeasures(this.last.figures, figures);
    this.last = { at: this.#clock.now(), figures, vitals, connections, exceptions, awaited, steady };
    return this.last;
  }
}

const sameMeasures = (a: Figures, b: Figures): boolean => {
  const text = ({ measures }: Figures): string[] => measures.map((row) => Object.values(row).join(' ')).sort();
  return text(a).join() === text(b).join();
};

/** What the promise brings, or HubError LEDGER_AWAY after `patience` milliseconds or when it fails. */
export async function within<T>(answer: Promise<T>, patience: number, clock: Clock): Promise<T> {
  const enough = new AbortController();
  const late = clock.sleep(patience, enough.signal).then(() => {
    throw new HubError('LEDGER_AWAY', `the ledger gave no answer within ${patience / 1000} s`);
  });
  late.catch(() => undefined);
  try {
    return await Promise.race([answer, late]);
  } catch (cause) {
    if (cause instanceof HubError) throw cause;
    throw new HubError('LEDGER_AWAY', 'the ledger cannot be read', { cause });
  } finally {
    enough.abort();
  }
}
