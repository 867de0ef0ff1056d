import { type Duration, milliseconds } from '../../../core/clock.ts';
import type { Context, Incoming, PollSource } from '../../../core/connector.ts';
import { canonicalJson, sha256 } from '../../../core/seal.ts';
import type { Odoo } from '../database.ts';
import { Changes, type Watched } from './changes.ts';
import { begunOf, type Cursor, earlier, later, readCursor, readerOf, timeOf, writeCursor } from './cursor.ts';
import type { Turnstile } from './turnstile.ts';

/** A record as it was read, of any kind. */
export interface Native {
  readonly id: number;
  /** The newest time at which something of it was written, `YYYY-MM-DD HH:MM:SS` of the server. */
  readonly version: string;
}

/** How Odoo's changes are captured. */
export interface Capture {
  readonly odoo: Odoo;
  readonly turnstile: Turnstile;
  /** How far each poll looks back: longer than Odoo lets a transaction run (`limit_time_real`, 120 s), and for clocks that differ. */
  readonly overlap: Duration;
  /** How often everything is compared, for what leaves no trace: deletions, transactions beyond all limits. */
  readonly full: Duration;
  /** Records that are read and stored together. */
  readonly page: number;
}

export interface FeedParts<N extends Native> {
  readonly name: string;
  readonly every: Duration;
  /** What an operator calls a record, such as `product`; also part of subjects and dedupe keys. */
  readonly noun: string;
  watched(cx: Context): Promise<readonly Watched[]>;
  /** Model and domain of everything there is, for the first reading and the full comparisons. `begun`: when the hub began to read, by the server's clock. */
  all(cx: Context, begun: string): Promise<{ readonly model: string; readonly domain: readonly unknown[] }>;
  /** Reads records whole, as they are now; those that are none are left out. `now` is the server's clock. */
  read(ids: readonly number[], now: string, cx: Context, begun: string): Promise<N[]>;
  /** Ids of records that change without being written, because the clock passes a date of theirs. */
  due?(from: string, to: string, cx: Context): Promise<readonly number[]>;
  labels?(native: N): Readonly<Record<string, string>>;
  decode(bytes: Uint8Array): N;
}

/**
 * A poll source over what changes in Odoo (Polling Consumer): ids and times first, then what changed, whole. However often a record changed since the last
 * poll, it comes once, as it is now. The first reading and every `full` interval go through everything, by id, and between the pages of that
 * the changes of the meantime.
 */
export function feed<N extends Native>(capture: Capture, parts: FeedParts<N>): PollSource<N> {
  let reading: { cursor: string; changes: Changes } | null = null;
  return {
    kind: 'poll',
    name: parts.name,
    every: parts.every,
    coarseVersions: true,
    whole: true,
    async *pull(text, outer) {
      const cx = capture.turnstile.for(outer);
      const changes = reading?.cursor === text ? reading.changes : new Changes(await parts.watched(cx));
      reading = null;
      let last = text;
      for await (const page of pages(capture, parts, changes, text, cx)) {
        last = writeCursor(page.cursor);
        yield { items: page.items, cursor: last };
        page.stored();
      }
      if (last !== null) reading = { cursor: last, changes };
    },
    decode: (bytes) => parts.decode(bytes),
  };
}

interface Page {
  readonly items: Incoming[];
  readonly cursor: Cursor;
  stored(): void;
}

