import type { Context } from '../../../core/connector.ts';
import { FaultError, rejected } from '../../../core/fault.ts';
import type { Return } from '../../../model/return.ts';
import type { Claim } from '../claims.ts';
import { returnCalls } from '../documents/returns.ts';
import { allOf, type Page } from '../pages.ts';
import type { Shop } from '../shop.ts';

interface Unit {
  readonly id: string;
  readonly lineItem: { readonly id: string };
}

interface Returnable {
  readonly returnableFulfillmentLineItems: Page<{ readonly quantity: number; readonly fulfillmentLineItem: Unit }>;
}

/** A return of an order. */
interface Returned {
  readonly name: string;
  readonly status: string;
  readonly returnLineItems: Page<{
    readonly quantity?: number;
    readonly unprocessedQuantity?: number;
    readonly fulfillmentLineItem?: Pick<Unit, 'lineItem'>;
  }>;
}

/** Units of an order's line that were shipped. */
export interface ShippedUnits {
  /** Part of a return and not back, or of none, and not refunded as goods: they may come back. */
  readonly mayCome: number;
  /** Back: a return has taken them off the order. */
  readonly came: number;
}

/** Units of a fulfilment's line that come back. */
export interface Part {
  /** Shopify's id of the fulfilment's line. */
  readonly id: string;
  readonly quantity: number;
}

/** A return as it is now: what was opened, and what became of it. */
export interface Reversed {
  readonly returnLineItems: readonly ReturnedLine[];
  readonly reverseLines: readonly ReverseLine[];
}

export interface ReturnedLine {
  readonly id: string;
  readonly unprocessedQuantity?: number;
  readonly fulfillmentLineItem?: Unit;
}

/** Units that a place awaits, and what became of them. */
export interface ReverseLine {
  readonly id: string;
  readonly totalQuantity: number;
  readonly dispositions: readonly { readonly quantity: number }[];
  readonly fulfillmentLineItem: { readonly id: string } | null;
}

const tailOf = (gid: string): string => gid.slice(gid.lastIndexOf('/') + 1);

/** Throws `rejected` for what is no whole unit. */
export function unitsOf({ quantity, sku }: Return['lines'][number], number: string): number {
  const units = Number(quantity);
  if (Number.isInteger(units) && units > 0) return units;
  throw rejected(`Shopify takes back whole units, not ${quantity} of ${sku} (return ${number}).`, 'not-whole', 'lines');
}

/**
 * The fulfilments' lines that what came back was shipped with. Throws `early` where more of the order is to be shipped in the shop yet, `rejected` where what was shipped has come back,
 * or was refunded, before.
 */
export async function partsOf(shop: Shop, document: Return, orderId: string, cx: Context): Promise<Part[]> {
  const left = await leftIn(shop, `Return ${document.number}`, orderId, cx);
  const parts = new Map<string, number>();
  for (const line of document.lines) {
    let wanted = unitsOf(line, document.number);
    for (const one of left.filter(({ lineItem }) => tailOf(lineItem.id) === line.orderLine)) {
      const take = Math.min(wanted, one.quantity);
      if (take === 0) continue;
      one.quantity -= take;
      wanted -= take;
      parts.set(one.id, (parts.get(one.id) ?? 0) + take);
    }
    if (wanted > 0) throw notThere(document, line, wanted, await isMoreToShip(shop, orderId, cx));
  }
  return [...parts].map(([id, quantity]) => ({ id, quantity }));
}

/** How many shipped units of each line of the order may come back or have, by Shopify's number of the line. `about` begins a sentence: `Refund RINV/1`. */
export async function unitsForReturns(
  shop: Shop,
  about: string,
  orderId: string,
  cx: Context,
): Promise<ReadonlyMap<string, ShippedUnits>> {
  const units = new Map<string, ShippedUnits>();
  const count = ({ lineItem }: Pick<Unit, 'lineItem'>, mayCome: number, came: number) => {
    const known = units.get(tailOf(lineItem.id)) ?? { mayCome: 0, came: 0 };
    units.set(tailOf(lineItem.id), { mayCome: known.mayCome + mayCome, came: known.came + came });
  };
  for (const one of await leftIn(shop, about, orderId, cx)) count(one, one.quantity, 0);
  for (const { status, returnLineItems } of await returnedOf(shop, about, orderId, cx))
    for (const { fulfillmentLineItem, quantity = 0, unprocessedQuantity = 0 } of returnLineItems.nodes) {
      if (!fulfillmentLineItem) continue;
      if (status === 'REQUESTED') count(fulfillmentLineItem, quantity, 0);
      if (status === 'OPEN') count(fulfillmentLineItem, unprocessedQuantity, quantity - unprocessedQuantity);
      if (status === 'CLOSED') count(fulfillmentLineItem, 0, quantity);
    }
  return units;
}

