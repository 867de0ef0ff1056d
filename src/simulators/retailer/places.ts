import type { Random } from '../../core/clock.ts';
import type { NewLine } from '../shopify/orders.ts';
import type { Location, Variant } from '../shopify/records.ts';
import type { Shop } from '../shopify/shop.ts';

/** Where the retailer's goods lie, by the shop's names and Odoo's codes of warehouses. */
export const places = {
  central: { name: 'Central warehouse', code: 'WH' },
  store: { name: 'Store', code: 'STO' },
} as const;

export type Place = keyof typeof places;

/** The store among the shop's locations; a shop may have none. */
export const storeOf = (shop: Pick<Shop, 'locations'>): Location | undefined =>
  [...shop.locations.values()].find(({ name }) => name === places.store.name);

/** Pieces of which a customer buys no more where there are fewer. */
const SCARCE = 5;

/** Which of the lines the customer gets from the store, and how: most orders leave the warehouse whole, some are collected or shipped from the store, some are split. */
export function sharedOut(shop: Shop, random: Random, lines: readonly NewLine[]): NewLine[] {
  const chance = random();
  const store = storeOf(shop);
  if (!store || chance >= 0.4) return [...lines];
  const how = { locationId: store.id, ...(chance < 0.25 ? { collect: true } : {}) };
  const isThere = ({ variantId }: NewLine): boolean => {
    const { inventoryItemId }: Variant = shop.variants.get(variantId!)!;
    return (shop.level(inventoryItemId, store.id)?.available ?? 0) >= SCARCE;
  };
  const isSplit = lines.length > 1 && random() < 0.5;
  return lines.map((line, n) => ((isSplit && n === 0) || !isThere(line) ? line : { ...line, ...how }));
}
