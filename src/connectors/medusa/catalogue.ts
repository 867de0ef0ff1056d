import { milliseconds } from '../../core/clock.ts';
import type { Context, Found, Item, Part, Result, Sink } from '../../core/connector.ts';
import { FaultError, rejected } from '../../core/fault.ts';
import { handleOf } from '../../core/handle.ts';
import { type CatalogueItem, CatalogueItemDocument } from '../../model/catalogue-item.ts';
import { matchOf, ownedBy, variantLike } from '../../model/catalogue-match.ts';
import { candidateIn, type Held, productBy } from './catalogue-candidates.ts';
import { assertFits, fieldsOf, newVariants, optionsOf, stepsTo } from './catalogue-steps.ts';
import type { Shop } from './shop.ts';
import { failed, sinkOf, steady } from './sink.ts';

/** Rounds of looking and setting: what is set is what the last one finds. */
const ROUNDS = 5;

/**
 * Products with their variants. A product that is not bound yet is found by its handle, which is made of the item's key, and of which Medusa takes no second one:
 * the same item is the same product, however often it is sent. One that the shop has already by SKU or barcode, made by a person, is taken for it where all of
 * its variants are the item's; else a person decides. Each variant is a product of the hub's and bound as one, so that its price and stock can follow. A new
 * variant has neither: Medusa takes nothing into a cart that has no price.
 */
export const catalogue = (shop: Shop): Sink<typeof CatalogueItemDocument> =>
  sinkOf(shop, {
    name: 'catalogue',
    accepts: CatalogueItemDocument,
    idempotency: 'external-id',
    batch: { max: 5, onFailure: 'independent' },
    ids: /^prod_\w+$/,
    find: async (items, cx) => {
      const found: Found[] = [];
      for (const item of items) {
        const held = await ownProduct(shop, item, cx);
        const own = held && (await ownerBeside(item, held, cx)) === null;
        found.push(own ? { found: 'whole', id: held.id, parts: partsOf(item.document, held) } : { found: 'absent' });
      }
      return found;
    },
    match: async (items, cx) => {
      const matches = [];
      for (const { document } of items) matches.push(matchOf(await candidateIn(shop, document, cx)));
      return matches;
    },
    count: async (cx) =>
      (await shop.read<{ count: number }>('/admin/products', { fields: 'id', limit: '1' }, cx)).count,
    deliver: async (items, cx) => {
      const terms = await termsOf(shop, cx);
      const results: Result[] = [];
      const taken: Taken = new Map();
      for (const item of items) results.push(await setProduct(shop, item, terms, taken, cx).catch(failed));
      return results;
    },
  });

/** Items that products were taken for in the same call, by the products' ids: the ledger does not know of them yet. */
type Taken = Map<string, string>;

/** What new products are given: where they are sold, how they are sent, and where their variants are counted. */
interface Terms {
  readonly channel: string | null;
  readonly profile: string | null;
  readonly locations: readonly string[];
}

const ALL = { limit: '200' };

async function termsOf(shop: Shop, cx: Context): Promise<Terms> {
  const { stores } = await shop.read<{ stores: { default_sales_channel_id: string | null }[] }>(
    '/admin/stores',
    { fields: 'id,default_sales_channel_id' },
    cx,
  );
  const { shipping_profiles } = await shop.read<{ shipping_profiles: { id: string; type: string }[] }>(
    '/admin/shipping-profiles',
    { fields: 'id,type', ...ALL },
    cx,
  );
  const { stock_locations } = await shop.read<{ stock_locations: { id: string }[] }>(
    '/admin/stock-locations',
    { fields: 'id', ...ALL },
    cx,
  );
  const table = cx.mapping(`${shop.settings.tables}-locations`);
  return {
    channel: stores[0]?.default_sales_channel_id ?? null,
    profile: (shipping_profiles.find(({ type }) => type === 'default') ?? shipping_profiles[0])?.id ?? null,
    locations: stock_locations.map(({ id }) => id).filter((id) => table.find(id) !== null),
  };
}

/** The product that is bound, or was made for the item before. */
async function ownProduct(shop: Shop, { id, key }: Item<CatalogueItem>, cx: Context): Promise<Held | null> {
  const bound = id?.startsWith('prod_') ? await productBy(shop, { id }, cx) : null;
  return bound ?? productBy(shop, { handle: handleOf(key) }, cx);
}

