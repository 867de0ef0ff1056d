/** What the simulated shop answers of goods that come back: part of its schema. */
export const returnTypes = `enum ReverseFulfillmentOrderStatus { CANCELED CLOSED OPEN }
enum ReverseFulfillmentOrderDispositionType { MISSING NOT_RESTOCKED PROCESSING_REQUIRED RESTOCKED }
type ReverseFulfillmentOrderDisposition implements Node {
  id: ID! quantity: Int! type: ReverseFulfillmentOrderDispositionType! location: Location
}
type ReverseFulfillmentOrderLineItem implements Node {
  id: ID! totalQuantity: Int! dispositions: [ReverseFulfillmentOrderDisposition!]! fulfillmentLineItem: FulfillmentLineItem
}
type ReverseFulfillmentOrder implements Node {
  id: ID! status: ReverseFulfillmentOrderStatus!
  lineItems(first: Int, after: String, last: Int, before: String, reverse: Boolean = false): ReverseFulfillmentOrderLineItemConnection!
}
type ReturnableFulfillmentLineItem { fulfillmentLineItem: FulfillmentLineItem! quantity: Int! }
type ReturnableFulfillment implements Node {
  id: ID! fulfillment: Fulfillment!
  returnableFulfillmentLineItems(
    first: Int, after: String, last: Int, before: String, reverse: Boolean = false
  ): ReturnableFulfillmentLineItemConnection!
}
enum ReturnErrorCode {
  ALREADY_EXISTS BLANK CREATION_FAILED INVALID INVALID_STATE NOT_EDITABLE NOT_FOUND PRESENT TOO_BIG TOO_LONG TOO_SHORT
}
type ReturnUserError implements DisplayableError { code: ReturnErrorCode field: [String!] message: String! }
input ReturnLineItemInput {
  fulfillmentLineItemId: ID! quantity: Int! returnReasonDefinitionId: ID returnReasonNote: String = ""
}
input ReturnInput { orderId: ID! requestedAt: DateTime returnLineItems: [ReturnLineItemInput!]! }
input ReverseFulfillmentOrderDisposeInput {
  dispositionType: ReverseFulfillmentOrderDispositionType! locationId: ID quantity: Int! reverseFulfillmentOrderLineItemId: ID!
}
input ReturnProcessReturnLineItemInput { dispositions: [ReverseFulfillmentOrderDisposeInput!] id: ID! quantity: Int! }
input ReturnProcessInput {
  returnId: ID! note: String notifyCustomer: Boolean = false returnLineItems: [ReturnProcessReturnLineItemInput!] = []
}
type ReturnCreatePayload { return: Return userErrors: [ReturnUserError!]! }
type ReturnProcessPayload { return: Return userErrors: [ReturnUserError!]! }
type ReturnClosePayload { return: Return userErrors: [ReturnUserError!]! }`;
