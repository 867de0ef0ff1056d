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
    const fair = this.#turn % FAIR === FAIR - 1;
    const age = (one: T): number => this.#asked.get(one)!;
    return [...this.#asked.keys()].sort((a, b) => (fair ? 0 : b.priority - a.priority) || age(a) - age(b));
  }

  /** It was asked whether it has something to do, and what it had is done. Who may do nothing for now is not asked, and keeps its place: the others would be served for good while a target keeps asking to wait. */
  asked(one: T, did: boolean): void {
    this.#asks += 1;
    this.#asked.set(one, this.#asks);
    if (did) this.#turn += 1;
  }
}
