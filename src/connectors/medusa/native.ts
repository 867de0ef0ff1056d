import { type Static, type TSchema, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { rejected } from '../../core/fault.ts';
import { readJson } from '../../core/json.ts';

/**
 * An order of Medusa's as the connector asks for it. Amounts are JSON numbers in major units, and not rounded: 21 % of 29.97 is 6.2937. Lists are kept in the
 * order of their ids, for Medusa gives them in any.
 */
const Id = Type.String({ minLength: 1, maxLength: 200 });
const Maybe = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Text = Maybe(Type.String());
const Amount = Type.Number();

const TaxLine = Type.Object({ id: Id, code: Text, rate: Type.Number(), description: Text });
const Adjustment = Type.Object({ id: Id, code: Text, amount: Amount, is_tax_inclusive: Type.Optional(Type.Boolean()) });

const Line = Type.Object({
  id: Id,
  title: Type.String(),
  variant_id: Text,
  variant_sku: Text,
  variant_title: Text,
  requires_shipping: Type.Boolean(),
  is_giftcard: Type.Optional(Type.Boolean()),
  is_tax_inclusive: Type.Boolean(),
  unit_price: Amount,
  quantity: Type.Number({ minimum: 0 }),
  detail: Type.Object({ return_received_quantity: Type.Number(), return_dismissed_quantity: Type.Number() }),
  tax_lines: Type.Array(TaxLine),
  adjustments: Type.Array(Adjustment),
});

const ShippingMethod = Type.Object({
  id: Id,
  name: Type.String(),
  amount: Amount,
  is_tax_inclusive: Type.Boolean(),
  shipping_option_id: Text,
  tax_lines: Type.Array(TaxLine),
  adjustments: Type.Array(Adjustment),
});

const Place = Type.Object({
  first_name: Text,
  last_name: Text,
  company: Text,
  address_1: Text,
  address_2: Text,
  city: Text,
  postal_code: Text,
  province: Text,
  country_code: Text,
  phone: Text,
});

const Moved = Type.Object({ id: Id, amount: Amount, created_at: Type.String() });

const Payment = Type.Object({
  id: Id,
  provider_id: Type.String(),
  currency_code: Type.String(),
  updated_at: Type.String(),
  captures: Type.Array(Moved),
  refunds: Type.Array(Moved),
});

const Return = Type.Object({
  id: Id,
  display_id: Type.Integer(),
  status: Type.String(),
  location_id: Text,
  created_at: Type.String(),
  updated_at: Type.String(),
  requested_at: Text,
  received_at: Text,
  items: Type.Array(
    Type.Object({
      id: Id,
      item_id: Id,
      quantity: Type.Number(),
      /** All that came, what was damaged among it. */
      received_quantity: Type.Number(),
      damaged_quantity: Type.Number(),
      reason: Type.Optional(Maybe(Type.Object({ value: Type.String() }))),
    }),
  ),
});

const LineState = Type.Object({ quantity: Type.Number(), unit_price: Amount, adjustments: Type.Array(Adjustment) });

/** A confirmed edit: its lines before and after it, and the version of the order that it made. */
const Edit = Type.Object({
  id: Id,
  version: Type.Integer(),
  confirmed_at: Type.String(),
  items: Type.Array(Type.Object({ id: Id, from: LineState, to: LineState })),
});

const Order = Type.Object({
  id: Id,
  display_id: Type.Integer(),
  custom_display_id: Type.Optional(Text),
  status: Type.String(),
  is_draft_order: Type.Boolean(),
  email: Text,
  currency_code: Type.String({ pattern: '^[a-z]{3}$' }),
  created_at: Type.String(),
  updated_at: Type.String(),
  canceled_at: Text,
  /** Of what a shop makes of it only this is taken: when its checkout has promised the order for. */
  metadata: Type.Optional(Maybe(Type.Object({ promised_at: Type.Optional(Type.Unknown()) }))),
  /** What is left to pay for after goods came back, less credit lines: Medusa makes one of money that is given back without goods. */
  total: Amount,
  credit_line_total: Type.Optional(Amount),
  items: Type.Array(Line),
  shipping_methods: Type.Array(ShippingMethod),
  // Medusa leaves out what an order has none of.
  shipping_address: Type.Optional(Maybe(Place)),
  billing_address: Type.Optional(Maybe(Place)),
  customer: Type.Optional(
    Maybe(
      Type.Object({
        id: Id,
        first_name: Text,
        last_name: Text,
        company_name: Text,
        email: Text,
        phone: Text,
        /** Not in what was read by earlier versions. */
        updated_at: Type.Optional(Type.String()),
      }),
    ),
  ),
  payment_collections: Type.Array(Type.Object({ id: Id, payments: Type.Array(Payment) })),
  returns: Type.Array(Return),
  /** Put together by the connector: absent from what was kept before it did so. */
  edits: Type.Optional(Type.Array(Edit)),
  /** Lines of which edits left nothing, with quantity 0: Medusa no longer has them among `items`. */
  removed: Type.Optional(Type.Array(Line)),
});

export type MedusaOrder = Static<typeof Order>;
export type MedusaLine = Static<typeof Line>;
export type MedusaAdjustment = Static<typeof Adjustment>;
export type MedusaEdit = Static<typeof Edit>;
export type MedusaShippingMethod = Static<typeof ShippingMethod>;
export type MedusaTax = Static<typeof TaxLine>;
export type MedusaPlace = Static<typeof Place>;
export type MedusaReturn = Static<typeof Return>;

const Product = Type.Object({
  id: Id,
  title: Type.String(),
  status: Type.String(),
  is_giftcard: Type.Boolean(),
  updated_at: Type.String(),
  variants: Type.Array(
    Type.Object({
      id: Id,
      title: Text,
      sku: Text,
      barcode: Text,
      ean: Text,
      upc: Text,
      updated_at: Type.String(),
    }),
  ),
});

export type MedusaProduct = Static<typeof Product>;

/** What is asked of Medusa, field by field: the schemas', so that nothing is read that is not kept. */
export const schemas = { order: Order, product: Product };

const checks = { order: Compile(Order), product: Compile(Product) };

/** The value, if it is what it should be. Throws `rejected` naming the first field that is not. */
function expect<T>(
  what: string,
  check: { Check(value: unknown): value is T; Errors(value: unknown): { instancePath: string }[] },
  value: unknown,
): T {
  if (check.Check(value)) return value;
  const [first] = check.Errors(value);
  const at = first?.instancePath || 'the whole';
  throw rejected(`Medusa's ${what} cannot be understood: ${at} is missing or of another kind.`, 'not-understood', at);
}

export const readOrder = (bytes: Uint8Array): MedusaOrder => expect('order', checks.order, readJson(bytes));
export const readProduct = (bytes: Uint8Array): MedusaProduct => expect('product', checks.product, readJson(bytes));
