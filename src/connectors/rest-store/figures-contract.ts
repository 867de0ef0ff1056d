import { type Static, type TSchema, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { FaultError, faultOf, rejected } from '../../core/fault.ts';
import { readJson } from '../../core/json.ts';
import { momentOf } from '../../core/moment.ts';
import { Decimal, expect, Id, Moment, orNull, posted } from './contract.ts';

/** Figures in one question. */
export const MOST_ASKED = 100;

/** What the hub says beside a figure that it gives on. */
const heard = {
  age: Type.Optional(Type.Number({ minimum: 0, description: 'Seconds since the system that has it said so.' })),
  stale: Type.Optional(
    Type.Literal(true, { description: 'That system does not answer now, and this is what it said last.' }),
  ),
};

const Level = Type.Object(
  {
    location: Id("The store's own code of the place; the hub's for a place that is none of the store's."),
    sku: Id('Code.'),
    available: Decimal('What may be sold from there now; below 0 counts as nothing.'),
    asOf: Moment('When it was counted.'),
    ...heard,
  },
  { title: 'Level' },
);

const { list, sku, currency, amount, compareAt, includesTax } =
  posted.price.properties.data.properties.prices.items.properties;
const Price = Type.Object({ list, sku, currency, amount, compareAt, includesTax, ...heard }, { title: 'Price' });

const several = <S extends TSchema>(schema: S) => Type.Array(schema, { minItems: 1, maxItems: MOST_ASKED });
const names = { location: Level.properties.location, list, sku };
const askedOf = {
  levels: Type.Object({ levels: several(Type.Object({ location: names.location, sku: names.sku })) }),
  prices: Type.Object({ prices: several(Type.Object({ list: names.list, sku: names.sku })) }),
};

const problem = Type.String({
  maxLength: 2000,
  description: 'Why nothing can be said of it; the others are answered.',
});
const answers = {
  levels: Type.Union([Level, Type.Object({ location: names.location, sku: names.sku, problem }), Type.Null()]),
  prices: Type.Union([Price, Type.Object({ list: names.list, sku: names.sku, problem }), Type.Null()]),
};

/** What is asked at `/figures`, either way, and what is answered: one for each, in the same order; null for what is not there. */
export const figures = {
  asked: Type.Union([askedOf.levels, askedOf.prices], { title: 'FiguresAsked' }),
  answered: Type.Union(
    [Type.Object({ levels: several(answers.levels) }), Type.Object({ prices: several(answers.prices) })],
    { title: 'Figures' },
  ),
};

export type StoreLevel = Static<typeof Level>;
export type StorePrice = Static<typeof Price>;

type FiguresAsked = Static<typeof figures.asked>;

const checks = {
  asked: { levels: Compile(askedOf.levels), prices: Compile(askedOf.prices) },
  some: Compile(Type.Object({ levels: Type.Optional(Type.Unknown()), prices: Type.Optional(Type.Unknown()) })),
  levels: Compile(Type.Object({ levels: Type.Array(Type.Unknown()) })),
  prices: Compile(Type.Object({ prices: Type.Array(Type.Unknown()) })),
  untold: Compile(Type.Object({ problem: Type.String() })),
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

/** What a store asks. Throws `rejected` naming the first field that is not what the contract says. */
export function readAsked(body: Uint8Array): FiguresAsked {
  const value = expect(checks.some, readJson(body));
  if ((value.levels === undefined) === (value.prices === undefined))
    throw rejected("a question asks for 'levels' or for 'prices', one of them", 'not-the-contract', 'levels');
  return value.levels === undefined ? expect(checks.asked.prices, value) : expect(checks.asked.levels, value);
}

/** Throws `rejected` where the store says why it can say nothing. */
function assertTold(value: unknown): void {
  if (checks.untold.Check(value)) throw rejected(`the store says: ${value.problem.slice(0, 500)}`, 'not-told');
}

/** One level, or null. Throws `rejected` naming the first field that is not what the contract says. */
export function readLevel(value: unknown): StoreLevel | null {
  assertTold(value);
  const level = expect(checks.level, value);
  if (level === null || !Number.isNaN(momentOf(level.asOf))) return level;
  throw rejected(`the store says '${level.asOf}', which is no moment`, 'not-the-contract', 'asOf');
}

export function readPrice(value: unknown): StorePrice | null {
  assertTold(value);
  return expect(checks.price, value);
}
