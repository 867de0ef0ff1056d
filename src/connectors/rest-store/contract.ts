import { type Static, type TObject, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { FaultError, rejected } from '../../core/fault.ts';
import { readJson } from '../../core/json.ts';
import { misfit, type SchemaError } from '../../core/misfit.ts';
import { momentOf } from '../../core/moment.ts';

/**
 * The store contract, version 1: what a till or a home-grown shop and the hub say to each other. docs/connectors/rest-store.md tells it in words,
 * `openapi.ts` makes the OpenAPI document from these schemas. Numbers that are money are minor units; quantities and unit prices are plain decimals.
 */
export const contractVersion = '1.5';

export const Id = (about: string) => Type.String({ minLength: 1, maxLength: 100, description: about });
export const Decimal = (about: string) =>
  Type.String({ pattern: '^-?\\d{1,15}(\\.\\d{1,9})?$', description: `${about} Plain decimal.` });
const Minor = (about: string) =>
  Type.Integer({
    minimum: -9_007_199_254_740_991,
    maximum: 9_007_199_254_740_991,
    description: `${about} Minor units.`,
  });
export const Moment = (about: string) =>
  Type.String({
    pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?(Z|[+-]\\d\\d:\\d\\d)$',
    description: `${about} RFC 3339.`,
  });
export const orNull = <S extends TObject | ReturnType<typeof Type.String>>(schema: S) =>
  Type.Union([schema, Type.Null()]);

export const Text = (about: string) => Type.String({ maxLength: 500, description: about });
export const TextOrNull = (about: string) => orNull(Text(about));

/** Who gets goods, and where. */
export const Recipient = Type.Object({
  name: Text('Who collects, or who it is sent to.'),
  company: TextOrNull('Company.'),
  street: Text('Street and number.'),
  street2: TextOrNull('Second line.'),
  city: Text('City.'),
  postalCode: TextOrNull('Postal code.'),
  region: TextOrNull('Subdivision, such as CA.'),
  country: Text('ISO 3166-1 alpha-2.'),
  phone: TextOrNull('Telephone.'),
  email: TextOrNull('E-mail address.'),
});

const Delivery = Type.Object(
  {
    method: Type.Union([Type.Literal('collect'), Type.Literal('ship')]),
    promisedAt: orNull(Moment('By when the customer has it, as was promised at the sale; null: nothing was.')),
    recipient: Type.Optional(orNull(Recipient)),
    location: Type.Optional(
      orNull(
        Id("The store's own code of the place that it is collected at or sent from; absent: the place of the sale."),
      ),
    ),
  },
  { title: 'Delivery' },
);

export const SaleLine = Type.Object(
  {
    id: Id('Stable for the life of the sale.'),
    sku: Id('Code of what was sold.'),
    name: Type.String({ maxLength: 500 }),
    kind: Type.Optional(Type.Union([Type.Literal('goods'), Type.Literal('service'), Type.Literal('voucher')])),
    quantity: Decimal('Negative when goods come back.'),
    unitPrice: Decimal('Before discount.'),
    discount: Type.Optional(Minor('What it was reduced by in all: 0 and up, whatever the sign of the quantity.')),
    taxes: Type.Array(Id("A tax code of the store's own."), { maxItems: 10 }),
    total: Minor('Quantity × unit price − discount, as charged.'),
    tax: Type.Optional(Minor('The tax on it; needed where prices do not include it.')),
  },
  { title: 'SaleLine' },
);

export const Sale = Type.Object(
  {
    id: Id('Never used for another sale.'),
    number: Id('What stands on the receipt.'),
    revision: Type.Integer({
      minimum: 1,
      description: 'A correction of the sale has the next one and tells it whole.',
    }),
    soldAt: Moment('When it was sold.'),
    location: Id("The store's own code of the place."),
    currency: Type.String({ pattern: '^[A-Z]{3}$', description: 'ISO 4217.' }),
    pricesIncludeTax: Type.Boolean(),
    /** Null: over the counter, to nobody in particular. */
    customer: orNull(
      Type.Object({
        id: Id("The store's own id of the customer."),
        name: Type.String({ maxLength: 300 }),
        email: Type.Optional(orNull(Type.String({ maxLength: 300 }))),
      }),
    ),
    refersTo: Type.Optional(orNull(Id('Number of the sale that this one takes back.'))),
    /** Absent or null: handed over at once. Otherwise none of it is yet; what is shipped has a recipient. */
    delivery: Type.Optional(orNull(Delivery)),
    lines: Type.Array(SaleLine, { minItems: 1, maxItems: 2000 }),
    total: Minor('What the customer paid, tax included; negative when money went back.'),
  },
  { title: 'Sale' },
);
export type StoreSale = Static<typeof Sale>;

export const SalesPage = Type.Object(
  {
    sales: Type.Array(Sale, {
      maxItems: 500,
      description: 'In the order in which they were written; empty at the end.',
    }),
    cursor: Type.String({ maxLength: 300, description: 'Where to go on; opaque.' }),
  },
  { title: 'SalesPage' },
);

export const message = <Name extends string, Data extends TObject>(type: Name, data: Data) =>
  Type.Object({ type: Type.Literal(type), timestamp: Moment('When it was written.'), data }, { title: type });

/** What the store pushes. */
export const pushed = {
  completed: message('sale.completed', Type.Object({ sale: Sale })),
  changed: message('sale.changed', Type.Object({ id: Id('The sale that is new or changed.') })),
};

export const Version = Type.Integer({
  minimum: 1,
  description: 'Grows with each change of this record: keep the greatest, pass over others.',
});

/** What the hub posts. */
export const posted = {
  order: message(
    'order.recorded',
    Type.Object({
      sale: orNull(Id('Of the sale, where it is one of this store.')),
      number: Id('Its number.'),
      status: Type.Union([Type.Literal('recorded'), Type.Literal('cancelled')]),
      version: Version,
    }),
  ),
  promise: message(
    'promise.changed',
    Type.Object({
      sale: orNull(Id('Of the sale, where it is one of this store.')),
      number: Id('Its number.'),
      promisedAt: orNull(
        Moment('By when the customer has it, now that people have moved it; null: nothing is promised.'),
      ),
      version: Version,
    }),
  ),
  shipment: message(
    'shipment.changed',
    Type.Object({
      id: Id('Stable for the life of the shipment: what its versions are of.'),
      sale: orNull(Id('Of the sale, where it is one of this store.')),
      number: Id("The sale's number."),
      shipment: Id('Number that it has where the goods come from.'),
      milestone: Type.Union(
        (['picked', 'packed', 'ready', 'shipped', 'collected', 'delivered'] as const).map((one) => Type.Literal(one)),
        { description: 'Each includes those before it. ready: it waits for the customer; collected: handed over.' },
      ),
      at: Moment('When that was reached.'),
      carrier: orNull(Id("The hub's code of the carrier.")),
      tracking: Type.Array(Type.Object({ number: Id('A tracking number.'), url: TextOrNull('Where to follow it.') })),
      lines: Type.Array(
        Type.Object({
          line: orNull(Id('Of the line of the sale; null: it was none of the sale.')),
          sku: Id('Code.'),
          quantity: Decimal('What is in this shipment: an absolute figure.'),
        }),
      ),
      version: Version,
    }),
  ),
  cancellation: message(
    'order.cancelled',
    Type.Object({
      sale: orNull(Id('Of the sale, where it is one of this store.')),
      number: Id('Its number.'),
      reason: Type.Union(
        (['customer', 'stock', 'fraud', 'payment', 'other'] as const).map((one) => Type.Literal(one)),
        { description: 'Why, as far as it was said.' },
      ),
      refundsFollow: Type.Boolean({ description: 'True: what was paid is given back elsewhere; false: by the store.' }),
      at: Moment('When it was cancelled.'),
      version: Version,
    }),
  ),
  stock: message(
    'stock.changed',
    Type.Object({
      levels: Type.Array(
        Type.Object({
          sku: Id('Code.'),
          location: Id("The store's own code of the place."),
          available: Decimal('What may be sold from there: an absolute figure.'),
          asOf: Moment('When it was counted.'),
          version: Version,
        }),
        { minItems: 1, maxItems: 100 },
      ),
    }),
  ),
  price: message(
    'price.changed',
    Type.Object({
      prices: Type.Array(
        Type.Object({
          sku: Id('Code.'),
          list: Id("The hub's price list."),
          currency: Type.String(),
          amount: Minor('The price.'),
          compareAt: Type.Union([Minor('The price before.'), Type.Null()]),
          includesTax: Type.Boolean(),
          version: Version,
        }),
        { minItems: 1, maxItems: 100 },
      ),
    }),
  ),
};

type Told = { type: 'sale.completed'; sale: StoreSale } | { type: 'sale.changed'; id: string } | { type: 'other' };

const checks = {
  envelope: Compile(Type.Object({ type: Type.String() })),
  completed: Compile(pushed.completed),
  changed: Compile(pushed.changed),
  page: Compile(Type.Object({ sales: Type.Array(Type.Unknown()), cursor: SalesPage.properties.cursor })),
  sale: Compile(Sale),
};

interface Objection {
  readonly field: string;
  readonly message: string;
}

interface Check<T> {
  Check(value: unknown): value is T;
  Errors(value: unknown): SchemaError[];
}

/** The value, if it is what it should be. Throws `rejected` naming the first field that is not and why. */
export function expect<T>(check: Check<T>, value: unknown): T {
  if (check.Check(value)) return value;
  const { at, words } = misfit(check.Errors(value));
  const field = at || 'the whole';
  throw rejected(`not what the store contract says: ${field} ${words}`, 'not-the-contract', field);
}

/** What is told one by one, to be looked at before it is sent. */
export const told = {
  order: Compile(posted.order.properties.data),
  promise: Compile(posted.promise.properties.data),
  shipment: Compile(posted.shipment.properties.data),
  cancellation: Compile(posted.cancellation.properties.data),
  level: Compile(posted.stock.properties.data.properties.levels.items),
  price: Compile(posted.price.properties.data.properties.prices.items),
};

/** What keeps something from being told, in words; null when the contract allows it. */
export function objection(check: Check<unknown>, value: unknown): Objection | null {
  if (check.Check(value)) return null;
  const { at, words } = misfit(check.Errors(value));
  const field = at.slice(1) || 'the whole';
  return { field, message: `the store contract does not allow this: ${field} ${words}` };
}

/** A pushed body. Kinds of messages that a later version may have are `other`. */
export function readMessage(body: Uint8Array): Told {
  const value = readJson(body);
  const { type } = expect(checks.envelope, value);
  if (type === 'sale.completed') return { type, sale: whole(expect(checks.completed, value).data.sale) };
  if (type === 'sale.changed') return { type, id: expect(checks.changed, value).data.id };
  return { type: 'other' };
}

/** A listed page; its sales are looked at one by one, for one that is wrong must not hold up the others. */
export const readPage = (body: Uint8Array): { sales: unknown[]; cursor: string } => expect(checks.page, readJson(body));

/** The cursor behind a page that was not empty. Throws for one that stands still: the page would come again and again, and what lies behind it never. */
export function nextCursor(cursor: string, after: string | null): string {
  if (cursor !== after) return cursor;
  throw new FaultError({
    kind: 'transient',
    message: `the store gives a page and the same cursor again ('${cursor.slice(0, 40)}'): behind a page that is not empty it must be another one`,
  });
}

/** A sale as the ledger kept it. */
export const readSale = (bytes: Uint8Array): StoreSale => whole(expect(checks.sale, readJson(bytes)));

/** What a schema cannot say: a pattern lets the 99th of a month pass. */
function whole(sale: StoreSale): StoreSale {
  const wrong = (words: string, field: string) => rejected(`Sale ${sale.number}: ${words}.`, 'not-the-contract', field);
  const { soldAt, delivery } = sale;
  if (Number.isNaN(momentOf(soldAt))) throw wrong(`'${soldAt}' is no moment`, 'soldAt');
  if (delivery?.promisedAt && Number.isNaN(momentOf(delivery.promisedAt)))
    throw wrong(`'${delivery.promisedAt}' is no moment`, 'delivery.promisedAt');
  if (delivery?.method === 'ship' && !delivery.recipient)
    throw wrong('what is shipped has a recipient', 'delivery.recipient');
  return sale;
}
