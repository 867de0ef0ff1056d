import type { CsvPiece, RecordGroup } from '../connectors/csv/index.ts';
import { merge, type Piece } from '../connectors/csv/lines.ts';
import type { FileSource, Sink } from '../core/connector.ts';
import { rejected } from '../core/fault.ts';
import { defineFlow, type Flow, type Look } from '../core/flow.ts';
import { knownZone } from '../core/moment.ts';
import { CustomerDocument } from '../model/customer.ts';
import { OrderDocument } from '../model/order.ts';
import { ProductDocument } from '../model/product.ts';
import { notAhead, orderBounds, orderSums } from '../model/rules/order.ts';
import { StockAdjustmentDocument } from '../model/stock-adjustment.ts';
import { book, type DaySalesTranslation } from './day-sales/book.ts';
import { settle } from './day-sales/decisions.ts';
import type { DaySalesDocument } from './day-sales/documents.ts';
import { uciColumns } from './day-sales/invoice.ts';
import { accounts, tillCodes, tillCountries } from './day-sales/mappings.ts';
import { columnsOf, digestOf, keyOf, knownOf, type Memory, type Row, rowOf } from './day-sales/memory.ts';
import { defaultLimits } from './day-sales/rules.ts';
import type { DaySalesOptions, Settings } from './day-sales/settings.ts';

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
    // What is odd about single lines is asked with what the till's codes stand for (day-sales/rules.ts), and the rest of the invoice goes on.
    rules: { order: [...orderSums(), notAhead(orderBounds.ahead)] },
    makes: ['product', 'customer'],
    translate: (native, look) => translate(native, look, settings),
  });
}

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
