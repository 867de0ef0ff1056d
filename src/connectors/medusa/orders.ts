import { Value } from 'typebox/value';
import { milliseconds } from '../../core/clock.ts';
import type { Context, Incoming, PollSource } from '../../core/connector.ts';
import { decimal, roundTo } from '../../core/decimal.ts';
import { FaultError } from '../../core/fault.ts';
import { currencyDigits } from '../../core/money.ts';
import { canonicalJson, sha256 } from '../../core/seal.ts';
import { type Change, changed } from './changes.ts';
import { orderHistory } from './edits.ts';
import { type MedusaOrder, readOrder, schemas } from './native.ts';
import { before, type Shop } from './shop.ts';
import { plainText } from './terms.ts';

interface Cursor {
  /** The newest change of an order, and of a payment, that was read. */
  readonly orders: string;
  readonly payments: string;
  /** Up to when payments were looked through for what was captured or given back. */
  readonly swept: string;
}

interface ListedPayment extends Change {
  readonly captures?: readonly { readonly created_at: string }[];
  readonly refunds?: readonly { readonly created_at: string }[];
  readonly payment_collection?: { readonly order?: { readonly id: string } | null } | null;
}

/** Orders in one page. */
const PAGE = 25;
const PAYMENTS = 200;

const FIELDS = [
  ...[
    'id',
    'display_id',
    'custom_display_id',
    'status',
    'version',
    'is_draft_order',
    'email',
    'currency_code',
    'total',
    'credit_line_total',
    'metadata',
  ],
  ...['created_at', 'updated_at', 'canceled_at', 'items.*', 'items.detail.*', 'items.tax_lines.*'],
  ...['items.adjustments.*', 'shipping_methods.*', 'shipping_methods.tax_lines.*', 'shipping_methods.adjustments.*'],
  ...['shipping_address.*', 'billing_address.*', 'customer.*', 'payment_collections.payments.*'],
  ...['payment_collections.payments.captures.*', 'payment_collections.payments.refunds.*', 'returns.*'],
  ...['returns.items.*', 'returns.items.reason.*'],
].join(',');
const PAYMENT_FIELDS = 'id,updated_at,created_at,captures.created_at,refunds.created_at,payment_collection.order.id';

/** Set by a notice that money went back, which no list of Medusa's shows as a change. */
export interface Sweep {
  due: boolean;
}

/**
 * Orders as they are now, each time one changes: edited, cancelled, shipped, returned. A capture does not change Medusa's order, only the payment; one of a part,
 * and a refund of goods that came back, not even that: so payments are read by their own time of change, and now and then (`sweep`, or when a notice
 * says so) the payments of the last months are looked through for new captures and refunds.
 */
export function orderSource(shop: Shop, sweep: Sweep): PollSource<MedusaOrder> {
  const { settings } = shop;
  const listing = { path: '/admin/orders', list: 'orders', fields: FIELDS, pageSize: PAGE };
  const complete = orderHistory(shop);
  const incoming = async (orders: readonly Change[], cx: Context): Promise<Incoming[]> =>
    (await complete(orders, cx)).map(incomingOf);
  return {
    kind: 'poll',
    name: 'orders',
    every: settings.every,
    coarseVersions: true,
    async *pull(text, cx) {
      const began = cx.clock.now().toISOString();
      const known = text === null ? null : (JSON.parse(text) as Cursor);
      let cursor: Cursor = known ?? { orders: settings.from ?? began, payments: began, swept: began };
      const since = known === null ? (settings.from ?? null) : before(known.orders, settings.overlap);
      for await (const { records, newest } of changed<Change>(shop, listing, since, cx)) {
        cursor = { ...cursor, orders: known === null ? newest! : latest(known.orders, newest!) };
        yield { items: await incoming(records, cx), cursor: JSON.stringify(cursor) };
      }
      const payments = paymentsSince(shop, before(cursor.payments, settings.overlap), cx);
      for await (const { ids, newest } of payments) {
        cursor = { ...cursor, payments: latest(cursor.payments, newest) };
        yield { items: await incoming(await ordersOf(shop, ids, cx), cx), cursor: JSON.stringify(cursor) };
      }
      if (!sweep.due && Date.parse(began) - Date.parse(cursor.swept) < milliseconds(settings.sweep)) return;
      sweep.due = false;
      try {
        for await (const ids of movedSince(shop, before(cursor.swept, settings.overlap), cx))
          yield { items: await incoming(await ordersOf(shop, ids, cx), cx), cursor: JSON.stringify(cursor) };
      } catch (error) {
        sweep.due = true;
        throw error;
      }
      yield { items: [], cursor: JSON.stringify({ ...cursor, swept: began }) };
    },
    decode: readOrder,
  };
}

