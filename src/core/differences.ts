/** One field that differs: where it stands (JSON Pointer) and its two values; absent on one side reads undefined. */
export interface Difference {
  readonly pointer: string;
  readonly before: unknown;
  readonly after: unknown;
}

/**
 * What differs between two JSON values, field by field, in the order of the first and then of what only the second has. Items of arrays are
 * compared by their `id` where all have one, else by their place.
 */
export function differences(before: unknown, after: unknown, pointer = ''): Difference[] {
  if (before === after) return [];
  if (!isBranch(before) || !isBranch(after) || Array.isArray(before) !== Array.isArray(after))
    return [{ pointer, before, after }];
  const [left, right] = [entriesOf(before, after), entriesOf(after, before)];
  const names = new Set([...left.keys(), ...right.keys()]);
  return [...names].flatMap((name) =>
    differences(left.get(name), right.get(name), `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`),
  );
}

type Branch = Readonly<Record<string, unknown>> | readonly unknown[];

const isBranch = (value: unknown): value is Branch => typeof value === 'object' && value !== null;

function entriesOf(value: Branch, other: Branch): Map<string, unknown> {
  if (!Array.isArray(value)) return new Map(Object.entries(value));
  const byId = [value, other as readonly unknown[]].every(namesItems);
  return new Map(value.map((item, place) => [byId ? String((item as { id: unknown }).id) : String(place), item]));
}

/** Whether all items have an `id` of their own. */
function namesItems(items: readonly unknown[]): boolean {
  const ids = items.map((item) => (isBranch(item) && 'id' in item ? item.id : undefined));
  return ids.every((id) => typeof id === 'string' || typeof id === 'number') && new Set(ids).size === ids.length;
}
