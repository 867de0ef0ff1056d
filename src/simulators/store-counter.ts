/** A fulfilment as the store was last told of it, by the store contract. */
export interface Job {
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

/** What it said of one. */
export interface Report {
  readonly id: string;
  readonly fulfilment: string;
  readonly status: string;
  readonly at: string;
  /** What was handed over or has left; without them all of it. */
  readonly lines?: readonly { readonly id: string; readonly quantity: string }[];
  readonly parcel?: { readonly number: string; readonly tracking: readonly string[]; readonly last: boolean };
}

/** The counter of a store at which customers collect: what it was asked to prepare, and what it said of it. */
export class Counter {
  readonly jobs: Map<string, Job>;
  /** How often a job was told in a version that counted. */
  readonly changes = new Map<string, number>();
  readonly reports: Report[];
  /** Each job as it stood when the store last spoke of it, since this process began. */
  readonly spokenOf = new Map<string, Job>();
  readonly #now: () => Date;

  constructor(now: () => Date, { jobs, reports }: Pick<Counter, 'jobs' | 'reports'>) {
    this.#now = now;
    this.jobs = jobs;
    this.reports = reports;
  }

  /** The greatest version counts, whenever it comes. Returns whether this one does. */
  hear(job: Job): boolean {
    const known = this.jobs.get(job.number);
    if (known && known.version >= job.version) return false;
    this.jobs.set(job.number, job);
    this.changes.set(job.number, (this.changes.get(job.number) ?? 0) + 1);
    return true;
  }

  /** Writes a report down, as it is. */
  report(fulfilment: string, status: string, more: object): Report {
    const id = `RP${this.reports.length + 1}`;
    const report = { id, fulfilment, status, at: this.#now().toISOString(), ...more };
    this.reports.push(report);
    const job = this.jobs.get(fulfilment);
    if (job) this.spokenOf.set(fulfilment, job);
    return report;
  }
}
