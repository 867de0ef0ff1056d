import type { Duration } from './clock.ts';
import type { MappingTable, Sink, Source } from './connector.ts';
import type { AnyDocumentType, BodyOf, Measure, Need, Reference } from './document.ts';

/** A canonical record that a translation wants to exist. */
export interface Draft<D extends AnyDocumentType = AnyDocumentType> {
  readonly kind: D['name'];
  readonly body: BodyOf<D>;
  /** Create it when the ledger has none; never change one that is there. */
  readonly onlyIfNew?: boolean;
  /** The id by which the Event's own connection knows the record: what flows back there finds it, and so does `look.keyOf`. */
  readonly externalId?: string;
  /**
   * Comparable version of the record at the Event's own connection (greater is newer), for records that come by several sources or with several subjects, as customers do with their
   * orders: what is older than what was written of it, whichever of them told it, or than what the hub wrote there is left out. Of equal ones the last heard counts. Absent: the Event's
   * own stands for it, and only what the hub wrote there is compared.
   */
  readonly sourceVersion?: bigint;
}

/** A part of an Event that cannot go on without a person, while the rest does. `message` is for an operator and names no persons. */
export interface Objection {
  /** Short stable slug, such as `repeat-or-continuation`. */
  readonly cause: string;
  readonly message: string;
  readonly field?: string;
  readonly measure: Measure;
}

/** What a rule finds wrong with a document. */
export interface Breach {
  /** Short stable slug, such as `totals-differ`. */
  readonly cause: string;
  /** What is wrong, for an operator; names no persons. */
  readonly message: string;
  readonly field?: string;
  /** Odd, not wrong: a person may let it pass with the answer `pass`. Absent: it must be put right. */
  readonly passable?: true;
}

/** What a rule may know beside the document. */
export interface Surroundings {
  readonly receivedAt: Date;
  /** All documents that come of the same Event. */
  readonly documents: readonly Draft[];
}

/** What must hold of every document of a kind before it goes anywhere. Pure; null where it holds. */
export type Rule<D extends AnyDocumentType = AnyDocumentType> = (
  body: BodyOf<D>,
  around: Surroundings,
) => Breach | null;

/** The answer to something that was sent through the Event's connection: what a sink said it `expects`. */
export interface Reply {
  readonly to: string;
  /** Of an answer that comes in parts: those that this is. Absent: all. */
  readonly parts?: readonly string[];
  /** It may come although nobody awaits it: then it means nothing. */
  readonly unasked?: boolean;
  /** A negative answer: becomes an Exception about what was sent. `message` is for an operator and names no persons. */
  readonly refusal?: { readonly cause: string; readonly message: string; readonly field?: string };
}

/** What one Event means. Everything here is written in one transaction with the Event's outcome. */
export interface Translation<D extends AnyDocumentType = AnyDocumentType, Memory = unknown> {
  readonly outcome: 'routed' | 'duplicate';
  readonly documents: Draft<D>[];
  readonly objections?: Objection[];
  /**
   * Causes of objections to earlier Events of this subject that this Event answers: their open Exceptions are closed, and what they weighed counts
   * with this Event (so `brought` includes it; what stays open is objected to again).
   */
  readonly answers?: readonly string[];
  /** What this Event answers of what was sent: the last answer to each counts. */
  readonly replies?: readonly Reply[];
  /** Names that the subject is about, such as a SKU: when something of them takes off or lands, a flow that `heeds` it is told again. */
  readonly concerns?: readonly string[];
  /** Kept for the next Event of the same subject, encrypted. Absent: unchanged. */
  readonly memory?: Memory;
  /** What this Event brought that earlier ones had not. Absent: the Event's own measure. */
  readonly brought?: Measure;
}

/** What a translation may look at: the ledger, never the network. */
export interface Look<Memory = unknown> {
  readonly connection: string;
  readonly entity: string;
  /** What an earlier Event of this subject left. */
  readonly memory: Memory | null;
  readonly receivedAt: Date;
  /** A person's answer: `word:cause` to one objection of an Event routed again, a bare word to an Event that was held whole, or null. */
  readonly decision: string | null;
  mapping(table: string): MappingTable;
  /** The key of the document that the Event's connection knows under this id, or null: the record came into being there. */
  keyOf(type: AnyDocumentType, externalId: string): Promise<string | null>;
  /** The document as it is now, or null: what a flow that carries some of its fields fills the others in from. */
  current<D extends AnyDocumentType>(type: D, key: string): Promise<BodyOf<D> | null>;
  /** How the document was from a moment on: its versions that the hub did not know to be replaced by then, the current one first, at most 1,000. None where it is not there. */
  since<D extends AnyDocumentType>(type: D, key: string, moment: Date): Promise<BodyOf<D>[]>;
  /**
   * What is on its way to the Event's connection and takes of this name, and the record that was read there does not count yet: plain decimals above
   * 0 by place, null where nobody has said from where.
   */
  inFlight(name: string): Promise<{ readonly place: string | null; readonly quantity: string }[]>;
  /** Current documents of a kind that carry the reference, the one that was written last first, at most 50. */
  find<D extends AnyDocumentType>(type: D, reference: Reference): Promise<BodyOf<D>[]>;
}

