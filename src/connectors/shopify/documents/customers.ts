import { mutation, query } from './document.ts';

/** What orders say of their customer, and what is read of customers by themselves. */
export const CUSTOMER = `id updatedAt displayName defaultEmailAddress { emailAddress } defaultPhoneNumber { phoneNumber }
    defaultAddress { countryCodeV2 }`;

/** Calls about customers. */
export const customerCalls = {
  changedCustomers: query(
    'ChangedCustomers',
    ['customers'],
    `query ChangedCustomers($query: String!, $after: String) {
  customers(first: 100, after: $after, query: $query, sortKey: UPDATED_AT) {
    pageInfo { hasNextPage endCursor }
    nodes { ${CUSTOMER} }
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
    customer { ${CUSTOMER} }
    userErrors { field message }
  }
}`,
  ),
};
