import type { Database } from './database.ts';
import { compile } from './domain.ts';
import { accessError, missingError } from './errors.ts';
import type { Model } from './model.ts';
import { type Comparator, comparator, parseOrder } from './order.ts';
import type { Context, Domain, Json, Row, Vals, Value } from './types.ts';
import { createRecords, removeRecords, writeRecords } from './write.ts';

interface SearchOptions {
  readonly offset?: number;
  readonly limit?: number | undefined;
  readonly order?: string | undefined;
  readonly activeTest?: boolean;
}

/** What is the same for every Env of one call: the moment it began and the work put off to its end. */
export interface Transaction {
  /** Start of the transaction, as stored in `write_date`. */
  readonly now: string;
  readonly pending: Map<string, () => void>;
  depth: number;
  /** External ids that this call looked up or made. */
  readonly xmlids: Set<string>;
}

export const transaction = (now: string): Transaction => ({ now, pending: new Map(), depth: 0, xmlids: new Set() });

/** A user at work in one transaction: the door to all records. */
export class Env {
  readonly db: Database;
  readonly uid: number;
  readonly context: Context;
  readonly tx: Transaction;
  /** Whether record rules and archived records hide rows; off for Odoo's own work behind the scenes. */
  readonly guarded: boolean;
  private readonly comparators = new Map<string, Comparator>();
  private groupNames: ReadonlySet<string> | undefined;

  constructor(db: Database, uid: number, context: Context, tx: Transaction, guarded = true) {
    this.db = db;
    this.uid = uid;
    this.context = context;
    this.tx = tx;
    this.guarded = guarded;
  }

  with(context: Context): Env {
    return new Env(this.db, this.uid, { ...this.context, ...context }, this.tx, this.guarded);
  }

  get user(): Row {
    const user = this.db.table('res.users').rows.get(this.uid);
    if (!user) throw missingError('res.users', this.uid, this.uid);
    return user;
  }

  /** External ids of the groups the user belongs to. */
  get groups(): ReadonlySet<string> {
    const rows = this.db.table('res.groups').rows;
    this.groupNames ??= new Set((this.user.group_ids as number[]).map((id) => String(rows.get(id)?.xmlid)));
    return this.groupNames;
  }

  /** The companies this call may see, the first of which new records get. Throws AccessError for others. */
  get companies(): readonly number[] {
    const own = this.user.company_ids as number[];
    const asked = this.context.allowed_company_ids;
    if (!Array.isArray(asked) || asked.length === 0) return [Number(this.user.company_id), ...own];
    if (!asked.every((id) => own.includes(id as number)))
      throw accessError('Access to unauthorized or invalid companies.');
    return asked as number[];
  }

  get company(): number {
    return this.companies[0]!;
  }

  model(name: string): Model {
    return this.db.models.get(name)!;
  }

  find(model: string, id: Json): Row | undefined {
    return typeof id === 'number' ? this.db.table(model).rows.get(id) : undefined;
  }

  /** The record, or MissingError. */
  get(model: string, id: Json): Row {
    const row = this.find(model, id);
    if (!row) throw missingError(model, Number(id), this.uid);
    return row;
  }

  existing(model: string, ids: readonly number[]): Row[] {
    return ids.map((id) => this.get(model, id));
  }

  /** Records whose indexed field holds a value, in no particular order. */
  having(model: string, field: string, value: string | number | boolean): Row[] {
    const table = this.db.table(model);
    return [...table.lookup(field, value)].map((id) => table.rows.get(id)!);
  }

  /** A field's value: relations as ids. */
  value(model: Model, row: Row, name: string): Json {
    const held = row[name];
    if (held !== undefined) return held;
    const field = model.fields[name]!;
    if (field.compute) return field.compute(this, row);
    if (field.related) {
      const [link = '', target = ''] = field.related.split('.');
      const relation = model.fields[link]!.relation!;
      const other = this.find(relation, this.value(model, row, link));
      return other ? this.value(this.model(relation), other, target) : field.type.endsWith('many') ? [] : false;
    }
    return field.type === 'one2many'
      ? this.ordered(field.relation!, [...this.db.table(field.relation!).lookup(field.inverse!, row.id)])
      : false;
  }

  /** Ids in the order of their model, archived records left out. */
  ordered(model: string, ids: readonly number[]): number[] {
    const { fields } = this.model(model);
    const rows = this.db.table(model).rows;
    const hideArchived = fields.active && this.context.active_test !== false;
    const found = ids.map((id) => rows.get(id)).filter((row) => row && (!hideArchived || row.active)) as Row[];
    if (found.length > 1) found.sort(this.comparator(model));
    return found.map((row) => row.id);
  }

  private comparator(model: string, order = this.model(model).order): Comparator {
    const key = `${model}:${order}`;
    const known = this.comparators.get(key) ?? comparator(this, this.model(model), order);
    this.comparators.set(key, known);
    return known;
  }

