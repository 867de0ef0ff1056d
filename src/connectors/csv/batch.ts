import { createHash } from 'node:crypto';
import type { DroppedFile, Incoming, KnownFile } from '../../core/connector.ts';
import { decimal, multiply } from '../../core/decimal.ts';
import type { Measure } from '../../core/document.ts';
import { roundedMoney } from '../../core/money.ts';
import { canonicalJson, sha256 } from '../../core/seal.ts';
import type { Piece } from './lines.ts';
import type { CsvLine, ParsedFile } from './records.ts';

/** The part of a group that one file holds. */
export interface CsvPiece extends Piece<CsvLine> {
  readonly file: string;
}

/** All lines of one group (an invoice) that a quiet inbox brought. */
export interface RecordGroup {
  readonly group: string;
  /** ISO 4217. */
  readonly currency: string;
  /** In order of file name. */
  readonly pieces: readonly CsvPiece[];
}

export interface Grouping {
  /** Column whose value names the group. */
  readonly groupBy: string;
  /** What a group is called: `invoice` makes the subject `invoice:536365`. */
  readonly subject: string;
  /** Columns that give a line's value, and the currency it is in. */
  readonly measure: { readonly quantity: string; readonly price: string; readonly currency: string };
  /** Column of the moment at which it happened, if there is one. */
  readonly occurredAt: string | undefined;
}

const LARGEST = BigInt(Number.MAX_SAFE_INTEGER);

/** Quantity × price in minor units, halves away from zero; null when either is not a number or the value is beyond 2^53 units. */
export function lineValue(quantity: string | undefined, price: string | undefined, currency: string): bigint | null {
  try {
    const { minor } = roundedMoney(multiply(decimal(quantity ?? ''), decimal(price ?? '')), currency);
    return minor > LARGEST || minor < -LARGEST ? null : minor;
  } catch {
    return null;
  }
}

interface Read {
  readonly file: DroppedFile;
  readonly parsed: ParsedFile;
}

const digestOf = (...parts: Uint8Array[]): string => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
};

/** How many bytes at the start of the file are a file that was read before; 0 when there is none. */
function grownFrom(file: DroppedFile, known: readonly KnownFile[]): number {
  const hash = createHash('sha256');
  let hashed = 0;
  let grown = 0;
  for (const { size, digest } of known) {
    if (size === 0 || size >= file.bytes.length) continue;
    if (size > hashed) {
      hash.update(file.bytes.subarray(hashed, size));
      hashed = size;
    }
    if (hash.copy().digest('hex') === digest) grown = size;
  }
  return grown;
}

const NEWLINE = Buffer.from('\n');
const CRLF = Buffer.from('\r\n');
const ENDINGS = [Buffer.alloc(0), NEWLINE, CRLF];

/**
 * Which files are parts of a known file that was cut: their bytes in order (a header repeated in a later part taken out, a line end lost at
 * the cut or the end put back) have its digest. Looks at runs of neighbours by name and at any two files. File index → digest.
 */
function cutsOfKnown(batch: readonly Read[], known: readonly KnownFile[]): Map<number, string> {
  const found = new Map<number, string>();
  const bySize = Map.groupBy(known, ({ size }) => size);
  if (bySize.size === 0) return found;
  const longest = Math.max(...bySize.keys());
  const size = batch.map(({ file }) => file.bytes.length);
  const body = batch.map(({ file, parsed }) => file.bytes.length - parsed.bodyStart);

  const tryParts = (parts: readonly number[], total: number): void => {
    for (let slack = 0; slack <= 2 * parts.length; slack++) {
      const candidates = bySize.get(total + slack);
      if (!candidates) continue;
      for (const between of slack === 0 ? [ENDINGS[0]!] : ENDINGS)
        for (const end of slack === 0 ? [ENDINGS[0]!] : ENDINGS) {
          const pieces = parts.flatMap((index, i) => {
            const { file, parsed } = batch[index]!;
            const bytes = i === 0 ? file.bytes : file.bytes.subarray(parsed.bodyStart);
            const ended = bytes.at(-1) === 0x0a || bytes.at(-1) === 0x0d;
            return ended ? [bytes] : [bytes, i === parts.length - 1 ? end : between];
          });
          if (pieces.reduce((sum, piece) => sum + piece.length, 0) !== total + slack) continue;
          const digest = digestOf(...pieces);
          if (!candidates.some((candidate) => candidate.digest === digest)) continue;
          for (const index of parts) found.set(index, digest);
          return;
        }
    }
  };

  for (let head = 0; head < batch.length; head++) {
    const run = [head];
    let total = size[head]!;
    tryParts(run, total);
    for (let next = head + 1; next < batch.length && total <= longest; next++) {
      run.push(next);
      total += body[next]!;
      tryParts(run, total);
    }
    for (let tail = 0; tail < batch.length; tail++)
      if (tail !== head && tail !== head + 1) tryParts([head, tail], size[head]! + body[tail]!);
  }
  return found;
}

