import { type Document, most, mutation, PAGE, query } from './document.ts';

/** Calls that tell what was prepared, and what has left. */
export const shipmentCalls = {
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
} as const satisfies Record<string, Document>;
