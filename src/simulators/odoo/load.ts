import type { Env } from './env.ts';
import { OdooError, valueError } from './errors.ts';
import type { Field } from './fields.ts';
import type { Model } from './model.ts';
import type { Json, Row, Vals } from './types.ts';
import { isDate, isDatetime } from './values.ts';
import { XMLID } from './write.ts';
import { inUtc } from './zone.ts';

type Path = readonly string[];
type Cells = readonly string[];

/** One record of the table: the rows it covers, its own cells, and its lines. */
interface Parcel {
  readonly from: number;
  readonly to: number;
  readonly cells: Map<string, Cell>;
  readonly lines: Map<string, Parcel[]>;
}

/** A value, and how it names a relation: by label, external id or database id. */
interface Cell {
  readonly text: string;
  readonly by: 'name' | 'id' | '.id';
}

interface Message {
  readonly rows: { from: number; to: number };
  readonly record: number;
  readonly type: 'error';
  readonly message: string;
  readonly field?: string;
  readonly field_name?: string;
  readonly moreinfo?: Json;
}

/** What a cell cannot be turned into, with what the user interface offers instead. */
class CellError extends Error {
  readonly moreinfo: Json;

  constructor(message: string, moreinfo?: Json) {
    super(message);
    this.moreinfo = moreinfo;
  }
}

const isKey = (name: string | undefined): name is 'id' | '.id' => name === 'id' || name === '.id';

/** Reads a header such as `order_line/product_id/.id`. Throws ValueError for a column the model does not have. */
function checkPath(env: Env, model: Model, path: Path): void {
  const [name = '', ...rest] = path;
  if (isKey(name) && rest.length === 0) return;
  const field = model.fields[name];
  if (!field) throw valueError(`Invalid field name '${name}'`);
  if (rest.length && field.relation) checkPath(env, env.model(field.relation), rest);
}

const isLines = (model: Model, path: Path): boolean => path.length > 1 && model.fields[path[0]!]?.type === 'one2many';

/** Cuts the rows into records: a row with nothing but line cells belongs to the record above it. */
function parcels(env: Env, model: Model, paths: readonly Path[], data: readonly Cells[], offset: number): Parcel[] {
  const own = paths.flatMap((path, i) => (isLines(model, path) ? [] : [i]));
  const lineColumns = paths.flatMap((path, i) => (isLines(model, path) ? [i] : []));
  const found: Parcel[] = [];
  for (let start = 0; start < data.length; ) {
    let end = start + 1;
    while (end < data.length && own.every((i) => !data[end]![i]) && lineColumns.some((i) => data[end]![i])) end++;
    found.push(parcel(env, model, paths, data.slice(start, end), offset + start));
    start = end;
  }
  return found;
}

function parcel(env: Env, model: Model, paths: readonly Path[], rows: readonly Cells[], offset: number): Parcel {
  const cells = new Map<string, Cell>();
  for (const [i, path] of paths.entries()) {
    if (isLines(model, path)) continue;
    const [name = '', last] = path;
    cells.set(name, { text: rows[0]![i] ?? '', by: isKey(last) ? last : 'name' });
  }
  const lines = new Map<string, Parcel[]>();
  for (const name of new Set(paths.filter((path) => isLines(model, path)).map((path) => path[0]!))) {
    const columns = paths.flatMap((path, i) => (path[0] === name && path.length > 1 ? [i] : []));
    const sub = rows.map((row) => columns.map((i) => row[i] ?? ''));
    const filled = sub.map((row, i) => [row, i] as const).filter(([row]) => row.some(Boolean));
    const other = env.model(model.fields[name]!.relation!);
    const found = parcels(
      env,
      other,
      columns.map((i) => paths[i]!.slice(1)),
      filled.map(([row]) => row),
      0,
    );
    lines.set(name, found);
  }
  return { from: offset, to: offset + rows.length - 1, cells, lines };
}

const chooser = (field: Field, byId: boolean): Json => ({
  name: 'Possible Values',
  type: 'ir.actions.act_window',
  target: 'new',
  view_mode: 'list,form',
  views: [
    [false, 'list'],
    [false, 'form'],
  ],
  context: { create: false },
  help: 'See all possible values',
  ...(byId
    ? { res_model: 'ir.model.data', domain: [['model', '=', field.relation!]] }
    : { res_model: field.relation! }),
});