/** The pieces of every group, in order of file name; a group keeps the place of its first record. */
function pieces(batch: readonly Read[], known: readonly KnownFile[], groupBy: string): Map<string, CsvPiece[]> {
  const sorted = [...known].sort((a, b) => a.size - b.size);
  const cuts = cutsOfKnown(batch, sorted);
  const groups = new Map<string, CsvPiece[]>();
  let previousLast: string | undefined;
  for (const [index, { file, parsed }] of batch.entries()) {
    const { lines, headed } = parsed;
    const grown = grownFrom(file, sorted);
    const firstGroup = lines[0]?.values[groupBy];
    const lastGroup = lines.at(-1)?.values[groupBy];
    for (const [group, own] of Map.groupBy(lines, (line) => line.values[groupBy]!)) {
      const atStart = group === firstGroup;
      const piece: CsvPiece = {
        file: file.name,
        lines: own,
        atStart,
        atEnd: group === lastGroup,
        headed,
        grown: grown > 0 && (!atStart || reachesBeyond(file, parsed, grown, own.length)),
        repeats: cuts.get(index) ?? null,
        touchesPrevious: atStart && group === previousLast,
      };
      const list = groups.get(group);
      if (list?.some((other) => saysTheSame(other, piece))) continue;
      if (list) list.push(piece);
      else groups.set(group, [piece]);
    }
    previousLast = lastGroup;
  }
  return groups;
}

/** A known file cut in many ways says the same of its untouched groups each time: once is enough. */
function saysTheSame(one: CsvPiece, other: CsvPiece): boolean {
  for (const { repeats, atStart, atEnd } of [one, other]) if (repeats === null || atStart || atEnd) return false;
  if (one.lines.length !== other.lines.length) return false;
  return one.lines.every(({ values }, i) => {
    const others = other.lines[i]!.values;
    return Object.keys(values).every((column) => values[column] === others[column]);
  });
}

/** True when the first `size` bytes hold more than the first `count` records. */
function reachesBeyond(file: DroppedFile, parsed: ParsedFile, size: number, count: number): boolean {
  const next = parsed.lines[count];
  if (!next) return false;
  let newlines = 0;
  for (let i = 0; i < size; i++) if (file.bytes[i] === 0x0a) newlines++;
  return newlines >= next.n;
}

/** Turns the files of a quiet inbox, in name order, into one fact per group, in the order in which the groups first appear. */
export function eventsOf(all: readonly Read[], known: readonly KnownFile[], grouping: Grouping): Incoming[] {
  const seen = new Set<string>();
  const batch = all.filter(({ file }) => !seen.has(file.digest) && seen.add(file.digest));
  const digests = new Map(batch.map(({ file }) => [file.name, file.digest]));
  const moments = batch.flatMap(({ parsed }) => momentOf(parsed.lines, grouping) ?? []);
  const latest = moments.reduce((most, moment) => Math.max(most, moment), 0);

  return [...pieces(batch, known, grouping.groupBy)].map(([group, parts]): Incoming => {
    const native: RecordGroup = { group, currency: grouping.measure.currency, pieces: parts };
    const lines = parts.flatMap((part) => part.lines);
    const files = parts.map((part) => digests.get(part.file)!).join();
    return {
      dedupeKey: `${grouping.subject}:${group}:${sha256(files).toString('hex')}`,
      subject: `${grouping.subject}:${group}`,
      occurredAt: new Date(momentOf(lines, grouping) ?? latest),
      bytes: Buffer.from(canonicalJson(native)),
      measure: measureOf(lines, grouping.measure),
      labels: { [grouping.subject]: group },
    };
  });
}

/** The first valid moment among the lines, in milliseconds. */
function momentOf(lines: readonly CsvLine[], { occurredAt }: Grouping): number | null {
  if (occurredAt === undefined) return null;
  const line = lines.find((candidate) => candidate.bad?.[occurredAt] === undefined);
  return line ? Date.parse(line.values[occurredAt]!) : null;
}

/** Lines are all counted; only those whose quantity and price are numbers add value. */
function measureOf(lines: readonly CsvLine[], { quantity, price, currency }: Grouping['measure']): Measure {
  let minor = 0n;
  let absolute = 0n;
  for (const { values, bad } of lines) {
    const value = bad?.[quantity] || bad?.[price] ? null : lineValue(values[quantity], values[price], currency);
    if (value === null) continue;
    minor += value;
    absolute += value < 0n ? -value : value;
  }
  return { lines: lines.length, currency, minor, absolute };
}
