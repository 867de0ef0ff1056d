import type { Context, Incoming, PollSource } from '../../../core/connector.ts';
import { decimal, roundTo } from '../../../core/decimal.ts';
import { FaultError } from '../../../core/fault.ts';
import { currencyDigits } from '../../../core/money.ts';
import { canonicalJson, sha256 } from '../../../core/seal.ts';
import { bulkCalls, bulkQueries } from '../documents/bulk.ts';
import { most } from '../documents/document.ts';
import { orderCalls } from '../documents/orders.ts';
import { readOrder, type ShopifyOrder } from '../native.ts';
import { allOf, type Page } from '../pages.ts';
import type { Shop } from '../shop.ts';
import type { Row } from './bulk-file.ts';
import { type Change, Changes, type List } from './changes.ts';
import { FirstLoad, partsOf } from './first-load.ts';
import type { Subscriptions } from './subscriptions.ts';

interface Whole {
  readonly __typename?: string;
  readonly id: string;
  readonly updatedAt: string;
  readonly edited: boolean;
  readonly lineItems: Page<unknown>;
  readonly shippingLines: Page<unknown>;
  readonly fulfillmentOrders: { readonly nodes: readonly unknown[] };
  readonly transactions: readonly unknown[];
  readonly refunds: readonly unknown[];
  readonly returns: { readonly nodes: readonly unknown[] };
}

/** Lists of a refund that are read as far as its first page. */
const REFUND_PARTS = ['refundShippingLines', 'orderAdjustments', 'transactions'] as const;
type RefundAfter = { readonly id: string; readonly refundLineItems: Page<unknown> } & Readonly<
  Record<(typeof REFUND_PARTS)[number], Page<unknown>>
>;

interface ReturnAfter {
  readonly id: string;
  readonly returnLineItems: Page<unknown>;
}

interface After {
  readonly updatedAt: string;
  readonly refunds: readonly RefundAfter[];
  readonly returns: Page<ReturnAfter>;
  readonly returnsTaken: { readonly value: string } | null;
}

interface ToShip {
  readonly id: string;
  readonly lineItems: Page<unknown>;
}

interface Placed {
  readonly updatedAt: string;
  readonly fulfillmentOrders: Page<ToShip>;
}

interface Agreed {
  readonly updatedAt: string;
  readonly agreements: Page<{
    readonly __typename: string;
    readonly happenedAt: string;
    /** Of an edit only. */
    readonly sales?: Page<object>;
  }>;
}

/** Orders read together: few at first, then as many as their cost allows. */
const FIRST_GROUP = 3;
const LARGEST_GROUP = 10;
/** An order that changes while its parts are read is read again, this often at most. */
const PATIENCE = 4;

/**
 * Orders as they are now, each time one changes: edited, cancelled, paid, shipped, refunded, returned. Webhooks only say that it is time to look. A
 * record's facts are one whole state, so that none of what came between two looks is needed.
 */
export function orderSource(shop: Shop, subscriptions: Subscriptions): PollSource<ShopifyOrder> {
  const first = shop.settings.from === undefined ? '' : `updated_at:>='${shop.settings.from}'`;
  const read = wholeReader(shop);
  const changes = new Changes<Change>({
    first,
    list: async (query, after, cx) => {
      const answer = await shop.answer<{ orders: List<Change> }>(orderCalls.changedOrders, { query, after }, cx);
      return { ...answer, data: answer.data.orders };
    },
    read,
  });
  const load = new FirstLoad<Change>(
    shop,
    {
      search: first,
      asks: bulkQueries.orders,
      count: async (query, limit, cx) =>
        (await shop.call<{ ordersCount: { count: number } }>(bulkCalls.ordersCount, { query, limit }, cx)).ordersCount
          .count,
      factOf,
      read,
    },
    changes,
  );
  return {
    kind: 'poll',
    name: 'orders',
    every: shop.settings.every,
    coarseVersions: true,
    async *pull(cursor, cx) {
      await subscriptions.keep(cx);
      yield* load.pull(cursor, cx);
    },
    decode: readOrder,
  };
}