const latest = (a: string, b: string): string => (Date.parse(b) > Date.parse(a) ? b : a);

const ordersIn = (payments: readonly ListedPayment[]): string[] => [
  ...new Set(payments.flatMap(({ payment_collection }) => payment_collection?.order?.id ?? [])),
];

async function* paymentsSince(shop: Shop, since: string, cx: Context) {
  const listing = { path: '/admin/payments', list: 'payments', fields: PAYMENT_FIELDS, pageSize: PAYMENTS };
  for await (const { records, newest } of changed<ListedPayment>(shop, listing, since, cx))
    yield { ids: ordersIn(records), newest: newest! };
}

/** Orders with a capture or refund since a moment, among the payments made within `paymentsWithin`. */
async function* movedSince(shop: Shop, since: string, cx: Context): AsyncGenerator<string[]> {
  const first = before(cx.clock.now().toISOString(), shop.settings.paymentsWithin);
  const listing = { path: '/admin/payments', list: 'payments', fields: PAYMENT_FIELDS, pageSize: PAYMENTS };
  for await (const { records } of changed<ListedPayment>(shop, listing, first, cx, 'created_at')) {
    const moved = records.filter(({ captures = [], refunds = [] }) =>
      [...captures, ...refunds].some(({ created_at }) => created_at >= since),
    );
    if (moved.length > 0) yield ordersIn(moved);
  }
}

async function ordersOf(shop: Shop, ids: readonly string[], cx: Context): Promise<Change[]> {
  const found: Change[] = [];
  for (let at = 0; at < ids.length; at += PAGE) {
    const some = ids.slice(at, at + PAGE);
    const query = { fields: FIELDS, limit: String(PAGE), 'id[]': some };
    const { orders } = await shop.read<{ orders: Change[] }>('/admin/orders', query, cx);
    found.push(...orders);
  }
  return found;
}

/** The fact of one state of an order: the same state is the same fact, whenever and however it was read. */
function incomingOf(record: Change): Incoming {
  const order = inOrder(Value.Clean(schemas.order, structuredClone(record))) as Partial<MedusaOrder> & Change;
  const { customer } = order;
  // When its customer changed makes it no other fact.
  const fact = canonicalJson(customer ? { ...order, customer: { ...customer, updated_at: undefined } } : order);
  const moments = momentsOf(order).filter((at) => !Number.isNaN(at));
  const at = moments.length === 0 ? 0 : Math.max(...moments);
  const total = totalOf(order);
  return {
    dedupeKey: `order ${order.id} ${sha256(fact).toString('hex')}`,
    subject: `order:${order.id}`,
    sourceVersion: BigInt(at),
    occurredAt: new Date(at),
    bytes: Buffer.from(canonicalJson(order)),
    ...(total === null
      ? {}
      : {
          measure: {
            lines: order.items?.length ?? 0,
            currency: order.currency_code!.toUpperCase(),
            minor: total,
            absolute: total,
          },
        }),
    labels: { order: String(order.custom_display_id ?? order.display_id) },
  };
}

/** When anything of the order changed last: its own time says nothing of payments. */
function momentsOf(order: Partial<MedusaOrder>): number[] {
  const payments = order.payment_collections?.flatMap((one) => one.payments ?? []) ?? [];
  const moved = payments.flatMap(({ captures, refunds }) => [...(captures ?? []), ...(refunds ?? [])]);
  return [
    order.updated_at,
    ...payments.map(({ updated_at }) => updated_at),
    ...moved.map(({ created_at }) => created_at),
    ...(order.returns?.map(({ updated_at }) => updated_at) ?? []),
  ].map((at) => Date.parse(String(at)));
}

function totalOf({ total, currency_code }: Partial<MedusaOrder>): bigint | null {
  try {
    return roundTo(decimal(plainText(total!)), currencyDigits(currency_code!.toUpperCase()));
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError || error instanceof FaultError) return null;
    throw error;
  }
}

/** Every list of records in the order of their ids. */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder).sort((a, b) => compareIds(a, b));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, inOrder(part)]));
}

const compareIds = (a: unknown, b: unknown): number => {
  const [one, other] = [(a as { id?: string } | null)?.id ?? '', (b as { id?: string } | null)?.id ?? ''];
  return one < other ? -1 : one > other ? 1 : 0;
};
