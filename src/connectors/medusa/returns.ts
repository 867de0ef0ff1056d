import type { Context, Found, Item, Result, Sink } from '../../core/connector.ts';
import { rejected } from '../../core/fault.ts';
import { type Return, ReturnDocument } from '../../model/return.ts';
import type { Shop } from './shop.ts';
import { failed, isRefusal, MARK, orderIdOf, sinkOf, steady, unitsOf, whileChanging } from './sink.ts';

interface ReturnNow {
  readonly id: string;
  readonly status: string;
  readonly metadata: Readonly<Record<string, unknown>> | null;
  readonly items: readonly {
    readonly item_id: string;
    readonly quantity: number;
    readonly received_quantity: number;
  }[];
}

interface Change {
  readonly return_id: string | null;
  readonly change_type: string | null;
  readonly status: string;
}

const FIELDS = 'id,status,metadata,items.*';

/**
 * Goods that came back: a return that Medusa knows (bound) or one made for it, received, and what may be sold again put back into stock at the location. Medusa takes no key,
 * so a return that is made carries the document's key in its metadata. It changes an order in one change at a time: what an earlier attempt left
 * half done is taken back and begun anew; while a person changes the order the return waits.
 */
export const returns = (shop: Shop): Sink<typeof ReturnDocument> =>
  sinkOf(shop, {
    name: 'returns',
    accepts: ReturnDocument,
    idempotency: 'find-first',
    ids: /return_\w+/,
    batch: { max: 2, onFailure: 'independent' },
    find: async (items, cx) => {
      const found: Found[] = [];
      for (const item of items) found.push(foundIn(await look(shop, item, cx), item.document));
      return found;
    },
    deliver: async (items, cx) => {
      const results: Result[] = [];
      for (const item of items) results.push(await takeBack(shop, item, cx).catch(failed));
      return results;
    },
  });

/** How much of it is there. What is asked for and not received yet is gone on with. */
function foundIn(one: ReturnNow | null, document: Return): Found {
  if (!one || one.status === 'open' || one.status === 'canceled') return { found: 'absent' };
  if (document.state === 'announced') return { found: 'whole', id: one.id };
  const units = unitsOf(document.lines);
  const came = (id: string): number =>
    one.items.reduce((sum, item) => sum + (item.item_id === id ? item.received_quantity : 0), 0);
  if (units.every(({ id, quantity }) => came(id) >= quantity)) return { found: 'whole', id: one.id };
  if (one.items.every(({ received_quantity }) => received_quantity === 0)) return { found: 'absent' };
  return {
    found: 'partial',
    message: `Medusa has received another quantity of return ${document.number} of order ${document.orderNumber}: correct it there, then retry or dismiss.`,
  };
}

async function look(shop: Shop, item: Item<Return>, cx: Context): Promise<ReturnNow | null> {
  const query = { order_id: orderIdOf(item), fields: FIELDS, limit: '100' };
  const { returns: all } = await shop.read<{ returns: ReturnNow[] }>('/admin/returns', query, cx);
  return all.find(({ id, metadata }) => id === item.id || metadata?.[MARK] === item.key) ?? null;
}

async function takeBack(shop: Shop, item: Item<Return>, cx: Context): Promise<Result> {
  const { document } = item;
  const { number, state, lines } = document;
  if (state === 'cancelled')
    throw rejected(`Return ${number} was cancelled: cancel it in Medusa, then dismiss this.`, 'not-supported', 'state');
  if (state === 'received' && lines.some(({ restock }) => restock === null))
    throw rejected(`Return ${number} was received, but not said to be fit for sale or not.`, 'not-judged', 'restock');
  unitsOf(lines);
  let one = await look(shop, item, cx);
  const found = foundIn(one, document);
  if (found.found === 'whole') return { outcome: 'done', id: found.id };
  if (found.found === 'partial') throw rejected(found.message ?? '', 'partly-there', 'lines');
  if (one?.status === 'canceled')
    throw rejected(`Return ${number} was cancelled in Medusa, and goods came.`, 'cancelled-there', 'state');
  if (!one || one.status === 'open') one = await request(shop, item, one, cx);
  if (state === 'announced') return { outcome: 'done', id: one.id };
  return { outcome: 'done', id: (await receive(shop, item, one, cx)).id };
}

interface Line {
  readonly id: string;
  readonly detail: Readonly<
    Record<`${'fulfilled' | 'return_requested' | 'return_received' | 'return_dismissed'}_quantity`, number>
  >;
}

