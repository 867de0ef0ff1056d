/** What the simulated shop answers of what was agreed when an order was placed, and each time it was edited: part of its schema. */
export const agreementTypes = `enum OrderActionType { ORDER ORDER_EDIT REFUND RETURN UNKNOWN }
enum SaleActionType { ORDER RETURN UNKNOWN UPDATE }
enum SaleLineType { ADDITIONAL_FEE ADJUSTMENT DUTY FEE GIFT_CARD PRODUCT SHIPPING TIP UNKNOWN }
interface Sale { id: ID! actionType: SaleActionType! lineType: SaleLineType! quantity: Int totalAmount: MoneyBag! }
type ProductSale implements Sale {
  id: ID! actionType: SaleActionType! lineType: SaleLineType! quantity: Int totalAmount: MoneyBag! lineItem: LineItem!
}
interface SalesAgreement {
  id: ID! happenedAt: DateTime! reason: OrderActionType!
  sales(first: Int, after: String, last: Int, before: String, reverse: Boolean = false): SaleConnection!
}
type OrderEditAgreement implements SalesAgreement {
  id: ID! happenedAt: DateTime! reason: OrderActionType!
  sales(first: Int, after: String, last: Int, before: String, reverse: Boolean = false): SaleConnection!
}`;
