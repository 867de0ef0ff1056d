import { askAnew } from './money.ts';
import type { EditAction, Item, Order } from './records.ts';
import { invalid, missing, Refusal, type Shop } from './shop.ts';

export interface NewItem {
  readonly variant_id: string;
  readonly quantity: number;
}

export function beginEdit(shop: Shop, id: string): Order {
  const order = shop.order(id);
  if (order.status === 'canceled') throw invalid(`Order with id ${id} has been canceled.`);
  shop.begin(order, 'edit', null);
  return order;
}

function actionsOf(order: Order): EditAction[] {
  if (order.change?.kind !== 'edit') throw invalid('An active Order Change is required to proceed');
  return order.change.edits;
}

export function changeItem(shop: Shop, id: string, item: string, quantity: number): void {
  const order = shop.order(id);
  const actions = actionsOf(order);
  const line = order.items.find((one) => one.id === item && one.quantity > 0);
  if (!line) throw new Refusal(500, 'unknown_error', 'An unknown error occurred.');
  if (quantity < line.fulfilled)
    throw invalid(`Item ${item} has already been fulfilled and quantity cannot be lower than ${line.fulfilled}.`);
  const difference = quantity - line.quantity;
  actions.push({ id: shop.id('ordchact'), action: 'ITEM_UPDATE', item, quantity, difference });
}

export function addItems(shop: Shop, id: string, items: readonly NewItem[]): void {
  const actions = actionsOf(shop.order(id));
  for (const { variant_id, quantity } of items) {
    const variant = shop.variants.get(variant_id);
    if (!variant) throw missing('Variant', variant_id);
    actions.push({ id: shop.id('ordchact'), action: 'ITEM_ADD', item: shop.id('ordli'), quantity, variant });
  }
}

export function dropEdit(shop: Shop, id: string): void {
  const order = shop.order(id);
  actionsOf(order);
  order.change = null;
}

/** What promotions take off a line stays whole, however many of it are left; a line of which none is left is gone. */
export function confirmEdit(shop: Shop, id: string): Order {
  const order = shop.order(id);
  const actions = actionsOf(order);
  const version = order.version + 1;
  for (const { action, item, quantity, variant } of actions) {
    if (action === 'ITEM_ADD')
      order.items.push(itemOf(shop, order, { id: item, variant: variant!, quantity, version }));
    const line = order.items.find((one) => one.id === item)!;
    if (quantity === 0) line.until = order.version;
    else line.last = quantity;
    line.quantity = quantity;
    const level = shop.level(line.variant.inventoryItem!, shop.location);
    level.reserved += quantity - line.fulfilled - line.reserved;
    line.reserved = quantity - line.fulfilled;
  }
  shop.confirmed(order);
  order.edits.push({ id: shop.id('ordch'), version, confirmedAt: shop.now(), actions });
  askAnew(shop, order);
  return order;
}

function itemOf(
  shop: Shop,
  order: Order,
  { id, variant, quantity, version }: Pick<Item, 'id' | 'variant' | 'quantity'> & { readonly version: number },
): Item {
  return {
    id,
    variant,
    title: shop.products.get(variant.productId)!.title,
    unitPrice: variant.prices.find(({ currency_code }) => currency_code === 'eur')!.amount,
    quantity,
    since: version,
    until: null,
    last: quantity,
    rate: order.shippingRate,
    ...{ off: 0, reserved: 0, fulfilled: 0, shipped: 0, requested: 0, received: 0, dismissed: 0 },
  };
}