/** The order as pages of it would be put together. A bulk file has nothing of refunds and returns, nor of what leaves from where, which few orders have; lists without pages are cut off in it. */
function factOf({ returnStatus, ...order }: Row, parts: readonly Row[]): Incoming | null {
  const { refunds, transactions } = order as { refunds: readonly unknown[]; transactions: readonly unknown[] };
  if (returnStatus !== 'NO_RETURN' || refunds.length > 0 || transactions.length >= most.payments) return null;
  const toShip = partsOf(parts, 'FulfillmentOrder', 5, ['id']);
  if (toShip.length > 1) return null;
  return incomingOf({
    ...order,
    lineItems: { nodes: partsOf(parts, 'LineItem') },
    shippingLines: { nodes: partsOf(parts, 'ShippingLine') },
    fulfillmentOrders: { nodes: toShip },
    returns: { nodes: [] },
  });
}

/** Reads orders whole, as many together as their cost allows. */
function wholeReader(shop: Shop) {
  let group = FIRST_GROUP;
  return async function* read(
    fresh: readonly Change[],
    cx: Context,
  ): AsyncGenerator<{ items: Incoming[]; count: number }> {
    for (let from = 0; from < fresh.length; ) {
      const some = fresh.slice(from, from + group);
      const orders = await readWhole(shop, some, cx).catch((error: unknown) => {
        const tooLarge = error instanceof FaultError && 'cause' in error.fault && error.fault.cause === 'too-large';
        if (!tooLarge || group === 1) throw error;
        group = Math.ceil(group / 2);
        return null;
      });
      if (orders === null) continue;
      from += some.length;
      group = nextGroup(shop, some.length);
      yield { items: orders.map(incomingOf), count: some.length };
    }
  };
}

/** As many orders as cost nine tenths of what one call may, going by the last call. */
function nextGroup(shop: Shop, count: number): number {
  const cost = shop.budget.costOf(`OrdersWhole${count}`);
  if (cost === undefined) return FIRST_GROUP;
  return Math.max(1, Math.min(LARGEST_GROUP, Math.floor((shop.budget.largest * 0.9 * count) / cost)));
}

async function readWhole(shop: Shop, some: readonly Change[], cx: Context): Promise<object[]> {
  const ids = some.map(({ id }) => id);
  const { nodes } = await shop.call<{ nodes: (Whole | null)[] }>(
    orderCalls.ordersWhole,
    { ids },
    cx,
    String(ids.length),
  );
  const orders: object[] = [];
  for (const node of nodes) if (node?.__typename === 'Order') orders.push(await withAllParts(shop, node, cx));
  return orders;
}

/** An order with the rest of its pages, all of one state: what changed in between is read again. */
async function withAllParts(shop: Shop, first: Whole, cx: Context): Promise<OrderPart> {
  let order = first;
  for (let tries = 0; tries < PATIENCE; tries++) {
    const parts = await allParts(shop, order, cx);
    if (parts) {
      const { __typename, ...rest } = order;
      return { ...rest, ...parts };
    }
    const { nodes } = await shop.call<{ nodes: (Whole | null)[] }>(
      orderCalls.ordersWhole,
      { ids: [order.id] },
      cx,
      '1',
    );
    if (nodes[0]?.__typename === 'Order') order = nodes[0];
  }
  throw new FaultError({
    kind: 'transient',
    message: 'an order changes faster than it can be read; it is read next time',
  });
}

/** Fields of an order by name, and of what it has more than is read. */
interface OrderPart {
  readonly [field: string]: unknown;
  readonly unread?: readonly string[];
}

