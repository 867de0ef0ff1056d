import type { Order, OrderChange, Return } from './records.ts';
import { missing, Refusal, type Shop } from './shop.ts';

type Units = readonly { readonly id: string; readonly quantity: number }[];

const invalid = (message: string) => new Refusal(400, 'invalid_data', message);

function find(shop: Shop, id: string): { one: Return; order: Order } {
  const one = shop.returns.get(id);
  if (!one) throw missing('Return', id);
  return { one, order: shop.order(one.order) };
}

function changeOf(order: Order, kind: OrderChange['kind'], id: string): OrderChange {
  if (order.change?.kind !== kind || order.change.returnId !== id)
    throw invalid('An active Order Change is required to proceed');
  return order.change;
}

export function makeReturn(shop: Shop, body: { order_id: string; location_id?: string; metadata?: object }): Return {
  const order = shop.order(body.order_id);
  const id = shop.id('return');
  shop.begin(order, 'return_request', id);
  const one: Return = {
    id,
    displayId: shop.returns.size + 1,
    order: order.id,
    location: body.location_id ?? null,
    metadata: (body.metadata as Record<string, unknown> | undefined) ?? null,
    status: 'open',
    createdAt: shop.now(),
    updatedAt: shop.now(),
    requestedAt: null,
    receivedAt: null,
    items: [],
  };
  shop.returns.set(id, one);
  return one;
}

export function askFor(shop: Shop, id: string, units: Units): void {
  const { order } = find(shop, id);
  const change = changeOf(order, 'return_request', id);
  for (const { id: line, quantity } of units) {
    const item = order.items.find((each) => each.id === line);
    // What came back before counts as there all the same.
    if (!item || quantity > item.fulfilled - item.requested)
      throw invalid(`Cannot request to return more items than what was fulfilled for item ${line}.`);
    change.asked.push({ item: line, quantity });
  }
}

export function confirmRequest(shop: Shop, id: string): void {
  const { one, order } = find(shop, id);
  const { asked } = changeOf(order, 'return_request', id);
  for (const { item, quantity } of asked) {
    one.items.push({ id: shop.id('retitem'), item, quantity, received: 0, damaged: 0 });
    order.items.find((each) => each.id === item)!.requested += quantity;
  }
  one.status = 'requested';
  one.requestedAt = shop.now();
  one.updatedAt = shop.now();
  shop.confirmed(order);
}

/** A request that was not confirmed leaves no return behind. */
export function dropRequest(shop: Shop, id: string): void {
  const { order } = find(shop, id);
  changeOf(order, 'return_request', id);
  order.change = null;
  shop.returns.delete(id);
}

export function beginReceiving(shop: Shop, id: string): void {
  shop.begin(find(shop, id).order, 'return_receive', id);
}

export function dropReceiving(shop: Shop, id: string): void {
  const { order } = find(shop, id);
  changeOf(order, 'return_receive', id);
  order.change = null;
}

export function take(shop: Shop, id: string, units: Units, fit: boolean): void {
  const { one, order } = find(shop, id);
  const change = changeOf(order, 'return_receive', id);
  for (const { id: line, quantity } of units) {
    const there = one.items.find(({ item }) => item === line);
    const taken = [...change.good, ...change.bad].filter(({ item }) => item === line);
    const already = taken.reduce((sum, each) => sum + each.quantity, there?.received ?? 0);
    if (!there || already + quantity > there.quantity)
      throw invalid(`Cannot receive more items than what was requested to be returned for item ${line}.`);
    (fit ? change.good : change.bad).push({ item: line, quantity });
  }
}

/** What is fit for sale is in stock again, where the return has a location. */
export function confirmReceiving(shop: Shop, id: string): void {
  const { one, order } = find(shop, id);
  const { good, bad } = changeOf(order, 'return_receive', id);
  for (const [units, fit] of [
    [good, true],
    [bad, false],
  ] as const)
    for (const { item, quantity } of units) {
      const there = one.items.find((each) => each.item === item)!;
      const line = order.items.find((each) => each.id === item)!;
      there.received += quantity;
      line.requested -= quantity;
      if (fit) line.received += quantity;
      else {
        line.dismissed += quantity;
        there.damaged += quantity;
      }
      if (fit && one.location) shop.level(line.variant.inventoryItem!, one.location).stocked += quantity;
    }
  one.status = one.items.every(({ quantity, received }) => received === quantity) ? 'received' : 'partially_received';
  one.receivedAt = shop.now();
  one.updatedAt = shop.now();
  shop.confirmed(order);
}
