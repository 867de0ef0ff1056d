/**
 * What a line is. A till's file says which lines an invoice has, but not whether it says so for the first time: identical lines are normal,
 * and a file may come again whole, grown, renamed or cut in two in mid-invoice. `merge` compares the pieces of one invoice that a quiet inbox
 * brought with the lines already known. It follows every explanation that the facts allow and acts only on what all of them agree on; the
 * rest is untold, for a person to decide.
 *
 * The facts:
 * - A piece that does not begin its file starts with the invoice's first line; one that does not end its file ends with the last line.
 * - Only a piece that begins its file may go on where an earlier piece ended its file. Such a place is an *open point* of the known lines.
 * - When the piece seen last ended its file inside the known lines (`cursors`), the next one that begins a file goes on there.
 * - A file that has grown, or that together with its neighbours is a file already known, brings no continuation.
 * - A file with a header begins with the beginning of its first invoice, unless nothing else explains it (a tail that came before its head).
 */

import { agreement } from './agreement.ts';
import type { Entry } from './entries.ts';
import { explain, nowhere, type Part, type World } from './worlds.ts';

/** The part of one invoice that one file holds. */
export interface Piece<Line> {
  readonly lines: readonly Line[];
  /** Its first line is the first record of the file. */
  readonly atStart: boolean;
  /** Its last line is the last record of the file. */
  readonly atEnd: boolean;
  /** The file has a header. */
  readonly headed: boolean;
  /** The file begins with another one that was read before, and that one reaches beyond this piece or this piece does not begin the file. */
  readonly grown: boolean;
  /** Digest of a known file that this file and others of the batch make up together, or null. */
  readonly repeats: string | null;
  /** The file before it, by name, ended with a piece of the same invoice, and this one begins its file. */
  readonly touchesPrevious: boolean;
}

export interface KnownLine<Line> {
  /** Stable for the life of the invoice: '1', '2', … in order of arrival. */
  readonly id: string;
  readonly line: Line;
}

/** What is kept between batches. */
export interface Known<Line> {
  /** In the order of the invoice, as far as it is known. */
  readonly lines: readonly KnownLine<Line>[];
  /** Places (0 to length) where lines may be missing because a file began or ended there. */
  readonly open: readonly number[];
  /** Where the piece seen last may have ended its file; empty when it did not end its file. */
  readonly cursors: readonly number[];
  /** The first line came from a file with a header, or is certainly the invoice's first. */
  readonly headed: boolean;
  /** The lines are certain but not their order, nor that none is missing among them. */
  readonly guessed: boolean;
}

export type Doubt =
  /** Lines like these are known: they may be the same ones again, or more of them. */
  | 'repeat-or-continuation'
  /** They fit nowhere into what is known: the invoice was changed, or another one has the same number. */
  | 'changed-invoice';

export interface Merge<Line> {
  readonly known: Known<Line>;
  readonly appended: KnownLine<Line>[];
  /** Number of lines that were known already. */
  readonly duplicates: number;
  readonly untold: Untold<Line>[];
}

/** Lines of which nobody can tell whether they are new. */
interface Untold<Line> {
  readonly why: Doubt;
  readonly lines: Line[];
  /** Those of them that are new even when the others are not. */
  readonly least: Line[];
}

/** Explanations followed at once; with more than these nothing can be told. */
const MOST_WORLDS = 64;

interface Path<Line> {
  readonly world: World<Line>;
  readonly part: Part<Line> | null;
}

const pathKey = <Line>({ world, part }: Path<Line>): string =>
  `${world.lines.map((entry) => entry.code).join()}|${[...world.open].sort((a, b) => a - b).join()}|${[...world.cursors].sort((a, b) => a - b).join()}|${world.headed}|${world.guessed}|${part?.lines.length ?? '-'}`;

const distinct = <Line>(paths: readonly Path<Line>[]): Path<Line>[] => [
  ...new Map(paths.map((path) => [pathKey(path), path])).values(),
];

/**
 * The lines of one invoice after a quiet batch. `pieces` are in order of file name; `keyOf` tells equal lines. `known` is null for an
 * invoice never seen. Pure.
 */
