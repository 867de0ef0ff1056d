import { type Entry, holds, overlaps, standsAt, without } from './entries.ts';

/** One explanation of everything seen so far. */
export interface World<Line> {
  readonly lines: readonly Entry<Line>[];
  readonly open: ReadonlySet<number>;
  readonly cursors: ReadonlySet<number>;
  readonly headed: boolean;
  readonly guessed: boolean;
}

/** A piece, or several that are one, on its way into the known lines. */
export interface Part<Line> {
  readonly lines: readonly Entry<Line>[];
  readonly atStart: boolean;
  readonly atEnd: boolean;
  readonly headed: boolean;
  /** It may go on where another file ended. */
  readonly mayContinue: boolean;
  /** It goes on where another file ended: it has no header and comes right after a file that has one. */
  readonly mustContinue: boolean;
}

export const nowhere: ReadonlySet<number> = new Set();

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
export function explain<Line>(world: World<Line>, part: Part<Line>): World<Line>[] {
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
