import { type Duration, milliseconds } from '../../core/clock.ts';
import type { Context, Due, Expectation, Idempotency, Item, Result, Sink } from '../../core/connector.ts';
import type { FilePlace, FileStore } from '../../core/file-store.ts';
import { type FulfilmentOrder, FulfilmentOrderDocument, shippedKey } from '../../model/fulfilment-order.ts';
import type { Codec, OrderMessage } from './messages.ts';
import { writeOnce } from './outbox.ts';
import { visit } from './visit.ts';

export interface Writing {
  readonly place: FilePlace;
  readonly codec: Codec;
  readonly idempotency: Idempotency;
  /** Null: the warehouse acknowledges nothing. */
  readonly acknowledgeWithin: Duration | null;
  readonly ships: Shipping;
}

/** When goods must have left. */
interface Shipping {
  /** Before the customer's promise. */
  readonly before: Duration;
  /** Where nothing is promised, or the promise is past; null: not awaited. */
  readonly within: Duration | null;
}

type OrderItem = Item<FulfilmentOrder>;

/** Orders for the warehouse, one file each. The name says which order and version: the same delivery again is the same file with the same content. */
export function fulfilmentOrders({
  place,
  codec,
  idempotency,
  acknowledgeWithin,
  ships,
}: Writing): Sink<typeof FulfilmentOrderDocument> {
  const one = async (store: FileStore, item: OrderItem, cx: Context): Promise<Result> => {
    codec.checkOrder(item.document);
    const name = fileName(codec, item);
    const message = messageOf(item);
    const bytes = bytesOf(codec, message);
    // The same version may be written again after it was bound: then it would be called a change.
    const isOurs = (held: Uint8Array): boolean =>
      actions.some((action) => bytesOf(codec, { ...message, action }).equals(held));
    await writeOnce(store, place.where, name, bytes, isOurs, cx);
    const acknowledged = acknowledgeWithin === null ? [] : [acknowledgementOf(item, name, acknowledgeWithin, cx)];
    const shipped = shipmentOf(item, ships, cx);
    return {
      outcome: 'done',
      id: item.document.number,
      expects: shipped === null ? acknowledged : [...acknowledged, shipped],
      ...(shipped === null ? { forgoes: [shippedKey(item.document.number)] } : {}),
    };
  };
  return {
    name: 'fulfilmentOrders',
    accepts: FulfilmentOrderDocument,
    idempotency,
    numbered: true,
    due: (order, since) => dueOf(order, since, acknowledgeWithin, ships),
    settle: '30s',
    deadline: '2m',
    batch: { max: 20, onFailure: 'independent' },
    deliver: (items, cx) => visit(place, cx, (store, each) => each(items, (item) => one(store, item, cx))),
    find: (items, cx) =>
      visit(place, cx, (store) =>
        Promise.all(
          items.map(async (item) =>
            (await store.read(fileName(codec, item))) === null
              ? { found: 'absent' as const }
              : { found: 'whole' as const, id: item.document.number },
          ),
        ),
      ),
  };
}

const actions: readonly OrderMessage['action'][] = ['new', 'change', 'cancel'];

function numberOf({ number, key }: OrderItem): number {
  if (number === undefined) throw new Error(`fulfilment order ${key} came without a number`);
  return number;
}

function messageOf(item: OrderItem): OrderMessage {
  const known = item.id !== null;
  return {
    number: numberOf(item),
    // What the warehouse has not heard of is new to it, also when it is cancelled: better a cancellation too many than one too few.
    action: item.document.state === 'cancelled' ? 'cancel' : known ? 'change' : 'new',
    at: item.owedAt ?? new Date(0),
    order: item.document,
  };
}

const bytesOf = (codec: Codec, message: OrderMessage): Buffer => Buffer.from(codec.writeOrder(message));

