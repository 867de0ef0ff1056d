import type { Duration } from '../../../core/clock.ts';
import type { Context, Found, Item, Result, Sink } from '../../../core/connector.ts';
import { decimal } from '../../../core/decimal.ts';
import { FaultError, rejected } from '../../../core/fault.ts';
import { exactMoney, moneyText } from '../../../core/money.ts';
import { sha256 } from '../../../core/seal.ts';
import { type Refund, RefundDocument } from '../../../model/refund.ts';
import { MOST_PAYMENTS, MOST_REFUNDS, refundCalls } from '../documents/refunds.ts';
import { faultOfUserError, type UserError } from '../errors.ts';
import { isRefundOf, isRefundWorth, refundNote } from '../marks.ts';
import type { ShopifyMoney } from '../native.ts';
import type { Shop } from '../shop.ts';
import { assertNotPaid, type Gone } from './paid-there.ts';
import { unitsForReturns } from './return-lines.ts';
import { standingOf } from './returns.ts';
import { failed, hasTime, orderIdOf, sinkOf } from './sink.ts';

interface Transaction {
  readonly id: string;
  readonly kind: string;
  readonly status: string;
  readonly gateway: string | null;
  readonly amountSet: ShopifyMoney;
  readonly parentTransaction: { readonly id: string } | null;
}

interface OrderNow {
  readonly id: string;
  readonly name: string;
  readonly cancelledAt: string | null;
  readonly currencyCode: string;
  readonly presentmentCurrencyCode: string;
  readonly taxesIncluded: boolean;
  readonly refunds: readonly { readonly id: string; readonly note: string | null }[];
  readonly transactions: readonly Transaction[];
}

interface Told {
  readonly refundCreate: {
    readonly refund: { readonly id: string; readonly note: string | null } | null;
    readonly userErrors: readonly UserError[];
  } | null;
}

const DEADLINE: Duration = '60s';

/**
 * Money that goes back, decided elsewhere: in Odoo, or at a till. Shopify pays it out of the order's own payments, those of the refund's method first; goods and shipping that
 * it is for are refunded with it. Stock is left alone (what came back is counted by whoever keeps the stock, and told as a level), but where a line
 * says that its goods are for sale again.
 *
 * Each call has a key, under which Shopify makes one refund; but keys are not kept for ever, so the refund's own mark stands in its note and is looked
 * for first. By that mark `webOrders` knows what it need not tell again.
 *
 * @see https://shopify.dev/docs/api/admin-graphql/latest/mutations/refundCreate
 */
export const refunds = (shop: Shop): Sink<typeof RefundDocument> =>
  sinkOf(shop, {
    name: 'refunds',
    accepts: RefundDocument,
    idempotency: 'find-first',
    deadline: DEADLINE,
    batch: { max: 5, onFailure: 'independent' },
    find: async (items, cx) => {
      const found: Found[] = [];
      for (const item of items) found.push(foundIn(await orderNow(shop, item, cx), item));
      return found;
    },
    deliver: async (items, cx) => {
      const mayBegin = hasTime(DEADLINE, cx.clock);
      const results: Result[] = [];
      for (const item of items)
        results.push(mayBegin() ? await refund(shop, item, cx).catch(failed) : { outcome: 'untouched' });
      return results;
    },
  });

const noteOf = ({ key, document }: Item<Refund>): string =>
  refundNote(key, document.number, BigInt(document.amount), document.currency);

/** Throws `rejected` where it is not among the refunds that are read, and there may be more. */
function foundIn({ name, refunds: all }: OrderNow, item: Item<Refund>): Found {
  const made = all.find(({ note }) => isRefundOf(note, item.key));
  if (!made && all.length >= MOST_REFUNDS)
    throw rejected(
      `Order ${name} has ${MOST_REFUNDS} refunds or more, and the hub cannot tell whether refund ${item.document.number} is one of them: make it in Shopify where it is not, then dismiss this.`,
      'too-many-refunds',
      'order',
    );
  if (!made) return { found: 'absent' };
  if (isRefundWorth(made.note, BigInt(item.document.amount), item.document.currency))
    return { found: 'whole', id: made.id };
  return {
    found: 'partial',
    message: `Shopify has paid back another amount for refund ${item.document.number} (${made.note}): correct it there, then retry or dismiss.`,
  };
}

async function orderNow(shop: Shop, item: Item<Refund>, cx: Context): Promise<OrderNow> {
  const { orderNumber, order: key } = item.document;
  const id = orderIdOf(item, key, orderNumber);
  const { order } = await shop.call<{ order: OrderNow | null }>(refundCalls.orderToRefund, { id }, cx);
  if (!order) throw rejected(`Order ${orderNumber} is no longer in the shop.`, 'gone', 'order');
  return order;
}

