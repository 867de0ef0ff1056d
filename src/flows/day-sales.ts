import { type CsvPiece, lineValue, type RecordGroup } from '../connectors/csv/index.ts';
import {
  append,
  type Doubt,
  type Known,
  type KnownLine,
  type Merge,
  merge,
  type Piece,
} from '../connectors/csv/lines.ts';
import type { FileSource, Sink } from '../core/connector.ts';
import { addMeasures, type Measure, nothing } from '../core/document.ts';
import { rejected } from '../core/fault.ts';
import { type Draft, defineFlow, type Flow, type Look, type Objection, type Translation } from '../core/flow.ts';
import { knownZone } from '../core/moment.ts';
import { moneyText } from '../core/money.ts';
import { canonicalJson, sha256 } from '../core/seal.ts';
import { CustomerDocument } from '../model/customer.ts';
import { OrderDocument } from '../model/order.ts';
import { ProductDocument } from '../model/product.ts';
import { StockAdjustmentDocument } from '../model/stock-adjustment.ts';
import { customer, type DaySalesDocument, order, products, saleOf, stockAdjustment } from './day-sales/documents.ts';
import { type Columns, type Invoice, type InvoiceLine, readInvoice, uciColumns, weigh } from './day-sales/invoice.ts';
import { accounts, tillCodes, tillCountries } from './day-sales/mappings.ts';
import { columnsOf, kept, keyOf, knownOf, type Memory, type Pending, type Row, rowOf } from './day-sales/memory.ts';
import { type Cause, causes, defaultLimits, type Limits, movesStockOnly, objectionTo } from './day-sales/rules.ts';

export interface DaySalesOptions {
  /** Time zone of the business day. */
  readonly zone: string;
  /** Tax codes of the hub for every line; none: explicitly untaxed. Default none. */
  readonly taxes?: readonly string[];
  /** Name of the partner for sales without a customer. Default 'Till sales'. */
  readonly walkIn?: string;
  /** What the number of a cancellation looks like. Default: begins with C. */
  readonly cancellation?: RegExp;
  readonly columns?: Partial<Columns>;
  readonly limits?: Partial<Limits>;
}

interface Settings {
  readonly zone: string;
  readonly taxes: readonly string[];
  readonly walkIn: string;
  readonly cancellation: RegExp;
  readonly columns: Columns;
  readonly limits: Limits;
}

/**
 * A till's day files become confirmed orders in the target, once, to the penny: an order per invoice (a cancellation with negative
 * quantities), stock adjustments for lines that move goods without money. Single lines that a bookkeeper would stop at become Exceptions,
 * one per invoice and cause; the rest of the invoice goes on.
 */
export function daySales({
  from,
  to,
  options,
}: {
  // biome-ignore lint/suspicious/noExplicitAny: what a file parses to is the source's own business
  from: FileSource<RecordGroup, any>;
  to: {
    product: Sink<typeof ProductDocument>;
    customer: Sink<typeof CustomerDocument>;
    order: Sink<typeof OrderDocument>;
    'stock-adjustment': Sink<typeof StockAdjustmentDocument>;
  };
  options: DaySalesOptions;
}): Flow<RecordGroup, DaySalesDocument, Memory> {
  const settings: Settings = {
    zone: knownZone(options.zone, "flow 'day-sales'"),
    taxes: options.taxes ?? [],
    walkIn: options.walkIn ?? 'Till sales',
    cancellation: options.cancellation ?? /^C/i,
    columns: { ...uciColumns, ...options.columns },
    limits: { ...defaultLimits, ...options.limits },
  };
  return defineFlow<RecordGroup, DaySalesDocument, Memory>({
    id: 'day-sales',
    about: 'A till’s day files become confirmed orders and stock adjustments, once, to the penny.',
    documents: [ProductDocument, CustomerDocument, OrderDocument, StockAdjustmentDocument],
    from,
    to,
    latency: 'realtime',
    promise: { within: '15m', critical: true },
    priority: { product: 30, customer: 30, order: 20, 'stock-adjustment': 10 },
    onException: { owner: 'sales-ops', within: '1d', hold: 'lane' },
    fallback: 'The till goes on selling; its files stay in the inbox until they can be read.',
    mappings: [tillCodes, tillCountries, accounts],
    translate: (native, look) => translate(native, look, settings),
  });
}

type DaySalesTranslation = Translation<DaySalesDocument, Memory>;

