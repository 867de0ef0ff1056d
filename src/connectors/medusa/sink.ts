import { milliseconds } from '../../core/clock.ts';
import type { Item, Result, Sink } from '../../core/connector.ts';
import type { AnyDocumentType } from '../../core/document.ts';
import { FaultError, faultOf, rejected } from '../../core/fault.ts';
import type { Shop } from './shop.ts';

type Parts<D extends AnyDocumentType> = Pick<Sink<D>, 'name' | 'accepts' | 'idempotency' | 'batch' | 'deliver'> &
  Partial<Pick<Sink<D>, 'find' | 'match' | 'count' | 'ids'>>;

/** Calls of the longest a delivery may take, one after the other. */
const longestSteps = 10;

/** The field of a record's metadata in which the hub keeps the key of its own document. */
export const MARK = 'crossdock';

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
  if (id?.startsWith('variant_')) return id;
  throw rejected(`Product ${sku} is bound to no variant of this shop.`, 'not-bound', 'sku');
}

/** The order bound to an order of the hub. */
export function orderIdOf(item: Item<{ readonly order: string; readonly orderNumber: string }>): string {
  const id = item.links.get(`order:${item.document.order}`);
  if (id?.startsWith('order_')) return id;
  throw rejected(`Order ${item.document.orderNumber} is bound to no order of this shop.`, 'not-bound', 'order');
}

/** Whole units, for Medusa counts pieces. */
function wholeOf(quantity: string, sku: string): number {
  const units = Number(quantity);
  if (Number.isInteger(units) && units > 0) return units;
  throw rejected(`Medusa takes whole units, not ${quantity} of ${sku}.`, 'not-whole', 'quantity');
}

/** Units of each order line, in Medusa's words. */
export function unitsOf(
  lines: readonly { readonly orderLine: string | null; readonly sku: string; readonly quantity: string }[],
): { id: string; quantity: number }[] {
  const units = new Map<string, number>();
  for (const { orderLine, sku, quantity } of lines) {
    if (!orderLine?.startsWith('ordli_'))
      throw rejected(`${sku} is of no line of Medusa's order.`, 'not-of-the-order', 'orderLine');
    units.set(orderLine, (units.get(orderLine) ?? 0) + wholeOf(quantity, sku));
  }
  return [...units].map(([id, quantity]) => ({ id, quantity }));
}

/** True for a refusal of what was asked, which is told before anything is done, but see `steady`. */
export const isRefusal = (error: unknown): error is FaultError =>
  error instanceof FaultError && error.fault.kind === 'rejected';

/**
 * Makes a step and gives what `look` then finds. Medusa was seen to answer 400 to a request that it had carried out all the same, so a refusal counts only once
 * what was wanted is seen not to be there.
 */
export async function steady<T>(step: () => Promise<unknown>, look: () => Promise<T | null>, what: string): Promise<T> {
  let refusal: unknown;
  try {
    await step();
  } catch (error) {
    if (!isRefusal(error)) throw error;
    refusal = error;
  }
  const found = await look().catch((error: unknown) => {
    throw new FaultError(
      { kind: 'unknown', message: `${what} was asked for, and could not be read back` },
      { cause: error },
    );
  });
  if (found !== null) return found;
  throw refusal ?? new FaultError({ kind: 'unknown', message: `Medusa does not show that ${what} was done` });
}

/** Medusa allows one change of an order at a time: while a person has a return or an edit open there, nothing can be shipped either. */
export function whileChanging(error: unknown): unknown {
  if (!isRefusal(error) || !/active order change/i.test(error.fault.message)) return error;
  return new FaultError({
    kind: 'transient',
    message: 'the order has a return, exchange or edit in Medusa that is not finished; it goes again',
  });
}
