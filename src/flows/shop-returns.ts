import type { Sink, Source } from '../core/connector.ts';
import { defineFlow, type Flow, type Look } from '../core/flow.ts';
import { type Return, ReturnDocument } from '../model/return.ts';

export interface ShopReturnsParts<N> {
  readonly id?: string;
  readonly from: Source<N>;
  readonly to: { readonly return: Sink<typeof ReturnDocument> };
  /** Message Translator of the source; null for what is no return of this shop. */
  toReturn(native: N, look: Look): Return | null | Promise<Return | null>;
}

/** Goods that came back to a warehouse are told to the shop that sold them: what is fit for sale may be sold again. */
export const shopReturns = <N>({
  id = 'shop-returns',
  from,
  to,
  toReturn,
}: ShopReturnsParts<N>): Flow<N, typeof ReturnDocument> =>
  defineFlow({
    id,
    about: 'Goods that came back are received in the shop, fit for sale or not.',
    documents: [ReturnDocument],
    from,
    to,
    latency: 'realtime',
    promise: { within: '30m', critical: false },
    onException: { owner: 'logistics', within: '1d', hold: 'lane' },
    fallback: 'The customer waits for the refund, and the goods are not for sale.',
    translate: async (native, look) => {
      const body = await toReturn(native, look);
      return body === null
        ? { outcome: 'duplicate', documents: [] }
        : { outcome: 'routed', documents: [{ kind: 'return', body }] };
    },
  });
