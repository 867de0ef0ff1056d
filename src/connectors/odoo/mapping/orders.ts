import { nothing } from '../../../core/document.ts';
import type { Look, Objection } from '../../../core/flow.ts';
import { type Cancellation, CancellationDocument } from '../../../model/cancellation.ts';
import { type DeliveryPromise, DeliveryPromiseDocument } from '../../../model/delivery-promise.ts';
import { OrderDocument } from '../../../model/order.ts';
import type { OrderRecord } from '../sources/orders.ts';
import { keyOfOrder } from './sold.ts';

type Sold = (order: string) => boolean;

/** What an order that people cancelled means: it is cancelled in the channel, or a person must see to it. */
export interface CancellationTold {
  readonly cancellation: Cancellation | null;
  readonly objection: Objection | null;
}

export const cancelledTooLate = 'cancelled-after-shipping';

const untold: CancellationTold = { cancellation: null, objection: null };

/**
 * Message Translator: an order of the channel that people cancelled in Odoo is told to it, once. What the channel cancelled itself is known as cancelled before Odoo hears of it, and is no news. An
 * order of which goods have left goes to a person. `creditNotes`: what was invoiced is paid back by credit notes, so that the channel pays nothing with the cancellation.
 */
export async function toCancellation(
  record: OrderRecord,
  look: Look,
  { sold, creditNotes }: { readonly sold: Sold; readonly creditNotes: boolean },
): Promise<CancellationTold> {
  if (record.state !== 'cancel') return untold;
  const order = await keyOfOrder(record.order, look);
  if (order === null || !sold(order)) return untold;
  const known = await look.current(OrderDocument, order);
  if (known?.state === 'cancelled') return untold;
  const id = `${look.connection}:cancelled-${record.id}`;
  if ((await look.current(CancellationDocument, id)) !== null) return untold;
  const orderNumber = record.order.reference ?? record.order.name;
  if (record.shipped)
    return {
      cancellation: null,
      objection: {
        cause: cancelledTooLate,
        field: 'state',
        message: `Order ${orderNumber} was cancelled in Odoo after goods of it had left, and the channel goes on with it: refund what will not be carried out, call the parcel back where it is to come back, and dismiss this.`,
        measure: { ...nothing, lines: 1 },
      },
    };
  return {
    objection: null,
    cancellation: {
      id,
      order,
      orderNumber,
      reason: 'other',
      ...(creditNotes && record.invoiced ? { refundsFollow: true } : {}),
      occurredAt: `${record.version.replace(' ', 'T')}Z`,
    },
  };
}

/**
 * Message Translator: the Delivery Date of an order of the channel, where it is another one than the channel promised, or was told before. Null where there is nothing to tell. Who takes the
 * date away in Odoo goes back to the channel's own.
 */
export async function toDeliveryPromise(record: OrderRecord, look: Look, sold: Sold): Promise<DeliveryPromise | null> {
  if (record.state === 'cancel') return null;
  const order = await keyOfOrder(record.order, look);
  if (order === null || !sold(order)) return null;
  const known = await look.current(OrderDocument, order);
  if (known === null || known.state === 'cancelled') return null;
  const own = known.delivery?.promisedAt ?? null;
  const promisedAt = record.promisedAt ?? own;
  if (sameSecond(promisedAt, own) && (await look.current(DeliveryPromiseDocument, order)) === null) return null;
  return { order, orderNumber: known.number, promisedAt };
}

/** Odoo keeps whole seconds. */
const sameSecond = (one: string | null, other: string | null): boolean => second(one) === second(other);

const second = (time: string | null): number | null => (time === null ? null : Math.floor(Date.parse(time) / 1000));
