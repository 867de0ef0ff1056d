import { CUSTOMER } from './customers.ts';
import { type Document, mutation, query } from './document.ts';
import { orderFields } from './orders.ts';
import { VARIANT } from './products.ts';

const OPERATION = 'id status errorCode createdAt objectCount query url partialDataUrl';

/** Calls about bulk operations. Grouped, although Shopify takes longer for it: else an object's parts could stand anywhere, and all of the file would have to be held. */
export const bulkCalls = {
  ordersCount: query(
    'OrdersCount',
    ['orders'],
    'query OrdersCount($query: String, $limit: Int) { ordersCount(query: $query, limit: $limit) { count } }',
  ),
  productsCount: query(
    'ProductsCount',
    ['products'],
    'query ProductsCount($query: String, $limit: Int) { productsCount(query: $query, limit: $limit) { count } }',
  ),
  customersCount: query(
    'CustomersCount',
    ['customers'],
    'query CustomersCount($query: String, $limit: Int) { customersCount(query: $query, limit: $limit) { count } }',
  ),
  runBulk: mutation(
    'RunBulk',
    ['orders', 'products', 'customers'],
    `mutation RunBulk($query: String!) {
  bulkOperationRunQuery(query: $query, groupObjects: true) {
    bulkOperation { ${OPERATION} }
    userErrors { code field message }
  }
}`,
  ),
  bulkNow: query(
    'BulkNow',
    ['orders', 'products', 'customers'],
    `query BulkNow($id: ID!) { bulkOperation(id: $id) { ${OPERATION} } }`,
  ),
  bulksLately: query(
    'BulksLately',
    ['orders', 'products', 'customers'],
    `query BulksLately($query: String!) { bulkOperations(first: 100, query: $query) { nodes { ${OPERATION} } } }`,
  ),
} as const satisfies Record<string, Document>;

const part = (name: string, selection: string): string => `${name} { edges { node { __typename ${selection} } } }`;

/**
 * What bulk operations are asked: no variables, at most five connections two deep, none within a list; so what came back and was refunded is not in it.
 *
 * @see https://shopify.dev/docs/api/usage/bulk-operations/queries#operation-restrictions
 */
export const bulkQueries = {
  orders: (search: string): Document =>
    query(
      'OrdersInBulk',
      ['orders'],
      `query OrdersInBulk {
  orders(query: ${JSON.stringify(search)}) { edges { node {
    ${orderFields.order}
    returnStatus
    ${part('lineItems', orderFields.line)}
    ${part('shippingLines(includeRemovals: true)', orderFields.shippingLine)}
    ${part('fulfillmentOrders', orderFields.toShip)}
  } } }
}`,
    ),
  products: (search: string): Document =>
    query(
      'ProductsInBulk',
      ['products'],
      `query ProductsInBulk {
  products(query: ${JSON.stringify(search)}) { edges { node {
    id title updatedAt isGiftCard
    ${part('variants', VARIANT)}
  } } }
}`,
    ),
  customers: (search: string): Document =>
    query(
      'CustomersInBulk',
      ['customers'],
      `query CustomersInBulk {
  customers(query: ${JSON.stringify(search)}) { edges { node { ${CUSTOMER} } } }
}`,
    ),
};