/** Rows a Mapping table starts with; from then on the ledger's are the truth. */
export interface MappingSeed {
  readonly table: string;
  readonly owner: string;
  readonly about: string;
  readonly rows: Readonly<Record<string, string>>;
}

type Latency = 'realtime' | { readonly batch: string; readonly zone: string };

/** Names of a body's fields; any text where the body is of no known shape. */
type FieldOf<Body> = unknown extends Body ? string : keyof Body & string;

/** The contract (Recipient List): which Documents, from where to where, how fast, by which rules, who is called. */
export interface Flow<N = unknown, D extends AnyDocumentType = AnyDocumentType, Memory = unknown> {
  readonly id: string;
  readonly about: string;
  readonly documents: readonly D[];
  readonly from: Source<N>;
  readonly to: { readonly [K in D['name']]: Sink<Extract<D, { name: K }>> };
  /**
   * The fields of each kind that are this flow's own, all when absent. Where records flow both ways, a change that touches none of them is an echo:
   * recorded, not sent on. Leave out what the two sides name differently, such as the key.
   */
  readonly fields?: { readonly [K in D['name']]?: readonly FieldOf<BodyOf<Extract<D, { name: K }>>>[] };
  /** Of its own fields those that another flow writes as well, and says so too: the change heard last wins. An estate where two flows write a field unsaid is refused. */
  readonly shared?: { readonly [K in D['name']]?: readonly FieldOf<BodyOf<Extract<D, { name: K }>>>[] };
  /** Kinds that it makes and does not change (`onlyIfNew`), but for records that no other flow tells of. */
  readonly makes?: readonly D['name'][];
  /**
   * What must hold of each kind. A document that breaks a rule makes the whole Event an Exception of that cause. What a person let pass is not asked about
   * again while it stays as it is.
   */
  readonly rules?: { readonly [K in D['name']]?: readonly Rule<Extract<D, { name: K }>>[] };
  /** What the target must hold before a document goes there, beside what documents of the kind need anyway: `[['price', 'web/MUG']]`. */
  needs?(document: Draft<D>): readonly Need[];
  /** `realtime`, or a cron expression and the time zone it is meant in. */
  readonly latency: Latency;
  /** The promise whose breaking is an Incident with the money at stake. */
  readonly promise: { readonly within: Duration; readonly critical: boolean };
  /** Relative weight when lanes of several kinds compete for one writer: greater goes first. */
  readonly priority?: Partial<Readonly<Record<D['name'], number>>>;
  readonly onException: { readonly owner: string; readonly within: Duration; readonly hold: 'lane' | 'nothing' };
  readonly fallback: string;
  readonly mappings?: readonly MappingSeed[];
  /**
   * Kinds of documents that other flows send to the connection this one polls, and whose `takes` change what it tells. `again` tells what the memory
   * holds once more: when something of the subject's `concerns` takes off, is given up, or has landed.
   */
  readonly heeds?: {
    readonly kinds: readonly string[];
    again(look: Look<Memory>): Translation<D, Memory> | Promise<Translation<D, Memory>>;
  };
  /** Pure but for `look`. A thrown `rejected` Fault makes the whole Event an Exception. */
  translate(native: N, look: Look<Memory>): Translation<D, Memory> | Promise<Translation<D, Memory>>;
}

/** Checks nothing at run time: it lets the compiler refuse a source, sink or document that does not fit. */
export const defineFlow = <N, D extends AnyDocumentType, Memory>(flow: Flow<N, D, Memory>): Flow<N, D, Memory> => flow;

/** The flow with these Mapping tables: those that it has begin with their rows, the others are added. */
export const withTables = <F extends { readonly mappings?: readonly MappingSeed[] }>(
  flow: F,
  tables: readonly MappingSeed[],
): F => ({
  ...flow,
  mappings: [
    ...(flow.mappings ?? []).map((seed) => tables.find(({ table }) => table === seed.table) ?? seed),
    ...tables.filter(({ table }) => !(flow.mappings ?? []).some((seed) => seed.table === table)),
  ],
});
