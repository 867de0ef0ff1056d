import { type CsvError, parse } from 'csv-parse/sync';
import { rejected } from '../../core/fault.ts';
import type { Address } from '../../model/address.ts';
import {
  checkOrderText,
  counted,
  instant,
  milestone,
  oneOf,
  optional,
  optionalInstant,
  quantity,
  text,
  whole,
} from './fields.ts';
import type {
  Acknowledgement,
  Codec,
  InventoryReport,
  MessageKind,
  MessageOf,
  Receipt,
  ShippingAdvice,
} from './messages.ts';

/**
 * Comma-separated, RFC 4180, UTF-8, one row per line of goods, a header, and a last row `END,<rows before it>`: a file that was cut is known by that.
 * docs/connectors/warehouse-files.md has the columns.
 */
export const csvCodec: Codec = {
  extension: 'csv',
  prefix: 'order',
  patterns: {
    'shipping-advice': 'shipped-*.csv',
    receipt: 'received-*.csv',
    inventory: 'stock-*.csv',
    acknowledgement: 'ack-*.csv',
  },
  checkOrder: checkOrderText,
  writeOrder: ({ number, action, order }) => {
    const { number: own, orderNumber, location, method, service, promisedAt, shipTo } = order;
    const head = [number, action, own, orderNumber, location, method, service, promisedAt];
    const rows = order.lines.map((line, index) => [
      ...head,
      ...addressColumns.map((column) => shipTo[column]),
      index + 1,
      line.sku,
      line.description,
      line.quantity,
    ]);
    return [ORDER_HEADER, ...rows, ['END', rows.length]].map((row) => `${row.map(quoted).join(',')}\r\n`).join('');
  },
  read: <K extends MessageKind>(kind: K, file: string, content: string) =>
    readers[kind](rowsOf(file, content, columns[kind])) as readonly MessageOf<K>[],
};

const addressColumns = [
  'name',
  'company',
  'street',
  'street2',
  'city',
  'postalCode',
  'region',
  'country',
  'phone',
  'email',
] as const satisfies readonly (keyof Address)[];

const ORDER_HEADER = [
  ...['message', 'action', 'fulfilment_order', 'order', 'location', 'method', 'service', 'promised_at'],
  ...['name', 'company', 'street', 'street2', 'city', 'postal_code', 'region', 'country', 'phone', 'email'],
  ...['line', 'sku', 'description', 'quantity'],
];

