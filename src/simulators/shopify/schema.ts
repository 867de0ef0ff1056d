import { buildSchema } from 'graphql';
import { agreementTypes } from './agreement-schema.ts';
import { metafieldTypes } from './metafield-schema.ts';
import { priceTypes } from './price-schema.ts';
import { returnTypes } from './return-schema.ts';

/**
 * The part of Shopify's Admin schema that the simulated shop answers: names and types are Shopify's, which `npm run conform:shopify` proves against
 * the published schema of each version. What is not here is refused by name, as a field that does not exist would be.
 */
const connection = (name: string): string => `
type ${name}Connection { edges: [${name}Edge!]! nodes: [${name}!]! pageInfo: PageInfo! }
type ${name}Edge { cursor: String! node: ${name}! }`;

export const sdl = `
directive @idempotent(key: String!) on FIELD

scalar DateTime
scalar Decimal
scalar Money
scalar URL
scalar UnsignedInt64

interface Node { id: ID! }
type PageInfo { endCursor: String hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String }
interface DisplayableError { field: [String!] message: String! }
type UserError implements DisplayableError { field: [String!] message: String! }

enum CurrencyCode { EUR GBP USD JPY }
enum CountryCode { BE DE FR GB NL US }
type MoneyV2 { amount: Decimal! currencyCode: CurrencyCode! }
type MoneyBag { shopMoney: MoneyV2! presentmentMoney: MoneyV2! }

type Shop {
  id: ID! name: String! myshopifyDomain: String! currencyCode: CurrencyCode! taxesIncluded: Boolean! ianaTimezone: String!
}
type ApiVersion { handle: String! displayName: String! supported: Boolean! }
type AccessScope { handle: String! description: String! }
type AppInstallation implements Node { id: ID! accessScopes: [AccessScope!]! }
type Location implements Node { id: ID! name: String! isActive: Boolean! }

enum ProductStatus { ACTIVE ARCHIVED DRAFT UNLISTED }
type Product implements Node {
  id: ID! title: String! handle: String! descriptionHtml: HTML! vendor: String! status: ProductStatus! isGiftCard: Boolean!
  createdAt: DateTime! updatedAt: DateTime!
  variants(first: Int, after: String, last: Int, before: String, reverse: Boolean = false): ProductVariantConnection!
}
scalar HTML
type ProductVariant implements Node {
  id: ID! sku: String barcode: String title: String! price: Money! compareAtPrice: Money
  product: Product! inventoryItem: InventoryItem! updatedAt: DateTime!
}
type InventoryItem implements Node {
  id: ID! sku: String tracked: Boolean! requiresShipping: Boolean!
  inventoryLevel(locationId: ID!, includeInactive: Boolean = false): InventoryLevel
}
type InventoryLevel implements Node { id: ID! location: Location! quantities(names: [String!]!): [InventoryQuantity!]! }
type InventoryQuantity implements Node { id: ID! name: String! quantity: Int! updatedAt: DateTime }

type CustomerEmailAddress { emailAddress: String! }
type CustomerPhoneNumber { phoneNumber: String! }
type Customer implements Node {
  id: ID! displayName: String! firstName: String lastName: String createdAt: DateTime! updatedAt: DateTime!
  defaultEmailAddress: CustomerEmailAddress defaultPhoneNumber: CustomerPhoneNumber defaultAddress: MailingAddress
}
input CustomerInput { id: ID firstName: String lastName: String email: String phone: String note: String tags: [String!] }
type CustomerUpdatePayload { customer: Customer userErrors: [UserError!]! }
enum CustomerSortKeys { CREATED_AT ID UPDATED_AT }
type MailingAddress implements Node {
  id: ID! name: String company: String address1: String address2: String city: String zip: String provinceCode: String
  countryCodeV2: CountryCode phone: String
}

type TaxLine { title: String! rate: Float ratePercentage: Float priceSet: MoneyBag! }
type DiscountAllocation { allocatedAmountSet: MoneyBag! }
type Duty implements Node { id: ID! price: MoneyBag! taxLines: [TaxLine!]! }
type AdditionalFee implements Node { id: ID! name: String! price: MoneyBag! taxLines: [TaxLine!]! }
type LineItemGroup implements Node { id: ID! title: String! quantity: Int! }
type LineItem implements Node {
  id: ID! sku: String name: String! title: String! quantity: Int! currentQuantity: Int! refundableQuantity: Int! isGiftCard: Boolean!
  requiresShipping: Boolean! product: Product variant: ProductVariant lineItemGroup: LineItemGroup
  originalUnitPriceSet: MoneyBag! discountAllocations: [DiscountAllocation!]! taxLines(first: Int): [TaxLine!]! duties: [Duty!]!
}
type ShippingLine {
  id: ID title: String! code: String isRemoved: Boolean! originalPriceSet: MoneyBag! discountAllocations: [DiscountAllocation!]!
  taxLines: [TaxLine!]!
}

enum OrderTransactionKind { AUTHORIZATION CAPTURE CHANGE EMV_AUTHORIZATION REFUND SALE SUGGESTED_REFUND VOID }
enum OrderTransactionStatus { AWAITING_RESPONSE ERROR FAILURE PENDING SUCCESS UNKNOWN }
type OrderTransaction implements Node {
  id: ID! kind: OrderTransactionKind! status: OrderTransactionStatus! gateway: String processedAt: DateTime amountSet: MoneyBag!
  parentTransaction: OrderTransaction
}

enum RefundLineItemRestockType { CANCEL LEGACY_RESTOCK NO_RESTOCK RETURN }
enum OrderAdjustmentDiscrepancyReason {
  CUSTOMER DAMAGE FULL_RETURN_BALANCING_ADJUSTMENT PENDING_REFUND_DISCREPANCY REFUND_DISCREPANCY RESTOCK
}
type RefundLineItem {
  id: ID quantity: Int! restockType: RefundLineItemRestockType! location: Location lineItem: LineItem! subtotalSet: MoneyBag!
  totalTaxSet: MoneyBag!
}
type RefundShippingLine implements Node { id: ID! shippingLine: ShippingLine! subtotalAmountSet: MoneyBag! taxAmountSet: MoneyBag! }
type OrderAdjustment implements Node {
  id: ID! reason: OrderAdjustmentDiscrepancyReason amountSet: MoneyBag! taxAmountSet: MoneyBag!
}
type Refund implements Node {
  id: ID! processedAt: DateTime! note: String return: Return totalRefundedSet: MoneyBag!
  refundLineItems(first: Int, after: String, last: Int, before: String, reverse: Boolean = false): RefundLineItemConnection!
  refundShippingLines(first: Int, after: String, last: Int, before: String, reverse: Boolean = false): RefundShippingLineConnection!
  orderAdjustments(first: Int, after: String, last: Int, before: String, reverse: Boolean = false): OrderAdjustmentConnection!
  transactions(first: Int, after: String, last: Int, before: String, reverse: Boolean = false): OrderTransactionConnection!
}

enum OrderReturnStatus { INSPECTION_COMPLETE IN_PROGRESS NO_RETURN RETURNED RETURN_FAILED RETURN_REQUESTED }
input RefundLineItemInput { lineItemId: ID! quantity: Int! restockType: RefundLineItemRestockType locationId: ID }
input ShippingRefundInput { amount: Money fullRefund: Boolean }
input OrderTransactionInput { amount: Money! gateway: String! kind: OrderTransactionKind! orderId: ID! parentId: ID }
input RefundInput {
  orderId: ID! note: String notify: Boolean currency: CurrencyCode allowOverRefunding: Boolean = false
  refundLineItems: [RefundLineItemInput!] shipping: ShippingRefundInput transactions: [OrderTransactionInput!]
}
type RefundCreatePayload { order: Order refund: Refund userErrors: [UserError!]! }

enum OrderCancelReason { CUSTOMER DECLINED FRAUD INVENTORY OTHER STAFF }
input OrderCancelRefundMethodInput @oneOf { originalPaymentMethodsRefund: Boolean }
type Job { id: ID! done: Boolean! }
enum OrderCancelUserErrorCode { INTERNAL_ERROR INVALID NOT_FOUND NO_REFUND_PERMISSION }
type OrderCancelUserError implements DisplayableError { code: OrderCancelUserErrorCode field: [String!] message: String! }
type OrderCancelPayload { job: Job orderCancelUserErrors: [OrderCancelUserError!]! }

enum ReturnStatus { CANCELED CLOSED DECLINED OPEN REQUESTED }
type ReturnReasonDefinition implements Node { id: ID! handle: String! name: String! }
interface ReturnLineItemType implements Node { id: ID! quantity: Int! returnReasonDefinition: ReturnReasonDefinition }
type ReturnLineItem implements Node & ReturnLineItemType {
  id: ID! quantity: Int! returnReasonDefinition: ReturnReasonDefinition returnReasonNote: String! fulfillmentLineItem: FulfillmentLineItem!
  processedQuantity: Int! unprocessedQuantity: Int!
}
${returnTypes}
${metafieldTypes}
${agreementTypes}
${priceTypes}
type Return implements Node {
  id: ID! name: String! status: ReturnStatus! createdAt: DateTime! closedAt: DateTime
  returnLineItems(first: Int, after: String, last: Int, before: String, reverse: Boolean = false): ReturnLineItemTypeConnection!
  reverseFulfillmentOrders(first: Int, after: String, last: Int, before: String, reverse: Boolean = false): ReverseFulfillmentOrderConnection!
}

enum FulfillmentStatus { CANCELLED ERROR FAILURE SUCCESS }
type FulfillmentTrackingInfo { company: String number: String url: URL }
enum FulfillmentEventStatus {
  ATTEMPTED_DELIVERY CARRIER_PICKED_UP CONFIRMED DELAYED DELIVERED FAILURE IN_TRANSIT LABEL_PRINTED LABEL_PURCHASED
  OUT_FOR_DELIVERY READY_FOR_PICKUP
}
type FulfillmentEvent implements Node { id: ID! status: FulfillmentEventStatus! happenedAt: DateTime! }
type FulfillmentLineItem implements Node { id: ID! quantity: Int lineItem: LineItem! }
type Fulfillment implements Node {
  location: Location
  id: ID! status: FulfillmentStatus! createdAt: DateTime! trackingInfo(first: Int): [FulfillmentTrackingInfo!]!
  events(first: Int, after: String, last: Int, before: String, reverse: Boolean = false): FulfillmentEventConnection!
  fulfillmentLineItems(first: Int, after: String, last: Int, before: String, reverse: Boolean = false): FulfillmentLineItemConnection!
}
enum DeliveryMethodType { LOCAL NONE PICKUP_POINT PICK_UP RETAIL SHIPPING }
type DeliveryMethod implements Node {
  id: ID! methodType: DeliveryMethodType! minDeliveryDateTime: DateTime maxDeliveryDateTime: DateTime
}
enum FulfillmentOrderStatus { CANCELLED CLOSED INCOMPLETE IN_PROGRESS ON_HOLD OPEN SCHEDULED }
type FulfillmentOrderAssignedLocation { name: String! location: Location }
type FulfillmentOrderLineItem implements Node { id: ID! remainingQuantity: Int! totalQuantity: Int! lineItem: LineItem! }
enum FulfillmentOrderAction {
  CANCEL_FULFILLMENT_ORDER CREATE_FULFILLMENT EXTERNAL HOLD MARK_AS_OPEN MERGE MOVE RELEASE_HOLD REPORT_PROGRESS REQUEST_CANCELLATION
  REQUEST_FULFILLMENT SPLIT
}
type FulfillmentOrderSupportedAction { action: FulfillmentOrderAction! }
input FulfillmentOrderReportProgressInput { reasonNotes: String }
enum FulfillmentOrderReportProgressUserErrorCode {
  FULFILLMENT_ORDER_CONTAINS_PICKED_ITEMS FULFILLMENT_ORDER_INVALID_DELIVERY_METHOD FULFILLMENT_ORDER_INVALID_FULFILLMENT_SERVICE_OWNERSHIP
  FULFILLMENT_ORDER_NOT_FOUND FULFILLMENT_ORDER_STATUS_INVALID FULFILLMENT_ORDER_UNSUPPORTED_ACTION MARKETPLACE_APP_NOT_ELIGIBLE
}
type FulfillmentOrderReportProgressUserError implements DisplayableError {
  code: FulfillmentOrderReportProgressUserErrorCode field: [String!] message: String!
}
type FulfillmentOrderReportProgressPayload {
  fulfillmentOrder: FulfillmentOrder userErrors: [FulfillmentOrderReportProgressUserError!]!
}
type FulfillmentOrder implements Node {
  order: Order! supportedActions: [FulfillmentOrderSupportedAction!]!
  id: ID! status: FulfillmentOrderStatus! assignedLocation: FulfillmentOrderAssignedLocation! deliveryMethod: DeliveryMethod
  lineItems(first: Int, after: String, last: Int, before: String, reverse: Boolean = false): FulfillmentOrderLineItemConnection!
}

type Order implements Node {
  id: ID! name: String! createdAt: DateTime! processedAt: DateTime! updatedAt: DateTime! cancelledAt: DateTime edited: Boolean! test: Boolean!
  currencyCode: CurrencyCode! presentmentCurrencyCode: CurrencyCode! taxesIncluded: Boolean! requiresShipping: Boolean!
  email: String phone: String totalPriceSet: MoneyBag! currentTotalPriceSet: MoneyBag!
  customer: Customer shippingAddress: MailingAddress billingAddress: MailingAddress retailLocation: Location
  additionalFees: [AdditionalFee!]! metafield(namespace: String, key: String!): Metafield
  lineItems(first: Int, after: String, last: Int, before: String, reverse: Boolean = false): LineItemConnection!
  shippingLines(
    first: Int, after: String, last: Int, before: String, reverse: Boolean = false, includeRemovals: Boolean = false
  ): ShippingLineConnection!
  fulfillmentOrders(
    first: Int, after: String, last: Int, before: String, reverse: Boolean = false, displayable: Boolean = false, query: String
  ): FulfillmentOrderConnection!
  fulfillments(first: Int, query: String): [Fulfillment!]!
  transactions(first: Int, capturable: Boolean, manuallyResolvable: Boolean): [OrderTransaction!]!
  returnStatus: OrderReturnStatus!
  refunds(first: Int): [Refund!]!
  agreements(first: Int, after: String, last: Int, before: String, reverse: Boolean = false, query: String): SalesAgreementConnection!
  returns(first: Int, after: String, last: Int, before: String, reverse: Boolean = false, query: String): ReturnConnection!
}

enum WebhookSubscriptionTopic {
  ORDERS_CANCELLED ORDERS_CREATE ORDERS_DELETE ORDERS_EDITED ORDERS_FULFILLED ORDERS_PAID ORDERS_UPDATED
  ORDER_TRANSACTIONS_CREATE REFUNDS_CREATE
  RETURNS_APPROVE RETURNS_CANCEL RETURNS_CLOSE RETURNS_DECLINE RETURNS_PROCESS RETURNS_REOPEN RETURNS_REQUEST RETURNS_UPDATE
  PRODUCTS_CREATE PRODUCTS_DELETE PRODUCTS_UPDATE CUSTOMERS_CREATE CUSTOMERS_DELETE CUSTOMERS_MERGE CUSTOMERS_UPDATE
}
enum WebhookSubscriptionFormat { JSON XML }
type WebhookSubscription implements Node {
  id: ID! topic: WebhookSubscriptionTopic! uri: String! format: WebhookSubscriptionFormat! includeFields: [String!]! createdAt: DateTime!
}
input WebhookSubscriptionInput { uri: String format: WebhookSubscriptionFormat includeFields: [String!] filter: String name: String }
type WebhookSubscriptionCreatePayload { webhookSubscription: WebhookSubscription userErrors: [UserError!]! }
type WebhookSubscriptionDeletePayload { deletedWebhookSubscriptionId: ID userErrors: [UserError!]! }

input InventorySetQuantitiesInput { name: String! quantities: [InventoryQuantityInput!]! reason: String! referenceDocumentUri: String }
input InventoryQuantityInput { inventoryItemId: ID! locationId: ID! quantity: Int! changeFromQuantity: Int }
type InventoryChange { name: String! delta: Int! quantityAfterChange: Int item: InventoryItem location: Location }
type InventoryAdjustmentGroup implements Node {
  id: ID! createdAt: DateTime! reason: String! referenceDocumentUri: String
  changes(inventoryItemIds: [ID!], locationIds: [ID!], quantityNames: [String!]): [InventoryChange!]!
}
enum InventorySetQuantitiesUserErrorCode {
  CHANGE_FROM_QUANTITY_STALE IDEMPOTENCY_CONCURRENT_REQUEST IDEMPOTENCY_KEY_PARAMETER_MISMATCH IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED
  INVALID_INVENTORY_ITEM INVALID_LOCATION INVALID_NAME INVALID_QUANTITY_NEGATIVE INVALID_QUANTITY_TOO_HIGH INVALID_QUANTITY_TOO_LOW
  INVALID_REASON INVALID_REFERENCE_DOCUMENT NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR
}
type InventorySetQuantitiesUserError implements DisplayableError {
  code: InventorySetQuantitiesUserErrorCode field: [String!] message: String!
}
type InventorySetQuantitiesPayload {
  inventoryAdjustmentGroup: InventoryAdjustmentGroup userErrors: [InventorySetQuantitiesUserError!]!
}

input ProductSetIdentifiers @oneOf { id: ID handle: String }
input OptionValueSetInput { name: String }
input OptionSetInput { name: String position: Int values: [OptionValueSetInput!] }
input VariantOptionValueInput { name: String optionName: String }
enum WeightUnit { GRAMS KILOGRAMS OUNCES POUNDS }
input WeightInput { unit: WeightUnit! value: Float! }
input InventoryItemMeasurementInput { weight: WeightInput }
input InventoryItemInput { sku: String tracked: Boolean requiresShipping: Boolean measurement: InventoryItemMeasurementInput }
input ProductVariantSetInput {
  id: ID sku: String barcode: String price: Money compareAtPrice: Money optionValues: [VariantOptionValueInput!]!
  inventoryItem: InventoryItemInput inventoryPolicy: ProductVariantInventoryPolicy
}
enum ProductVariantInventoryPolicy { CONTINUE DENY }
input ProductSetInput {
  handle: String title: String descriptionHtml: String vendor: String productType: String status: ProductStatus tags: [String!]
  productOptions: [OptionSetInput!] variants: [ProductVariantSetInput!]
}
enum ProductSetUserErrorCode {
  DUPLICATED_OPTION_VALUE HANDLE_NOT_UNIQUE INVALID_INPUT INVALID_PRODUCT INVALID_VARIANT OPTIONS_OVER_LIMIT OPTION_VALUES_MISSING
  PRODUCT_DOES_NOT_EXIST PRODUCT_OPTIONS_INPUT_MISSING VARIANTS_INPUT_MISSING VARIANTS_OVER_LIMIT
}
type ProductSetUserError implements DisplayableError { code: ProductSetUserErrorCode field: [String!] message: String! }
type ProductSetPayload { product: Product userErrors: [ProductSetUserError!]! }

input FulfillmentOrderLineItemInput { id: ID! quantity: Int! }
input FulfillmentOrderLineItemsInput { fulfillmentOrderId: ID! fulfillmentOrderLineItems: [FulfillmentOrderLineItemInput!] }
input FulfillmentTrackingInput { company: String number: String url: URL numbers: [String!] urls: [URL!] }
input FulfillmentInput {
  lineItemsByFulfillmentOrder: [FulfillmentOrderLineItemsInput!]! notifyCustomer: Boolean = false trackingInfo: FulfillmentTrackingInput
}
input FulfillmentEventInput { fulfillmentId: ID! status: FulfillmentEventStatus! happenedAt: DateTime message: String }
type FulfillmentEventCreatePayload { fulfillmentEvent: FulfillmentEvent userErrors: [UserError!]! }
type FulfillmentTrackingInfoUpdatePayload { fulfillment: Fulfillment userErrors: [UserError!]! }
input PreparedFulfillmentOrderLineItemsInput { fulfillmentOrderId: ID! }
input FulfillmentOrderLineItemsPreparedForPickupInput { lineItemsByFulfillmentOrder: [PreparedFulfillmentOrderLineItemsInput!]! }
enum FulfillmentOrderLineItemsPreparedForPickupUserErrorCode {
  FULFILLMENT_ORDER_INVALID NO_LINE_ITEMS_TO_PREPARE_FOR_FULFILLMENT_ORDER UNABLE_TO_PREPARE_QUANTITY
}
type FulfillmentOrderLineItemsPreparedForPickupUserError implements DisplayableError {
  code: FulfillmentOrderLineItemsPreparedForPickupUserErrorCode field: [String!] message: String!
}
type FulfillmentOrderLineItemsPreparedForPickupPayload { userErrors: [FulfillmentOrderLineItemsPreparedForPickupUserError!]! }
type FulfillmentCreatePayload { fulfillment: Fulfillment userErrors: [UserError!]! }

enum BulkOperationErrorCode { ACCESS_DENIED INTERNAL_SERVER_ERROR TIMEOUT }
enum BulkOperationStatus { CANCELED CANCELING COMPLETED CREATED EXPIRED FAILED RUNNING }
enum BulkOperationType { MUTATION QUERY }
type BulkOperation implements Node {
  id: ID! status: BulkOperationStatus! errorCode: BulkOperationErrorCode type: BulkOperationType! query: String! createdAt: DateTime!
  completedAt: DateTime objectCount: UnsignedInt64! rootObjectCount: UnsignedInt64! fileSize: UnsignedInt64 url: URL partialDataUrl: URL
}
enum BulkOperationUserErrorCode { INVALID LIMIT_REACHED OPERATION_IN_PROGRESS }
type BulkOperationUserError implements DisplayableError { code: BulkOperationUserErrorCode field: [String!] message: String! }
type BulkOperationRunQueryPayload { bulkOperation: BulkOperation userErrors: [BulkOperationUserError!]! }
enum BulkOperationsSortKeys { COMPLETED_AT CREATED_AT }
enum CountPrecision { AT_LEAST EXACT }
type Count { count: Int! precision: CountPrecision! }

enum OrderSortKeys { CREATED_AT ID PROCESSED_AT UPDATED_AT }
enum ProductSortKeys { CREATED_AT ID UPDATED_AT }
enum LocationSortKeys { ID NAME }
input ProductIdentifierInput @oneOf { id: ID handle: String }

type QueryRoot {
  shop: Shop!
  publicApiVersions: [ApiVersion!]!
  currentAppInstallation: AppInstallation!
  nodes(ids: [ID!]!): [Node]!
  bulkOperation(id: ID!): BulkOperation
  bulkOperations(
    first: Int, after: String, last: Int, before: String, reverse: Boolean = false, query: String,
    sortKey: BulkOperationsSortKeys = CREATED_AT
  ): BulkOperationConnection!
  ordersCount(limit: Int = 10000, query: String, savedSearchId: ID): Count
  productsCount(limit: Int = 10000, query: String, savedSearchId: ID): Count
  customersCount(limit: Int = 10000, query: String): Count
  customer(id: ID!): Customer
  customers(
    first: Int, after: String, last: Int, before: String, reverse: Boolean = false, query: String, sortKey: CustomerSortKeys = ID
  ): CustomerConnection!
  order(id: ID!): Order
  fulfillment(id: ID!): Fulfillment
  fulfillmentOrder(id: ID!): FulfillmentOrder
  refund(id: ID!): Refund
  return(id: ID!): Return
  reverseFulfillmentOrder(id: ID!): ReverseFulfillmentOrder
  returnableFulfillments(
    orderId: ID!, first: Int, after: String, last: Int, before: String, reverse: Boolean = false
  ): ReturnableFulfillmentConnection!
  returnReasonDefinitions(
    first: Int, after: String, last: Int, before: String, reverse: Boolean = false, ids: [ID!], handles: [String!], query: String
  ): ReturnReasonDefinitionConnection!
  orders(
    first: Int, after: String, last: Int, before: String, reverse: Boolean = false, query: String,
    sortKey: OrderSortKeys = PROCESSED_AT
  ): OrderConnection!
  product(id: ID!): Product
  productByIdentifier(identifier: ProductIdentifierInput!): Product
  products(
    first: Int, after: String, last: Int, before: String, reverse: Boolean = false, query: String, sortKey: ProductSortKeys = ID
  ): ProductConnection!
  productVariants(first: Int, after: String, query: String): ProductVariantConnection!
  priceLists(first: Int, after: String, last: Int, before: String, reverse: Boolean = false): PriceListConnection!
  locations(
    first: Int, after: String, last: Int, before: String, reverse: Boolean = false, query: String, includeInactive: Boolean = false,
    sortKey: LocationSortKeys = NAME
  ): LocationConnection!
  webhookSubscriptions(
    first: Int, after: String, last: Int, before: String, reverse: Boolean = false, topics: [WebhookSubscriptionTopic!], uri: String
  ): WebhookSubscriptionConnection!
}

type Mutation {
  customerUpdate(input: CustomerInput!): CustomerUpdatePayload
  refundCreate(input: RefundInput!): RefundCreatePayload
  returnCreate(returnInput: ReturnInput!): ReturnCreatePayload
  returnProcess(input: ReturnProcessInput!): ReturnProcessPayload
  returnClose(id: ID!): ReturnClosePayload
  metafieldsSet(metafields: [MetafieldsSetInput!]!): MetafieldsSetPayload
  metafieldsDelete(metafields: [MetafieldIdentifierInput!]!): MetafieldsDeletePayload
  metafieldDefinitionCreate(definition: MetafieldDefinitionInput!): MetafieldDefinitionCreatePayload
  orderCancel(
    orderId: ID!, reason: OrderCancelReason!, restock: Boolean!, refundMethod: OrderCancelRefundMethodInput,
    notifyCustomer: Boolean = false, staffNote: String = null
  ): OrderCancelPayload
  bulkOperationRunQuery(query: String!, groupObjects: Boolean! = false): BulkOperationRunQueryPayload
  inventorySetQuantities(input: InventorySetQuantitiesInput!): InventorySetQuantitiesPayload
  priceListFixedPricesDelete(priceListId: ID!, variantIds: [ID!]!): PriceListFixedPricesDeletePayload
  priceListFixedPricesAdd(priceListId: ID!, prices: [PriceListPriceInput!]!): PriceListFixedPricesAddPayload
  productVariantsBulkUpdate(productId: ID!, variants: [ProductVariantsBulkInput!]!, allowPartialUpdates: Boolean = false): ProductVariantsBulkUpdatePayload
  productSet(identifier: ProductSetIdentifiers, input: ProductSetInput!, synchronous: Boolean = true): ProductSetPayload
  fulfillmentTrackingInfoUpdate(
    fulfillmentId: ID!, notifyCustomer: Boolean, trackingInfoInput: FulfillmentTrackingInput!
  ): FulfillmentTrackingInfoUpdatePayload
  fulfillmentEventCreate(fulfillmentEvent: FulfillmentEventInput!): FulfillmentEventCreatePayload
  fulfillmentOrderLineItemsPreparedForPickup(
    input: FulfillmentOrderLineItemsPreparedForPickupInput!
  ): FulfillmentOrderLineItemsPreparedForPickupPayload
  fulfillmentOrderReportProgress(id: ID!, progressReport: FulfillmentOrderReportProgressInput): FulfillmentOrderReportProgressPayload
  fulfillmentCreate(fulfillment: FulfillmentInput!, message: String): FulfillmentCreatePayload
  webhookSubscriptionCreate(topic: WebhookSubscriptionTopic!, webhookSubscription: WebhookSubscriptionInput!): WebhookSubscriptionCreatePayload
  webhookSubscriptionDelete(id: ID!): WebhookSubscriptionDeletePayload
}
schema { query: QueryRoot mutation: Mutation }
${[
  'BulkOperation',
  'Customer',
  'FulfillmentEvent',
  'FulfillmentLineItem',
  'FulfillmentOrder',
  'FulfillmentOrderLineItem',
  'LineItem',
  'Location',
  'Market',
  'Order',
  'OrderAdjustment',
  'OrderTransaction',
  'PriceList',
  'Product',
  'ProductVariant',
  'RefundLineItem',
  'RefundShippingLine',
  'Return',
  'ReturnLineItemType',
  'ReturnReasonDefinition',
  'ReturnableFulfillment',
  'ReturnableFulfillmentLineItem',
  'ReverseFulfillmentOrder',
  'ReverseFulfillmentOrderLineItem',
  'Sale',
  'SalesAgreement',
  'ShippingLine',
  'WebhookSubscription',
]
  .map(connection)
  .join('')}
`;

export const schema = buildSchema(sdl);
