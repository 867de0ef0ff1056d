import { isBought } from './assortment.ts';
import { LIST } from './back-office.ts';
import type { CounterQuestions, Kind, ToldFigure } from './counter-questions.ts';
import type { BooksLedger } from './ledgers.ts';
import { places } from './places.ts';
import { type Hop, minorOf, Tally } from './tally.ts';

/** How old an answer may be, and how long Odoo is waited for. In milliseconds. */
interface AnswerLimits {
  readonly fresh: number;
  /** Where Odoo does not answer. */
  readonly stale: number;
  readonly within: number;
}

/** What the till asked at the counter, what came of it, and what was promised of the answers. */
export interface Lookups extends Pick<CounterQuestions, 'told' | 'unanswered' | 'wrong'> {
  readonly limits: Readonly<Record<Kind, AnswerLimits>>;
}

const noLimits: AnswerLimits = { fresh: 0, stale: 0, within: 0 };

export const unasked: Lookups = { told: [], unanswered: 0, wrong: [], limits: { levels: noLimits, prices: noLimits } };

/** What a figure was from a moment on. */
interface Step {
  readonly at: number;
  readonly value: number | null;
}

/** Clocks and ages are in whole milliseconds. */
const ROUNDING = 5;

/** Free pieces of each product in the place that was asked for: of all its locations together. */
function freeOverTime(free: BooksLedger['figures']['free']): ReadonlyMap<string, Step[]> {
  const here = free.filter(({ location }) => location?.startsWith(`${places.central.code}/`));
  return stepsOf(here, (records) => records.reduce((sum, one) => sum + one.free, 0));
}

const pricesOverTime = (prices: BooksLedger['figures']['prices']): ReadonlyMap<string, Step[]> =>
  stepsOf(
    prices.filter(({ list }) => list === LIST),
    (records) =>
      records.map(({ amount }) => (amount === null ? null : minorOf(amount))).find((one) => one !== null) ?? null,
  );

/** A step for each transaction, by SKU: what its records say together after it. */
function stepsOf<F extends BooksLedger['figures']['free' | 'prices'][number]>(
  told: readonly F[],
  together: (records: readonly F[]) => number | null,
): Map<string, Step[]> {
  const bySku = Map.groupBy(told, ({ default_code: sku }) => sku ?? '?');
  return new Map(
    [...bySku].map(([sku, all]) => {
      const records = new Map<number, F>();
      const steps = [...Map.groupBy(all, ({ commit }) => commit).values()].map((changed) => {
        for (const one of changed) records.set(one.id, one);
        return { at: Date.parse(changed[0]!.at), value: together([...records.values()]) };
      });
      return [sku, steps] as const;
    }),
  );
}

/** All that it was within a time. */
const valuesWithin = (steps: readonly Step[], from: number, to: number): (number | null)[] => [
  steps.findLast(({ at }) => at < from)?.value ?? null,
  ...steps.filter(({ at }) => at >= from && at <= to).map(({ value }) => value),
];

/**
 * What the till was told at the counter was so in Odoo at the moment that the answer speaks of, and no answer was older than the look-up promises. Of goods that are bought, what is on its way to
 * Odoo is taken off: of these as much is told as was free, or less.
 */
export function lookupsInStore({ told, unanswered, wrong, limits }: Lookups, { figures }: BooksLedger): Hop {
  const tally = new Tally();
  for (const words of wrong) tally.miss(words);
  if (told.length === 0 && unanswered > 0) tally.miss(`${unanswered} questions of the till, and no answer`, unanswered);
  const steps = { levels: freeOverTime(figures.free), prices: pricesOverTime(figures.prices) };
  for (const one of told) {
    const { kind, sku, value, age, stale } = one;
    tally.compared += 1;
    const limit = limits[kind];
    const most = (stale ? limit.stale : limit.fresh) + limit.within;
    if (age > most) tally.differ(`${sku}: told ${age / 1000} s after Odoo said so, at most ${most / 1000} s`);
    const there = valuesThen(one, steps[kind].get(sku) ?? [], limit);
    if (!isTrue(one, there))
      tally.differ(`${sku}: the till was told ${value ?? 'nothing'} (${kind}), in Odoo ${there.join(', then ')}`);
  }
  return tally.hop;
}

/** What Odoo may have answered: it was read within the time that it is waited for, before it was heard. */
const valuesThen = ({ askedAt, toldAt, age }: ToldFigure, steps: readonly Step[], { within }: AnswerLimits) =>
  valuesWithin(steps, askedAt - age - within - ROUNDING, toldAt - age + ROUNDING);

function isTrue({ kind, sku, value }: ToldFigure, there: readonly (number | null)[]): boolean {
  if (value === null) return false;
  if (kind === 'prices') return there.includes(value);
  const free = there.map((one) => Math.max(0, one ?? 0));
  return isBought({ sku }) ? value <= Math.max(...free) : free.includes(value);
}
