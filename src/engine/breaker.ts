import type { Clock } from '../core/clock.ts';

const OPENS_AFTER = 3;
const LONGEST_SECONDS = 60;

/** Circuit Breaker of one connection in this process, which all its sinks share: after some failed calls in a row it lets one small probe through at a time, ever more seldom. */
export class Breaker {
  readonly #clock: Clock;
  #failures = 0;
  #closedUntil = 0;
  /** What the target asked for stands, whatever comes of calls that are on their way. */
  #toldUntil = 0;
  #inside = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** True when a call may be made now; then `leave` follows, whether it was made or not. */
  enter(): boolean {
    if (this.told || this.#clock.monotonic() < this.#closedUntil || (this.open && this.#inside > 0)) return false;
    this.#inside += 1;
    return true;
  }

  leave(): void {
    this.#inside -= 1;
  }

  /** True while the target has asked for no calls: somebody else may have heard it since `enter`. */
  get told(): boolean {
    return this.#clock.monotonic() < this.#toldUntil;
  }

  /** True while the connection as a whole fails. */
  get open(): boolean {
    return this.#failures >= OPENS_AFTER;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#closedUntil = 0;
  }

  failed(): void {
    this.#failures += 1;
    if (!this.open) return;
    const seconds = Math.min(LONGEST_SECONDS, 2 ** (this.#failures - OPENS_AFTER));
    this.#closedUntil = Math.max(this.#closedUntil, this.#clock.monotonic() + seconds * 1000);
  }

  /** No calls for some seconds, as the target asked. */
  wait(seconds: number): void {
    this.#toldUntil = Math.max(this.#toldUntil, this.#clock.monotonic() + seconds * 1000);
  }
}
