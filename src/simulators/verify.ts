import { readFile } from 'node:fs/promises';
import { decimal, roundTo } from '../core/decimal.ts';
import type { SoldInvoice, SoldLine } from './till.ts';

/** An invoice as the till sold it. A price is in minor units; tills also charge fractions of them. */
export type Sold = Pick<SoldInvoice, 'invoice' | 'lines'>;

/** An open Exception, as `crossdock exceptions list --json` gives it. */
export interface Excepted {
  readonly labels?: Readonly<Record<string, string>>;
  readonly lines: number;
  /** Decimal text such as "-12.50"; null where no money is at stake. */
  readonly value: string | null;
}

/** How what an Odoo holds differs from what a till sold. */
export interface Verdict {
  /** Lines that were sold, are nowhere in Odoo and are no Exception. */
  readonly lost: number;
  /** Orders, lines and moves that Odoo has beyond what was sold. */
  readonly duplicated: number;
  /** Writes that came after a newer one of the same record. */
  readonly outOfOrder: number;
  /** Each of them in words. */
  readonly wrong: readonly string[];
}

/** What is read of `GET {admin}/ledger`. */
export interface OdooLedger {
  readonly sale_orders: readonly {
    readonly name: string;
    readonly xmlid: string | null;
    readonly client_order_ref: string | null;
    readonly state: string;
    readonly lines: readonly {
      readonly default_code: string | null;
      readonly quantity: number;
      readonly price_unit: number;
      readonly discount: number;
    }[];
  }[];
  readonly pickings: readonly {
    readonly xmlid: string | null;
    readonly origin: string | null;
    readonly state: string;
    readonly moves: readonly {
      readonly state: string;
      readonly default_code: string | null;
      readonly quantity: number;
      readonly from?: string | null;
      readonly to: string | null;
    }[];
  }[];
  /** In the order in which they were committed. */
  readonly writes: readonly OdooWrite[];
}

export interface OdooWrite {
  readonly commit: number;
  readonly xmlid: string;
  readonly model: string;
  readonly kind: string;
  readonly values: Readonly<Record<string, unknown>>;
}

/** A line with its price in hundredths of a minor unit, so that equal lines are equal texts. */
interface Piece {
  readonly code: string;
  readonly quantity: number;
  readonly price: number;
}

const nameOf = ({ code, quantity, price }: Piece): string => `${code} ${quantity} × ${price / 10_000}`;

const pieceOf = ({ code, quantity, price }: SoldLine): Piece => ({
  code: code.trim().toUpperCase(),
  quantity,
  price: Math.round(price * 100),
});

/** In minor units, each line rounded, halves away from zero. */
const worth = (pieces: readonly Piece[]): bigint =>
  pieces.reduce(
    (sum, { quantity, price }) => sum + roundTo({ coefficient: BigInt(Math.round(quantity * price)), scale: 2 }, 0),
    0n,
  );

/** What is in one list and not in the other, each occurrence counted. */
function difference(left: readonly Piece[], right: readonly Piece[]): Piece[] {
  const counts = new Map<string, number>();
  for (const piece of right) counts.set(nameOf(piece), (counts.get(nameOf(piece)) ?? 0) + 1);
  return left.filter((piece) => {
    const count = counts.get(nameOf(piece)) ?? 0;
    if (count > 0) counts.set(nameOf(piece), count - 1);
    return count === 0;
  });
}

/** Compares what a till sold with what an Odoo holds, from the Odoo's own records; what stands as an Exception is not missed. */
export function verifyDaySales(
  sold: readonly Sold[],
  ledger: OdooLedger,
  exceptions: readonly Excepted[] = [],
): Verdict {
  const found = { lost: 0, duplicated: 0, wrong: [] as string[] };
  const invoices = new Map<string, Piece[]>();
  for (const { invoice, lines } of sold) {
    const pieces = invoices.get(invoice) ?? [];
    pieces.push(...lines.map(pieceOf));
    invoices.set(invoice, pieces);
  }
  const orders = Map.groupBy(
    ledger.sale_orders.filter(({ state }) => state === 'sale' || state === 'done'),
    (order) => order.client_order_ref ?? '',
  );
  const adjustments = adjustmentsOf(ledger);
  const excepted = Map.groupBy(exceptions, ({ labels }) => labels?.invoice ?? '');
  for (const [invoice, pieces] of invoices) {
    const own = orders.get(invoice) ?? [];
    if (own.length > 1) {
      found.duplicated += own.length - 1;
      found.wrong.push(`${invoice}: ${own.length} orders (${own.map(({ name }) => name).join(', ')})`);
    }
    compareInvoice(found, invoice, pieces, own.flatMap(orderPieces), adjustments.get(invoice) ?? [], [
      ...(excepted.get(invoice) ?? []),
    ]);
  }
  for (const [reference, own] of orders)
    if (reference !== '' && !invoices.has(reference)) {
      found.duplicated += own.length;
      found.wrong.push(`${reference}: an order that nobody sold`);
    }
  for (const [origin, moves] of adjustments)
    if (!invoices.has(origin)) {
      found.duplicated += moves.length;
      found.wrong.push(`${origin}: stock moved that nobody sold`);
    }
  const late = outOfOrder(ledger.writes);
  return { ...found, outOfOrder: late.length, wrong: [...found.wrong, ...late] };
}

