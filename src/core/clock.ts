/** Milliseconds, or a number with a unit: 500, '250ms', '30s', '5m', '2h', '1d'. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;

const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A Duration in milliseconds. Throws RangeError for anything that is not one. */
export function milliseconds(duration: Duration): number {
  if (typeof duration === 'number' && Number.isFinite(duration) && duration >= 0) return duration;
  const parts = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(String(duration));
  if (!parts) throw new RangeError(`'${duration}' is not a duration: use a number with ms, s, m, h or d, such as 30s`);
  return Number(parts[1]) * units[parts[2] as keyof typeof units];
}

/**
 * Time as the engine sees it, passed in so that a run can be repeated. Leases and retries are timed by the ledger's clock;
 * this one stamps what we observe and times what happens within this process.
 */
export interface Clock {
  /** Wall clock. */
  now(): Date;
  /** Milliseconds of a clock that never jumps and goes on while the process is stopped. */
  monotonic(): number;
  /** Resolves after `delay` milliseconds, or at once when the signal aborts. Never rejects. */
  sleep(delay: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => new Date(),
  monotonic: () => performance.now(),
  sleep: (delay, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, delay);
      signal?.addEventListener('abort', done, { once: true });
    }),
};

/** Numbers in [0, 1), passed in so that a run can be repeated from a seed. */
export type Random = () => number;

/** A small repeatable generator (mulberry32) for jitter, simulated traffic and tests; not for keys. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
