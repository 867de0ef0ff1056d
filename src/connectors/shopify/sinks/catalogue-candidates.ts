import type { Context, Item } from '../../../core/connector.ts';
import type { CatalogueItem } from '../../../model/catalogue-item.ts';
import {
  type Candidate,
  candidateOf,
  type HeldProduct,
  type HeldVariant,
  resembles,
} from '../../../model/catalogue-match.ts';
import { productCalls } from '../documents/products.ts';
import { allOf, type Page } from '../pages.ts';
import type { Shop } from '../shop.ts';
import { anyOf } from './search-terms.ts';

export type Variant = HeldVariant;

/** A product of the shop with all of its variants. */
export interface Held extends HeldProduct {
  readonly variants: readonly Variant[];
}

interface Product {
  readonly id: string;
  readonly title: string;
  readonly variants: Page<Variant>;
}

/** Items whose variants are searched for in one call. */
const MOST_VARIANTS = 20;

/** A product by its id or handle, with all of its variants; null where there is none. */
export async function productBy(
  shop: Shop,
  identifier: { readonly id: string } | { readonly handle: string },
  cx: Context,
): Promise<Held | null> {
  const told = await shop.call<{ productByIdentifier: Product | null }>(productCalls.productNow, { identifier }, cx);
  const product = told.productByIdentifier;
  return product && { id: product.id, title: product.title, variants: await variantsOf(shop, product, cx) };
}

export async function variantsOf(shop: Shop, product: Omit<Product, 'title'>, cx: Context): Promise<Variant[]> {
  return allOf(product.variants, async (after) => {
    const { product: more } = await shop.call<{ product: Product | null }>(
      productCalls.moreVariants,
      { id: product.id, after },
      cx,
    );
    return more?.variants;
  });
}

/**
 * What the shop has by the SKUs and barcodes of items, one answer per item, same order. What changed in the last seconds may not be found yet.
 *
 * @see https://shopify.dev/docs/api/usage/search-syntax
 */
export async function candidatesOf(
  shop: Shop,
  items: readonly Item<CatalogueItem>[],
  cx: Context,
): Promise<Candidate<Held>[]> {
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
      (
        await shop.call<{ productVariants: Page<(typeof found)[number]> }>(
          productCalls.variantsLike,
          { query, after },
          cx,
        )
      ).productVariants;
    found.push(...(await allOf(await ask(null), ask)));
  }
  const answers: Candidate<Held>[] = [];
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