/** Another item that a product of the shop is, or null. */
const ownerBeside = ({ key }: Item<CatalogueItem>, { id }: Held, cx: Context): Promise<string | null> =>
  cx.otherBoundTo(CatalogueItemDocument.name, key, id);

/** The product that an item is: its own, or one that the shop had before and no other item is. Throws `rejected` where a person must look. */
async function productOf(shop: Shop, item: Item<CatalogueItem>, taken: Taken, cx: Context): Promise<Held | null> {
  const held = (await ownProduct(shop, item, cx)) ?? (await likeIn(shop, item, cx));
  const other = held && (taken.get(held.id) ?? (await ownerBeside(item, held, cx)));
  if (held && other) throw new FaultError(ownedBy(other, held, item.document));
  return held;
}

async function likeIn(shop: Shop, { document }: Item<CatalogueItem>, cx: Context): Promise<Held | null> {
  const candidate = await candidateIn(shop, document, cx);
  if ('fault' in candidate) throw new FaultError(candidate.fault);
  return 'held' in candidate ? candidate.held : null;
}

function partsOf({ variants }: CatalogueItem, held: Held): Part[] {
  return variants.flatMap((variant) => {
    const known = variantLike(held.variants, variant);
    return known ? [{ kind: 'product', key: variant.sku, id: known.id }] : [];
  });
}

async function setProduct(
  shop: Shop,
  item: Item<CatalogueItem>,
  terms: Terms,
  taken: Taken,
  cx: Context,
): Promise<Result> {
  assertFits(item.document);
  let held = (await productOf(shop, item, taken, cx)) ?? (await make(shop, item, terms, cx));
  taken.set(held.id, item.key);
  const aim = { shop, item: item.document, locations: terms.locations, stuck: new Set<string>(), cx };
  for (let round = 0; round < ROUNDS; round++) {
    whileMade(shop, held, cx);
    const steps = stepsTo(aim, held);
    if (steps.length === 0) return { outcome: 'done', id: held.id, parts: partsOf(item.document, held) };
    for (const step of steps) await step();
    held = await again(shop, held, cx);
  }
  throw new FaultError({ kind: 'unknown', message: 'Medusa does not show the product as it was set' });
}

async function again(shop: Shop, { id }: Held, cx: Context): Promise<Held> {
  const now = await productBy(shop, { id }, cx).catch((cause: unknown) => {
    throw new FaultError({ kind: 'unknown', message: 'the product was set, and could not be read back' }, { cause });
  });
  if (now) return now;
  throw new FaultError({ kind: 'unknown', message: 'the product is not in the shop any more while it is set' });
}

async function make(shop: Shop, { key, document }: Item<CatalogueItem>, terms: Terms, cx: Context): Promise<Held> {
  const { channel, profile } = terms;
  if (channel === null || profile === null)
    throw rejected(
      `Medusa has no ${channel === null ? 'default sales channel' : 'shipping profile'}, and sells nothing without: make one there, then retry.`,
      channel === null ? 'no-sales-channel' : 'no-shipping-profile',
    );
  const handle = handleOf(key);
  const body = {
    ...{ ...fieldsOf(document), handle, external_id: key },
    ...{ sales_channels: [{ id: channel }], shipping_profile_id: profile },
    options: optionsOf(document),
    variants: await newVariants(shop, document, document.variants, cx),
  };
  return steady(
    () => shop.write('a product', '/admin/products?fields=id', body, cx),
    () => productBy(shop, { handle }, cx),
    'the product',
  );
}

/**
 * Medusa makes a product, its variants and what these are counted by one after the other, and takes all of it back where one fails: what an earlier call may
 * still be making is left alone for as long as that can take. Throws `transient` then.
 */
function whileMade(shop: Shop, { variants, created_at }: Held, cx: Context): void {
  const now = cx.clock.now().getTime();
  const half = [
    ...(variants.length === 0 ? [created_at] : []),
    ...variants.flatMap((one) => (one.manage_inventory && one.inventory_items.length === 0 ? [one.created_at] : [])),
  ];
  if (half.some((at) => now - Date.parse(at) < milliseconds(shop.settings.settle)))
    throw new FaultError({ kind: 'transient', message: 'Medusa is still making the product; it goes again' });
}
