/** Every so many turns the one that has waited longest comes first, whatever its priority. */
const FAIR = 4;

/**
 * Whose turn it is among those that share one writer: the highest priority first, among equals the one that was asked longest ago, so that nobody who always has something to do keeps
 * the others from it.
 */
export class Turns<T extends { readonly priority: number }> {
  readonly #asked: Map<T, number>;
  #turn = 0;
  #asks = 0;

  constructor(all: readonly T[]) {
    this.#asked = new Map(all.map((one) => [one, 0]));
  }

  /** All of them, in the order in which they are to be asked this time. */
  next(): T[] {
    this.#turn += 1;
    const fair = this.#turn % FAIR === 0;
    const age = (one: T): number => this.#asked.get(one)!;
    return [...this.#asked.keys()].sort((a, b) => (fair ? 0 : b.priority - a.priority) || age(a) - age(b));
  }

  /** It had its turn, whether it had something to do or not. */
  asked(one: T): void {
    this.#asks += 1;
    this.#asked.set(one, this.#asks);
  }
}
