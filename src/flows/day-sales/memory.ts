import type { CsvLine, RecordGroup } from '../../connectors/csv/index.ts';
import type { Doubt, Known, KnownLine } from '../../connectors/csv/lines.ts';
import { canonicalJson, sha256 } from '../../core/seal.ts';

/** A line of an invoice: its values in order of column name, and where it was read (for this batch only). */
export interface Row {
  readonly values: readonly string[];
  readonly at?: string;
}

/** Questions of one Event that a person has not answered yet. */
export interface Pending {
  readonly untold: readonly {
    readonly why: Doubt;
    readonly lines: readonly (readonly string[])[];
    /** Those of them that are new even when the others are not. */
    readonly least: readonly (readonly string[])[];
  }[];
  /** Ids of lines that wait for a person, by cause. */
  readonly held: Readonly<Record<string, readonly string[]>>;
}

/** What is kept of an invoice between Events. */
export interface Memory {
  readonly columns: readonly string[];
  readonly known: {
    readonly lines: readonly { readonly id: string; readonly line: readonly string[] }[];
    readonly open: readonly number[];
    readonly cursors: readonly number[];
    readonly headed: boolean;
    readonly guessed: boolean;
  };
  /** Lines that no document holds. */
  readonly held: readonly string[];
  /** Lines without a price that stand on the order all the same, as a person decided. */
  readonly free: readonly string[];
  /** By digest of the Event. */
  readonly pending: Readonly<Record<string, Pending>>;
}

export const keyOf = (row: Row): string => row.values.join('\u0001');

export const columnsOf = (line: CsvLine): string[] => Object.keys(line.values).sort();

export const rowOf = (line: CsvLine, file: string, columns: readonly string[]): Row => ({
  values: columns.map((column) => line.values[column] ?? ''),
  at: `${file}:${line.n}`,
});

export const knownOf = (memory: Memory | null): Known<Row> | null =>
  memory && {
    ...memory.known,
    lines: memory.known.lines.map(({ id, line }): KnownLine<Row> => ({ id, line: { values: line } })),
  };

export const kept = (known: Known<Row>): Memory['known'] => ({
  ...known,
  lines: known.lines.map(({ id, line }) => ({ id, line: line.values })),
});

/** Names an Event for the questions that are open about it. */
export const digestOf = (native: RecordGroup): string => sha256(canonicalJson(native)).toString('hex').slice(0, 32);
