import type { Context, Result } from '../../../core/connector.ts';
import type { Fault } from '../../../core/fault.ts';
import type { Odoo } from '../database.ts';
import { OdooFault, words } from '../errors.ts';

/** One row of cells by column; `id` is the external id. Cells are text; an empty one writes emptiness, a column left out leaves alone. */
export type Cells = Readonly<Record<string, string>> & { readonly id: string };

/** A record to create or update, with its lines. */
export interface Loadable {
  readonly cells: Cells;
  readonly lines?: { readonly field: string; readonly rows: readonly Cells[] };
  /** Context of the call: `default_…` keys reach records that are created and leave those alone that are there. */
  readonly context?: Readonly<Record<string, unknown>>;
}

/** What became of a Loadable. */
export type Loaded = { readonly outcome: 'landed'; readonly id: number } | Exclude<Result, { outcome: 'done' }>;

/** Asked before a call is repeated: false when records that were to be created are there now, and the same columns no longer fit. */
export type StillAbsent = (records: readonly Loadable[]) => Promise<boolean>;

interface Message {
  readonly type?: unknown;
  readonly message?: unknown;
  readonly field?: unknown;
  readonly record?: unknown;
  readonly rows?: { readonly from?: unknown; readonly to?: unknown };
}

interface Matrix {
  readonly fields: string[];
  readonly data: string[][];
  /** First row of each record, and one past the last row. */
  readonly starts: number[];
}

/** The only texts ever matched: a lost race inside `load` has no exception name, and PostgreSQL's own words are not Odoo's to translate. */
const raced = /could not serialize access|deadlock detected|could not obtain lock|current transaction is aborted/i;
/**
 * Two at work on one record (seen on 18: both subscribe the same follower), a value that is taken for good, or a lost race told in the language of a
 * PostgreSQL with other `lc_messages`: only repeating tells. What Odoo passes on from PostgreSQL names no field and ends in a line break.
 */
const perhapsRaced = ({ field, message }: Message): boolean => field === undefined && String(message).endsWith('\n');

const tries = { any: 2, raced: 4 };
/** Calls after which a batch that will not go is given back: what was not reached stays `untouched` and comes again. */
const mostCalls = 24;

/** All records must have the same columns. */
export function matrixOf(records: readonly Loadable[]): Matrix {
  const [first] = records;
  const columns = Object.keys(first?.cells ?? {});
  const field = first?.lines?.field;
  const lineColumns = Object.keys(first?.lines?.rows[0] ?? {});
  const data: string[][] = [];
  const starts: number[] = [];
  for (const { cells, lines } of records) {
    starts.push(data.length);
    const header = columns.map((column) => cells[column]!);
    const rows = lines?.rows ?? [];
    for (let i = 0; i < Math.max(rows.length, 1); i++)
      data.push([
        ...(i === 0 ? header : columns.map(() => '')),
        ...lineColumns.map((column) => rows[i]?.[column] ?? ''),
      ]);
  }
  starts.push(data.length);
  return { fields: [...columns, ...lineColumns.map((column) => `${field}/${column}`)], data, starts };
}

const shapeOf = ({ cells, lines, context }: Loadable): string =>
  JSON.stringify([Object.keys(cells), lines?.field, Object.keys(lines?.rows[0] ?? {}), context]);

/**
 * Puts records into calls: one call has one set of columns, one context and no external id twice (`load` would create both). Records of the same id keep their
 * order. Gives indices.
 */
export function roundsOf(records: readonly Loadable[]): number[][] {
  const rounds: { shape: string; members: number[]; ids: Set<string> }[] = [];
  records.forEach((record, index) => {
    const shape = shapeOf(record);
    const after = rounds.findLastIndex((round) => round.ids.has(record.cells.id));
    let round = rounds.slice(after + 1).find((one) => one.shape === shape);
    if (!round) {
      round = { shape, members: [], ids: new Set() };
      rounds.push(round);
    }
    round.members.push(index);
    round.ids.add(record.cells.id);
  });
  return rounds.map((round) => round.members);
}

/**
 * Upserts records by external id with Odoo's own importer `load()`, the one idempotent write that stock Odoo has: the same call again, also at the
 * same time, has the same one effect. A call lands whole or not at all.
 *
 * When it does not land: it is repeated once whatever the reason (the loser of a race is answered with a message only); then those records that the
 * messages accuse are `rejected` and the others `untouched`; where nobody is accused the batch is halved until somebody is.
 * A user without the right to write the model is `refused`.
 *
 * @see odoo/orm/models.py `load` (19.0); odoo.md §2 load()
 */
export async function load(
  odoo: Odoo,
  model: string,
  records: readonly Loadable[],
  cx: Context,
  absent: StillAbsent = async () => true,
): Promise<Loaded[]> {
  const outcomes = records.map((): Loaded => ({ outcome: 'untouched' }));
  const budget = { calls: mostCalls };
  const stuck = new Set<string>();
  for (const round of roundsOf(records)) {
    const free = round.filter((index) => !stuck.has(records[index]!.cells.id));
    const results = await loadRound(
      odoo,
      model,
      free.map((index) => records[index]!),
      budget,
      cx,
      absent,
    );
    free.forEach((index, place) => {
      const result = results[place]!;
      outcomes[index] = result;
    });
    for (const index of round) if (outcomes[index]!.outcome !== 'landed') stuck.add(records[index]!.cells.id);
    if (results.some((result) => result.outcome === 'failed' && result.fault.kind !== 'rejected')) break;
  }
  return outcomes;
}

