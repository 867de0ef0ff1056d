import { storedText } from '../core/money.ts';
import type { Figures } from '../ledger/figures.ts';

/** Amounts as plain decimals in the currency's own digits. */
interface MoneySummary {
  received: string;
  posted: string;
  excepted: string;
  /** received − posted − excepted: what is on its way, and zero when nothing is. */
  difference: string;
  /** The same with line values added up without their sign. */
  absolute: { received: string; posted: string; excepted: string };
}

/** What came in and what became of it, as `demo`, `start --until-idle`, `status` and the status page show it. */
export interface Summary {
  /** `waiting` are not routed yet. */
  events: { received: number; duplicate: number; routed: number; excepted: number; waiting: number };
  /** Source lines: `posted` carry money, `adjusted` do not (stock), `excepted` stand at an Exception. */
  lines: { received: number; posted: number; adjusted: number; excepted: number };
  /** `waiting` includes those being sent and those whose answer was lost. */
  deliveries: { delivered: number; superseded: number; waiting: number; parked: number };
  documents: Record<string, number>;
  /** By ISO 4217 code. */
  money: Record<string, MoneySummary>;
  /** Open ones, most frequent first; `value` and `currency` are null where no money is at stake. */
  exceptions: { cause: string; count: number; value: string | null; currency: string | null }[];
}

type MeasureRow = Figures['measures'][number];

export function summarise({ events, deliveries, documents, measures, exceptions }: Figures): Summary {
  const rows = (what: MeasureRow['what']): MeasureRow[] => measures.filter((row) => row.what === what);
  const received = rows('received');
  const posted = rows('bound').filter(({ currency }) => currency !== null);
  const adjusted = rows('bound').filter(({ currency, lines }) => currency === null && lines > 0);
  const excepted = rows('excepted');
  const currencies = [...new Set(measures.flatMap(({ currency }) => currency ?? []))].sort();
  return {
    events: {
      received: events.received,
      duplicate: events.duplicate,
      routed: events.routed,
      excepted: events.excepted,
      waiting: events.waiting,
    },
    lines: {
      received: linesOf(received),
      posted: linesOf(posted),
      adjusted: linesOf(adjusted),
      excepted: linesOf(excepted),
    },
    deliveries: {
      delivered: deliveries.delivered,
      superseded: deliveries.superseded,
      waiting: deliveries.waiting + deliveries.leased + deliveries.unknown,
      parked: deliveries.parked,
    },
    documents,
    money: Object.fromEntries(
      currencies.map((currency) => [currency, moneySummary(currency, received, posted, excepted)]),
    ),
    exceptions: byCause(exceptions),
  };
}

const linesOf = (rows: readonly MeasureRow[]): number => rows.reduce((total, { lines }) => total + lines, 0);

function moneySummary(
  currency: string,
  received: readonly MeasureRow[],
  posted: readonly MeasureRow[],
  excepted: readonly MeasureRow[],
): MoneySummary {
  const total = (rows: readonly MeasureRow[], field: 'minor' | 'absolute'): bigint =>
    rows.reduce((sum, row) => (row.currency === currency ? sum + row[field] : sum), 0n);
  const text = (minor: bigint): string => storedText({ minor, currency });
  const [came, arrived, stands] = [total(received, 'minor'), total(posted, 'minor'), total(excepted, 'minor')];
  return {
    received: text(came),
    posted: text(arrived),
    excepted: text(stands),
    difference: text(came - arrived - stands),
    absolute: {
      received: text(total(received, 'absolute')),
      posted: text(total(posted, 'absolute')),
      excepted: text(total(excepted, 'absolute')),
    },
  };
}

/** One row per cause and currency; a cause's rows without money count with its first currency, so that most causes are one row. */
function byCause(exceptions: Figures['exceptions']): Summary['exceptions'] {
  const sums = new Map<string, { cause: string; currency: string | null; count: number; minor: bigint }>();
  const moneyFirst = [...exceptions].sort((a, b) => Number(a.currency === null) - Number(b.currency === null));
  for (const { cause, currency, count, minor } of moneyFirst) {
    const same = [...sums.values()].find((sum) => sum.cause === cause && (currency ?? sum.currency) === sum.currency);
    if (same) {
      same.count += count;
      same.minor += minor;
    } else sums.set(`${cause} ${currency}`, { cause, currency, count, minor });
  }
  return [...sums.values()]
    .sort((a, b) => b.count - a.count || (a.cause < b.cause ? -1 : 1))
    .map(({ cause, currency, count, minor }) => ({
      cause,
      count,
      value: currency === null ? null : storedText({ minor, currency }),
      currency,
    }));
}