/** Medusa lets goods that came back come back again, so what is left to return is counted here. Throws `rejected` where there is not as much. */
async function isWithTheCustomer(shop: Shop, item: Item<Return>, cx: Context): Promise<void> {
  const { number, orderNumber, lines } = item.document;
  const path = `/admin/orders/${orderIdOf(item)}`;
  const told = await shop.readOne<{ order: { items: Line[] } }>(path, 'id,items.*,items.detail.*', cx);
  for (const { id, quantity } of unitsOf(lines)) {
    const detail = told?.order.items.find((line) => line.id === id)?.detail;
    const left = detail
      ? detail.fulfilled_quantity -
        detail.return_requested_quantity -
        detail.return_received_quantity -
        detail.return_dismissed_quantity
      : 0;
    const sku = lines.find(({ orderLine }) => orderLine === id)?.sku;
    if (quantity > left)
      throw rejected(
        `Return ${number} of order ${orderNumber}: ${quantity} of ${sku} came back, but by Medusa the customer has ${left}.`,
        'not-returnable',
        'lines',
      );
  }
}

/** Makes the return and asks for its goods. */
async function request(shop: Shop, item: Item<Return>, half: ReturnNow | null, cx: Context): Promise<ReturnNow> {
  const { document } = item;
  await isWithTheCustomer(shop, item, cx);
  if (half) await shop.remove('a half-made return', `/admin/returns/${half.id}/request`, cx);
  const body = {
    order_id: orderIdOf(item),
    no_notification: !shop.settings.notifyCustomers,
    metadata: { [MARK]: item.key },
    ...(document.location === null ? {} : { location_id: shop.locationOf(document.location, cx) }),
  };
  const { id } = await steady(
    () => shop.write('a return', '/admin/returns', body, cx),
    () => look(shop, item, cx),
    'the return',
  ).catch((error: unknown) => {
    throw whileChanging(error);
  });
  const items = { items: unitsOf(document.lines) };
  await shop.write('the goods of a return', `/admin/returns/${id}/request-items`, items, cx).catch(whatIsNotThere);
  return steady(
    () => shop.write('a return request', `/admin/returns/${id}/request`, {}, cx),
    async () => {
      const one = await look(shop, item, cx);
      return one && one.status !== 'open' ? one : null;
    },
    'the return request',
  );
}

/** Receives all of it: goods fit for sale go back into stock, the others do not. */
async function receive(shop: Shop, item: Item<Return>, { id }: ReturnNow, cx: Context): Promise<ReturnNow> {
  const path = `/admin/returns/${id}`;
  await begin(shop, orderIdOf(item), id, cx);
  const good = unitsOf(item.document.lines.filter(({ restock }) => restock));
  const bad = unitsOf(item.document.lines.filter(({ restock }) => !restock));
  const step = (what: string, items: object[]) =>
    items.length === 0
      ? undefined
      : shop.write('goods received', `${path}/${what}`, { items }, cx).catch(whatIsNotThere);
  await step('receive-items', good);
  await step('dismiss-items', bad);
  return steady(
    () => shop.write('goods received', `${path}/receive/confirm`, { no_notification: true }, cx),
    async () => {
      const one = await look(shop, item, cx);
      return one && foundIn(one, item.document).found === 'whole' ? one : null;
    },
    'the receipt of the goods',
  );
}

/** Begins to receive; what an earlier attempt began is taken back first. */
async function begin(shop: Shop, order: string, id: string, cx: Context): Promise<void> {
  const path = `/admin/orders/${order}/changes`;
  const { order_changes } = await shop.read<{ order_changes: Change[] }>(
    path,
    { fields: 'id,return_id,change_type,status' },
    cx,
  );
  const isOurs = ({ return_id, change_type, status }: Change): boolean =>
    return_id === id && change_type === 'return_receive' && (status === 'pending' || status === 'requested');
  if (order_changes.some(isOurs)) await shop.remove('what was begun to receive', `/admin/returns/${id}/receive`, cx);
  await shop.write('goods received', `/admin/returns/${id}/receive`, {}, cx).catch((error: unknown) => {
    throw whileChanging(error);
  });
}

function whatIsNotThere(error: unknown): never {
  if (isRefusal(error)) throw rejected(error.fault.message, 'not-returnable', 'lines');
  throw error;
}
