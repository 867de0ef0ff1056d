import type { Context, Item, Result, Sink } from '../../core/connector.ts';
import { rejected } from '../../core/fault.ts';
import { type DeliveryPromise, DeliveryPromiseDocument } from '../../model/delivery-promise.ts';
import type { Shop } from './shop.ts';
import { failed, MARK, orderIdOf, sinkOf, steady } from './sink.ts';

/** The field of an order's metadata that says when it is promised for now. The shop's own, `promised_at`, stays as it is: what the hub writes is never read as what the shop has promised. */
const PROMISE = `${MARK}_promised_at`;

interface OrderNow {
  readonly status: string;
  readonly metadata: Readonly<Record<string, unknown>> | null;
}

/**
 * When an order is promised for, after people have moved it: a field of its metadata, which mails and the storefront can show. Medusa leaves the other fields as they are, and takes one away
 * that is given as an empty text. An absolute value, written only where it is not there: each write is an entry in the order's history. Of an order that was cancelled nothing is promised.
 */
export const promises = (shop: Shop): Sink<typeof DeliveryPromiseDocument> =>
  sinkOf(shop, {
    name: 'promises',
    accepts: DeliveryPromiseDocument,
    idempotency: 'overwrite',
    batch: { max: 3, onFailure: 'independent' },
    deliver: async (items, cx) => {
      const results: Result[] = [];
      for (const item of items) results.push(await tell(shop, item, cx).catch(failed));
      return results;
    },
  });

async function tell(shop: Shop, item: Item<DeliveryPromise>, cx: Context): Promise<Result> {
  const { orderNumber, promisedAt } = item.document;
  const id = orderIdOf(item);
  const path = `/admin/orders/${id}`;
  const look = async (): Promise<OrderNow | null> => {
    const told = await shop.readOne<{ order: OrderNow }>(path, 'id,status,metadata', cx);
    if (!told) throw rejected(`Order ${orderNumber} is no longer in this shop.`, 'gone', 'order');
    return told.order.status === 'canceled' || saysSo(told.order, promisedAt) ? told.order : null;
  };
  if ((await look()) === null) {
    const metadata = { [PROMISE]: promisedAt ?? '' };
    await steady(() => shop.write('a promise', path, { metadata }, cx), look, 'the promise');
  }
  return { outcome: 'done', id };
}

function saysSo({ metadata }: OrderNow, promisedAt: string | null): boolean {
  const held = metadata?.[PROMISE] ?? null;
  return promisedAt === null ? held === null : Date.parse(String(held)) === Date.parse(promisedAt);
}
