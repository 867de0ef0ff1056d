import type { Match } from '../core/connector.ts';
import { type Fault, rejected } from '../core/fault.ts';
import type { CatalogueItem } from './catalogue-item.ts';

/** A variant as a shop has it. */
export interface HeldVariant {
  readonly id: string;
  readonly sku: string | null;
  readonly barcode: string | null;
  /** Where the shop keeps more than one barcode. */
  readonly ean?: string | null;
  readonly upc?: string | null;
}

/** A product of a shop with all of its variants. */
export interface HeldProduct {
  readonly id: string;
  readonly title: string;
  readonly variants: readonly HeldVariant[];
}

/** What the shop has already that an item could be: nothing, one product, or something that a person must look at. */
export type Candidate<P extends HeldProduct> =
  | { readonly absent: true }
  | { readonly held: P; readonly by: string }
  | { readonly fault: Fault };

type Wanted = CatalogueItem['variants'][number];

/** The same, for what is asked before anything is written. */
export const matchOf = (candidate: Candidate<HeldProduct>): Match => {
  if ('fault' in candidate) return { match: 'several', message: candidate.fault.message };
  return 'held' in candidate ? { match: 'one', id: candidate.held.id, by: candidate.by } : { match: 'none' };
};

export const sameSku = ({ sku }: Pick<HeldVariant, 'sku'>, wanted: string): boolean =>
  sku?.trim().toUpperCase() === wanted.trim().toUpperCase();

const sameBarcode = ({ barcode, ean, upc }: HeldVariant, wanted: string | null): boolean =>
  wanted !== null && [barcode, ean, upc].includes(wanted);

/** The variant that one of an item is: by its SKU, or by its barcode where the shop has no SKU for it. */
export const variantLike = <V extends HeldVariant>(held: readonly V[], { sku, barcode }: Wanted): V | undefined =>
  held.find((one) => sameSku(one, sku)) ?? held.find((one) => !one.sku?.trim() && sameBarcode(one, barcode));

/** Whether a variant has the SKU or the barcode of one of an item's, rightly or not. */
export const resembles = (one: HeldVariant, { sku, barcode }: Wanted): boolean =>
  sameSku(one, sku) || sameBarcode(one, barcode);

/**
 * What a shop's products with SKUs or barcodes of an item come to. A product is an item's where all that it has are variants of the item: what the item does
 * not have would be taken from the shop when it is set.
 */
export function candidateOf<P extends HeldProduct>(
  { id, variants }: CatalogueItem,
  products: readonly P[],
): Candidate<P> {
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
export const ownedBy = (other: string, held: HeldProduct, { id, variants }: CatalogueItem): Fault =>
  ambiguous(
    `The shop has ${shownOf(held, variants)}, and there that is item ${other} already. Give one of the two items SKUs and barcodes of its own, then retry; or go on with item ${other} alone and dismiss what is told of item ${id}`,
  );

const ambiguous = (message: string): Fault => rejected(message, 'product-ambiguous', 'variants').fault;
const fault = (message: string): { readonly fault: Fault } => ({ fault: ambiguous(message) });

const nameOf = ({ id, sku }: HeldVariant): string => sku?.trim() || id;

const shownOf = ({ id, title, variants }: HeldProduct, wanted: readonly Wanted[]): string =>
  `'${title}' (${[...variants.filter((one) => wanted.some((variant) => resembles(one, variant))).map(nameOf), id].join(', ')})`;