async function translate(native: RecordGroup, look: Look<Memory>, settings: Settings): Promise<DaySalesTranslation> {
  refuseBadValues(native);
  if (look.memory && Object.keys(look.memory.pending).length > 0) {
    const pending = look.memory.pending[digestOf(native)];
    if (pending) return settle(native, look, look.memory, pending, settings);
  }

  const first = native.pieces[0]!.lines[0]!;
  const columns = look.memory?.columns ?? columnsOf(first);
  const pieces = native.pieces.map((piece) => rowsOf(piece, columns));
  const merged = merge(knownOf(look.memory), pieces, keyOf);
  return book({ native, look, settings, columns, merged, before: look.memory, release: new Map() });
}

/** Names an Event for the questions that are open about it. */
const digestOf = (native: RecordGroup): string => sha256(canonicalJson(native)).toString('hex').slice(0, 32);

const rowsOf = ({ file, lines, ...facts }: CsvPiece, columns: readonly string[]): Piece<Row> => ({
  ...facts,
  lines: lines.map((line) => rowOf(line, file, columns)),
});

/** A value that is not what its column holds makes the whole invoice wait: nothing about it may be guessed. */
function refuseBadValues({ group, pieces }: RecordGroup): void {
  const wrong = pieces.flatMap(({ file, lines }) =>
    lines.flatMap(({ n, bad, values }) =>
      Object.entries(bad ?? {})
        .filter(([column, { value }]) => values[column] === value)
        .map(([column, { value, problem }]) => ({ file, n, column, problem, value })),
    ),
  );
  const [worst] = wrong;
  if (!worst) return;
  const others = wrong.length > 1 ? ` ${wrong.length - 1} more values of this invoice are wrong.` : '';
  throw rejected(
    `Invoice ${group}: line ${worst.n} of ${worst.file}, column '${worst.column}': '${worst.value.slice(0, 40)}' ${worst.problem}.${others} Correct the record, or have the till export the day again.`,
    'value-unreadable',
    worst.column,
  );
}

interface Booking {
  readonly native: RecordGroup;
  readonly look: Look<Memory>;
  readonly settings: Settings;
  readonly columns: readonly string[];
  readonly merged: Merge<Row>;
  readonly before: Memory | null;
  /** Lines that a person lets pass, by cause. */
  readonly release: ReadonlyMap<string, Cause>;
  /** Questions of this Event that stay open without being asked again. */
  readonly unasked?: Pending;
  /** Lines that are held and asked about again. */
  readonly askAgain?: Readonly<Record<string, readonly string[]>>;
}

/** Makes the documents that hold what is new, and the Objections about what cannot be posted. */
async function book(booking: Booking): Promise<DaySalesTranslation> {
  const { native, look, settings, columns, merged, before, release, unasked, askAgain = {} } = booking;
  const { known, appended } = merged;
  // Files that came later may bring the very lines that were in doubt, in a way that leaves none.
  const answered = unasked
    ? { pending: before?.pending ?? {}, causes: [], left: [] }
    : answerDoubts(before?.pending ?? {}, appended);
  const untold = [...merged.untold, ...answered.left];
  const invoice = readInvoice(
    native.group,
    native.currency,
    known.lines.length > 0 ? known.lines : untold.flatMap(asKnown),
    columns,
    settings.columns,
    settings,
    look,
  );
  const byId = new Map(invoice.lines.map((line) => [line.id, line]));
  const around = {
    cancellation: invoice.cancellation,
    named: invoice.customer !== null,
    hasValue: invoice.hasValue,
    currency: invoice.currency,
    limits: settings.limits,
  };

  const fresh = appended.map(({ id }) => byId.get(id)!);
  const asked = new Map<string, InvoiceLine[]>(
    Object.entries(askAgain).map(([cause, ids]) => [cause, ids.map((id) => byId.get(id)!)]),
  );
  for (const line of fresh) {
    const cause = objectionTo(line, around);
    if (cause === null) continue;
    const same = asked.get(cause);
    if (same) same.push(line);
    else asked.set(cause, [line]);
  }

  const heldNow = [...asked.values()].flat().map((line) => line.id);
  const held = new Set([...(before?.held ?? []).filter((id) => !release.has(id)), ...heldNow]);
  const free = new Set([
    ...(before?.free ?? []),
    ...[...release].filter(([, cause]) => cause === 'free-goods').map(([id]) => id),
  ]);
  const posted = invoice.lines.filter((line) => byId.has(line.id) && known.lines.length > 0 && !held.has(line.id));
  const isNew = new Set([...fresh.map((line) => line.id), ...release.keys()]);

  const stockOnly = new Set(posted.filter((line) => movesStockOnly(line) && !free.has(line.id)).map((line) => line.id));
  const documents: Draft<DaySalesDocument>[] = [];
  const sold = posted.filter((line) => !stockOnly.has(line.id));
  const moved = posted.filter((line) => stockOnly.has(line.id));
  const sells = sold.some((line) => isNew.has(line.id));
  // An order grows with its invoice; what moved stock has moved, so lines that come later are an adjustment of their own.
  const moves = moved.filter((line) => isNew.has(line.id));
  documents.push(...products([...(sells ? sold : []), ...moves], stockOnly));
  if (sells)
    documents.push(
      customer(look.connection, invoice, settings.walkIn),
      order(look.connection, invoice, sold, settings.taxes, await saleOf(look.connection, invoice, sold, look)),
    );
  if (moves.length > 0) documents.push(stockAdjustment(look.connection, invoice, moves));

  const objections = [
    ...[...asked].map(([cause, lines]) => objectionAbout(cause as Cause, lines, invoice, settings.limits)),
    ...untold.map((doubt) => objectionToDoubt(doubt, native, columns, settings)),
  ];
  const brought = [
    weigh(
      [...fresh, ...[...release.keys(), ...Object.values(askAgain).flat()].map((id) => byId.get(id)!)],
      native.currency,
    ),
    ...untold.map(({ lines }) =>
      weigh(
        lines.map((row) => ({ value: valueOfRow(row, columns, settings, native) })),
        native.currency,
      ),
    ),
  ].reduce<Measure>(addMeasures, nothing);

  const open: Pending = {
    untold: [
      ...(unasked?.untold ?? []),
      ...untold.map(({ why, lines, least }) => ({
        why,
        lines: lines.map((row) => row.values),
        least: least.map((row) => row.values),
      })),
    ],
    held: {
      ...unasked?.held,
      ...Object.fromEntries([...asked].map(([cause, lines]) => [cause, lines.map((line) => line.id)])),
    },
  };
  const isOpen = open.untold.length > 0 || Object.keys(open.held).length > 0;
  let questions = answered.pending;
  if (isOpen || Object.keys(questions).length > 0) {
    const event = digestOf(native);
    const { [event]: _answered, ...others } = questions;
    questions = isOpen ? { ...others, [event]: open } : others;
  }
  return {
    outcome: brought.lines > 0 ? 'routed' : 'duplicate',
    documents,
    objections,
    answers: answered.causes,
    brought,
    memory: {
      columns,
      known: kept(known),
      held: [...held],
      free: [...free],
      pending: questions,
    },
  };
}

