import type { RecordGroup } from '../../connectors/csv/index.ts';
import type { Merge } from '../../connectors/csv/lines.ts';
import { addMeasures, type Measure, nothing } from '../../core/document.ts';
import type { Draft, Look, Translation } from '../../core/flow.ts';
import { customer, type DaySalesDocument, order, products, saleOf, stockAdjustment } from './documents.ts';
import { answerDoubts, asKnown } from './doubts.ts';
import { type InvoiceLine, readInvoice, weigh } from './invoice.ts';
import { digestOf, kept, type Memory, type Pending, type Row } from './memory.ts';
import { objectionAbout, objectionToDoubt, valueOfRow } from './objections.ts';
import { type Cause, movesStockOnly, objectionTo } from './rules.ts';
import type { Settings } from './settings.ts';

export type DaySalesTranslation = Translation<DaySalesDocument, Memory>;

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
export async function book(booking: Booking): Promise<DaySalesTranslation> {
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
