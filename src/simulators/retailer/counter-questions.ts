import type { Random } from '../../core/clock.ts';
import type { RestStore } from '../rest-store.ts';
import { PRICES } from './counter.ts';

export type Kind = 'levels' | 'prices';

/** One figure that the hub told at the counter. Moments in milliseconds since 1970. */
export interface ToldFigure {
  readonly kind: Kind;
  readonly sku: string;
  /** When the question left the till, and when the answer was there. */
  readonly askedAt: number;
  readonly toldAt: number;
  /** Pieces, or minor units; null: the hub says that there is none, or that nothing can be said. */
  readonly value: number | null;
  /** Milliseconds since Odoo said so; `stale`: because it does not answer now. */
  readonly age: number;
  readonly stale: boolean;
}

/** By the store contract. */
type Answered = Readonly<
  Record<
    Kind,
    readonly ({
      readonly available?: string;
      readonly amount?: number;
      readonly age?: number;
      readonly stale?: true;
    } | null)[]
  >
>;

/** The place whose stock is asked for: the store knows its own. */
const ELSEWHERE = 'central';

const NOT_OURS = `whsec_${Buffer.alloc(32, 8).toString('base64')}`;

/** Customers at the counter who want to know what there is elsewhere and what it costs: the till asks the hub while it sells, and somebody who is not the store asks too. */
export class CounterQuestions {
  readonly #store: RestStore;
  readonly #random: Random;
  /** Where the till asks. */
  readonly #hub: string;
  readonly told: ToldFigure[] = [];
  /** Questions of which the hub said that nothing can be said now. */
  unanswered = 0;
  /** What the store contract does not allow, in words. */
  readonly wrong: string[] = [];

  constructor(store: RestStore, random: Random, hub: string) {
    this.#store = store;
    this.#random = random;
    this.#hub = hub;
  }

  /** One customer; nothing happens while the till knows of no goods. */
  async ask(): Promise<void> {
    const known = [...this.#store.prices.keys()].map((key) => key.slice(PRICES.length + 1));
    if (known.length === 0) return;
    const some = Array.from({ length: 1 + Math.floor(this.#random() * 4) }, () =>
      Math.floor(this.#random() * known.length),
    );
    const skus = [...new Set(some)].map((place) => known[place]!);
    await Promise.all([this.#question('levels', skus), this.#question('prices', skus), this.#asStranger(skus)]);
  }

  async #question(kind: Kind, skus: readonly string[]): Promise<void> {
    const askedAt = Date.now();
    try {
      const response = await this.#store.ask(this.#hub, questionOf(kind, skus));
      const answer = (await response.json()) as Answered & { readonly code?: string };
      const toldAt = Date.now();
      if (response.status === 503 && answer.code === 'LOOKUP_UNANSWERED') this.unanswered += 1;
      else if (response.status !== 200) this.wrong.push(`${kind} of ${skus.join(', ')}: answered ${response.status}`);
      else
        for (const [place, sku] of skus.entries()) {
          const { available, amount, age = 0, stale = false } = answer[kind][place] ?? {};
          const value = Number(kind === 'levels' ? available : amount);
          this.told.push({
            ...{ kind, sku, askedAt, toldAt },
            ...{ value: Number.isNaN(value) ? null : value, age: age * 1000, stale },
          });
        }
    } catch (error) {
      this.wrong.push(`${kind} of ${skus.join(', ')}: not answered (${(error as Error).message})`);
    }
  }

  /** Now and then. */
  async #asStranger(skus: readonly string[]): Promise<void> {
    if (this.#random() >= 0.2) return;
    const { status } = await this.#store.ask(this.#hub, questionOf('levels', skus), NOT_OURS);
    if (status !== 401) this.wrong.push(`levels of ${skus.join(', ')}: a stranger who asked was answered ${status}`);
  }
}

const questionOf = (kind: Kind, skus: readonly string[]): object => ({
  [kind]: skus.map((sku) => (kind === 'levels' ? { location: ELSEWHERE, sku } : { list: PRICES, sku })),
});
