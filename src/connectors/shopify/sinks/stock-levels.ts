import { type Duration, milliseconds } from '../../../core/clock.ts';
import type { Context, Item, Result, Sink } from '../../../core/connector.ts';
import { decimal, divideRounded } from '../../../core/decimal.ts';
import { FaultError, rejected } from '../../../core/fault.ts';
import { sha256 } from '../../../core/seal.ts';
import { type StockLevel, StockLevelDocument } from '../../../model/stock-level.ts';
import { stockCalls } from '../documents/stock-levels.ts';
import { faultOfUserError, type UserError } from '../errors.ts';
import type { Shop } from '../shop.ts';
import { failed, hasTime, sinkOf, variantOf } from './sink.ts';

interface Now {
  readonly __typename: string;
  readonly id: string;
  readonly inventoryItem: {
    readonly id: string;
    readonly tracked: boolean;
    readonly inventoryLevel: {
      readonly id: string;
      readonly quantities: readonly { readonly quantity: number; readonly updatedAt: string | null }[];
    } | null;
  };
}

interface Told {
  readonly inventorySetQuantities: {
    readonly inventoryAdjustmentGroup: {
      readonly changes: readonly { readonly item: { readonly id: string } | null }[];
    } | null;
    readonly userErrors: readonly UserError[];
  } | null;
}

/** One level still to be set, and what Shopify said it was just before. */
interface Wanted {
  readonly index: number;
  readonly item: Item<StockLevel>;
  readonly variant: string;
  readonly quantity: number;
}

interface Change extends Wanted {
  readonly level: string;
  readonly inventoryItem: string;
  readonly from: number;
  readonly seenAt: string | null;
}

/** Rounds of reading and setting: somebody may buy in between, again and again. */
const ROUNDS = 5;

/**
 * A level that lies quiet is a level that sells what is gone, so a call is short: after a kill its lanes are quiet for deadline and settle together. Neither
 * needs to be longer. A lost call that commits late is the same to Shopify as its repeat (one key), or finds another level than it read and is refused; it could
 * only do harm where a later level had come back to exactly the figure it read, in a batch of other neighbours, and then until the next change.
 */
const DEADLINE: Duration = '30s';
const SETTLE: Duration = '15s';

/**
 * What may be promised, location by location. Absolute, compared and swapped: a level is set only if it still is what was just read, else read and set
 * again, so that a sale in between is never written over unseen and a late repeat finds another level and does nothing. The key of each call is
 * made of what was read and what is wanted: the same call twice is one to Shopify.
 *
 * @see https://shopify.dev/docs/apps/build/orders-fulfillment/inventory-management-apps/manage-quantities-states#compare-and-swap
 */
export const stockLevels = (shop: Shop): Sink<typeof StockLevelDocument> =>
  sinkOf(shop, {
    name: 'stockLevels',
    accepts: StockLevelDocument,
    idempotency: 'overwrite',
    deadline: DEADLINE,
    settle: Math.min(milliseconds(SETTLE), milliseconds(shop.settings.settle)),
    batch: { max: 250, onFailure: 'independent' },
    deliver: (items, cx) => deliver(shop, items, cx),
  });

async function deliver(shop: Shop, items: Item<StockLevel>[], cx: Context): Promise<Result[]> {
  const results: Result[] = [];
  const byLocation = new Map<string, Wanted[]>();
  for (const [index, item] of items.entries())
    try {
      const location = shop.locationOf(item.document.location, cx);
      const wanted = { index, item, variant: variantOf(item, item.document.sku), quantity: wholeOf(item.document) };
      byLocation.set(location, [...(byLocation.get(location) ?? []), wanted]);
    } catch (error) {
      results[index] = failed(error);
    }
  const mayBegin = hasTime(DEADLINE, cx.clock);
  for (const [location, wanted] of byLocation) {
    if (!mayBegin()) {
      for (const { index } of wanted) results[index] = { outcome: 'untouched' };
      continue;
    }
    try {
      await setAll(shop, location, wanted, results, cx);
    } catch (error) {
      for (const { index } of wanted) results[index] ??= failed(error);
    }
  }
  return results;
}

/** Whole units, rounded down: what is not whole cannot be promised. */
function wholeOf({ available, id }: StockLevel): number {
  const { coefficient, scale } = decimal(available);
  if (coefficient < 0n) throw rejected(`Stock level ${id}: ${available} is below zero.`, 'negative', 'available');
  const unit = 10n ** BigInt(scale);
  const whole = Number(divideRounded(coefficient - (coefficient % unit), unit));
  if (whole > 1_000_000_000)
    throw rejected(`Stock level ${id}: Shopify holds at most 1,000,000,000.`, 'too-high', 'available');
  return whole;
}

