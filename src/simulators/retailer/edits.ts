import type { Random } from '../../core/clock.ts';
import { addLine, refundOrder, removeUnits } from '../shopify/orders.ts';
import type { Order, Variant } from '../shopify/records.ts';
import type { Shop } from '../shopify/shop.ts';
import { vat } from './assortment.ts';

const pick = <T>(random: Random, all: readonly T[]): T => all[Math.floor(random() * all.length)]!;

const isUntouched = ({ cancelledAt, fulfillments, fulfillmentOrders }: Order): boolean =>
  cancelledAt === null && fulfillments.length === 0 && fulfillmentOrders.some(({ status }) => status === 'OPEN');

/** A customer changes an order of which the shop has shipped nothing: a piece more or another article, which is paid at once, or a piece less, of which the money goes back. Does nothing where all of it would go. */
export function editOrder(shop: Shop, order: Order, goods: readonly Variant[], random: Random): void {
  if (!isUntouched(order)) return;
  const paid = order.transactions.some(({ kind }) => kind === 'SALE');
  if (paid && goods.length > 0 && random() < 0.5) {
    const same = goods.find(({ id }) => id === order.lines[0]!.variantId);
    const variant = same && random() < 0.4 ? same : pick(random, goods);
    addLine(shop, order, { variantId: variant.id, quantity: 1, taxes: [vat] });
    return;
  }
  const left = order.lines.filter(({ gone, quantity }) => gone < quantity);
  if (left.reduce((sum, { gone, quantity }) => sum + quantity - gone, 0) < 2) return;
  const { id: lineId } = pick(random, left);
  if (paid && random() < 0.5) {
    refundOrder(shop, order, [{ lineId, quantity: 1, restockType: 'CANCEL' }]);
    return;
  }
  removeUnits(shop, order, lineId, 1);
  const worth = order.refunds.at(-1)!.lines[0]!.subtotal.shop;
  if (paid && worth > 0n) refundOrder(shop, order, [], { money: worth });
}
