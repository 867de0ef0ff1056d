import type { Duration } from '../../../core/clock.ts';
import type { Context, Found, Item, Result, Sink } from '../../../core/connector.ts';
import { FaultError, rejected } from '../../../core/fault.ts';
import { type Return, ReturnDocument } from '../../../model/return.ts';
import { type Claim, readClaims } from '../claims.ts';
import { orderCalls } from '../documents/orders.ts';
import { MOST_LINES, returnCalls } from '../documents/returns.ts';
import { faultOfUserError, type UserError } from '../errors.ts';
import { returnKeyIn, returnNote } from '../marks.ts';
import { allOf, type Page } from '../pages.ts';
import type { Shop } from '../shop.ts';
import { claimFor, isProcessed, isWhole, type ReturnNow, returnNow } from './open-returns.ts';
import { partsOf, shareOut } from './return-lines.ts';
import { failed, hasTime, orderIdOf, sinkOf } from './sink.ts';

interface Marked {
  readonly id: string;
  readonly status: string;
}

interface Listed extends Marked {
  readonly returnLineItems: Page<{ readonly returnReasonNote?: string }>;
}

interface InOrder {
  readonly order: {
    readonly returnsTaken: { readonly value: string; readonly compareDigest: string } | null;
    readonly returns: Page<Listed>;
  } | null;
}

type Told<Name extends string> = Record<Name, { return: Marked | null; userErrors: UserError[] } | null>;

const DEADLINE: Duration = '60s';

/**
 * Goods that came back, told to the shop that sold them: a return that is opened for what was shipped, processed with what became of the goods (restocked or not), and closed. Money is a
 * document of its own.
 *
 * Goods of a return that the customer opened in the shop are processed on that one, as far as they came, and it is closed once nothing is left.
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
        const one = await standingOf(shop, orderOf(item), item.key, cx);
        found.push(one?.isDone ? { found: 'whole', id: one.id } : { found: 'absent' });
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

/** Returns of an order: which a hub opened for a return of this key, which are the shop's own and open, and which units of those were put to what. */
async function returnsOf(shop: Shop, order: string, key: string, cx: Context) {
  const ask = async (after: string | null) =>
    (await shop.call<InOrder>(returnCalls.returnsOfOrder, { id: order, after }, cx)).order;
  const told = await ask(null);
  if (!told) throw rejected('Its order is no longer in the shop.', 'gone', 'order');
  const { returnsTaken } = told;
  const all: { one: Listed; keys: string[] }[] = [];
  for (const one of await allOf(told.returns, async (after) => (await ask(after))?.returns))
    all.push({ one, keys: await keysOf(shop, one, cx) });
  const own = all.find(({ keys }) => keys.includes(key))?.one ?? null;
  const open = all.filter(({ one, keys }) => one.status === 'OPEN' && keys.length === 0).map(({ one }) => one.id);
  const stored = { claims: readClaims(returnsTaken?.value, 'retry'), digest: returnsTaken?.compareDigest ?? null };
  return { order, own, open, stored };
}

/** Keys that stand with the lines of a return; people may have added lines to it. */
async function keysOf(shop: Shop, { id, returnLineItems }: Listed, cx: Context): Promise<string[]> {
  const lines = await allOf(returnLineItems, async (after) => {
    const { return: more } = await shop.call<{ return: Listed | null }>(orderCalls.moreReturnLines, { id, after }, cx);
    return more?.returnLineItems;
  });
  return lines.flatMap(({ returnReasonNote }) => returnKeyIn(returnReasonNote) ?? []);
}

/** What stands in the shop for a return of this key, and whether all of it is done; null where there is nothing yet. */
export async function standingOf(
  shop: Shop,
  order: string,
  key: string,
  cx: Context,
): Promise<{ readonly id: string; readonly isDone: boolean } | null> {
  const { own, stored } = await returnsOf(shop, order, key, cx);
  if (own) return { id: own.id, isDone: own.status === 'CLOSED' };
  const claim = stored.claims[key];
  if (!claim) return null;
  const now = await returnNow(shop, key, claim.return, cx);
  return { id: claim.return, isDone: isProcessed(claim, now) && !(now.status === 'OPEN' && isWhole(now)) };
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
  const there = await returnsOf(shop, orderOf(item), item.key, cx);
  if (!there.own) {
    const claim = there.stored.claims[item.key] ?? (await claimFor(shop, item, there, cx));
    if (claim) return finish(shop, item, claim.return, claim, cx);
  }
  const one = there.own ?? (await open(shop, item, cx));
  return finish(shop, item, one.id, null, cx);
}

/** What is not processed yet is, and a return of which nothing is left is closed. `claim`: of a return of the shop's own these units only. */
async function finish(shop: Shop, item: Item<Return>, id: string, claim: Claim | null, cx: Context): Promise<Result> {
  const { document } = item;
  const { number } = document;
  let now = await returnNow(shop, number, id, cx);
  if (now.status === 'CANCELED' || now.status === 'DECLINED')
    throw rejected(`Return ${number} was cancelled in Shopify, and its goods came back.`, 'cancelled-there', 'state');
  const isDone = claim === null ? now.status === 'CLOSED' || isWhole(now) : isProcessed(claim, now);
  if (!isDone) {
    await process(shop, item, now, claim, cx);
    now = await returnNow(shop, number, id, cx);
  }
  if (now.status === 'OPEN' && isWhole(now)) await act(shop, 'returnClose', returnCalls.close, { id }, cx);
  return { outcome: 'done', id };
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

/** Says what became of the goods. */
async function process(
  shop: Shop,
  { document }: Item<Return>,
  now: ReturnNow,
  claim: Claim | null,
  cx: Context,
): Promise<void> {
  const location = document.lines.some(({ restock }) => restock === true) ? placeOf(shop, document, cx) : null;
  const returnLineItems = shareOut(document, now, location, claim);
  if (returnLineItems.length === 0)
    throw rejected(
      `Return ${document.number} is of goods that ${now.name} in Shopify does not await any more: see to it there, then dismiss this.`,
      'return-differs',
      'lines',
    );
  const input = { returnId: now.id, notifyCustomer: shop.settings.notifyCustomers, returnLineItems };
  await act(shop, 'returnProcess', returnCalls.process, { input }, cx);
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
