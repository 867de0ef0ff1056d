import { type CsvError, parse } from 'csv-parse/sync';
import { decimal } from '../../core/decimal.ts';
import { rejected } from '../../core/fault.ts';
import { decodeText, type Encoding, Undecodable } from './encoding.ts';
import { dateFormat, instantOf } from './instant.ts';

export type ColumnType = 'text' | 'integer' | 'decimal' | 'datetime';

/** How to read a file. */
export interface Layout {
  readonly encoding: Encoding;
  /** One character. */
  readonly delimiter: string;
  /** One character. */
  readonly quote: string;
  /** In `decimal` columns. Thousands are not separated. */
  readonly decimalMark: '.' | ',';
  /** Of `datetime` columns, such as 'YYYY-MM-DD HH:mm:ss'. */
  readonly dateFormat: string;
  /** IANA time zone of `datetime` columns. */
  readonly zone: string;
  /** In the order they stand in a file without a header. */
  readonly columns: Readonly<Record<string, ColumnType>>;
}

/**
 * One record. A decimal has a point whatever the file uses, a datetime is an instant in RFC 3339 UTC; a value that is not what its column
 * was declared to be is left as it stands and named in `bad`.
 */
export interface CsvLine {
  /** Line of the file on which the record ends, from 1. */
  readonly n: number;
  readonly values: Readonly<Record<string, string>>;
  /** By column: the value that is wrong, and why. A value that a person has corrected since no longer counts. */
  readonly bad?: Readonly<Record<string, { readonly value: string; readonly problem: string }>>;
}

export interface ParsedFile {
  readonly headed: boolean;
  /** Bytes before the first record: byte order mark and header. */
  readonly bodyStart: number;
  readonly lines: CsvLine[];
}

type Reader = (text: string) => { value: string } | { problem: string };

const plain = /^[+-]?\d+$/;

function readers(layout: Layout): Reader[] {
  const read = dateFormat(layout.dateFormat);
  const dates = new Map<string, ReturnType<Reader>>();
  const byType: Record<ColumnType, Reader> = {
    text: (text) => ({ value: text }),
    integer: (text) =>
      plain.test(text) && text.length <= 16
        ? { value: text.replace('+', '') }
        : { problem: 'is not a whole number such as 12 or -3' },
    decimal: (text) => {
      const pointed = layout.decimalMark === ',' ? text.replace(',', '.') : text;
      try {
        if (layout.decimalMark === ',' && text.includes('.'))
          throw new RangeError('a point where a comma was declared');
        decimal(pointed);
        return { value: pointed.replace('+', '') };
      } catch {
        return { problem: `is not a number such as 12${layout.decimalMark}50` };
      }
    },
    datetime: (text) => {
      let known = dates.get(text);
      if (!known) {
        const local = read(text);
        known = local
          ? { value: new Date(instantOf(local, layout.zone)).toISOString() }
          : { problem: `is not a date of the form ${layout.dateFormat}` };
        dates.set(text, known);
      }
      return known;
    },
  };
  return Object.values(layout.columns).map((type) => byType[type]);
}

const structural: Record<string, string> = {
  CSV_QUOTE_NOT_CLOSED: 'a quoted value that never ends',
  CSV_INVALID_CLOSING_QUOTE: 'text after a closing quote',
  INVALID_OPENING_QUOTE: 'a quote inside a value that is not quoted',
  CSV_MAX_RECORD_SIZE: 'a record that is too long',
};

const RECORD_LIMIT = 1_000_000;

