import { CLAIMS, type Document, mutation, query } from './documents.ts';

/** Lines of a return that are read in one call. */
export const MOST_LINES = 50;

/** Calls that tell of goods that came back. */
export const returnCalls = {
  returnsOfOrder: query(
    'ReturnsOfOrder',
    ['returns', 'refunds'],
    `query ReturnsOfOrder($id: ID!) {
  order(id: $id) {
    id name
    returnsTaken: metafield(key: "${CLAIMS}") { value compareDigest }
    returns(first: 50) {
      nodes { id status returnLineItems(first: 1) { nodes { __typename ... on ReturnLineItem { returnReasonNote } } } }
    }
  }
}`,
  ),
  returnNow: query(
    'ReturnNow',
    ['returns'],
    `query ReturnNow($id: ID!) {
  return(id: $id) {
    id name status
    returnLineItems(first: ${MOST_LINES}) {
      nodes { __typename id ... on ReturnLineItem { unprocessedQuantity fulfillmentLineItem { id lineItem { id } } } }
    }
    reverseFulfillmentOrders(first: 5) {
      nodes { id lineItems(first: ${MOST_LINES}) { nodes { id totalQuantity dispositions { quantity } fulfillmentLineItem { id } } } }
    }
  }
}`,
  ),
  returnable: query(
    'Returnable',
    ['returns', 'refunds'],
    `query Returnable($id: ID!, $after: String) {
  returnableFulfillments(orderId: $id, first: 3, after: $after) {
    pageInfo { hasNextPage endCursor }
    nodes {
      returnableFulfillmentLineItems(first: 60) {
        pageInfo { hasNextPage endCursor }
        nodes { quantity fulfillmentLineItem { id lineItem { id } } }
      }
    }
  }
}`,
  ),
  returned: query(
    'ReturnedUnits',
    ['refunds'],
    `query ReturnedUnits($id: ID!, $after: String) {
  order(id: $id) {
    returns(first: 4, after: $after) {
      pageInfo { hasNextPage endCursor }
      nodes {
        id name status
        returnLineItems(first: ${MOST_LINES}) {
          pageInfo { hasNextPage endCursor }
          nodes { __typename id ... on ReturnLineItem { quantity unprocessedQuantity fulfillmentLineItem { lineItem { id } } } }
        }
      }
    }
  }
}`,
  ),
  toShip: query(
    'LeftToShip',
    ['returns'],
    'query LeftToShip($id: ID!) { order(id: $id) { fulfillmentOrders(first: 20) { nodes { status } } } }',
  ),
  reasons: query(
    'ReturnReasons',
    ['returns'],
    `query ReturnReasons($handles: [String!]!) {
  returnReasonDefinitions(first: 10, handles: $handles) { nodes { id handle } }
}`,
  ),
  open: mutation(
    'OpenReturn',
    ['returns'],
    `mutation OpenReturn($input: ReturnInput!) {
  returnCreate(returnInput: $input) { return { id status } userErrors { code field message } }
}`,
  ),
  claim: mutation(
    'ClaimReturn',
    ['returns'],
    `mutation ClaimReturn($metafields: [MetafieldsSetInput!]!) {
  metafieldsSet(metafields: $metafields) { metafields { id } userErrors { code field message } }
}`,
  ),
  process: mutation(
    'ProcessReturn',
    ['returns'],
    `mutation ProcessReturn($input: ReturnProcessInput!) {
  returnProcess(input: $input) { return { id status } userErrors { code field message } }
}`,
  ),
  close: mutation(
    'CloseReturn',
    ['returns'],
    `mutation CloseReturn($id: ID!) {
  returnClose(id: $id) { return { id status } userErrors { code field message } }
}`,
  ),
} as const satisfies Record<string, Document>;
