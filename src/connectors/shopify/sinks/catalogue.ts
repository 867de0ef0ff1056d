import type { Context, Found, Item, Part, Result, Sink } from '../../../core/connector.ts';
import { FaultError, rejected } from '../../../core/fault.ts';
import { handleOf } from '../../../core/handle.ts';
import { type CatalogueItem, CatalogueItemDocument } from '../../../model/catalogue-item.ts';
import { matchOf, ownedBy, variantLike } from '../../../model/catalogue-match.ts';
import { bulkCalls } from '../documents/bulk.ts';
import { productCalls } from '../documents/products.ts';
import { faultOfUserError, type UserError } from '../errors.ts';
import type { Page } from '../pages.ts';
import type { Shop } from '../shop.ts';
import { candidatesOf, type Held, productBy, type Variant, variantsOf } from './catalogue-candidates.ts';
import { failed, sinkOf } from './sink.ts';

interface Told {
  readonly productSet: {
    readonly product: { readonly id: string; readonly variants: Page<Variant> } | null;
    readonly userErrors: readonly UserError[];
  } | null;
}

const MOST_VARIANTS = 2048;

/**
 * Products with their variants. A product that is not bound yet is found by its handle, which is made of the item's key: the same item is the same
 * product, however often it is sent. One that the shop has already by SKU or barcode, made by a person, is taken for it where all of its variants are the item's; else a
 * person decides. Each variant is a product of the hub's and bound as one, so that its price and stock can follow. A new variant
 * has neither, and is not sold without stock.
 */
export const catalogue = (shop: Shop): Sink<typeof CatalogueItemDocument> =>
  sinkOf(shop, {
    name: 'catalogue',
    accepts: CatalogueItemDocument,
    idempotency: 'external-id',
    batch: { max: 10, onFailure: 'independent' },
    find: async (items, cx) => {
      const found: Found[] = [];
      for (const item of items) {
        const now = await productNow(shop, item, cx);
        const own = now && (await ownerBeside(item, now, cx)) === null;
        found.push(
          own ? { found: 'whole', id: now.id, parts: partsOf(item.document, now.variants) } : { found: 'absent' },
        );
      }
      return found;
    },
    match: async (items, cx) => (await candidatesOf(shop, items, cx)).map(matchOf),
    count: async (cx) => {
      const { productsCount } = await shop.call<{ productsCount: { count: number } }>(
        bulkCalls.productsCount,
        { limit: null },
        cx,
      );
      return productsCount.count;
    },
    deliver: async (items, cx) => {
      const results: Result[] = [];
      const taken = new Map<string, string>();
      for (const item of items) results.push(await setProduct(shop, item, taken, cx).catch(failed));
      return results;
    },
  });

const identifierOf = ({ id, key }: Item<CatalogueItem>) =>
  id?.startsWith('gid://shopify/Product/') ? { id } : { handle: handleOf(key) };

const productNow = (shop: Shop, item: Item<CatalogueItem>, cx: Context): Promise<Held | null> =>
  productBy(shop, identifierOf(item), cx);

function partsOf({ variants }: CatalogueItem, held: readonly Variant[]): Part[] {
  return variants.flatMap((variant) => {
    const known = variantLike(held, variant);
    return known ? [{ kind: 'product', key: variant.sku, id: known.id }] : [];
  });
}

/** The product that an item is: its own, or one that the shop had before and no other item is. Throws `rejected` where a person must look. */
async function productOf(shop: Shop, item: Item<CatalogueItem>, taken: Taken, cx: Context): Promise<Held | null> {
  const own = await productNow(shop, item, cx);
  if (item.id !== null) return own;
  const held = own ?? (await likeIn(shop, item, cx));
  const other = held && (taken.get(held.id) ?? (await ownerBeside(item, held, cx)));
  if (held && other) throw new FaultError(ownedBy(other, held, item.document));
  return held;
}

/** Items that products were taken for in the same call, by the products' ids: the ledger does not know of them yet. */
type Taken = Map<string, string>;

