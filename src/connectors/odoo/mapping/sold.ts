import type { Look } from '../../../core/flow.ts';
import { OrderDocument } from '../../../model/order.ts';
import { orderKeyOf } from '../external-id.ts';
import type { SoldOrder } from '../sources/sold-orders.ts';

/** The hub's key of an order: by its Binding, or by the ids that the hub gave its lines. Null for one that the hub did not bring. */
export const keyOfOrder = async ({ id, line }: SoldOrder, look: Look): Promise<string | null> =>
  (await look.keyOf(OrderDocument, String(id))) ?? (line === null ? null : orderKeyOf(line));

/** Key of the return that a receipt is. */
export const returnKeyOf = ({ connection }: Pick<Look, 'connection'>, picking: number): string =>
  `${connection}:return-${picking}`;
