import type { Context, Item, Match } from '../../core/connector.ts';
import { type Fault, rejected } from '../../core/fault.ts';
import type { CatalogueItem } from '../../model/catalogue-item.ts';
import { documents } from './documents.ts';
import { allOf, type Page } from './pages.ts';
import { anyOf } from './search-terms.ts';
import type { Shop } from './shop.ts';

export interface Variant {
  readonly id: string;
  readonly sku: string | null;
  readonly barcode: string | null;
}

/** A product of the shop with all of its variants. */
export interface Held {
  readonly id: string;
  readonly title: string;
  readonly variants: readonly Variant[];
}

interface Product {
  readonly id: string;
  readonly title: string;
  readonly variants: Page<Variant>;
}

/** What the shop has already that an item could be: nothing, one product, or something that a person must look at. */
export type Candidate =
  | { readonly absent: true }
  | { readonly held: Held; readonly by: string }
  | { readonly fault: Fault };

/** The same, for what is asked before anything is written. */
export const matchOf = (candidate: Candidate): Match => {
  if ('fault' in candidate) return { match: 'several', message: candidate.fault.message };
  return 'held' in candidate ? { match: 'one', id: candidate.held.id, by: candidate.by } : { match: 'none' };
};

/** Items whose variants are searched for in one call. */
const MOST_VARIANTS = 20;

const sameSku = ({ sku }: Variant, wanted: string): boolean =>
  sku?.trim().toUpperCase() === wanted.trim().toUpperCase();

type Wanted = CatalogueItem['variants'][number];

/** The variant that one of an item is: by its SKU, or by its barcode where the shop has no SKU for it. */
export const variantLike = <V extends Variant>(held: readonly V[], { sku, barcode }: Wanted): V | undefined =>
  held.find((one) => sameSku(one, sku)) ??
  held.find((one) => !one.sku?.trim() && barcode !== null && one.barcode === barcode);

/** Whether a variant has the SKU or the barcode of one of an item's, rightly or not. */
const resembles = (one: Variant, { sku, barcode }: Wanted): boolean =>
  sameSku(one, sku) || (barcode !== null && one.barcode === barcode);

/** A product by its id or handle, with all of its variants; null where there is none. */
export async function productBy(
  shop: Shop,
  identifier: { readonly id: string } | { readonly handle: string },
  cx: Context,
): Promise<Held | null> {
  const told = await shop.call<{ productByIdentifier: Product | null }>(documents.productNow, { identifier }, cx);
  const product = told.productByIdentifier;
  return product && { id: product.id, title: product.title, variants: await variantsOf(shop, product, cx) };
}

export async function variantsOf(shop: Shop, product: Omit<Product, 'title'>, cx: Context): Promise<Variant[]> {
  return allOf(product.variants, async (after) => {
    const { product: more } = await shop.call<{ product: Product | null }>(
      documents.moreVariants,
      { id: product.id, after },
      cx,
    );
    return more?.variants;
  });
}

/**
 * What the shop has by the SKUs and barcodes of items, one answer per item, same order. A product is an item's where all that it has are variants of the item:
 * what the item does not have would be taken from the shop when it is set. What changed in the last seconds may not be found yet.
 *
 * @see https://shopify.dev/docs/api/usage/search-syntax
 */
export async function candidatesOf(
  shop: Shop,
  items: readonly Item<CatalogueItem>[],
  cx: Context,
): Promise<Candidate[]> {
  const wanted = items.flatMap(({ document }) => document.variants);
  const found: (Variant & { readonly product: { readonly id: string } })[] = [];
  for (let from = 0; from < wanted.length; from += MOST_VARIANTS) {
    const query = anyOf(
      wanted
        .slice(from, from + MOST_VARIANTS)
        .flatMap(({ sku, barcode }): [string, string][] => [
          ['sku', sku],
          ...(barcode === null ? [] : [['barcode', barcode] as [string, string]]),
        ]),
    );
    const ask = async (after: string | null) =>
      (await shop.call<{ productVariants: Page<(typeof found)[number]> }>(documents.variantsLike, { query, after }, cx))
        .productVariants;
    found.push(...(await allOf(await ask(null), ask)));
  }
  const answers: Candidate[] = [];
  for (const { document } of items) {
    const alike = found.filter((one) => document.variants.some((variant) => resembles(one, variant)));
    const products: Held[] = [];
    for (const id of new Set(alike.map(({ product }) => product.id))) {
      const held = await productBy(shop, { id }, cx);
      if (held) products.push(held);
    }
    answers.push(candidateOf(document, products));
  }
  return answers;
}

function candidateOf({ id, variants }: CatalogueItem, products: readonly Held[]): Candidate {
  const [one] = products;
  if (!one) return { absent: true };
  const shown = products.map((product) => shownOf(product, variants)).join(' and ');
  if (products.length > 1)
    return fault(
      `The shop has ${products.length} products with SKUs or barcodes of item ${id}: ${shown}. Correct all but one there, then retry`,
    );
  const known = new Set(variants.map((variant) => variantLike(one.variants, variant)?.id));
  const others = one.variants.filter((variant) => !known.has(variant.id));
  if (others.length > 0)
    return fault(
      `The shop has ${shown}, and other variants in it that item ${id} does not have (${others.map(nameOf).join(', ')}): correct one of the two, then retry`,
    );
  return {
    held: one,
    by: variants.some(({ sku }) => one.variants.some((held) => sameSku(held, sku))) ? 'SKU' : 'barcode',
  };
}

/** Of a product that is another item's already: what is said of the one would undo what is said of the other. */
export const ownedBy = (other: string, held: Held, { id, variants }: CatalogueItem): Fault =>
  ambiguous(
    `The shop has ${shownOf(held, variants)}, and there that is item ${other} already. Give one of the two items SKUs and barcodes of its own, then retry; or go on with item ${other} alone and dismiss what is told of item ${id}`,
  );

const ambiguous = (message: string): Fault => rejected(message, 'product-ambiguous', 'variants').fault;
const fault = (message: string): Candidate => ({ fault: ambiguous(message) });

const nameOf = ({ id, sku }: Variant): string => sku?.trim() || id;

const shownOf = ({ id, title, variants }: Held, wanted: readonly Wanted[]): string =>
  `'${title}' (${[...variants.filter((one) => wanted.some((variant) => resembles(one, variant))).map(nameOf), id].join(', ')})`;
