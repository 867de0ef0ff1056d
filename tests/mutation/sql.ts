import type { Mutant } from './mutants.ts';

const CLOCK = /clock_timestamp|now\(\)|expires_at|lease_until|not_before|quiet_until|ready_at/;
/** What ends a condition, at its own depth. */
const END =
  /^(?:and|or|order by|limit|returning|for (?:no key )?(?:update|share|key)|group by|on conflict|union|then|when|else|end|from|where|set|using|with check)\b/;

/** Where the condition (or list) that begins at `start` ends: at a keyword, a comma or a closing bracket of its own depth. */
function endOf(text: string, start: number, listed = false): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const one = text[at]!;
    if (one === '`') return at;
    if (one === '(') depth += 1;
    if (one === ')') depth -= 1;
    if (depth < 0 || (depth === 0 && (one === ';' || (one === ',' && !listed)))) return at;
    if (depth === 0 && /\s/.test(one) && END.test(text.slice(at + 1))) return at;
  }
  return text.length;
}

/**
 * Mistakes in statements of SQL, in `text` from `start` on: a condition less (of WHERE, ON, WHEN), a comparison the other way round or off by its
 * boundary, a lock that is not taken, a conflict that is not expected, an order that is not kept, the later of two moments for the earlier.
 */
export function sqlMutants(whole: string, start: number, end: number): Omit<Mutant, 'line'>[] {
  const text = whole.slice(start, end);
  const found: Omit<Mutant, 'line'>[] = [];
  const add = (at: number, from: string, to: string): void => void found.push({ at: start + at, from, to });
  const each = (pattern: RegExp, make: (match: RegExpExecArray) => void): void => {
    for (const match of text.matchAll(pattern)) make(match);
  };

  each(/\s(and|or)\s+(?!replace)(?=\S)/g, ({ index, 0: word }) =>
    add(index, text.slice(index, endOf(text, index + word.length)), ''),
  );
  each(/\b(where|on|when)\s+(?!conflict)(?=\S)/g, ({ index, 0: word }) => {
    const stop = endOf(text, index + word.length);
    const next = /^\s+(and|or)\s+/.exec(text.slice(stop));
    if (next) add(index + word.length, text.slice(index + word.length, stop + next[0].length), '');
    else if (word.startsWith('where')) add(index, text.slice(index, stop), '');
  });
  // Whether a moment is just before or just at another is nothing that a test can arrange by the ledger's clock: the other way round then.
  each(/ (<=|>=|<|>) (?!=)/g, ({ index, 0: from, 1: sign }) => {
    const about = text.slice(Math.max(0, index - 20), index + 40);
    const turned: Record<string, string> = { '<=': '>', '>=': '<', '<': '>=', '>': '<=' };
    const off: Record<string, string> = { '<=': '<', '>=': '>', '<': '<=', '>': '>=' };
    add(index, from, ` ${(CLOCK.test(about) ? turned : off)[sign!]} `);
  });
  each(/ is (not )?null\b/g, ({ index, 0: from, 1: not }) => add(index, from, not ? ' is null' : ' is not null'));
  each(/\bnot (exists|in|like)\b/g, ({ index, 0: from, 1: kept }) => add(index, from, kept!));
  each(/\s+for (no key update|key share|update|share)( skip locked)?/g, ({ index, 0: from, 2: skip }) => {
    add(index, from, '');
    if (skip) add(index, from, from.slice(0, -skip.length));
  });
  each(/\s+on conflict( \([^)]*\))? do nothing/g, ({ index, 0: from }) => add(index, from, ''));
  each(/\b(greatest|least)\(/g, ({ index, 0: from }) => add(index, from, from === 'least(' ? 'greatest(' : 'least('));
  each(/ ([+-]) (?=\S)/g, ({ index, 0: from }) => add(index, from, from === ' + ' ? ' - ' : ' + '));
  // The order in which rows are locked keeps deadlocks away, which are repeated: it shows in the time it takes only.
  each(/\sorder by\s+/g, ({ index, 0: word }) => {
    const stop = endOf(text, index + word.length, true);
    if (!/^\s+(for|on conflict)\b/.test(text.slice(stop))) add(index, text.slice(index, stop), '');
  });
  return found;
}

/** Mistakes in row-level security and rights, as migrations give them. */
export function policyMutants(whole: string, start: number, end: number): Omit<Mutant, 'line'>[] {
  const text = whole.slice(start, end);
  const drop = [
    /^.*\b(?:enable|force) row level security.*$/gm,
    /^.*create policy[^;]*;(?: *end if;)?$/gm,
    / with check \([^\n]*?\)(?='|;)/g,
    / nosuperuser nobypassrls/g,
    /^ *perform protect_entity.*$/gm,
  ];
  return [
    ...drop.flatMap((pattern) =>
      [...text.matchAll(pattern)].map(({ index, 0: from }) => ({ at: start + index, from, to: '' })),
    ),
    ...[...text.matchAll(/ = (?=[a-z('])/g)].map(({ index, 0: from }) => ({ at: start + index, from, to: ' <> ' })),
  ];
}
