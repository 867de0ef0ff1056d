/**
 * Every text that is sent to Shopify, by name, with what it serves: when Shopify takes a field away, `check` and the tests can say which flows that
 * touches. All are valid on each of `versions`, which `npm run conform:shopify` proves against the schema that Shopify publishes.
 *
 * `money` is the amount in the currency the connection keeps its books in: the shop's own, or the customer's (`inCurrency`).
 *
 * @see https://shopify.dev/docs/api/admin-graphql
 */
export interface Document {
  readonly name: string;
  /** Ports of the connection that need it. */
  readonly serves: readonly string[];
  readonly writes: boolean;
  readonly text: string;
}

/** API versions that all documents are valid on, the default first. A version is served for at least a year from its first day. */
export const versions = ['2026-07', '2026-10'] as const;
export type ApiVersion = (typeof versions)[number];

export const query = (name: string, serves: readonly string[], text: string): Document => ({
  name,
  serves,
  writes: false,
  text,
});
export const mutation = (name: string, serves: readonly string[], text: string): Document => ({
  name,
  serves,
  writes: true,
  text,
});

/** Key of an order's metafield, in the app's own namespace, with what of its returns the books have told (`claims.ts`). */
export const CLAIMS = 'crossdock_returns';

export const MONEY = '{ money: shopMoney { amount currencyCode } }';

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
/** Whether there is more of a connection, and from where on. */
export const PAGE = 'pageInfo { hasNextPage endCursor }';
const PAYMENT = `id kind status gateway processedAt amountSet ${MONEY}`;
const TO_SHIP = 'status assignedLocation { location { id } } deliveryMethod { methodType maxDeliveryDateTime }';

const REFUND_LINES = `pageInfo { hasNextPage endCursor }
    nodes { id quantity restockType location { id } lineItem { id } subtotalSet ${MONEY} totalTaxSet ${MONEY} }`;

const RETURN_LINES = `pageInfo { hasNextPage endCursor }
    nodes { __typename id quantity returnReasonDefinition { handle } ... on ReturnLineItem { returnReasonNote fulfillmentLineItem { lineItem { id } } } }`;

const RETURNS = `${PAGE}
      nodes { id name status createdAt closedAt returnLineItems(first: 10) { ${RETURN_LINES} } }`;
const PLACE_LINES = `${PAGE} nodes { totalQuantity lineItem { id } }`;

/** Lists that have no pages: Shopify cuts them off, so what is as long as this may be longer. */
export const most = { payments: 50, refunds: 50, fulfilments: 100 } as const;

const CUSTOMER_FIELDS = `id displayName defaultEmailAddress { emailAddress } defaultPhoneNumber { phoneNumber }
    defaultAddress { countryCodeV2 }`;

const ORDER_FIELDS = `id name createdAt processedAt updatedAt cancelledAt edited test
  currencyCode presentmentCurrencyCode taxesIncluded requiresShipping
  totalPriceSet ${MONEY} currentTotalPriceSet ${MONEY}
  customer { ${CUSTOMER_FIELDS} }
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

const VARIANT = 'id sku barcode title inventoryItem { requiresShipping }';

/** What bulk operations ask for as well, so that a record is the same fact whichever way it was read. */
export const fields = {
  order: ORDER_FIELDS,
  line: LINE,
  shippingLine: SHIPPING_LINE,
  toShip: TO_SHIP,
  variant: VARIANT,
  customer: `${CUSTOMER_FIELDS} updatedAt`,
};

export const documents = {
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
  subscriptions: query(
    'Subscriptions',
    ['orders', 'products', 'customers'],
    `query Subscriptions($after: String) {
  webhookSubscriptions(first: 100, after: $after) {
    pageInfo { hasNextPage endCursor }
    nodes { id topic uri format }
  }
}`,
  ),
  subscribe: mutation(
    'Subscribe',
    ['orders', 'products', 'customers'],
    `mutation Subscribe($topic: WebhookSubscriptionTopic!, $subscription: WebhookSubscriptionInput!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $subscription) {
    webhookSubscription { id topic uri }
    userErrors { field message }
  }
}`,
  ),
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
  orderToShip: query(
    'OrderToShip',
    ['shipments'],
    `query OrderToShip($id: ID!, $after: String) {
  order(id: $id) {
    id name cancelledAt
    fulfillments(first: ${most.fulfilments}) { id status trackingInfo { number } }
    fulfillmentOrders(first: 5, after: $after) {
      pageInfo { hasNextPage endCursor }
      nodes {
        id status assignedLocation { location { id } } deliveryMethod { methodType } supportedActions { action }
        lineItems(first: 50) { pageInfo { hasNextPage endCursor } nodes { id remainingQuantity lineItem { id } } }
      }
    }
  }
}`,
  ),
  moreToShip: query(
    'MoreToShip',
    ['shipments'],
    `query MoreToShip($id: ID!, $after: String!) {
  fulfillmentOrder(id: $id) {
    lineItems(first: 200, after: $after) { pageInfo { hasNextPage endCursor } nodes { id remainingQuantity lineItem { id } } }
  }
}`,
  ),
  shippedEvents: query(
    'ShippedEvents',
    ['shipments'],
    `query ShippedEvents($id: ID!, $after: String) {
  fulfillment(id: $id) { id events(first: 50, after: $after) { ${PAGE} nodes { status } } }
}`,
  ),
  tellEvent: mutation(
    'TellEvent',
    ['shipments'],
    `mutation TellEvent($event: FulfillmentEventInput!) {
  fulfillmentEventCreate(fulfillmentEvent: $event) {
    fulfillmentEvent { id status }
    userErrors { field message }
  }
}`,
  ),
  report: mutation(
    'ReportProgress',
    ['shipments'],
    `mutation ReportProgress($id: ID!, $report: FulfillmentOrderReportProgressInput) {
  fulfillmentOrderReportProgress(id: $id, progressReport: $report) {
    fulfillmentOrder { id status }
    userErrors { code field message }
  }
}`,
  ),
  fulfil: mutation(
    'Fulfil',
    ['shipments'],
    `mutation Fulfil($fulfillment: FulfillmentInput!) {
  fulfillmentCreate(fulfillment: $fulfillment) {
    fulfillment { id status trackingInfo { number } }
    userErrors { field message }
  }
}`,
  ),
  correctTracking: mutation(
    'CorrectTracking',
    ['shipments'],
    `mutation CorrectTracking($id: ID!, $tracking: FulfillmentTrackingInput!, $notify: Boolean) {
  fulfillmentTrackingInfoUpdate(fulfillmentId: $id, trackingInfoInput: $tracking, notifyCustomer: $notify) {
    fulfillment { id status trackingInfo { number } }
    userErrors { field message }
  }
}`,
  ),
  shop: query(
    'Shop',
    ['check'],
    `query Shop {
  shop { name myshopifyDomain currencyCode taxesIncluded ianaTimezone }
  publicApiVersions { handle supported displayName }
  currentAppInstallation { accessScopes { handle } }
}`,
  ),
  locations: query('Locations', ['check'], `query Locations { locations(first: 100) { nodes { id name isActive } } }`),
} as const satisfies Record<string, Document>;

/** A document with its amounts in the customer's currency instead of the shop's. */
export const inCurrency = (document: Document, money: 'shop' | 'presentment'): Document =>
  money === 'shop' ? document : { ...document, text: document.text.replaceAll('shopMoney', 'presentmentMoney') };