type Untold = Merge<Row>['untold'][number];

/**
 * Takes lines that have now been told from the doubts that are open. `causes` names the doubts that are smaller for it; all that is `left` of
 * these is asked anew with this Event, and `pending` holds them no more.
 */
function answerDoubts(
  pending: Memory['pending'],
  told: readonly KnownLine<Row>[],
): { pending: Memory['pending']; causes: Doubt[]; left: Untold[] } {
  const counts = new Map<string, number>();
  for (const { line } of told) counts.set(keyOf(line), (counts.get(keyOf(line)) ?? 0) + 1);
  const untold = Object.values(pending).flatMap((questions) => questions.untold);
  const reduced = untold.map(({ why, lines, least }) => {
    const rows = lines.map(asRow);
    const gone = rows.filter((row) => {
      const count = counts.get(keyOf(row)) ?? 0;
      if (count > 0) counts.set(keyOf(row), count - 1);
      return count > 0;
    });
    return { why, lines: without(rows, gone), least: without(least.map(asRow), gone), fewer: gone.length > 0 };
  });
  const causes = [...new Set(reduced.filter(({ fewer }) => fewer).map(({ why }) => why))];
  if (causes.length === 0) return { pending, causes, left: [] };
  const others = Object.entries(pending).map(
    ([event, questions]) =>
      [event, { ...questions, untold: questions.untold.filter(({ why }) => !causes.includes(why)) }] as const,
  );
  return {
    pending: Object.fromEntries(
      others.filter(([, { untold, held }]) => untold.length > 0 || Object.keys(held).length > 0),
    ),
    causes,
    left: reduced.filter(({ why, lines }) => causes.includes(why) && lines.length > 0),
  };
}

/** `rows` less one of each of `others`. */
function without(rows: readonly Row[], others: readonly Row[]): Row[] {
  const left = [...rows];
  for (const other of others) {
    const at = left.findIndex((row) => keyOf(row) === keyOf(other));
    if (at >= 0) left.splice(at, 1);
  }
  return left;
}

const asRow = (values: readonly string[]): Row => ({ values });

const asKnown = ({ lines }: { lines: readonly Row[] }): KnownLine<Row>[] => lines.map((line) => ({ id: '0', line }));

const valueOfRow = (row: Row, columns: readonly string[], settings: Settings, native: RecordGroup): bigint =>
  lineValue(
    row.values[columns.indexOf(settings.columns.quantity)],
    row.values[columns.indexOf(settings.columns.price)],
    native.currency,
  ) ?? 0n;