export function merge<Line>(
  known: Known<Line> | null,
  pieces: readonly Piece<Line>[],
  keyOf: (line: Line) => string,
): Merge<Line> {
  const codes = new Map<string, number>();
  const entry = (line: Line, id: string | null): Entry<Line> => {
    const key = keyOf(line);
    const code = codes.get(key) ?? codes.size;
    codes.set(key, code);
    return { code, line, id };
  };
  const untold: Untold<Line>[] = [];
  const start: World<Line> = {
    lines: (known?.lines ?? []).map(({ id, line }) => entry(line, id)),
    open: new Set(known?.open),
    cursors: new Set(known?.cursors),
    headed: known?.headed ?? false,
    guessed: known?.guessed ?? false,
  };

  let paths: Path<Line>[] = [{ world: start, part: null }];
  /** Explains the parts that wait; those that nothing explains are set aside. */
  const settle = (waiting: readonly Path<Line>[], then: Part<Line> | null): Path<Line>[] =>
    waiting.flatMap(({ world, part }) =>
      part ? explain(world, part).map((next) => ({ world: next, part: then })) : [{ world, part: then }],
    );
  const setAside = (waiting: readonly Path<Line>[], why: Doubt, then: Part<Line> | null): Path<Line>[] => {
    const fewest = Math.min(...waiting.map(({ part }) => part?.lines.length ?? 0));
    const kept = waiting.filter(({ part }) => (part?.lines.length ?? 0) === fewest);
    untold.push({ why, lines: kept[0]!.part?.lines.map(({ line }) => line) ?? [], least: [] });
    return kept.map(({ world }) => ({ world: { ...world, cursors: nowhere }, part: then }));
  };

  for (const [index, piece] of pieces.entries()) {
    if (piece.lines.length === 0) continue;
    const previous = pieces[index - 1];
    const touches = piece.touchesPrevious && previous !== undefined;
    const part: Part<Line> = {
      lines: piece.lines.map((line) => entry(line, null)),
      atStart: piece.atStart,
      atEnd: piece.atEnd,
      headed: piece.headed,
      mayContinue: !piece.grown && piece.repeats === null,
      mustContinue: touches && !piece.grown && piece.repeats === null && previous.headed && !piece.headed,
    };
    const together = touches && piece.repeats !== null && piece.repeats === previous.repeats;
    const joined: Path<Line>[] = touches
      ? paths.flatMap(({ world, part: before }) =>
          before ? [{ world, part: { ...before, lines: [...before.lines, ...part.lines], atEnd: part.atEnd } }] : [],
        )
      : [];
    const separate = together ? [] : settle(paths, part);
    let next = distinct([...joined, ...separate]);
    if (next.length === 0) next = distinct(setAside(paths, 'changed-invoice', part));
    if (next.length > MOST_WORLDS) next = distinct(setAside(paths, 'repeat-or-continuation', part));
    paths = next;
  }
  let done = distinct(settle(paths, null));
  if (done.length === 0) done = distinct(setAside(paths, 'changed-invoice', null));

  const { world, most, least } = agreement(
    done.map((path) => path.world),
    start,
  );
  if (most.length > 0) untold.push({ why: 'repeat-or-continuation', lines: most, least });

  let last = (known?.lines ?? []).reduce((most, { id }) => Math.max(most, Number(id)), 0);
  const appended: KnownLine<Line>[] = [];
  const lines = world.lines.map(({ id, line }) => {
    if (id !== null) return { id, line };
    last += 1;
    const fresh = { id: String(last), line };
    appended.push(fresh);
    return fresh;
  });
  const arrived = pieces.reduce((sum, piece) => sum + piece.lines.length, 0);
  return {
    known: {
      lines,
      open: [...world.open].sort((a, b) => a - b),
      cursors: [...world.cursors].sort((a, b) => a - b),
      headed: world.headed,
      guessed: world.guessed,
    },
    appended,
    duplicates: arrived - appended.length - untold.reduce((sum, doubt) => sum + doubt.lines.length, 0),
    untold,
  };
}

/** What is known once a person has said that lines in doubt are new. */
export function append<Line>(known: Known<Line> | null, more: readonly Line[]): Merge<Line> {
  const before = known?.lines ?? [];
  let last = before.reduce((most, { id }) => Math.max(most, Number(id)), 0);
  const appended = more.map((line) => ({ id: String(++last), line }));
  const lines = [...before, ...appended];
  const open = (known?.open ?? []).filter((at) => at < before.length);
  return {
    known: {
      lines,
      open: [...open, lines.length],
      cursors: [],
      headed: known?.headed ?? false,
      guessed: known?.guessed ?? false,
    },
    appended,
    duplicates: 0,
    untold: [],
  };
}
