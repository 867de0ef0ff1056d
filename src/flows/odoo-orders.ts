import { cancelledTooLate, toCancellation, toDeliveryPromise } from '../connectors/odoo/mapping/orders.ts';
import type { OrderRecord } from '../connectors/odoo/sources/orders.ts';
import type { Sink, Source } from '../core/connector.ts';
import { nothing } from '../core/document.ts';
import { defineFlow, type Flow } from '../core/flow.ts';
import { CancellationDocument } from '../model/cancellation.ts';
import { DeliveryPromiseDocument } from '../model/delivery-promise.ts';
import { broughtBy } from './brought.ts';
import { shopCancellations } from './shop-refunds.ts';

export interface OdooCancellationsParts {
  /** One flow for each shop. Default 'odoo-cancellations'. */
  readonly id?: string;
  readonly from: Source<OrderRecord>;
  readonly to: { readonly cancellation: Sink<typeof CancellationDocument> };
  /** Whether an order is the shop's, by its key (`web:…`). */
  readonly sold: (order: string) => boolean;
  /**
   * Credit notes are paid back by a flow of their own (`odooRefunds`): of an order that was invoiced the shop pays nothing with the cancellation, and what the credit notes say afterwards. Default
   * false: it pays back all that was paid.
   */
  readonly creditNotes?: boolean;
}

/** Orders that people cancel in Odoo are cancelled in the shop, each once. What the shop cancelled itself is not told back. */
export const odooCancellations = ({
  id = 'odoo-cancellations',
  from,
  to,
  sold,
  creditNotes = false,
}: OdooCancellationsParts): Flow<OrderRecord, typeof CancellationDocument> => ({
  ...shopCancellations<OrderRecord>({ id, from, to, toCancellation: () => null }),
  about: 'Orders that were cancelled in Odoo are cancelled in the shop.',
  translate: async (record, look) => {
    const { cancellation, objection } = await toCancellation(record, look, { sold, creditNotes });
    const weight = cancellation === null ? objection?.measure : CancellationDocument.measure(cancellation);
    return {
      outcome: weight === undefined ? 'duplicate' : 'routed',
      documents: cancellation === null ? [] : [{ kind: 'cancellation', body: cancellation }],
      objections: objection === null ? [] : [objection],
      answers: [cancelledTooLate],
      brought: weight ?? nothing,
    };
  },
});

export interface OdooPromisesParts {
  /** One flow for each shop. Default 'odoo-promises'. */
  readonly id?: string;
  readonly from: Source<OrderRecord>;
  readonly to: { readonly 'delivery-promise': Sink<typeof DeliveryPromiseDocument> };
  /** Whether an order is the shop's, by its key (`web:…`). */
  readonly sold: (order: string) => boolean;
}

/** When an order is promised for after people have moved its Delivery Date in Odoo: its shop is told, which can tell the customer. The shop's own promise is not told back. */
export const odooPromises = ({
  id = 'odoo-promises',
  from,
  to,
  sold,
}: OdooPromisesParts): Flow<OrderRecord, typeof DeliveryPromiseDocument> =>
  defineFlow({
    id,
    about: 'Delivery dates that people moved in Odoo are told to the shop.',
    documents: [DeliveryPromiseDocument],
    from,
    to,
    latency: 'realtime',
    promise: { within: '15m', critical: false },
    onException: { owner: 'sales-ops', within: '4h', hold: 'lane' },
    fallback: 'The customer goes by the date of the checkout.',
    translate: async (record, look) => {
      const body = await toDeliveryPromise(record, look, sold);
      if (body === null) return { outcome: 'duplicate', documents: [] };
      const documents = [{ kind: 'delivery-promise' as const, body }];
      return { outcome: 'routed', documents, brought: await broughtBy(documents, [DeliveryPromiseDocument], look) };
    },
  });
