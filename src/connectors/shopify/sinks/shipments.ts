import type { Context, Found, Item, Result, Sink } from '../../../core/connector.ts';
import { type Fault, FaultError, rejected } from '../../../core/fault.ts';
import { hasLeft, type Shipment, ShipmentDocument } from '../../../model/shipment.ts';
import { most } from '../documents/document.ts';
import { shipmentCalls } from '../documents/shipments.ts';
import { faultOfUserError, type UserError } from '../errors.ts';
import { tailOf } from '../mapping/terms.ts';
import { allOf, type Page } from '../pages.ts';
import type { Shop } from '../shop.ts';
import { isTold, tell } from './milestones.ts';
import { findHandedOver, isWithin, tellPrepared } from './pickups.ts';
import { isReported, reportProgress } from './progress.ts';
import { failed, orderIdOf, sinkOf } from './sink.ts';

interface ToShipLine {
  readonly id: string;
  readonly remainingQuantity: number;
  readonly lineItem: { readonly id: string };
}

interface ToShip {
  readonly id: string;
  readonly status: string;
  readonly assignedLocation: { readonly location: { readonly id: string } | null };
  readonly deliveryMethod: { readonly methodType: string } | null;
  readonly supportedActions: readonly { readonly action: string }[];
  readonly lineItems: Page<ToShipLine>;
}

interface Shipped {
  readonly id: string;
  readonly status: string;
  readonly trackingInfo: readonly { readonly number: string | null }[];
}

interface OrderNow {
  readonly id: string;
  readonly name: string;
  readonly cancelledAt: string | null;
  readonly fulfillments: readonly Shipped[];
  readonly fulfillmentOrders: Page<ToShip>;
}

interface Told {
  readonly fulfillmentCreate: {
    readonly fulfillment: Shipped | null;
    readonly userErrors: readonly UserError[];
  } | null;
}

interface Corrected {
  readonly fulfillmentTrackingInfoUpdate: Told['fulfillmentCreate'];
}

/** What of a fulfilment order is in a shipment. */
interface Share {
  readonly order: ToShip;
  readonly lines: { id: string; quantity: number }[];
}

/** Fulfilments that shipments were found to be, or were made for, in the same call, by Shopify's id: the ledger does not know of them yet. */
type Taken = Map<string, string>;

/**
 * What was shipped, told to the customer with its tracking. Shopify takes no key for a fulfilment and would make a second one, so it is looked for
 * first: by its tracking numbers, or where it has none by the shipment's own number, which then stands in their place; goods that were collected by their units and
 * place. What is another shipment's already, or holds other goods, goes to a person: both may be in one parcel. Numbers that change later are written to it. What is `ready` to be collected is told to the customer by Shopify. What is `picked` or `packed` is told to the shop's own people, on the
 * fulfilment orders that it is of.
 */
export const shipments = (shop: Shop): Sink<typeof ShipmentDocument> =>
  sinkOf(shop, {
    name: 'shipments',
    accepts: ShipmentDocument,
    idempotency: 'find-first',
    batch: { max: 5, onFailure: 'independent' },
    find: async (items, cx) => {
      const found: Found[] = [];
      const taken: Taken = new Map();
      for (const item of items) {
        if (!hasLeft(item.document)) {
          found.push(await findReported(shop, item, cx));
          continue;
        }
        const held = await foundIn(shop, await orderNow(shop, item, cx), item, taken, cx);
        // What is there and does not say yet how far it has come is told that by the next attempt.
        const behind = held.found === 'whole' && !(await isTold(shop, held.id, item.document, cx));
        found.push(behind ? { found: 'absent' } : held);
      }
      return found;
    },
    deliver: async (items, cx) => {
      const results: Result[] = [];
      const taken: Taken = new Map();
      for (const item of items) results.push(await ship(shop, item, taken, cx).catch(failed));
      return results;
    },
  });

/** That work on goods was told can be seen by the state of their fulfilment orders only: it says that they are picked. */
async function findReported(shop: Shop, item: Item<Shipment>, cx: Context): Promise<Found> {
  if (item.document.milestone !== 'picked') return { found: 'absent' };
  const now = await orderNow(shop, item, cx);
  return isReported(await workedOn(shop, now, item, cx)) ? { found: 'whole', id: now.id } : { found: 'absent' };
}

const referencesOf = (document: Shipment): string[] => {
  if (isHandedOver(document)) return [];
  return document.tracking.length === 0 ? [document.number] : document.tracking.map((one) => one.number);
};

