import { XMLParser, XMLValidator } from 'fast-xml-parser';
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
 * A small XML of our own, UTF-8, values in attributes; docs/connectors/warehouse-files.md has the elements. No document types, and no entities but the five
 * of XML itself: nothing in a file can make the reader read anything else. A file that was cut is not well-formed.
 */
export const xmlCodec: Codec = {
  extension: 'xml',
  prefix: 'order',
  patterns: {
    'shipping-advice': 'shipped-*.xml',
    receipt: 'received-*.xml',
    inventory: 'stock-*.xml',
    acknowledgement: 'ack-*.xml',
  },
  checkOrder: checkOrderText,
  writeOrder: ({ number, action, order }) => {
    const { number: own, orderNumber, location, method, service, promisedAt, shipTo, lines } = order;
    const head = { message: number, action, number: own, order: orderNumber, location, method, service, promisedAt };
    return [
      '<?xml version="1.0" encoding="UTF-8"?>',
      `<FulfilmentOrder${attributes(head)}>`,
      `  <ShipTo${attributes(shipTo satisfies Address)}/>`,
      ...lines.map(
        (line, index) =>
          `  <Line${attributes({ line: index + 1, sku: line.sku, quantity: line.quantity, description: line.description })}/>`,
      ),
      '</FulfilmentOrder>\n',
    ].join('\n');
  },
  read: <K extends MessageKind>(kind: K, file: string, content: string) => {
    const { root, each, message } = shapes[kind];
    const elements = elementsOf(file, content, root, each);
    return elements.map((element, index) =>
      message(element, `${file}, ${each} ${index + 1}`),
    ) as unknown as readonly MessageOf<K>[];
  },
};

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** Characters that XML 1.0 cannot hold become blanks, and so do line breaks, which attributes do not keep. */
const escaped = (value: string): string =>
  value
    .toWellFormed()
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced
    .replaceAll(/[\u0000-\u001f\u007f\ufffe\uffff]/g, ' ')
    .replaceAll(/[&<>"']/g, (character) => ESCAPES[character]!);

const attributes = (values: Readonly<Record<string, string | number | null>>): string =>
  Object.entries(values)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => ` ${name}="${escaped(String(value))}"`)
    .join('');

interface Element {
  readonly values: Readonly<Record<string, string>>;
  children(name: string): Element[];
}

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  parseTagValue: false,
  parseAttributeValue: false,
  processEntities: false,
  isArray: (_, path) => typeof path === 'string' && path.includes('.'),
});

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescaped(value: string): string {
  return value.replaceAll(/&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|(\w+));/g, (whole, tens, hex, name) => {
    if (name !== undefined) return NAMED[name] ?? whole;
    const code = tens === undefined ? Number.parseInt(hex, 16) : Number(tens);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

function elementsOf(file: string, content: string, root: string, each: string): Element[] {
  const refuse = (what: string) => rejected(`${file}: ${what}`, 'file-unreadable');
  if (/<!DOCTYPE|<!ENTITY/i.test(content)) throw refuse('has a document type; such files are not read.');
  const valid = XMLValidator.validate(content);
  if (valid !== true)
    throw refuse(`line ${valid.err.line}: is not well-formed XML (${valid.err.code}): it was cut, or is not finished.`);
  const tree: unknown = parser.parse(content);
  const top = (tree as Record<string, unknown>)[root];
  if (top === undefined) throw refuse(`its outermost element is not ${root}.`);
  return element(top).children(each);
}

function element(node: unknown): Element {
  const fields = node !== null && typeof node === 'object' ? (node as Record<string, unknown>) : {};
  const values = Object.entries(fields).flatMap(([name, value]) =>
    name.startsWith('@') ? [[name.slice(1), unescaped(String(value))]] : [],
  );
  return {
    values: Object.fromEntries(values),
    children: (name) => {
      const found = fields[name];
      return (Array.isArray(found) ? found : found === undefined ? [] : [found]).map(element);
    },
  };
}

interface Shape<K extends MessageKind> {
  readonly root: string;
  readonly each: string;
  readonly message: (element: Element, at: string) => MessageOf<K>;
}

const lineAt = (at: string, index: number): string => `${at}, Line ${index + 1}`;

const shapes: { readonly [K in MessageKind]: Shape<K> } = {
  'shipping-advice': {
    root: 'ShippingAdvices',
    each: 'ShippingAdvice',
    message: ({ values, children }, at): ShippingAdvice => ({
      kind: 'shipping-advice',
      shipment: text(at, 'shipment', values.shipment),
      order: text(at, 'fulfilmentOrder', values.fulfilmentOrder),
      milestone: milestone(at, values.milestone),
      shippedAt: instant(at, 'shippedAt', values.shippedAt),
      carrier: optional(values.carrier),
      tracking: children('Tracking').map((one) => text(at, 'Tracking number', one.values.number)),
      closes: oneOf(at, 'closes', values.closes, ['yes', 'no']) === 'yes' ? 'order' : 'nothing',
      sentAt: optionalInstant(at, 'sentAt', values.sentAt),
      lines: lines(children('Line'), at, (line, where) => ({
        line: optional(line.line) === null ? null : whole(where, 'line', line.line),
        sku: text(where, 'sku', line.sku),
        quantity: quantity(where, 'quantity', line.quantity),
      })),
    }),
  },
  receipt: {
    root: 'Receipts',
    each: 'Receipt',
    message: ({ values, children }, at): Receipt => ({
      kind: 'receipt',
      receipt: text(at, 'receipt', values.receipt),
      reference: optional(values.reference),
      receivedAt: instant(at, 'receivedAt', values.receivedAt),
      sentAt: optionalInstant(at, 'sentAt', values.sentAt),
      lines: lines(children('Line'), at, (line, where) => ({
        sku: text(where, 'sku', line.sku),
        quantity: quantity(where, 'quantity', line.quantity),
        condition: optional(line.condition),
      })),
    }),
  },
  inventory: {
    root: 'Inventories',
    each: 'Inventory',
    message: ({ values, children }, at): InventoryReport => ({
      kind: 'inventory',
      report: text(at, 'report', values.report),
      asOf: instant(at, 'asOf', values.asOf),
      lines: lines(children('Line'), at, (line, where) => ({
        sku: text(where, 'sku', line.sku),
        ...counted(where, line),
      })),
    }),
  },
  acknowledgement: {
    root: 'Acknowledgements',
    each: 'Acknowledgement',
    message: ({ values, children }, at): Acknowledgement => ({
      kind: 'acknowledgement',
      to: whole(at, 'message', values.message),
      accepted: oneOf(at, 'verdict', values.verdict, ['accepted', 'rejected']) === 'accepted',
      sentAt: optionalInstant(at, 'sentAt', values.sentAt),
      problems: children('Problem').map(({ values: problem }) => ({
        where: optional(problem.field),
        why: optional(problem.reason) ?? 'no reason was given',
      })),
    }),
  },
};

function lines<T>(
  found: readonly Element[],
  at: string,
  read: (values: Element['values'], where: string) => T,
): readonly T[] {
  if (found.length === 0) throw rejected(`${at}: has no Line.`, 'file-unreadable', 'Line');
  return found.map(({ values }, index) => read(values, lineAt(at, index)));
}
