/** What a store counts and prices itself, beside what it is told: by `location/sku` and `list/sku`, codes in the store's own letters. */
export interface OwnFigures {
  readonly levels?: Map<string, string>;
  readonly prices?: Map<string, { readonly currency: string; readonly amount: number }>;
}

interface Question {
  readonly levels?: readonly { readonly location: string; readonly sku: string }[];
  readonly prices?: readonly { readonly list: string; readonly sku: string }[];
}

/** The entry of a book by a key in any case of letters, and the code as the book writes it. */
function entry<T>(book: ReadonlyMap<string, T> | undefined, key: string): { sku: string; value: T } | null {
  for (const [own, value] of book ?? [])
    if (own.toUpperCase() === key.toUpperCase()) return { sku: own.slice(own.indexOf('/') + 1), value };
  return null;
}

/** The store's answer to `POST /figures`. */
export function figuresOf({ levels, prices = [] }: Question, own: OwnFigures, now: Date): object {
  if (levels)
    return {
      levels: levels.map(({ location, sku }) => {
        const found = entry(own.levels, `${location}/${sku}`);
        return found && { location, sku: found.sku, available: found.value, asOf: now.toISOString() };
      }),
    };
  return {
    prices: prices.map(({ list, sku }) => {
      const found = entry(own.prices, `${list}/${sku}`);
      return found && { list, sku: found.sku, ...found.value, compareAt: null, includesTax: true };
    }),
  };
}
