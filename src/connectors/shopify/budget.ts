import type { Clock } from '../../core/clock.ts';

/** What Shopify says of the bucket after each call: points, and points restored a second. */
export interface ThrottleStatus {
  readonly maximumAvailable: number;
  readonly currentlyAvailable: number;
  readonly restoreRate: number;
}

/** Longest a call is held back here; whoever would wait longer is told to come again. */
const LONGEST_MS = 5000;
/** For how long a large call may be sent away again and again, because small ones spend what comes in, before these let the bucket fill for it. */
const PATIENCE_MS = 30_000;
/** How much later than the bucket could pay for it a large call may come again. */
const GRACE_MS = 2000;

/**
 * The points that one app may spend at one shop (a leaky bucket at Shopify; one of these for each connection and hub). Shopify asks for the whole
 * requested cost up front and gives back what was not used, so a call that the bucket cannot pay would be refused: it waits first.
 *
 * @see https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits
 */
export class Budget {
  #status: ThrottleStatus | null = null;
  #at = 0;
  readonly #costs = new Map<string, number>();
  /** The large call that was sent away, since when, and until when it may be back (monotonic milliseconds). */
  #starved: { readonly name: string; readonly since: number; readonly until: number } | null = null;

  /** Points that a call of this name asked for the last time; undefined before the first. */
  costOf(name: string): number | undefined {
    return this.#costs.get(name);
  }

  /** The largest a single call may be: the bucket's size, at most 1000. */
  get largest(): number {
    return Math.min(1000, this.#status?.maximumAvailable ?? 1000);
  }

  /** Notes what an answer said. */
  heard(name: string, requested: number | undefined, status: ThrottleStatus | undefined, clock: Clock): void {
    if (requested !== undefined) this.#costs.set(name, requested);
    if (status === undefined) return;
    this.#status = status;
    this.#at = clock.monotonic();
  }

  /**
   * Milliseconds until the bucket holds `points`, 0 when it does or nothing is known. Large calls leave a tenth of it to the small ones: what lists changes can wait, what sets a level must
   * not wait for it.
   */
  wait(points: number, clock: Clock): number {
    if (!this.#status) return 0;
    const { maximumAvailable, currentlyAvailable, restoreRate } = this.#status;
    const restored = ((clock.monotonic() - this.#at) / 1000) * restoreRate;
    const available = Math.min(maximumAvailable, currentlyAvailable + restored);
    const left = this.#isLarge(points) ? maximumAvailable / 10 : 0;
    return Math.max(0, Math.ceil(((Math.min(points + left, maximumAvailable) - available) / restoreRate) * 1000));
  }

  /**
   * Holds a call back until the bucket can pay for it, and takes its cost out. Answers how long it would be, in milliseconds, where that is more
   * than is waited for here; 0 when the call may go.
   */
  async take(name: string, clock: Clock, signal: AbortSignal): Promise<number> {
    const cost = this.#costs.get(name) ?? 0;
    // Others may have taken what was waited for.
    for (let wait = this.#turn(name, cost, clock), waited = 0; wait > 0; wait = this.#turn(name, cost, clock)) {
      waited += wait;
      if (waited > LONGEST_MS) {
        this.#sentAway(name, cost, wait, clock);
        return wait;
      }
      await clock.sleep(wait, signal);
    }
    if (this.#starved?.name === name) this.#starved = null;
    if (this.#status) {
      const restored = ((clock.monotonic() - this.#at) / 1000) * this.#status.restoreRate;
      const available = Math.min(this.#status.maximumAvailable, this.#status.currentlyAvailable + restored);
      this.#status = { ...this.#status, currentlyAvailable: available - cost };
      this.#at = clock.monotonic();
    }
    return 0;
  }

  #isLarge(points: number): boolean {
    return this.#status !== null && points > this.#status.maximumAvailable / 20;
  }

  /** Milliseconds until a call may go: when the bucket can pay, and not while it fills for a large one that has waited too long. */
  #turn(name: string, cost: number, clock: Clock): number {
    const own = this.wait(cost, clock);
    const starved = this.#starved;
    if (starved === null || starved.name === name || this.#isLarge(cost)) return own;
    const now = clock.monotonic();
    return now - starved.since < PATIENCE_MS ? own : Math.max(own, Math.ceil(starved.until - now));
  }

  #sentAway(name: string, cost: number, wait: number, clock: Clock): void {
    if (!this.#isLarge(cost)) return;
    const now = clock.monotonic();
    const before = this.#starved;
    const isLate = before !== null && before.name !== name && now < before.until;
    if (isLate) return;
    this.#starved = { name, since: before?.name === name ? before.since : now, until: now + wait + GRACE_MS };
  }
}
