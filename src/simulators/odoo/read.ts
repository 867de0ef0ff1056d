import type { Env } from './env.ts';
import { accessError, valueError } from './errors.ts';
import { type Field, isStored } from './fields.ts';
import type { Model } from './model.ts';
import type { Json, Row } from './types.ts';

const isText = (value: Json): value is string => typeof value === 'string';

/** A field's value as RPC shows it: `[id, name]` for a many2one, whole seconds for a datetime. */
function shown(env: Env, field: Field, value: Json): Json {
  switch (field.type) {
    case 'many2one':
      return typeof value === 'number' ? [value, env.display(field.relation!, value)] : false;
    case 'many2many':
      return Array.isArray(value) && value.length > 0 ? env.ordered(field.relation!, value as number[]) : [];
    case 'datetime':
      return isText(value) ? value.slice(0, 19) : false;
    case 'json':
      return isText(value) ? JSON.parse(value) : value;
    case 'binary':
      return isText(value) && env.context.bin_size ? `${Buffer.from(value, 'base64').length.toFixed(2)} bytes` : value;
    default:
      return value;
  }
}

/** Throws ValueError for a field the model does not have. */
export function checkFields(env: Env, model: Model, names: readonly string[]): void {
  for (const name of names)
    if (!model.fields[name])
      throw valueError(`Invalid field '${name}' on ${env.db.version >= 19 ? '' : 'model '}'${model.name}'`);
}

/** Throws AccessError when a row belongs to a company this call may not use. */
export function checkVisible(env: Env, model: Model, rows: readonly Row[]): void {
  const hidden = rows.find((row) => !env.visible(model, row));
  if (!hidden) return;
  const company = env.get('res.company', env.value(model, hidden, 'company_id'));
  throw accessError(secretRecord(env, model, String(company.name)), {
    suggested_company: { id: company.id, display_name: String(company.name) },
  });
}

/** The sentence about records of another company. */
export const secretRecord = (env: Env, model: Model, company: string): string =>
  'Uh-oh! Looks like you have stumbled upon some top-secret records.\n\n' +
  `Sorry, ${env.user.name} (id=${env.uid}) doesn't have 'read' access to:\n- ${model.label} (${model.name})\n\n` +
  'If you really, really need access, perhaps you can win over your friendly administrator with a batch of freshly baked cookies.\n\n' +
  `This seems to be a multi-company issue, you might be able to access the record by switching to the company: ${company}.`;

/** Reads rows as RPC answers them. No names: all fields. */
export function readRows(env: Env, model: Model, rows: readonly Row[], names: readonly string[] | undefined): Json[] {
  const wanted = names?.length ? names : Object.keys(model.fields);
  checkFields(env, model, wanted);
  checkVisible(env, model, rows);
  const fields = wanted.filter((name) => name !== 'id').map((name) => [name, model.fields[name]!] as const);
  return rows.map((row) => {
    const out: Record<string, Json> = { id: row.id };
    for (const [name, field] of fields) out[name] = shown(env, field, env.value(model, row, name));
    return out;
  });
}

/** The decimals a value is rounded to. Version 19 does not round prices. */
const digitsOf = (env: Env, field: Field): Record<string, Json> =>
  field.digits && !(env.db.version >= 19 && field.digits === 'Product Price')
    ? { digits: [16, env.db.digits(field.digits)] }
    : {};

/** The attributes `fields_get` tells about a field. */
function attributes(env: Env, name: string, field: Field): Record<string, Json> {
  const stored = field.store ?? (isStored(field) || field.type === 'one2many');
  return {
    type: field.type,
    string: field.label,
    name,
    required: field.required ?? false,
    readonly: field.readonly ?? Boolean(field.compute && !field.assign),
    store: stored,
    searchable: true,
    sortable: stored && !field.type.endsWith('2many'),
    ...digitsOf(env, field),
    ...(field.help ? { help: field.help } : {}),
    ...(field.relation ? { relation: field.relation } : {}),
    ...(field.inverse ? { relation_field: field.inverse } : {}),
    ...(field.selection ? { selection: field.selection.map(([key, label]) => [key, label]) } : {}),
  };
}

/** @see https://www.odoo.com/documentation/19.0/developer/reference/external_api.html fields_get */
export function fieldsGet(
  env: Env,
  model: Model,
  names: readonly string[] | undefined,
  wanted: readonly string[] | undefined,
): Json {
  const out: Record<string, Json> = {};
  for (const [name, field] of Object.entries(model.fields)) {
    if (names?.length && !names.includes(name)) continue;
    const all = attributes(env, name, field);
    out[name] = wanted?.length ? Object.fromEntries(Object.entries(all).filter(([key]) => wanted.includes(key))) : all;
  }
  return out;
}