/** A field as RFC 4180 has it. */
function quoted(value: string | number | null): string {
  const plain = value === null ? '' : String(value);
  return /[",\r\n]|^\s|\s$/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

/** The columns a file must have; `?` marks those that may be missing. */
const columns: Readonly<Record<MessageKind, readonly string[]>> = {
  'shipping-advice': [
    ...['shipment', 'fulfilment_order', 'shipped_at', 'carrier?', 'tracking?', 'closes', 'sent_at?', 'milestone?'],
    ...['line?', 'sku', 'quantity'],
  ],
  receipt: ['receipt', 'reference?', 'received_at', 'sent_at?', 'sku', 'quantity', 'condition?'],
  inventory: ['report', 'as_of', 'sku', 'quantity?', 'available?'],
  acknowledgement: ['message', 'verdict', 'field?', 'reason?', 'sent_at?'],
};

interface Row {
  readonly at: string;
  readonly values: Readonly<Record<string, string>>;
}

function rowsOf(file: string, content: string, wanted: readonly string[]): Row[] {
  const refuse = (what: string, field?: string) => rejected(`${file}: ${what}`, 'file-unreadable', field);
  let records: string[][];
  try {
    records = parse(content, { bom: true, relax_column_count: true, skip_empty_lines: true });
  } catch (error) {
    throw refuse(`line ${(error as CsvError).lines ?? '?'} is not comma-separated text (${(error as CsvError).code}).`);
  }
  const header = (records.shift() ?? []).map((name) => name.trim().toLowerCase());
  for (const name of wanted.filter((column) => !column.endsWith('?')))
    if (!header.includes(name)) throw refuse(`has no column '${name}'.`, name);
  const end = records.pop();
  if (end?.[0] !== 'END' || Number(end[1]) !== records.length)
    throw refuse(
      end?.[0] === 'END'
        ? `says that it has ${end[1]} rows and has ${records.length}.`
        : "does not end with the row 'END' and the number of rows: it was cut, or is not finished.",
    );
  return records.map((record, index) => {
    const at = `${file}, line ${index + 2}`;
    if (record.length !== header.length)
      throw rejected(`${at}: has ${record.length} fields instead of ${header.length}.`, 'file-unreadable');
    return { at, values: Object.fromEntries(header.map((name, n) => [name, record[n]!])) };
  });
}

/** Rows of one message each, in order; what stands in each of them must be the same. */
function grouped(rows: readonly Row[], id: string, same: readonly string[]): [first: Row, own: Row[]][] {
  return [...Map.groupBy(rows, (row) => text(row.at, id, row.values[id]))].map(([name, own]) => {
    for (const row of own)
      for (const field of same)
        if (row.values[field] !== own[0]!.values[field])
          throw rejected(
            `${row.at}, field '${field}': ${id} ${name} has two values for it, '${own[0]!.values[field]}' and '${row.values[field]}'.`,
            'file-unreadable',
            field,
          );
    return [own[0]!, own];
  });
}

const readers: { readonly [K in MessageKind]: (rows: readonly Row[]) => MessageOf<K>[] } = {
  'shipping-advice': (rows) =>
    grouped(rows, 'shipment', [
      'fulfilment_order',
      'shipped_at',
      'carrier',
      'tracking',
      'closes',
      'sent_at',
      'milestone',
    ]).map(
      ([{ at, values }, own]): ShippingAdvice => ({
        kind: 'shipping-advice',
        shipment: text(at, 'shipment', values.shipment),
        order: text(at, 'fulfilment_order', values.fulfilment_order),
        milestone: milestone(at, values.milestone),
        shippedAt: instant(at, 'shipped_at', values.shipped_at),
        carrier: optional(values.carrier),
        tracking: (values.tracking ?? '').split(/\s+/).filter(Boolean),
        closes: oneOf(at, 'closes', values.closes, ['yes', 'no']) === 'yes' ? 'order' : 'nothing',
        sentAt: optionalInstant(at, 'sent_at', values.sent_at),
        lines: own.map((row) => ({
          line: optional(row.values.line) === null ? null : whole(row.at, 'line', row.values.line),
          sku: text(row.at, 'sku', row.values.sku),
          quantity: quantity(row.at, 'quantity', row.values.quantity),
        })),
      }),
    ),
  receipt: (rows) =>
    grouped(rows, 'receipt', ['reference', 'received_at', 'sent_at']).map(
      ([{ at, values }, own]): Receipt => ({
        kind: 'receipt',
        receipt: text(at, 'receipt', values.receipt),
        reference: optional(values.reference),
        receivedAt: instant(at, 'received_at', values.received_at),
        sentAt: optionalInstant(at, 'sent_at', values.sent_at),
        lines: own.map((row) => ({
          sku: text(row.at, 'sku', row.values.sku),
          quantity: quantity(row.at, 'quantity', row.values.quantity),
          condition: optional(row.values.condition),
        })),
      }),
    ),
  inventory: (rows) =>
    grouped(rows, 'report', ['as_of']).map(
      ([{ at, values }, own]): InventoryReport => ({
        kind: 'inventory',
        report: text(at, 'report', values.report),
        asOf: instant(at, 'as_of', values.as_of),
        lines: own.map((row) => ({ sku: text(row.at, 'sku', row.values.sku), ...counted(row.at, row.values) })),
      }),
    ),
  acknowledgement: (rows) =>
    grouped(rows, 'message', ['verdict', 'sent_at']).map(
      ([{ at, values }, own]): Acknowledgement => ({
        kind: 'acknowledgement',
        to: whole(at, 'message', values.message),
        accepted: oneOf(at, 'verdict', values.verdict, ['accepted', 'rejected']) === 'accepted',
        sentAt: optionalInstant(at, 'sent_at', values.sent_at),
        problems: own.flatMap((row) => {
          const [where, why] = [optional(row.values.field), optional(row.values.reason)];
          return where === null && why === null ? [] : [{ where, why: why ?? 'no reason was given' }];
        }),
      }),
    ),
};
