import { milliseconds } from '../../../core/clock.ts';
import type { Context, Incoming } from '../../../core/connector.ts';
import { FaultError, rejected } from '../../../core/fault.ts';
import { bulkCalls } from '../documents/bulk.ts';
import { type Document, inCurrency } from '../documents/document.ts';
import type { UserError } from '../errors.ts';
import type { Shop } from '../shop.ts';
import { isGone, type Row, readBulkFile } from './bulk-file.ts';
import type { Change, Changes } from './changes.ts';

interface Operation {
  readonly id: string;
  readonly status: 'CREATED' | 'RUNNING' | 'COMPLETED' | 'FAILED' | 'CANCELING' | 'CANCELED' | 'EXPIRED';
  readonly errorCode: 'ACCESS_DENIED' | 'INTERNAL_SERVER_ERROR' | 'TIMEOUT' | null;
  readonly createdAt: string;
  readonly query: string;
  readonly url: string | null;
  readonly partialDataUrl: string | null;
}

interface Loading<C extends Change> {
  /** The search of all that is wanted; '' is everything. */
  readonly search: string;
  readonly asks: (search: string) => Document;
  /** How many records the search finds, at most `limit`. */
  count(search: string, limit: number, cx: Context): Promise<number>;
  /** The fact of an object of the file; null where the file does not tell all of it. */
  factOf(record: Row, parts: readonly Row[]): Incoming | null;
  /** As in Changes: reads whole what the file does not tell. */
  read(some: readonly C[], cx: Context): AsyncIterable<{ readonly items: Incoming[] }>;
}

/** A load under way: the operation, how much of its file was read (bytes), and how many operations came to nothing. */
interface Load {
  readonly id: string;
  readonly read: number;
  readonly tries: number;
}

interface Cursor {
  readonly at: string | null;
  readonly load?: Load;
}

interface Page {
  readonly items: Incoming[];
  readonly cursor: string;
}

const text = (cursor: Cursor): string => JSON.stringify(cursor);

/** Objects stored in one commit. */
const TOGETHER = 100;
/** Operations that may come to nothing before all is read page by page. */
const MOST_TRIES = 3;
/** A file is kept for seven days; one of the last day is not begun with. */
const YOUNGEST_MS = milliseconds('6d');

/**
 * The first read of a shop that has much: one bulk operation instead of thousands of calls. Shopify writes a file meanwhile, and what changes in the meantime is
 * read as ever from the moment on in which the operation was made, so that nobody waits for it. How far the file was read is stored with what was read.
 * A hub that was killed when it had asked for the operation finds it again by its query. Where bulk operations do not work the rest comes page by page, as it does where there is little.
 *
 * @see https://shopify.dev/docs/api/usage/bulk-operations/queries
 */
export class FirstLoad<C extends Change> {
  readonly #shop: Shop;
  readonly #loading: Loading<C>;
  readonly #changes: Changes<C>;

  constructor(shop: Shop, loading: Loading<C>, changes: Changes<C>) {
    this.#shop = shop;
    this.#loading = loading;
    this.#changes = changes;
  }

