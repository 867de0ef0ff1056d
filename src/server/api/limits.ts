import type { Clock } from '../../core/clock.ts';
import { HubError } from '../../core/errors.ts';

/** Requests a token may make: so many a minute, and so many at once after a rest. */
export interface Rate {
  perMinute: number;
  burst: number;
}

/** CROSSDOCK_API_RATE: requests a minute per token (1 to 100,000; 1,200 without it), a tenth of them at once. Throws HubError CONFIG_INVALID. */
export function rateFrom({ CROSSDOCK_API_RATE: text }: NodeJS.ProcessEnv): Rate {
  const perMinute = text ? Number(text) : 1_200;
  if (!(Number.isInteger(perMinute) && perMinute >= 1 && perMinute <= 100_000))
    throw new HubError('CONFIG_INVALID', 'CROSSDOCK_API_RATE is not a number of requests a minute', {
      hint: 'a whole number from 1 to 100000',
    });
  return { perMinute, burst: Math.max(1, Math.ceil(perMinute / 10)) };
}

const MOST_BUCKETS = 10_000;

/** Token buckets, one per key, in this process. */
export class RateLimit {
  readonly #rate: Rate;
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #buckets = new Map<string, { left: number; at: number }>();

  constructor(rate: Rate, clock: Pick<Clock, 'monotonic'>) {
    this.#rate = rate;
    this.#clock = clock;
  }

  /** Takes one request from the key's bucket: 0 when there was one, else seconds until there is. */
  take(key: string): number {
    const now = this.#clock.monotonic();
    const perMs = this.#rate.perMinute / 60_000;
    const bucket = this.#buckets.get(key) ?? { left: this.#rate.burst, at: now };
    bucket.left = Math.min(this.#rate.burst, bucket.left + (now - bucket.at) * perMs);
    bucket.at = now;
    // The one that was used last stands last, so the one that goes first has rested longest.
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    if (this.#buckets.size > MOST_BUCKETS) this.#buckets.delete(this.#buckets.keys().next().value!);
    if (bucket.left < 1) return Math.max(1, Math.ceil((1 - bucket.left) / perMs / 1000));
    bucket.left -= 1;
    return 0;
  }
}

/** Lets a few work at once and makes the others wait in order, so that the API never takes the hub's own connections to the ledger away. */
export class Turnstile {
  readonly #most: number;
  readonly #queue: number;
  readonly #waiting: (() => void)[] = [];
  #inside = 0;

  constructor(most: number, queue: number) {
    this.#most = most;
    this.#queue = queue;
  }

  /** Throws HubError OVERLOADED when too many wait already. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#inside < this.#most) this.#inside += 1;
    else {
      if (this.#waiting.length >= this.#queue)
        throw new HubError('OVERLOADED', 'the hub has more requests than it can answer', {
          hint: 'try again in a moment',
        });
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#inside -= 1;
    }
  }
}
