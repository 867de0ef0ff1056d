import { type Document, MONEY, most, mutation, PAGE, query } from './document.ts';

/** Refunds and payments of an order that are read: lists that have no pages. */
export const MOST_REFUNDS = 100;
export const MOST_PAYMENTS = 100;

/** Calls that give money back, or take an order back. */
export const refundCalls = {
  orderToRefund: query(
    'OrderToRefund',
    ['refunds'],
    `query OrderToRefund($id: ID!) {
  order(id: $id) {
    id name cancelledAt currencyCode presentmentCurrencyCode taxesIncluded
    refunds(first: ${MOST_REFUNDS}) { id note }
    transactions(first: ${MOST_PAYMENTS}) { id kind status gateway amountSet ${MONEY} parentTransaction { id } }
  }
}`,
  ),
  refundable: query(
    'RefundableUnits',
    ['refunds'],
    'query RefundableUnits($ids: [ID!]!) { nodes(ids: $ids) { __typename ... on LineItem { id quantity refundableQuantity } } }',
  ),
  refunded: query(
    'RefundedUnits',
    ['refunds'],
    `query RefundedUnits($id: ID!, $after: String) {
  refund(id: $id) {
    id processedAt totalRefundedSet ${MONEY} return { id }
    refundLineItems(first: 100, after: $after) { ${PAGE} nodes { quantity lineItem { id } } }
  }
}`,
  ),
  refund: mutation(
    'MakeRefund',
    ['refunds'],
    `mutation MakeRefund($input: RefundInput!, $key: String!) {
  refundCreate(input: $input) @idempotent(key: $key) {
    refund { id note }
    userErrors { field message }
  }
}`,
  ),
  orderToCancel: query(
    'OrderToCancel',
    ['cancellations'],
    `query OrderToCancel($id: ID!) {
  order(id: $id) { id name cancelledAt fulfillments(first: ${most.fulfilments}) { id status } }
}`,
  ),
  cancel: mutation(
    'CancelOrder',
    ['cancellations'],
    `mutation CancelOrder($id: ID!, $reason: OrderCancelReason!, $notify: Boolean!, $paysBack: Boolean!) {
  orderCancel(
    orderId: $id, reason: $reason, notifyCustomer: $notify, restock: false
    refundMethod: { originalPaymentMethodsRefund: $paysBack }
  ) {
    job { id done }
    orderCancelUserErrors { code field message }
  }
}`,
  ),
} as const satisfies Record<string, Document>;
