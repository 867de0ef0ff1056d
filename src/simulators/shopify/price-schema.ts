/** What the simulated shop answers of prices, the shop's own and those of price lists: part of its schema. */
export const priceTypes = `input ProductVariantsBulkInput { id: ID price: Money compareAtPrice: Money barcode: String }
enum ProductVariantsBulkUpdateUserErrorCode {
  GREATER_THAN_OR_EQUAL_TO INVALID_INPUT NEGATIVE_PRICE_VALUE PRODUCT_DOES_NOT_EXIST PRODUCT_VARIANT_DOES_NOT_EXIST
  PRODUCT_VARIANT_ID_MISSING
}
type ProductVariantsBulkUpdateUserError implements DisplayableError {
  code: ProductVariantsBulkUpdateUserErrorCode field: [String!] message: String!
}
type ProductVariantsBulkUpdatePayload {
  product: Product productVariants: [ProductVariant!] userErrors: [ProductVariantsBulkUpdateUserError!]!
}
enum InclusiveTaxPricingStrategy { ADD_TAXES_AT_CHECKOUT INCLUDES_TAXES_IN_PRICE INCLUDES_TAXES_IN_PRICE_BASED_ON_COUNTRY }
type MarketPriceInclusions { inclusiveTaxPricingStrategy: InclusiveTaxPricingStrategy! }
type Market implements Node { id: ID! name: String! priceInclusions: MarketPriceInclusions }
interface Catalog implements Node { id: ID! title: String! }
type MarketCatalog implements Catalog & Node {
  id: ID! title: String!
  markets(first: Int, after: String, last: Int, before: String, reverse: Boolean = false): MarketConnection!
}
type PriceList implements Node { id: ID! name: String! currency: CurrencyCode! fixedPricesCount: Int! catalog: Catalog }
enum PriceListPriceOriginType { FIXED RELATIVE }
type PriceListPrice {
  price: MoneyV2! compareAtPrice: MoneyV2 originType: PriceListPriceOriginType! variant: ProductVariant!
}
input MoneyInput { amount: Decimal! currencyCode: CurrencyCode! }
input PriceListPriceInput { variantId: ID! price: MoneyInput! compareAtPrice: MoneyInput }
enum PriceListPriceUserErrorCode {
  BLANK PRICE_LIST_CURRENCY_MISMATCH PRICE_LIST_NOT_FOUND PRICE_NOT_FIXED VARIANT_NOT_FOUND
}
type PriceListPriceUserError implements DisplayableError { code: PriceListPriceUserErrorCode field: [String!] message: String! }
type PriceListFixedPricesDeletePayload { deletedFixedPriceVariantIds: [ID!] userErrors: [PriceListPriceUserError!]! }
type PriceListFixedPricesAddPayload { prices: [PriceListPrice!] userErrors: [PriceListPriceUserError!]! }`;
