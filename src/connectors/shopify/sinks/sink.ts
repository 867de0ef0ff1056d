import { type Clock, type Duration, milliseconds } from '../../../core/clock.ts';
import type { Item, Result, Sink } from '../../../core/connector.ts';
import type { AnyDocumentType } from '../../../core/document.ts';
import { faultOf, rejected } from '../../../core/fault.ts';
import type { Shop } from '../shop.ts';

type Parts<D extends AnyDocumentType> = Pick<Sink<D>, 'name' | 'accepts' | 'idempotency' | 'batch' | 'deliver'> &
  Partial<Pick<Sink<D>, 'find' | 'match' | 'count' | 'deadline' | 'settle' | 'compares' | 'withdraws'>>;

/** Calls of the longest a delivery may take, one after the other. */
const longestSteps = 10;

/** What all sinks of a shop have in common. */
export const sinkOf = <D extends AnyDocumentType>(shop: Shop, parts: Parts<D>): Sink<D> => ({
  settle: shop.settings.settle,
  deadline: milliseconds(shop.settings.timeout) * longestSteps,
  ...parts,
});

/**
 * Whether there is time to begin one more part of a call. A short deadline keeps lanes from lying quiet after a kill; what does not fit into it is left
 * `untouched` and goes at once with the next call, so that a call of many parts still comes to its end.
 */
export function hasTime(deadline: Duration, clock: Clock): () => boolean {
  const until = clock.monotonic() + milliseconds(deadline) / 2;
  return () => clock.monotonic() < until;
}

/** The Result of something thrown; what is unclear may have landed. */
export const failed = (error: unknown): Result => ({ outcome: 'failed', fault: faultOf(error, 'unknown') });

/** Shopify's id of the order that a document needs. */
export function orderIdOf(item: Item<unknown>, key: string, number: string): string {
  const id = item.links.get(`order:${key}`);
  if (id?.startsWith('gid://shopify/Order/')) return id;
  throw rejected(`Order ${number} is bound to no order of this shop.`, 'not-bound', 'order');
}

/** The variant bound to a product of the hub. */
export function variantOf(item: Item<unknown>, sku: string): string {
  const id = item.links.get(`product:${sku}`);
  if (id?.startsWith('gid://shopify/ProductVariant/')) return id;
  throw rejected(`Product ${sku} is bound to no variant of this shop.`, 'not-bound', 'sku');
}
