import type { Context } from '../../core/connector.ts';
import type { CatalogueItem } from '../../model/catalogue-item.ts';
import {
  type Candidate,
  candidateOf,
  type HeldProduct,
  type HeldVariant,
  resembles,
} from '../../model/catalogue-match.ts';
import { listed, type Shop } from './shop.ts';

export interface Variant extends HeldVariant {
  readonly title: string;
  readonly weight: number | null;
  readonly manage_inventory: boolean;
  readonly created_at: string;
  readonly options: readonly { readonly value: string; readonly option: { readonly title: string } }[];
  /** Missing while Medusa makes or changes the variant. */
  readonly prices?: readonly { readonly id: string }[];
  readonly inventory_items: readonly {
    readonly inventory_item_id: string;
    readonly inventory?: { readonly location_levels: readonly { readonly location_id: string }[] } | null;
  }[];
}

interface Option {
  readonly id: string;
  readonly title: string;
  /** False where other products have it too. */
  readonly is_exclusive: boolean;
  readonly values: readonly { readonly value: string }[];
}

/** A product of the shop with all of its variants. */
export interface Held extends HeldProduct {
  readonly description: string | null;
  readonly status: string;
  readonly created_at: string;
  readonly options: readonly Option[];
  readonly variants: readonly Variant[];
}

const FIELDS = [
  ...['id', 'title', 'description', 'status', 'created_at'],
  ...['id', 'title', 'is_exclusive', 'values.value'].map((name) => `options.${name}`),
  ...['id', 'title', 'sku', 'barcode', 'ean', 'upc', 'weight', 'manage_inventory', 'created_at'].map(
    (name) => `variants.${name}`,
  ),
  ...['options.value', 'options.option.title', 'prices.id', 'inventory_items.inventory_item_id'].map(
    (name) => `variants.${name}`,
  ),
  'variants.inventory_items.inventory.location_levels.location_id',
].join(',');

const PAGE = 200;

/** A product by its id, or by its handle; null where there is none. */
export async function productBy(
  shop: Shop,
  by: { readonly id: string } | { readonly handle: string },
  cx: Context,
): Promise<Held | null> {
  if ('id' in by)
    return whole((await shop.readOne<{ product: Held }>(`/admin/products/${by.id}`, FIELDS, cx))?.product);
  const { products } = await shop.read<{ products: Held[] }>('/admin/products', { ...by, fields: FIELDS }, cx);
  return whole(products[0]);
}

/** The product with all of its lists, or null where there is none. Prices are asked for where they are needed. Throws `transient`. */
function whole(held: Held | undefined): Held | null {
  if (!held) return null;
  for (const { title, values } of listed(held.options, `the options of ${held.title}`))
    listed(values, `the values of ${title} of ${held.title}`);
  for (const { title, options, inventory_items, manage_inventory } of listed(
    held.variants,
    `the variants of ${held.title}`,
  )) {
    const name = `${held.title}, ${title}`;
    listed(options, `the options of ${name}`);
    for (const { inventory } of manage_inventory ? listed(inventory_items, `what ${name} is counted by`) : [])
      listed(inventory?.location_levels, `where ${name} is stocked`);
  }
  return held;
}

interface Listed extends HeldVariant {
  readonly product_id: string;
}

/** Variants in whose SKU, barcodes or title a text stands, in letters of any case: Medusa compares exactly where it is asked for a SKU. */
async function variantsWith(shop: Shop, text: string, cx: Context): Promise<Listed[]> {
  const found: Listed[] = [];
  for (;;) {
    const page = { limit: String(PAGE), offset: String(found.length), order: 'id' };
    const query = { q: text, fields: 'id,product_id,sku,barcode,ean,upc', ...page };
    const { variants } = await shop.read<{ variants: Listed[] }>('/admin/product-variants', query, cx);
    found.push(...variants);
    if (variants.length < PAGE) return found;
  }
}

/** What the shop has by the SKUs and barcodes of an item. */
export async function candidateIn(shop: Shop, item: CatalogueItem, cx: Context): Promise<Candidate<Held>> {
  const ids = new Set<string>();
  for (const variant of item.variants)
    for (const text of [variant.sku, variant.barcode])
      for (const one of text === null ? [] : await variantsWith(shop, text, cx))
        if (resembles(one, variant)) ids.add(one.product_id);
  const products: Held[] = [];
  for (const id of ids) {
    const held = await productBy(shop, { id }, cx);
    if (held) products.push(held);
  }
  return candidateOf(item, products);
}
