import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { bodyWithin } from '../../core/bounded.ts';
import type { Item } from '../../core/connector.ts';
import { readJson } from '../../core/json.ts';
import type { CatalogueItem } from '../../model/catalogue-item.ts';
import { Id, message, objection, orNull, Version } from './contract.ts';

const Text = (about: string) => Type.String({ maxLength: 500, description: about });

const Variant = Type.Object({
  sku: Id('Code: levels, prices and sales name it by this.'),
  barcode: orNull(Type.String({ pattern: '^\\d{6,14}$', description: 'GTIN as digits.' })),
  values: Type.Array(Text('One for each option, in the same order.'), { maxItems: 20 }),
  weight: Type.Union([Type.Integer({ minimum: 0, description: 'Grams.' }), Type.Null()]),
});

/** What the store may sell, with its variants. */
const Product = Type.Object(
  {
    id: Id('Stable for the life of the product.'),
    title: Type.String({ minLength: 1, maxLength: 500 }),
    description: Type.String({ maxLength: 100_000, description: 'HTML or plain text.' }),
    brand: orNull(Text('Brand.')),
    categories: Type.Array(Text('The most specific one last.'), { maxItems: 50 }),
    sold: Type.Boolean({ description: 'False: it is withdrawn, and nothing of it is sold any more.' }),
    options: Type.Array(Text('What its variants differ in; empty for one that has one variant.'), { maxItems: 20 }),
    variants: Type.Array(Variant, {
      minItems: 1,
      maxItems: 2048,
      description: 'All of them: one that is not there any more is withdrawn, unless another product has its code.',
    }),
    version: Version,
  },
  { title: 'Product' },
);

/** Products in one message. */
export const MOST_PRODUCTS = 20;

export const catalogue = {
  changed: message(
    'product.changed',
    Type.Object({ products: Type.Array(Product, { minItems: 1, maxItems: MOST_PRODUCTS }) }),
  ),
  /** What a store answers 422 where it was told of products that it does not know. */
  unknown: Type.Object(
    {
      detail: Type.Optional(Type.String({ description: 'The same in words.' })),
      unknown: Type.Array(Id('Code of a product that it was not told of.'), { minItems: 1, maxItems: 100 }),
    },
    { title: 'ProductsUnknown' },
  ),
};

const checks = { product: Compile(Product), unknown: Compile(catalogue.unknown) };

/** What the store hears of a product. */
export const productChanged = ({ document, version }: Item<CatalogueItem>): object => {
  const { status, ...item } = document;
  return { ...item, sold: status === 'active', version };
};

/** What keeps a product from being told: the contract, or that its variants differ in other options than it has. */
export function productObjection(told: object, { id, options, variants }: CatalogueItem): ReturnType<typeof objection> {
  const other = variants.find(({ values }) => values.length !== options.length);
  if (!other) return objection(checks.product, told);
  const message = `Item ${id}: variant ${other.sku} has ${other.values.length} values for ${options.length} options.`;
  return { field: 'variants', message };
}

/** Codes that a store says it does not know, in upper case; none where its answer does not say so. */
export async function unknownIn(response: Response): Promise<string[]> {
  try {
    const value = readJson(await bodyWithin(response, 64 * 1024, 'the store'));
    return checks.unknown.Check(value) ? value.unknown.map((sku) => sku.toUpperCase()) : [];
  } catch {
    return [];
  }
}