const orderPieces = ({ lines }: OdooLedger['sale_orders'][number]): Piece[] =>
  lines.map(({ default_code, quantity, price_unit, discount }) => ({
    code: (default_code ?? '?').toUpperCase(),
    quantity,
    price: Math.round(price_unit * (100 - discount) * 100),
  }));

/** Done moves of transfers that are no delivery of an order, by the invoice they come from. To the place of inventory losses: less stock. */
function adjustmentsOf({ pickings, sale_orders }: OdooLedger): Map<string, Piece[]> {
  const orders = new Set(sale_orders.map(({ name }) => name));
  const found = new Map<string, Piece[]>();
  for (const { origin, moves } of pickings) {
    const done = moves.filter(({ state }) => state === 'done');
    if (!origin || orders.has(origin) || done.length === 0) continue;
    const invoice = origin.split(' (')[0]!;
    const pieces = done.map(({ default_code, quantity, to }) => ({
      code: (default_code ?? '?').toUpperCase(),
      quantity: to?.includes('Inventory adjustment') ? -quantity : quantity,
      price: 0,
    }));
    found.set(invoice, [...(found.get(invoice) ?? []), ...pieces]);
  }
  return found;
}

function compareInvoice(
  found: { lost: number; duplicated: number; wrong: string[] },
  invoice: string,
  pieces: readonly Piece[],
  ordered: readonly Piece[],
  moved: readonly Piece[],
  excepted: readonly Excepted[],
): void {
  const unordered = difference(pieces, ordered);
  const free = unordered.filter(({ price }) => price === 0);
  const { missing: unmoved, extra: overmoved } = compareMoves(free, moved);
  const extra = [...difference(ordered, pieces), ...overmoved];
  if (extra.length > 0) {
    found.duplicated += extra.length;
    found.wrong.push(`${invoice}: more than sold: ${extra.map(nameOf).join('; ')}`);
  }
  const missing = [...unordered.filter(({ price }) => price !== 0), ...unmoved];
  if (missing.length === 0 || covered(missing, excepted)) return;
  const known = excepted.reduce((sum, { lines }) => sum + lines, 0);
  found.lost += Math.max(1, missing.length - known);
  found.wrong.push(
    `${invoice}: missing ${missing.map(nameOf).join('; ')}${known > 0 ? ` (Exceptions hold ${known} lines of another value)` : ''}`,
  );
}

/** Odoo may make one move of several lines of one product: then only their sum tells. */
function compareMoves(free: readonly Piece[], moved: readonly Piece[]): { missing: Piece[]; extra: Piece[] } {
  const way = ({ code, quantity }: Piece): string => `${code} ${quantity < 0}`;
  const sum = (pieces: readonly Piece[]): number => pieces.reduce((all, { quantity }) => all + quantity, 0);
  const wanted = Map.groupBy(free, way);
  const had = Map.groupBy(moved, way);
  const missing: Piece[] = [];
  const extra: Piece[] = [];
  for (const name of new Set([...wanted.keys(), ...had.keys()])) {
    const left = wanted.get(name) ?? [];
    const right = had.get(name) ?? [];
    if (right.length > 0 && sum(left) === sum(right)) continue;
    missing.push(...difference(left, right));
    extra.push(...difference(right, left));
  }
  return { missing, extra };
}