const validOf = ({ fulfillments }: OrderNow): Shipped[] =>
  fulfillments.filter(({ status }) => status !== 'CANCELLED' && status !== 'ERROR' && status !== 'FAILURE');

/** Handed over at a counter: no parcel is on its way, and customers see no number that is none. */
const isHandedOver = ({ milestone, tracking }: Shipment): boolean => milestone === 'collected' && tracking.length === 0;

/** One that we made under other tracking numbers is absent: it is put right, not looked at by a person. Who tells no numbers changes none. */
async function foundIn(shop: Shop, now: OrderNow, item: Item<Shipment>, taken: Taken, cx: Context): Promise<Found> {
  const found = await heldIn(shop, now, item, taken, cx);
  if (found.found === 'whole') taken.set(found.id, item.key);
  return found;
}

async function heldIn(shop: Shop, now: OrderNow, item: Item<Shipment>, taken: Taken, cx: Context): Promise<Found> {
  const { id, document } = item;
  const valid = validOf(now);
  const ours = valid.find((one) => one.id === id);
  if (isHandedOver(document)) {
    if (ours) return { found: 'whole', id: ours.id };
    const bare = valid.filter(({ trackingInfo }) => trackingInfo.every(({ number }) => !number)).map((one) => one.id);
    return findHandedOver(shop, bare, document, cx);
  }
  const references = referencesOf(document);
  const has = ({ trackingInfo }: Shipped): number =>
    references.filter((reference) => trackingInfo.some(({ number }) => number === reference)).length;
  if (ours && (document.tracking.length === 0 || has(ours) === references.length))
    return { found: 'whole', id: ours.id };
  const alike = valid.filter((one) => has(one) === references.length);
  const owners = await Promise.all(alike.map((one) => ownerBeside(item, one, taken, cx)));
  const free = alike.filter((_, index) => owners[index] === null);
  for (const one of free) if (await isWithin(shop, one.id, document, cx)) return { found: 'whole', id: one.id };
  if (ours) return { found: 'absent' };
  const owner = owners.find((one) => one !== null) ?? undefined;
  if (alike.length > 0)
    return {
      found: 'partial',
      message: `Shopify holds a fulfilment with the tracking numbers ${references.join(', ')} already, of ${owner === undefined ? 'other goods' : `shipment ${owner}`}: where both are in one parcel fulfil ${document.number} there with the same numbers, then retry; where they are the same goods dismiss this.`,
    };
  const part = valid.find((one) => has(one) > 0);
  if (!part) return { found: 'absent' };
  return {
    found: 'partial',
    message: `Shopify holds a fulfilment with some of the tracking numbers ${references.join(', ')}, not all: correct it there, then retry or dismiss.`,
  };
}

/** Another shipment that a fulfilment is of, or null. */
async function ownerBeside(
  { key }: Item<Shipment>,
  { id }: Shipped,
  taken: Taken,
  cx: Context,
): Promise<string | null> {
  const owner = taken.get(id) ?? (await cx.otherBoundTo(ShipmentDocument.name, key, id));
  return owner === key ? null : owner;
}

async function orderNow(shop: Shop, item: Item<Shipment>, cx: Context): Promise<OrderNow> {
  const id = orderIdOf(item, item.document.order, item.document.orderNumber);
  const ask = async (after: string | null) =>
    (await shop.call<{ order: OrderNow | null }>(shipmentCalls.orderToShip, { id, after }, cx)).order;
  const first = await ask(null);
  if (!first) throw rejected(`Order ${item.document.orderNumber} is no longer in the shop.`, 'gone', 'order');
  if (first.fulfillments.length >= most.fulfilments)
    throw rejected(
      `Order ${first.name} has ${most.fulfilments} fulfilments or more, and the hub cannot tell whether shipment ${item.document.number} is one of them: tell it in Shopify, then dismiss this.`,
      'too-many-fulfilments',
      'order',
    );
  const nodes = await allOf(first.fulfillmentOrders, async (after) => (await ask(after))?.fulfillmentOrders);
  return { ...first, fulfillmentOrders: { ...first.fulfillmentOrders, nodes } };
}

