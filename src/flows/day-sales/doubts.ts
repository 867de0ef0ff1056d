import type { Doubt, KnownLine, Merge } from '../../connectors/csv/lines.ts';
import { keyOf, type Memory, type Row } from './memory.ts';

type Untold = Merge<Row>['untold'][number];

/**
 * Takes lines that have now been told from the doubts that are open. `causes` names the doubts that are smaller for it; all that is `left` of
 * these is asked anew with this Event, and `pending` holds them no more.
 */
export function answerDoubts(
  pending: Memory['pending'],
  told: readonly KnownLine<Row>[],
): { pending: Memory['pending']; causes: Doubt[]; left: Untold[] } {
  const counts = new Map<string, number>();
  for (const { line } of told) counts.set(keyOf(line), (counts.get(keyOf(line)) ?? 0) + 1);
  const untold = Object.values(pending).flatMap((questions) => questions.untold);
  const reduced = untold.map(({ why, lines, least }) => {
    const rows = lines.map(asRow);
    const gone = rows.filter((row) => {
      const count = counts.get(keyOf(row)) ?? 0;
      if (count > 0) counts.set(keyOf(row), count - 1);
      return count > 0;
    });
    return { why, lines: without(rows, gone), least: without(least.map(asRow), gone), fewer: gone.length > 0 };
  });
  const causes = [...new Set(reduced.filter(({ fewer }) => fewer).map(({ why }) => why))];
  if (causes.length === 0) return { pending, causes, left: [] };
  const others = Object.entries(pending).map(
    ([event, questions]) =>
      [event, { ...questions, untold: questions.untold.filter(({ why }) => !causes.includes(why)) }] as const,
  );
  return {
    pending: Object.fromEntries(
      others.filter(([, { untold, held }]) => untold.length > 0 || Object.keys(held).length > 0),
    ),
    causes,
    left: reduced.filter(({ why, lines }) => causes.includes(why) && lines.length > 0),
  };
}

/** `rows` less one of each of `others`. */
function without(rows: readonly Row[], others: readonly Row[]): Row[] {
  const left = [...rows];
  for (const other of others) {
    const at = left.findIndex((row) => keyOf(row) === keyOf(other));
    if (at >= 0) left.splice(at, 1);
  }
  return left;
}

export const asRow = (values: readonly string[]): Row => ({ values });

export const asKnown = ({ lines }: { lines: readonly Row[] }): KnownLine<Row>[] =>
  lines.map((line) => ({ id: '0', line }));