/** Letters, digits and hyphens only, whatever the warehouse's system: `940-000000012-WH-OUT-00012-2.x12`. */
function fileName({ prefix, extension }: Codec, item: OrderItem): string {
  const number = String(numberOf(item)).padStart(9, '0');
  const readable = item.document.number
    .replaceAll(/[^A-Za-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')
    .slice(0, 40);
  return `${prefix}-${number}-${readable}-${item.version}.${extension}`;
}

/** In good time: within what was agreed, and at the latest when half the time to the customer's promise is gone. Milliseconds. */
const inGoodTime = (agreed: number, left: number): number => (left > 0 ? Math.min(agreed, left / 2) : agreed);

/** An order must be sent by when it would have to be acknowledged, had it been sent at once; it makes no difference to the customer why the warehouse has not got it. */
function dueOf(
  { number, orderNumber, promisedAt, state }: FulfilmentOrder,
  since: Date,
  acknowledgeWithin: Duration | null,
  { within: shipWithin }: Shipping,
): Due | null {
  if (state === 'cancelled') return null;
  const agreed = acknowledgeWithin ?? shipWithin;
  const within = inGoodTime(
    agreed === null ? Number.POSITIVE_INFINITY : milliseconds(agreed),
    leftOf(promisedAt, since),
  );
  if (!Number.isFinite(within)) return null;
  return {
    at: new Date(since.getTime() + within),
    about: `fulfilment order ${number} of order ${orderNumber}`,
    otherwise:
      `${promiseOf(promisedAt).trim()} If it cannot wait, tell the warehouse another way or ship it from elsewhere; then cancel the fulfilment order where it comes from, or it is sent all the same.`.trim(),
  };
}

function acknowledgementOf(item: OrderItem, file: string, agreed: Duration, cx: Context): Expectation {
  const { number, orderNumber, promisedAt } = item.document;
  const within = inGoodTime(milliseconds(agreed), leftOf(promisedAt, cx.clock.now()));
  const promise = promiseOf(promisedAt);
  const about = `fulfilment order ${number} of order ${orderNumber}, sent as ${file}`;
  return {
    key: `acknowledgement:${numberOf(item)}`,
    within,
    cause: 'not-acknowledged',
    about,
    overdue: `${cx.connection} has not acknowledged ${about}, within ${minutes(within)}.${promise} Ask the warehouse whether it has it; when it acknowledges after all, this closes by itself.`,
  };
}

/** Milliseconds until the promise; NaN where there is none. */
const leftOf = (promisedAt: string | null, now: Date): number =>
  promisedAt === null ? Number.NaN : Date.parse(promisedAt) - now.getTime();

const promiseOf = (promisedAt: string | null): string =>
  promisedAt === null ? '' : ` The customer was promised it for ${promisedAt}.`;

/** The goods must have left while the promise can still be kept: the carrier's time before it, or when a quarter of the time is left. */
function shipmentOf(
  { document, owedAt }: OrderItem,
  { before, within: agreed }: Shipping,
  cx: Context,
): Expectation | null {
  const { number, orderNumber, promisedAt, state } = document;
  const left = leftOf(promisedAt, cx.clock.now());
  if (state === 'cancelled' || (!(left > 0) && agreed === null)) return null;
  const within = left > 0 ? Math.max(left - milliseconds(before), left * 0.75) : milliseconds(agreed!);
  const since = owedAt === undefined ? '' : `, since ${owedAt.toISOString()}`;
  const about = `all goods of fulfilment order ${number} of order ${orderNumber} to leave ${cx.connection}`;
  return {
    key: shippedKey(number),
    parts: document.lines.map(({ id }) => id),
    within,
    cause: 'not-shipped',
    about,
    overdue: `${cx.connection} has not told that everything of fulfilment order ${number} of order ${orderNumber} has left: it is awaited${since}.${promiseOf(promisedAt)} Ask the warehouse what holds it, or ship it from elsewhere and tell the customer; when the rest leaves, this closes by itself.`,
  };
}

const minutes = (time: number): string =>
  time < 120_000 ? `${Math.round(time / 1000)} seconds` : `${Math.round(time / 60_000)} minutes`;
