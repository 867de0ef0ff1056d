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

interface Entry<Line> {
  readonly code: number;
  readonly line: Line;
  /** Null for what this batch brought. */
  readonly id: string | null;
}

/** One explanation of everything seen so far. */
interface World<Line> {
  readonly lines: readonly Entry<Line>[];
  readonly open: ReadonlySet<number>;
  readonly cursors: ReadonlySet<number>;
  readonly headed: boolean;
  readonly guessed: boolean;
}

interface Part<Line> {
  readonly lines: readonly Entry<Line>[];
  readonly atStart: boolean;
  readonly atEnd: boolean;
  readonly headed: boolean;
  /** It may go on where another file ended. */
  readonly mayContinue: boolean;
  /** It goes on where another file ended: it has no header and comes right after a file that has one. */
  readonly mustContinue: boolean;
}

/** Explanations followed at once; with more than these nothing can be told. */
const MOST_WORLDS = 64;

/** True when `part` stands in `whole` at `at`. */
const standsAt = <Line>(whole: readonly Entry<Line>[], part: readonly Entry<Line>[], at: number): boolean => {
  if (at < 0 || at + part.length > whole.length) return false;
  for (let i = 0; i < part.length; i++) if (whole[at + i]!.code !== part[i]!.code) return false;
  return true;
};

/** True when the last `length` lines of `left` are the first of `right`. */
const overlaps = <Line>(left: readonly Entry<Line>[], right: readonly Entry<Line>[], length: number): boolean => {
  if (length > left.length || length > right.length) return false;
  for (let i = 0; i < length; i++) if (left[left.length - length + i]!.code !== right[i]!.code) return false;
  return true;
};

const nowhere: ReadonlySet<number> = new Set();

const first = <Line>(part: Part<Line>): World<Line> => ({
  lines: part.lines,
  open: new Set([...(part.atStart ? [0] : []), ...(part.atEnd ? [part.lines.length] : [])]),
  cursors: part.atEnd ? new Set([part.lines.length]) : nowhere,
  headed: part.headed || !part.atStart,
  guessed: false,
});

/** The part says again what stands at the places `at`. */
function repeated<Line>(world: World<Line>, part: Part<Line>, places: readonly number[]): World<Line> {
  const length = part.lines.length;
  const ending = places.filter((at) => at + length === world.lines.length);
  const at = part.atEnd || ending.length === 0 ? places : ending;
  const open = new Set(world.open);
  if (at.length === 1) for (let i = at[0]! + 1; i < at[0]! + length; i++) open.delete(i);
  if (!part.atStart) open.delete(0);
  if (!part.atEnd && ending.length > 0) open.delete(world.lines.length);
  return {
    lines: world.lines,
    open,
    cursors: part.atEnd ? new Set(places.map((place) => place + length)) : nowhere,
    headed: world.headed || !part.atStart,
    guessed: world.guessed,
  };
}

/** The part repeats the last `overlap` lines and goes on after them. */
function extended<Line>(world: World<Line>, part: Part<Line>, overlap: number): World<Line> {
  const before = world.lines.length;
  const lines = [...world.lines, ...part.lines.slice(overlap)];
  const open = new Set(world.open);
  if (overlap > 0) for (let i = before - overlap + 1; i <= before; i++) open.delete(i);
  if (part.atEnd) open.add(lines.length);
  if (!part.atStart) open.delete(0);
  return {
    lines,
    open,
    cursors: part.atEnd ? new Set([lines.length]) : nowhere,
    headed: world.headed || !part.atStart,
    guessed: world.guessed,
  };
}

/** The part stands before the known lines, of which its last `overlap` lines are the first. */
function preceding<Line>(world: World<Line>, part: Part<Line>, overlap: number): World<Line> {
  const shift = part.lines.length - overlap;
  const open = new Set([...world.open].filter((at) => at > overlap).map((at) => at + shift));
  if (overlap === 0) open.add(shift);
  if (part.atStart) open.add(0);
  return {
    lines: [...part.lines.slice(0, shift), ...world.lines],
    open,
    cursors: part.atEnd ? new Set([part.lines.length]) : nowhere,
    headed: part.headed || !part.atStart,
    guessed: world.guessed,
  };
}

