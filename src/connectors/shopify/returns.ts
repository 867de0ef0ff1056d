import type { Duration } from '../../core/clock.ts';
import type { Context, Found, Item, Result, Sink } from '../../core/connector.ts';
import { FaultError, rejected } from '../../core/fault.ts';
import { type Return, ReturnDocument } from '../../model/return.ts';
import { faultOfUserError, type UserError } from './errors.ts';
import { returnKeyIn, returnNote } from './marks.ts';
import { MOST_LINES, returnCalls } from './return-documents.ts';
import { partsOf, type Reversed, shareOut } from './return-lines.ts';
import type { Shop } from './shop.ts';
import { failed, hasTime, orderIdOf, sinkOf } from './sink.ts';

interface Marked {
  readonly id: string;
  readonly status: string;
}

interface ReturnNow extends Reversed {
  readonly id: string;
  readonly name: string;
  readonly status: string;
}

type Told<Name extends string> = Record<Name, { return: Marked | null; userErrors: UserError[] } | null>;

const DEADLINE: Duration = '60s';

/**
 * Goods that came back, told to the shop that sold them: a return that is opened for what was shipped, processed with what became of the goods (restocked or not), and closed. Money is a
 * document of its own.
 *
 * Shopify takes no key for any of it, so the return's own key stands with the reason of its lines and is looked for first; each step is made only where the one before has been and
 * its own has not. By that mark `webOrders` knows what it need not tell again.
 *
 * @see https://shopify.dev/docs/api/admin-graphql/latest/mutations/returnProcess
 */
export const returns = (shop: Shop): Sink<typeof ReturnDocument> =>
  sinkOf(shop, {
    name: 'returns',
    accepts: ReturnDocument,
    idempotency: 'find-first',
    deadline: DEADLINE,
    batch: { max: 3, onFailure: 'independent' },
    find: async (items, cx) => {
      const found: Found[] = [];
      for (const item of items) {
        const one = await markedReturn(shop, orderOf(item), item.key, cx);
        found.push(one?.status === 'CLOSED' ? { found: 'whole', id: one.id } : { found: 'absent' });
      }
      return found;
    },
    deliver: async (items, cx) => {
      const mayBegin = hasTime(DEADLINE, cx.clock);
      const results: Result[] = [];
      for (const item of items)
        results.push(mayBegin() ? await takeBack(shop, item, cx).catch(failed) : { outcome: 'untouched' });
      return results;
    },
  });

const orderOf = (item: Item<Return>): string => orderIdOf(item, item.document.order, item.document.orderNumber);

/** The return of an order that a hub made for a return of this key, or null. */
export async function markedReturn(shop: Shop, order: string, key: string, cx: Context): Promise<Marked | null> {
  const told = await shop.call<{
    order: {
      returns: {
        nodes: (Marked & { returnLineItems: { nodes: { returnReasonNote?: string }[] } })[];
      };
    } | null;
  }>(returnCalls.returnsOfOrder, { id: order }, cx);
  if (!told.order) throw rejected('Its order is no longer in the shop.', 'gone', 'order');
  const isOurs = ({ returnLineItems }: { returnLineItems: { nodes: { returnReasonNote?: string }[] } }): boolean =>
    returnLineItems.nodes.some(({ returnReasonNote }) => returnKeyIn(returnReasonNote) === key);
  return told.order.returns.nodes.find(isOurs) ?? null;
}

async function takeBack(shop: Shop, item: Item<Return>, cx: Context): Promise<Result> {
  const { number, state, lines } = item.document;
  if (state !== 'received')
    throw rejected(
      `Return ${number} is ${state}, and only goods that were received are told to Shopify: see to it there, then dismiss this.`,
      'not-supported',
      'state',
    );
  if (lines.some(({ restock }) => restock === null))
    throw rejected(`Return ${number} was received, but not said to be fit for sale or not.`, 'not-judged', 'restock');
  let one = await markedReturn(shop, orderOf(item), item.key, cx);
  one ??= await open(shop, item, cx);
  if (one.status === 'CANCELED' || one.status === 'DECLINED')
    throw rejected(`Return ${number} was cancelled in Shopify, and its goods came back.`, 'cancelled-there', 'state');
  if (one.status === 'OPEN') {
    const processed = await process(shop, item, one.id, cx);
    if (processed?.status !== 'CLOSED') await act(shop, 'returnClose', returnCalls.close, { id: one.id }, cx);
  }
  return { outcome: 'done', id: one.id };
}

