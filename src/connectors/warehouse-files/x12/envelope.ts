import { rejected } from '../../../core/fault.ts';

/** One segment: its id and elements, `elements[1]` is the first. */
export interface Segment {
  readonly id: string;
  readonly elements: readonly string[];
  /** Counts from ST, which is 1. */
  readonly place: number;
}

/** One transaction set, ST to SE, as it stands there. `fault` says what is wrong with its own envelope. */
export interface TransactionSet {
  readonly type: string;
  readonly control: string;
  readonly segments: readonly Segment[];
  /** AK502 and words, or null. */
  readonly fault: { readonly code: string; readonly why: string } | null;
}

export interface Group {
  readonly functional: string;
  readonly control: string;
  /** CCYYMMDD and HHMM, as they stand there. */
  readonly date: string;
  readonly time: string;
  /** YYMMDD and HHMM of its interchange. */
  readonly interchange: { readonly date: string; readonly time: string };
  readonly sets: readonly TransactionSet[];
}

export interface Interchange {
  readonly sender: string;
  readonly receiver: string;
  readonly control: string;
  /** P for production, T for tests. */
  readonly usage: string;
  readonly groups: readonly Group[];
}

const ISA_LENGTH = 106;

/**
 * Reads one interchange, ISA to IEA, with the delimiters that its ISA declares. A file that was cut, or whose interchange and groups do not count right,
 * throws `rejected`; a set that does not count right is kept with its fault, for its neighbours are sound.
 *
 * @see https://x12.org (X12.5, X12.6: interchange control and application control structures)
 */
export function readInterchange(file: string, content: string): Interchange {
  const refuse = (what: string) => rejected(`${file}: ${what}`, 'file-unreadable');
  const text = content.replace(/^\ufeff?\s*/, '');
  if (!text.startsWith('ISA') || text.length < ISA_LENGTH)
    throw refuse('is no X12 interchange: it does not begin with a whole ISA segment.');
  const [separator, terminator] = [text[3]!, text[ISA_LENGTH - 1]!];
  const pieces = text.split(terminator).map((piece) => piece.replace(/^[\r\n]+/, ''));
  if (pieces.pop()!.trim() !== '') throw refuse('ends in the middle of a segment: it was cut.');
  const rows = pieces.map((piece) => piece.split(separator));
  const [isa, last] = [rows[0]!, rows.at(-1)!];
  if (last[0] !== 'IEA') throw refuse(`ends with ${last[0]} instead of IEA: it was cut, or is not finished.`);
  if (isa.length !== 17) throw refuse(`its ISA has ${isa.length - 1} elements instead of 16.`);
  const control = isa[13]!;
  if (last[2] !== control) throw refuse(`its IEA names interchange ${last[2]}, its ISA ${control}.`);
  const sent = { date: isa[9]!, time: isa[10]! };
  const groups = readGroups(rows.slice(1, -1), refuse).map((group) => ({ ...group, interchange: sent }));
  if (Number(last[1]) !== groups.length) throw refuse(`its IEA counts ${last[1]} groups, there are ${groups.length}.`);
  return { sender: isa[6]!.trim(), receiver: isa[8]!.trim(), control, usage: isa[15]!, groups };
}

type Refuse = (what: string) => Error;

function readGroups(rows: readonly string[][], refuse: Refuse): Omit<Group, 'interchange'>[] {
  const groups: Omit<Group, 'interchange'>[] = [];
  for (let at = 0; at < rows.length; ) {
    const gs = rows[at]!;
    if (gs[0] !== 'GS') throw refuse(`${gs[0]} stands where a group (GS) must begin.`);
    const end = rows.findIndex((row, index) => index > at && row[0] === 'GE');
    if (end < 0) throw refuse(`group ${gs[6]} does not end (GE): it was cut, or is not finished.`);
    const [, count, control] = rows[end]!;
    if (control !== gs[6]) throw refuse(`a GE names group ${control}, its GS ${gs[6]}.`);
    const sets = readSets(rows.slice(at + 1, end), refuse);
    if (Number(count) !== sets.length)
      throw refuse(`the GE of group ${control} counts ${count} sets, there are ${sets.length}.`);
    groups.push({ functional: gs[1] ?? '', control: gs[6] ?? '', date: gs[4] ?? '', time: gs[5] ?? '', sets });
    at = end + 1;
  }
  return groups;
}

