/** A fulfilment as the store was last told of it, by the store contract. */
interface Job {
  readonly number: string;
  readonly order: string;
  readonly status: 'open' | 'cancelled';
  readonly method: 'collect' | 'ship';
  readonly location: string;
  readonly promisedAt: string | null;
  readonly recipient: { readonly name: string };
  readonly lines: readonly { readonly id: string; readonly sku: string; readonly quantity: string }[];
  readonly version: number;
}

interface Report {
  readonly id: string;
  readonly fulfilment: string;
  readonly status: string;
  readonly at: string;
}

/** The counter of a store at which customers collect: what it was asked to prepare, and what it said of it. */
export class Counter {
  readonly jobs = new Map<string, Job>();
  /** How often a job was told in a version that counted. */
  readonly changes = new Map<string, number>();
  readonly reports: Report[] = [];
  readonly #now: () => Date;

  constructor(now: () => Date) {
    this.#now = now;
  }

  /** The greatest version counts, whenever it comes. */
  hear(job: Job): void {
    const known = this.jobs.get(job.number);
    if (known && known.version >= job.version) return;
    this.jobs.set(job.number, job);
    this.changes.set(job.number, (this.changes.get(job.number) ?? 0) + 1);
  }

  /** Writes a report down, as it is. */
  report(fulfilment: string, status: string, more: object): Report {
    const id = `RP${this.reports.length + 1}`;
    const report = { id, fulfilment, status, at: this.#now().toISOString(), ...more };
    this.reports.push(report);
    return report;
  }
}