/** Opens the return for what was shipped and has not come back yet. */
async function open(shop: Shop, item: Item<Return>, cx: Context): Promise<Marked> {
  const { document, key } = item;
  const orderId = orderOf(item);
  const parts = await partsOf(shop, document, orderId, cx);
  if (parts.length > MOST_LINES)
    throw rejected(
      `Return ${document.number} has more than ${MOST_LINES} lines: make it in Shopify, then dismiss this.`,
      'too-large',
      'lines',
    );
  const reason = await reasonOf(shop, document, cx);
  const returnLineItems = parts.map(({ id, quantity }) => ({
    fulfillmentLineItemId: id,
    quantity,
    ...(reason === null ? {} : { returnReasonDefinitionId: reason }),
    returnReasonNote: returnNote(key, document.number),
  }));
  const input = { orderId, requestedAt: document.occurredAt, returnLineItems };
  return act(shop, 'returnCreate', returnCalls.open, { input }, cx);
}

/** Says what became of what was not processed yet; null where all was. */
async function process(shop: Shop, { document }: Item<Return>, id: string, cx: Context): Promise<Marked | null> {
  const { return: now } = await shop.call<{ return: ReturnNow | null }>(returnCalls.returnNow, { id }, cx);
  if (!now) throw rejected(`Return ${document.number} is no longer in the shop.`, 'gone', 'state');
  const location = document.lines.some(({ restock }) => restock === true) ? placeOf(shop, document, cx) : null;
  const returnLineItems = shareOut(document, now, location);
  if (returnLineItems.length === 0) return null;
  const input = { returnId: id, notifyCustomer: shop.settings.notifyCustomers, returnLineItems };
  return act(shop, 'returnProcess', returnCalls.process, { input }, cx);
}

function placeOf(shop: Shop, { number, location }: Return, cx: Context): string {
  if (location !== null) return shop.locationOf(location, cx);
  throw rejected(`Return ${number} is for sale again, but nobody said where.`, 'no-location', 'location');
}

/** One step; Shopify's complaints are thrown. */
async function act<Name extends 'returnCreate' | 'returnProcess' | 'returnClose'>(
  shop: Shop,
  name: Name,
  document: Parameters<Shop['call']>[0],
  variables: object,
  cx: Context,
): Promise<Marked> {
  const { [name]: told } = await shop.call<Told<Name>>(document, variables, cx);
  const [error] = told?.userErrors ?? [];
  if (error) throw new FaultError(faultOfUserError(document, error, () => 'lines'));
  if (told?.return) return told.return;
  throw new FaultError({ kind: 'unknown', message: `Shopify did not say what became of ${document.name}` });
}

/** Shopify's reason for the hub's, by Mapping table `{tables}-return-reasons`; its own `other` where it has none of that handle. */
async function reasonOf(shop: Shop, { lines }: Return, cx: Context): Promise<string | null> {
  const wanted = lines[0]!.reason;
  const handle = cx.mapping(`${shop.settings.tables}-return-reasons`).find(wanted) ?? wanted;
  const handles = [...new Set([handle, 'other', 'unknown'])];
  const { returnReasonDefinitions: told } = await shop.call<{
    returnReasonDefinitions: { nodes: { id: string; handle: string }[] };
  }>(returnCalls.reasons, { handles }, cx);
  const found = handles.map((one) => told.nodes.find((node) => node.handle === one)).find((node) => node !== undefined);
  return found?.id ?? null;
}
