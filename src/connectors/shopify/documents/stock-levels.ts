import { type Document, mutation, query } from './document.ts';

/** Calls that read and write what is available. */
export const stockCalls = {
  stockNow: query(
    'StockNow',
    ['stockLevels'],
    `query StockNow($ids: [ID!]!, $location: ID!) {
  nodes(ids: $ids) {
    __typename
    ... on ProductVariant {
      id
      inventoryItem {
        id tracked
        inventoryLevel(locationId: $location) { id quantities(names: ["available"]) { quantity updatedAt } }
      }
    }
  }
}`,
  ),
  setStock: mutation(
    'SetStock',
    ['stockLevels'],
    `mutation SetStock($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { changes(quantityNames: ["available"]) { delta item { id } location { id } } }
    userErrors { code field message }
  }
}`,
  ),
} as const satisfies Record<string, Document>;
