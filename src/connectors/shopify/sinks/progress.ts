import type { Context } from '../../../core/connector.ts';
import { FaultError } from '../../../core/fault.ts';
import type { Shipment } from '../../../model/shipment.ts';
import { shipmentCalls } from '../documents/shipments.ts';
import { faultOfUserError, type UserError } from '../errors.ts';
import type { Shop } from '../shop.ts';

interface WorkedOn {
  readonly id: string;
  readonly status: string;
}

interface Told {
  readonly fulfillmentOrderReportProgress: {
    readonly fulfillmentOrder: WorkedOn | null;
    readonly userErrors: readonly UserError[];
  } | null;
}

/** Characters that Shopify takes of a report's notes. */
const MOST_NOTES = 256;

/** What became of the fulfilment order between the look at it and the report: it is looked at once more. */
const CHANGED = ['FULFILLMENT_ORDER_STATUS_INVALID', 'FULFILLMENT_ORDER_UNSUPPORTED_ACTION'];

/** Whether all of these are known to be worked on. */
export const isReported = (orders: readonly WorkedOn[]): boolean =>
  orders.length > 0 && orders.every(({ status }) => status === 'IN_PROGRESS');

/**
 * Tells the shop's people that somebody is at work on these fulfilment orders, and how far: each is in progress from then on, and the notes stand in the order's history. Customers are
 * told nothing. Shopify takes no key, and the notes cannot be read back: that goods are picked is told where the state does not say so yet, that they are packed may
 * stand there twice after a lost answer. Throws `rejected` for what Shopify refuses.
 *
 * @see https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/fulfillmentOrderReportProgress
 * @see https://shopify.dev/changelog/posts/report-fulfillment-order-progress-with-new-fulfillmentorderreportprogress-graphql-mutation
 */
export async function reportProgress(
  shop: Shop,
  orders: readonly WorkedOn[],
  { number, milestone, occurredAt }: Shipment,
  cx: Context,
): Promise<void> {
  const at = occurredAt.slice(0, 16).replace('T', ' ');
  const report = { reasonNotes: `${milestone} ${at} UTC, shipment ${number}`.slice(0, MOST_NOTES) };
  const untold = milestone === 'picked' ? orders.filter((one) => !isReported([one])) : orders;
  for (const { id } of untold) {
    const { fulfillmentOrderReportProgress: told } = await shop.call<Told>(shipmentCalls.report, { id, report }, cx);
    const [error] = told?.userErrors ?? [];
    if (error && CHANGED.includes(error.code ?? ''))
      throw new FaultError({ kind: 'transient', message: `a fulfilment order changed meanwhile: ${error.message}` });
    if (error) throw new FaultError(faultOfUserError(shipmentCalls.report, error, () => 'milestone'));
    if (told?.fulfillmentOrder?.status !== 'IN_PROGRESS')
      throw new FaultError({
        kind: 'unknown',
        message: 'Shopify did not say that the fulfilment order is in progress',
      });
  }
}
