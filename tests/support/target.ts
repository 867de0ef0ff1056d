import type { Context, Found, Idempotency, Item, Result, Sink } from '../../src/core/connector.ts';
import type { FaultError } from '../../src/core/fault.ts';
import { type NativeNote, NoteDocument } from './hub.ts';

type Note = Required<NativeNote>;
export type NoteItem = Item<Note>;

/** A change in the target, as the target itself recorded it. */
export interface Effect {
  key: string;
  n: number;
  /** The record that was made or changed. */
  id: string;
  made: boolean;
}

/**
 * What the engine delivers to, with a ledger of its own that knows nothing of the engine's. With `byKey` it sees that a record of the same key
 * is the same (external id); without, every write without an id makes another record.
 */
export class Target {
  readonly effects: Effect[] = [];
  readonly records = new Map<string, { id: string; n: number }[]>();
  readonly calls: { at: number; keys: string[] }[] = [];
  readonly finds: { at: number; keys: string[] }[] = [];
  readonly #byKey: boolean;
  #pending: { due: number; items: readonly NoteItem[] }[] = [];
  #made = 0;

  constructor(options: { byKey?: boolean } = {}) {
    this.#byKey = options.byKey ?? true;
  }

  /** Writes items now; answers as the target would. */
  commit(items: readonly NoteItem[]): Result[] {
    return items.map((item) => ({ outcome: 'done', id: this.#write(item) }));
  }

  /** Writes items `delay` milliseconds from now, whoever is still there to hear of it; in order of time with all other work. */
  commitLater(items: readonly NoteItem[], delay: number): void {
    this.#pending.push({ due: performance.now() + delay, items });
    setTimeout(() => this.catchUp(), delay + 5);
  }

  /** Does what was due by now: work that was due before a call arrived comes before it, also when this process was slow. */
  catchUp(): void {
    const now = performance.now();
    const due = this.#pending.filter((work) => work.due <= now).sort((a, b) => a.due - b.due);
    this.#pending = this.#pending.filter((work) => work.due > now);
    for (const { items } of due) this.commit(items);
  }

  #write(item: NoteItem): string {
    const { n } = item.document;
    const held = this.records.get(item.key) ?? [];
    this.records.set(item.key, held);
    const record = this.#byKey ? held[0] : held.find(({ id }) => id === item.id);
    if (!record) {
      this.#made += 1;
      const id = `${item.key}#${this.#made}`;
      held.push({ id, n });
      this.effects.push({ key: item.key, n, id, made: true });
      return id;
    }
    if (record.n !== n) {
      record.n = n;
      this.effects.push({ key: item.key, n, id: record.id, made: false });
    }
    return record.id;
  }

  /** The values a key went through. */
  values(key: string): number[] {
    return this.effects.filter((effect) => effect.key === key).map(({ n }) => n);
  }

  /** Keys with more than one record, keys whose values ever went back, and keys that do not hold `wanted`. */
  verdict(wanted: ReadonlyMap<string, number>): { doubled: string[]; outOfOrder: string[]; lost: string[] } {
    const keys = [...this.records.keys()];
    return {
      doubled: keys.filter((key) => this.records.get(key)!.length > 1),
      outOfOrder: keys.filter((key) => this.values(key).some((n, index, all) => index > 0 && n <= all[index - 1]!)),
      lost: [...wanted].filter(([key, n]) => this.records.get(key)?.[0]?.n !== n).map(([key]) => key),
    };
  }

  /** A sink on this target. `answer` stands for the world: it commits through the target, or not, and answers or throws. */
  sink(
    options: Partial<Pick<Sink, 'name' | 'settle' | 'deadline' | 'batch'>> & {
      idempotency?: Idempotency;
      answer?: (items: readonly NoteItem[], cx: Context) => Promise<Result[]> | Result[];
      find?: (keys: string[]) => Found[];
    } = {},
  ): Sink<typeof NoteDocument> {
    const { answer = (items) => this.commit(items), find, ...rest } = options;
    return {
      name: 'notes',
      accepts: NoteDocument,
      idempotency: this.#byKey ? 'external-id' : 'find-first',
      settle: 0,
      deadline: '10s',
      batch: { max: 50, onFailure: 'independent' },
      ...rest,
      find: async (items) => {
        const keys = items.map(({ key }) => key);
        this.catchUp();
        this.finds.push({ at: performance.now(), keys });
        if (find) return find(keys);
        return keys.map((key) => {
          const record = this.records.get(key)?.[0];
          return record ? { found: 'whole', id: record.id } : { found: 'absent' };
        });
      },
      deliver: async (items, cx) => {
        this.catchUp();
        this.calls.push({ at: performance.now(), keys: items.map(({ key }) => key) });
        return answer(items, cx);
      },
    };
  }
}

/** An answer that never came: the connection broke off. */
export const cut = (): never => {
  throw new Error('socket hang up');
};

const failed = (fault: FaultError['fault']): Result => ({ outcome: 'failed', fault });
export const early = (message: string, cause: string): Result => failed({ kind: 'early', message, cause });
export const transient = (message = 'try again later'): Result => failed({ kind: 'transient', message });
export const throttled = (retryAfter: number): Result =>
  failed({ kind: 'throttled', message: 'too many requests', retryAfter });
export const rejection = (message = 'the record is wrong', cause?: string): Result =>
  failed({ kind: 'rejected', message, ...(cause ? { cause } : {}) });
export const refusal = (message = 'invalid key'): Result => failed({ kind: 'refused', message });

/** A promise that a test resolves itself. */
export function gate(): { opened: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** Waits until `condition` holds; fails after `seconds`. */
export async function until(what: string, condition: () => unknown, seconds = 120): Promise<void> {
  const end = performance.now() + seconds * 1000;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not within ${seconds} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** How much larger than in `npm test` the heavy tests are: CROSSDOCK_TEST_SCALE, 1 when unset. */
export const scale = Number(process.env.CROSSDOCK_TEST_SCALE ?? 1);
