import { repr } from './domain.ts';
import type { Env } from './env.ts';
import { refuseUnstorable, userError, valueError } from './errors.ts';
import type { Field } from './fields.ts';
import type { Model } from './model.ts';
import { roundDigits } from './rational.ts';
import type { Json, Value } from './types.ts';

const datetimeShape = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?$/;
const dateShape = /^\d{4}-\d\d-\d\d$/;

const isEmpty = (value: Json) => value === false || value === null || value === undefined;

const exists = (date: string): boolean => {
  const time = Date.parse(`${date.replace(' ', 'T')}Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(date.slice(0, 10));
};

/** True for `YYYY-MM-DD HH:MM:SS` and `YYYY-MM-DD` that are on the calendar. */
export const isDatetime = (text: string): boolean => (datetimeShape.test(text) && exists(text)) || isDate(text);
export const isDate = (text: string): boolean => dateShape.test(text) && exists(`${text} 00:00:00`);

/** Allows a little HTML: no scripts, no event attributes; bare text becomes a paragraph. */
function sanitized(html: string): string {
  if (html === '') return '';
  const safe = html
    .replace(/<script\b[\s\S]*?<\/script\s*>/gi, '')
    .replace(/\son\w+\s*=\s*("[^"]*"|'[^']*'|[^\s>]+)/gi, '');
  return /^\s*</.test(safe) ? safe : `<p>${safe}</p>`;
}

function number(field: Field, env: Env, value: Json): number {
  if (isEmpty(value) || value === '') return 0;
  const parsed = typeof value === 'boolean' ? Number(value) : Number(String(value));
  if (Number.isNaN(parsed)) throw valueError(`could not convert string to float: ${repr(value)}`);
  return rounded(env, field, parsed);
}

/** Version 19 keeps all decimals of a price and only shows fewer. */
function rounded(env: Env, field: Field, value: number): number {
  if (!field.digits || (env.db.version >= 19 && field.digits === 'Product Price')) return value;
  return roundDigits(value, env.db.digits(field.digits));
}

function moment(field: Field, value: string): string {
  if (field.type === 'date') {
    const date = value.slice(0, 10);
    if (!isDate(date) || !isDatetime(value)) throw valueError(`time data '${value}' does not match format '%Y-%m-%d'`);
    return date;
  }
  if (!isDatetime(value)) throw valueError(`time data '${value}' does not match format '%Y-%m-%d %H:%M:%S'`);
  return value.length === 10 ? `${value} 00:00:00` : value;
}

function storable(value: Json): string {
  const text = String(value);
  refuseUnstorable(text);
  return text;
}

function binary(value: Json): Value {
  if (isEmpty(value) || value === '') return false;
  const text = String(value);
  if (!/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(text) || text.replace(/\s/g, '').length % 4 !== 0)
    throw userError('Image is not encoded in base64.');
  return text;
}

/** A given value as the field stores it. Throws ValueError for what Python could not convert. To-many fields are not handled here. */
export function stored(env: Env, model: Model, name: string, value: Json): Value {
  const field = model.fields[name]!;
  switch (field.type) {
    case 'boolean':
      return Boolean(value);
    case 'integer':
    case 'float':
    case 'monetary':
      return number(field, env, value);
    case 'many2one':
      return isEmpty(value) || value === 0 ? false : Number(Array.isArray(value) ? value[0] : value);
    case 'selection':
      if (isEmpty(value) || value === '') return false;
      if (!field.selection!.some(([key]) => key === value))
        throw valueError(`Wrong value for ${model.name}.${name}: ${repr(value)}`);
      return String(value);
    case 'date':
    case 'datetime':
      return isEmpty(value) || value === '' ? false : moment(field, String(value));
    case 'html':
      return isEmpty(value) ? false : sanitized(storable(value));
    case 'binary':
      return binary(value);
    case 'json':
      return isEmpty(value) ? false : JSON.stringify(value);
    default:
      return isEmpty(value) ? false : storable(value);
  }
}
