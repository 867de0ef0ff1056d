import { milliseconds } from '../../core/clock.ts';
import type { Item, Result, Sink } from '../../core/connector.ts';
import type { AnyDocumentType } from '../../core/document.ts';
import { faultOf, rejected } from '../../core/fault.ts';
import type { Shop } from './shop.ts';

type Parts<D extends AnyDocumentType> = Pick<Sink<D>, 'name' | 'accepts' | 'idempotency' | 'batch' | 'deliver'> &
  Partial<Pick<Sink<D>, 'find'>>;

/** Calls of the longest a delivery may take, one after the other. */
const longestSteps = 10;

/** What all sinks of a shop have in common. */
export const sinkOf = <D extends AnyDocumentType>(shop: Shop, parts: Parts<D>): Sink<D> => ({
  ...parts,
  settle: shop.settings.settle,
  deadline: milliseconds(shop.settings.timeout) * longestSteps,
});

/** The Result of something thrown; what is unclear may have landed. */
export const failed = (error: unknown): Result => ({ outcome: 'failed', fault: faultOf(error, 'unknown') });

/** The variant bound to a product of the hub. */
export function variantOf(item: Item<unknown>, sku: string): string {
  const id = item.links.get(`product:${sku}`);
  if (id?.startsWith('gid://shopify/ProductVariant/')) return id;
  throw rejected(`Product ${sku} is bound to no variant of this shop.`, 'not-bound', 'sku');
}
