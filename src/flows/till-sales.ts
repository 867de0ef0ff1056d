import type { TillSale } from '../connectors/toy-till/index.ts';
import { toDocuments } from '../connectors/toy-till/mapping.ts';
import type { Sink, Source } from '../core/connector.ts';
import { type Draft, defineFlow, type Flow } from '../core/flow.ts';
import { CustomerDocument } from '../model/customer.ts';
import { OrderDocument } from '../model/order.ts';
import { ProductDocument } from '../model/product.ts';

type Documents = typeof CustomerDocument | typeof ProductDocument | typeof OrderDocument;

export interface TillSalesParts {
  readonly from: Source<TillSale>;
  readonly to: {
    readonly customer: Sink<typeof CustomerDocument>;
    readonly product: Sink<typeof ProductDocument>;
    readonly order: Sink<typeof OrderDocument>;
  };
  /** IANA time zone of the till's business days. */
  readonly zone: string;
}

/** Every sale of a Toy Till becomes one order, once, however often it is pushed and listed; a correction is the next version of it. */
export const tillSales = ({ from, to, zone }: TillSalesParts): Flow<TillSale, Documents> =>
  defineFlow({
    id: 'till-sales',
    about: 'Sales of a Toy Till become orders, with the customers and products they need.',
    documents: [CustomerDocument, ProductDocument, OrderDocument],
    from,
    to,
    latency: 'realtime',
    promise: { within: '2m', critical: true },
    onException: { owner: 'sales-ops', within: '1d', hold: 'lane' },
    fallback: 'The till goes on selling; its sales are listed again when it can be reached.',
    mappings: [
      {
        table: 'toy-till-taxes',
        owner: 'finance',
        about: 'Tax codes of the Toy Till → tax codes of the hub; no row means the sale is held.',
        rows: { standard: 'standard', reduced: 'reduced', zero: 'zero' },
      },
    ],
    translate: (sale, look) => ({ outcome: 'routed', documents: toDocuments(sale, look, zone) }),
  });

/** The till hears that each of its orders was recorded. Reads the same sales, so that the hub and not the books' speed decides when. */
export const tillReceipts = ({
  from,
  to,
  zone,
}: {
  readonly from: Source<TillSale>;
  readonly to: { readonly order: Sink<typeof OrderDocument> };
  readonly zone: string;
}): Flow<TillSale, typeof OrderDocument> =>
  defineFlow({
    id: 'till-receipts',
    about: 'The Toy Till is told of each order that was recorded.',
    documents: [OrderDocument],
    from,
    to,
    latency: 'realtime',
    promise: { within: '5m', critical: false },
    onException: { owner: 'sales-ops', within: '1d', hold: 'lane' },
    fallback: 'The till shows the order as not yet recorded.',
    translate: (sale, look) => ({
      outcome: 'routed',
      documents: toDocuments(sale, look, zone).filter(
        (draft): draft is Draft<typeof OrderDocument> => draft.kind === 'order',
      ),
    }),
  });
