import type { Env } from './env.ts';
import { char, datetime, emptyValue, type Field, integer, isStored, many2one } from './fields.ts';
import type { Json, Row, Vals, Value } from './types.ts';

/** A method callable over RPC. Parameters are named; a trailing `?` marks an optional one. */
export interface Method {
  readonly kind: 'model' | 'record';
  readonly params: readonly string[];
  /** The right the caller needs on the model. */
  readonly access?: Operation;
  run(env: Env, ids: number[], args: Readonly<Record<string, Json>>): Json;
}

export type Operation = 'read' | 'write' | 'create' | 'unlink';

/** A method on records, given as rows that exist. */
export const onRows = (
  model: string,
  run: (env: Env, rows: Row[], args: Readonly<Record<string, Json>>) => Json,
  params: readonly string[] = [],
  access: Operation = 'write',
): Method => ({ kind: 'record', params, access, run: (env, ids, args) => run(env, env.existing(model, ids), args) });

/** Everything one model is: fields, order, and what happens around its records. */
interface ModelSpec {
  readonly name: string;
  readonly label: string;
  readonly fields: Readonly<Record<string, Field>>;
  readonly order?: string;
  readonly recName?: string;
  /** Records of companies the caller may not use are hidden. */
  readonly companyRule?: boolean;
  readonly display?: (env: Env, row: Row) => string;
  /** The texts `name_search` looks into; the display name when not given. */
  readonly nameSearch?: readonly string[];
  /** Fills in or refuses values before a record is made. */
  readonly complete?: (env: Env, vals: Vals) => Vals;
  /** Runs after the records and their lines were made. */
  readonly created?: (env: Env, rows: Row[], vals: readonly Vals[]) => void;
  readonly writing?: (env: Env, rows: Row[], vals: Vals) => Vals;
  readonly written?: (env: Env, rows: Row[], vals: Vals, before: readonly Row[]) => void;
  readonly unlinking?: (env: Env, rows: Row[]) => void;
  readonly unlinked?: (env: Env, rows: readonly Row[]) => void;
  readonly methods?: Readonly<Record<string, Method>>;
}

export interface Model extends ModelSpec {
  readonly order: string;
  readonly recName: string;
  /** A row with every stored field empty, copied for each new record. */
  readonly template: Readonly<Record<string, Value>>;
  readonly stored: readonly string[];
  readonly defaults: readonly (readonly [field: string, value: Value | ((env: Env) => Value)])[];
  readonly required: readonly string[];
}

const common = (model: string): Record<string, Field> => ({
  id: integer('ID', { readonly: true, store: true }),
  display_name: char('Display Name', { readonly: true, compute: (env, row) => env.displayOf(model, row) }),
  create_uid: many2one('res.users', 'Created by', { readonly: true }),
  create_date: datetime('Created on', { readonly: true }),
  write_uid: many2one('res.users', 'Last Updated by', { readonly: true }),
  write_date: datetime('Last Updated on', { readonly: true }),
});

/** Adds what every model has and prepares the template of its rows. */
export function defineModel(spec: ModelSpec): Model {
  const fields: Record<string, Field> = { ...common(spec.name), ...spec.fields };
  const stored = Object.keys(fields).filter((name) => name !== 'id' && isStored(fields[name]!));
  const template = Object.fromEntries(stored.map((name) => [name, emptyValue(fields[name]!)]));
  const defaults = Object.entries(fields).flatMap(([name, field]) =>
    field.default === undefined ? [] : [[name, field.default] as const],
  );
  return {
    ...spec,
    fields,
    order: spec.order ?? 'id',
    recName: spec.recName ?? 'name',
    template,
    stored,
    defaults,
    required: stored.filter((name) => fields[name]!.required),
  };
}
