import type { Context, Found } from '../../../core/connector.ts';
import { FaultError } from '../../../core/fault.ts';
import type { Shipment } from '../../../model/shipment.ts';
import { pickupCalls } from '../documents/pickups.ts';
import { faultOfUserError, type UserError } from '../errors.ts';
import { tailOf } from '../mapping/terms.ts';
import { allOf, type Page } from '../pages.ts';
import type { Shop } from '../shop.ts';

interface Told {
  readonly fulfillmentOrderLineItemsPreparedForPickup: { readonly userErrors: readonly UserError[] } | null;
}

/** What Shopify says of goods that it was told of before: it tells the customer once. */
const AGAIN = 'NO_LINE_ITEMS_TO_PREPARE_FOR_FULFILLMENT_ORDER';

/**
 * Tells Shopify that all of these fulfilment orders are prepared, whereupon it tells the customer. It knows itself what is prepared already and refuses it
 * a second time, so this may be repeated after a lost answer; nothing that it answers says whether one is prepared. Throws `rejected` for what it refuses.
 *
 * @see https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/fulfillmentOrderLineItemsPreparedForPickup
 */
export async function tellPrepared(shop: Shop, ids: readonly string[], cx: Context): Promise<void> {
  for (const fulfillmentOrderId of ids) {
    const input = { lineItemsByFulfillmentOrder: [{ fulfillmentOrderId }] };
    const { fulfillmentOrderLineItemsPreparedForPickup: told } = await shop.call<Told>(
      pickupCalls.prepared,
      { input },
      cx,
    );
    if (!told) throw new FaultError({ kind: 'unknown', message: 'Shopify did not say that the pickup is prepared' });
    const error = told.userErrors.find(({ code }) => code !== AGAIN);
    if (error) throw new FaultError(faultOfUserError(pickupCalls.prepared, error, () => 'milestone'));
  }
}

interface FulfilledLine {
  readonly quantity: number | null;
  readonly lineItem: { readonly id: string };
}

interface Fulfilled {
  readonly fulfillment: {
    readonly id: string;
    readonly location: { readonly id: string } | null;
    readonly fulfillmentLineItems: Page<FulfilledLine>;
  } | null;
}

type Line = Shipment['lines'][number];

/** How many units of a shipment's line are in a fulfilment, and the location that it left from; null where it is gone. */
async function unitsOf(
  shop: Shop,
  id: string,
  cx: Context,
): Promise<{ readonly location: string | null; has(line: Line): number } | null> {
  const ask = async (after: string | null) =>
    (await shop.call<Fulfilled>(pickupCalls.fulfilled, { id, after }, cx)).fulfillment;
  const first = await ask(null);
  if (!first) return null;
  const units = await allOf(first.fulfillmentLineItems, async (after) => (await ask(after))?.fulfillmentLineItems);
  const has = (line: Line): number =>
    units
      .filter(({ lineItem }) => tailOf(lineItem.id) === line.orderLine)
      .reduce((sum, { quantity }) => sum + (quantity ?? 0), 0);
  return { location: first.location?.id ?? null, has };
}

/** Whether all goods of a shipment are in a fulfilment. */
export async function isWithin(shop: Shop, id: string, { lines }: Shipment, cx: Context): Promise<boolean> {
  const units = await unitsOf(shop, id, cx);
  return units !== null && lines.every((line) => units.has(line) >= Number(line.quantity));
}

/**
 * Whether goods that were handed over are in the shop already. There is no number to find them by, so it is their units and the place: what a place hands over of an
 * order it hands over once. `candidates` are fulfilments without a tracking number, by id.
 */
export async function findHandedOver(
  shop: Shop,
  candidates: readonly string[],
  { lines, location, number }: Shipment,
  cx: Context,
): Promise<Found> {
  const own = cx.mapping(`${shop.settings.tables}-locations`).find(location);
  for (const id of candidates) {
    const units = await unitsOf(shop, id, cx);
    if (!units || (own && units.location && units.location !== own)) continue;
    const { has } = units;
    if (lines.every((line) => has(line) === Number(line.quantity))) return { found: 'whole', id };
    if (lines.some((line) => has(line) > 0))
      return {
        found: 'partial',
        message: `Shopify holds a fulfilment without a tracking number of other units than were handed over as ${number}: correct it there, then retry or dismiss.`,
      };
  }
  return { found: 'absent' };
}
