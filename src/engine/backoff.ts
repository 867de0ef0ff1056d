import type { Random } from '../core/clock.ts';

/** Seconds to wait before attempt `attempts + 1`: doubling from `first` up to `longest`, with equal jitter (half fixed, half random). */
export function backoff(attempts: number, [first, longest]: readonly [number, number], random: Random): number {
  const whole = Math.min(longest, first * 2 ** Math.min(30, Math.max(0, attempts - 1)));
  return whole / 2 + (random() * whole) / 2;
}
