/** The values of the named columns as parallel arrays, for `unnest($1::uuid[], $2::text[], …)`. */
export const columns = <Row, const Names extends readonly (keyof Row)[]>(
  rows: readonly Row[],
  names: Names,
): unknown[] => names.map((name) => asArray(rows.map((row) => row[name] ?? null)));

/** A PostgreSQL array, written here because that is much cheaper than value by value in the driver; what is none of these kinds is the driver's. */
function asArray(values: readonly unknown[]): unknown {
  let text = '{';
  for (const value of values) {
    if (text.length > 1) text += ',';
    if (value === null) text += 'NULL';
    else if (typeof value === 'string') text += quoted(value);
    else if (typeof value === 'number' || typeof value === 'bigint') text += value;
    else if (value instanceof Date && isPlain(value)) text += `"${value.toISOString()}"`;
    else if (Object.getPrototypeOf(value) === Object.prototype) text += quoted(JSON.stringify(value));
    else return values;
  }
  return `${text}}`;
}

const quoted = (value: string): string => `"${/["\\]/.test(value) ? value.replace(/["\\]/g, '\\$&') : value}"`;

/** Whether PostgreSQL reads it as JavaScript writes it: years 1 to 9999. */
const isPlain = (date: Date): boolean => date.getTime() >= -62_135_596_800_000 && date.getTime() < 253_402_300_800_000;