async function* pages<N extends Native>(
  capture: Capture,
  parts: FeedParts<N>,
  changes: Changes,
  text: string | null,
  cx: Context,
): AsyncGenerator<Page> {
  const { odoo, overlap, full } = capture;
  const back = milliseconds(overlap);
  let now = await odoo.now(cx);
  const begun = earlier(now, back);
  let cursor: Cursor =
    text === null ? { reader: readerOf(cx.node, now), since: begun, swept: now, after: 0 } : readCursor(text);
  if (cursor.after === null && timeOf(now) - timeOf(cursor.swept) >= milliseconds(full))
    cursor = { ...cursor, swept: now, after: 0 };
  for (;;) {
    for await (const page of changed(capture, parts, changes, cursor, now, cx)) {
      cursor = page.cursor;
      yield page;
    }
    const until = cx.clock.monotonic() + milliseconds(parts.every);
    while (cursor.after !== null && cx.clock.monotonic() < until) {
      const page = await sweep(capture, parts, cursor, now, cx);
      cursor = page.cursor;
      yield page;
    }
    if (cursor.after === null) return;
    now = await odoo.now(cx);
  }
}

/** What changed since the cursor, in pages; the cursor moves when all of a slice is stored. */
async function* changed<N extends Native>(
  { odoo, overlap, page }: Capture,
  parts: FeedParts<N>,
  changes: Changes,
  from: Cursor,
  now: string,
  cx: Context,
): AsyncGenerator<Page> {
  const back = milliseconds(overlap);
  let cursor = from;
  const settled = earlier(now, back);
  for (let whole = false; !whole; ) {
    const slice = await changes.next(odoo, cursor.since, settled, now, cx);
    whole = slice.whole;
    const due = whole && parts.due ? await parts.due(cursor.since, now, cx) : [];
    const roots = [...new Set([...slice.roots, ...due])];
    const last = roots.splice(roots.length - (roots.length % page || Math.min(page, roots.length)));
    for (let at = 0; at < roots.length; at += page) {
      const natives = await parts.read(roots.slice(at, at + page), now, cx, begunOf(cursor));
      yield { items: natives.map((native) => incomingOf(parts, native, now)), cursor, stored: () => undefined };
    }
    const natives = last.length === 0 ? [] : await parts.read(last, now, cx, begunOf(cursor));
    const since = later(cursor.since, slice.upTo);
    // An empty poll need not be written down each time: the window may grow to twice the overlap first.
    const idle = natives.length === 0 && whole && timeOf(since) - timeOf(cursor.since) < back;
    if (idle) {
      slice.remember();
      return;
    }
    cursor = { ...cursor, since };
    yield {
      items: natives.map((native) => incomingOf(parts, native, now)),
      cursor,
      stored: () => {
        slice.remember();
        changes.prune(since);
      },
    };
  }
}

/** One page of everything there is. */
async function sweep<N extends Native>(
  { odoo, page }: Capture,
  parts: FeedParts<N>,
  cursor: Cursor,
  now: string,
  cx: Context,
): Promise<Page> {
  const { model, domain } = await parts.all(cx, begunOf(cursor));
  const rows = await odoo.read(model, [...domain, ['id', '>', cursor.after]], ['id'], cx, 'id', page);
  const ids = rows.map(({ id }) => id as number);
  const natives = ids.length === 0 ? [] : await parts.read(ids, now, cx, begunOf(cursor));
  const after = ids.length < page ? null : ids.at(-1)!;
  return {
    items: natives.map((native) => incomingOf(parts, native, now)),
    cursor: { ...cursor, after },
    stored: () => undefined,
  };
}

/**
 * A record as a fact: known by its id, the time it was last written and what it says. Read within the very second of its version it may become another
 * and itself again before that second ends, so such a reading has a name of its own and the next one counts as well.
 */
function incomingOf<N extends Native>({ noun, labels }: FeedParts<N>, native: N, now: string): Incoming {
  const bytes = Buffer.from(canonicalJson(native));
  const early = native.version >= now ? ' early' : '';
  const named = labels?.(native);
  return {
    dedupeKey: `${noun} ${native.id} ${native.version} ${sha256(bytes).toString('hex').slice(0, 32)}${early}`,
    subject: `${noun}:${native.id}`,
    sourceVersion: BigInt(Math.trunc(timeOf(native.version) / 1000)),
    occurredAt: new Date(timeOf(native.version)),
    bytes,
    ...(named ? { labels: named } : {}),
  };
}
