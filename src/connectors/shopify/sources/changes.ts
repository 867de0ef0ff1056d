import { milliseconds } from '../../../core/clock.ts';
import type { Context, Incoming } from '../../../core/connector.ts';
import { rejected } from '../../../core/fault.ts';
import type { Answer } from '../transport.ts';

/** One record as a list names it. */
export interface Change {
  readonly id: string;
  /** RFC 3339, whole seconds. */
  readonly updatedAt: string;
}

export interface List<C extends Change> {
  readonly nodes: readonly C[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

interface Reading<C extends Change> {
  /** The search of the very first look; '' is everything. */
  readonly first: string;
  /** One page of what changed, oldest change first. */
  list(query: string, after: string | null, cx: Context): Promise<Answer<List<C>>>;
  /** Facts of the changes, some at a time and in their order; `count` says how many of the changes they are of. */
  read(changes: readonly C[], cx: Context): AsyncIterable<{ readonly items: Incoming[]; readonly count: number }>;
}

interface Cursor {
  /** The newest change that was read. */
  readonly at: string;
}

/** Listed again before each cursor: a change may be found by search only some time after it was made. */
const OVERLAP_MS = milliseconds('15s');
/** Now and then listed from further back, for what search shows very late. */
const SWEEP_MS = milliseconds('5m');
const SWEEP_EVERY_MS = milliseconds('1m');
/** A record read this long after its change was read with all changes of that second. */
const SETTLED_MS = milliseconds('3s');
/** Shopify pages no further than 25,000 records into one search. */
const DEEPEST = 20_000;

const instant = (text: string): number => {
  const at = Date.parse(text);
  if (Number.isNaN(at)) throw rejected(`Shopify gave '${text.slice(0, 40)}' for a time`, 'not-understood', 'updatedAt');
  return at;
};

const later = (a: string | null, b: string): string => (a === null || instant(b) > instant(a) ? b : a);

/** `at` less some milliseconds, as a search writes it. */
const before = (at: string, ms: number): string => new Date(instant(at) - ms).toISOString().replace(/\.\d+Z$/, 'Z');

/**
 * Reads what changed since a cursor (Polling Consumer): lists ids by their time of change from a little before the cursor, reads whole only what was
 * not read yet, and moves the cursor on with what is stored. What was read within the overlap is remembered here, so that each look costs little; another hub, or this
 * one after a restart, reads it once more and the ledger knows it.
 */
export class Changes<C extends Change> {
  readonly #reading: Reading<C>;
  readonly #known = new Map<string, string>();
  #sweptAt = Number.NEGATIVE_INFINITY;

  constructor(reading: Reading<C>) {
    this.#reading = reading;
  }

  async *pull(cursor: string | null, cx: Context): AsyncGenerator<{ items: Incoming[]; cursor: string }> {
    const since = cursor === null ? null : (JSON.parse(cursor) as Cursor);
    const now = cx.clock.monotonic();
    const sweeps = now - this.#sweptAt >= SWEEP_EVERY_MS;
    let from = since === null ? null : before(since.at, sweeps ? SWEEP_MS : OVERLAP_MS);
    let newest = since?.at ?? null;
    for (let after: string | null = null, seen = 0; ; ) {
      const query = from === null ? this.#reading.first : `updated_at:>='${from}'`;
      const { data: page, at } = await this.#reading.list(query, after, cx);
      const fresh = page.nodes.filter((change) => !this.#isKnown(change, since));
      let done = 0;
      for await (const { items, count } of this.#reading.read(fresh, cx)) {
        const some = fresh.slice(done, done + count);
        newest = later(newest, some.at(-1)!.updatedAt);
        yield { items, cursor: JSON.stringify({ at: newest }) };
        // Only now is it stored.
        for (const change of some) this.#remember(change, at);
        done += count;
      }
      const last = page.nodes.at(-1);
      if (!page.pageInfo.hasNextPage || !last) break;
      seen += page.nodes.length;
      after = page.pageInfo.endCursor;
      if (seen >= DEEPEST && from !== last.updatedAt) [from, after, seen] = [last.updatedAt, null, 0];
    }
    if (sweeps) this.#sweptAt = now;
    if (newest !== null) this.#forget(newest);
  }

  /** Only within the overlap: what lies after the cursor is read whatever is remembered. */
  #isKnown({ id, updatedAt }: C, since: Cursor | null): boolean {
    return since !== null && instant(updatedAt) <= instant(since.at) && this.#known.get(id) === updatedAt;
  }

  #remember({ id, updatedAt }: C, readAt: Date): void {
    if (readAt.getTime() - instant(updatedAt) >= SETTLED_MS) this.#known.set(id, updatedAt);
  }

  #forget(newest: string): void {
    const oldest = instant(newest) - 2 * SWEEP_MS;
    for (const [id, updatedAt] of this.#known) if (instant(updatedAt) < oldest) this.#known.delete(id);
  }
}
