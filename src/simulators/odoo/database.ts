import type { Model } from './model.ts';
import { Store, Table } from './store.ts';
import type { Row, Value, Version } from './types.ts';

/** Milliseconds since the epoch; passed in so that a run can be repeated. */
export type Clock = () => number;

/** One simulated database: its models, its records and its clock. */
export class Database {
  readonly version: Version;
  readonly name: string;
  readonly models: ReadonlyMap<string, Model>;
  readonly store = new Store();
  clock: Clock;

  constructor(options: { version: Version; name: string; models: readonly Model[]; clock: Clock }) {
    this.version = options.version;
    this.name = options.name;
    this.clock = options.clock;
    this.models = new Map(options.models.map((model) => [model.name, model]));
    for (const model of options.models) this.store.tables.set(model.name, this.makeTable(model));
  }

  private makeTable(model: Model): Table {
    const indexed = new Set(model.stored.filter((name) => model.fields[name]!.index));
    for (const other of this.models.values())
      for (const field of Object.values(other.fields))
        if (field.type === 'one2many' && field.relation === model.name) indexed.add(field.inverse!);
    if (model.name !== 'ir.model.data') return new Table(model.name, indexed);
    return new Table(model.name, indexed, [
      { name: 'xmlid', of: (row) => `${row.module}.${row.name}` },
      { name: 'record', of: (row) => `${row.model},${row.res_id}` },
    ]);
  }

  table(model: string): Table {
    return this.store.table(model);
  }

  /** The present moment as Odoo stores it: naive UTC with microseconds. */
  now(): string {
    return stamp(this.clock());
  }

  today(): string {
    return this.now().slice(0, 10);
  }

  /** Decimals of a named precision; 2 when unknown. */
  digits(name: string): number {
    const precision = this.precision(name);
    return precision ? Number(precision.digits) : 2;
  }

  private precision(name: string): Row | undefined {
    for (const id of this.table('decimal.precision').lookup('name', name))
      return this.table('decimal.precision').rows.get(id);
    return undefined;
  }

  /** The record an external id (`module.name`) stands for. */
  xmlid(xmlid: string): { model: string; id: number } | undefined {
    const table = this.table('ir.model.data');
    for (const id of table.lookup('xmlid', xmlid)) {
      const row = table.rows.get(id)!;
      return { model: String(row.model), id: Number(row.res_id) };
    }
    return undefined;
  }

  /** The first external id of a record. */
  xmlidOf(model: string, id: number): string | undefined {
    const table = this.table('ir.model.data');
    for (const data of table.lookup('record', `${model},${id}`)) {
      const row = table.rows.get(data)!;
      return `${row.module}.${row.name}`;
    }
    return undefined;
  }

  /** Values of every stored field, empty unless given. */
  fill(model: Model, values: Record<string, Value>): Record<string, Value> {
    return { ...model.template, ...values };
  }
}

/** `YYYY-MM-DD HH:MM:SS.ffffff` */
const stamp = (milliseconds: number): string =>
  `${new Date(milliseconds).toISOString().slice(0, 23).replace('T', ' ')}000`;

/** The day `days` after a date, both as `YYYY-MM-DD`. */
export const addDays = (date: string, days: number): string =>
  new Date(Date.parse(`${date.slice(0, 10)}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
