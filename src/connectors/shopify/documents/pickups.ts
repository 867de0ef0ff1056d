import { mutation, query } from './document.ts';

/** Calls about goods that a customer collects in a store. */
export const pickupCalls = {
  prepared: mutation(
    'PreparedForPickup',
    ['shipments'],
    `mutation PreparedForPickup($input: FulfillmentOrderLineItemsPreparedForPickupInput!) {
  fulfillmentOrderLineItemsPreparedForPickup(input: $input) {
    userErrors { code field message }
  }
}`,
  ),
  fulfilled: query(
    'Fulfilled',
    ['shipments'],
    `query Fulfilled($id: ID!, $after: String) {
  fulfillment(id: $id) {
    id location { id }
    fulfillmentLineItems(first: 100, after: $after) {
      pageInfo { hasNextPage endCursor }
      nodes { id quantity lineItem { id } }
    }
  }
}`,
  ),
};