  displayOf(name: string, row: Row): string {
    const model = this.model(name);
    if (model.display) return model.display(this, row);
    const text = row[model.recName];
    return text === undefined || text === false ? `${model.name},${row.id}` : String(text);
  }

  display(model: string, id: number): string {
    const row = this.find(model, id);
    return row ? this.displayOf(model, row) : '';
  }

  /** True when the company rule lets this call see the record. */
  visible(model: Model, row: Row): boolean {
    if (!this.guarded || !model.companyRule) return true;
    const company = this.value(model, row, 'company_id');
    return typeof company !== 'number' || this.companies.includes(company);
  }

  /** Records that match, in order. Archived ones and those of other companies are left out unless asked for. */
  search(name: string, domain: Domain, options: SearchOptions = {}): Row[] {
    const model = this.model(name);
    const plan = compile(this, model, domain);
    const order = options.order || model.order;
    const terms = parseOrder(model, order);
    const hideArchived =
      Boolean(model.fields.active) &&
      !plan.mentionsActive &&
      options.activeTest !== false &&
      this.context.active_test !== false;
    const ruled = this.guarded && model.companyRule;
    const accept = (row: Row) =>
      (!hideArchived || row.active === true) && (!ruled || this.visible(model, row)) && plan.test(row);
    const offset = options.offset ?? 0;
    const limit = options.limit || Number.POSITIVE_INFINITY;
    if (terms[0]?.field === 'id') return this.scanById(name, plan, accept, terms[0].descending, offset, limit);
    const rows = [...this.scan(name, plan)].filter(accept).sort(this.comparator(name, order));
    return rows.slice(offset, offset + limit);
  }

  private *scan(name: string, plan: { candidates: Iterable<number> | undefined; after: number }): Iterable<Row> {
    const table = this.db.table(name);
    if (plan.candidates) {
      for (const id of [...plan.candidates].sort((a, b) => a - b)) {
        const row = table.rows.get(id);
        if (row) yield row;
      }
      return;
    }
    const ids = table.sortedIds();
    for (let i = firstAfter(ids, plan.after); i < ids.length; i++) yield table.rows.get(ids[i]!)!;
  }

  private scanById(
    name: string,
    plan: Parameters<Env['scan']>[1],
    accept: (row: Row) => boolean,
    descending: boolean,
    offset: number,
    limit: number,
  ): Row[] {
    const found: Row[] = [];
    const rows = descending ? [...this.scan(name, plan)].reverse() : this.scan(name, plan);
    let skipped = 0;
    for (const row of rows) {
      if (!accept(row)) continue;
      if (skipped++ < offset) continue;
      found.push(row);
      if (found.length >= limit) break;
    }
    return found;
  }

  /** Makes records with their lines; defaults, computed values and constraints included. */
  create(model: string, vals: readonly Vals[]): Row[] {
    return this.operation(() => createRecords(this, this.model(model), vals));
  }

  write(model: string, rows: readonly Row[], vals: Vals): void {
    this.operation(() => writeRecords(this, this.model(model), [...rows], vals));
  }

  unlink(model: string, rows: readonly Row[]): void {
    this.operation(() => removeRecords(this, this.model(model), [...rows]));
  }

  /** Sets stored values as they are, without hooks. Does nothing when nothing changes. */
  set(model: string, row: Row, values: Record<string, Value>): void {
    const changes = Object.entries(values).filter(([name, value]) => row[name] !== value);
    if (changes.length === 0) return;
    const stamps = { write_date: this.tx.now, write_uid: this.uid };
    this.db.store.update(this.db.table(model), row, { ...Object.fromEntries(changes), ...stamps });
  }

  /** Runs something once at the end of the outermost operation, such as recomputing the totals of an order. */
  defer(key: string, work: () => void): void {
    this.tx.pending.set(key, work);
  }

  private operation<T>(work: () => T): T {
    this.tx.depth++;
    try {
      const result = work();
      if (this.tx.depth === 1) this.flush();
      return result;
    } catch (error) {
      if (this.tx.depth === 1) this.tx.pending.clear();
      throw error;
    } finally {
      this.tx.depth--;
    }
  }

  /** Does the work put off by `defer`. */
  flush(): void {
    for (let round = 0; this.tx.pending.size > 0; round++) {
      if (round > 50) throw new Error('computed fields do not settle');
      const work = [...this.tx.pending.values()];
      this.tx.pending.clear();
      for (const run of work) run();
    }
  }
}

/** Index of the first id larger than `after` in an ascending list. */
function firstAfter(ids: readonly number[], after: number): number {
  let [low, high] = [0, ids.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ids[middle]! <= after) low = middle + 1;
    else high = middle;
  }
  return low;
}
