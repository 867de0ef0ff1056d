import type { Duration } from './clock.ts';
import type { Context } from './connector.ts';
import type { AnyDocumentType, BodyOf } from './document.ts';

/** Records that a system can be asked for now, by their canonical keys (Request-Reply). Reads only. */
export interface Lookup<D extends AnyDocumentType = AnyDocumentType> {
  readonly name: string;
  readonly gives: D;
  /** Keys in one call, 1–500. */
  readonly batch: number;
  /** One body per key, same order; null for a record that the system does not have. A Fault is thrown as from a sink. */
  look(keys: readonly string[], cx: Context): Promise<(BodyOf<D> | null)[]>;
}

/** A simple read that does not wait for a flow: who answers, how old an answer may be, and what is answered when nobody does. */
export interface LookupRule<D extends AnyDocumentType = AnyDocumentType> {
  /** Stands in the address, such as `stock`: lower-case letters, digits and hyphens. */
  readonly id: string;
  readonly about: string;
  readonly from: Lookup<D>;
  /** An answer younger than this is given again without asking. */
  readonly fresh: Duration;
  /** While the system does not answer, an answer younger than this still counts; older ones do not. */
  readonly stale: Duration;
  /** Longest wait for the system. */
  readonly within: Duration;
}

/** Checks nothing at run time: it lets the compiler hold the rule to what the look-up gives. */
export const defineLookup = <D extends AnyDocumentType>(rule: LookupRule<D>): LookupRule<D> => rule;
