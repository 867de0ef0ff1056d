import type { Context, Item, Result, Sink } from '../../core/connector.ts';
import { add, compare, type Decimal, decimal, decimalText, divideRounded, integer } from '../../core/decimal.ts';
import { FaultError, rejected } from '../../core/fault.ts';
import { type StockLevel, StockLevelDocument } from '../../model/stock-level.ts';
import { listed, type Shop } from './shop.ts';
import { failed, sinkOf, variantOf } from './sink.ts';
import { plainText } from './terms.ts';

interface Level {
  readonly id: string;
  readonly location_id: string;
  readonly stocked_quantity: number;
  readonly reserved_quantity: number;
}

interface Variant {
  readonly id: string;
  readonly manage_inventory: boolean;
  /** Lists are missing while the product is being made or changed. */
  readonly inventory_items?: readonly {
    readonly inventory_item_id: string;
    readonly required_quantity: number;
    readonly inventory?: { readonly location_levels?: readonly Level[] } | null;
  }[];
}

const FIELDS = 'id,manage_inventory,inventory_items.*,inventory_items.inventory.location_levels.*';
/** Rounds of reading and setting: somebody may buy in between, again and again. */
const ROUNDS = 5;

/**
 * What may be promised, location by location. Medusa promises what is stocked less what open orders have reserved, so what it reserves is added; where that
 * changes meanwhile it is set again. Absolute: the last one wins.
 */
export const stockLevels = (shop: Shop): Sink<typeof StockLevelDocument> =>
  sinkOf(shop, {
    name: 'stockLevels',
    accepts: StockLevelDocument,
    idempotency: 'overwrite',
    batch: { max: 50, onFailure: 'independent' },
    deliver: (items, cx) => deliver(shop, items, cx),
  });

async function deliver(shop: Shop, items: Item<StockLevel>[], cx: Context): Promise<Result[]> {
  const ids = items.flatMap(({ links, document }) => links.get(`product:${document.sku}`) ?? []);
  const query = { fields: FIELDS, 'id[]': [...new Set(ids)], limit: String(Math.max(1, ids.length)) };
  const { variants } =
    ids.length === 0
      ? { variants: [] }
      : await shop.read<{ variants: Variant[] }>('/admin/product-variants', query, cx);
  const results: Result[] = [];
  for (const item of items) results.push(await set(shop, item, variants, cx).catch(failed));
  return results;
}

async function set(shop: Shop, item: Item<StockLevel>, variants: readonly Variant[], cx: Context): Promise<Result> {
  const { document } = item;
  const location = shop.locationOf(document.location, cx);
  const variant = variantOf(item, document.sku);
  const wanted = wholeUnits(document);
  const { inventory, level } = levelOf(
    variants.find(({ id }) => id === variant),
    location,
    document,
  );
  let now = level;
  for (let round = 0; round < ROUNDS; round++) {
    if (compare(promised(now), wanted) === 0) return { outcome: 'done', id: now.id };
    const stocked = add(wanted, numberOf(now.reserved_quantity));
    const path = `/admin/inventory-items/${inventory}/location-levels/${location}`;
    const told = await shop.write<{ inventory_item?: { location_levels?: Level[] } }>(
      'a stock level',
      path,
      { stocked_quantity: Number(decimalText(stocked)) },
      cx,
    );
    const after = told.inventory_item?.location_levels?.find(({ location_id }) => location_id === location);
    if (!after) throw new FaultError({ kind: 'unknown', message: 'Medusa did not say that the level was set' });
    now = after;
  }
  if (compare(promised(now), wanted) === 0) return { outcome: 'done', id: now.id };
  throw new FaultError({ kind: 'transient', message: 'the level changed each time it was to be set' });
}

const numberOf = (value: number): Decimal => decimal(plainText(value));

const promised = ({ stocked_quantity, reserved_quantity }: Level): Decimal =>
  add(numberOf(stocked_quantity), numberOf(-reserved_quantity));

/** Whole units, rounded down: what is not whole cannot be promised. */
function wholeUnits({ available, id }: StockLevel): Decimal {
  const { coefficient, scale } = decimal(available);
  if (coefficient < 0n) throw rejected(`Stock level ${id}: ${available} is below zero.`, 'negative', 'available');
  const unit = 10n ** BigInt(scale);
  const whole = divideRounded(coefficient - (coefficient % unit), unit);
  if (whole > 1_000_000_000n)
    throw rejected(`Stock level ${id}: more than 1,000,000,000 is no level.`, 'too-high', 'available');
  return integer(whole);
}

function levelOf(variant: Variant | undefined, location: string, { sku, location: code }: StockLevel) {
  if (!variant) throw rejected(`Product ${sku} is no longer in the shop.`, 'gone', 'sku');
  const items = variant.manage_inventory ? listed(variant.inventory_items, `what ${sku} is counted by`) : [];
  const [item, ...others] = items;
  if (!item)
    throw rejected(`Medusa does not count product ${sku}: switch on 'Manage inventory'.`, 'not-tracked', 'sku');
  if (others.length > 0 || item.required_quantity !== 1)
    throw rejected(`Product ${sku} is a kit in Medusa: its parts are counted, not itself.`, 'is-a-kit', 'sku');
  const levels = listed(item.inventory?.location_levels, `where ${sku} is stocked`);
  const level = levels.find(({ location_id }) => location_id === location);
  if (!level)
    throw rejected(
      `Product ${sku} is not stocked at ${code} in Medusa: add the location to its inventory item.`,
      'not-stocked',
      'location',
    );
  return { inventory: item.inventory_item_id, level };
}
