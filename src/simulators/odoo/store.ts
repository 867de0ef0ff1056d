import type { Row, Value } from './types.ts';

type Key = string | number | boolean;

const none: ReadonlySet<number> = new Set();

class Index {
  private readonly sets = new Map<Key, Set<number>>();

  add(key: Key, id: number): void {
    const set = this.sets.get(key);
    if (set) set.add(id);
    else this.sets.set(key, new Set([id]));
  }

  remove(key: Key, id: number): void {
    const set = this.sets.get(key);
    if (!set?.delete(id)) return;
    if (set.size === 0) this.sets.delete(key);
  }

  get(key: Key): ReadonlySet<number> {
    return this.sets.get(key) ?? none;
  }
}

/** An index over a value made of several fields. */
interface ComposedKey {
  readonly name: string;
  readonly of: (row: Row) => string;
}

/** The records of one model, by id and by index. */
export class Table {
  readonly name: string;
  readonly rows = new Map<number, Row>();
  lastId = 0;
  private readonly fieldIndexes = new Map<string, Index>();
  private readonly composed: { key: ComposedKey; index: Index }[];
  private ids: number[] = [];
  private sorted = true;

  constructor(name: string, indexed: Iterable<string>, composed: readonly ComposedKey[] = []) {
    this.name = name;
    for (const field of indexed) this.fieldIndexes.set(field, new Index());
    this.composed = composed.map((key) => ({ key, index: new Index() }));
  }

  /** All ids, ascending. */
  sortedIds(): readonly number[] {
    if (!this.sorted) {
      this.ids = [...this.rows.keys()].sort((a, b) => a - b);
      this.sorted = true;
    }
    return this.ids;
  }

  indexed(field: string): boolean {
    return this.fieldIndexes.has(field);
  }

  /** Ids whose indexed field (or composed key) holds `key`. */
  lookup(field: string, key: Key): ReadonlySet<number> {
    const index = this.fieldIndexes.get(field) ?? this.composed.find((entry) => entry.key.name === field)?.index;
    if (!index) throw new Error(`${this.name} has no index on ${field}`);
    return index.get(key);
  }

  put(row: Row): void {
    this.rows.set(row.id, row);
    if (row.id > this.lastId) this.lastId = row.id;
    const last = this.ids[this.ids.length - 1] ?? 0;
    if (this.sorted && row.id > last) this.ids.push(row.id);
    else this.sorted = false;
    this.enter(row);
  }

  drop(row: Row): void {
    this.leave(row);
    this.rows.delete(row.id);
    if (this.sorted && this.ids[this.ids.length - 1] === row.id) this.ids.pop();
    else this.sorted = false;
  }

  assign(row: Row, changes: Record<string, Value>): void {
    const indexed = Object.keys(changes).filter((name) => this.fieldIndexes.has(name));
    for (const name of indexed) this.fieldIndexes.get(name)!.remove(row[name] as Key, row.id);
    for (const entry of this.composed) entry.index.remove(entry.key.of(row), row.id);
    Object.assign(row, changes);
    for (const name of indexed) this.fieldIndexes.get(name)!.add(row[name] as Key, row.id);
    for (const entry of this.composed) entry.index.add(entry.key.of(row), row.id);
  }

  private enter(row: Row): void {
    for (const [name, index] of this.fieldIndexes) index.add(row[name] as Key, row.id);
    for (const entry of this.composed) entry.index.add(entry.key.of(row), row.id);
  }

  private leave(row: Row): void {
    for (const [name, index] of this.fieldIndexes) index.remove(row[name] as Key, row.id);
    for (const entry of this.composed) entry.index.remove(entry.key.of(row), row.id);
  }
}

type Undo =
  | { kind: 'insert'; table: Table; row: Row }
  | { kind: 'update'; table: Table; row: Row; old: Record<string, Value> }
  | { kind: 'remove'; table: Table; row: Row };

/** What one committed transaction did to one record. `row` is null when the record is gone. */
export interface Change {
  readonly table: string;
  readonly id: number;
  readonly row: Row | null;
  readonly inserted: boolean;
  readonly fields: readonly string[];
}

/** All tables, one transaction at a time, with an undo log. Ids are never given twice, not even after a rollback. */
export class Store {
  readonly tables = new Map<string, Table>();
  private undo: Undo[] = [];

  table(name: string): Table {
    const table = this.tables.get(name);
    if (!table) throw new Error(`no table ${name}`);
    return table;
  }

  insert(table: Table, values: Record<string, Value>): Row {
    const row: Row = { id: ++table.lastId, ...values };
    table.put(row);
    this.undo.push({ kind: 'insert', table, row });
    return row;
  }

  update(table: Table, row: Row, changes: Record<string, Value>): void {
    const old: Record<string, Value> = {};
    for (const name of Object.keys(changes)) old[name] = row[name]!;
    table.assign(row, changes);
    this.undo.push({ kind: 'update', table, row, old });
  }

  remove(table: Table, row: Row): void {
    table.drop(row);
    this.undo.push({ kind: 'remove', table, row });
  }

  savepoint(): number {
    return this.undo.length;
  }

  rollback(to = 0): void {
    for (let i = this.undo.length - 1; i >= to; i--) {
      const entry = this.undo[i]!;
      if (entry.kind === 'insert') entry.table.drop(entry.row);
      else if (entry.kind === 'remove') entry.table.put(entry.row);
      else entry.table.assign(entry.row, entry.old);
    }
    this.undo.length = to;
  }

  /** Ends the transaction and says what it did. */
  commit(): Change[] {
    const touched = new Map<Row, { table: Table; row: Row; inserted: boolean; fields: Set<string> }>();
    for (const entry of this.undo) {
      const known = touched.get(entry.row) ?? {
        table: entry.table,
        row: entry.row,
        inserted: false,
        fields: new Set(),
      };
      if (entry.kind === 'insert') known.inserted = true;
      if (entry.kind === 'update') for (const name of Object.keys(entry.old)) known.fields.add(name);
      touched.set(entry.row, known);
    }
    this.undo = [];
    return [...touched.values()].map(({ table, row, inserted, fields }) => ({
      table: table.name,
      id: row.id,
      row: table.rows.has(row.id) ? row : null,
      inserted,
      fields: [...fields],
    }));
  }
}