/** Null when the order has changed since. */
async function allParts(shop: Shop, order: Whole, cx: Context): Promise<OrderPart | null> {
  const all = {};
  const unread: string[] = [];
  for (const read of [linesOf, shippingOf, paymentsOf, partsAfter, editsOf, placesOf]) {
    const part: OrderPart | null = await read(shop, order, cx).catch(passing);
    if (!part) return null;
    const { unread: more = [], ...rest } = part;
    Object.assign(all, rest);
    unread.push(...more);
  }
  return unread.length > 0 ? { ...all, unread } : all;
}

/** Null for what `allOf` could not go on with, so that it is tried again. */
function passing(error: unknown): null {
  if (error instanceof FaultError && /went away/.test(error.fault.message)) return null;
  throw error;
}

async function linesOf(shop: Shop, { id, updatedAt, lineItems }: Whole, cx: Context): Promise<OrderPart> {
  const nodes = await allOf(lineItems, async (after) => {
    const { order } = await shop.call<{ order: Whole | null }>(orderCalls.moreLines, { id, after }, cx);
    return order?.updatedAt === updatedAt ? order.lineItems : null;
  });
  return { lineItems: { nodes } };
}

async function shippingOf(shop: Shop, { id, updatedAt, shippingLines }: Whole, cx: Context): Promise<OrderPart> {
  const nodes = await allOf(shippingLines, async (after) => {
    const { order } = await shop.call<{ order: Whole | null }>(orderCalls.moreShippingLines, { id, after }, cx);
    return order?.updatedAt === updatedAt ? order.shippingLines : null;
  });
  return { shippingLines: { nodes } };
}

/** All payments, where a list that is cut off may lack some. */
async function paymentsOf(shop: Shop, { id, updatedAt, transactions }: Whole, cx: Context): Promise<OrderPart | null> {
  if (transactions.length < most.payments) return {};
  const { order } = await shop.call<{ order: Whole | null }>(orderCalls.allPayments, { id }, cx);
  return order?.updatedAt === updatedAt ? { transactions: order.transactions } : null;
}

/** Refunds and returns, which few orders have; null when the order has changed since. */
async function partsAfter(shop: Shop, order: Whole, cx: Context): Promise<OrderPart | null> {
  if (order.refunds.length === 0 && order.returns.nodes.length === 0) return { refunds: [], returns: { nodes: [] } };
  const { order: after } = await shop.call<{ order: After | null }>(orderCalls.orderAfter, { id: order.id }, cx);
  if (after?.updatedAt !== order.updatedAt) return null;
  const refunds: object[] = [];
  const unread = new Set(after.refunds.length < most.refunds ? [] : ['refunds']);
  for (const refund of after.refunds) {
    const nodes = await allOf(refund.refundLineItems, async (cursor) => {
      const variables = { id: refund.id, after: cursor };
      const { refund: more } = await shop.call<{ refund: typeof refund | null }>(
        orderCalls.moreRefundLines,
        variables,
        cx,
      );
      return more?.refundLineItems;
    });
    for (const name of REFUND_PARTS) if (refund[name].pageInfo.hasNextPage) unread.add(`${name} of a refund`);
    const parts = REFUND_PARTS.map((name) => [name, { nodes: refund[name].nodes }]);
    refunds.push({ ...refund, ...Object.fromEntries(parts), refundLineItems: { nodes } });
  }
  const returns: object[] = [];
  for (const one of await returnsOf(shop, order, after, cx)) {
    const nodes = await allOf(one.returnLineItems, async (cursor) => {
      const variables = { id: one.id, after: cursor };
      const { return: more } = await shop.call<{ return: typeof one | null }>(
        orderCalls.moreReturnLines,
        variables,
        cx,
      );
      return more?.returnLineItems;
    });
    returns.push({ ...one, returnLineItems: { nodes } });
  }
  const { returnsTaken } = after;
  return {
    refunds,
    returns: { nodes: returns },
    ...(returnsTaken ? { returnsTaken } : {}),
    unread: [...unread],
  };
}

