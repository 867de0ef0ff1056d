import type { Context, Item, Result } from '../../../core/connector.ts';
import { FaultError } from '../../../core/fault.ts';
import type { Odoo } from '../database.ts';
import { type Row, relation } from '../rows.ts';

/** Fields of a record that the hub owns, as `load` takes them: `{ name: 'Ada', 'country_id/.id': '57' }`. */
export type Owned = Readonly<Record<string, string>>;

/** A record that is bound already, with what the hub says of it now, and what it said before. */
export interface Bound {
  readonly item: Item<unknown>;
  readonly now: Owned;
  /** Null: never said (the record was there by itself). `unknown`: said, and no longer known what. */
  readonly before: Owned | 'unknown' | null;
}

/** What `before` of an Item means for its fields. */
export const saidBefore = <T>({ before }: Item<T>, owned: (document: T) => Owned): Bound['before'] =>
  before === undefined ? null : before === null ? 'unknown' : owned(before);

/**
 * Writes what changed in the hub, and nothing else: what people changed in Odoo stays until the hub has something new to say about that very field. Of records that
 * were there by themselves only empty fields are filled in. One Result each; null for a record that is no longer in Odoo.
 */
export async function update(
  odoo: Odoo,
  model: string,
  records: readonly Bound[],
  cx: Context,
): Promise<(Result | null)[]> {
  if (records.length === 0) return [];
  const fields = [...new Set(records.flatMap(({ now }) => Object.keys(now).map(fieldOf)))];
  const domain = [
    ['id', 'in', records.map(({ item }) => Number(item.id))],
    ['active', 'in', [true, false]],
  ];
  const rows = new Map((await odoo.read(model, domain, fields, cx)).map((row) => [row.id, row]));
  const results: (Result | null)[] = [];
  for (const record of records) {
    const row = rows.get(Number(record.item.id));
    results.push(row === undefined ? null : await write(odoo, model, record, row, cx));
  }
  return results;
}

async function write(odoo: Odoo, model: string, record: Bound, row: Row, cx: Context): Promise<Result> {
  const done: Result = { outcome: 'done', id: String(row.id) };
  const vals = changesOf(record, row);
  if (Object.keys(vals).length === 0) return done;
  try {
    await odoo.call(model, 'write', { ids: [row.id as number], args: [['vals', vals]] }, cx);
    return done;
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    const fault = await odoo.faultOf(error, model, cx).catch(() => error.fault);
    return { outcome: 'failed', fault };
  }
}

function changesOf({ now, before }: Bound, row: Row): Record<string, unknown> {
  const changed = Object.entries(now).filter(([column, text]) => {
    const held = textOf(row[fieldOf(column)], column);
    if (held === text) return false;
    if (before === null) return held === '';
    return before === 'unknown' || before[column] !== text;
  });
  return Object.fromEntries(changed.map(([column, text]) => [fieldOf(column), written(column, text)]));
}

const fieldOf = (column: string): string => column.split('/')[0]!;

const textOf = (value: unknown, column: string): string => {
  if (column.includes('/')) return value === false ? '' : String(relation(value).id);
  if (value === true) return 'True';
  return value === false || value === null || value === undefined ? '' : String(value);
};

function written(column: string, text: string): unknown {
  if (text === '' || text === 'False') return false;
  if (text === 'True') return true;
  return column.includes('/') ? Number(text) : text;
}
