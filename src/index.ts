/** What estate files, flows and connectors outside this package are written with. */
export { csv } from './connectors/csv/index.ts';
export { type MedusaConfig, medusa } from './connectors/medusa/index.ts';
export { odoo } from './connectors/odoo/index.ts';
export { toCatalogueItems } from './connectors/odoo/mapping/catalogue.ts';
export { toDeliveryDocuments } from './connectors/odoo/mapping/deliveries.ts';
export { toPrices } from './connectors/odoo/mapping/prices.ts';
export { type StockRules, toStockLevels } from './connectors/odoo/mapping/stock-levels.ts';
export { type RestStoreConfig, restStore } from './connectors/rest-store/index.ts';
export { type ShopifyConfig, shopify } from './connectors/shopify/index.ts';
export { type ToyTillConfig, toyTill } from './connectors/toy-till/index.ts';
export { type WarehouseFilesConfig, warehouseFiles } from './connectors/warehouse-files/index.ts';
export type { Approval } from './core/approval.ts';
export { type Clock, type Duration, milliseconds } from './core/clock.ts';
export type * from './core/connector.ts';
export { add, compare, type Decimal, decimal, decimalText, multiply, negate } from './core/decimal.ts';
export {
  addMeasures,
  type BodyOf,
  classified,
  type DocumentType,
  defineDocument,
  type Measure,
  type Need,
  nothing,
  type Reference,
} from './core/document.ts';
export { HubError } from './core/errors.ts';
export { defineEstate, type Estate, type Secret, secret } from './core/estate.ts';
export { type Fault, FaultError, rejected } from './core/fault.ts';
export type { FilePlace, FileStore, ListedFile } from './core/file-store.ts';
export {
  type Breach,
  type Draft,
  defineFlow,
  type Flow,
  type Look,
  type MappingSeed,
  type Objection,
  type Rule,
  type Surroundings,
  type Translation,
  withTables,
} from './core/flow.ts';
export { folderPlace } from './core/folder.ts';
export { readJson } from './core/json.ts';
export {
  type Answer,
  type Asked,
  defineLookup,
  type Inquiry,
  type Lookup,
  type LookupRule,
  type Question,
} from './core/lookup.ts';
export { allocate, exactMoney, type Money, money, moneyText, roundedMoney, sum } from './core/money.ts';
export { patiently } from './core/patience.ts';
export { isSigned, type SignedMessage, signedHeaders, webhookId } from './core/standard-webhooks.ts';
export {
  checkReceiver,
  type Posted,
  postWebhook,
  type Receiver,
  secretsInRotation,
  webhookIdOf,
} from './core/webhook-post.ts';
export {
  type CustomerOwner,
  type CustomerOwners,
  type OdooContactsParts,
  odooContacts,
  webCustomers,
} from './flows/customers.ts';
export { uci } from './flows/day-sales/columns.ts';
export { daySales } from './flows/day-sales.ts';
export { type FulfilmentParts, fulfilment } from './flows/fulfilment.ts';
export { catalogueFeed, priceFeed, stockFeed } from './flows/odoo-feeds.ts';
export { odooFulfilment } from './flows/odoo-fulfilment.ts';
export {
  type OdooCancellationsParts,
  type OdooPromisesParts,
  odooCancellations,
  odooPromises,
} from './flows/odoo-orders.ts';
export { type OdooRefundsParts, odooRefunds } from './flows/odoo-refunds.ts';
export { type OdooReturnsParts, odooReturns } from './flows/odoo-returns.ts';
export { type OdooShipmentsParts, odooShipments } from './flows/odoo-shipments.ts';
export {
  type ShopCancellationsParts,
  type ShopRefundsParts,
  shopCancellations,
  shopRefunds,
} from './flows/shop-refunds.ts';
export { type ShopReturnsParts, shopReturns } from './flows/shop-returns.ts';
export {
  type ShopFulfilmentsParts,
  type StoreFulfilmentsParts,
  shopFulfilments,
  storeFulfilments,
} from './flows/store-fulfilment.ts';
export { storeHandovers, storeReceipts, storeSales } from './flows/store-sales.ts';
export { tillReceipts, tillSales } from './flows/till-sales.ts';
export {
  functionalAcknowledgements,
  warehouseAcknowledgements,
  warehouseReceipts,
  warehouseStock,
} from './flows/warehouse-messages.ts';
export {
  type ShopShipmentsParts,
  shopShipments,
  type WarehouseShipmentsParts,
  warehouseShipments,
} from './flows/warehouse-shipments.ts';
export { medusaOrders, medusaProducts, webOrders, webProducts } from './flows/web-orders.ts';
export { type Address, AddressSchema } from './model/address.ts';
export { type Cancellation, CancellationDocument } from './model/cancellation.ts';
export { type CatalogueItem, CatalogueItemDocument } from './model/catalogue-item.ts';
export { type Customer, CustomerDocument } from './model/customer.ts';
export { type DeliveryPromise, DeliveryPromiseDocument } from './model/delivery-promise.ts';
export { type FulfilmentOrder, FulfilmentOrderDocument } from './model/fulfilment-order.ts';
export { type JournalEntry, JournalEntryDocument } from './model/journal-entry.ts';
export { type Order, OrderDocument } from './model/order.ts';
export { type Payment, PaymentDocument } from './model/payment.ts';
export { type Price, PriceDocument } from './model/price.ts';
export { type Product, ProductDocument } from './model/product.ts';
export { type Receipt, ReceiptDocument } from './model/receipt.ts';
export { type Refund, RefundDocument } from './model/refund.ts';
export { type Return, ReturnDocument } from './model/return.ts';
export {
  hasLines,
  knownCurrency,
  linesBalance,
  noNegatives,
  notAhead,
  nothingForNothing,
  type OrderBounds,
  type OrderRule,
  orderBounds,
  orderRules,
  orderSums,
  totalBalances,
  usualAmount,
  usualQuantity,
} from './model/rules/order.ts';
export { type Shipment, ShipmentDocument } from './model/shipment.ts';
export { type StockAdjustment, StockAdjustmentDocument } from './model/stock-adjustment.ts';
export { type StockLevel, StockLevelDocument } from './model/stock-level.ts';
