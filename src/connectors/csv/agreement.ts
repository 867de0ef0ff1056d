import { holds, standsAt, without } from './entries.ts';
import type { World } from './worlds.ts';

/**
 * What a set of worlds agrees on. When all have the same lines it is any of them, with its order guessed when theirs differ. Else it is how
 * all of them begin, or what was known before; what any of them has beyond that is in doubt, and what each of them has is certain.
 */
export function agreement<Line>(
  worlds: readonly World<Line>[],
  before: World<Line>,
): { world: World<Line>; most: Line[]; least: Line[] } {
  const smallest = worlds.reduce((least, world) => (world.lines.length < least.lines.length ? world : least));
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
  const beyond = worlds.map((world) => without(world.lines, lines));
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
    most: beyond.reduce((all, more) => all.concat(without(more, all))).map(({ line }) => line),
    least: beyond.reduce((all, others) => without(all, without(all, others))).map(({ line }) => line),
  };
}
