import { type Document, mutation, query } from './document.ts';

/** Calls that write the shop's own prices. */
export const priceCalls = {
  productsOf: query(
    'ProductsOf',
    ['prices'],
    `query ProductsOf($ids: [ID!]!) {
  shop { currencyCode taxesIncluded }
  nodes(ids: $ids) { __typename ... on ProductVariant { id product { id } } }
}`,
  ),
  setPrices: mutation(
    'SetPrices',
    ['prices'],
    `mutation SetPrices($product: ID!, $variants: [ProductVariantsBulkInput!]!) {
  productVariantsBulkUpdate(productId: $product, variants: $variants) {
    productVariants { id price compareAtPrice }
    userErrors { code field message }
  }
}`,
  ),
} as const satisfies Record<string, Document>;