/** The known lines are a part of the part, from its line `at` on. */
function surrounding<Line>(world: World<Line>, part: Part<Line>, at: number): World<Line> {
  const after = at + world.lines.length;
  const lines = [...part.lines.slice(0, at), ...world.lines, ...part.lines.slice(after)];
  return first({ ...part, lines });
}

/** The part has all the known lines, whose order was only guessed, and says their order. */
function rearranged<Line>(world: World<Line>, part: Part<Line>): World<Line> {
  const left = [...world.lines];
  const lines = part.lines.map((entry) => {
    const at = left.findIndex(({ code }) => code === entry.code);
    return at === -1 ? entry : left.splice(at, 1)[0]!;
  });
  return first({ ...part, lines });
}

/** Among known lines of which some may be missing, only those of the part that are not there are certainly new. */
const united = <Line>(world: World<Line>, part: Part<Line>): World<Line> => ({
  ...world,
  lines: [...world.lines, ...without(part.lines, world.lines)],
  open: new Set([...world.open, world.lines.length]),
  cursors: nowhere,
});

function inserted<Line>(world: World<Line>, part: Part<Line>, at: number): World<Line> {
  const length = part.lines.length;
  const open = new Set([...world.open].map((place) => (place > at ? place + length : place)));
  open.add(at + length);
  return {
    lines: [...world.lines.slice(0, at), ...part.lines, ...world.lines.slice(at)],
    open,
    cursors: new Set([at + length]),
    headed: world.headed,
    guessed: world.guessed,
  };
}

/**
 * Where the known lines go on after the piece seen last, when that is certain: the part fits there. `instead` is true when nothing else
 * needs to be thought of.
 */
function atCursor<Line>(world: World<Line>, part: Part<Line>): { worlds: World<Line>[]; instead: boolean } {
  const { lines, cursors, open } = world;
  const worlds: World<Line>[] = [];
  let instead = part.atStart;
  for (const cursor of part.atStart ? cursors : []) {
    if (open.has(cursor) || cursor >= lines.length) instead = false;
    if (cursor >= lines.length) continue;
    if (standsAt(lines, part.lines, cursor)) worlds.push(repeated(world, part, [cursor]));
    else if (overlaps(lines, part.lines, lines.length - cursor)) {
      worlds.push(extended(world, part, lines.length - cursor));
      if (placesOf(world, part).length > 0) instead = false;
    }
  }
  return { worlds, instead: instead && worlds.length > 0 };
}

function placesOf<Line>(world: World<Line>, part: Part<Line>): number[] {
  const places: number[] = [];
  for (let at = 0; at + part.lines.length <= world.lines.length && (at === 0 || part.atStart); at++)
    if (standsAt(world.lines, part.lines, at)) places.push(at);
  // A file with a header begins with the beginning of its first invoice.
  return part.headed && places[0] === 0 ? [0] : places;
}

/** Every explanation of one part in one world; none when it contradicts what is known. */
function explain<Line>(world: World<Line>, part: Part<Line>): World<Line>[] {
  if (world.lines.length === 0) return [first(part)];
  const expected = atCursor(world, part);
  if (expected.instead) return expected.worlds;

  const worlds = [...expected.worlds];
  const known = world.lines.length;
  const length = part.lines.length;
  const goesOn = part.atStart && part.mayContinue;

  if (world.guessed) worlds.push(holds(part.lines, world.lines) ? rearranged(world, part) : united(world, part));
  if (!part.mustContinue) {
    const places = placesOf(world, part);
    if (places.length > 0) worlds.push(repeated(world, part, places));

    // The known lines and more of them. Only at an open end is a part believed to begin in mid-invoice and to go beyond it.
    if (known < length && overlaps(world.lines, part.lines, known)) worlds.push(extended(world, part, known));
    if (part.atStart && (part.mayContinue ? world.open.has(known) : worlds.length === 0))
      for (let overlap = 1; overlap < Math.min(known, length); overlap++)
        if (overlaps(world.lines, part.lines, overlap)) worlds.push(extended(world, part, overlap));

    if (world.open.has(0))
      for (let at = 1; at + known <= length; at++)
        if (standsAt(part.lines, world.lines, at)) {
          worlds.push(surrounding(world, part, at));
          break;
        }
  }

  if (goesOn && (world.open.has(known) || world.cursors.has(known))) worlds.push(extended(world, part, 0));
  if (goesOn && part.atEnd)
    for (const at of world.open) if (at > 0 && at < known) worlds.push(inserted(world, part, at));

  if (world.open.has(0) && part.atEnd && (goesOn ? !world.headed || worlds.length === 0 : !part.atStart))
    for (let overlap = 0; overlap < Math.min(known, length); overlap++)
      if (overlaps(part.lines, world.lines, overlap)) worlds.push(preceding(world, part, overlap));
  return worlds;
}