const verbs = ['append', 'duplicate', 'post', 'retry'];

/**
 * The Event comes again because a person decided: `append` or `duplicate` about lines in doubt, `post` about lines that were held, `retry`
 * (or nothing) to be judged once more. Each is about everything open of this Event, or about one cause when it is named:
 * `post:manual-entry`.
 */
async function settle(
  native: RecordGroup,
  look: Look<Memory>,
  before: Memory,
  pending: Pending,
  settings: Settings,
): Promise<DaySalesTranslation> {
  const [verb = '', only] = (look.decision ?? 'retry').split(':');
  if (!verbs.includes(verb))
    throw rejected(
      `'${verb}' is no decision of this flow: use append or duplicate for lines in doubt, post for lines that are held, or retry.`,
      'decision-unknown',
    );
  const concerns = (cause: string): boolean => only === undefined || only === cause;
  const doubts = verb === 'post' ? [] : pending.untold.filter(({ why }) => concerns(why));
  const held = ['append', 'duplicate'].includes(verb)
    ? []
    : Object.entries(pending.held).filter(([cause]) => concerns(cause));
  const left: Pending = {
    untold: pending.untold.filter((doubt) => !doubts.includes(doubt)),
    held: Object.fromEntries(
      Object.entries(pending.held).filter(([cause]) => !held.some(([taken]) => taken === cause)),
    ),
  };
  const again = verb === 'retry';
  const more = again ? [] : doubts.flatMap(({ lines, least }) => (verb === 'append' ? lines : least).map(asRow));
  const known = knownOf(before);
  const merged: Merge<Row> =
    more.length > 0 ? append(known, more) : { known: known as Known<Row>, appended: [], duplicates: 0, untold: [] };
  return book({
    native,
    look,
    settings,
    columns: before.columns,
    merged: {
      ...merged,
      untold: (again ? doubts : []).map(({ why, lines, least }) => ({
        why,
        lines: lines.map(asRow),
        least: least.map(asRow),
      })),
    },
    before,
    release: new Map(again ? [] : held.flatMap(([cause, ids]) => ids.map((id) => [id, cause as Cause] as const))),
    unasked: left,
    askAgain: again ? Object.fromEntries(held) : {},
  });
}

const show = (lines: readonly InvoiceLine[]): string => {
  const words = lines
    .slice(0, 3)
    .map(
      (line) =>
        `${line.code} '${line.description}' ${line.quantityText} × ${line.priceText}${line.at ? ` (${line.at})` : ''}`,
    );
  return `${words.join('; ')}${lines.length > 3 ? `; and ${lines.length - 3} more` : ''}`;
};

const limitOf: Partial<Record<Cause, keyof Limits>> = {
  'manual-entry': 'manual',
  'large-discount': 'discount',
  'large-sample': 'sample',
  'large-fee': 'fee',
  'quantity-out-of-range': 'quantity',
  'price-out-of-range': 'price',
};

function objectionAbout(cause: Cause, lines: readonly InvoiceLine[], invoice: Invoice, limits: Limits): Objection {
  const measure = weigh(lines, invoice.currency);
  const limit = limitOf[cause];
  const value = moneyText({ minor: measure.minor, currency: invoice.currency });
  return {
    cause,
    message: `Invoice ${invoice.number}, ${lines.length} ${lines.length === 1 ? 'line' : 'lines'} worth ${value} ${invoice.currency}: ${causes[cause]}.${limit ? ` The limit is ${limits[limit]}.` : ''} ${show(lines)}.`,
    measure,
  };
}

const doubts: Readonly<Record<Doubt, string>> = {
  'repeat-or-continuation':
    'they are equal to lines that are known, and the files do not say whether they are the same ones again or more of them',
  'changed-invoice':
    'they fit nowhere into the lines that are known of this invoice: it was changed after it was posted, or another one has its number',
};

function objectionToDoubt(
  { why, lines }: { why: Doubt; lines: readonly Row[] },
  native: RecordGroup,
  columns: readonly string[],
  settings: Settings,
): Objection {
  const measure = weigh(
    lines.map((row) => ({ value: valueOfRow(row, columns, settings, native) })),
    native.currency,
  );
  const value = moneyText({ minor: measure.minor, currency: native.currency });
  const place = lines[0]?.at ? ` from ${lines[0].at} on` : '';
  return {
    cause: why,
    message: `Invoice ${native.group}, ${lines.length} ${lines.length === 1 ? 'line' : 'lines'} worth ${value} ${native.currency}${place}: ${doubts[why]}. Decide \`append\` (they are new) or \`duplicate\` (they are not).`,
    measure,
  };
}
