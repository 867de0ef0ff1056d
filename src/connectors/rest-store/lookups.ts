import type { Context } from '../../core/connector.ts';
import type { AnyDocumentType, BodyOf } from '../../core/document.ts';
import { FaultError, isOwn, rejected } from '../../core/fault.ts';
import type { Lookup, Said } from '../../core/lookup.ts';
import { PriceDocument } from '../../model/price.ts';
import { StockLevelDocument } from '../../model/stock-level.ts';
import { MOST_ASKED, readFigures, readLevel, readPrice } from './figures-contract.ts';

/** Posts a question to the store and gives the bytes of its answer. */
type Ask = (question: object, cx: Context) => Promise<Uint8Array>;

export type StoreLookups = {
  /** Of a store that counts its own stock, by `location/sku` (location of the hub). */
  readonly stockLevels: Lookup<typeof StockLevelDocument>;
  /** Of a store that keeps its prices, by `list/sku`. */
  readonly prices: Lookup<typeof PriceDocument>;
};

interface Figures<D extends AnyDocumentType> {
  readonly name: keyof StoreLookups;
  readonly gives: D;
  readonly keyForm: string;
  /** Name of the list in question and answer. */
  readonly kind: 'levels' | 'prices';
  /** How the store calls what stands before and behind the key's first `/`. */
  asked(before: string, sku: string): Readonly<Record<string, string>>;
  /** What one answer says, by the key that was asked for; null: the store has none. */
  said(value: unknown, key: string, asked: Readonly<Record<string, string>>): BodyOf<D> | null;
}

/** What a store can be asked for, where it serves `POST /figures`. `codeOf` is its own code of a location. */
export const storeLookups = (ask: Ask, codeOf: (location: string) => string): StoreLookups => ({
  stockLevels: lookupOf(ask, {
    name: 'stockLevels',
    gives: StockLevelDocument,
    keyForm: 'location/SKU',
    kind: 'levels',
    asked: (location, sku) => ({ location: codeOf(location), sku }),
    said: (value, id, asked) => {
      const level = readLevel(value);
      if (level === null) return null;
      same(level, asked, ['location', 'sku']);
      const { available, asOf } = level;
      const [location, sku] = partsOf(id);
      return { id, sku, location, available: available.startsWith('-') ? '0' : available, asOf };
    },
  }),
  prices: lookupOf(ask, {
    name: 'prices',
    gives: PriceDocument,
    keyForm: 'list/SKU',
    kind: 'prices',
    asked: (list, sku) => ({ list, sku }),
    said: (value, id, asked) => {
      const price = readPrice(value);
      if (price === null) return null;
      same(price, asked, ['list', 'sku']);
      const { age: _, stale: __, ...own } = price;
      return { ...own, sku: asked.sku!, id };
    },
  }),
});

const lookupOf = <D extends AnyDocumentType>(ask: Ask, figures: Figures<D>): Lookup<D> => ({
  name: figures.name,
  gives: figures.gives,
  keyForm: figures.keyForm,
  batch: MOST_ASKED,
  look: async (keys, cx) => {
    const asked = keys.map((key) => figures.asked(...partsOf(key)));
    // What the contract cannot ask for is not there: it would spoil the question for the others.
    const possible = keys
      .map((_, n) => n)
      .filter((n) => Object.values(asked[n]!).every((name) => /^.{1,100}$/su.test(name)));
    const said: Said<D>[] = keys.map(() => null);
    if (possible.length === 0) return said;
    const answer = await ask({ [figures.kind]: possible.map((n) => asked[n]) }, cx);
    const values = readFigures(figures.kind, answer, possible.length);
    for (const [place, n] of possible.entries()) said[n] = own(() => figures.said(values[place], keys[n]!, asked[n]!));
    return said;
  },
});

function partsOf(key: string): [before: string, sku: string] {
  const slash = key.indexOf('/');
  return [key.slice(0, Math.max(0, slash)), key.slice(slash + 1)];
}

/** Stores write SKUs in letters of any case. */
function same(told: object, asked: Readonly<Record<string, string>>, fields: readonly string[]): void {
  for (const field of fields) {
    const value = String((told as Record<string, unknown>)[field]);
    if (value.toUpperCase() !== asked[field]!.toUpperCase())
      throw rejected(
        `the store answered with ${field} '${value}' where '${asked[field]}' was asked for`,
        'not-the-contract',
        field,
      );
  }
}

function own<T>(work: () => T): T | FaultError {
  try {
    return work();
  } catch (error) {
    if (error instanceof FaultError && isOwn(error.fault)) return error;
    throw error;
  }
}