async function loadRound(
  odoo: Odoo,
  model: string,
  records: readonly Loadable[],
  budget: { calls: number },
  cx: Context,
  absent: StillAbsent,
): Promise<Loaded[]> {
  if (records.length === 0) return [];
  const matrix = matrixOf(records);
  let messages: readonly Message[] = [];
  let thrown: Fault | null = null;
  for (let attempt = 1; ; attempt++) {
    if (budget.calls-- <= 0) return records.map(() => ({ outcome: 'untouched' }));
    try {
      const answer = await odoo.call(
        model,
        'load',
        {
          args: [
            ['fields', matrix.fields],
            ['data', matrix.data],
          ],
          // `load` takes datetimes for the wall clock of the context's zone, else of the user's (run on 18 and 19).
          context: { tz: 'UTC', ...records[0]!.context },
        },
        cx,
      );
      const { ids, messages: told } = answer as { ids: unknown; messages?: Message[] };
      if (Array.isArray(ids) && ids.length === records.length && ids.every((id) => Number.isInteger(id)))
        return ids.map((id: number) => ({ outcome: 'landed', id }));
      if (ids !== false)
        throw new OdooFault({ kind: 'unknown', message: `Odoo answered ${model}.load with other ids than were sent` });
      messages = (told ?? []).filter((message) => message.type !== 'warning');
    } catch (error) {
      const fault = await odoo.faultOf(error, model, cx);
      if (fault.kind !== 'rejected') return everyone(records, fault);
      thrown = fault;
      break;
    }
    const lost = messages.some((message) => raced.test(String(message.message)));
    const perhaps = messages.some(perhapsRaced);
    if (attempt >= (lost || perhaps ? tries.raced : tries.any)) {
      if (lost)
        return everyone(records, { kind: 'transient', message: `Odoo was busy with the same ${model} records` });
      break;
    }
    await cx.clock.sleep(attempt * 250 + (cx.node.length % 7) * 40, cx.signal);
    if (!(await absent(records)))
      return everyone(records, {
        kind: 'transient',
        message: `another call has just created one of these ${model} records`,
      });
  }
  if (!(await odoo.may(model, 'create', cx)) || !(await odoo.may(model, 'write', cx)))
    return everyone(records, { kind: 'refused', message: `the Odoo user may not create and change ${model}` });
  const accused = accusedOf(messages, matrix.starts);
  if (accused.size > 0)
    return records.map((_, index): Loaded => {
      const message = accused.get(index);
      return message ? { outcome: 'failed', fault: rejection(message) } : { outcome: 'untouched' };
    });
  if (records.length === 1)
    return everyone(records, thrown ?? rejection(messages[0] ?? { message: 'no reason was given' }));
  const middle = Math.ceil(records.length / 2);
  const first = await loadRound(odoo, model, records.slice(0, middle), budget, cx, absent);
  if (first.some((one) => one.outcome === 'failed' && one.fault.kind !== 'rejected'))
    return [...first, ...records.slice(middle).map((): Loaded => ({ outcome: 'untouched' }))];
  return [...first, ...(await loadRound(odoo, model, records.slice(middle), budget, cx, absent))];
}

const everyone = (records: readonly Loadable[], fault: Fault): Loaded[] =>
  records.map(() => ({ outcome: 'failed', fault }));

/**
 * Which records the messages of a failed `load` are about. When single records fail, Odoo puts the error of the whole batch in front and ascribes it
 * to the first record, innocent or not: where others are accused as well, such a message convicts nobody (the first record then shows by itself next time).
 */
export function accusedOf(messages: readonly Message[], starts: readonly number[]): Map<number, Message> {
  const named = messages.flatMap((message, place) => {
    const index = recordOf(message, starts);
    return index === null ? [] : [{ place, index, message }];
  });
  const doubtful = named[0];
  const others = named.some(({ index }) => index !== doubtful?.index);
  const again = named.some(({ place, index }) => place > 0 && index === doubtful?.index);
  const accused = new Map<number, Message>();
  for (const { place, index, message } of named) {
    if (place === 0 && message.field === undefined && others && !again) continue;
    if (!accused.has(index)) accused.set(index, message);
  }
  return accused;
}

function recordOf({ rows, record }: Message, starts: readonly number[]): number | null {
  const count = starts.length - 1;
  if (typeof rows?.from === 'number') {
    const row = rows.from;
    const index = starts.findLastIndex((start, place) => place < count && start <= row);
    if (index >= 0 && row < starts[count]!) return index;
  }
  return typeof record === 'number' && record >= 0 && record < count ? record : null;
}

const rejection = ({ message, field }: Message): Fault => ({
  kind: 'rejected',
  message: `Odoo does not take it: ${words(message)}`,
  cause: 'odoo-refused',
  ...(typeof field === 'string' ? { field } : {}),
});
