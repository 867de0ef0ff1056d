/** The major versions this simulator stands in for. */
export type Version = 18 | 19;

/** Anything that travels as JSON. */
export type Json = string | number | boolean | null | undefined | Json[] | { [key: string]: Json };

/** What a field of a record holds: `false` is "empty" (as over RPC), relations are ids, to-many relations arrays of ids. */
export type Value = string | number | boolean | number[];

/** One record: its id and its stored fields. */
export interface Row {
  readonly id: number;
  [field: string]: Value;
}

/** Values given to create or write, not yet checked. */
export type Vals = Record<string, Json>;

export type Context = Record<string, Json>;

/** A search domain in prefix notation, such as `[['state', '=', 'sale']]`. */
export type Domain = Json[];

export const isVals = (value: Json): value is { [key: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