const returnsOf = (shop: Shop, { id, updatedAt }: Whole, { returns }: After, cx: Context): Promise<ReturnAfter[]> =>
  allOf(returns, async (after) => {
    const { order } = await shop.call<{ order: After | null }>(orderCalls.moreReturns, { id, after }, cx);
    return order?.updatedAt === updatedAt ? order.returns : null;
  });

/** When what was added to an order that has refunds; null when the order has changed since. */
async function editsOf(shop: Shop, { id, updatedAt, edited, refunds }: Whole, cx: Context): Promise<OrderPart | null> {
  if (!edited || refunds.length === 0) return {};
  const ask = async (after: string | null) => {
    const variables = after === null ? { id } : { id, after };
    const { order } = await shop.call<{ order: Agreed | null }>(orderCalls.orderEdits, variables, cx);
    return order?.updatedAt === updatedAt ? order.agreements : null;
  };
  const first = await ask(null);
  if (!first) return null;
  const edits = (await allOf(first, ask)).flatMap(({ sales, ...edit }) => (sales ? [{ ...edit, sales }] : []));
  return {
    edits: edits.map(({ sales, ...edit }) => ({ ...edit, sales: { nodes: sales.nodes } })),
    unread: edits.some(({ sales }) => sales.pageInfo.hasNextPage) ? ['changes of one edit'] : [],
  };
}

/** What of an order leaves from where, all of it, for orders that more than one place is to fulfil; null when the order has changed since. */
async function placesOf(
  shop: Shop,
  { id, updatedAt, fulfillmentOrders }: Whole,
  cx: Context,
): Promise<OrderPart | null> {
  if (fulfillmentOrders.nodes.length < 2) return {};
  const ask = async (after: string | null) => {
    const { order } = await shop.call<{ order: Placed | null }>(orderCalls.orderPlaces, { id, after }, cx);
    return order?.updatedAt === updatedAt ? order.fulfillmentOrders : null;
  };
  const first = await ask(null);
  if (!first) return null;
  const nodes: object[] = [];
  for (const { id: own, lineItems, ...rest } of await allOf(first, ask)) {
    const lines = await allOf(lineItems, async (after) => {
      const { fulfillmentOrder: more } = await shop.call<{
        fulfillmentOrder: { order: { updatedAt: string }; lineItems: Page<unknown> } | null;
      }>(orderCalls.morePlaceLines, { id: own, after }, cx);
      return more?.order.updatedAt === updatedAt ? more.lineItems : null;
    });
    nodes.push({ ...rest, lineItems: { nodes: lines } });
  }
  return { fulfillmentOrders: { nodes } };
}

/** The fact of one state of an order: the same state is the same fact, whenever and however it was read. */
function incomingOf(order: object): Incoming {
  const { id, name, updatedAt, totalPriceSet, lineItems, customer } = order as Partial<ShopifyOrder>;
  // When its customer changed moves with each of their orders, and makes none of the others another fact.
  const fact = canonicalJson(customer ? { ...order, customer: { ...customer, updatedAt: undefined } } : order);
  const at = new Date(String(updatedAt));
  const money = totalPriceSet?.money;
  const total = money ? amountOf(money) : 0n;
  return {
    dedupeKey: `order ${id} ${sha256(fact).toString('hex')}`,
    subject: `order:${id}`,
    sourceVersion: BigInt(at.getTime()),
    occurredAt: at,
    bytes: Buffer.from(canonicalJson(order)),
    ...(money
      ? {
          measure: { lines: lineItems?.nodes.length ?? 0, currency: money.currencyCode, minor: total, absolute: total },
        }
      : {}),
    labels: { order: String(name) },
  };
}

function amountOf({ amount, currencyCode }: { amount: string; currencyCode: string }): bigint {
  try {
    return roundTo(decimal(amount), currencyDigits(currencyCode));
  } catch {
    return 0n;
  }
}
