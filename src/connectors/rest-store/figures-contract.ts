import { type Static, type TSchema, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { FaultError, faultOf, rejected } from '../../core/fault.ts';
import { readJson } from '../../core/json.ts';
import { momentOf } from '../../core/moment.ts';
import { Decimal, expect, Id, Moment, orNull, posted } from './contract.ts';

/** Figures in one question. */
export const MOST_ASKED = 100;

const Level = Type.Object(
  {
    location: Id("The store's own code of the place."),
    sku: Id('Code.'),
    available: Decimal('What may be sold from there now; below 0 counts as nothing.'),
    asOf: Moment('When it was counted.'),
  },
  { title: 'Level' },
);

const { list, sku, currency, amount, compareAt, includesTax } =
  posted.price.properties.data.properties.prices.items.properties;
const Price = Type.Object({ list, sku, currency, amount, compareAt, includesTax }, { title: 'Price' });

const several = <S extends TSchema>(schema: S) => Type.Array(schema, { minItems: 1, maxItems: MOST_ASKED });
const names = { location: Level.properties.location, list, sku };

/** What the hub asks `POST /figures`, and what it is answered: one for each, in the same order; null for what the store does not have. */
export const figures = {
  asked: Type.Union(
    [
      Type.Object({ levels: several(Type.Object({ location: names.location, sku: names.sku })) }),
      Type.Object({ prices: several(Type.Object({ list: names.list, sku: names.sku })) }),
    ],
    { title: 'FiguresAsked' },
  ),
  answered: Type.Union(
    [Type.Object({ levels: several(orNull(Level)) }), Type.Object({ prices: several(orNull(Price)) })],
    {
      title: 'Figures',
    },
  ),
};

export type StoreLevel = Static<typeof Level>;
export type StorePrice = Static<typeof Price>;

const checks = {
  levels: Compile(Type.Object({ levels: Type.Array(Type.Unknown()) })),
  prices: Compile(Type.Object({ prices: Type.Array(Type.Unknown()) })),
  level: Compile(orNull(Level)),
  price: Compile(orNull(Price)),
};

/**
 * What was answered, to be looked at one by one. Throws a `transient` Fault for what is no list of `count`: that is the store's trouble, and says nothing of any one
 * figure.
 */
export function readFigures(kind: 'levels' | 'prices', body: Uint8Array, count: number): unknown[] {
  const all = listIn(kind, body);
  if (all.length === count) return all;
  throw new FaultError({ kind: 'transient', message: `the store answered ${all.length} ${kind} for ${count}` });
}

function listIn(kind: 'levels' | 'prices', body: Uint8Array): unknown[] {
  try {
    const value = readJson(body);
    return kind === 'levels' ? expect(checks.levels, value).levels : expect(checks.prices, value).prices;
  } catch (cause) {
    throw new FaultError(
      { kind: 'transient', message: `the store: ${faultOf(cause, 'transient').message}` },
      { cause },
    );
  }
}

/** One level, or null. Throws `rejected` naming the first field that is not what the contract says. */
export function readLevel(value: unknown): StoreLevel | null {
  const level = expect(checks.level, value);
  if (level === null || !Number.isNaN(momentOf(level.asOf))) return level;
  throw rejected(`the store says '${level.asOf}', which is no moment`, 'not-the-contract', 'asOf');
}

export const readPrice = (value: unknown): StorePrice | null => expect(checks.price, value);
