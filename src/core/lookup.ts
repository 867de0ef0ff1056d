import type { Duration } from './clock.ts';
import type { Context, RawRequest } from './connector.ts';
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
  /** How a key is written, for people: `location/SKU`. A key has at least as many parts, and the first ones are not empty. */
  readonly keyForm?: string;
  /** Keys in one call, 1–500. */
  readonly batch: number;
  /** Kinds of documents on their way to the system whose `takes` count in what it says. */
  readonly heeds?: readonly string[];
  readonly mappings?: readonly MappingSeed[];
  /** What is said for each key, same order. Throws a Fault, as a sink does, where the system cannot be asked at all. */
  look(keys: readonly string[], cx: Context, view: LedgerView): Promise<Said<D>[]>;
}

/** One answer: what the system has, and how fresh it is. */
export interface Answer {
  readonly key: string;
  /** Null: the system has no such record, or there is a problem. */
  readonly body: unknown;
  /** Why nothing can be said for this key, in an operator's words; the others are answered. */
  readonly problem: string | null;
  /** Asked just now, remembered and fresh, or remembered because the system does not answer. */
  readonly from: 'system' | 'memory' | 'stale';
  /** Seconds since the system said it. */
  readonly age: number;
}

/** What a system may ask the hub: records of one kind by their canonical keys. A port of its connection; the estate says which look-ups answer it. */
export interface Question<D extends AnyDocumentType = AnyDocumentType> {
  readonly name: string;
  readonly gives: D;
}

/** What one request asks. */
export interface Asked {
  readonly question: Question;
  /** 1–100, in the order of the request; a key may be there twice. */
  readonly keys: readonly string[];
  /** The answer as the system's contract has it; one Answer for each key, same order. Of keys with a problem only the words are there. */
  tell(answers: readonly Answer[]): object;
}

/** Where a system asks (Request-Reply): `POST /in/{connection}/{topic}`, answered at once. */
export interface Inquiry {
  /** Last part of the address: lower-case letters, digits and hyphens; unique within the connection. */
  readonly topic: string;
  /** Media types that are taken, such as `application/json`. Default: any. */
  readonly accepts?: readonly string[];
  /** Largest body in bytes. Default 1 MiB. */
  readonly maxBytes?: number;
  /** Whether the asker is who it must be, now: false is answered 401. Compare in constant time. */
  verify(request: RawRequest, cx: Context): boolean | Promise<boolean>;
  /** Throws `rejected` naming the first field that is wrong: answered 400. */
  read(request: RawRequest): Asked;
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
  /** Questions of systems that it answers too, and which of their keys (all where it does not say); of several rules that take a key the first answers. Default: it answers the hub's API only. */
  readonly answers?: readonly { readonly question: Question<D>; readonly keys?: (key: string) => boolean }[];
}

/** Checks nothing at run time: it lets the compiler hold the rule to what the look-up gives. */
export const defineLookup = <D extends AnyDocumentType>(rule: LookupRule<D>): LookupRule<D> => rule;