async function refund(shop: Shop, item: Item<Refund>, cx: Context): Promise<Result> {
  const { document } = item;
  const now = await orderNow(shop, item, cx);
  const found = foundIn(now, item);
  if (found.found === 'whole') return { outcome: 'done', id: found.id };
  if (found.found === 'partial') throw rejected(found.message ?? '', 'partly-there', 'amount');
  const currency = shop.settings.money === 'shop' ? now.currencyCode : now.presentmentCurrencyCode;
  if (document.currency !== currency || currency !== now.presentmentCurrencyCode)
    throw rejected(
      `Refund ${document.number} is in ${document.currency}, the customer of order ${now.name} paid in ${now.presentmentCurrencyCode}: refund it in Shopify, then dismiss this.`,
      'other-currency',
      'currency',
    );
  const back = await returnFor(shop, document, now, cx);
  const alone = await moneyAloneOf(shop, document, now, back, cx);
  const input = {
    orderId: now.id,
    currency,
    note: noteOf(item),
    notify: shop.settings.notifyCustomers,
    ...goodsOf(shop, document, now, alone, cx),
    transactions: shareOut(shop, document, now, cx),
  };
  const key = sha256(JSON.stringify([item.key, input])).toString('hex');
  const { refundCreate: told } = await shop.call<Told>(refundCalls.refund, { input, key }, cx);
  const [error] = told?.userErrors ?? [];
  if (error) {
    await assertUnchanged(shop, item, now, cx);
    return { outcome: 'failed', fault: faultOfUserError(refundCalls.refund, error, fieldOf) };
  }
  if (told?.refund?.note !== input.note)
    throw new FaultError({ kind: 'unknown', message: 'Shopify did not say that the refund was made' });
  return { outcome: 'done', id: told.refund.id };
}

/** Throws `transient` where the order was cancelled, or something of it refunded, since it was looked at: what Shopify refused was worked out from what it had then. */
async function assertUnchanged(shop: Shop, item: Item<Refund>, before: OrderNow, cx: Context): Promise<void> {
  const { cancelledAt, refunds } = await orderNow(shop, item, cx);
  if (cancelledAt === before.cancelledAt && refunds.length === before.refunds.length) return;
  throw new FaultError({ kind: 'transient', message: `order ${before.name} changed meanwhile; it is looked at again` });
}

const fieldOf = (path: readonly string[]): string =>
  path.includes('transactions') ? 'amount' : path.includes('currency') ? 'currency' : 'lines';

/**
 * Shopify's id of the return that a refund of the books belongs to; null where it belongs to none. Throws `early` until the shop has it: goods that were refunded first cannot come back there
 * any more.
 */
async function returnFor(shop: Shop, document: Refund, { id }: OrderNow, cx: Context): Promise<string | null> {
  if (document.creditNote === undefined || document.return === null) return null;
  const one = await standingOf(shop, id, document.return, cx);
  if (one?.isDone) return one.id;
  throw new FaultError({
    kind: 'early',
    message: `The goods of refund ${document.number} came back, and Shopify does not have their return yet: see to that one, then retry.`,
    cause: 'return-first',
    field: 'return',
  });
}

/**
 * Lines of which only the money is told, those for the same line of the order together. Units that a return has processed are off the order already. Units that are in a return, or may be yet, stay on
 * it: what was refunded as goods Shopify takes back no more (`returnCreate` is for items that have not been refunded), and processing their return pays nothing unless it is told to.
 */
async function moneyAloneOf(
  shop: Shop,
  document: Refund,
  now: OrderNow,
  back: string | null,
  cx: Context,
): Promise<ReadonlySet<string>> {
  const goods = goodsIn(document);
  const about = `Refund ${document.number}`;
  const ofReturn = back !== null;
  // What was cancelled without money is gone from the order, and its money goes back alone.
  const isCancelled = now.cancelledAt !== null;
  const mayReturn = goods.some((line) => line.mayReturn === true);
  const shipped = ofReturn || mayReturn ? await unitsForReturns(shop, about, now.id, cx) : null;
  const sold = ofReturn || mayReturn || isCancelled ? await soldOf(shop, goods, cx) : null;
  const gone: Gone[] = [];
  const alone = [...Map.groupBy(goods, ({ orderLine }) => orderLine!)].filter(([line, group]) => {
    const units = group.reduce((sum, { quantity }) => sum + Number(quantity), 0);
    const { mayCome, came } = shipped?.get(line) ?? { mayCome: 0, came: 0 };
    const mayBe = group.every((one) => one.mayReturn === true);
    if (mayBe && units <= mayCome) return true;
    const { quantity: ordered = units, refundableQuantity: left = units } = sold?.get(line) ?? {};
    const isOff = isCancelled || ofReturn || (mayBe && units <= mayCome + came);
    if (!(ofReturn && units <= came) && (units <= left || !isOff)) return false;
    const off = Math.max(ordered - left, came) + (mayBe ? mayCome : 0);
    gone.push({ line, off: isCancelled ? ordered : Math.min(ordered, off), units });
    return true;
  });
  await assertNotPaid(shop, document, now, gone, back, cx);
  return new Set(alone.flatMap(([, group]) => group.map(({ id }) => id)));
}

interface SoldLine {
  readonly id?: string;
  /** Units that were ever ordered. */
  readonly quantity?: number;
  /** Units that Shopify may still refund. */
  readonly refundableQuantity?: number;
}

