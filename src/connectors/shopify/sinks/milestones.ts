import type { Context } from '../../../core/connector.ts';
import { FaultError } from '../../../core/fault.ts';
import type { Shipment } from '../../../model/shipment.ts';
import { shipmentCalls } from '../documents/shipments.ts';
import { faultOfUserError, type UserError } from '../errors.ts';
import { allOf, type Page } from '../pages.ts';
import type { Shop } from '../shop.ts';

/**
 * Milestones that a fulfilment of Shopify can say beyond that it was made. What comes before, when there is no fulfilment yet, is told in progress.ts.
 *
 * @see https://shopify.dev/docs/api/admin-graphql/2026-07/enums/FulfillmentEventStatus
 */
const statuses: Partial<Record<Shipment['milestone'], string>> = { delivered: 'DELIVERED' };

interface Events {
  readonly fulfillment: { readonly events: Page<{ readonly status: string }> } | null;
}

interface Told {
  readonly fulfillmentEventCreate: {
    readonly fulfillmentEvent: { readonly id: string; readonly status: string } | null;
    readonly userErrors: readonly UserError[];
  } | null;
}

/** Whether the fulfilment says already how far the goods have come. */
export async function isTold(shop: Shop, id: string, { milestone }: Shipment, cx: Context): Promise<boolean> {
  const status = statuses[milestone];
  if (status === undefined) return true;
  const ask = async (after: string | null) =>
    (await shop.call<Events>(shipmentCalls.shippedEvents, { id, after }, cx)).fulfillment?.events;
  const first = await ask(null);
  return first !== undefined && (await allOf(first, ask)).some((event) => event.status === status);
}

/** Tells it, once: Shopify takes no key for an event, so it is looked for first. Throws `rejected` for what Shopify refuses. */
export async function tell(shop: Shop, id: string, shipment: Shipment, cx: Context): Promise<void> {
  if (await isTold(shop, id, shipment, cx)) return;
  const event = { fulfillmentId: id, status: statuses[shipment.milestone], happenedAt: shipment.occurredAt };
  const { fulfillmentEventCreate: told } = await shop.call<Told>(shipmentCalls.tellEvent, { event }, cx);
  const [error] = told?.userErrors ?? [];
  if (error) throw new FaultError(faultOfUserError(shipmentCalls.tellEvent, error, () => 'milestone'));
  if (told?.fulfillmentEvent?.status !== event.status)
    throw new FaultError({ kind: 'unknown', message: 'Shopify did not say that the event was added' });
}
