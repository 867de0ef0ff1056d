import { type Document, mutation, query } from './document.ts';

/** What is said to Shopify of price lists: whose they are, and their fixed prices. */
export const priceListCalls = {
  allPriceLists: query(
    'AllPriceLists',
    ['check'],
    `query AllPriceLists { priceLists(first: 100) { pageInfo { hasNextPage endCursor } nodes { id name currency } } }`,
  ),
  priceLists: query(
    'PriceLists',
    ['prices'],
    `query PriceLists($ids: [ID!]!, $after: String) {
  shop { taxesIncluded }
  nodes(ids: $ids) {
    __typename
    ... on PriceList {
      id name currency
      catalog {
        __typename id
        ... on MarketCatalog {
          markets(first: 20, after: $after) {
            pageInfo { hasNextPage endCursor }
            nodes { name priceInclusions { inclusiveTaxPricingStrategy } }
          }
        }
      }
    }
  }
}`,
  ),
  deleteListPrices: mutation(
    'DeleteListPrices',
    ['prices'],
    `mutation DeleteListPrices($list: ID!, $variants: [ID!]!) {
  priceListFixedPricesDelete(priceListId: $list, variantIds: $variants) {
    deletedFixedPriceVariantIds
    userErrors { code field message }
  }
}`,
  ),
  setListPrices: mutation(
    'SetListPrices',
    ['prices'],
    `mutation SetListPrices($list: ID!, $prices: [PriceListPriceInput!]!) {
  priceListFixedPricesAdd(priceListId: $list, prices: $prices) {
    prices { variant { id } price { amount currencyCode } }
    userErrors { code field message }
  }
}`,
  ),
} as const satisfies Record<string, Document>;
