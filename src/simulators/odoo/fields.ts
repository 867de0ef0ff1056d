import type { Env } from './env.ts';
import type { Json, Row, Value } from './types.ts';

type FieldType =
  | 'boolean'
  | 'integer'
  | 'float'
  | 'monetary'
  | 'char'
  | 'text'
  | 'html'
  | 'binary'
  | 'json'
  | 'date'
  | 'datetime'
  | 'selection'
  | 'many2one'
  | 'one2many'
  | 'many2many';

type Selection = readonly (readonly [key: string, label: string])[];

/** What a field is, and how its value comes about. */
export interface Field {
  readonly type: FieldType;
  readonly label: string;
  readonly relation?: string;
  /** The many2one of the other model that a one2many mirrors. */
  readonly inverse?: string;
  readonly selection?: Selection;
  readonly required?: boolean;
  readonly readonly?: boolean;
  readonly help?: string;
  /** Kept in an index, so that searches for equality need no scan. Relations that a one2many mirrors always are. */
  readonly index?: boolean;
  /** Name of the decimal precision the value is rounded to. */
  readonly digits?: string;
  readonly default?: Value | ((env: Env) => Value);
  /** Made when read; nothing is stored. */
  readonly compute?: (env: Env, row: Row) => Json;
  /** Takes a written value of a computed field. */
  readonly assign?: (env: Env, row: Row, value: Json) => void;
  /** `record.field`: read from and written to a related record. */
  readonly related?: string;
  /** What `fields_get` says about storage, where it differs from what happens here. */
  readonly store?: boolean;
  readonly onDelete?: 'cascade' | 'set null' | 'restrict';
}

type Options = Partial<Omit<Field, 'type' | 'label' | 'relation'>>;
type Builder = (label: string, options?: Options) => Field;

const plain =
  (type: FieldType): Builder =>
  (label, options = {}) => ({ type, label, ...options });

export const boolean = plain('boolean');
export const integer = plain('integer');
export const float = plain('float');
export const monetary = plain('monetary');
export const char = plain('char');
export const text = plain('text');
export const html = plain('html');
export const binary = plain('binary');
export const json = plain('json');
export const date = plain('date');
export const datetime = plain('datetime');

export const selection = (label: string, options: Selection, more: Options = {}): Field => ({
  type: 'selection',
  label,
  selection: options,
  ...more,
});

export const many2one = (relation: string, label: string, options: Options = {}): Field => ({
  type: 'many2one',
  label,
  relation,
  ...options,
});

export const one2many = (relation: string, inverse: string, label: string, options: Options = {}): Field => ({
  type: 'one2many',
  label,
  relation,
  inverse,
  ...options,
});

export const many2many = (relation: string, label: string, options: Options = {}): Field => ({
  type: 'many2many',
  label,
  relation,
  ...options,
});

export const isStored = (field: Field): boolean => !field.compute && !field.related && field.type !== 'one2many';

/** What a field holds before anything was said about it. */
export function emptyValue(field: Field): Value {
  if (field.type === 'integer' || field.type === 'float' || field.type === 'monetary') return 0;
  return field.type === 'many2many' ? [] : false;
}
