import { allowed, checkAccess } from './access.ts';
import type { Env } from './env.ts';
import { typeError, userError } from './errors.ts';
import { formattedReadGroup, readGroup } from './group.ts';
import { load } from './load.ts';
import type { Method, Model, Operation } from './model.ts';
import { checkFields, checkVisible, fieldsGet, readRows } from './read.ts';
import { type Domain, isVals, type Json, type Row, type Vals } from './types.ts';

type Args = Readonly<Record<string, Json>>;
type Run = (env: Env, model: Model, args: Args, ids: number[]) => Json;

interface Base {
  readonly kind: Method['kind'];
  readonly params: readonly string[];
  readonly access?: Operation;
  readonly run: Run;
}

const strings = (value: Json): string[] | undefined => (Array.isArray(value) ? (value as string[]) : undefined);
const amount = (value: Json): number | undefined => (typeof value === 'number' ? value : undefined);

function domainOf(value: Json): Domain {
  if (Array.isArray(value)) return value;
  if (value === undefined || value === null || value === false) return [];
  throw typeError(`Domain() invalid argument type for domain: '${String(value)}'`);
}

const find = (env: Env, model: Model, args: Args): Row[] =>
  env.search(model.name, domainOf(args.domain), {
    offset: amount(args.offset) ?? 0,
    limit: amount(args.limit),
    order: typeof args.order === 'string' ? args.order : undefined,
  });

/** Rows that exist; `read` leaves missing ones out in silence. */
const present = (env: Env, model: Model, ids: readonly number[]): Row[] =>
  ids.map((id) => env.find(model.name, id)).filter((row) => row !== undefined);

function create(env: Env, model: Model, args: Args): Json {
  const given = args.vals_list;
  if (isVals(given)) {
    const [row] = env.create(model.name, [given]);
    return env.db.version >= 19 ? [row!.id] : row!.id;
  }
  return env.create(model.name, (given as Vals[]) ?? []).map((row) => row.id);
}

function nameSearch(env: Env, model: Model, args: Args): Json {
  const name = String(args.name ?? '');
  const operator = String(args.operator ?? 'ilike');
  const fields = model.nameSearch ?? [model.fields[model.recName] ? model.recName : 'display_name'];
  const terms: Domain = fields.map((field) => [field, operator, name]);
  const either: Domain = name ? [...new Array<Json>(Math.max(0, terms.length - 1)).fill('|'), ...terms] : [];
  const domain = [...either, ...domainOf(args.domain ?? args.args)];
  return env
    .search(model.name, domain, { limit: amount(args.limit) ?? 100 })
    .map((row) => [row.id, env.displayOf(model.name, row)]);
}

function copy(env: Env, model: Model, args: Args, ids: readonly number[]): Json {
  const made = env.existing(model.name, ids).map((row) => {
    const vals: Vals = {};
    for (const name of model.stored) if (!/^(create|write)_/.test(name) && name !== 'state') vals[name] = row[name]!;
    if (typeof row.name === 'string' && model.fields.name!.type === 'char') vals.name = `${row.name} (copy)`;
    return env.create(model.name, [{ ...vals, ...((args.default as Vals) ?? {}) }])[0]!.id;
  });
  return made;
}

function archive(active: boolean): Base {
  return {
    kind: 'record',
    params: [],
    access: 'write',
    run: (env, model, _args, ids) => {
      env.write(model.name, env.existing(model.name, ids), { active });
      return null;
    },
  };
}

const externalIds = (env: Env, model: Model, ids: readonly number[]): Json =>
  Object.fromEntries(ids.map((id) => [String(id), env.db.xmlidOf(model.name, id) ?? '']));