/** All returns of an order. Throws `rejected` for one with more lines than are read. */
async function returnedOf(shop: Shop, about: string, id: string, cx: Context): Promise<Returned[]> {
  const ask = async (after: string | null) =>
    (
      await shop.call<{ order: { returns: Page<Returned> } | null }>(
        returnCalls.returned,
        after === null ? { id } : { id, after },
        cx,
      )
    ).order?.returns;
  const first = await ask(null);
  const all = first ? await allOf(first, ask) : [];
  const large = all.find(({ returnLineItems }) => returnLineItems.pageInfo.hasNextPage);
  if (!large) return all;
  throw rejected(
    `${about}: return ${large.name} of its order has more lines than are read: make the refund in Shopify, then dismiss this.`,
    'too-large',
    'lines',
  );
}

/** Lines of fulfilments, with how many of their units may come back. */
async function leftIn(shop: Shop, about: string, id: string, cx: Context) {
  const ask = async (after: string | null) =>
    (
      await shop.call<{ returnableFulfillments: Page<Returnable> }>(
        returnCalls.returnable,
        after === null ? { id } : { id, after },
        cx,
      )
    ).returnableFulfillments;
  const fulfilments = await allOf(await ask(null), ask);
  return fulfilments.flatMap(({ returnableFulfillmentLineItems: { nodes, pageInfo } }) => {
    if (pageInfo.hasNextPage)
      throw rejected(
        `${about} is of a parcel with more lines than are read: make it in Shopify, then dismiss this.`,
        'too-large',
        'lines',
      );
    return nodes.map(({ quantity, fulfillmentLineItem }) => ({ ...fulfillmentLineItem, quantity }));
  });
}

/** Whether something of the order is to be shipped in the shop yet: the shipment may be told after its return. */
async function isMoreToShip(shop: Shop, id: string, cx: Context): Promise<boolean> {
  const ask = async (after: string | null) =>
    (
      await shop.call<{ order: { fulfillmentOrders: Page<{ status: string }> } | null }>(
        returnCalls.toShip,
        { id, after },
        cx,
      )
    ).order?.fulfillmentOrders;
  const first = await ask(null);
  const all = first ? await allOf(first, ask) : [];
  return all.some(({ status }) => status !== 'CLOSED' && status !== 'CANCELLED');
}

const notThere = (
  { number, orderNumber }: Return,
  { sku, quantity }: Return['lines'][number],
  wanted: number,
  isMore: boolean,
): FaultError =>
  new FaultError({
    kind: isMore ? 'early' : 'rejected',
    message: `Return ${number} of order ${orderNumber} has ${quantity} of ${sku}, ${wanted} more than Shopify can take back: they were refunded there as goods before they came, are in a return that was asked for and not approved there, have come back before, or were not shipped. See to it there, then retry, or dismiss this: stock is told by its level.`,
    cause: 'not-returnable',
    field: 'lines',
  });

/** Lines of the return to be processed, each with what became of its units. `claim`: how many units of each line, where they are not all of these goods. */
export function shareOut({ lines }: Return, now: Reversed, location: string | null, claim: Claim | null): object[] {
  const open = now.reverseLines.map(({ id, totalQuantity, dispositions, fulfillmentLineItem }) => ({
    id,
    unit: fulfillmentLineItem?.id,
    left: totalQuantity - dispositions.reduce((sum, { quantity }) => sum + quantity, 0),
  }));
  const lost = new Map<string, number>();
  for (const { orderLine, quantity, restock } of lines)
    if (restock !== true) lost.set(orderLine, (lost.get(orderLine) ?? 0) + Number(quantity));
  return now.returnLineItems.flatMap(({ id, unprocessedQuantity = 0, fulfillmentLineItem: unit }) => {
    const taken = claim === null ? unprocessedQuantity : Math.min(unprocessedQuantity, claim.lines[id]?.units ?? 0);
    if (taken === 0 || !unit) return [];
    const orderLine = tailOf(unit.lineItem.id);
    let wanted = taken;
    const dispositions: object[] = [];
    const dispose = (dispositionType: string, most: number): number => {
      let given = 0;
      for (const one of open.filter((candidate) => candidate.unit === unit.id)) {
        const quantity = Math.min(wanted, most - given, one.left);
        if (quantity <= 0) continue;
        one.left -= quantity;
        wanted -= quantity;
        given += quantity;
        const place = dispositionType === 'RESTOCKED' && location !== null ? { locationId: location } : {};
        dispositions.push({ reverseFulfillmentOrderLineItemId: one.id, quantity, dispositionType, ...place });
      }
      return given;
    };
    const bad = lost.get(orderLine) ?? 0;
    lost.set(orderLine, bad - dispose('NOT_RESTOCKED', bad));
    dispose('RESTOCKED', wanted);
    return [{ id, quantity: taken, dispositions }];
  });
}
