import type { FaultRule } from '../odoo/index.ts';
import type { StoreFaults } from '../rest-store.ts';
import type { ShopifyOptions } from '../shopify/index.ts';
import type { Faults as WarehouseFaults } from '../warehouse/index.ts';

/** How badly the world behaves: shares, 0 to 1, of what goes wrong at each system. */
export interface Conditions {
  readonly odoo: readonly FaultRule[];
  readonly shop: NonNullable<ShopifyOptions['faults']>;
  readonly webhooks: NonNullable<ShopifyOptions['webhooks']>;
  readonly warehouse: WarehouseFaults;
  readonly store: StoreFaults;
  /** Seconds for which each system answers nobody, once; 0: never. */
  readonly outage: number;
  /** Seconds for which the warehouse leaves an order lying, once; 0: never. */
  readonly silence: number;
}

const at = (share: number): Conditions => ({
  odoo: [
    { kind: 'cut-after-commit', probability: share },
    { kind: 'cut-before-commit', probability: share / 2 },
    { kind: 'status', status: 503, probability: share },
    { kind: 'status', status: 429, retryAfter: 1, probability: share / 2 },
  ],
  shop: { cut: share, broken: share, throttled: share, latency: 20 },
  webhooks: { lost: 2 * share, twice: 2 * share, late: 2 * share, unsigned: 2 * share },
  warehouse: {
    ...{ twice: 2 * share, cut: share, slow: 2 * share, disorder: share },
    ...{ partial: 5 * share, shortage: 3 * share, stray: 2 * share, miscount: share, mislaid: 10 * share },
  },
  store: { lost: 2 * share, thin: 2 * share, twice: 2 * share, late: 2 * share, cut: share, broken: share },
  outage: 0,
  silence: 25,
});

/** calm: nothing goes wrong; rough: as on a bad day; storm: as hardly ever, and each system is away for a while. */
export const conditions = {
  calm: { odoo: [], shop: {}, webhooks: {}, warehouse: {}, store: {}, outage: 0, silence: 0 },
  rough: at(0.02),
  storm: { ...at(0.04), outage: 5 },
} as const satisfies Record<string, Conditions>;

export type Weather = keyof typeof conditions;
