import type { Duration } from '../../../core/clock.ts';
import type { Context, Item, Result, Sink } from '../../../core/connector.ts';
import { FaultError } from '../../../core/fault.ts';
import { type DeliveryPromise, DeliveryPromiseDocument } from '../../../model/delivery-promise.ts';
import { promiseCalls } from '../documents/promises.ts';
import { faultOfUserError, type UserError } from '../errors.ts';
import type { Shop } from '../shop.ts';
import { failed, hasTime, orderIdOf, sinkOf } from './sink.ts';

interface Defined {
  readonly metafieldDefinitionCreate: {
    readonly createdDefinition: { readonly id: string } | null;
    readonly userErrors: readonly UserError[];
  } | null;
}

interface Told {
  readonly metafieldsSet: {
    readonly metafields: readonly { readonly value: string }[] | null;
    readonly userErrors: readonly UserError[];
  } | null;
}

interface Withdrawn {
  readonly metafieldsDelete: {
    readonly deletedMetafields: readonly unknown[] | null;
    readonly userErrors: readonly UserError[];
  } | null;
}

const DEADLINE: Duration = '30s';

/**
 * When an order is promised for, after people have moved it: a metafield of the order, which mails, the customer's account and the shop's pages can show. What checkout promised cannot be
 * changed in Shopify (`maxDeliveryDateTime` is read only), and only orders that are scheduled by a selling plan can be rescheduled. An absolute value: a repeat changes nothing.
 *
 * @see https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/metafieldsSet
 */
export function promises(shop: Shop): Sink<typeof DeliveryPromiseDocument> {
  let isDefined = false;
  return sinkOf(shop, {
    name: 'promises',
    accepts: DeliveryPromiseDocument,
    idempotency: 'overwrite',
    deadline: DEADLINE,
    batch: { max: 10, onFailure: 'independent' },
    deliver: async (items, cx) => {
      const mayBegin = hasTime(DEADLINE, cx.clock);
      if (!isDefined) await define(shop, cx);
      isDefined = true;
      const results: Result[] = [];
      for (const item of items)
        results.push(mayBegin() ? await tell(shop, item, cx).catch(failed) : { outcome: 'untouched' });
      return results;
    },
  });
}

/** Makes the field known to the shop's admin and the customer's account, where nobody has. */
async function define(shop: Shop, cx: Context): Promise<void> {
  const { metafieldDefinitionCreate: told } = await shop.call<Defined>(promiseCalls.definePromise, {}, cx);
  const [error] = told?.userErrors ?? [];
  if (error && error.code !== 'TAKEN')
    throw new FaultError(faultOfUserError(promiseCalls.definePromise, error, () => 'promisedAt'));
}

async function tell(shop: Shop, item: Item<DeliveryPromise>, cx: Context): Promise<Result> {
  const { order, orderNumber, promisedAt } = item.document;
  const id = orderIdOf(item, order, orderNumber);
  if (promisedAt === null) {
    const { metafieldsDelete: told } = await shop.call<Withdrawn>(promiseCalls.withdrawPromise, { id }, cx);
    return resultOf(id, promiseCalls.withdrawPromise, told?.userErrors, told?.deletedMetafields != null);
  }
  const { metafieldsSet: told } = await shop.call<Told>(promiseCalls.setPromise, { id, at: promisedAt }, cx);
  const [held] = told?.metafields ?? [];
  const isThere = held !== undefined && Date.parse(held.value) === Date.parse(promisedAt);
  return resultOf(id, promiseCalls.setPromise, told?.userErrors, isThere);
}

function resultOf(
  id: string,
  call: (typeof promiseCalls)[keyof typeof promiseCalls],
  errors: readonly UserError[] = [],
  isThere: boolean,
): Result {
  const [error] = errors;
  if (error) return { outcome: 'failed', fault: faultOfUserError(call, error, () => 'promisedAt') };
  if (isThere) return { outcome: 'done', id };
  throw new FaultError({ kind: 'unknown', message: 'Shopify did not say that the promise was written down' });
}