  async *pull(cursor: string | null, cx: Context): AsyncGenerator<Page> {
    let now: Cursor = cursor === null ? { at: null } : (JSON.parse(cursor) as Cursor);
    if (cx.look) {
      // What a bulk operation tells comes too late for a look: all that a load under way has still to bring is read by pages.
      const from = now.load ? null : now.at;
      return yield* this.#changes.pull(from === null ? null : text({ at: from }), cx);
    }
    if (cursor === null && (await this.#isMuch(cx))) {
      const began = await this.#begin(0, cx);
      if (began === 'later') return;
      if (began !== 'pages') {
        now = began;
        yield { items: [], cursor: text(now) };
      }
    }
    if (now.load)
      for await (const page of this.#load(now.load, now.at, cx)) {
        now = JSON.parse(page.cursor) as Cursor;
        yield page;
      }
    const { at, load } = now;
    for await (const page of this.#changes.pull(at === null ? null : text({ at }), cx))
      yield load ? { ...page, cursor: text({ ...(JSON.parse(page.cursor) as Cursor), load }) } : page;
  }

  async #isMuch(cx: Context): Promise<boolean> {
    const { bulkFrom } = this.#shop.settings;
    if (bulkFrom === Number.POSITIVE_INFINITY) return false;
    return (await this.#loading.count(this.#loading.search, bulkFrom, cx)) >= bulkFrom;
  }

  /** Finds or makes the operation; `later` where Shopify runs as many as it does at a time, `pages` where it makes none. */
  async #begin(tries: number, cx: Context): Promise<Cursor | 'later' | 'pages'> {
    if (tries >= MOST_TRIES) return 'pages';
    const { settings } = this.#shop;
    const query = inCurrency(this.#loading.asks(this.#loading.search), settings.money).text;
    const since = new Date(cx.clock.now().getTime() - YOUNGEST_MS).toISOString();
    const { bulkOperations } = await this.#shop.call<{ bulkOperations: { nodes: Operation[] } }>(
      bulkCalls.bulksLately,
      { query: `operation_type:query created_at:>='${since}'` },
      cx,
    );
    const good = ({ status, query: asked }: Operation): boolean =>
      words(asked) === words(query) && (status === 'CREATED' || status === 'RUNNING' || status === 'COMPLETED');
    const known = bulkOperations.nodes
      .filter(good)
      .sort((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt))[0];
    // What came to nothing before is not gone on with.
    const made = known && tries === 0 ? known : await this.#run(query, cx);
    if (typeof made === 'string') return made;
    return { at: made.createdAt, load: { id: made.id, read: 0, tries } };
  }

  async #run(query: string, cx: Context): Promise<Operation | 'later' | 'pages'> {
    interface Told {
      readonly bulkOperationRunQuery: {
        readonly bulkOperation: Operation | null;
        readonly userErrors: UserError[];
      } | null;
    }
    const told = await this.#shop.call<Told>(bulkCalls.runBulk, { query }, cx).catch((error: unknown) => {
      // Some access tokens may read all, but not in bulk.
      if (error instanceof FaultError && error.fault.kind === 'refused') return null;
      throw error;
    });
    const made = told?.bulkOperationRunQuery;
    if (made?.bulkOperation) return made.bulkOperation;
    const [error] = made?.userErrors ?? [];
    if (error?.code === 'OPERATION_IN_PROGRESS' || error?.code === 'LIMIT_REACHED') {
      cx.log.info('Shopify runs as many bulk operations as it does at a time; the first load waits');
      return 'later';
    }
    cx.log.warn('Shopify makes no bulk operation; everything is read page by page', { code: error?.code ?? 'none' });
    return 'pages';
  }

  /** Goes on with an operation: waits, reads its file, or begins another one. */
  async *#load(load: Load, at: string | null, cx: Context): AsyncGenerator<Page> {
    const { bulkOperation: one } = await this.#shop.call<{ bulkOperation: Operation | null }>(
      bulkCalls.bulkNow,
      { id: load.id },
      cx,
    );
    if (one?.status === 'CREATED' || one?.status === 'RUNNING' || one?.status === 'CANCELING') return;
    let unfit = false;
    try {
      if (one?.status === 'COMPLETED') {
        if (one.url !== null) yield* this.#file(one.url, load, at, true, cx);
        cx.log.info('the first load by a bulk operation has been read', { operation: one.id });
        yield { items: [], cursor: text({ at }) };
        return;
      }
      if (one?.partialDataUrl) yield* this.#file(one.partialDataUrl, { ...load, read: 0 }, at, false, cx);
    } catch (error) {
      unfit = error instanceof FaultError && (error.fault.kind === 'rejected' || error.fault.kind === 'refused');
      if (!isGone(error) && !unfit) throw error;
      cx.log.warn((error as Error).message);
    }
    cx.log.warn('a bulk operation came to nothing', { operation: load.id, status: one?.status, code: one?.errorCode });
    // A query that takes too long or is denied is so again.
    const again =
      !unfit && one?.status !== 'CANCELED' && (one?.errorCode ?? 'INTERNAL_SERVER_ERROR') === 'INTERNAL_SERVER_ERROR';
    const next = again ? await this.#begin(load.tries + 1, cx) : 'pages';
    if (next !== 'later') yield { items: [], cursor: text(next === 'pages' ? { at: null } : next) };
  }

  /** What an operation's file tells, some objects at a time. */
  async *#file(url: string, load: Load, at: string | null, whole: boolean, cx: Context): AsyncGenerator<Page> {
    let items: Incoming[] = [];
    let rest: C[] = [];
    let read = load.read;
    const flush = async (): Promise<Page> => {
      for await (const page of this.#loading.read(rest, cx)) items.push(...page.items);
      const page = { items, cursor: text({ at, load: { ...load, read } }) };
      [items, rest] = [[], []];
      return page;
    };
    for await (const { record, parts, end } of readBulkFile(this.#shop.settings, url, load.read, whole, cx)) {
      const fact = this.#loading.factOf(record, parts);
      if (fact) items.push(fact);
      else rest.push(changeOf(record) as C);
      read = end;
      if (items.length + rest.length >= TOGETHER) yield await flush();
    }
    if (items.length + rest.length > 0) yield await flush();
  }
}

/** A query without regard to how it is laid out. */
const words = (query: string): string => query.replace(/\s+/g, ' ').trim();

function changeOf({ id, updatedAt }: Row): Change {
  if (typeof id !== 'string' || typeof updatedAt !== 'string')
    throw rejected('an object of a bulk file has no id or time of change', 'not-understood', 'id');
  return { id, updatedAt };
}

/** Parts of one kind, as a page of them would have them. */
export const partsOf = (
  parts: readonly Row[],
  kind: string,
  most = Number.POSITIVE_INFINITY,
  without: readonly string[] = [],
): Row[] =>
  parts
    .filter(({ __typename }) => __typename === kind)
    .slice(0, most)
    .map((part) =>
      Object.fromEntries(
        Object.entries(part).filter(([name]) => !['__typename', '__parentId', ...without].includes(name)),
      ),
    );