async function ship(shop: Shop, item: Item<Shipment>, taken: Taken, cx: Context): Promise<Result> {
  const { document } = item;
  const notYet: Result = { outcome: 'done', id: item.id ?? orderIdOf(item, document.order, document.orderNumber) };
  const now = await orderNow(shop, item, cx);
  if (!hasLeft(document)) {
    if (document.milestone === 'ready') await tellPrepared(shop, await preparedIn(shop, now, document, cx), cx);
    else await reportProgress(shop, await workedOn(shop, now, item, cx), document, cx);
    return notYet;
  }
  const found = await foundIn(shop, now, item, taken, cx);
  if (found.found === 'whole') {
    await tell(shop, found.id, document, cx);
    return { outcome: 'done', id: found.id };
  }
  if (found.found === 'partial') throw rejected(found.message ?? '', 'partly-there', 'tracking');
  const ours = validOf(now).find(({ id }) => id === item.id);
  if (ours) return correct(shop, ours.id, document, cx);
  const shares = await share(shop, now, document, cx);
  const fulfillment = {
    notifyCustomer: shop.settings.notifyCustomers,
    ...(isHandedOver(document) ? {} : { trackingInfo: trackingOf(shop, document, cx) }),
    lineItemsByFulfillmentOrder: shares.map(({ order, lines }) => ({
      fulfillmentOrderId: order.id,
      fulfillmentOrderLineItems: lines,
    })),
  };
  const { fulfillmentCreate: told } = await shop.call<Told>(shipmentCalls.fulfil, { fulfillment }, cx);
  const [error] = told?.userErrors ?? [];
  if (error) return { outcome: 'failed', fault: faultOfUserError(shipmentCalls.fulfil, error, () => 'lines') };
  const made = madeAs(document, told?.fulfillment);
  taken.set(made.id, item.key);
  try {
    await tell(shop, made.id, document, cx);
  } catch (error) {
    return { outcome: 'failed', fault: afterMaking(error) };
  }
  return { outcome: 'done', id: made.id };
}

/** Fulfilment orders whose goods are being worked on, of those that Shopify takes a report for. None once the shipment has left, or where not as much is left to ship: the goods themselves will say. */
async function workedOn(shop: Shop, now: OrderNow, item: Item<Shipment>, cx: Context): Promise<ToShip[]> {
  const left =
    validOf(now).some(({ id }) => id === item.id) || (await foundIn(shop, now, item, new Map(), cx)).found !== 'absent';
  if (left) return [];
  const { shares = [] } = await sharesOf(shop, now, item.document, cx);
  return shares
    .map(({ order }) => order)
    .filter(({ supportedActions }) => supportedActions.some(({ action }) => action === 'REPORT_PROGRESS'));
}

/** Open fulfilment orders that the customer collects where the goods are ready, by id. What is cancelled, or collected already, is told nobody. */
async function preparedIn(shop: Shop, now: OrderNow, { location, lines }: Shipment, cx: Context): Promise<string[]> {
  const own = cx.mapping(`${shop.settings.tables}-locations`).find(location);
  const ids: string[] = [];
  for (const order of now.fulfillmentOrders.nodes) {
    const place = order.assignedLocation.location?.id;
    if (!isOpen(order) || order.deliveryMethod?.methodType !== 'PICK_UP' || (own && place && place !== own)) continue;
    const wanted = (await linesOf(shop, order, cx)).filter(({ remainingQuantity }) => remainingQuantity > 0);
    if (wanted.some(({ lineItem }) => lines.some(({ orderLine }) => orderLine === tailOf(lineItem.id))))
      ids.push(order.id);
  }
  return ids;
}

const isOpen = ({ status }: ToShip): boolean => status === 'OPEN' || status === 'IN_PROGRESS';

/** The fulfilment as read back. Throws `unknown` where Shopify does not say that it has the shipment's tracking. */
function madeAs(document: Shipment, made: Shipped | null | undefined): Shipped {
  const numbers = made?.trackingInfo.map(({ number }) => number) ?? [];
  if (made && referencesOf(document).every((reference) => numbers.includes(reference))) return made;
  throw new FaultError({ kind: 'unknown', message: 'Shopify did not say that the fulfilment was made' });
}

/** The warehouse has put its tracking numbers right. */
async function correct(shop: Shop, id: string, document: Shipment, cx: Context): Promise<Result> {
  const variables = { id, tracking: trackingOf(shop, document, cx), notify: shop.settings.notifyCustomers };
  const { fulfillmentTrackingInfoUpdate: told } = await shop.call<Corrected>(
    shipmentCalls.correctTracking,
    variables,
    cx,
  );
  const [error] = told?.userErrors ?? [];
  if (error)
    return { outcome: 'failed', fault: faultOfUserError(shipmentCalls.correctTracking, error, () => 'tracking') };
  madeAs(document, told?.fulfillment);
  await tell(shop, id, document, cx);
  return { outcome: 'done', id };
}

