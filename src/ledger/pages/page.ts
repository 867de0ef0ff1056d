/** What every list is asked for: newest first, the rows before `before`, at most `limit`. */
export interface PageTerms {
  limit: number;
  /** The last id of the page before, or null for the first page. */
  before: string | null;
  /** Rows from this moment on, or null. */
  since: Date | null;
  entity: string | null;
}

const LAST = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
const FIRST = '00000000-0000-0000-0000-000000000000';
const DAY = 86_400_000;

/** The range of ids (UUIDv7, in order of time) in which a page lies: a day of slack for clocks that differ. */
export function idRange({ before, since }: Pick<PageTerms, 'before' | 'since'>): [before: string, from: string] {
  if (since === null) return [before ?? LAST, FIRST];
  const time = Math.max(0, since.getTime() - DAY)
    .toString(16)
    .padStart(12, '0');
  return [before ?? LAST, `${time.slice(0, 8)}-${time.slice(8, 12)}${FIRST.slice(13)}`];
}
