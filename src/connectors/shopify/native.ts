import { type Static, type TSchema, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { rejected } from '../../core/fault.ts';
import { readJson } from '../../core/json.ts';

/** An order of Shopify's as `documents` ask for it, all pages put together. Amounts are decimals in the currency the connection keeps. */
const Id = Type.String({ minLength: 1, maxLength: 200 });
const Maybe = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Text = Maybe(Type.String());
const Money = Type.Object({
  amount: Type.String({ maxLength: 32 }),
  currencyCode: Type.String({ pattern: '^[A-Z]{3}$' }),
});
const Bag = Type.Object({ money: Money });
const list = <T extends TSchema>(schema: T) => Type.Object({ nodes: Type.Array(schema) });
const Ref = Type.Object({ id: Id });

const TaxLine = Type.Object({ title: Type.String(), ratePercentage: Maybe(Type.Number()), priceSet: Bag });
const Discount = Type.Object({ allocatedAmountSet: Bag });
const Charge = { id: Id, price: Bag, taxLines: Type.Array(TaxLine) };

const Line = Type.Object({
  id: Id,
  sku: Text,
  name: Type.String(),
  title: Type.String(),
  quantity: Type.Integer({ minimum: 0 }),
  currentQuantity: Type.Integer({ minimum: 0 }),
  isGiftCard: Type.Boolean(),
  requiresShipping: Type.Boolean(),
  product: Maybe(Ref),
  lineItemGroup: Maybe(Type.Object({ title: Type.String() })),
  originalUnitPriceSet: Bag,
  discountAllocations: Type.Array(Discount),
  taxLines: Type.Array(TaxLine),
  duties: Type.Array(Type.Object(Charge)),
});

const ShippingLine = Type.Object({
  id: Maybe(Id),
  title: Type.String(),
  code: Text,
  isRemoved: Type.Boolean(),
  originalPriceSet: Bag,
  discountAllocations: Type.Array(Discount),
  taxLines: Type.Array(TaxLine),
});

const Place = Type.Object({
  name: Text,
  company: Text,
  address1: Text,
  address2: Text,
  city: Text,
  zip: Text,
  provinceCode: Text,
  countryCodeV2: Text,
  phone: Text,
});

const Refund = Type.Object({
  id: Id,
  processedAt: Type.String(),
  /** Not in what was read by earlier versions. */
  note: Type.Optional(Text),
  return: Maybe(Ref),
  totalRefundedSet: Bag,
  refundLineItems: list(
    Type.Object({
      id: Maybe(Id),
      quantity: Type.Integer({ minimum: 0 }),
      restockType: Type.String(),
      location: Maybe(Ref),
      lineItem: Ref,
      subtotalSet: Bag,
      totalTaxSet: Bag,
    }),
  ),
  refundShippingLines: list(
    Type.Object({
      id: Id,
      shippingLine: Type.Object({ id: Maybe(Id) }),
      subtotalAmountSet: Bag,
      taxAmountSet: Bag,
    }),
  ),
  orderAdjustments: list(Type.Object({ reason: Text, amountSet: Bag })),
  transactions: list(Type.Object({ gateway: Text, kind: Type.String(), status: Type.String() })),
});

const Return = Type.Object({
  id: Id,
  name: Type.String(),
  status: Type.String(),
  createdAt: Type.String(),
  closedAt: Text,
  returnLineItems: list(
    Type.Object({
      id: Id,
      quantity: Type.Integer({ minimum: 0 }),
      returnReasonDefinition: Maybe(Type.Object({ handle: Type.String() })),
      /** Not in what was read by earlier versions. */
      returnReasonNote: Type.Optional(Text),
      fulfillmentLineItem: Type.Optional(Type.Object({ lineItem: Ref })),
    }),
  ),
});

const Customer = Type.Object({
  id: Id,
  /** Not in what earlier versions read of orders. */
  updatedAt: Type.Optional(Type.String()),
  displayName: Type.String(),
  defaultEmailAddress: Maybe(Type.Object({ emailAddress: Type.String() })),
  defaultPhoneNumber: Maybe(Type.Object({ phoneNumber: Type.String() })),
  defaultAddress: Maybe(Type.Object({ countryCodeV2: Text })),
});

export type ShopifyCustomer = Static<typeof Customer>;

const Order = Type.Object({
  id: Id,
  name: Type.String({ minLength: 1 }),
  createdAt: Type.String(),
  processedAt: Type.String(),
  updatedAt: Type.String(),
  cancelledAt: Text,
  edited: Type.Boolean(),
  test: Type.Boolean(),
  currencyCode: Type.String(),
  presentmentCurrencyCode: Type.String(),
  taxesIncluded: Type.Boolean(),
  requiresShipping: Type.Boolean(),
  email: Text,
  phone: Text,
  totalPriceSet: Bag,
  currentTotalPriceSet: Bag,
  customer: Maybe(Customer),
  shippingAddress: Maybe(Place),
  billingAddress: Maybe(Place),
  retailLocation: Maybe(Ref),
  additionalFees: Type.Array(Type.Object({ ...Charge, name: Type.String() })),
  lineItems: list(Line),
  shippingLines: list(ShippingLine),
  fulfillmentOrders: list(
    Type.Object({
      status: Type.String(),
      assignedLocation: Type.Object({ location: Maybe(Ref) }),
      deliveryMethod: Maybe(Type.Object({ methodType: Type.String(), maxDeliveryDateTime: Type.Optional(Text) })),
      /** Read where there are several. */
      lineItems: Type.Optional(list(Type.Object({ totalQuantity: Type.Integer({ minimum: 0 }), lineItem: Ref }))),
    }),
  ),
  transactions: Type.Array(
    Type.Object({
      id: Id,
      kind: Type.String(),
      status: Type.String(),
      gateway: Text,
      processedAt: Text,
      amountSet: Bag,
    }),
  ),
  refunds: Type.Array(Refund),
  /** What edits agreed on, where there were any and there are refunds. Not in what was read by earlier versions. */
  edits: Type.Optional(
    Type.Array(
      Type.Object({
        happenedAt: Type.String(),
        sales: list(Type.Object({ actionType: Type.String(), totalAmount: Bag })),
      }),
    ),
  ),
  returns: list(Return),
  /** What of them the books have told; only where they have. */
  returnsTaken: Type.Optional(Type.Object({ value: Type.String() })),
  /** What it has more of than is read. */
  unread: Type.Optional(Type.Array(Type.String(), { minItems: 1 })),
});

export type ShopifyOrder = Static<typeof Order>;
export type ShopifyLine = Static<typeof Line>;
export type ShopifyShippingLine = Static<typeof ShippingLine>;
export type ShopifyRefund = Static<typeof Refund>;
export type ShopifyReturn = Static<typeof Return>;
export type ShopifyTax = Static<typeof TaxLine>;
export type ShopifyPlace = Static<typeof Place>;
export type ShopifyFulfillmentOrder = ShopifyOrder['fulfillmentOrders']['nodes'][number];
export type ShopifyMoney = Static<typeof Bag>;

const Product = Type.Object({
  id: Id,
  title: Type.String(),
  updatedAt: Type.String(),
  isGiftCard: Type.Boolean(),
  variants: list(
    Type.Object({
      id: Id,
      sku: Text,
      barcode: Text,
      title: Type.String(),
      inventoryItem: Type.Object({ requiresShipping: Type.Boolean() }),
    }),
  ),
});

export type ShopifyProduct = Static<typeof Product>;

const checks = { order: Compile(Order), product: Compile(Product), customer: Compile(Customer) };

/** The value, if it is what it should be. Throws `rejected` naming the first field that is not. */
function expect<T>(
  what: string,
  check: { Check(value: unknown): value is T; Errors(value: unknown): { instancePath: string }[] },
  value: unknown,
): T {
  if (check.Check(value)) return value;
  const [first] = check.Errors(value);
  const at = first?.instancePath || 'the whole';
  throw rejected(`Shopify's ${what} cannot be understood: ${at} is missing or of another kind.`, 'not-understood', at);
}

export const readOrder = (bytes: Uint8Array): ShopifyOrder => expect('order', checks.order, readJson(bytes));
export const readProduct = (bytes: Uint8Array): ShopifyProduct => expect('product', checks.product, readJson(bytes));
export const readCustomer = (bytes: Uint8Array): ShopifyCustomer =>
  expect('customer', checks.customer, readJson(bytes));