/** The fulfilment is there: whatever went wrong with its event, it must be looked for before anything is repeated. */
function afterMaking(error: unknown): Fault {
  if (!(error instanceof FaultError) || error.fault.kind === 'rejected') throw error;
  return { kind: 'unknown', message: `the fulfilment was made, but not what became of it: ${error.message}` };
}

function trackingOf(shop: Shop, { carrier, tracking, number }: Shipment, cx: Context): object {
  const name = carrier === null ? null : (cx.mapping(`${shop.settings.tables}-carriers`).find(carrier) ?? carrier);
  const company = name === null ? {} : { company: name };
  if (tracking.length === 0) return { ...company, numbers: [number] };
  const urls = tracking.flatMap(({ url }) => (url === null ? [] : [url]));
  return {
    ...company,
    numbers: tracking.map((one) => one.number),
    ...(urls.length === tracking.length ? { urls } : {}),
  };
}

/** The books tell the same matter in their own Exception. */
const afterCancellation = (name: string): string =>
  ` Order ${name} is cancelled there, and these goods left all the same: Odoo has an Exception of its own about order ${name} (\`shipped-after-cancellation\` or \`already-shipped\`). Decide there what becomes of the goods, then dismiss this one.`;

/** As `sharesOf`. Throws `rejected` where nowhere enough is left to ship. */
async function share(shop: Shop, now: OrderNow, shipment: Shipment, cx: Context): Promise<Share[]> {
  const { shares, missing } = await sharesOf(shop, now, shipment, cx);
  if (shares) return shares;
  const what = missing ? `${missing} of shipment ${shipment.number}` : `shipment ${shipment.number}`;
  const why = missing ? 'no location has as much of it left to ship' : 'nothing of the order is left to ship there';
  throw rejected(
    `Order ${now.name}: ${what} cannot be shipped in Shopify: ${why}.${now.cancelledAt ? afterCancellation(now.name) : ''}`,
    'nothing-to-ship',
    'lines',
  );
}

/**
 * Shares a shipment's lines out over the order's fulfilment orders, all of one location, for Shopify ships from one at a time: the shipment's own
 * where it has the goods to ship, else another that does; where none has, the SKU that is missing.
 */
async function sharesOf(
  shop: Shop,
  now: OrderNow,
  shipment: Shipment,
  cx: Context,
): Promise<{ shares?: Share[]; missing: string }> {
  const own = cx.mapping(`${shop.settings.tables}-locations`).find(shipment.location);
  const open: { order: ToShip; lines: ToShipLine[] }[] = [];
  for (const order of now.fulfillmentOrders.nodes.filter(isOpen))
    open.push({ order, lines: await linesOf(shop, order, cx) });
  const places = [...Map.groupBy(open, ({ order }) => order.assignedLocation.location?.id ?? '').entries()];
  places.sort(([a], [b]) => Number(b === own) - Number(a === own));
  let missing = '';
  for (const [, group] of places) {
    const shares = group.map(({ order }): Share => ({ order, lines: [] }));
    const short = shipment.lines.find((line) => !take(line, group, shares));
    if (!short) return { shares: shares.filter(({ lines }) => lines.length > 0), missing };
    missing ||= short.sku;
  }
  return { missing };
}

const linesOf = (shop: Shop, order: ToShip, cx: Context): Promise<ToShipLine[]> =>
  allOf(order.lineItems, async (after) => {
    const variables = { id: order.id, after };
    const { fulfillmentOrder } = await shop.call<{ fulfillmentOrder: ToShip | null }>(
      shipmentCalls.moreToShip,
      variables,
      cx,
    );
    return fulfillmentOrder?.lineItems;
  });

/** Takes one line's units from the group, line by line; false when there are not enough. */
function take(
  line: Shipment['lines'][number],
  group: readonly { lines: readonly ToShipLine[] }[],
  shares: readonly Share[],
): boolean {
  const quantity = Number(line.quantity);
  if (!Number.isInteger(quantity) || quantity < 1)
    throw rejected(`Shopify ships whole units, not ${line.quantity} of ${line.sku}.`, 'not-whole', 'quantity');
  let left = quantity;
  for (const [index, { lines }] of group.entries())
    for (const candidate of lines) {
      if (tailOf(candidate.lineItem.id) !== line.orderLine || left === 0) continue;
      const taken = Math.min(left, candidate.remainingQuantity - usedOf(shares[index]!, candidate.id));
      if (taken < 1) continue;
      shares[index]!.lines.push({ id: candidate.id, quantity: taken });
      left -= taken;
    }
  return left === 0;
}

const usedOf = ({ lines }: Share, id: string): number =>
  lines.filter((line) => line.id === id).reduce((sum, { quantity }) => sum + quantity, 0);
