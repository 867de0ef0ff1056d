/** How one hop stands: what is on one side and not on the other. */
export interface Hop {
  readonly compared: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly outOfOrder: number;
  /** What is on both sides, and not the same. */
  readonly differences: number;
  /** Both sides' sums, as decimals, and how far they are apart. */
  readonly money?: { readonly there: string; readonly here: string; readonly difference: string };
  /** Each difference in words. */
  readonly wrong: readonly string[];
}

/** Counts differences as it is told of them. */
export class Tally {
  lost = 0;
  duplicated = 0;
  outOfOrder = 0;
  compared = 0;
  differences = 0;
  readonly wrong: string[] = [];

  miss(words: string, count = 1): void {
    this.lost += count;
    this.wrong.push(words);
  }

  /** Neither lost nor doubled, but not what it should be. */
  differ(words: string): void {
    this.differences += 1;
    this.wrong.push(words);
  }

  extra(words: string, count = 1): void {
    this.duplicated += count;
    this.wrong.push(words);
  }

  get hop(): Hop {
    const { compared, lost, duplicated, outOfOrder, differences, wrong } = this;
    return { compared, lost, duplicated, outOfOrder, differences, wrong };
  }
}

export const text = (minor: number): string => (minor / 100).toFixed(2);
export const minorOf = (amount: number): number => Math.round(amount * 100);
export const moneyOf = (there: number, here: number) => ({
  money: { there: text(there), here: text(here), difference: text(there - here) },
});