function readSets(rows: readonly string[][], refuse: Refuse): TransactionSet[] {
  const sets: TransactionSet[] = [];
  for (let at = 0; at < rows.length; ) {
    const st = rows[at]!;
    if (st[0] !== 'ST') throw refuse(`${st[0]} stands where a transaction set (ST) must begin.`);
    const next = rows.findIndex((row, index) => index > at && (row[0] === 'SE' || row[0] === 'ST'));
    const ended = next >= 0 && rows[next]![0] === 'SE';
    const end = next < 0 ? rows.length : ended ? next + 1 : next;
    const segments = rows
      .slice(at, end)
      .map((elements, index): Segment => ({ id: elements[0]!, elements, place: index + 1 }));
    sets.push({
      type: st[1] ?? '',
      control: st[2] ?? '',
      segments,
      fault: faultOf(st, ended ? rows[next]! : null, segments.length),
    });
    at = end;
  }
  return sets;
}

/** Codes of AK502: 2 trailer missing, 3 control numbers differ, 4 segments miscounted. */
function faultOf(st: readonly string[], se: readonly string[] | null, count: number): TransactionSet['fault'] {
  if (se === null) return { code: '2', why: 'it has no trailer (SE)' };
  if (se[2] !== st[2]) return { code: '3', why: `its SE02 is '${se[2]}', its ST02 '${st[2]}'` };
  if (Number(se[1]) !== count) return { code: '4', why: `its SE01 counts ${se[1]} segments, there are ${count}` };
  return null;
}

export interface Partner {
  /** ISA05 or ISA07, such as ZZ (mutually defined) or 01 (DUNS). */
  readonly qualifier: string;
  /** At most 15 characters. */
  readonly id: string;
}

export interface EnvelopeParts {
  readonly from: Partner;
  readonly to: Partner;
  readonly usage: 'P' | 'T';
  readonly functional: string;
  readonly type: string;
  readonly number: number;
  readonly at: Date;
}

/** What nobody's text may hold: the delimiters, and what could be taken for the end of a line. */
const DELIMITERS = /[*~>^\r\n\t]/g;

/**
 * Text as every partner can read it: X12's basic and extended sets are ASCII. Accents go (`Müller` becomes `Muller`), other letters become `?`, delimiters
 * a blank; more than `most` characters are cut.
 */
export const plain = (value: string | null, most: number): string =>
  (value ?? '')
    .replaceAll('ß', 'ss')
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(DELIMITERS, ' ')
    .replaceAll(/[^\x20-\x7e]/gu, '?')
    .trim()
    .slice(0, most)
    .trim();

/** True for what can stand in an element as it is: numbers and codes must not be changed on their way. */
export const isExact = (value: string, most: number): boolean => plain(value, most) === value && value !== '';

const MOST_CONTROL = 999_999_999;

/** Nine digits; after the last one the first comes again. */
const controlNumber = (number: number): number => ((number - 1) % MOST_CONTROL) + 1;

/** One interchange of one group of one set. The same parts are the same text. */
export function writeInterchange(parts: EnvelopeParts, body: readonly (readonly (string | number)[])[]): string {
  const { from, to, usage, functional, type, at } = parts;
  const control = controlNumber(parts.number);
  const nine = String(control).padStart(9, '0');
  const [date, time] = [
    at.toISOString().slice(0, 10).replaceAll('-', ''),
    at.toISOString().slice(11, 16).replace(':', ''),
  ];
  const blank = ' '.repeat(10);
  const rows: (readonly (string | number)[])[] = [
    ['ISA', '00', blank, '00', blank, from.qualifier, from.id.padEnd(15), to.qualifier, to.id.padEnd(15)].concat([
      ...[date.slice(2), time, 'U', '00401', nine, '0', usage, '>'],
    ]),
    ['GS', functional, from.id, to.id, date, time, control, 'X', '004010'],
    ['ST', type, '0001'],
    ...body,
    ['SE', body.length + 2, '0001'],
    ['GE', 1, control],
    ['IEA', 1, nine],
  ];
  return rows.map((row) => `${row.join('*').replace(/\*+$/, '')}~\n`).join('');
}
