import type { Context, Found, Item, Result, Sink } from '../../core/connector.ts';
import { rejected } from '../../core/fault.ts';
import { hasLeft, isBefore, type Shipment, ShipmentDocument } from '../../model/shipment.ts';
import type { Shop } from './shop.ts';
import { failed, isRefusal, MARK, orderIdOf, sinkOf, steady, unitsOf, whileChanging } from './sink.ts';

interface Fulfilment {
  readonly id: string;
  readonly shipped_at: string | null;
  readonly delivered_at: string | null;
  readonly canceled_at: string | null;
  readonly metadata: Readonly<Record<string, unknown>> | null;
  readonly labels: readonly { readonly tracking_number: string }[];
}

interface OrderNow {
  readonly id: string;
  readonly status: string;
  readonly fulfillments: readonly Fulfilment[];
}

const FIELDS = 'id,status,fulfillments.*,fulfillments.labels.*';

/**
 * What was shipped: a fulfilment and its shipment with tracking. Medusa takes no key for a fulfilment and would make a second one, so it carries the shipment's
 * key in its metadata and is looked for by that first, or by its tracking numbers where a person shipped it. Each step is made only where it is not seen.
 */
export const shipments = (shop: Shop): Sink<typeof ShipmentDocument> =>
  sinkOf(shop, {
    name: 'shipments',
    accepts: ShipmentDocument,
    idempotency: 'find-first',
    ids: /(ful|order)_\w+/,
    batch: { max: 5, onFailure: 'independent' },
    find: async (items, cx) => {
      const found: Found[] = [];
      for (const item of items) {
        const one = hasLeft(item.document) ? await look(shop, item, cx) : null;
        // What is half done is done to its end by the next attempt.
        found.push(one && isDone(one, item.document) ? { found: 'whole', id: one.id } : { found: 'absent' });
      }
      return found;
    },
    deliver: async (items, cx) => {
      const results: Result[] = [];
      for (const item of items) results.push(await ship(shop, item, cx).catch(failed));
      return results;
    },
  });

/** Whether the customer has the goods: also what was handed over at a counter is with its customer. */
const hasArrived = ({ milestone }: Shipment): boolean => !isBefore(milestone, 'collected');

const isDone = (one: Fulfilment, document: Shipment): boolean =>
  one.shipped_at !== null && (!hasArrived(document) || one.delivered_at !== null);

async function look(shop: Shop, item: Item<Shipment>, cx: Context): Promise<Fulfilment | null> {
  const { document } = item;
  const told = await shop.readOne<{ order: OrderNow }>(`/admin/orders/${orderIdOf(item)}`, FIELDS, cx);
  if (!told) throw rejected(`Order ${document.orderNumber} is no longer in the shop.`, 'gone', 'order');
  const valid = told.order.fulfillments.filter(({ canceled_at }) => canceled_at === null);
  const numbers = document.tracking.map(({ number }) => number);
  const byHand = ({ labels }: Fulfilment): boolean =>
    numbers.length > 0 && numbers.every((number) => labels.some((label) => label.tracking_number === number));
  return valid.find(({ metadata }) => metadata?.[MARK] === document.id) ?? valid.find(byHand) ?? null;
}

async function ship(shop: Shop, item: Item<Shipment>, cx: Context): Promise<Result> {
  const { document } = item;
  const order = orderIdOf(item);
  // Before goods have left there is nothing to tell a customer.
  if (!hasLeft(document)) return { outcome: 'done', id: item.id ?? order };
  const items = unitsOf(document.lines);
  const location = shop.locationOf(document.location, cx);
  const no_notification = !shop.settings.notifyCustomers;
  const seen = (done: (one: Fulfilment) => boolean) => async () => {
    const one = await look(shop, item, cx);
    return one && done(one) ? one : null;
  };
  const path = `/admin/orders/${order}/fulfillments`;
  const body = { items, location_id: location, no_notification, metadata: { [MARK]: document.id } };
  let one =
    (await look(shop, item, cx)) ??
    (await steady(
      () => shop.write('a fulfilment', path, body, cx),
      seen(() => true),
      'the fulfilment',
    ).catch((error: unknown) => {
      throw inWords(error, document);
    }));
  if (one.shipped_at === null) {
    const labels = document.tracking.map(({ number, url }) => ({
      tracking_number: number,
      tracking_url: url ?? '',
      label_url: '',
    }));
    const shipment = { items, labels, no_notification };
    one = await steady(
      () => shop.write('a shipment', `${path}/${one.id}/shipments`, shipment, cx),
      seen(({ shipped_at }) => shipped_at !== null),
      'the shipment',
    ).catch((error: unknown) => {
      throw whileChanging(error);
    });
  }
  if (hasArrived(document) && one.delivered_at === null)
    one = await steady(
      () => shop.write('a delivery', `${path}/${one.id}/mark-as-delivered`, {}, cx),
      seen(({ delivered_at }) => delivered_at !== null),
      'the delivery',
    );
  return { outcome: 'done', id: one.id };
}

function inWords(thrown: unknown, { orderNumber, number }: Shipment): unknown {
  const error = whileChanging(thrown);
  if (!isRefusal(error)) return error;
  return rejected(
    `Order ${orderNumber}: shipment ${number} cannot be shipped in Medusa. ${error.fault.message}`,
    'nothing-to-ship',
    'lines',
  );
}
