import { dayIn, lineValue } from '../../connectors/csv/index.ts';
import type { KnownLine } from '../../connectors/csv/lines.ts';
import { decimal } from '../../core/decimal.ts';
import type { Measure } from '../../core/document.ts';
import { rejected } from '../../core/fault.ts';
import type { Look } from '../../core/flow.ts';
import type { Row } from './memory.ts';
import { hasValue, type Role, roles, type SalesLine } from './rules.ts';

/** Which column of the file holds what. */
export interface Columns {
  readonly code: string;
  readonly description: string;
  readonly quantity: string;
  readonly date: string;
  readonly price: string;
  readonly customer: string;
  readonly country: string;
}

/** The names of the UCI "Online Retail" export. */
export const uciColumns: Columns = {
  code: 'StockCode',
  description: 'Description',
  quantity: 'Quantity',
  date: 'InvoiceDate',
  price: 'UnitPrice',
  customer: 'CustomerID',
  country: 'Country',
};

export interface InvoiceLine extends SalesLine {
  readonly id: string;
  readonly code: string;
  readonly sku: string;
  readonly description: string;
  readonly quantityText: string;
  readonly priceText: string;
  /** Minor units. */
  readonly value: bigint;
  /** Where it was read, or '' for a line of an earlier batch. */
  readonly at: string;
}

export interface Invoice {
  readonly number: string;
  readonly cancellation: boolean;
  readonly currency: string;
  readonly placedAt: string;
  readonly businessDay: string;
  /** Number of the customer; null for sales without a name. */
  readonly customer: string | null;
  readonly country: string | null;
  readonly lines: readonly InvoiceLine[];
  readonly hasValue: boolean;
}

/** Exports that went through a spreadsheet write 17850 as 17850.0. */
const customerNumber = (text: string): string | null => text.trim().replace(/^(\d+)\.0+$/, '$1') || null;

const distinct = (values: Iterable<string>): string[] => [...new Set(values)];

/** Reads an invoice from its lines. Throws a `rejected` Fault for what makes the whole invoice unfit. */
export function readInvoice(
  number: string,
  currency: string,
  known: readonly KnownLine<Row>[],
  names: readonly string[],
  columns: Columns,
  options: { readonly zone: string; readonly cancellation: RegExp },
  look: Look<unknown>,
): Invoice {
  const place = Object.fromEntries(
    Object.entries(columns).map(([what, column]) => {
      const index = names.indexOf(column);
      if (index === -1) throw rejected(`The files have no column '${column}' (${what}).`, 'column-missing', column);
      return [what, index];
    }),
  ) as Record<keyof Columns, number>;
  const codes = look.mapping('till-codes');

  const cell = (row: Row, what: keyof Columns): string => row.values[place[what]]!;
  const all = (what: keyof Columns): string[] => distinct(known.map(({ line }) => cell(line, what).trim()));

  const lines = known.map(({ id, line }): InvoiceLine => {
    const code = cell(line, 'code').trim();
    const sku = code.toUpperCase();
    const quantityText = cell(line, 'quantity');
    const priceText = cell(line, 'price');
    const value = lineValue(quantityText, priceText, currency);
    if (value === null)
      throw rejected(
        `Invoice ${number}: ${quantityText} × ${priceText} (${line.at ?? 'an earlier line'}) is no value that can be booked. Correct the record.`,
        'value-unreadable',
        columns.quantity,
      );
    return {
      id,
      code,
      sku,
      role: roleOf(sku, codes.get(sku)),
      description: cell(line, 'description').trim(),
      quantity: decimal(quantityText),
      price: decimal(priceText),
      quantityText,
      priceText,
      value,
      at: line.at ?? '',
    };
  });

  const customers = distinct(all('customer').map((text) => customerNumber(text) ?? ''));
  if (customers.length > 1)
    throw rejected(
      `Invoice ${number} names ${customers.length} customers: ${customers.map((text) => text || 'none').join(', ')}. Correct the file, or decide which one it is for.`,
      'several-customers',
      columns.customer,
    );
  const customer = customers[0] || null;
  const countries = all('country');
  if (customer !== null && countries.length > 1)
    throw rejected(
      `Invoice ${number} names ${countries.length} countries: ${countries.join(', ')}. Correct the file.`,
      'several-countries',
      columns.country,
    );
  const placedAt = Date.parse(cell(known[0]!.line, 'date'));
  if (Number.isNaN(placedAt))
    throw rejected(`Invoice ${number} has no date that can be read.`, 'value-unreadable', columns.date);

  return {
    number,
    cancellation: options.cancellation.test(number),
    currency,
    placedAt: new Date(placedAt).toISOString(),
    businessDay: dayIn(placedAt, options.zone),
    customer,
    country: customer === null ? null : look.mapping('till-countries').get(countries[0]!) || null,
    lines,
    hasValue: lines.some(hasValue),
  };
}

function roleOf(sku: string, target: string): Role {
  const role = roles.find((candidate) => candidate === target);
  if (role) return role;
  throw rejected(
    `Mapping table 'till-codes' says '${target}' for code ${sku}; it must be one of ${roles.join(', ')}.`,
    'mapping-invalid',
  );
}

/** What these lines weigh, given their quantities and prices. */
export function weigh(lines: readonly { readonly value: bigint }[], currency: string): Measure {
  let minor = 0n;
  let absolute = 0n;
  for (const { value } of lines) {
    minor += value;
    absolute += value < 0n ? -value : value;
  }
  return { lines: lines.length, currency, minor, absolute };
}
