import type { Env } from './env.ts';
import type { Model } from './model.ts';
import { addExactly } from './rational.ts';
import { checkFields } from './read.ts';
import type { Domain, Json, Row } from './types.ts';

interface Group {
  readonly keys: Json[];
  readonly rows: Row[];
}

/** Rows of equal keys together, in the order the keys sort. */
function groups(env: Env, model: Model, rows: readonly Row[], by: readonly string[]): Group[] {
  const found = new Map<string, Group>();
  for (const row of rows) {
    const keys = by.map((name) => env.value(model, row, name));
    const id = JSON.stringify(keys);
    const group = found.get(id);
    if (group) group.rows.push(row);
    else found.set(id, { keys, rows: [row] });
  }
  const sorted = by.map((name) =>
    rank(
      env,
      model,
      name,
      [...found.values()].map((group) => group.keys[by.indexOf(name)]),
    ),
  );
  return [...found.values()].sort((a, b) => {
    for (const [i, ranks] of sorted.entries()) {
      const difference = ranks.get(a.keys[i])! - ranks.get(b.keys[i])!;
      if (difference) return difference;
    }
    return 0;
  });
}

function rank(env: Env, model: Model, name: string, keys: readonly Json[]): Map<Json, number> {
  const field = model.fields[name]!;
  const distinct = [...new Set(keys)];
  const ids = distinct.filter((key) => typeof key === 'number') as number[];
  const sorted: Json[] = field.relation
    ? env.with({ active_test: false }).ordered(field.relation, ids)
    : distinct.filter((key) => key !== false).sort((a, b) => (a! < b! ? -1 : 1));
  return new Map([...sorted, ...distinct.filter((key) => key === false)].map((key, i) => [key, i]));
}

function aggregate(env: Env, model: Model, rows: readonly Row[], spec: string): Json {
  const [name = '', how = 'sum'] = spec.split(':');
  if (name === '__count') return rows.length;
  const values = rows.map((row) => env.value(model, row, name));
  const numbers = values.map(Number);
  if (how === 'count') return values.filter((value) => value !== false).length;
  if (how === 'count_distinct') return new Set(values.filter((value) => value !== false)).size;
  if (how === 'array_agg' || how === 'recordset') return values;
  if (how === 'min' || how === 'max') return numbers.length ? Math[how](...numbers) : false;
  const sum = numbers.reduce(addExactly, 0);
  return how === 'avg' ? sum / numbers.length : sum;
}

const labelled = (env: Env, model: Model, name: string, key: Json): Json =>
  model.fields[name]!.type === 'many2one' && typeof key === 'number'
    ? [key, env.display(model.fields[name]!.relation!, key)]
    : key!;

const names = (specs: readonly string[]) =>
  specs.map((spec) => spec.split(':')[0]!).filter((name) => name !== '__count');

/** Version 19's grouping: `aggregates` such as `quantity:sum`. */
export function formattedReadGroup(
  env: Env,
  model: Model,
  domain: Domain,
  by: readonly string[],
  aggregates: readonly string[],
): Json {
  checkFields(env, model, [...names(by), ...names(aggregates)]);
  return groups(env, model, env.search(model.name, domain), by).map(({ keys, rows }) => {
    const terms: Json[] = by.map((name, i) => [name, '=', keys[i]!]);
    const extra: Json[] = [...terms.slice(1).map(() => '&' as Json), ...terms];
    const out: Record<string, Json> = {};
    for (const [i, name] of by.entries()) out[name] = labelled(env, model, name, keys[i]);
    out.__extra_domain = extra;
    for (const spec of aggregates) out[spec] = aggregate(env, model, rows, spec);
    return out;
  });
}

/** Version 18's grouping. Without `lazy: false` only the first field groups. */
export function readGroup(
  env: Env,
  model: Model,
  domain: Domain,
  fields: readonly string[],
  groupby: readonly string[],
  lazy: boolean,
): Json {
  const by = lazy ? groupby.slice(0, 1) : groupby;
  checkFields(env, model, [...names(by), ...names(fields)]);
  const count = lazy && by.length ? `${by[0]}_count` : '__count';
  return groups(env, model, env.search(model.name, domain), by).map(({ keys, rows }) => {
    const out: Record<string, Json> = {};
    for (const [i, name] of by.entries()) out[name] = labelled(env, model, name, keys[i]);
    out[count] = rows.length;
    for (const spec of fields)
      if (!by.includes(spec.split(':')[0]!)) out[spec.split(':')[0]!] = aggregate(env, model, rows, spec);
    const terms: Json[] = [...domain, ...by.map((name, i) => [name, '=', keys[i]!] as Json)];
    const size =
      terms.filter((term) => Array.isArray(term)).length - domain.filter((term) => term === '&' || term === '|').length;
    out.__domain = [...new Array<Json>(Math.max(0, size - 1)).fill('&'), ...terms];
    return out;
  });
}
