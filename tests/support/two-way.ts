import { Type } from 'typebox';
import { seeded, systemClock } from '../../src/core/clock.ts';
import type { PollSource, Result, Sink } from '../../src/core/connector.ts';
import { defineDocument } from '../../src/core/document.ts';
import { defineEstate } from '../../src/core/estate.ts';
import { defineFlow } from '../../src/core/flow.ts';
import { Hub } from '../../src/engine/hub.ts';
import type { Terms } from '../../src/engine/parts.ts';
import { connectionOf, silent, type TestLedger } from './hub.ts';

/** A record that both sides keep and people change on both. `stock` only the right side knows. */
export const CardDocument = defineDocument({
  name: 'card',
  version: '1.0',
  schema: Type.Object({ id: Type.String(), text: Type.String(), stock: Type.Integer() }),
  key: (card) => card.id,
});

interface Held {
  text: string;
  stock: number;
  /** Nobody's business but this side's. */
  remark: string;
  version: number;
}

/** What a side tells of a record: its state at that moment. */
interface NativeCard {
  id: string;
  text: string;
  stock: number;
}

/** `slow` writes late, `slow answer` answers late. */
type World = 'fine' | 'cut before' | 'cut after' | 'transient' | 'slow' | 'slow answer';

interface SideOptions {
  /** What the side makes of a text it stores. */
  normalise?: (text: string) => string;
  /** What the hub is told of a write. */
  tells?: 'held and version' | 'held' | 'nothing';
  /** How many changes share one version; 1 counts each. */
  perVersion?: number;
  /** The side gives records ids of its own. */
  ownIds?: boolean;
  world?: () => World;
  /** Holds the answer to a write back until it resolves: what was written is told before. */
  answers?: () => Promise<unknown>;
}

/** A system with records that people and the hub change, and a feed of every change. */
export class Side {
  readonly name: string;
  readonly records = new Map<string, Held>();
  /** In the order in which they were made, by whom. */
  readonly changes: { id: string; text: string; by: 'person' | 'hub' }[] = [];
  readonly #options: SideOptions;
  #clock = 0;
  #made = 0;
  /** Set by the estate: hands a change to the hub. */
  tell: (id: string, bytes: Buffer, version: bigint | undefined, key: string) => void = () => undefined;

  constructor(name: string, options: SideOptions = {}) {
    this.name = name;
    this.#options = options;
  }

  get #version(): number {
    return Math.floor(this.#clock / (this.#options.perVersion ?? 1));
  }

  /** A person's doing. */
  set(id: string, change: Partial<Omit<Held, 'version'>>): void {
    this.#change(id, change, 'person');
  }

  text(id: string): string | undefined {
    return this.records.get(id)?.text;
  }

