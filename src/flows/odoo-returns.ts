import { toReturn } from '../connectors/odoo/mapping/returns.ts';
import type { ReturnRecord } from '../connectors/odoo/sources/returns.ts';
import type { Sink, Source } from '../core/connector.ts';
import type { Flow, MappingSeed } from '../core/flow.ts';
import { ReturnDocument } from '../model/return.ts';
import { broughtBy } from './brought.ts';
import { shopReturns } from './shop-returns.ts';

export interface OdooReturnsParts {
  /** One flow for each shop. Default 'odoo-returns'. */
  readonly id?: string;
  readonly from: Source<ReturnRecord>;
  readonly to: { readonly return: Sink<typeof ReturnDocument> };
  /** Whether an order is the shop's, by its key (`web:…`). */
  readonly sold: (order: string) => boolean;
}

export const odooWarehouses: MappingSeed = {
  table: 'odoo-warehouses',
  owner: 'logistics',
  about: 'Codes of warehouses in Odoo → location codes of the hub; no row means what came back there is held.',
  rows: {},
};

/** Goods that were taken back in Odoo are told to the shop that sold them, each once. */
export const odooReturns = ({
  id = 'odoo-returns',
  from,
  to,
  sold,
}: OdooReturnsParts): Flow<ReturnRecord, typeof ReturnDocument> => ({
  ...shopReturns<ReturnRecord>({ id, from, to, toReturn: () => null }),
  about: 'Goods that came back in Odoo are told to the shop that sold them.',
  mappings: [odooWarehouses],
  translate: async (record, look) => {
    const body = await toReturn(record, look, sold);
    if (body === null) return { outcome: 'duplicate', documents: [] };
    const documents = [{ kind: 'return' as const, externalId: String(record.id), body }];
    return { outcome: 'routed', documents, brought: await broughtBy(documents, [ReturnDocument], look) };
  },
});
