import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { rejected } from '../../core/fault.ts';
import { readJson } from '../../core/json.ts';
import { momentOf } from '../../core/moment.ts';

/**
 * What the Toy Till says, version 1. It pushes `sale.completed` (the whole sale) and `sale.changed` (only that there is something new), lists
 * sales at `GET /sales?after=CURSOR`, and takes `order.recorded` and `stock.adjusted`. docs/writing-a-connector.md describes it.
 */
const Line = Type.Object({
  id: Type.String({ minLength: 1 }),
  sku: Type.String({ minLength: 1 }),
  name: Type.String(),
  /** Plain decimal, such as `2` or `0.350`. */
  quantity: Type.String(),
  /** Plain decimal in the sale's currency, tax included. */
  price: Type.String(),
  /** The till's own code. */
  tax: Type.String(),
  /** Minor units: what the customer paid for the line. */
  total: Type.Integer(),
});

const Sale = Type.Object({
  id: Type.String({ minLength: 1, maxLength: 100 }),
  number: Type.String({ minLength: 1, maxLength: 100 }),
  /** 1 and up; a correction of the sale has the next one. */
  revision: Type.Integer({ minimum: 1 }),
  /** RFC 3339. */
  soldAt: Type.String({ minLength: 20 }),
  currency: Type.String({ pattern: '^[A-Z]{3}$' }),
  customer: Type.Union([Type.Null(), Type.Object({ id: Type.String({ minLength: 1 }), name: Type.String() })]),
  lines: Type.Array(Line, { minItems: 1 }),
  /** Minor units. */
  total: Type.Integer(),
});

export type TillSale = Static<typeof Sale>;

const Message = Type.Object({ type: Type.String(), timestamp: Type.String(), data: Type.Unknown() });
const Completed = Type.Object({ sale: Sale });
const Changed = Type.Object({ id: Type.String({ minLength: 1, maxLength: 100 }) });
const Page = Type.Object({ sales: Type.Array(Sale), cursor: Type.String() });

type Told = { type: 'sale.completed'; sale: TillSale } | { type: 'sale.changed'; id: string } | { type: 'other' };

const checks = {
  message: Compile(Message),
  completed: Compile(Completed),
  changed: Compile(Changed),
  page: Compile(Page),
  sale: Compile(Sale),
};

/** The value, if it is what it should be. Throws `rejected` naming the first field that is not. */
function expect<T>(
  check: { Check(value: unknown): value is T; Errors(value: unknown): { instancePath: string }[] },
  value: unknown,
): T {
  if (check.Check(value)) return value;
  const [first] = check.Errors(value);
  throw rejected(`not what a Toy Till says: ${first?.instancePath || 'the whole'}`, 'not-a-till', first?.instancePath);
}

/** A webhook's body. Kinds of messages that a later till may have are `other`. */
export function readMessage(body: Uint8Array): Told {
  const { type, data } = expect(checks.message, readJson(body));
  if (type === 'sale.completed') return { type, sale: dated(expect(checks.completed, data).sale) };
  if (type === 'sale.changed') return { type, id: expect(checks.changed, data).id };
  return { type: 'other' };
}

export const readPage = (body: Uint8Array): Static<typeof Page> => expect(checks.page, readJson(body));

/** What the ledger kept of a sale. */
export const readSale = (bytes: Uint8Array): TillSale => dated(expect(checks.sale, readJson(bytes)));

function dated(sale: TillSale): TillSale {
  if (!Number.isNaN(momentOf(sale.soldAt))) return sale;
  throw rejected(`Sale ${sale.number}: '${sale.soldAt}' is no moment`, 'not-a-till', 'soldAt');
}
