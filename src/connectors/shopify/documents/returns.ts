import { type Document, mutation, PAGE, query } from './document.ts';

/** Key of an order's metafield, in the app's own namespace, with what of its returns the books have told (`claims.ts`). */
export const CLAIMS = 'crossdock_returns';

/** Lines that Shopify takes of a return in one call. */
export const MOST_LINES = 250;

const REVERSE_LINES = `${PAGE} nodes { id totalQuantity dispositions { quantity } fulfillmentLineItem { id } }`;

/** Calls that tell of goods that came back. */
export const returnCalls = {
  returnsOfOrder: query(
    'ReturnsOfOrder',
    ['returns', 'refunds'],
    `query ReturnsOfOrder($id: ID!, $after: String) {
  order(id: $id) {
    id name
    returnsTaken: metafield(key: "${CLAIMS}") { value compareDigest }
    returns(first: 10, after: $after) {
      ${PAGE}
      nodes { id status returnLineItems(first: 30) { ${PAGE} nodes { __typename ... on ReturnLineItem { returnReasonNote } } } }
    }
  }
}`,
  ),
  returnNow: query(
    'ReturnNow',
    ['returns', 'refunds'],
    `query ReturnNow($id: ID!, $after: String, $reverseAfter: String) {
  return(id: $id) {
    id name status
    returnLineItems(first: 50, after: $after) {
      ${PAGE}
      nodes { __typename id ... on ReturnLineItem { unprocessedQuantity fulfillmentLineItem { id lineItem { id } } } }
    }
    reverseFulfillmentOrders(first: 2, after: $reverseAfter) { ${PAGE} nodes { id lineItems(first: 50) { ${REVERSE_LINES} } } }
  }
}`,
  ),
  moreReverseLines: query(
    'MoreReverseLines',
    ['returns', 'refunds'],
    `query MoreReverseLines($id: ID!, $after: String!) {
  reverseFulfillmentOrder(id: $id) { lineItems(first: 100, after: $after) { ${REVERSE_LINES} } }
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
        returnLineItems(first: 50) {
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
    `query LeftToShip($id: ID!, $after: String) {
  order(id: $id) { fulfillmentOrders(first: 20, after: $after) { ${PAGE} nodes { status } } }
}`,
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
