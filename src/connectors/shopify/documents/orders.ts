import { CUSTOMER } from './customers.ts';
import { type Document, MONEY, most, PAGE, query } from './document.ts';
import { CLAIMS } from './returns.ts';

const ADDRESS = `{ name company address1 address2 city zip provinceCode countryCodeV2 phone }`;
const TAX_LINES = `taxLines { title ratePercentage priceSet ${MONEY} }`;
const DISCOUNTS = `discountAllocations { allocatedAmountSet ${MONEY} }`;

const LINE = `id sku name title quantity currentQuantity isGiftCard requiresShipping
  product { id }
  lineItemGroup { title }
  originalUnitPriceSet ${MONEY}
  ${DISCOUNTS}
  ${TAX_LINES}
  duties { id price ${MONEY} ${TAX_LINES} }`;

const LINE_ITEM = `fragment Line on LineItem { ${LINE} }`;
const SHIPPING_LINE = `id title code isRemoved originalPriceSet ${MONEY} ${DISCOUNTS} ${TAX_LINES}`;
const PAYMENT = `id kind status gateway processedAt amountSet ${MONEY}`;
const TO_SHIP = 'status assignedLocation { location { id } } deliveryMethod { methodType maxDeliveryDateTime }';

const REFUND_LINES = `pageInfo { hasNextPage endCursor }
    nodes { id quantity restockType location { id } lineItem { id } subtotalSet ${MONEY} totalTaxSet ${MONEY} }`;

const RETURN_LINES = `pageInfo { hasNextPage endCursor }
    nodes { __typename id quantity returnReasonDefinition { handle } ... on ReturnLineItem { returnReasonNote fulfillmentLineItem { lineItem { id } } } }`;

const RETURNS = `${PAGE}
      nodes { id name status createdAt closedAt returnLineItems(first: 10) { ${RETURN_LINES} } }`;
const PLACE_LINES = `${PAGE} nodes { totalQuantity lineItem { id } }`;

const ORDER_FIELDS = `id name createdAt processedAt updatedAt cancelledAt edited test
  currencyCode presentmentCurrencyCode taxesIncluded requiresShipping
  totalPriceSet ${MONEY} currentTotalPriceSet ${MONEY}
  customer { ${CUSTOMER} }
  shippingAddress ${ADDRESS}
  billingAddress ${ADDRESS}
  email phone
  retailLocation { id }
  additionalFees { id name price ${MONEY} ${TAX_LINES} }
  transactions(first: ${most.payments}) { ${PAYMENT} }
  refunds(first: 1) { id }`;

/** Costs no more than a few hundred points, so that several orders fit into one call: what few orders have is read in a call of its own. */
const ORDER = `fragment OrderParts on Order {
  ${ORDER_FIELDS}
  lineItems(first: 10) { pageInfo { hasNextPage endCursor } nodes { ...Line } }
  shippingLines(first: 3, includeRemovals: true) { ${PAGE} nodes { ${SHIPPING_LINE} } }
  fulfillmentOrders(first: 5) { nodes { ${TO_SHIP} } }
  returns(first: 1) { nodes { id } }
}`;

/** What bulk operations ask for as well, so that a record is the same fact whichever way it was read. */
export const orderFields = {
  order: ORDER_FIELDS,
  line: LINE,
  shippingLine: SHIPPING_LINE,
  toShip: TO_SHIP,
};

