import type { Env } from './env.ts';
import { refuseUnstorable, typeError, valueError } from './errors.ts';
import type { Field } from './fields.ts';
import type { Model } from './model.ts';
import type { Domain, Json, Row } from './types.ts';

type Test = (row: Row) => boolean;

interface Leaf {
  readonly kind: 'leaf';
  readonly path: readonly string[];
  readonly operator: string;
  readonly value: Json;
}

type Tree =
  | Leaf
  | { readonly kind: 'not'; readonly child: Tree }
  | { readonly kind: 'and' | 'or'; readonly children: Tree[] };

/** A domain ready to run: the test, and what narrows the rows to look at. */
interface Plan {
  readonly test: Test;
  /** Ids that can match, from an index; undefined when every row must be looked at. */
  readonly candidates: Iterable<number> | undefined;
  /** Only larger ids can match. */
  readonly after: number;
  readonly mentionsActive: boolean;
}

const operators = new Set([
  ...['=', '!=', '<>', '=?', '<', '<=', '>', '>=', 'in', 'not in', 'child_of', 'parent_of', 'any', 'not any'],
  ...['like', 'ilike', 'not like', 'not ilike', '=like', '=ilike', 'not =like', 'not =ilike'],
]);

/** Python's way of printing a value, as error messages show it. */
export function repr(value: Json): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'string')
    return value.includes("'") && !value.includes('"') ? `"${value}"` : `'${value.replaceAll("'", "\\'")}'`;
  if (Array.isArray(value)) return `[${value.map(repr).join(', ')}]`;
  if (typeof value === 'object')
    return `{${Object.entries(value)
      .map(([k, v]) => `${repr(k)}: ${repr(v)}`)
      .join(', ')}}`;
  return String(value);
}

function parse(domain: Domain): Tree {
  const stack: Tree[] = [];
  for (const term of [...domain].reverse()) {
    if (term === '!') stack.push({ kind: 'not', child: stack.pop() ?? all });
    else if (term === '&' || term === '|') {
      const children = [stack.pop() ?? all, stack.pop() ?? all];
      stack.push({ kind: term === '&' ? 'and' : 'or', children });
    } else stack.push(parseLeaf(term!));
  }
  return stack.length === 1 ? stack[0]! : { kind: 'and', children: stack.reverse() };
}

const all: Tree = { kind: 'and', children: [] };

function parseLeaf(term: Json): Leaf {
  if (typeof term === 'number') throw typeError("'int' object is not subscriptable");
  if (!Array.isArray(term) || term.length !== 3) throw valueError(`Invalid leaf ${repr(term)}`);
  const [field, operator, value] = term;
  if (typeof value === 'string') refuseUnstorable(value);
  return { kind: 'leaf', path: String(field).split('.'), operator: String(operator).toLowerCase(), value };
}

const leafText = (name: string, leaf: Leaf) => `('${name}', '${leaf.operator}', ${repr(leaf.value)})`;

function fieldAt(env: Env, model: Model, leaf: Leaf, depth: number): Field {
  const name = leaf.path[depth]!;
  const field = model.fields[name];
  if (field) return field;
  const rest = leafText(leaf.path.slice(depth).join('.'), leaf);
  throw valueError(`Invalid field ${model.name}.${name} in ${env.db.version >= 19 ? 'condition' : 'leaf'} ${rest}`);
}

/** `like` patterns as regular expressions: `%` any text, `_` any character. */
function pattern(value: Json, whole: boolean, ignoreCase: boolean): RegExp {
  const source = String(value ?? '')
    .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    .replaceAll('%', '[\\s\\S]*')
    .replaceAll('_', '[\\s\\S]');
  return new RegExp(whole ? `^${source}$` : source, ignoreCase ? 'i' : '');
}

const isEmpty = (value: Json): boolean => value === false || value === null || value === undefined || value === '';

/** A stored or asked-for point in time, comparable as text. Version 19 looks at whole seconds. */
function moment(env: Env, field: Field, value: Json): Json {
  if (typeof value !== 'string' || (field.type !== 'datetime' && field.type !== 'date')) return value;
  if (env.db.version >= 19 && /T.*(Z|[+-]\d\d:?\d\d)$/.test(value))
    throw valueError(`expecting only datetimes with no timezone: '${value}'`);
  const text = value.replace('T', ' ').replace('Z', '');
  if (field.type === 'date') return text.slice(0, 10);
  return text.length === 10 ? `${text} 00:00:00` : text;
}