/** Finds the record a cell names; `%s` in messages becomes the field's label. */
function resolve(env: Env, field: Field, text: string, by: Cell['by']): number {
  const relation = field.relation!;
  if (by === '.id') {
    if (!/^\d+$/.test(text.trim()))
      throw new CellError(`Invalid database id '${text}' for the field '%s'`, chooser(field, true));
    const id = Number(text);
    if (env.find(relation, id)) return id;
    throw new CellError(`No matching record found for database id '${text}' in field '%s'`, chooser(field, true));
  }
  if (by === 'id') {
    const found = env.db.xmlid(text.includes('.') ? text : `__import__.${text}`);
    env.tx.xmlids.add(text);
    if (found && found.model === relation && env.find(relation, found.id)) return found.id;
    throw new CellError(`No matching record found for external id '${text}' in field '%s'`, chooser(field, true));
  }
  const names = ['display_name', ...(env.model(relation).nameSearch ?? [])];
  const either = [...new Array<Json>(names.length - 1).fill('|'), ...names.map((name): Json => [name, '=', text])];
  const found = env.search(relation, either, { limit: 1 })[0];
  if (found) return found.id;
  throw new CellError(`No matching record found for name '${text}' in field '%s'`, chooser(field, false));
}

function selectionKey(field: Field, text: string): string {
  const wanted = text.toLowerCase();
  const found = field.selection!.find(([key, label]) => key.toLowerCase() === wanted || label.toLowerCase() === wanted);
  if (found) return found[0];
  throw new CellError(
    `Value '${text}' not found in selection field '%s'`,
    field.selection!.map(([key, label]) => label || key),
  );
}

function truth(text: string): boolean {
  const wanted = text.toLowerCase();
  if (['1', 'true', 'yes'].includes(wanted)) return true;
  if (['0', 'false', 'no'].includes(wanted)) return false;
  throw new CellError(`Unknown value '${text}' for boolean field '%s'`, "Use '1' for yes and '0' for no");
}

/** A cell's text as a value for create or write. An empty cell means emptiness, not "leave alone". */
function converted(env: Env, field: Field, cell: Cell): Json {
  const { text, by } = cell;
  const many = field.type.endsWith('2many');
  if (text === '') return many ? [[6, 0, []]] : false;
  if (many) return [[6, 0, text.split(',').map((part) => resolve(env, field, part, by))]];
  switch (field.type) {
    case 'many2one':
      return resolve(env, field, text, by);
    case 'selection':
      return selectionKey(field, text);
    case 'boolean':
      return truth(text);
    case 'integer':
      if (!/^\s*[+-]?\d+\s*$/.test(text))
        throw new CellError(`'${text}' does not seem to be an integer for field '%s'`);
      return Number(text);
    case 'float':
    case 'monetary':
      if (!/^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(text))
        throw new CellError(`'${text}' does not seem to be a number for field '%s'`);
      return Number(text);
    case 'date':
      if (!isDate(text.slice(0, 10)) || !isDatetime(text))
        throw new CellError(`'${text}' does not seem to be a valid date for field '%s'`, "Use the format '2012-12-31'");
      return text;
    case 'datetime':
      if (!isDatetime(text) || text.includes('.'))
        throw new CellError(
          `'${text}' does not seem to be a valid datetime for field '%s'`,
          "Use the format '2012-12-31 23:59:59'",
        );
      return inUtc(text, env.context.tz || env.user.tz);
    default:
      return text;
  }
}

/** One run of `load()`: everything lands or nothing. */
class Import {
  readonly env: Env;
  readonly model: Model;
  readonly messages: Message[] = [];

  constructor(env: Env, model: Model) {
    this.env = env;
    this.model = model;
  }

  run(fields: readonly string[], data: readonly Cells[]): Json {
    const paths = fields.map((field) => field.split('/'));
    for (const path of paths) checkPath(this.env, this.model, path);
    const { store } = this.env.db;
    const start = store.savepoint();
    const ids = parcels(this.env, this.model, paths, data, 0).map((one, i) => this.record(one, i));
    if (this.messages.length === 0) return { ids, messages: [], nextrow: 0 };
    store.rollback(start);
    return { ids: false, messages: this.messages as unknown as Json, nextrow: 0 };
  }

  private record(one: Parcel, record: number): number | false {
    const rows = { from: one.from, to: one.to };
    const place = { rows, record };
    const vals = this.values(this.model, one, place);
    const { store } = this.env.db;
    const before = store.savepoint();
    try {
      return this.save(one, vals, place);
    } catch (error) {
      store.rollback(before);
      if (!(error instanceof OdooError)) throw error;
      this.messages.push({ rows, record, type: 'error', ...error.inLoad(this.model.name) });
      return false;
    }
  }