async function setAll(shop: Shop, location: string, wanted: Wanted[], results: Result[], cx: Context): Promise<void> {
  let open = wanted;
  for (let round = 0; open.length > 0 && round < ROUNDS; round++) {
    const changes = await readNow(shop, location, open, results, cx);
    if (changes.length === 0) return;
    const errors = await set(shop, location, changes, round, results, cx);
    const settled = new Set<number>();
    for (const { at, error } of errors) {
      const change = at === null ? (changes.length === 1 ? changes[0] : undefined) : changes[at];
      if (!change || isStale(error)) continue;
      results[change.index] = {
        outcome: 'failed',
        fault: faultOfUserError(stockCalls.setStock, error, () => fieldOf(error)),
      };
      settled.add(change.index);
    }
    if (errors.length > 0 && errors.every(({ at }) => at === null) && changes.length > 1) {
      // Shopify does not say which: each by itself.
      for (const one of changes) await setAll(shop, location, [one], results, cx);
      return;
    }
    open = errors.length === 0 ? [] : changes.filter(({ index }) => !settled.has(index));
  }
  for (const { index } of open)
    results[index] ??= failed(
      new FaultError({ kind: 'transient', message: 'the level changed each time it was to be set' }),
    );
}

const isStale = ({ code }: UserError): boolean =>
  code === 'CHANGE_FROM_QUANTITY_STALE' || code === 'IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED';

const fieldOf = ({ code }: UserError): string | undefined =>
  code === 'INVALID_LOCATION' ? 'location' : code?.startsWith('INVALID_QUANTITY') ? 'available' : 'sku';

/** What each level is now. Those that are as wanted are done; those that cannot be set are rejected. */
async function readNow(
  shop: Shop,
  location: string,
  open: readonly Wanted[],
  results: Result[],
  cx: Context,
): Promise<Change[]> {
  const ids = [...new Set(open.map(({ variant }) => variant))];
  const { nodes } = await shop.call<{ nodes: (Now | null)[] }>(
    stockCalls.stockNow,
    { ids, location },
    cx,
    weightOf(ids.length),
  );
  const now = new Map(
    nodes.flatMap((node) => (node?.__typename === 'ProductVariant' ? [[node.id, node] as const] : [])),
  );
  return open.flatMap((one): Change[] => {
    const refuse = (message: string, cause: string, field: string): Change[] => {
      results[one.index] = failed(rejected(message, cause, field));
      return [];
    };
    const { sku, location: code } = one.item.document;
    const found = now.get(one.variant)?.inventoryItem;
    if (!found) return refuse(`Product ${sku} is no longer in the shop.`, 'gone', 'sku');
    if (!found.tracked)
      return refuse(`Shopify does not count product ${sku}: switch on 'Track quantity'.`, 'not-tracked', 'sku');
    const quantity = found.inventoryLevel?.quantities[0];
    if (!found.inventoryLevel || !quantity)
      return refuse(
        `Product ${sku} is not stocked at ${code} in Shopify: add the location to the product.`,
        'not-stocked',
        'location',
      );
    const level = found.inventoryLevel.id;
    if (quantity.quantity !== one.quantity)
      return [{ ...one, level, inventoryItem: found.id, from: quantity.quantity, seenAt: quantity.updatedAt }];
    results[one.index] = { outcome: 'done', id: level };
    return [];
  });
}

/** Calls of about one size count as one for the budget. */
const weightOf = (count: number): string => (count <= 10 ? ' few' : count <= 50 ? ' some' : ' many');

/** Sets all or none; fills in what is done. Answers Shopify's complaints with the place of the level they are about. */
async function set(
  shop: Shop,
  location: string,
  changes: readonly Change[],
  round: number,
  results: Result[],
  cx: Context,
): Promise<{ at: number | null; error: UserError }[]> {
  const seen = changes.map(({ level, from, quantity, seenAt, item }) => [
    level,
    from,
    quantity,
    seenAt,
    item.key,
    item.version,
  ]);
  const key = sha256(JSON.stringify([round, ...seen])).toString('hex');
  const quantities = changes.map(({ inventoryItem, quantity, from }) => ({
    inventoryItemId: inventoryItem,
    locationId: location,
    quantity,
    changeFromQuantity: from,
  }));
  const input = {
    name: 'available',
    reason: 'correction',
    referenceDocumentUri: `gid://crossdock/StockLevel/${key.slice(0, 16)}`,
    quantities,
  };
  const told = (await shop.call<Told>(stockCalls.setStock, { input, key }, cx)).inventorySetQuantities;
  const errors = told?.userErrors ?? [];
  if (errors.length > 0)
    return errors.map((error) => {
      const place = error.field?.find((part) => /^\d+$/.test(part));
      return { at: place === undefined ? null : Number(place), error };
    });
  const changed = new Set(told?.inventoryAdjustmentGroup?.changes.map(({ item }) => item?.id));
  for (const { index, inventoryItem, level } of changes)
    results[index] = changed.has(inventoryItem)
      ? { outcome: 'done', id: level }
      : failed(new FaultError({ kind: 'unknown', message: 'Shopify did not say that the level was set' }));
  return [];
}