/** The methods every model has. */
const base: Readonly<Record<string, Base>> = {
  create: { kind: 'model', params: ['vals_list'], access: 'create', run: create },
  read: {
    kind: 'record',
    params: ['fields?', 'load?'],
    access: 'read',
    run: (env, model, args, ids) => readRows(env, model, present(env, model, ids), strings(args.fields)),
  },
  search: {
    kind: 'model',
    params: ['domain', 'offset?', 'limit?', 'order?'],
    access: 'read',
    run: (env, model, args) => find(env, model, args).map((row) => row.id),
  },
  search_read: {
    kind: 'model',
    params: ['domain?', 'fields?', 'offset?', 'limit?', 'order?'],
    access: 'read',
    run: (env, model, args) => {
      checkFields(env, model, strings(args.fields) ?? []);
      return readRows(env, model, find(env, model, args), strings(args.fields));
    },
  },
  search_count: {
    kind: 'model',
    params: ['domain', 'limit?'],
    access: 'read',
    run: (env, model, args) => find(env, model, { ...args, order: 'id' }).length,
  },
  write: {
    kind: 'record',
    params: ['vals'],
    access: 'write',
    run: (env, model, args, ids) => {
      const rows = env.existing(model.name, ids);
      checkVisible(env, model, rows);
      env.write(model.name, rows, args.vals as Vals);
      return true;
    },
  },
  unlink: {
    kind: 'record',
    params: [],
    access: 'unlink',
    run: (env, model, _args, ids) => {
      env.unlink(model.name, env.existing(model.name, ids));
      return true;
    },
  },
  copy: { kind: 'record', params: ['default?'], access: 'create', run: copy },
  exists: {
    kind: 'record',
    params: [],
    run: (env, model, _args, ids) => present(env, model, ids).map((row) => row.id),
  },
  action_archive: archive(false),
  action_unarchive: archive(true),
  load: {
    kind: 'model',
    params: ['fields', 'data'],
    access: 'create',
    run: (env, model, args) => load(env, model, args.fields as string[], args.data as Json[][]),
  },
  fields_get: {
    kind: 'model',
    params: ['allfields?', 'attributes?'],
    run: (env, model, args) => fieldsGet(env, model, strings(args.allfields), strings(args.attributes)),
  },
  get_external_id: { kind: 'record', params: [], run: (env, model, _args, ids) => externalIds(env, model, ids) },
  has_access: {
    kind: 'record',
    params: ['operation'],
    run: (env, model, args) => allowed(env, model.name, args.operation as Operation),
  },
  check_access_rights: {
    kind: 'model',
    params: ['operation', 'raise_exception?'],
    run: (env, model, args) => {
      if (args.raise_exception !== false) checkAccess(env, model, args.operation as Operation);
      return allowed(env, model.name, args.operation as Operation);
    },
  },
  export_data: {
    kind: 'record',
    params: ['fields_to_export'],
    access: 'read',
    run: (env, model, args, ids) => {
      if (!env.groups.has('base.group_allow_export'))
        throw userError("You don't have the rights to export data. Please contact an Administrator.");
      const names = strings(args.fields_to_export) ?? [];
      const xmlids = externalIds(env, model, ids) as Record<string, Json>;
      const rows = readRows(
        env,
        model,
        env.existing(model.name, ids),
        names.filter((name) => name !== 'id'),
      );
      return {
        datas: rows.map((row) =>
          names.map((name) => (name === 'id' ? xmlids[String((row as Vals).id)] : (row as Vals)[name])),
        ),
      };
    },
  },
  name_search: { kind: 'model', params: ['name?', 'domain?', 'operator?', 'limit?'], access: 'read', run: nameSearch },
  name_create: {
    kind: 'model',
    params: ['name'],
    access: 'create',
    run: (env, model, args) => {
      const [row] = env.create(model.name, [{ [model.recName]: args.name }]);
      return [row!.id, env.displayOf(model.name, row!)];
    },
  },
  default_get: {
    kind: 'model',
    params: ['fields'],
    run: (env, model, args) =>
      Object.fromEntries(
        model.defaults
          .filter(([name]) => (strings(args.fields) ?? []).includes(name))
          .map(([name, value]) => [name, typeof value === 'function' ? value(env) : value]),
      ),
  },
  read_group: {
    kind: 'model',
    params: ['domain', 'fields', 'groupby', 'offset?', 'limit?', 'orderby?', 'lazy?'],
    access: 'read',
    run: (env, model, args) =>
      readGroup(
        env,
        model,
        domainOf(args.domain),
        strings(args.fields) ?? [],
        [args.groupby].flat() as string[],
        args.lazy !== false,
      ),
  },
  formatted_read_group: {
    kind: 'model',
    params: ['domain', 'groupby?', 'aggregates?', 'having?', 'offset?', 'limit?', 'order?'],
    access: 'read',
    run: (env, model, args) =>
      formattedReadGroup(
        env,
        model,
        domainOf(args.domain),
        strings(args.groupby) ?? [],
        strings(args.aggregates) ?? [],
      ),
  },
};

/** Methods that only one major version has. */
const since: Readonly<Record<string, readonly number[]>> = { formatted_read_group: [19], check_access_rights: [18] };

/** The method a model answers to, its rights checked when it runs. Undefined when there is none. */
export function methodOf(env: Env, model: Model, name: string): Method | undefined {
  const own = model.methods?.[name];
  if (own)
    return {
      ...own,
      run: (inner, ids, args) => {
        if (own.access) checkAccess(inner, model, own.access);
        return own.run(inner, ids, args);
      },
    };
  const found = base[name];
  if (!found || (since[name] && !since[name].includes(env.db.version))) return undefined;
  return {
    kind: found.kind,
    params: params(env, model, name, found.params),
    run: (inner, ids, args) => {
      if (found.access) checkAccess(inner, model, found.access);
      return found.run(inner, model, args, ids);
    },
  };
}

/** Version 18 names a few parameters differently. */
function params(env: Env, model: Model, name: string, given: readonly string[]): readonly string[] {
  if (env.db.version >= 19) return given;
  if (name === 'name_search') return given.map((param) => (param === 'domain?' ? 'args?' : param));
  return name === 'write' && model.name === 'sale.order' ? ['values'] : given;
}

export const methodNames = (env: Env, model: Model): string[] =>
  [...Object.keys(base), ...Object.keys(model.methods ?? {})]
    .filter((name) => methodOf(env, model, name) !== undefined)
    .sort();
