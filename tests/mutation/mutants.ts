/** A part of the product whose tests are themselves tested: which functions, and which tests must notice when one of them is wrong. */
export interface Ward {
  readonly name: string;
  readonly file: string;
  /** Only within the functions (or methods, or constants) of these names; all of the file without them. */
  readonly within?: readonly string[];
  readonly tests: readonly string[];
}

/** One way in which code is wrong: a place in a file, and what stands there instead. */
export interface Mutant {
  readonly line: number;
  readonly at: number;
  readonly from: string;
  readonly to: string;
}

interface Rule {
  readonly pattern: RegExp;
  readonly to: (found: string) => string;
}

const swap = (pairs: Readonly<Record<string, string>>): Rule => ({
  pattern: new RegExp(
    Object.keys(pairs)
      .map((text) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`))
      .join('|'),
    'g',
  ),
  to: (found) => pairs[found]!,
});

const rules: readonly Rule[] = [
  swap({ ' === ': ' !== ', ' !== ': ' === ' }),
  swap({ ' <= ': ' < ', ' >= ': ' > ' }),
  { pattern: / < (?!=)/g, to: () => ' <= ' },
  { pattern: / > (?!=)/g, to: () => ' >= ' },
  swap({ ' && ': ' || ', ' || ': ' && ' }),
  swap({ ' + ': ' - ', ' - ': ' + ', ' += ': ' -= ' }),
  swap({ 'return true': 'return false', 'return false': 'return true' }),
  { pattern: /(?<=[(&|,=] ?)!(?=[a-z(])/g, to: () => '' },
  swap({ '.some(': '.every(', '.every(': '.some(' }),
  {
    pattern: /\b[1-9]\d*n?\b(?=[,;)\]])/g,
    to: (found) => (found.endsWith('n') ? `${BigInt(found.slice(0, -1)) + 1n}n` : String(Number(found) + 1)),
  },
  // In statements of SQL: a condition less.
  {
    pattern: / and (?!not exists)[a-z_.]+ ?(=|<>|<|>|<=|>=|is not|is) ?('[^']*'|\$\d+(::\w+)?|null|[a-z_.]+(\(\))?)/g,
    to: () => '',
  },
  { pattern: / and not exists \([^()]*(\([^()]*\)[^()]*)*\)/g, to: () => '' },
  { pattern: / for update| for share| for key share/g, to: () => '' },
  { pattern: / on conflict \([^)]*\) do nothing/g, to: () => '' },
];

/** The places of a text that are code of the named parts: from a declaration to the next line that closes it at the same depth. */
function rangesOf(text: string, names: readonly string[] | undefined): [number, number][] {
  if (!names) return [[0, text.length]];
  return names.map((name) => {
    const escaped = name.replaceAll('#', '\\#');
    const start = new RegExp(`^( *)(export )?(async )?(function |const )?${escaped}\\b[^;]*?[({=]`, 'm').exec(text);
    if (!start) throw new Error(`there is no '${name}'`);
    const rest = text.slice(start.index);
    const end = new RegExp(`^${start[1]}([})\\]]|\\S.*;$)`, 'm').exec(rest.slice(rest.indexOf('\n')));
    const oneLine = /;$/.test(rest.slice(0, rest.indexOf('\n')));
    return [start.index, start.index + (oneLine || !end ? rest.indexOf('\n') : rest.indexOf('\n') + end.index + 1)];
  });
}

const isComment = (line: string): boolean => /^\s*(\/\/|\*|\/\*|import )/.test(line);

/** Every mutant of a text within the named parts; none in comments and imports. */
export function mutantsOf(text: string, within: readonly string[] | undefined): Mutant[] {
  const found: Mutant[] = [];
  for (const [start, end] of rangesOf(text, within)) {
    let at = start;
    for (const line of text.slice(start, end).split('\n')) {
      const number = text.slice(0, at).split('\n').length;
      if (!isComment(line))
        for (const { pattern, to } of rules)
          for (const match of line.matchAll(pattern))
            found.push({ line: number, at: at + match.index, from: match[0], to: to(match[0]) });
      at += line.length + 1;
    }
  }
  return found;
}

/** The text with the mutant in it. */
export const mutated = (text: string, { at, from, to }: Mutant): string =>
  text.slice(0, at) + to + text.slice(at + from.length);
