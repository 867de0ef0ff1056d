import type { Sink, Source } from '../core/connector.ts';
import { type Draft, defineFlow, type Flow, type Look, type MappingSeed } from '../core/flow.ts';
import { knownZone } from '../core/moment.ts';
import type { CustomerDocument } from '../model/customer.ts';
import { OrderDocument } from '../model/order.ts';
import type { ProductDocument } from '../model/product.ts';
import { type OrderRule, orderRules, orderSums } from '../model/rules/order.ts';
import { broughtBy } from './brought.ts';

export type SalesDocuments = typeof CustomerDocument | typeof ProductDocument | typeof OrderDocument;

export interface SalesParts<N> {
  readonly from: Source<N>;
  readonly to: {
    readonly customer: Sink<typeof CustomerDocument>;
    readonly product: Sink<typeof ProductDocument>;
    readonly order: Sink<typeof OrderDocument>;
  };
  /** IANA time zone of the channel's business days. */
  readonly zone: string;
  /** What must hold of every order. Default: `orderRules()`. */
  readonly rules?: readonly OrderRule[];
}

export interface ReceiptParts<N> extends Pick<SalesParts<N>, 'from' | 'zone'> {
  readonly to: { readonly order: Sink<typeof OrderDocument> };
}

/** What differs from channel to channel. */
export interface Channel<N> {
  readonly id: string;
  readonly about: string;
  readonly fallback: string;
  readonly documents: readonly SalesDocuments[];
  readonly mappings: readonly MappingSeed[];
  toDocuments(native: N, look: Look, zone: string): Draft<SalesDocuments>[];
}

/** Every sale of a channel becomes one order, once, however often it is pushed and listed; a correction is the next version of it. */
export const channelSales = <N>(
  channel: Channel<N>,
  { from, to, zone, rules = orderRules() }: SalesParts<N>,
): Flow<N, SalesDocuments> => {
  knownZone(zone, `flow '${channel.id}'`);
  return defineFlow({
    id: channel.id,
    about: channel.about,
    documents: channel.documents,
    from,
    to,
    latency: 'realtime',
    promise: { within: '2m', critical: true },
    onException: { owner: 'sales-ops', within: '1d', hold: 'lane' },
    fallback: channel.fallback,
    mappings: channel.mappings,
    rules: { order: rules },
    makes: ['customer', 'product'],
    translate: async (sale, look) => {
      const documents = channel.toDocuments(sale, look, zone);
      return { outcome: 'routed', documents, brought: await broughtBy(documents, [OrderDocument], look) };
    },
  });
};

/** The channel hears that each of its orders was recorded. Reads the same sales, so that the hub and not the books' speed decides when. */
export const channelReceipts = <N>(
  channel: Pick<Channel<N>, 'id' | 'about' | 'fallback' | 'toDocuments'>,
  { from, to, zone }: ReceiptParts<N>,
): Flow<N, typeof OrderDocument> => {
  knownZone(zone, `flow '${channel.id}'`);
  return defineFlow({
    id: channel.id,
    about: channel.about,
    documents: [OrderDocument],
    from,
    to,
    latency: 'realtime',
    promise: { within: '5m', critical: false },
    onException: { owner: 'sales-ops', within: '1d', hold: 'lane' },
    fallback: channel.fallback,
    rules: { order: orderSums() },
    translate: async (sale, look) => {
      const documents = channel
        .toDocuments(sale, look, zone)
        .filter((draft): draft is Draft<typeof OrderDocument> => draft.kind === 'order');
      return { outcome: 'routed', documents, brought: await broughtBy(documents, [OrderDocument], look) };
    },
  });
};
