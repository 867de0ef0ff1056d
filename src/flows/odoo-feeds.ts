import { toCatalogueItems } from '../connectors/odoo/mapping/catalogue.ts';
import { pricelists, toPrices, withdrawnPrices } from '../connectors/odoo/mapping/prices.ts';
import { type StockRules, skuOf, toStockLevels } from '../connectors/odoo/mapping/stock-levels.ts';
import { hubRules, safetyStock, warehouses } from '../connectors/odoo/mapping/stock-rules.ts';
import type { CatalogueRecord } from '../connectors/odoo/sources/catalogue.ts';
import type { PriceRecord } from '../connectors/odoo/sources/prices.ts';
import type { StockRecord } from '../connectors/odoo/sources/stock-levels.ts';
import type { Duration } from '../core/clock.ts';
import type { Sink, Source } from '../core/connector.ts';
import { defineFlow, type Flow, type Look, type Translation } from '../core/flow.ts';
import { CatalogueItemDocument } from '../model/catalogue-item.ts';
import { OrderDocument } from '../model/order.ts';
import { PriceDocument, priceKey } from '../model/price.ts';
import { ProductDocument } from '../model/product.ts';
import { StockLevelDocument } from '../model/stock-level.ts';

/** What all feeds to a channel are given. Several channels read one source, each by a flow with an id of its own. */
interface Feed<N> {
  readonly id: string;
  readonly from: Source<N>;
  /** Whether the channel sells a product of this code; of others it is told nothing. Default: it sells all. */
  readonly sells?: (sku: string) => boolean;
}

const everything = (): boolean => true;

export interface StockFeed extends Feed<StockRecord> {
  readonly to: { readonly 'stock-level': Sink<typeof StockLevelDocument> };
  /** Location codes of the hub that the channel sells from. Default: all. */
  readonly locations?: readonly string[];
  /** Name of the channel in Mapping table `safety-stock`. With one its levels are its own: channels without share what they are told. */
  readonly channel?: string;
  /** Price list of the hub that the channel sells by: what it has no price of there yet is told no level, or it would be sold for nothing. Default: levels wait for no price. */
  readonly priced?: string;
  /** How soon a change must stand in the channel: what the flow promises. Default 1m. */
  readonly within?: Duration;
  /** In place of the tables and of what is in flight; look-ups do not know of it. */
  readonly rules?: StockRules;
}

type StockTranslation = Translation<typeof StockLevelDocument, StockRecord>;

/**
 * What may be sold, from Odoo to one channel: free − in flight − safety, never below 0. Orders that the hub has and Odoo does not count yet are in flight, so a
 * level goes down as soon as anything is sold anywhere. Absolute figures: however many changes there were, only the newest of each is told. It is told even
 * where the promise stays what it was: a channel counts its own sales, and a sale there and a receipt here at once leave it with less than is promised.
 */
export const stockFeed = ({
  id,
  from,
  to,
  sells = everything,
  locations,
  channel,
  priced,
  within = '1m',
  rules,
}: StockFeed): Flow<StockRecord, typeof StockLevelDocument, StockRecord> => {
  const own: StockRules = { ...hubRules(channel), ...rules };
  const tell = async (record: StockRecord, look: Look<StockRecord>): Promise<StockTranslation> => {
    const drafts = (await toStockLevels(record, look, own)).filter(
      ({ body }) => sells(body.sku) && (locations === undefined || locations.includes(body.location)),
    );
    const sku = await skuOf(record, look);
    return {
      outcome: 'routed',
      documents: drafts,
      memory: record,
      concerns: sku === null ? [] : [sku],
    };
  };
  return defineFlow({
    id,
    about: 'What may be sold of each product in each location goes from Odoo to the channel.',
    documents: [StockLevelDocument],
    from,
    to,
    latency: 'realtime',
    promise: { within, critical: true },
    onException: { owner: 'logistics', within: '1h', hold: 'lane' },
    fallback: 'The channel sells by the last figure it was told.',
    mappings: [warehouses, safetyStock],
    ...(priced === undefined
      ? {}
      : { needs: ({ body: { sku } }) => [[PriceDocument.name, priceKey(priced, sku)] as const] }),
    heeds: {
      kinds: [OrderDocument.name],
      again: async (look) => (look.memory ? tell(look.memory, look) : { outcome: 'duplicate', documents: [] }),
    },
    translate: tell,
  });
};

export interface PriceFeed extends Feed<PriceRecord> {
  readonly to: { readonly price: Sink<typeof PriceDocument> };
  /** Price lists of the hub that the channel sells by. */
  readonly lists: readonly string[];
}

/**
 * Prices of named lists, from Odoo to one channel. What costs nothing has no price yet: the hub makes products without one. A price that is none any more is taken away where the channel can
 * (`withdraws`); else the last one stays.
 */
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
    translate: async (record, look) => {
      const told = (await toPrices(record, look)).filter(({ body }) => lists.includes(body.list) && body.amount > 0);
      const gone = to.price.withdraws ? await withdrawnPrices(record, look, { lists, told }) : [];
      return { outcome: 'routed', documents: [...told, ...gone].filter(({ body }) => sells(body.sku)) };
    },
  });

interface CatalogueFeed extends Feed<CatalogueRecord> {
  readonly to: { readonly 'catalogue-item': Sink<typeof CatalogueItemDocument> };
}

/** Whether the channel sells any variant. Asked first: what is nothing to the channel may have whatever faults. */
async function isSold({ variants }: CatalogueRecord, look: Look, sells?: (sku: string) => boolean): Promise<boolean> {
  if (sells === undefined) return true;
  for (const { id, code } of variants) {
    const sku = (await look.keyOf(ProductDocument, String(id))) ?? code?.toUpperCase();
    if (sku !== undefined && sells(sku)) return true;
  }
  return false;
}

/** What is sold, with its variants, from Odoo to one channel. */
export const catalogueFeed = ({
  id,
  from,
  to,
  sells,
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
      documents: (await isSold(record, look, sells)) ? await toCatalogueItems(record, look) : [],
    }),
  });
