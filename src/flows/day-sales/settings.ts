import type { Columns } from './invoice.ts';
import type { Limits } from './rules.ts';

export interface DaySalesOptions {
  /** Time zone of the business day. */
  readonly zone: string;
  /** Tax codes of the hub for every line; none: explicitly untaxed. Default none. */
  readonly taxes?: readonly string[];
  /** Name of the partner for sales without a customer. Default 'Till sales'. */
  readonly walkIn?: string;
  /** What the number of a cancellation looks like. Default: begins with C. */
  readonly cancellation?: RegExp;
  readonly columns?: Partial<Columns>;
  readonly limits?: Partial<Limits>;
}

/** The options, complete. */
export interface Settings {
  readonly zone: string;
  readonly taxes: readonly string[];
  readonly walkIn: string;
  readonly cancellation: RegExp;
  readonly columns: Columns;
  readonly limits: Limits;
}
