import { fields, mutation, query } from './documents.ts';

/** Calls about customers. */
export const customerCalls = {
  changedCustomers: query(
    'ChangedCustomers',
    ['customers'],
    `query ChangedCustomers($query: String!, $after: String) {
  customers(first: 100, after: $after, query: $query, sortKey: UPDATED_AT) {
    pageInfo { hasNextPage endCursor }
    nodes { ${fields.customer} }
  }
}`,
  ),
  customersLike: query(
    'CustomersLike',
    ['customers'],
    `query CustomersLike($query: String!, $after: String) {
  customers(first: 50, after: $after, query: $query) {
    pageInfo { hasNextPage endCursor }
    nodes { id defaultEmailAddress { emailAddress } }
  }
}`,
  ),
  setCustomer: mutation(
    'SetCustomer',
    ['customers'],
    `mutation SetCustomer($input: CustomerInput!) {
  customerUpdate(input: $input) {
    customer { ${fields.customer} }
    userErrors { field message }
  }
}`,
  ),
};
