import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import type { Left } from '../../src/simulators/warehouse/index.ts';
import { interchange, readOrders, type Sent } from '../../src/simulators/warehouse/x12.ts';
import { xmlAdvice, xmlCount, xmlJobs, xmlReceipt } from './clerk-xml.ts';

export type Format = 'csv' | 'x12' | 'xml';

/** An order as the warehouse was sent it. */
export interface Job {
  readonly number: string;
  readonly action: string;
  readonly promisedAt: string | null;
  readonly lines: readonly { readonly line: string; readonly sku: string; readonly quantity: number }[];
}

/** Goods by code. */
export type Units = Readonly<Record<string, number>>;

export interface Parcel {
  readonly shipment: string;
  readonly order: string;
  readonly tracking: string;
  readonly units: Units;
  /** Nothing more of the order will come. */
  readonly closes: boolean;
  /** What has become of it: CSV and XML only, X12 tells of nothing before it has left. */
  readonly milestone?: string;
}

/** One file as the warehouse writes it; written once more it has the same number, and says when it was written. */
interface Written {
  readonly name: string;
  readonly text: string;
  again(at: Date): string;
}

type Row = readonly (string | number)[];

const US = 'WMS';
const THEM = 'RETAILER';
const day = (at: Date): string => at.toISOString().slice(0, 10).replaceAll('-', '');

/**
 * A person at a third-party warehouse who reads what was sent and writes files by hand, in one of three formats, with a reading and writing of his own. What
 * left by his own books is in `left`; a file is a file, and does nothing to them.
 */
export class Clerk {
  readonly left = new Map<string, Left>();
  readonly #folder: string;
  readonly #format: Format;
  #control = 0;

  /** The folder has `in`, which others write to, and `out`. */
  constructor(folder: string, format: Format) {
    this.#folder = folder;
    this.#format = format;
  }

