import type { Duration } from './clock.ts';
import type { Context } from './connector.ts';
import type { AnyDocumentType, BodyOf } from './document.ts';
import type { FaultError } from './fault.ts';
import type { Look, MappingSeed } from './flow.ts';

/** What the ledger knows, for a system that is asked: as a flow's Look, as of the moment in which it is first asked what is in flight. Ask before the system. */
export interface LedgerView extends Look {
  /** The system's own ids of documents, by their keys; those that are not bound there are missing. */
  idsOf(type: AnyDocumentType, keys: readonly string[]): Promise<ReadonlyMap<string, string>>;
}

/** What a system says for one key: null where it has no such record; a `rejected` Fault, in an operator's words, where this one cannot be told. */
export type Said<D extends AnyDocumentType> = BodyOf<D> | null | FaultError;

/** Records that a system can be asked for now, by their canonical keys (Request-Reply). Reads only. */
export interface Lookup<D extends AnyDocumentType = AnyDocumentType> {
  readonly name: string;
  readonly gives: D;
  /** Keys in one call, 1–500. */
  readonly batch: number;
  /** Kinds of documents on their way to the system whose `takes` count in what it says. */
  readonly heeds?: readonly string[];
  readonly mappings?: readonly MappingSeed[];
  /** What is said for each key, same order. Throws a Fault, as a sink does, where the system cannot be asked at all. */
  look(keys: readonly string[], cx: Context, view: LedgerView): Promise<Said<D>[]>;
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