function compare(env: Env, field: Field, leaf: Leaf): (have: Json) => boolean {
  const want = moment(env, field, leaf.value);
  const seconds = env.db.version >= 19 && field.type === 'datetime' && String(want).length === 19;
  const shape = (have: Json) => (seconds && typeof have === 'string' ? have.slice(0, 19) : have);
  const order = (have: Json): number | undefined => {
    const value = shape(have);
    if (typeof value === 'number') return value - Number(want);
    if (typeof value === 'string' && !isEmpty(want)) return value < String(want) ? -1 : value > String(want) ? 1 : 0;
    return undefined;
  };
  const passes: Record<string, (sign: number) => boolean> = {
    '<': (sign) => sign < 0,
    '<=': (sign) => sign <= 0,
    '>': (sign) => sign > 0,
    '>=': (sign) => sign >= 0,
  };
  const pass = passes[leaf.operator]!;
  return (have) => {
    const sign = order(have);
    return sign !== undefined && pass(sign);
  };
}

function equals(env: Env, field: Field, want: Json): (have: Json) => boolean {
  const numeric = field.type === 'integer' || field.type === 'float' || field.type === 'monetary';
  if (isEmpty(want) && want !== '')
    return (have) => isEmpty(have) || (numeric && have === 0) || (Array.isArray(have) && have.length === 0);
  const value = moment(env, field, want);
  if (field.type === 'boolean') return (have) => Boolean(have) === Boolean(value);
  if (field.type === 'many2one' && typeof value === 'string')
    return (have) => typeof have === 'number' && env.display(field.relation!, have) === value;
  return (have) => (Array.isArray(have) ? have.includes(value as number) : have === value);
}

function membership(env: Env, field: Field, want: Json): (have: Json) => boolean {
  if (!Array.isArray(want)) return equals(env, field, want);
  const values = new Set(want.map((value) => moment(env, field, value)));
  const empty = want.some((value) => value === false || value === null);
  if (field.type === 'boolean') return (have) => values.has(Boolean(have));
  return (have) => {
    if (Array.isArray(have)) return have.length === 0 ? empty : have.some((id) => values.has(id));
    return isEmpty(have) ? empty || values.has(have) : values.has(have);
  };
}

function textOf(env: Env, field: Field, have: Json): string[] {
  if (Array.isArray(have)) return have.map((id) => env.display(field.relation!, id as number));
  if (field.type === 'many2one') return typeof have === 'number' ? [env.display(field.relation!, have)] : [];
  return isEmpty(have) ? [] : [String(have)];
}

/** All ids below (or above) the given ones along the model's parent field. */
function family(env: Env, relation: string, wanted: Json, up: boolean): Set<number> {
  const parentField = relation === 'stock.location' ? 'location_id' : 'parent_id';
  const table = env.db.store.table(relation);
  const found = new Set<number>((Array.isArray(wanted) ? wanted : [wanted]).map(Number));
  for (const id of found) {
    const row = table.rows.get(id);
    if (up) {
      if (row && typeof row[parentField] === 'number') found.add(row[parentField]);
    } else if (table.indexed(parentField)) for (const child of table.lookup(parentField, id)) found.add(child);
  }
  return found;
}

function leafTest(env: Env, model: Model, leaf: Leaf, depth = 0): Test {
  const field = fieldAt(env, model, leaf, depth);
  const name = leaf.path[depth]!;
  if (depth < leaf.path.length - 1) return pathTest(env, model, field, leaf, depth);
  const read = (row: Row) => env.value(model, row, name);
  const { operator, value } = leaf;
  if (operator === 'any' || operator === 'not any') return anyTest(env, model, name, field, leaf);
  if (operator === 'child_of' || operator === 'parent_of') {
    const ids = family(env, field.relation ?? model.name, value, operator === 'parent_of');
    return (row) => [read(row)].flat().some((id) => ids.has(id as number));
  }
  const test = valueTest(env, field, leaf);
  return (row) => test(read(row));
}

function valueTest(env: Env, field: Field, leaf: Leaf): (have: Json) => boolean {
  const { operator, value } = leaf;
  if (operator === '=?') return isEmpty(value) ? () => true : equals(env, field, value);
  if (operator === '=' || operator === 'in')
    return Array.isArray(value) ? membership(env, field, value) : equals(env, field, value);
  if (operator === '!=' || operator === '<>' || operator === 'not in') {
    const same = Array.isArray(value) ? membership(env, field, value) : equals(env, field, value);
    return (have) => !same(have);
  }
  if (operator.endsWith('like')) {
    const bare = operator.replace('not ', '');
    const regex = pattern(value, bare.startsWith('='), bare.endsWith('ilike'));
    const like = (have: Json) => textOf(env, field, have).some((text) => regex.test(text));
    return operator.startsWith('not ') ? (have) => !like(have) : like;
  }
  return compare(env, field, leaf);
}

