import { milliseconds } from '../core/clock.ts';
import type { AnyFlow, Estate } from '../core/estate.ts';
import { percentile } from '../simulators/retailer/day.ts';
import type { Lookups } from '../simulators/retailer/judge-lookups.ts';

/** How long moves of stock in Odoo took to stand in the shop, in seconds. */
export interface StockDelay {
  readonly moves: number;
  /** Moves whose figure the shop never said. */
  readonly unseen: number;
  /** Of those that it said. */
  readonly p95: number | null;
  /** What the flow promises. */
  readonly promised: number;
  /** In words, where the flow did not keep its promise though nothing went wrong on purpose. */
  readonly broken: string | null;
}

/** Of fewer moves 95 of 100 are all of them: one slow answer is no broken promise. */
const LEAST = 20;

/** Holds what was measured, in milliseconds, against the promise of the flow that carried it; `calm` says that nothing went wrong on purpose. */
export function stockDelay(
  { delays, unseen }: { readonly delays: readonly number[]; readonly unseen: number },
  { id, promise }: Pick<AnyFlow, 'id' | 'promise'>,
  calm: boolean,
): StockDelay {
  const within = milliseconds(promise.within);
  const p95 = percentile(delays, 0.95);
  const all = [...delays, ...Array<number>(unseen).fill(Number.POSITIVE_INFINITY)];
  const worst = percentile(all, 0.95) ?? 0;
  const broken =
    calm && all.length >= LEAST && worst > within
      ? `Flow '${id}' promises ${within / 1000} s: of ${all.length} stock moves in Odoo 95 of 100 stood in the shop ${worst < Number.POSITIVE_INFINITY ? `within ${Math.ceil(worst / 100) / 10} s only` : `late or never (${unseen} never)`}.`
      : null;
  return {
    moves: delays.length,
    unseen,
    p95: p95 === null ? null : Math.round(p95) / 1000,
    promised: within / 1000,
    broken,
  };
}

/** What the estate's look-ups promise to whoever asks at the counter. */
export function lookupLimits({ lookups = [] }: Pick<Estate, 'lookups'>): Lookups['limits'] {
  const limitsOf = (id: string) => {
    const { fresh, stale, within } = lookups.find((one) => one.id === id)!;
    return { fresh: milliseconds(fresh), stale: milliseconds(stale), within: milliseconds(within) };
  };
  return { levels: limitsOf('stock'), prices: limitsOf('prices') };
}
