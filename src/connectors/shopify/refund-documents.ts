import { type Document, MONEY, mutation, query } from './documents.ts';

/** Calls that give money back, or take an order back. */
export const refundCalls = {
  orderToRefund: query(
    'OrderToRefund',
    ['refunds'],
    `query OrderToRefund($id: ID!) {
  order(id: $id) {
    id name cancelledAt currencyCode presentmentCurrencyCode taxesIncluded
    refunds(first: 100) { id note }
    transactions(first: 100) { id kind status gateway amountSet ${MONEY} parentTransaction { id } }
  }
}`,
  ),
  refundable: query(
    'RefundableUnits',
    ['refunds'],
    'query RefundableUnits($ids: [ID!]!) { nodes(ids: $ids) { __typename ... on LineItem { id refundableQuantity } } }',
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
    `query OrderToCancel($id: ID!) { order(id: $id) { id name cancelledAt fulfillments(first: 100) { id status } } }`,
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