  #change(id: string, change: Partial<Omit<Held, 'version'>>, by: 'person' | 'hub'): Held {
    const before = this.records.get(id) ?? { text: '', stock: 0, remark: '', version: 0 };
    const text = (this.#options.normalise ?? ((same) => same))(change.text ?? before.text);
    const same =
      this.records.has(id) &&
      text === before.text &&
      (change.stock ?? before.stock) === before.stock &&
      change.remark === undefined;
    // A write that changes nothing bumps no version and tells nobody.
    if (same) return before;
    this.#clock += 1;
    const after = { ...before, ...change, text, version: this.#version };
    this.records.set(id, after);
    this.changes.push({ id, text, by });
    const native: NativeCard = { id, text, stock: after.stock };
    const version =
      this.#options.tells === 'nothing' || this.#options.tells === 'held' ? undefined : BigInt(this.#version);
    this.tell(id, Buffer.from(JSON.stringify(native)), version, `${id}/${this.#clock}`);
    return after;
  }

  source(): PollSource<NativeCard> {
    return {
      kind: 'poll',
      name: 'cards',
      every: '1h',
      coarseVersions: (this.#options.perVersion ?? 1) > 1,
      async *pull() {},
      decode: (bytes) => JSON.parse(Buffer.from(bytes).toString()),
    };
  }

  /** Writes `fields` only: what they are not is the side's own. */
  sink(fields: readonly ('text' | 'stock')[]): Sink<typeof CardDocument> {
    return {
      name: 'cards',
      accepts: CardDocument,
      idempotency: 'overwrite',
      settle: '150ms',
      deadline: this.#options.answers ? '60s' : '5s',
      batch: { max: 5, onFailure: 'independent' },
      deliver: async (items) => {
        const world = this.#options.world?.() ?? 'fine';
        if (world === 'cut before') throw new Error('socket hang up');
        if (world === 'transient')
          return items.map((): Result => ({ outcome: 'failed', fault: { kind: 'transient', message: 'busy' } }));
        if (world === 'slow') await new Promise((resolve) => setTimeout(resolve, 40));
        const results = items.map(({ key, id, document }): Result => {
          this.#made += 1;
          const own = id ?? (this.#options.ownIds && !this.records.has(key) ? `${this.name}${this.#made}` : key);
          const change = Object.fromEntries(fields.map((field) => [field, document[field]]));
          const held = this.#change(own, change, 'hub');
          const tells = this.#options.tells ?? 'held and version';
          return {
            outcome: 'done',
            id: own,
            ...(tells === 'nothing' ? {} : { held: { text: held.text, stock: held.stock } }),
            ...(tells === 'held and version' ? { version: BigInt(held.version) } : {}),
          };
        });
        if (world === 'slow answer') await new Promise((resolve) => setTimeout(resolve, 40));
        if (world === 'cut after') throw new Error('socket hang up');
        await this.#options.answers?.();
        return results;
      },
    };
  }
}

/** A hub between two sides: `text` flows both ways, `stock` from right to left; `back` is all that goes that way. */
export function twoWayHub(
  ledger: TestLedger,
  left: Side,
  right: Side,
  terms: Partial<Terms> = {},
  card: typeof CardDocument = CardDocument,
  back: readonly ('text' | 'stock')[] = ['text', 'stock'],
): Hub {
  const sources = { left: left.source(), right: right.source() };
  const sinks = { left: left.sink(back), right: right.sink(['text']) };
  const flow = (
    id: string,
    from: PollSource<NativeCard>,
    to: Sink<typeof CardDocument>,
    fields: readonly ('text' | 'stock')[],
  ) =>
    defineFlow({
      id,
      about: 'cards',
      documents: [card],
      from,
      to: { card: to },
      fields: { card: fields },
      shared: { card: ['text'] },
      latency: 'realtime',
      promise: { within: '1m', critical: false },
      onException: { owner: 'tests', within: '1d', hold: 'lane' },
      fallback: 'none',
      translate: async (native: NativeCard, look) => {
        const key = (await look.keyOf(card, native.id)) ?? native.id;
        const before = await look.current(card, key);
        const own = Object.fromEntries(fields.map((field) => [field, native[field]]));
        return {
          outcome: 'routed' as const,
          documents: [
            {
              kind: 'card' as const,
              body: { text: '', stock: 0, ...before, ...own, id: key },
              externalId: native.id,
            },
          ],
        };
      },
    });
  const estate = defineEstate({
    name: 'test',
    connections: {
      left: connectionOf({ sources: { cards: sources.left }, sinks: { cards: sinks.left as Sink } }),
      right: connectionOf({ sources: { cards: sources.right }, sinks: { cards: sinks.right as Sink } }),
    },
    flows: [
      flow('right-to-left', sources.right, sinks.left, back),
      flow('left-to-right', sources.left, sinks.right, ['text']),
    ],
  });
  const hub = new Hub({
    estate,
    db: ledger.db,
    vault: ledger.vault,
    clock: systemClock,
    random: seeded(1),
    log: silent,
    secret: () => 'secret',
    terms: { pollSeconds: 0.05, retrySeconds: [0.02, 0.1], attempts: 1000, ...terms },
  });
  for (const side of [left, right])
    side.tell = (id, bytes, version, key) => {
      const incoming = {
        dedupeKey: key,
        subject: `card:${id}`,
        occurredAt: new Date(),
        bytes,
        ...(version === undefined ? {} : { sourceVersion: version }),
      };
      told.push(hub.intake.receive({ connection: side.name, source: 'cards', incoming }));
    };
  const told: Promise<unknown>[] = [];
  return hub;
}
