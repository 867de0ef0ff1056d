import { toCatalogueItems } from '../connectors/odoo/mapping/catalogue.ts';
import { toPrices } from '../connectors/odoo/mapping/prices.ts';
import { type StockRules, toStockLevels } from '../connectors/odoo/mapping/stock-levels.ts';
import type { CatalogueRecord } from '../connectors/odoo/sources/catalogue.ts';
import type { PriceRecord } from '../connectors/odoo/sources/prices.ts';
import type { StockRecord } from '../connectors/odoo/sources/stock-levels.ts';
import type { Sink, Source } from '../core/connector.ts';
import { defineFlow, type Flow, type MappingSeed } from '../core/flow.ts';
import { CatalogueItemDocument } from '../model/catalogue-item.ts';
import { PriceDocument } from '../model/price.ts';
import { StockLevelDocument } from '../model/stock-level.ts';

/** What all feeds to a channel are given. Several channels read one source, each by a flow with an id of its own. */
interface Feed<N> {
  readonly id: string;
  readonly from: Source<N>;
  /** Whether the channel sells a product of this code; of others it is told nothing. Default: it sells all. */
  readonly sells?: (sku: string) => boolean;
}

const everything = (): boolean => true;

const warehouses: MappingSeed = {
  table: 'odoo-warehouses',
  owner: 'logistics',
  about: 'Codes of warehouses in Odoo → location codes of the hub; no row means stock of it is held.',
  rows: {},
};

const pricelists: MappingSeed = {
  table: 'odoo-pricelists',
  owner: 'sales',
  about: 'Pricelists in Odoo, or `sales price` → price lists of the hub; what has no row goes nowhere.',
  rows: {},
};

export interface StockFeed extends Feed<StockRecord> {
  readonly to: { readonly 'stock-level': Sink<typeof StockLevelDocument> };
  /** Location codes of the hub that the channel sells from. Default: all. */
  readonly locations?: readonly string[];
  readonly rules?: StockRules;
}

/** What may be sold, from Odoo to one channel. Absolute figures: however many changes there were, only the newest of each is told. */
export const stockFeed = ({
  id,
  from,
  to,
  sells = everything,
  locations,
  rules,
}: StockFeed): Flow<StockRecord, typeof StockLevelDocument> =>
  defineFlow({
    id,
    about: 'What may be sold of each product in each location goes from Odoo to the channel.',
    documents: [StockLevelDocument],
    from,
    to,
    latency: 'realtime',
    promise: { within: '1m', critical: true },
    onException: { owner: 'logistics', within: '1h', hold: 'lane' },
    fallback: 'The channel sells by the last figure it was told.',
    mappings: [warehouses],
    translate: async (record, look) => {
      const drafts = await toStockLevels(record, look, rules);
      return {
        outcome: 'routed',
        documents: drafts.filter(
          ({ body }) => sells(body.sku) && (locations === undefined || locations.includes(body.location)),
        ),
      };
    },
  });

export interface PriceFeed extends Feed<PriceRecord> {
  readonly to: { readonly price: Sink<typeof PriceDocument> };
  /** Price lists of the hub that the channel sells by. */
  readonly lists: readonly string[];
}

/** Prices of named lists, from Odoo to one channel. What costs nothing has no price yet: the hub makes products without one. */
export const priceFeed = ({
  id,
  from,
  to,
  lists,
  sells = everything,
}: PriceFeed): Flow<PriceRecord, typeof PriceDocument> =>
  defineFlow({
    id,
    about: 'Prices of the lists that the channel sells by go from Odoo to it.',
    documents: [PriceDocument],
    from,
    to,
    latency: 'realtime',
    promise: { within: '15m', critical: false },
    onException: { owner: 'sales', within: '4h', hold: 'lane' },
    fallback: 'The channel sells at the last price it was told.',
    mappings: [pricelists],
    translate: async (record, look) => ({
      outcome: 'routed',
      documents: (await toPrices(record, look)).filter(
        ({ body }) => lists.includes(body.list) && body.amount > 0 && sells(body.sku),
      ),
    }),
  });

interface CatalogueFeed extends Feed<CatalogueRecord> {
  readonly to: { readonly 'catalogue-item': Sink<typeof CatalogueItemDocument> };
}

/** What is sold, with its variants, from Odoo to one channel. */
export const catalogueFeed = ({
  id,
  from,
  to,
  sells = everything,
}: CatalogueFeed): Flow<CatalogueRecord, typeof CatalogueItemDocument> =>
  defineFlow({
    id,
    about: 'What is for sale goes from Odoo to the channel, with its variants.',
    documents: [CatalogueItemDocument],
    from,
    to,
    latency: 'realtime',
    promise: { within: '15m', critical: false },
    onException: { owner: 'catalogue', within: '1d', hold: 'lane' },
    fallback: 'The channel shows what it was told last.',
    translate: async (record, look) => ({
      outcome: 'routed',
      documents: (await toCatalogueItems(record, look)).filter(({ body }) =>
        body.variants.some(({ sku }) => sells(sku)),
      ),
    }),
  });