/** Lines of the order, by their numbers. */
async function soldOf(shop: Shop, goods: Refund['lines'], cx: Context): Promise<ReadonlyMap<string, SoldLine>> {
  const ids = goods.map(({ orderLine }) => `gid://shopify/LineItem/${orderLine}`);
  if (ids.length === 0) return new Map();
  const { nodes } = await shop.call<{ nodes: (SoldLine | null)[] }>(
    refundCalls.refundable,
    { ids: [...new Set(ids)] },
    cx,
  );
  const tail = (id: string): string => id.slice(id.lastIndexOf('/') + 1);
  return new Map(nodes.flatMap((node) => (node?.id ? [[tail(node.id), node] as const] : [])));
}

/** Lines that are for units of the shop's. */
const goodsIn = ({ lines }: Refund): Refund['lines'] =>
  lines.filter(({ orderLine, quantity }) => orderLine !== null && /^\d+$/.test(orderLine) && Number(quantity) !== 0);

/** Goods by their units, and what of the money is for shipping. All else is money alone. */
function goodsOf(
  shop: Shop,
  document: Refund,
  { taxesIncluded }: OrderNow,
  alone: ReadonlySet<string>,
  cx: Context,
): object {
  const { number, currency, lines } = document;
  const refundLineItems = goodsIn(document).flatMap(({ id, orderLine, quantity, restockAt }) => {
    const units = Number(quantity);
    const lineItemId = `gid://shopify/LineItem/${orderLine}`;
    if (!Number.isInteger(units) || units < 1)
      throw rejected(`Shopify refunds whole units, not ${quantity} (refund ${number}).`, 'not-whole', 'quantity');
    if (alone.has(id)) return [];
    if (restockAt === undefined) return [{ lineItemId, quantity: units, restockType: 'NO_RESTOCK' }];
    return [{ lineItemId, quantity: units, restockType: 'RETURN', locationId: shop.locationOf(restockAt, cx) }];
  });
  const shipping = lines
    .filter(({ orderLine }) => orderLine?.startsWith('shipping-'))
    .reduce((sum, { amount, tax }) => sum + amount - (taxesIncluded ? 0 : tax), 0);
  return {
    refundLineItems,
    ...(shipping > 0 ? { shipping: { amount: moneyText({ minor: BigInt(shipping), currency }) } } : {}),
  };
}

/**
 * The amount by the payments it goes back of. Throws `rejected` where they do not hold as much, or the order does not (store credit is paid back of no payment), where there may be more than are read, and where it was paid back by a method that the order was not paid with:
 * then the customer has the money, and would get it twice.
 */
function shareOut(shop: Shop, { number, amount, currency, method }: Refund, now: OrderNow, cx: Context): object[] {
  if (now.transactions.length >= MOST_PAYMENTS)
    throw rejected(
      `Order ${now.name} has ${MOST_PAYMENTS} payments or more, and the hub cannot tell what is left of them: make refund ${number} in Shopify, then dismiss this.`,
      'too-many-payments',
      'order',
    );
  const table = cx.mapping(`${shop.settings.tables}-payment-methods`);
  const minor = ({ money }: ShopifyMoney): bigint => exactMoney(decimal(money.amount), currency).minor;
  const back = now.transactions.filter(
    ({ kind, status }) => kind === 'REFUND' && status !== 'FAILURE' && status !== 'ERROR',
  );
  const paid = now.transactions.filter(
    ({ kind, status }) => (kind === 'SALE' || kind === 'CAPTURE') && status === 'SUCCESS',
  );
  const fits = method === null ? paid : paid.filter(({ gateway }) => table.find(gateway ?? 'unknown') === method);
  if (paid.length > 0 && fits.length === 0)
    throw rejected(
      `Refund ${number} was paid back by ${method}, with which order ${now.name} was not paid: note it in Shopify, then dismiss this with its id. Shopify would pay it once more.`,
      'paid-elsewhere',
      'method',
    );
  const sum = (all: readonly Transaction[]): bigint => all.reduce((so, { amountSet }) => so + minor(amountSet), 0n);
  const kept = sum(paid) - sum(back);
  let open = BigInt(amount);
  const shares = fits.flatMap((parent) => {
    const left = minor(parent.amountSet) - sum(back.filter((one) => one.parentTransaction?.id === parent.id));
    const part = left < open ? left : open;
    if (part <= 0n) return [];
    open -= part;
    const { id: parentId, gateway } = parent;
    if (gateway === null)
      throw rejected(
        `Order ${now.name} was paid by ${parentId}, of which Shopify names no gateway and takes no refund by: make refund ${number} in Shopify, then dismiss this.`,
        'no-gateway',
        'order',
      );
    return [{ orderId: now.id, parentId, gateway, kind: 'REFUND', amount: moneyText({ minor: part, currency }) }];
  });
  const beyond = BigInt(amount) - kept;
  const most = beyond > open ? beyond : open;
  if (most > 0n)
    throw rejected(
      `Refund ${number} is ${moneyText({ minor: most, currency })} ${currency} more than is left of what was paid for order ${now.name}: where the shop has paid it back by itself, set that against the credit note in the books and dismiss this; else credit less.`,
      'too-much',
      'amount',
    );
  return shares;
}