async function likeIn(shop: Shop, item: Item<CatalogueItem>, cx: Context): Promise<Held | null> {
  const [candidate] = await candidatesOf(shop, [item], cx);
  if (candidate && 'fault' in candidate) throw new FaultError(candidate.fault);
  return candidate && 'held' in candidate ? candidate.held : null;
}

/** Another item that a product of the shop is, or null. */
const ownerBeside = ({ key }: Item<CatalogueItem>, { id }: Held, cx: Context): Promise<string | null> =>
  cx.otherBoundTo(CatalogueItemDocument.name, key, id);

const statuses = { active: 'ACTIVE', draft: 'DRAFT', archived: 'ARCHIVED' } as const;

const optionsOf = ({ options }: CatalogueItem): readonly string[] => (options.length === 0 ? ['Title'] : options);
const valuesOf = ({ options }: CatalogueItem, values: readonly string[]): readonly string[] =>
  options.length === 0 ? ['Default Title'] : values;

/** Throws `rejected` for an item that is none of Shopify's. */
function assertFits(item: CatalogueItem): void {
  for (const { sku, values } of item.variants)
    if (valuesOf(item, values).length !== optionsOf(item).length)
      throw rejected(
        `Item ${item.id}: variant ${sku} has ${values.length} values for ${item.options.length} options.`,
        'options-differ',
        'variants',
      );
  if (item.variants.length > MOST_VARIANTS)
    throw rejected(`Item ${item.id} has more than ${MOST_VARIANTS} variants.`, 'too-many', 'variants');
}

function inputOf(item: CatalogueItem, held: readonly Variant[]): object {
  const options = optionsOf(item);
  return {
    title: item.title,
    descriptionHtml: item.description,
    ...(item.brand === null ? {} : { vendor: item.brand }),
    status: statuses[item.status],
    productOptions: options.map((name, index) => ({
      name,
      position: index + 1,
      values: [...new Set(item.variants.map(({ values }) => valuesOf(item, values)[index]!))].map((value) => ({
        name: value,
      })),
    })),
    variants: item.variants.map((variant) => {
      const { sku, barcode, values, weight } = variant;
      const known = variantLike(held, variant);
      const measurement = weight === null ? {} : { measurement: { weight: { value: weight, unit: 'GRAMS' } } };
      return {
        ...(known ? { id: known.id } : { inventoryPolicy: 'DENY' }),
        sku,
        barcode,
        optionValues: valuesOf(item, values).map((name, index) => ({ optionName: options[index], name })),
        inventoryItem: { tracked: true, ...measurement },
      };
    }),
  };
}

async function setProduct(shop: Shop, item: Item<CatalogueItem>, taken: Taken, cx: Context): Promise<Result> {
  assertFits(item.document);
  const now = await productOf(shop, item, taken, cx);
  if (now) taken.set(now.id, item.key);
  const input = inputOf(item.document, now?.variants ?? []);
  const identifier = now ? { id: now.id } : { handle: handleOf(item.key) };
  const { productSet: told } = await shop.call<Told>(productCalls.setProduct, { identifier, input }, cx);
  const [error] = told?.userErrors ?? [];
  if (error) return { outcome: 'failed', fault: faultOfUserError(productCalls.setProduct, error, fieldOf) };
  const product = told?.product;
  if (!product) throw new FaultError({ kind: 'unknown', message: 'Shopify did not say that the product was set' });
  taken.set(product.id, item.key);
  const parts = partsOf(item.document, await variantsOf(shop, product, cx));
  if (parts.length < item.document.variants.length)
    throw new FaultError({ kind: 'unknown', message: 'Shopify does not show all variants of the product yet' });
  return { outcome: 'done', id: product.id, parts };
}

const names: Readonly<Record<string, string>> = {
  descriptionHtml: 'description',
  vendor: 'brand',
  productOptions: 'options',
};

const fieldOf = (path: readonly string[]): string | undefined => {
  const name = path.find((part) => part !== 'input' && !/^\d+$/.test(part));
  return name === undefined ? undefined : (names[name] ?? name);
};
