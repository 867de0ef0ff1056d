import { type Document, mutation, query } from './document.ts';

export const VARIANT = 'id sku barcode title inventoryItem { requiresShipping }';

/** Calls that read and write products and their variants. */
export const productCalls = {
  changedProducts: query(
    'ChangedProducts',
    ['products'],
    `query ChangedProducts($query: String!, $after: String) {
  products(first: 15, after: $after, query: $query, sortKey: UPDATED_AT) {
    pageInfo { hasNextPage endCursor }
    nodes {
      id title updatedAt isGiftCard
      variants(first: 15) {
        pageInfo { hasNextPage endCursor }
        nodes { ${VARIANT} }
      }
    }
  }
}`,
  ),
  moreVariants: query(
    'MoreVariants',
    ['products', 'catalogue'],
    `query MoreVariants($id: ID!, $after: String!) {
  product(id: $id) {
    variants(first: 250, after: $after) {
      pageInfo { hasNextPage endCursor }
      nodes { ${VARIANT} }
    }
  }
}`,
  ),
  setProduct: mutation(
    'SetProduct',
    ['catalogue'],
    `mutation SetProduct($identifier: ProductSetIdentifiers!, $input: ProductSetInput!) {
  productSet(identifier: $identifier, input: $input, synchronous: true) {
    product { id title status variants(first: 100) { pageInfo { hasNextPage endCursor } nodes { id sku barcode } } }
    userErrors { code field message }
  }
}`,
  ),
  productNow: query(
    'ProductNow',
    ['catalogue'],
    `query ProductNow($identifier: ProductIdentifierInput!) {
  productByIdentifier(identifier: $identifier) {
    id title variants(first: 100) { pageInfo { hasNextPage endCursor } nodes { id sku barcode } }
  }
}`,
  ),
  variantsLike: query(
    'VariantsLike',
    ['catalogue'],
    `query VariantsLike($query: String!, $after: String) {
  productVariants(first: 50, after: $after, query: $query) {
    pageInfo { hasNextPage endCursor }
    nodes { id sku barcode product { id } }
  }
}`,
  ),
} as const satisfies Record<string, Document>;
