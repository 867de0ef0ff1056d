import type { Context } from '../../../core/connector.ts';
import type { Odoo } from '../database.ts';
import type { Row } from '../rows.ts';
import { earlier, later, timeOf } from './cursor.ts';

/** A model whose rows tell that a record changed. */
export interface Watched {
  readonly model: string;
  /** What else its rows must be; `write_date` is added. */
  readonly domain: readonly unknown[];
  /** Field with the record that the row belongs to: `id`, or a relation to it. */
  readonly root: string;
}

/** Rows that were listed and not taken in yet, with the records they belong to. */
export interface Slice {
  /** Ids of records to read. */
  readonly roots: readonly number[];
  /** Server's time before which nothing else can be new: where to go on, once all of it is stored. */
  readonly upTo: string;
  /** False: there is more. */
  readonly whole: boolean;
  /** Call when what was read of the roots is stored. */
  remember(): void;
}

interface Seen {
  readonly at: string;
  readonly settled: boolean;
}

const PAGE = 2000;
/** Rows after which a slice is worth storing: a hub that was away for a week gets on in steps. */
const ENOUGH = 20_000;

/**
 * Lists what changed by `write_date`, ids and times only. Odoo writes there when a transaction *began*, so a row may appear among older ones: each
 * poll goes back to before the oldest that can still commit (`settled`). A row that was seen is passed over until then, and looked at once more
 * when nothing older can come any more: a long transaction may have changed it again within the same second.
 *
 * What was seen is remembered by the process, and only what is stored: it saves reading, never more.
 *
 * @see odoo.md §4 (overlap); run on 18 and 19
 */
export class Changes {
  readonly #watched: readonly Watched[];
  #seen = new Map<string, Seen>();

  constructor(watched: readonly Watched[]) {
    this.#watched = watched;
  }

  forget(): void {
    this.#seen.clear();
  }

  /** What changed since `since` (inclusive). `settled`: nothing with an earlier `write_date` can commit any more. `now`: by the server's clock. */
  async next(odoo: Odoo, since: string, settled: string, now: string, cx: Context): Promise<Slice> {
    const roots = new Set<number>();
    const listed: [string, Seen][] = [];
    let upTo = settled;
    let whole = true;
    for (const watched of this.#watched) {
      const { rows, end } = await this.#list(odoo, watched, since, settled, cx);
      if (end !== null && end < upTo) upTo = end;
      if (end !== null) whole = false;
      for (const row of rows) {
        const at = String(row.write_date).slice(0, 19);
        const key = `${watched.model} ${String(row.id)}`;
        const seen: Seen = { at, settled: at < settled };
        const before = this.#seen.get(key);
        if (before?.at === at && (before.settled || !seen.settled)) continue;
        // The second is not over: the row may be written once more within it.
        if (at < now) listed.push([key, seen]);
        for (const root of idsOf(row[watched.root])) roots.add(root);
      }
    }
    return {
      roots: [...roots].sort((a, b) => a - b),
      upTo: later(since, upTo),
      whole,
      remember: () => {
        for (const [key, seen] of listed) this.#seen.set(key, seen);
      },
    };
  }

  /** Forgets what lies before the cursor: it will not be listed again. */
  prune(since: string): void {
    for (const [key, { at }] of this.#seen) if (at < since) this.#seen.delete(key);
  }

  /**
   * All rows of the window, paged by id: Odoo tells whole seconds and orders by microseconds, so a place in the order of time cannot be named.
   * A window that holds too much is cut in halves of time, down to a second. `end` is where it was cut, null when it was not.
   */
  async #list(
    odoo: Odoo,
    { model, domain, root }: Watched,
    since: string,
    settled: string,
    cx: Context,
  ): Promise<{ rows: Row[]; end: string | null }> {
    const fields = root === 'id' ? ['write_date'] : ['write_date', root];
    const from = [...domain, ['write_date', '>=', since]];
    const first = await odoo.read(model, from, fields, cx, 'id', PAGE);
    if (first.length < PAGE) return { rows: first, end: null };
    // What may still change cannot be left for later: only what is settled is cut.
    let end = since < settled ? settled : null;
    const window = () => (end === null ? from : [...from, ['write_date', '<', end]]);
    if (end !== null && (await odoo.count(model, from, cx)) <= ENOUGH) end = null;
    while (end !== null && earlier(end, 1000) > since && (await odoo.count(model, window(), cx)) > ENOUGH)
      end = between(since, end);
    const rows: Row[] = [];
    for (;;) {
      const last = rows.at(-1)?.id ?? 0;
      const page = await odoo.read(model, [...window(), ['id', '>', last]], fields, cx, 'id', PAGE);
      rows.push(...page);
      if (page.length < PAGE) return { rows, end };
    }
  }
}

/** The whole second half way between two, later than the first. */
function between(from: string, to: string): string {
  const way = Math.max(timeOf(to) - timeOf(from), 0);
  return earlier(from, -Math.max(Math.floor(way / 2000) * 1000, 1000));
}

function idsOf(value: unknown): number[] {
  if (typeof value === 'number') return [value];
  if (!Array.isArray(value)) return [];
  return typeof value[1] === 'string' ? [value[0] as number] : (value as number[]);
}
