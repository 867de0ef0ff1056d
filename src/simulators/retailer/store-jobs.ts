import type { Counter } from '../store-counter.ts';

/** What a store was asked to hand over or to send, as it was told last. */
export interface Job {
  readonly number: string;
  /** Number of the shop's order, or of the store's sale. */
  readonly order: string;
  readonly method: 'collect' | 'ship';
  readonly cancelled: boolean;
  readonly units: Readonly<Record<string, number>>;
  /** What it was asked for when it last said something: what it left behind may have been taken off since. */
  readonly unitsThen: Readonly<Record<string, number>>;
  /** What the store said of it, oldest first: `ready`, `collected`, `not-collected`, `shipped`. */
  readonly said: readonly string[];
}

/** Goods that left the store, each once. */
export interface Handover {
  readonly job: string;
  readonly order: string;
  /** '' where a customer collected them. */
  readonly tracking: string;
  readonly units: Readonly<Record<string, number>>;
}

type Lines = readonly { readonly sku: string; readonly quantity: string }[];

const unitsOf = (lines: Lines): Record<string, number> => {
  const units: Record<string, number> = {};
  for (const { sku, quantity } of lines) units[sku] = (units[sku] ?? 0) + Number(quantity);
  return units;
};

export const jobsOf = ({ jobs, reports, spokenOf }: Counter): Job[] =>
  [...jobs.values()].map(({ number, order, method, status, lines }) => ({
    number,
    order,
    method,
    cancelled: status === 'cancelled',
    units: unitsOf(lines),
    unitsThen: unitsOf((spokenOf.get(number) ?? { lines }).lines),
    said: reports.filter(({ fulfilment }) => fulfilment === number).map((one) => one.status),
  }));

export const handoversOf = ({ jobs, reports }: Counter): Handover[] =>
  reports.flatMap(({ fulfilment, status, lines, parcel }) => {
    const job = jobs.get(fulfilment);
    if (!job || (status !== 'collected' && status !== 'shipped')) return [];
    const gone = lines?.map(({ id, quantity }) => ({
      sku: job.lines.find((line) => line.id === id)?.sku ?? id,
      quantity,
    }));
    const tracking = parcel?.tracking.join(', ') ?? '';
    return [{ job: fulfilment, order: job.order, tracking, units: unitsOf(gone ?? job.lines) }];
  });
