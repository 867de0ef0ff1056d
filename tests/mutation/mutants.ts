import { sourceMutants } from './source.ts';
import { policyMutants, sqlMutants } from './sql.ts';

/** One way in which code is wrong: a place in a file, and what stands there instead. */
export interface Mutant {
  readonly line: number;
  readonly at: number;
  readonly from: string;
  readonly to: string;
}

/** Ranges of a migration's functions of these names, or all of it. */
function functionsOf(text: string, names: readonly string[] | undefined): [number, number][] {
  if (!names) return [[0, text.length]];
  return names.map((name) => {
    const start = text.search(new RegExp(`create (or replace )?(function|policy|table) ${name}\\b`));
    if (start < 0) throw new Error(`there is no '${name}'`);
    const end = text.indexOf('\n\n', start);
    return [start, end < 0 ? text.length : end];
  });
}

/** The text of a migration with blanks where its comments are. */
const withoutComments = (text: string): string =>
  text.replaceAll(/--[^\n]*|\/\*.*?\*\//gs, (comment) => comment.replaceAll(/[^\n]/g, ' '));

/** Every mutant of a file's text, within the functions, methods and constants of these names; in all of it without them. */
export function mutantsOf(file: string, text: string, within: readonly string[] | undefined): Mutant[] {
  const found = file.endsWith('.sql')
    ? functionsOf(text, within).flatMap(([start, end]) => [
        ...sqlMutants(withoutComments(text), start, end),
        ...policyMutants(withoutComments(text), start, end),
      ])
    : sourceMutants(file, text, within);
  const known = new Set<string>();
  return found
    .filter(({ at, from, to }) => from !== to && known.size < known.add(`${at} ${from} ${to}`).size)
    .map((place) => ({ ...place, line: text.slice(0, place.at).split('\n').length }))
    .sort((a, b) => a.at - b.at);
}

/** The text with the mutant in it. */
export const mutated = (text: string, { at, from, to }: Mutant): string =>
  text.slice(0, at) + to + text.slice(at + from.length);
