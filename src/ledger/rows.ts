/** The values of the named columns as parallel arrays, for `unnest($1::uuid[], $2::text[], …)`. */
export const columns = <Row, const Names extends readonly (keyof Row)[]>(
  rows: readonly Row[],
  names: Names,
): unknown[][] => names.map((name) => rows.map((row) => row[name] ?? null));
