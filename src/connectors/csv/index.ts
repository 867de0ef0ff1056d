import { constants } from 'node:fs';
import { access, readdir } from 'node:fs/promises';
import type { Duration } from '../../core/clock.ts';
import type { Connection, Context, DroppedFile, FileSource, Finding } from '../../core/connector.ts';
import { HubError } from '../../core/errors.ts';
import { rejected } from '../../core/fault.ts';
import { currencyDigits } from '../../core/money.ts';
import { eventsOf, type Grouping, type RecordGroup } from './batch.ts';
import type { Encoding } from './encoding.ts';
import { dateFormat, localTime } from './instant.ts';
import { type ColumnType, type Layout, type ParsedFile, readFile } from './records.ts';

export type { CsvPiece, RecordGroup } from './batch.ts';
export { lineValue } from './batch.ts';
export { dayIn } from './instant.ts';
export type { CsvLine } from './records.ts';

/** Files of one shape, dropped in a folder. */
export interface CsvConfig {
  /** Company, brand or country whose files these are. */
  readonly entity: string;
  readonly folder: string;
  /** Default '*.csv'. */
  readonly pattern?: string;
  /** Leave files where they are. Default false: moved to done/ or failed/. */
  readonly keep?: boolean;
  /** How long nothing may have changed before files are read. Default 1s. */
  readonly quiet?: Duration;
  /** Largest file in bytes. Default 256 MB. */
  readonly maxBytes?: number;
  /** Default utf-8, strict. A byte order mark in a file wins. */
  readonly encoding?: Encoding;
  /** Default ','. */
  readonly delimiter?: string;
  /** Default '"'. */
  readonly quote?: string;
  /** Default '.'. */
  readonly decimalMark?: '.' | ',';
  /** Default 'YYYY-MM-DD HH:mm:ss'. */
  readonly dateFormat?: string;
  /** IANA time zone of the dates. A time that comes twice is the first, one that is skipped is as much later as the clock jumps. */
  readonly zone: string;
  /** Every column, in order, with its type. */
  readonly columns: Readonly<Record<string, ColumnType>>;
  /** Column whose value groups lines into one fact. */
  readonly groupBy: string;
  /** What such a fact is about. Default 'invoice'. */
  readonly subject?: string;
  /** The value of a line: columns of quantity and unit price, and the currency (ISO 4217). */
  readonly measure: Grouping['measure'];
  /** Name of the source. Default 'files'. */
  readonly name?: string;
}

const MEGABYTE = 1024 * 1024;

function check(condition: boolean, message: string, hint?: string): void {
  if (!condition) throw new HubError('CONFIG_INVALID', `csv: ${message}`, hint === undefined ? {} : { hint });
}

function possible(act: () => unknown, what: string): void {
  try {
    act();
  } catch (cause) {
    throw new HubError('CONFIG_INVALID', `csv: ${what}: ${(cause as Error).message}`, { cause });
  }
}

/**
 * Files dropped in a folder (Channel Adapter): one fact per value of `groupBy` over all files of the quiet inbox. A file whose shape is wrong
 * is refused whole; a wrong value inside a line is left to the flow, which refuses only that group. Throws HubError CONFIG_INVALID.
 */
export function csv<const Name extends string = 'files'>(
  config: CsvConfig & { readonly name?: Name },
): Connection & { readonly sources: { readonly [K in Name]: FileSource<RecordGroup, ParsedFile> } } {
  const { entity, folder, columns, groupBy, measure, zone } = config;
  const layout: Layout = {
    encoding: config.encoding ?? 'utf-8',
    delimiter: config.delimiter ?? ',',
    quote: config.quote ?? '"',
    decimalMark: config.decimalMark ?? '.',
    dateFormat: config.dateFormat ?? 'YYYY-MM-DD HH:mm:ss',
    zone,
    columns,
  };
  const maxBytes = config.maxBytes ?? 256 * MEGABYTE;
  const name = config.name ?? ('files' as Name);

  for (const column of [groupBy, measure.quantity, measure.price])
    check(columns[column] !== undefined, `column '${column}' is not declared`, `declare it in \`columns\``);
  check(
    [...layout.delimiter].length === 1 && [...layout.quote].length === 1,
    'delimiter and quote are one character each',
  );
  check(layout.delimiter !== layout.quote, 'delimiter and quote must differ');
  possible(() => dateFormat(layout.dateFormat), 'dateFormat');
  possible(() => localTime(0, zone), 'zone');
  possible(() => currencyDigits(measure.currency), 'measure.currency');

  const grouping: Grouping = {
    groupBy,
    subject: config.subject ?? 'invoice',
    measure,
    occurredAt: Object.keys(columns).find((column) => columns[column] === 'datetime'),
  };

  const source: FileSource<RecordGroup, ParsedFile> = {
    kind: 'file',
    name,
    folder,
    pattern: config.pattern ?? '*.csv',
    quiet: config.quiet ?? '1s',
    keep: config.keep ?? false,
    parse(file: DroppedFile): ParsedFile {
      if (file.bytes.length > maxBytes)
        throw rejected(
          `${file.name}: is ${Math.ceil(file.bytes.length / MEGABYTE)} MB, more than the ${Math.floor(maxBytes / MEGABYTE)} MB allowed. Nothing of this file was taken. Split it between two records, or raise maxBytes.`,
          'file-too-large',
        );
      const parsed = readFile(file.name, file.bytes, layout);
      const unnamed = parsed.lines.find((line) => line.values[groupBy] === '');
      if (unnamed)
        throw rejected(
          `${file.name}, line ${unnamed.n}, field '${groupBy}': is empty, so the line belongs to nothing. Nothing of this file was taken. Fill it in and drop the file again.`,
          'file-unreadable',
          groupBy,
        );
      return parsed;
    },
    events: (files, known) => eventsOf(files, known, grouping),
    report: ({ lines }) => ({
      lines: lines.length,
      [`${grouping.subject}s`]: new Set(lines.map((line) => line.values[groupBy])).size,
    }),
    decode: (bytes) => JSON.parse(Buffer.from(bytes).toString()) as RecordGroup,
  };
  return {
    connector: 'csv',
    entity,
    sources: { [name]: source } as { readonly [K in Name]: FileSource<RecordGroup, ParsedFile> },
    sinks: {},
    check: (cx) => checkFolder(config, cx),
  };
}

async function* checkFolder({ folder, keep }: CsvConfig, cx: Context): AsyncIterable<Finding> {
  try {
    const files = await readdir(folder);
    yield { level: 'ok', subject: cx.connection, message: `${folder} can be read, ${files.length} entries` };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    yield code === 'ENOENT'
      ? {
          level: 'warning',
          subject: cx.connection,
          message: `${folder} does not exist`,
          hint: 'create it, or correct `folder`',
        }
      : {
          level: 'error',
          subject: cx.connection,
          message: `${folder} cannot be read (${code})`,
          hint: 'check its rights',
        };
    return;
  }
  if (keep) return;
  try {
    await access(folder, constants.W_OK);
  } catch {
    yield {
      level: 'error',
      subject: cx.connection,
      message: `files in ${folder} cannot be moved to done/ or failed/`,
      hint: 'allow writing there, or set `keep`',
    };
  }
}
