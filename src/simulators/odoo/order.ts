import type { Env } from './env.ts';
import { valueError } from './errors.ts';
import type { Model } from './model.ts';
import type { Json, Row } from './types.ts';

export type Comparator = (a: Row, b: Row) => number;

interface Term {
  readonly field: string;
  readonly descending: boolean;
}

/** Reads `"date_order desc, id"`. Throws ValueError for an unknown field. */
export function parseOrder(model: Model, spec: string): Term[] {
  return spec
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean)
    .map((part) => {
      const [field = '', direction = ''] = part.split(/\s+/);
      if (!model.fields[field]) throw valueError(`Invalid field '${field}' on model '${model.name}'`);
      return { field, descending: direction.toLowerCase() === 'desc' };
    });
}

const isEmpty = (value: Json) => value === false || value === null || value === undefined;

/** Ascending puts empty values last, descending first, as PostgreSQL does. */
function compareValues(a: Json, b: Json, boolean: boolean): number {
  if (boolean) return Number(Boolean(a)) - Number(Boolean(b));
  if (isEmpty(a) || isEmpty(b)) return isEmpty(a) ? (isEmpty(b) ? 0 : 1) : -1;
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return String(a) < String(b) ? -1 : String(a) > String(b) ? 1 : 0;
}

function termComparator(env: Env, model: Model, term: Term, depth: number): Comparator {
  const field = model.fields[term.field]!;
  const sign = term.descending ? -1 : 1;
  if (field.type === 'many2one' && depth < 4) {
    const other = env.model(field.relation!);
    const inner = comparator(env, other, other.order, depth + 1);
    const rows = env.db.table(other.name).rows;
    return (a, b) => {
      const [x, y] = [env.value(model, a, term.field), env.value(model, b, term.field)];
      if (x === y) return 0;
      const [left, right] = [rows.get(Number(x)), rows.get(Number(y))];
      if (!left || !right) return sign * (left ? -1 : right ? 1 : 0);
      return sign * inner(left, right);
    };
  }
  return (a, b) =>
    sign * compareValues(env.value(model, a, term.field), env.value(model, b, term.field), field.type === 'boolean');
}

/** Compares two rows of a model by an order such as `"sequence, id"`; a relation is compared by its own model's order. */
export function comparator(env: Env, model: Model, spec: string, depth = 0): Comparator {
  const terms = parseOrder(model, spec).map((term) => termComparator(env, model, term, depth));
  return (a, b) => {
    for (const term of terms) {
      const sign = term(a, b);
      if (sign) return sign;
    }
    return 0;
  };
}