/** True when some of the Exceptions hold, together, as many lines and as much value as is missing. */
function covered(missing: readonly Piece[], excepted: readonly Excepted[]): boolean {
  const wanted = `${missing.length} ${worth(missing)}`;
  let sums = new Set(['0 0']);
  for (const { lines, value } of excepted) {
    const minor = roundTo(decimal(value ?? '0'), 2);
    const more = [...sums].map((sum) => {
      const [count = '0', total = '0'] = sum.split(' ');
      return `${Number(count) + lines} ${BigInt(total) + minor}`;
    });
    sums = new Set([...sums, ...more]);
    if (sums.has(wanted)) return true;
  }
  return false;
}

/** Fields that only a hub writes, by model. */
const own: Readonly<Record<string, readonly string[]>> = {
  'sale.order': ['client_order_ref', 'partner_id', 'origin'],
  'sale.order.line': ['product_id', 'product_uom_qty', 'price_unit', 'name'],
};

/**
 * Writes that an older version made after a newer one: one that repeats earlier lines without the later ones, one that makes lines in another
 * order than the source has them, or one that puts a field back to what it was before.
 */
function outOfOrder(writes: readonly OdooWrite[]): string[] {
  return [...olderVersions(writes), ...valuesThatWentBack(writes)];
}

function olderVersions(writes: readonly OdooWrite[]): string[] {
  const wrong: string[] = [];
  const written = writes.flatMap(({ commit, model, xmlid, kind, values }) => {
    const place = /^(.*)-(\d+)$/.exec(xmlid);
    const ours = model === 'sale.order.line' && (kind === 'create' || 'product_uom_qty' in values);
    return ours && place ? [{ commit, order: place[1]!, line: Number(place[2]), made: kind === 'create' }] : [];
  });
  for (const [order, lines] of Map.groupBy(written, (line) => line.order)) {
    let highest = 0;
    for (const [commit, version] of Map.groupBy(lines, (line) => line.commit)) {
      const last = Math.max(...version.map(({ line }) => line));
      const made = version.filter((line) => line.made).map(({ line }) => line);
      // Lines that are only made were held before, and a person let them pass.
      const older = last < highest && made.length < version.length;
      const unsorted = made.some((line, place) => place > 0 && line < made[place - 1]!);
      if (older) wrong.push(`${order}: commit ${commit} wrote lines to ${last} again after line ${highest}`);
      else if (unsorted) wrong.push(`${order}: commit ${commit} made its lines in the order ${made}`);
      highest = Math.max(highest, last);
    }
  }
  return wrong;
}

/** Fields that a write put back to what they were before; `fields`: by model, without it those that only a hub writes. */
export function valuesThatWentBack(
  writes: readonly OdooWrite[],
  fields: Readonly<Record<string, readonly string[]>> = own,
): string[] {
  const wrong: string[] = [];
  const held = new Map<string, string[]>();
  for (const { xmlid, model, kind, commit, values } of writes)
    for (const field of fields[model] ?? []) {
      // What is made says nothing of fields that are empty.
      if (!(field in values) && kind !== 'create') continue;
      const value = JSON.stringify(values[field] ?? false);
      const past = held.get(`${xmlid} ${field}`) ?? [];
      if (past.at(-1) === value) continue;
      if (past.includes(value)) wrong.push(`${xmlid}: commit ${commit} put ${field} back to ${value}`);
      held.set(`${xmlid} ${field}`, [...past, value]);
    }
  return wrong;
}

/** Reads what a till sold from its day files (UCI columns, with or without a header line), in the order given: a later file goes on with an invoice. */
export async function readTillFiles(files: readonly string[]): Promise<Sold[]> {
  const invoices = new Map<string, SoldLine[]>();
  for (const file of files)
    for (const [invoice = '', code = '', , quantity, , price = ''] of recordsOf(await readFile(file, 'utf8'))) {
      if (invoice === 'InvoiceNo') continue;
      const lines = invoices.get(invoice) ?? [];
      // A float of the price times 100 would be 114.99999999999999 for 1.15.
      lines.push({ code, quantity: Number(quantity), price: Number(roundTo(decimal(price), 4)) / 100 });
      invoices.set(invoice, lines);
    }
  return [...invoices].map(([invoice, lines]) => ({ invoice, lines }));
}

/** Records of a CSV text with quoted fields and doubled quotes. */
function* recordsOf(text: string): Iterable<string[]> {
  let record: string[] = [];
  for (const [, quoted, plain = '', end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^,\r\n]*))(,|\r?\n|$)/g)) {
    record.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === ',') continue;
    if (record.length > 1) yield record;
    record = [];
  }
}
