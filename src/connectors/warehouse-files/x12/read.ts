import { add, compare, type Decimal, decimal, decimalText, integer } from '../../../core/decimal.ts';
import { momentOf } from '../../../core/moment.ts';
import type { InventoryReport, Receipt, SetProblem, ShippingAdvice } from '../messages.ts';
import type { Group, Segment, TransactionSet } from './envelope.ts';

/** What is wrong within one set: its neighbours are read all the same. */
export class SetError extends Error {
  readonly problem: SetProblem;
  constructor(segment: Segment | string | null, code: string, why: string) {
    super(why);
    this.problem = {
      segment:
        segment === null
          ? null
          : typeof segment === 'string'
            ? { id: segment, place: 0 }
            : { id: segment.id, place: segment.place },
      code,
      why,
    };
  }
}

/** Codes of AK304: 3 mandatory segment missing, 8 data element errors. */
function need(set: TransactionSet, id: string): Segment {
  const found = set.segments.find((segment) => segment.id === id);
  if (!found) throw new SetError(id, '3', `it has no ${id} segment`);
  return found;
}

function element(segment: Segment, n: number, what: string): string {
  const value = segment.elements[n]?.trim() ?? '';
  if (value === '')
    throw new SetError(segment, '8', `${segment.id}${String(n).padStart(2, '0')}, the ${what}, is empty`);
  return value;
}

const optional = (segment: Segment | undefined, n: number): string | null => segment?.elements[n]?.trim() || null;

function amount(segment: Segment, n: number, what: string): string {
  const value = element(segment, n, what);
  if (!/^\d+(\.\d+)?$/.test(value) || value.length > 15)
    throw new SetError(
      segment,
      '8',
      `${segment.id}${String(n).padStart(2, '0')}, the ${what}, is '${value}' and not a number of 0 or more`,
    );
  return value;
}

/** CCYYMMDD and, where given, HHMM or HHMMSS, taken as UTC: X12 names no zone. */
function moment(date: string, time: string | null): string | null {
  const day = /^(\d{4})(\d\d)(\d\d)$/.exec(date);
  const clock = /^(\d\d)(\d\d)(\d\d)?/.exec(time ?? '0000');
  if (!day || !clock) return null;
  const instant = momentOf(`${day[1]}-${day[2]}-${day[3]}T${clock[1]}:${clock[2]}:${clock[3] ?? '00'}Z`);
  return Number.isNaN(instant) ? null : new Date(instant).toISOString();
}

function dated(segment: Segment, n: number, what: string, time: string | null = null): string {
  const value = moment(element(segment, n, what), time);
  if (value === null)
    throw new SetError(
      segment,
      '8',
      `${segment.id}${String(n).padStart(2, '0')}, the ${what}, is '${segment.elements[n]}' and no date`,
    );
  return value;
}

/**
 * When a group was sent: its minute, and within it its control number, so that two of one minute keep their order. Where its own time is none that of its
 * interchange: goods that have left are not refused for it. Null: neither says.
 */
export function sentAt({ date, time, interchange, control }: Group): string | null {
  const minute = moment(date, time) ?? moment(`20${interchange.date}`, interchange.time);
  if (minute === null && date === '') return null;
  // No segment of the set: AK3 counts from ST.
  if (minute === null)
    throw new SetError(
      null,
      '5',
      `GS04 and GS05, the date and time of its group, are '${date} ${time}' and no time, and neither are ISA09 and ISA10, '${interchange.date} ${interchange.time}'`,
    );
  const within = /^\d+$/.test(control) ? Number(BigInt(control) % 60_000n) : 0;
  return new Date(Date.parse(minute) + within).toISOString();
}

/** The code of goods in pairs of qualifier and value; UPC case code where that is all there is. */
function sku(segment: Segment, qualifier: string, pairs: readonly number[], upc: number | null): string {
  for (const wanted of [qualifier, null])
    for (const n of pairs)
      if (optional(segment, n + 1) !== null && (wanted === null || segment.elements[n] === wanted))
        return segment.elements[n + 1]!.trim();
  const code = upc === null ? null : optional(segment, upc);
  if (code !== null) return code;
  throw new SetError(segment, '8', `${segment.id} names no goods`);
}

function checkTotal(set: TransactionSet, id: string, lines: readonly { quantity: string }[]): void {
  const segment = set.segments.find((one) => one.id === id);
  if (!segment) return;
  const said = decimal(amount(segment, 1, 'total'));
  const sum = lines.reduce<Decimal>((all, { quantity }) => add(all, decimal(quantity)), integer(0));
  if (compare(said, sum) !== 0)
    throw new SetError(
      segment,
      '8',
      `${id}01 says ${decimalText(said)} units in all, its lines add up to ${decimalText(sum)}`,
    );
}