/** Reads a file whole, or throws a `rejected` Fault that says where and what is wrong and what to do. */
export function readFile(name: string, bytes: Uint8Array, layout: Layout): ParsedFile {
  const fail = (line: number, problem: string, advice: string, field?: string): never => {
    const place = `${name}${line > 0 ? `, line ${line}` : ''}${field ? `, field '${field}'` : ''}`;
    throw rejected(`${place}: ${problem}. Nothing of this file was taken. ${advice}`, 'file-unreadable', field);
  };

  let text: string;
  try {
    text = decodeText(bytes, layout.encoding);
  } catch (error) {
    if (!(error instanceof Undecodable)) throw error;
    return fail(
      error.line,
      `holds ${error.message}`,
      `Export it again as ${layout.encoding}, or declare the encoding it has, and drop it again.`,
    );
  }

  let records: { record: string[]; info: { lines: number; bytes: number } }[];
  try {
    records = parse(text, {
      delimiter: layout.delimiter,
      quote: layout.quote,
      escape: layout.quote,
      record_delimiter: ['\r\n', '\n', '\r'],
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
      max_record_size: RECORD_LIMIT,
    }) as unknown as typeof records;
  } catch (error) {
    const { code = '', lines = 0 } = error as CsvError & { lines?: number };
    return fail(
      lines,
      `holds ${structural[code] ?? `what is not CSV (${(error as Error).message})`}`,
      'Correct the quoting and drop it again.',
    );
  }

  const names = Object.keys(layout.columns);
  const header = records[0]?.record ?? [];
  const named = header.filter((field) => names.includes(field.trim()));
  // Half the names or more: somebody meant it as a header.
  const headed = named.length * 2 >= names.length && named.length > 0;
  let order = names;
  if (headed) {
    order = header.map((field) => field.trim());
    const missing = names.find((column) => !order.includes(column));
    const unknown = order.find((column) => !names.includes(column));
    const twice = order.find((column, i) => order.indexOf(column) !== i);
    const expected = `The header must name ${names.join(', ')}. Export the file with these columns, or declare the ones it has, and drop it again.`;
    if (missing !== undefined) fail(1, `the header has no column '${missing}'`, expected, missing);
    if (twice !== undefined) fail(1, `the header names column '${twice}' twice`, expected, twice);
    if (unknown !== undefined) fail(1, `the header has a column '${unknown}' that is not declared`, expected, unknown);
  } else if (records.length > 0 && header.length !== names.length)
    fail(
      records[0]!.info.lines,
      `the first record has ${header.length} fields and is no header that is known`,
      `A file begins with the header ${names.join(layout.delimiter)}, or with a record of ${names.length} fields. Check the delimiter '${layout.delimiter}' and drop it again.`,
    );

  const places = order.map((column) => names.indexOf(column));
  const read = readers(layout);
  const lines = records.slice(headed ? 1 : 0).map(({ record, info }): CsvLine => {
    if (record.length !== names.length)
      fail(
        info.lines,
        `the record has ${record.length} fields, not ${names.length}`,
        'A value that holds the delimiter must be quoted. Correct the line and drop it again.',
        record.length < names.length ? order[record.length] : order.at(-1),
      );
    const values: Record<string, string> = {};
    let bad: CsvLine['bad'];
    for (const [i, text] of record.entries()) {
      const column = order[i]!;
      const answer = read[places[i]!]!(text);
      if ('value' in answer) values[column] = answer.value;
      else {
        values[column] = text;
        bad = { ...bad, [column]: { value: text, problem: answer.problem } };
      }
    }
    return bad ? { n: info.lines, values, bad } : { n: info.lines, values };
  });
  const typed = names.filter((column) => layout.columns[column] !== 'text');
  if (!headed && typed.length > 0 && lines[0] && typed.every((column) => lines[0]?.bad?.[column] !== undefined))
    fail(
      lines[0].n,
      `the first record is neither a header that is known nor data: '${lines[0].values[typed[0]!]!.slice(0, 40)}' ${lines[0].bad![typed[0]!]!.problem}`,
      `The header must name ${names.join(', ')}. Export the file with these columns, or declare the ones it has, and drop it again.`,
      typed[0],
    );
  return { headed, bodyStart: headed ? bodyStart(bytes, text, records[0]!.info.bytes) : 0, lines };
}

/** Where the records begin, in bytes of the file. `headerBytes` is the length of the header in UTF-8, with or without its line end. */
function bodyStart(bytes: Uint8Array, text: string, headerBytes: number): number {
  const utf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
  const mark = utf16 ? 2 : bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  let characters = Buffer.from(text).subarray(0, headerBytes).toString().length;
  while (text[characters - 1] !== '\n' && text[characters - 1] !== '\r' && '\r\n'.includes(text[characters] ?? ' '))
    characters++;
  const header = text.slice(0, characters);
  // Only byte-for-byte encodings and UTF-8 come here with a header that is not plain ASCII; all of them agree on ASCII.
  return mark + (utf16 ? header.length * 2 : Buffer.byteLength(header));
}