interface Path<Line> {
  readonly world: World<Line>;
  readonly part: Part<Line> | null;
}

const pathKey = <Line>({ world, part }: Path<Line>): string =>
  `${world.lines.map((entry) => entry.code).join()}|${[...world.open].sort((a, b) => a - b).join()}|${[...world.cursors].sort((a, b) => a - b).join()}|${world.headed}|${world.guessed}|${part?.lines.length ?? '-'}`;

const distinct = <Line>(paths: readonly Path<Line>[]): Path<Line>[] => [
  ...new Map(paths.map((path) => [pathKey(path), path])).values(),
];

const countsOf = <Line>(entries: readonly Entry<Line>[]): Map<number, number> => {
  const counts = new Map<number, number>();
  for (const { code } of entries) counts.set(code, (counts.get(code) ?? 0) + 1);
  return counts;
};

/** True when `many` has every line of `few`, as often. */
const holds = <Line>(many: readonly Entry<Line>[], few: readonly Entry<Line>[]): boolean => {
  const counts = countsOf(many);
  return [...countsOf(few)].every(([code, count]) => (counts.get(code) ?? 0) >= count);
};

const without = <Line>(entries: readonly Entry<Line>[], taken: readonly Entry<Line>[]): Entry<Line>[] => {
  const left = countsOf(taken);
  return entries.filter(({ code }) => {
    const rest = left.get(code) ?? 0;
    if (rest > 0) left.set(code, rest - 1);
    return rest === 0;
  });
};

/**
 * What a set of worlds agrees on. When all have the same lines it is any of them, with its order guessed when theirs differ. Else it is how
 * all of them begin, or what was known before; what the largest has beyond that is in doubt, and the smallest says how much is certain.
 */
function agreement<Line>(
  worlds: readonly World<Line>[],
  before: World<Line>,
): { world: World<Line>; most: Line[]; least: Line[] } {
  const bySize = [...worlds].sort((a, b) => a.lines.length - b.lines.length);
  const smallest = bySize[0]!;
  const largest = bySize.at(-1)!;
  if (worlds.every(({ lines }) => lines.length === smallest.lines.length && holds(lines, smallest.lines))) {
    const same = worlds.filter(({ lines }) => standsAt(lines, smallest.lines, 0));
    return {
      world: {
        lines: smallest.lines,
        open: new Set(same.flatMap((world) => [...world.open])),
        cursors: new Set(same.flatMap((world) => [...world.cursors])),
        headed: same.some((world) => world.headed),
        guessed: same.length < worlds.length || same.some((world) => world.guessed),
      },
      most: [],
      least: [],
    };
  }
  let length = 0;
  while (
    worlds.every(({ lines }) => lines[length] !== undefined && lines[length]!.code === smallest.lines[length]?.code)
  )
    length++;
  const beginning = smallest.lines.slice(0, length);
  const lines = beginning.filter(({ id }) => id !== null).length === before.lines.length ? beginning : before.lines;
  const same = worlds.filter((world) => world.lines.length === lines.length && standsAt(world.lines, lines, 0));
  // What is in doubt may turn out to be more of the invoice.
  const open = new Set([...same.flatMap((world) => [...world.open]), ...before.open, lines.length]);
  return {
    world: {
      lines,
      open: new Set([...open].filter((at) => at <= lines.length)),
      cursors: new Set([...same.flatMap((world) => [...world.cursors]), lines.length]),
      headed: before.lines.length > 0 ? before.headed : smallest.headed,
      // Lines may be missing anywhere from here on.
      guessed: true,
    },
    most: without(largest.lines, lines).map(({ line }) => line),
    least: without(smallest.lines, lines).map(({ line }) => line),
  };
}

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