  /** Converts all cells of a record; what cannot be converted becomes a message and is left out. */
  private values(model: Model, one: Parcel, place: { rows: Message['rows']; record: number }): Vals {
    const vals: Vals = {};
    const attempt = (name: string, make: () => Json): void => {
      try {
        vals[name] = make();
      } catch (error) {
        if (!(error instanceof CellError)) throw error;
        this.report(model.fields[name]!, name, error, place);
      }
    };
    for (const [name, cell] of one.cells)
      if (!isKey(name)) attempt(name, () => converted(this.env, model.fields[name]!, cell));
    for (const [name, lines] of one.lines)
      attempt(name, () => lines.map((line) => this.line(model.fields[name]!, line)));
    return vals;
  }

  private report(field: Field, name: string, error: CellError, place: { rows: Message['rows']; record: number }): void {
    this.messages.push({
      rows: place.rows,
      type: 'error',
      record: place.record,
      field: name,
      message: error.message.replace('%s', field.label),
      ...(error.moreinfo === undefined ? {} : { moreinfo: error.moreinfo }),
      field_name: field.label,
    });
  }

  /** A line as a command: an update when its external or database id is known, else a creation. */
  private line(parent: Field, one: Parcel): Json {
    const other = this.env.model(parent.relation!);
    const vals: Vals = {};
    const within = (field: Field, make: () => Json): Json => {
      try {
        return make();
      } catch (error) {
        if (!(error instanceof CellError)) throw error;
        throw new CellError(error.message.replace('%s', `${parent.label}/${field.label}`), error.moreinfo);
      }
    };
    for (const [name, cell] of one.cells) {
      const field = other.fields[name]!;
      if (!isKey(name)) vals[name] = within(field, () => converted(this.env, field, cell));
    }
    for (const [name, lines] of one.lines) vals[name] = lines.map((line) => this.line(other.fields[name]!, line));
    const xmlid = qualified(one.cells.get('id')?.text ?? '');
    const known = xmlid ? this.known(other, xmlid) : undefined;
    const id = known?.id ?? this.databaseId(other, one);
    if (id !== undefined) return [1, id, vals];
    return [0, 0, xmlid ? { ...vals, [XMLID]: xmlid } : vals];
  }

  private databaseId(model: Model, one: Parcel): number | undefined {
    const text = one.cells.get('.id')?.text;
    if (!text) return undefined;
    if (!this.env.find(model.name, Number(text))) throw new CellError(`Unknown database identifier '${text}'`);
    return Number(text);
  }

  private known(model: Model, xmlid: string): Row | undefined {
    this.env.tx.xmlids.add(xmlid);
    const found = this.env.db.xmlid(xmlid);
    return found?.model === model.name ? this.env.find(model.name, found.id) : undefined;
  }

  private save(one: Parcel, vals: Vals, place: { rows: Message['rows']; record: number }): number | false {
    const xmlid = qualified(one.cells.get('id')?.text ?? '');
    const known = xmlid ? this.known(this.model, xmlid) : undefined;
    if (known) return this.update(known, vals);
    const database = one.cells.get('.id')?.text;
    if (database) {
      const row = this.env.find(this.model.name, Number(database));
      if (row) return this.update(row, vals);
      this.messages.push({
        ...place,
        type: 'error',
        field: '.id',
        message: `Unknown database identifier '${database}'`,
      });
      return false;
    }
    const [row] = this.env.create(this.model.name, [xmlid ? { ...vals, [XMLID]: xmlid } : vals]);
    return row!.id;
  }

  private update(row: Row, vals: Vals): number {
    if (Object.keys(vals).length) this.env.write(this.model.name, [row], vals);
    return row.id;
  }
}

/** `name` alone belongs to the module `__import__`. */
const qualified = (xmlid: string): string => (xmlid === '' || xmlid.includes('.') ? xmlid : `__import__.${xmlid}`);

/** Imports a table of text cells, all or nothing. Answers `{ids, messages, nextrow}`; throws ValueError for an unknown column. */
export function load(env: Env, model: Model, fields: readonly string[], data: readonly (readonly Json[])[]): Json {
  const cells = data.map((row) =>
    row.map((cell) => (cell === false || cell === null || cell === undefined ? '' : String(cell))),
  );
  return new Import(env, model).run(fields, cells);
}
