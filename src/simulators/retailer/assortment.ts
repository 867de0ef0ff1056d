import type { Tax } from '../shopify/records.ts';
import type { Shop } from '../shopify/shop.ts';
import { places } from './places.ts';

/** An article that the retailer sells. */
export interface Article {
  readonly sku: string;
  readonly title: string;
  /** Minor units, tax within. */
  readonly price: number;
}

const names = [
  ...['Oak shelf', 'Wool throw', 'Linen cushion', 'Brass lamp', 'Stone vase', 'Cork board', 'Rattan basket', 'Tea pot'],
  ...['Wall clock', 'Candle', 'Picture frame', 'Fruit bowl', 'Door mat', 'Bread bin', 'Jute rug', 'Egg cup'],
];

/** What customers buy, and last some that nobody buys: only goods-in moves their stock, so each figure tells which movement it came of. */
export const articles: readonly Article[] = [
  ...names.map((title, n) => ({ sku: `WEB-${101 + n}`, title, price: 495 + n * 310 })),
  ...[1, 2, 3, 4].map((n) => ({ sku: `WEB-90${n}`, title: `Made to order ${n}`, price: 25_000 + n * 100 })),
];

/** What people in Odoo launch, with its variants, has codes of its own. */
export const isLaunched = (sku: string): boolean => sku.startsWith('OWN-');

/** What the channels sell, besides the till of day files with its own codes. */
export const isSold = (sku: string): boolean => sku.startsWith('WEB-') || isLaunched(sku);

export const isBought = ({ sku }: Pick<Article, 'sku'>): boolean => !sku.startsWith('WEB-90');

export const vat: Tax = { title: 'VAT', rate: 2000 };

/** A shop with a warehouse, a store and its articles, none of them in stock yet. Does nothing to one that has them. */
export function stockShop(shop: Shop): void {
  if (shop.locations.size > 0) return;
  for (const { name } of Object.values(places)) shop.addLocation(name);
  for (const { sku, title, price } of articles) shop.addProduct(title, [{ sku, price: BigInt(price) }]);
}
