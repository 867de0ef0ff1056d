import type { Context } from '../../core/connector.ts';
import { rejected } from '../../core/fault.ts';
import type { Shop } from './shop.ts';

/** One record as a list names it. */
export interface Change {
  readonly id: string;
  /** RFC 3339 with milliseconds. */
  readonly updated_at: string;
  readonly created_at?: string;
}

export interface Listing {
  /** `/admin/orders`, and the name of the list in the answer. */
  readonly path: string;
  readonly list: string;
  readonly fields: string;
  readonly pageSize: number;
}

export interface ChangedPage<C> {
  readonly records: readonly C[];
  /** The newest time so far; null where nothing was ever seen. */
  readonly newest: string | null;
}

const instant = (text: string): number => {
  const at = Date.parse(text);
  if (Number.isNaN(at)) throw rejected(`Medusa gave '${text.slice(0, 40)}' for a time`, 'not-understood', 'updated_at');
  return at;
};

const later = (a: string | null, b: string): string => (a === null || instant(b) > instant(a) ? b : a);

/**
 * What changed since a moment, oldest change first. Medusa pages by offset, in no certain order within one moment, and a record that changes meanwhile moves to
 * the end and lets one slip through between two pages: so each page is asked for by the time of the last one's last record, and where all of a page is
 * of one moment a larger page of it.
 */
export async function* changed<C extends Change>(
  shop: Shop,
  { path, list, fields, pageSize }: Listing,
  since: string | null,
  cx: Context,
  by: 'updated_at' | 'created_at' = 'updated_at',
): AsyncGenerator<ChangedPage<C>> {
  const seen = new Map<string, string>();
  let newest: string | null = null;
  for (let from = since, size = pageSize; ; ) {
    const answer: Readonly<Record<string, unknown>> = await shop.read(
      path,
      { fields, order: by, limit: String(size), ...(from === null ? {} : { [`${by}[$gte]`]: from }) },
      cx,
    );
    const page = answer[list];
    if (!Array.isArray(page)) throw rejected(`Medusa's answer has no ${list}`, 'not-understood', list);
    const all = page as C[];
    const fresh = all.filter(({ id, [by]: at }) => seen.get(id) !== at);
    for (const { id, [by]: at } of fresh) {
      seen.set(id, at!);
      newest = later(newest, at!);
    }
    if (fresh.length > 0) yield { records: fresh, newest };
    const last = all.at(-1)?.[by];
    if (all.length < size || last === undefined) return;
    if (last === from) size *= 2;
    else {
      [from, size] = [last, pageSize];
      // Only what is of this moment can come again.
      for (const [id, at] of seen) if (at !== from) seen.delete(id);
    }
  }
}
