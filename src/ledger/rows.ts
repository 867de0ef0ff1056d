/** The values of the named columns as parallel arrays, for `unnest($1::uuid[], $2::text[], …)`. */
export const columns = <Row, const Names extends readonly (keyof Row)[]>(
  rows: readonly Row[],
  names: Names,
): unknown[][] => names.map((name) => rows.map((row) => row[name] ?? null));

/** Rows grouped by a key, in order of first appearance. */
export function groupBy<Row, Key>(rows: Iterable<Row>, keyOf: (row: Row) => Key): Map<Key, Row[]> {
  const groups = new Map<Key, Row[]>();
  for (const row of rows) {
    const key = keyOf(row);
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  return groups;
}
