import type { Env } from './env.ts';
import { keyError, missingError, referenceBroken, requiredMissing, valueError } from './errors.ts';
import type { Model } from './model.ts';
import type { Json, Row, Vals, Value } from './types.ts';
import { stored } from './values.ts';

type Command = [code: number, id: number, value: Json];

/** To-many commands; a bare list of ids replaces everything. */
function commands(value: Json): Command[] {
  if (!Array.isArray(value)) return value ? [[4, Number(value), 0]] : [[5, 0, 0]];
  if (value.every((item) => typeof item === 'number')) return [[6, 0, value]];
  return value.map((item) => {
    const [code, id, content] = Array.isArray(item) ? item : [0, 0, item];
    return [Number(code), Number(id ?? 0), content];
  });
}

/** Splits values into what is stored, what goes to lines, and what is handed on. */
function checkNames(env: Env, model: Model, vals: Vals, creating: boolean): void {
  for (const name of Object.keys(vals)) {
    if (model.fields[name]) continue;
    if (env.db.version < 19) throw valueError(`Invalid field '${name}' on model '${model.name}'`);
    throw creating ? valueError(`Invalid field '${name}' in '${model.name}'`) : keyError(name);
  }
}

const isStoredField = (model: Model, name: string) => name in model.template;

/** Applies commands to a many2many's ids. */
function applyToMany(env: Env, relation: string, before: readonly number[], list: readonly Command[]): number[] {
  let ids = [...before];
  for (const [code, id, value] of list) {
    if (code === 0) ids.push(env.create(relation, [value as Vals])[0]!.id);
    else if (code === 1) env.write(relation, [env.get(relation, id)], value as Vals);
    else if (code === 2 || code === 3) ids = ids.filter((other) => other !== id);
    else if (code === 4) ids = ids.includes(id) ? ids : [...ids, id];
    else if (code === 5) ids = [];
    else if (code === 6) ids = [...new Set((value as number[]) ?? [])];
  }
  for (const id of ids) if (!env.find(relation, id)) throw missingError(relation, id, env.uid);
  return ids;
}

/** Applies commands to the lines of a record. New lines are made together. */
function applyLines(env: Env, model: Model, name: string, row: Row, list: readonly Command[]): void {
  const field = model.fields[name]!;
  const { relation, inverse } = field as { relation: string; inverse: string };
  const lines = () => env.having(relation, inverse, row.id);
  const created = list.filter(([code]) => code === 0).map(([, , value]) => ({ ...(value as Vals), [inverse]: row.id }));
  for (const [code, id, value] of list) {
    if (code === 1) env.write(relation, [env.get(relation, id)], value as Vals);
    else if (code === 2) env.unlink(relation, [env.get(relation, id)]);
    else if (code === 3) release(env, relation, inverse, [env.get(relation, id)]);
    else if (code === 4) env.write(relation, [env.get(relation, id)], { [inverse]: row.id });
    else if (code === 5) release(env, relation, inverse, lines());
    else if (code === 6) {
      const keep = new Set((value as number[]) ?? []);
      release(
        env,
        relation,
        inverse,
        lines().filter((line) => !keep.has(line.id)),
      );
      for (const line of keep) env.write(relation, [env.get(relation, line)], { [inverse]: row.id });
    }
  }
  if (created.length) env.create(relation, created);
}

/** Lines leave their parent: deleted when they cannot be without one. */
function release(env: Env, relation: string, inverse: string, rows: Row[]): void {
  const field = env.model(relation).fields[inverse]!;
  if (field.required || field.onDelete === 'cascade') env.unlink(relation, rows);
  else env.write(relation, rows, { [inverse]: false });
}

function checkReferences(env: Env, model: Model, row: Row, names: Iterable<string>): void {
  for (const name of names) {
    const field = model.fields[name]!;
    const value = row[name];
    if (field.type !== 'many2one' || value === false || env.find(field.relation!, value!)) continue;
    throw referenceBroken(env.db.version, {
      model: model.name,
      modelLabel: model.label,
      field: name,
      fieldLabel: field.label,
    });
  }
}

function checkRequired(env: Env, model: Model, row: Row, names: Iterable<string>): void {
  for (const name of names) {
    const field = model.fields[name]!;
    const value = row[name];
    const missing = value === false && field.type !== 'boolean';
    if (missing)
      throw requiredMissing(env.db.version, {
        model: model.name,
        modelLabel: model.label,
        field: name,
        fieldLabel: field.label,
      });
  }
}

interface Draft {
  readonly values: Record<string, Value>;
  readonly lines: [name: string, value: Json][];
  readonly handed: [name: string, value: Json][];
}

function sort(env: Env, model: Model, vals: Vals, before: Readonly<Record<string, Value>>): Draft {
  const draft: Draft = { values: {}, lines: [], handed: [] };
  for (const [name, value] of Object.entries(vals)) {
    const field = model.fields[name]!;
    if (name === 'id' || value === undefined) continue;
    if (field.type === 'one2many' && !field.assign) draft.lines.push([name, value]);
    else if (!isStoredField(model, name)) draft.handed.push([name, value]);
    else if (field.type === 'many2many')
      draft.values[name] = applyToMany(env, field.relation!, before[name] as number[], commands(value));
    else draft.values[name] = stored(env, model, name, value);
  }
  return draft;
}

