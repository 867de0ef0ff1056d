import type { Context, Item, Result } from '../../../core/connector.ts';
import { type Fault, FaultError } from '../../../core/fault.ts';
import type { Order } from '../../../model/order.ts';
import type { Odoo } from '../database.ts';
import type { Row } from '../rows.ts';
import { afterLanding } from './prepared.ts';
import { naiveUtc } from './sink.ts';

/** What the customer was promised, as Odoo keeps it in the order's Delivery Date; null where nothing was. Throws `rejected` for what is no time. */
const promiseOf = ({ delivery }: Order): string | null =>
  delivery?.promisedAt ? naiveUtc(delivery.promisedAt, 'delivery.promisedAt') : null;

/** The column of an order that is made; none where nothing was promised. */
export function promiseCell(order: Order): { commitment_date?: string } {
  const promise = promiseOf(order);
  return promise === null ? {} : { commitment_date: promise };
}

/** The Delivery Date of an order that was just made is the promise. Afterwards it is for people to change. */
export function otherPromise(order: Order, row: Row | undefined): Extract<Fault, { kind: 'rejected' }> | null {
  const wanted = promiseOf(order);
  if (wanted === null || row?.commitment_date === wanted) return null;
  const message = `order ${order.number} has landed in Odoo, but its Delivery Date is ${String(row?.commitment_date)} there and ${wanted} here`;
  return { kind: 'rejected', message, cause: 'read-back-promise' };
}

/**
 * Delivers orders, and then writes the promises that have changed since they were written last. A date that people have set in Odoo meanwhile is theirs, and stays: they
 * know what can be kept.
 */
export async function promised<R extends { readonly item: Item<Order> }>(
  odoo: Odoo,
  orders: readonly R[],
  cx: Context,
  deliver: (orders: readonly R[]) => Promise<Result[]>,
): Promise<Result[]> {
  const results = await deliver(orders);
  for (const [place, { item }] of orders.entries()) {
    const result = results[place]!;
    if (result.outcome !== 'done' || item.before === undefined || item.document.state === 'cancelled') continue;
    const before = item.before === null ? 'unknown' : promiseOf(item.before);
    const now = promiseOf(item.document);
    if (before === now) continue;
    try {
      await write(odoo, Number(result.id), { before, now }, cx);
    } catch (error) {
      results[place] = { outcome: 'failed', fault: afterLanding(error, 'the order was written to Odoo') };
    }
  }
  return results;
}

async function write(
  odoo: Odoo,
  order: number,
  { before, now }: { readonly before: string | null; readonly now: string | null },
  cx: Context,
): Promise<void> {
  const read = async (): Promise<string | null> => {
    const [row] = await odoo.read('sale.order', [['id', '=', order]], ['commitment_date'], cx);
    return typeof row?.commitment_date === 'string' ? row.commitment_date.slice(0, 19) : null;
  };
  const held = await read();
  const isOurs = before === 'unknown' ? held === null : held === before;
  if (held === now || !isOurs) return;
  const vals = { commitment_date: now ?? false };
  await odoo.call('sale.order', 'write', { ids: [order], args: [['vals', vals]] }, cx);
  if ((await read()) !== now)
    throw new FaultError({ kind: 'unknown', message: 'the Delivery Date is not there after it was written' });
}