  /** Orders that were sent and not read yet. Answers of the hub (997) are taken away too. */
  jobs(): Job[] {
    const folder = join(this.#folder, 'in');
    const names = readdirSync(folder).filter((name) => !name.endsWith('.part') && !name.startsWith('.'));
    return names.sort().flatMap((name) => {
      const text = readFileSync(join(folder, name), 'utf8');
      rmSync(join(folder, name));
      return jobsIn[this.#format](text);
    });
  }

  /** A parcel leaves: it is in the books, and the file says so. */
  ship(order: string, units: Units, closes = true): Written {
    const n = this.left.size + 1;
    const [shipment, tracking] = [`SH${n}`, `1Z${String(n).padStart(8, '0')}`];
    this.left.set(shipment, { order, units, tracking });
    return this.told({ shipment, order, tracking, units, closes });
  }

  /** The file that tells of a parcel; the books are as they were. */
  told(parcel: Parcel): Written {
    const write = {
      csv: () => csvAdvice(parcel),
      xml: () => (at: Date) => xmlAdvice(parcel, moment, at.toISOString()),
      x12: () => this.#x12('SW', '945', x12Advice(parcel)),
    }[this.#format]();
    return this.#written({ csv: 'shipped-', xml: 'shipped-', x12: '945_' }[this.#format], parcel.shipment, write);
  }

  /** Goods that came in. */
  received(receipt: string, reference: string, units: Units): Written {
    const rows = Object.entries(units);
    const total = rows.reduce((sum, [, count]) => sum + count, 0);
    const goods = rows.map(([sku, count]): Row => ['W07', count, 'EA', '', 'VN', sku]);
    const write = {
      csv: () => (at: Date) =>
        csvOf(
          ['receipt', 'reference', 'received_at', 'sent_at', 'sku', 'quantity'],
          rows.map(([sku, count]) => [receipt, reference, moment, at.toISOString(), sku, count]),
        ),
      xml: () => (at: Date) => xmlReceipt({ receipt, reference, receivedAt: moment, sentAt: at.toISOString() }, units),
      x12: () => this.#x12('RE', '944', (at) => [['W17', 'F', day(at), receipt, reference], ...goods, ['W14', total]]),
    }[this.#format]();
    return this.#written({ csv: 'received-', xml: 'received-', x12: '944_' }[this.#format], receipt, write);
  }

  /** What is on the shelves, and what of it no order has claimed. */
  counted(report: string, shelves: Readonly<Record<string, { onHand?: number; available?: number }>>): Written {
    const rows = Object.entries(shelves);
    const numbers = ({ onHand, available }: { onHand?: number; available?: number }): Row[] => [
      ...(available === undefined ? [] : [['QTY', '33', available]]),
      ...(onHand === undefined ? [] : [['QTY', '17', onHand]]),
    ];
    const items = rows.flatMap(([sku, count], index): Row[] => [['LIN', index + 1, 'VN', sku], ...numbers(count)]);
    const write = {
      csv: () => (at: Date) =>
        csvOf(
          ['report', 'as_of', 'sku', 'quantity', 'available'],
          rows.map(([sku, { onHand, available }]) => [report, at.toISOString(), sku, onHand ?? '', available ?? '']),
        ),
      xml: () => (at: Date) => xmlCount({ report, asOf: at.toISOString() }, shelves),
      x12: () =>
        this.#x12('IB', '846', (at) => [
          ['BIA', '00', 'MB', report, day(at), at.toISOString().slice(11, 16).replace(':', '')],
          ...items,
          ['CTT', rows.length],
        ]),
    }[this.#format]();
    return this.#written({ csv: 'stock-', xml: 'stock-', x12: '846_' }[this.#format], report, write);
  }

  /** Leaves a file for whoever reads `out`. */
  put(name: string, text: string): void {
    writeFileSync(join(this.#folder, 'out', name), text);
  }

  #written(prefix: string, id: string, write: (at: Date) => string): Written {
    const extension = this.#format === 'x12' ? 'edi' : this.#format;
    return { name: `${prefix}${id}.${extension}`, text: write(new Date()), again: write };
  }

  #x12(functional: string, set: string, rows: (at: Date) => readonly Row[]): (at: Date) => string {
    const number = ++this.#control;
    return (at) => interchange(US, THEM, { number, at, functional, set, rows: rows(at) } satisfies Sent);
  }
}

/** When goods left or came in, by the warehouse's own clock. */
const moment = new Date(Math.floor(Date.now() / 1000) * 1000).toISOString();

const csvOf = (header: readonly string[], rows: readonly Row[]): string =>
  [header, ...rows, ['END', rows.length]].map((row) => `${row.join(',')}\r\n`).join('');

function csvAdvice({ shipment, order, tracking, units, closes, milestone }: Parcel): (at: Date) => string {
  const more = milestone === undefined ? [] : ['milestone'];
  return (at) =>
    csvOf(
      [
        ...['shipment', 'fulfilment_order', 'shipped_at', 'carrier', 'tracking', 'closes', 'sent_at', ...more],
        ...['sku', 'quantity'],
      ],
      Object.entries(units).map(([sku, count]) => [
        ...[shipment, order, moment, 'UPSN', tracking, closes ? 'yes' : 'no', at.toISOString()],
        ...(milestone === undefined ? [] : [milestone]),
        ...[sku, count],
      ]),
    );
}

/** CC: shipped complete; PR: of this line more follows. */
function x12Advice({ shipment, order, tracking, units, closes }: Parcel): () => readonly Row[] {
  const rows = Object.entries(units);
  return () => [
    ['W06', 'F', order, day(new Date(moment)), shipment],
    ['W27', 'M', 'UPSN'],
    ...rows.flatMap(([sku, count], index): Row[] => [
      ['LX', index + 1],
      ['MAN', 'CP', tracking],
      ['W12', closes ? 'CC' : 'PR', count, count, 0, 'EA', '', 'VN', sku],
    ]),
    ['W03', rows.reduce((sum, [, count]) => sum + count, 0)],
  ];
}

const jobsIn: Readonly<Record<Format, (text: string) => Job[]>> = {
  x12: (text) =>
    readOrders(text).map(({ number, status, lines }) => ({
      number,
      action: { N: 'new', R: 'change', F: 'cancel' }[status],
      promisedAt: null,
      lines: lines.map(({ line, sku, ordered }) => ({ line, sku, quantity: ordered })),
    })),
  xml: xmlJobs,
  csv: (text) => {
    const rows: Record<string, string>[] = parse(text, { columns: true, relax_column_count: true });
    const own = rows.filter(({ message }) => message !== 'END');
    const [first] = own;
    if (!first) throw new Error(`no order: ${text}`);
    return [
      {
        number: first.fulfilment_order!,
        action: first.action!,
        promisedAt: first.promised_at || null,
        lines: own.map(({ line, sku, quantity }) => ({ line: line!, sku: sku!, quantity: Number(quantity) })),
      },
    ];
  },
};