/** Calls that read orders, with all that is of them. */
export const orderCalls = {
  changedOrders: query(
    'ChangedOrders',
    ['orders'],
    `query ChangedOrders($query: String!, $after: String) {
  orders(first: 250, after: $after, query: $query, sortKey: UPDATED_AT) {
    pageInfo { hasNextPage endCursor }
    nodes { id updatedAt }
  }
}`,
  ),
  ordersWhole: query(
    'OrdersWhole',
    ['orders'],
    `query OrdersWhole($ids: [ID!]!) {
  nodes(ids: $ids) { __typename ... on Order { ...OrderParts } }
}
${ORDER}
${LINE_ITEM}`,
  ),
  orderAfter: query(
    'OrderAfter',
    ['orders'],
    `query OrderAfter($id: ID!) {
  order(id: $id) {
    updatedAt
    returnsTaken: metafield(key: "${CLAIMS}") { value }
    refunds(first: ${most.refunds}) {
      id processedAt note
      return { id }
      totalRefundedSet ${MONEY}
      refundLineItems(first: 30) { ${REFUND_LINES} }
      refundShippingLines(first: 5) { ${PAGE} nodes { id shippingLine { id } subtotalAmountSet ${MONEY} taxAmountSet ${MONEY} } }
      orderAdjustments(first: 5) { ${PAGE} nodes { reason amountSet ${MONEY} } }
      transactions(first: 10) { ${PAGE} nodes { gateway kind status } }
    }
    returns(first: 10) {
      ${RETURNS}
    }
  }
}`,
  ),
  moreReturns: query(
    'MoreReturns',
    ['orders'],
    `query MoreReturns($id: ID!, $after: String!) {
  order(id: $id) {
    updatedAt
    returns(first: 10, after: $after) {
      ${RETURNS}
    }
  }
}`,
  ),
  allPayments: query(
    'AllPayments',
    ['orders'],
    `query AllPayments($id: ID!) { order(id: $id) { updatedAt transactions { ${PAYMENT} } } }`,
  ),
  moreShippingLines: query(
    'MoreShippingLines',
    ['orders'],
    `query MoreShippingLines($id: ID!, $after: String!) {
  order(id: $id) {
    updatedAt
    shippingLines(first: 20, after: $after, includeRemovals: true) { ${PAGE} nodes { ${SHIPPING_LINE} } }
  }
}`,
  ),
  orderEdits: query(
    'OrderEdits',
    ['orders'],
    `query OrderEdits($id: ID!, $after: String) {
  order(id: $id) {
    updatedAt
    agreements(first: 4, after: $after) {
      pageInfo { hasNextPage endCursor }
      nodes {
        __typename happenedAt
        ... on OrderEditAgreement { sales(first: 60) { ${PAGE} nodes { __typename actionType totalAmount ${MONEY} } } }
      }
    }
  }
}`,
  ),
  orderPlaces: query(
    'OrderPlaces',
    ['orders'],
    `query OrderPlaces($id: ID!, $after: String) {
  order(id: $id) {
    updatedAt
    fulfillmentOrders(first: 10, after: $after) {
      ${PAGE}
      nodes {
        id ${TO_SHIP}
        lineItems(first: 40) { ${PLACE_LINES} }
      }
    }
  }
}`,
  ),
  morePlaceLines: query(
    'MorePlaceLines',
    ['orders'],
    `query MorePlaceLines($id: ID!, $after: String!) {
  fulfillmentOrder(id: $id) { order { updatedAt } lineItems(first: 200, after: $after) { ${PLACE_LINES} } }
}`,
  ),
  moreRefundLines: query(
    'MoreRefundLines',
    ['orders'],
    `query MoreRefundLines($id: ID!, $after: String!) {
  refund(id: $id) { refundLineItems(first: 100, after: $after) { ${REFUND_LINES} } }
}`,
  ),
  moreReturnLines: query(
    'MoreReturnLines',
    ['orders', 'returns', 'refunds'],
    `query MoreReturnLines($id: ID!, $after: String!) {
  return(id: $id) { returnLineItems(first: 100, after: $after) { ${RETURN_LINES} } }
}`,
  ),
  moreLines: query(
    'MoreLines',
    ['orders'],
    `query MoreLines($id: ID!, $after: String!) {
  order(id: $id) { updatedAt lineItems(first: 50, after: $after) { pageInfo { hasNextPage endCursor } nodes { ...Line } } }
}
${LINE_ITEM}`,
  ),
} as const satisfies Record<string, Document>;