/** Hands values of related and computed fields to where they live. */
function handOn(env: Env, model: Model, row: Row, handed: Draft['handed']): void {
  const related = new Map<string, Vals>();
  for (const [name, value] of handed) {
    const field = model.fields[name]!;
    if (field.assign) field.assign(env, row, value);
    else if (field.related) {
      const [link = '', target = ''] = field.related.split('.');
      related.set(link, { ...related.get(link), [target]: value });
    }
  }
  for (const [link, vals] of related) {
    const relation = model.fields[link]!.relation!;
    const other = env.find(relation, row[link]!);
    if (other) env.write(relation, [other], vals);
  }
}

const withDefaults = (env: Env, model: Model): Record<string, Value> => {
  const values: Record<string, Value> = { ...model.template };
  for (const [name, value] of model.defaults) values[name] = typeof value === 'function' ? value(env) : value;
  for (const [key, value] of Object.entries(env.context)) {
    const name = key.startsWith('default_') ? key.slice(8) : '';
    if (name in model.template && model.fields[name]!.type !== 'many2many')
      values[name] = stored(env, model, name, value);
  }
  return values;
};

/** Key under which the external id of a new record travels to where the record is made. */
export const XMLID = ':xmlid';

/** Gives a record an external id (`module.name`). */
export function nameRecord(env: Env, model: string, id: number, xmlid: string): void {
  const [module = '', ...rest] = xmlid.split('.');
  const data = env.model('ir.model.data');
  const stamps = { create_uid: env.uid, create_date: env.tx.now, write_uid: env.uid, write_date: env.tx.now };
  const values = { module, name: rest.join('.'), model, res_id: id, noupdate: false };
  env.tx.xmlids.add(xmlid);
  env.db.store.insert(env.db.table(data.name), { ...data.template, ...values, ...stamps });
}

/** @see Env.create */
export function createRecords(env: Env, model: Model, list: readonly Vals[]): Row[] {
  const table = env.db.table(model.name);
  const stamps = { create_uid: env.uid, create_date: env.tx.now, write_uid: env.uid, write_date: env.tx.now };
  const given: Vals[] = [];
  const rows: Row[] = [];
  for (const { [XMLID]: xmlid, ...raw } of list) {
    checkNames(env, model, raw, true);
    const vals = model.complete ? model.complete(env, { ...raw }) : raw;
    const values = withDefaults(env, model);
    const draft = sort(env, model, vals, values);
    const row = env.db.store.insert(table, Object.assign(values, draft.values, stamps));
    if (xmlid) nameRecord(env, model.name, row.id, String(xmlid));
    checkRequired(env, model, row, model.required);
    checkReferences(env, model, row, Object.keys(draft.values));
    handOn(env, model, row, draft.handed);
    for (const [name, value] of draft.lines) applyLines(env, model, name, row, commands(value));
    rows.push(row);
    given.push(vals);
  }
  model.created?.(env, rows, given);
  return rows;
}

/** @see Env.write */
export function writeRecords(env: Env, model: Model, rows: Row[], raw: Vals): void {
  checkNames(env, model, raw, false);
  const vals = model.writing ? model.writing(env, rows, { ...raw }) : raw;
  const before = model.written ? rows.map((row) => ({ ...row })) : [];
  const table = env.db.table(model.name);
  for (const row of rows) {
    const draft = sort(env, model, vals, row);
    env.db.store.update(table, row, { ...draft.values, write_date: env.tx.now, write_uid: env.uid });
    checkRequired(
      env,
      model,
      row,
      Object.keys(draft.values).filter((name) => model.required.includes(name)),
    );
    checkReferences(env, model, row, Object.keys(draft.values));
    handOn(env, model, row, draft.handed);
    for (const [name, value] of draft.lines) applyLines(env, model, name, row, commands(value));
  }
  model.written?.(env, rows, vals, before);
}

/** Records that point to one of the rows through a many2one, found by index or by looking at all. */
function referrers(env: Env, model: Model, name: string, ids: ReadonlySet<number>): Row[] {
  const table = env.db.table(model.name);
  if (table.indexed(name)) return [...ids].flatMap((id) => env.having(model.name, name, id));
  return [...table.rows.values()].filter((row) => ids.has(row[name] as number));
}

/** @see Env.unlink */
export function removeRecords(env: Env, model: Model, rows: Row[]): void {
  model.unlinking?.(env, rows);
  const ids = new Set(rows.map((row) => row.id));
  for (const other of env.db.models.values()) {
    for (const name of other.stored) {
      const field = other.fields[name]!;
      if (field.type !== 'many2one' || field.relation !== model.name || !isReference(name)) continue;
      const found = referrers(env, other, name, ids).filter((row) => other.name !== model.name || !ids.has(row.id));
      if (found.length) letGo(env, other, name, found);
    }
  }
  const table = env.db.table(model.name);
  for (const row of rows) {
    forgetXmlids(env, model.name, row.id);
    if (table.rows.has(row.id)) env.db.store.remove(table, row);
  }
  model.unlinked?.(env, rows);
}

const isReference = (name: string) => name !== 'create_uid' && name !== 'write_uid';

function letGo(env: Env, other: Model, name: string, found: Row[]): void {
  const field = other.fields[name]!;
  if (field.onDelete === 'cascade') env.unlink(other.name, found);
  else if (field.onDelete === 'restrict' || field.required)
    throw referenceBroken(env.db.version, {
      model: other.name,
      modelLabel: other.label,
      field: name,
      fieldLabel: field.label,
    });
  else for (const row of found) env.set(other.name, row, { [name]: false });
}

function forgetXmlids(env: Env, model: string, id: number): void {
  const table = env.db.table('ir.model.data');
  for (const data of [...table.lookup('record', `${model},${id}`)]) env.db.store.remove(table, table.rows.get(data)!);
}
