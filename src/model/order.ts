import { type Static, Type } from 'typebox';
import { add, decimal, decimalText } from '../core/decimal.ts';
import { addMeasures, classified, defineDocument, type Measure, nothing, type Taken } from '../core/document.ts';
import { AddressSchema } from './address.ts';

const OrderLine = Type.Object({
  /** Stable for the life of the order: a later version keeps the ids of the lines it had. */
  id: Type.String(classified('internal')),
  /**
   * Key of the product document. Shipping, fees and discounts are lines too, of products of kind `service`; a discount is a line of its own beside
   * what it reduces, with the same taxes, so that every cent has its place.
   */
  sku: Type.String(classified('public')),
  description: Type.String(classified('public')),
  /** Plain decimal; negative when goods come back. */
  quantity: Type.String(classified('internal')),
  /** Plain decimal in the order's currency, before tax unless `pricesIncludeTax`. */
  unitPrice: Type.String(classified('internal')),
  /** Tax codes of the hub; none means explicitly untaxed. */
  taxes: Type.Array(Type.String()),
  /** Minor units: quantity × unit price, as the source charged it. */
  total: Type.Integer(classified('internal')),
  /** Minor units: the tax that the source charged on it, where it says so. */
  tax: Type.Optional(Type.Integer(classified('internal'))),
  /** Location code of the hub that this line is to leave from or wait at, where the channel decides that. */
  location: Type.Optional(Type.String(classified('internal'))),
  /** How this line reaches the customer, where lines of the order do so in different ways. */
  method: Type.Optional(Type.Union([Type.Literal('ship'), Type.Literal('collect')], classified('internal'))),
});

const OrderSchema = Type.Object({
  id: Type.String(classified('internal')),
  /** The number people know it by. */
  number: Type.String(classified('internal')),
  kind: Type.Union([Type.Literal('sale'), Type.Literal('cancellation')]),
  /** For a cancellation: the number of the sale it takes back, where that can be known. */
  refersTo: Type.Union([Type.String(), Type.Null()]),
  /** RFC 3339, UTC. */
  placedAt: Type.String(classified('internal')),
  /** YYYY-MM-DD in the entity's time zone. */
  businessDay: Type.String(classified('internal')),
  /** Key of the customer document. */
  customer: Type.String(classified('personal')),
  currency: Type.String(classified('public')),
  pricesIncludeTax: Type.Boolean(),
  lines: Type.Array(OrderLine),
  /** Minor units, tax included: what the customer was charged, where the source says so. What the target makes of the order must agree. */
  total: Type.Optional(Type.Integer(classified('internal'))),
  /** `cancelled`: nothing of it is to be shipped or charged any more. Absent means open. */
  state: Type.Optional(Type.Union([Type.Literal('open'), Type.Literal('cancelled')], classified('internal'))),
  /** True: money that goes back comes as refunds of their own, so that a cancellation need not wait for credit notes. */
  refundsFollow: Type.Optional(Type.Boolean()),
  /** How it reaches the customer. Absent: over the counter. */
  delivery: Type.Optional(
    Type.Object({
      method: Type.Union([Type.Literal('ship'), Type.Literal('collect')]),
      /** Code of the hub's shipping services, or null. */
      service: Type.Union([Type.String(), Type.Null()]),
      /** RFC 3339, UTC, or null. */
      promisedAt: Type.Union([Type.String(), Type.Null()]),
    }),
  ),
  shipTo: Type.Optional(AddressSchema),
  billTo: Type.Optional(AddressSchema),
});

export type Order = Static<typeof OrderSchema>;

const lineMeasure = (order: Order, total: number): Measure => ({
  lines: 1,
  currency: order.currency,
  minor: BigInt(total),
  absolute: BigInt(Math.abs(total)),
});

/** What a sale takes: of each product and place what is left to take when what comes back with it is taken off, nothing of what was cancelled or taken off the order. */
function takenBy({ kind, state, lines }: Order): Taken[] {
  if (kind !== 'sale') return [];
  const taken = new Map<string, Taken>();
  for (const { sku, location = null, quantity } of lines) {
    const id = JSON.stringify([sku, location]);
    const sum = add(decimal(taken.get(id)?.quantity ?? '0'), decimal(state === 'cancelled' ? '0' : quantity));
    taken.set(id, { name: sku, place: location, quantity: decimalText(sum) });
  }
  return [...taken.values()].filter(({ quantity }) => decimal(quantity).coefficient >= 0n);
}

/** A sale, or the taking back of one, as a channel made it. */
export const OrderDocument = defineDocument({
  name: 'order',
  version: '1.2',
  schema: OrderSchema,
  key: (order) => order.id,
  references: (order) => [
    ['order', order.number],
    ['customer', order.customer],
    ...[...new Set(order.lines.map((line) => line.sku))].map(
      (sku) => ['customer-sku', `${order.customer} ${sku}`] as const,
    ),
  ],
  needs: (order) => [
    ['customer', order.customer],
    ...[...new Set(order.lines.map((line) => line.sku))].map((sku) => ['product', sku] as const),
  ],
  measure: (order) => order.lines.reduce((all, line) => addMeasures(all, lineMeasure(order, line.total)), nothing),
  takes: takenBy,
});
