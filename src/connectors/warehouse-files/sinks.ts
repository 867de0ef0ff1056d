import { type Duration, milliseconds } from '../../core/clock.ts';
import type { Context, Expectation, Idempotency, Item, Result, Sink } from '../../core/connector.ts';
import type { FilePlace, FileStore } from '../../core/file-store.ts';
import { type FulfilmentOrder, FulfilmentOrderDocument } from '../../model/fulfilment-order.ts';
import type { Codec, OrderMessage } from './messages.ts';
import { writeOnce } from './outbox.ts';
import { visit } from './visit.ts';

export interface Writing {
  readonly place: FilePlace;
  readonly codec: Codec;
  readonly idempotency: Idempotency;
  /** Null: the warehouse acknowledges nothing. */
  readonly acknowledgeWithin: Duration | null;
}

type OrderItem = Item<FulfilmentOrder>;

/** Orders for the warehouse, one file each. The name says which order and version: the same delivery again is the same file with the same content. */
export function fulfilmentOrders({
  place,
  codec,
  idempotency,
  acknowledgeWithin,
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
    const expects = acknowledgeWithin === null ? [] : [acknowledgementOf(item, name, acknowledgeWithin, cx)];
    return { outcome: 'done', id: item.document.number, expects };
  };
  return {
    name: 'fulfilmentOrders',
    accepts: FulfilmentOrderDocument,
    idempotency,
    numbered: true,
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

/** Due in good time: within what was agreed, and at the latest when half the time to the customer's promise is gone. */
function acknowledgementOf(item: OrderItem, file: string, agreed: Duration, cx: Context): Expectation {
  const { number, orderNumber, promisedAt } = item.document;
  const left = promisedAt === null ? Number.NaN : Date.parse(promisedAt) - cx.clock.now().getTime();
  const within = left > 0 ? Math.min(milliseconds(agreed), left / 2) : milliseconds(agreed);
  const promise = promisedAt === null ? '' : ` The customer was promised it for ${promisedAt}.`;
  const about = `fulfilment order ${number} of order ${orderNumber}, sent as ${file}`;
  return {
    key: `acknowledgement:${numberOf(item)}`,
    within,
    cause: 'not-acknowledged',
    about,
    overdue: `${cx.connection} has not acknowledged ${about}, within ${minutes(within)}.${promise} Ask the warehouse whether it has it; when it acknowledges after all, this closes by itself.`,
  };
}

const minutes = (time: number): string =>
  time < 120_000 ? `${Math.round(time / 1000)} seconds` : `${Math.round(time / 60_000)} minutes`;