/** Shipment status codes (element 368) after which more of the line will come. */
const MORE_FOLLOWS = new Set(['BP', 'BO', 'BK', 'BM', 'PR', 'IN', 'PK']);
/** Reference qualifiers (element 128) of tracking numbers: carrier's reference, tracking number. */
const TRACKING = new Set(['CN', '2I']);

/** 945, warehouse shipping advice. @see https://www.stedi.com/edi/x12-004010/945 */
export function readAdvice(set: TransactionSet, group: Group, qualifier: string): ShippingAdvice {
  const w06 = need(set, 'W06');
  const carrier = set.segments.find(({ id }) => id === 'W27');
  const lines: { line: number | null; sku: string; quantity: string; status: string }[] = [];
  const tracking: string[] = [];
  for (const segment of set.segments) {
    if (segment.id === 'W12')
      lines.push({
        line: null,
        sku: sku(segment, qualifier, [7, 17, 21], 6),
        quantity: amount(segment, 3, 'number of units shipped'),
        status: element(segment, 1, 'status'),
      });
    const last = lines.at(-1);
    if (segment.id === 'N9' && segment.elements[1] === 'LI' && last && /^\d{1,6}$/.test(segment.elements[2] ?? ''))
      last.line = Number(segment.elements[2]);
    if (segment.id === 'MAN' && segment.elements[1] === 'CP') tracking.push(element(segment, 2, 'package number'));
    if (segment.id === 'N9' && TRACKING.has(segment.elements[1] ?? ''))
      tracking.push(element(segment, 2, 'tracking number'));
  }
  if (lines.length === 0) throw new SetError('W12', '3', 'it has no W12 segment: no goods are named');
  checkTotal(set, 'W03', lines);
  return {
    kind: 'shipping-advice',
    shipment: optional(w06, 4) ?? element(w06, 5, 'shipment number'),
    order: element(w06, 2, 'depositor order number'),
    milestone: 'shipped',
    shippedAt: dated(w06, 3, 'shipping date'),
    carrier: optional(carrier, 2) ?? optional(carrier, 3),
    tracking: [...new Set(tracking)],
    closes: lines.every(({ status }) => !MORE_FOLLOWS.has(status)) ? 'lines' : 'nothing',
    sentAt: sentAt(group),
    lines: lines.map(({ status: _, ...line }) => line),
  };
}

/** 944, warehouse stock transfer receipt advice. @see https://www.stedi.com/edi/x12-004010/944 */
export function readReceipt(set: TransactionSet, group: Group, qualifier: string): Receipt {
  const w17 = need(set, 'W17');
  const lines: { sku: string; quantity: string; condition: string | null }[] = [];
  for (const segment of set.segments) {
    if (segment.id === 'W07')
      lines.push({
        sku: sku(segment, qualifier, [4, 6, 10], 3),
        quantity: amount(segment, 1, 'quantity received'),
        condition: null,
      });
    const last = lines.at(-1);
    if (segment.id === 'W13' && last) {
      const found = `${amount(segment, 1, 'quantity')} in condition ${element(segment, 3, 'condition')}`;
      last.condition = last.condition === null ? found : `${last.condition}, ${found}`;
    }
  }
  if (lines.length === 0) throw new SetError('W07', '3', 'it has no W07 segment: no goods are named');
  checkTotal(set, 'W14', lines);
  return {
    kind: 'receipt',
    receipt: element(w17, 3, 'receipt number'),
    reference: optional(w17, 4),
    receivedAt: dated(w17, 2, 'date'),
    sentAt: sentAt(group),
    lines,
  };
}

/** 846, inventory advice: QTY 17 is on hand, QTY 33 is available for sale. @see https://www.stedi.com/edi/x12-004010/846 */
export function readInventory(set: TransactionSet, _: Group, qualifier: string): InventoryReport {
  const bia = need(set, 'BIA');
  const items: { sku: string; counts: Map<string, string>; segment: Segment }[] = [];
  for (const segment of set.segments) {
    if (segment.id === 'LIN')
      items.push({ sku: sku(segment, qualifier, [2, 4, 6, 8], null), counts: new Map(), segment });
    if (segment.id === 'QTY')
      items.at(-1)?.counts.set(element(segment, 1, 'qualifier'), amount(segment, 2, 'quantity'));
  }
  const count = set.segments.find(({ id }) => id === 'CTT');
  if (count && Number(count.elements[1]) !== items.length)
    throw new SetError(count, '8', `CTT01 counts ${count.elements[1]} items, there are ${items.length}`);
  return {
    kind: 'inventory',
    report: element(bia, 3, 'report number'),
    asOf: dated(bia, 4, 'date', optional(bia, 5)),
    lines: items.map(({ sku: code, counts, segment }) => {
      const [onHand, available] = [counts.get('17') ?? null, counts.get('33') ?? null];
      if (onHand === null && available === null)
        throw new SetError(segment, '8', `${code} has neither QTY 33 (available) nor QTY 17 (on hand)`);
      return { sku: code, onHand, available };
    }),
  };
}
