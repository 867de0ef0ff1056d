/** A line among those of one invoice; lines that are equal have the same code. */
export interface Entry<Line> {
  readonly code: number;
  readonly line: Line;
  /** Null for what this batch brought. */
  readonly id: string | null;
}

/** True when `part` stands in `whole` at `at`. */
export const standsAt = <Line>(whole: readonly Entry<Line>[], part: readonly Entry<Line>[], at: number): boolean => {
  if (at < 0 || at + part.length > whole.length) return false;
  for (let i = 0; i < part.length; i++) if (whole[at + i]!.code !== part[i]!.code) return false;
  return true;
};

/** True when the last `length` lines of `left` are the first of `right`. */
export const overlaps = <Line>(
  left: readonly Entry<Line>[],
  right: readonly Entry<Line>[],
  length: number,
): boolean => {
  if (length > left.length || length > right.length) return false;
  for (let i = 0; i < length; i++) if (left[left.length - length + i]!.code !== right[i]!.code) return false;
  return true;
};

const countsOf = <Line>(entries: readonly Entry<Line>[]): Map<number, number> => {
  const counts = new Map<number, number>();
  for (const { code } of entries) counts.set(code, (counts.get(code) ?? 0) + 1);
  return counts;
};

/** True when `many` has every line of `few`, as often. */
export const holds = <Line>(many: readonly Entry<Line>[], few: readonly Entry<Line>[]): boolean => {
  const counts = countsOf(many);
  return [...countsOf(few)].every(([code, count]) => (counts.get(code) ?? 0) >= count);
};

export const without = <Line>(entries: readonly Entry<Line>[], taken: readonly Entry<Line>[]): Entry<Line>[] => {
  const left = countsOf(taken);
  return entries.filter(({ code }) => {
    const rest = left.get(code) ?? 0;
    if (rest > 0) left.set(code, rest - 1);
    return rest === 0;
  });
};