function anyTest(env: Env, model: Model, name: string, field: Field, leaf: Leaf): Test {
  const other = env.model(field.relation!);
  const { test } = compile(env, other, (leaf.value as Domain) ?? []);
  const table = env.db.store.table(other.name);
  const some = (row: Row) =>
    [env.value(model, row, name)].flat().some((id) => {
      const found = typeof id === 'number' ? table.rows.get(id) : undefined;
      return found !== undefined && test(found);
    });
  return leaf.operator === 'any' ? some : (row) => !some(row);
}

/** `a.b.c`: true when any record along the path passes. */
function pathTest(env: Env, model: Model, field: Field, leaf: Leaf, depth: number): Test {
  if (!field.relation)
    throw valueError(`Invalid field ${model.name}.${leaf.path[depth]} in leaf ${leafText(leaf.path.join('.'), leaf)}`);
  const name = leaf.path[depth]!;
  const table = env.db.store.table(field.relation);
  const inner = leafTest(env, env.model(field.relation), leaf, depth + 1);
  const passes = (id: Json): boolean => {
    const row = typeof id === 'number' ? table.rows.get(id) : undefined;
    return row !== undefined && inner(row);
  };
  return (row) => {
    const value = env.value(model, row, name);
    return Array.isArray(value) ? value.some(passes) : passes(value);
  };
}

function treeTest(env: Env, model: Model, tree: Tree): Test {
  if (tree.kind === 'leaf') {
    if (!operators.has(tree.operator)) {
      const text = leafText(tree.path.join('.'), tree);
      throw valueError(env.db.version >= 19 ? `Invalid operator in condition ${text}` : `Invalid leaf ${text}`);
    }
    return leafTest(env, model, tree);
  }
  if (tree.kind === 'not') {
    const child = treeTest(env, model, tree.child);
    return (row) => !child(row);
  }
  const tests = tree.children.map((child) => treeTest(env, model, child));
  if (tests.length === 1) return tests[0]!;
  return tree.kind === 'and' ? (row) => tests.every((test) => test(row)) : (row) => tests.some((test) => test(row));
}

function leafHint(env: Env, model: Model, leaf: Leaf): Set<number> | undefined {
  const [name] = leaf.path;
  const wanted = [leaf.value].flat();
  if ((leaf.operator !== '=' && leaf.operator !== 'in') || wanted.some((value) => value === false || value === null))
    return undefined;
  const table = env.db.store.table(model.name);
  if (leaf.path.length > 1) return pathHint(env, model, leaf);
  if (name === 'id') return new Set(wanted.map(Number));
  if (
    !table.indexed(name!) ||
    (model.fields[name!]!.type === 'many2one' && wanted.some((value) => typeof value !== 'number'))
  )
    return undefined;
  const found = new Set<number>();
  for (const key of wanted) for (const id of table.lookup(name!, key as string | number)) found.add(id);
  return found;
}

/** `order_id.client_order_ref = x` by two indexes. */
function pathHint(env: Env, model: Model, leaf: Leaf): Set<number> | undefined {
  const name = leaf.path[0]!;
  const field = model.fields[name];
  const table = env.db.store.table(model.name);
  if (field?.type !== 'many2one' || !table.indexed(name)) return undefined;
  const outer = leafHint(env, env.model(field.relation!), { ...leaf, path: leaf.path.slice(1) });
  if (!outer) return undefined;
  const found = new Set<number>();
  for (const key of outer) for (const id of table.lookup(name, key)) found.add(id);
  return found;
}

function hint(env: Env, model: Model, tree: Tree): Set<number> | undefined {
  if (tree.kind === 'leaf') return leafHint(env, model, tree);
  if (tree.kind === 'not') return undefined;
  const hints = tree.children.map((child) => hint(env, model, child));
  if (tree.kind === 'and')
    return hints.reduce((best, one) => (one && (!best || one.size < best.size) ? one : best), undefined);
  if (hints.length === 0 || hints.some((one) => !one)) return undefined;
  return new Set(hints.flatMap((one) => [...one!]));
}

const mentions = (tree: Tree, name: string): boolean =>
  tree.kind === 'leaf'
    ? tree.path[0] === name
    : tree.kind === 'not'
      ? mentions(tree.child, name)
      : tree.children.some((child) => mentions(child, name));

function largerThan(tree: Tree): number {
  if (tree.kind === 'and') return Math.max(0, ...tree.children.map(largerThan));
  if (tree.kind !== 'leaf' || tree.path.join() !== 'id' || typeof tree.value !== 'number') return 0;
  return tree.operator === '>' ? tree.value : tree.operator === '>=' ? tree.value - 1 : 0;
}

/** Checks a domain and makes it runnable. Throws what Odoo throws for unknown fields and operators. */
export function compile(env: Env, model: Model, domain: Domain): Plan {
  const tree = parse(domain);
  return {
    test: treeTest(env, model, tree),
    candidates: hint(env, model, tree),
    after: largerThan(tree),
    mentionsActive: mentions(tree, 'active'),
  };
}
