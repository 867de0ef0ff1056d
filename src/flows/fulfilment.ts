import type { Sink, Source } from '../core/connector.ts';
import { defineFlow, type Flow, type Look } from '../core/flow.ts';
import { type FulfilmentOrder, FulfilmentOrderDocument } from '../model/fulfilment-order.ts';

export interface FulfilmentParts<N> {
  /** One flow for each place that prepares or ships. Default 'fulfilment'. */
  readonly id?: string;
  readonly from: Source<N>;
  readonly to: { readonly 'fulfilment-order': Sink<typeof FulfilmentOrderDocument> };
  /** Message Translator of the source; null for what is not for this warehouse. */
  toOrder(native: N, look: Look): FulfilmentOrder | null | Promise<FulfilmentOrder | null>;
}

/** What a warehouse must ship goes to it, once; a change replaces it, a cancellation takes it back. */
export const fulfilment = <N>({
  id = 'fulfilment',
  from,
  to,
  toOrder,
}: FulfilmentParts<N>): Flow<N, typeof FulfilmentOrderDocument> =>
  defineFlow({
    id,
    about: 'Fulfilment orders go to the warehouse that ships them, or the store that hands them over.',
    documents: [FulfilmentOrderDocument],
    from,
    to,
    latency: 'realtime',
    promise: { within: '5m', critical: true },
    onException: { owner: 'logistics', within: '1h', hold: 'lane' },
    fallback: 'Orders wait in the hub, in order; the warehouse gets them when it can be reached.',
    translate: async (native, look) => {
      const body = await toOrder(native, look);
      return body === null
        ? { outcome: 'duplicate', documents: [] }
        : { outcome: 'routed', documents: [{ kind: 'fulfilment-order', body }] };
    },
  });
