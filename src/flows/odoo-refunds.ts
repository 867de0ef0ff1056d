import { changed, takenBack, toRefund } from '../connectors/odoo/mapping/credit-notes.ts';
import type { CreditNoteRecord } from '../connectors/odoo/sources/credit-notes.ts';
import type { Sink, Source } from '../core/connector.ts';
import { nothing } from '../core/document.ts';
import type { Flow } from '../core/flow.ts';
import { RefundDocument } from '../model/refund.ts';
import { odooWarehouses } from './odoo-returns.ts';
import { shopRefunds } from './shop-refunds.ts';

export interface OdooRefundsParts {
  /** One flow for each shop. Default 'odoo-refunds'. */
  readonly id?: string;
  readonly from: Source<CreditNoteRecord>;
  readonly to: { readonly refund: Sink<typeof RefundDocument> };
  /** Whether an order is the shop's, by its key (`web:…`). */
  readonly sold: (order: string) => boolean;
  /** The shop is told of returns by a flow of their own (`odooReturns`); a refund of goods that came back waits for its return. Default false. */
  readonly returns?: boolean;
}

/**
 * Credit notes that people post in Odoo are paid back by the shop, each once. What the shop has paid comes back by the flow of its orders and is registered on the credit note, where
 * that flow is given Odoo's `refunds`.
 */
export const odooRefunds = ({
  id = 'odoo-refunds',
  from,
  to,
  sold,
  returns = false,
}: OdooRefundsParts): Flow<CreditNoteRecord, typeof RefundDocument> => ({
  ...shopRefunds<CreditNoteRecord>({ id, from, to, toRefund: () => null }),
  about: 'Credit notes that were posted in Odoo are paid back by the shop.',
  mappings: [odooWarehouses],
  translate: async (record, look) => {
    const { refund, objection } = await toRefund(record, look, { sold, returnsToo: returns });
    const weight = refund === null ? objection?.measure : RefundDocument.measure(refund);
    return {
      outcome: weight === undefined ? 'duplicate' : 'routed',
      documents: refund === null ? [] : [{ kind: 'refund', externalId: String(record.id), body: refund }],
      objections: objection === null ? [] : [objection],
      answers: [takenBack, changed],
      brought: weight ?? nothing,
    };
  },
});
