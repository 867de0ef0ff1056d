import type { Sink, Source } from '../core/connector.ts';
import { defineFlow, type Flow, type Look } from '../core/flow.ts';
import { type Cancellation, CancellationDocument } from '../model/cancellation.ts';
import { type Refund, RefundDocument } from '../model/refund.ts';

export interface ShopRefundsParts<N> {
  readonly id?: string;
  readonly from: Source<N>;
  readonly to: { readonly refund: Sink<typeof RefundDocument> };
  /** Message Translator of the source; null for what is no refund of an order of this shop, or was told by the shop itself. */
  toRefund(native: N, look: Look): Refund | null | Promise<Refund | null>;
}

/** Money that is to go back to a customer, decided in the books or at a till, is paid back by the shop that was paid. */
export const shopRefunds = <N>({
  id = 'shop-refunds',
  from,
  to,
  toRefund,
}: ShopRefundsParts<N>): Flow<N, typeof RefundDocument> =>
  defineFlow({
    id,
    about: 'Refunds that were decided elsewhere are paid back by the shop.',
    documents: [RefundDocument],
    from,
    to,
    latency: 'realtime',
    promise: { within: '30m', critical: true },
    onException: { owner: 'finance', within: '1d', hold: 'lane' },
    fallback: 'The customer waits for the money.',
    translate: async (native, look) => {
      const body = await toRefund(native, look);
      return body === null
        ? { outcome: 'duplicate', documents: [] }
        : { outcome: 'routed', documents: [{ kind: 'refund', body }] };
    },
  });

export interface ShopCancellationsParts<N> {
  readonly id?: string;
  readonly from: Source<N>;
  readonly to: { readonly cancellation: Sink<typeof CancellationDocument> };
  /** Message Translator of the source; null for what cancels no order of this shop. */
  toCancellation(native: N, look: Look): Cancellation | null | Promise<Cancellation | null>;
}

/** Orders that will not be carried out are cancelled in the shop, which tells the customer and pays back. */
export const shopCancellations = <N>({
  id = 'shop-cancellations',
  from,
  to,
  toCancellation,
}: ShopCancellationsParts<N>): Flow<N, typeof CancellationDocument> =>
  defineFlow({
    id,
    about: 'Orders that will not be carried out are cancelled in the shop.',
    documents: [CancellationDocument],
    from,
    to,
    latency: 'realtime',
    promise: { within: '30m', critical: true },
    onException: { owner: 'sales-ops', within: '4h', hold: 'lane' },
    fallback: 'The customer believes that the order is on its way.',
    translate: async (native, look) => {
      const body = await toCancellation(native, look);
      return body === null
        ? { outcome: 'duplicate', documents: [] }
        : { outcome: 'routed', documents: [{ kind: 'cancellation', body }] };
    },
  });
