import { type Duration, milliseconds } from '../../../core/clock.ts';
import type { Context, Found, Item, Result, Sink } from '../../../core/connector.ts';
import { FaultError, rejected } from '../../../core/fault.ts';
import { type Cancellation, CancellationDocument } from '../../../model/cancellation.ts';
import { most } from '../documents/document.ts';
import { refundCalls } from '../documents/refunds.ts';
import { faultOfUserError, type UserError } from '../errors.ts';
import type { Shop } from '../shop.ts';
import { failed, hasTime, orderIdOf, sinkOf } from './sink.ts';

interface OrderNow {
  readonly id: string;
  readonly name: string;
  readonly cancelledAt: string | null;
  readonly fulfillments: readonly { readonly status: string }[];
}

interface Told {
  readonly orderCancel: {
    readonly job: { readonly id: string } | null;
    readonly orderCancelUserErrors: UserError[];
  } | null;
}

const DEADLINE: Duration = '60s';
/** A cancellation is a job of Shopify's, looked at so often and so long. */
const LOOK_MS = milliseconds('200ms');
const LOOKS = 50;

const reasons: Readonly<Record<Cancellation['reason'], string>> = {
  customer: 'CUSTOMER',
  stock: 'INVENTORY',
  fraud: 'FRAUD',
  payment: 'DECLINED',
  other: 'OTHER',
};

/**
 * Orders that will not be carried out are cancelled in the shop, once: Shopify cancels no order twice, and one that is cancelled is done. It pays back what was paid, by the way
 * it was paid, unless refunds of their own follow; that comes back as a refund with the order. Stock is left alone: whoever keeps it counts what is free again and tells the level.
 *
 * @see https://shopify.dev/docs/api/admin-graphql/latest/mutations/orderCancel
 */
export const cancellations = (shop: Shop): Sink<typeof CancellationDocument> =>
  sinkOf(shop, {
    name: 'cancellations',
    accepts: CancellationDocument,
    idempotency: 'find-first',
    deadline: DEADLINE,
    batch: { max: 5, onFailure: 'independent' },
    find: async (items, cx) => {
      const found: Found[] = [];
      for (const item of items) {
        const { id, cancelledAt } = await orderNow(shop, item, cx);
        found.push(cancelledAt === null ? { found: 'absent' } : { found: 'whole', id });
      }
      return found;
    },
    deliver: async (items, cx) => {
      const mayBegin = hasTime(DEADLINE, cx.clock);
      const results: Result[] = [];
      for (const item of items)
        results.push(mayBegin() ? await cancel(shop, item, cx).catch(failed) : { outcome: 'untouched' });
      return results;
    },
  });

async function orderNow(shop: Shop, item: Item<Cancellation>, cx: Context): Promise<OrderNow> {
  const { order: key, orderNumber } = item.document;
  const id = orderIdOf(item, key, orderNumber);
  const { order } = await shop.call<{ order: OrderNow | null }>(refundCalls.orderToCancel, { id }, cx);
  if (!order) throw rejected(`Order ${orderNumber} is no longer in the shop.`, 'gone', 'order');
  return order;
}

async function cancel(shop: Shop, item: Item<Cancellation>, cx: Context): Promise<Result> {
  const now = await orderNow(shop, item, cx);
  const done: Result = { outcome: 'done', id: now.id };
  if (now.cancelledAt !== null) return done;
  if (now.fulfillments.some(({ status }) => status === 'SUCCESS'))
    throw rejected(
      `Order ${now.name} has left in part or whole, and Shopify cancels no such order: refund what is not carried out, then dismiss this.`,
      'shipped',
      'order',
    );
  if (now.fulfillments.length >= most.fulfilments)
    throw rejected(
      `Order ${now.name} has ${most.fulfilments} fulfilments or more, and the hub cannot tell whether one of them stands: cancel it in Shopify, then dismiss this.`,
      'too-many-fulfilments',
      'order',
    );
  const variables = {
    id: now.id,
    reason: reasons[item.document.reason],
    notify: shop.settings.notifyCustomers,
    paysBack: item.document.refundsFollow !== true,
  };
  const { orderCancel: told } = await shop.call<Told>(refundCalls.cancel, variables, cx);
  const [error] = told?.orderCancelUserErrors ?? [];
  if (error) return { outcome: 'failed', fault: faultOfUserError(refundCalls.cancel, error, () => 'order') };
  for (let look = 0; told?.job && look < LOOKS && !cx.signal.aborted; look++) {
    if ((await orderNow(shop, item, cx)).cancelledAt !== null) return done;
    await cx.clock.sleep(LOOK_MS, cx.signal);
  }
  throw new FaultError({ kind: 'unknown', message: 'Shopify did not say that the order was cancelled' });
}
