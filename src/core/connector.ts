import type { Clock, Duration } from './clock.ts';
import type { AnyDocumentType, BodyOf, Measure } from './document.ts';
import type { Fault } from './fault.ts';
import type { FilePlace } from './file-store.ts';
import type { Inquiry, Lookup, Question } from './lookup.ts';

/** One rich JSON line per event. Fields must never hold secrets or personal data. */
export interface Log {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

/** A Mapping table (Message Translator's lookup): codes of one side ↔ codes of the other, with an owner, kept in the ledger. */
export interface MappingTable {
  /** The target code, or null where the table has no row (an exact row wins over a pattern; `#` is a digit, `?` a character, `*` any rest). */
  find(code: string): string | null;
  /** The target code. Throws a `rejected` Fault whose words name the table and the code. */
  get(code: string): string;
}

/**
 * Where a call may go: `any`, the default, is for systems that the estate names as its own; `public` is for addresses that others gave, such as a
 * receiver of webhooks: then private, link-local, loopback and reserved addresses are refused in the moment of connecting, whatever their name
 * resolves to. Redirects are never followed.
 */
export type Reach = 'any' | 'public';

/** One act upon a target, in words of its transport: `put` to `sftp://wms.example/in/7.edi`. */
export interface Act {
  readonly verb: string;
  readonly to: string;
}

/** What a connector is given for each call: nothing global, everything timed and authorised by the engine. */
export interface Context {
  readonly connection: string;
  readonly entity: string;
  readonly log: Log;
  readonly clock: Clock;
  /** Aborts when the hub stops or the call's deadline has passed. */
  readonly signal: AbortSignal;
  /**
   * Somebody only looks (`plan`, `adopt`, `check`): nothing may change anywhere, and all that is there is to be shown now. A source leaves undone what it does beside reading, and a call that is
   * not declared to read is not sent: see core/look.ts.
   */
  readonly look: boolean;
  /** Identifies this hub process to targets that keep a call log (`x-crossdock-node`). */
  readonly node: string;
  /**
   * fetch with the connection's budget, timeout and lease check: throws a `transient` Fault when the lease is no longer ours, before anything is sent. `reads`: the call changes nothing,
   * though its method is not GET or HEAD.
   */
  fetch(url: string, init?: RequestInit & { timeout?: Duration; reach?: Reach; reads?: boolean }): Promise<Response>;
  /** Runs one act that does not go by HTTP (a file, SFTP) under the same lease check: as with `fetch`, nothing is begun once the lease is not ours. */
  call<T>(act: Act, run: () => Promise<T>): Promise<T>;
  /** Resolves a `secret("NAME")` of the estate. */
  secret(name: string): string;
  mapping(table: string): MappingTable;
  /**
   * Key, as the ledger keeps it, of another record of this kind that is bound to an id of the connection, or null: for sinks that take something the target has already for
   * a document's record. What one sees without asking this may be another document's, and each would undo what the other says of it.
   */
  otherBoundTo(kind: string, key: string, id: string): Promise<string | null>;
}

/** A fact that arrived, named without mapping it. `bytes` is the raw record and is stored encrypted. */
export interface Incoming {
  /** The same fact always has the same key; unique per connection. */
  readonly dedupeKey: string;
  /** What it is about, such as `invoice:536365`. Events of one subject are routed in order. Not personal, unless the source says so. */
  readonly subject: string;
  /** Comparable version of the subject at the source (greater is newer), where the source has one. */
  readonly sourceVersion?: bigint;
  readonly occurredAt: Date;
  readonly bytes: Uint8Array;
  readonly measure?: Measure;
  /** What an operator calls it: { invoice: '536365' }. Not personal, unless the source says so. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** Names of a source's events that tell who a person is: the ledger keeps keyed digests in their place. Never changes back. */
export interface PersonalNames {
  readonly subject?: boolean;
  /** Names of labels. */
  readonly labels?: readonly string[];
}

/** A request as it came in, before anything in it was believed. */
export interface RawRequest {
  /** Names in lower case; the values of a repeated header are joined by `, `. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** What stood behind the `?`, as it stood there; '' without one. */
  readonly query: string;
  /** The bytes as they travelled: signatures are about these, never about anything parsed and written again. */
  readonly body: Uint8Array;
  readonly receivedAt: Date;
}

/** A thin notice: something changed, and the poll source that the webhook `feeds` should read now. The poll remains the truth. */
export interface Hint {
  /** What changed, such as `order:7`. Not personal. */
  readonly hint: string;
}

/**
 * Pushed events: `POST /in/{connection}/{topic}`. The engine calls `verify`, then `read`, stores what it names in one commit, and only then
 * acknowledges. Both see raw bytes and must be quick: the sender waits.
 */
export interface WebhookSource<N> {
  readonly kind: 'webhook';
  readonly name: string;
  /** Last part of the address: lower-case letters, digits and hyphens; unique within the connection. */
  readonly topic: string;
  /**
   * Name of the connection's poll source that has the same records. Hints make it read at once; events count as its own, so its flows take
   * them and a record is routed once, whichever way it came first (the dedupe keys must be the same both ways).
   */
  readonly feeds?: string;
  /** Not read where it `feeds` another: then that one's counts. */
  readonly personal?: PersonalNames;
  /** Media types that are taken, such as `application/json`. Default: any. */
  readonly accepts?: readonly string[];
  /** Largest body in bytes. Default 1 MiB. */
  readonly maxBytes?: number;
  /** Whether the sender is who it must be, now: false is answered 401. Compare in constant time. */
  verify(request: RawRequest, cx: Context): boolean | Promise<boolean>;
  /**
   * Names what arrived without mapping it; an empty list where nothing of it is for the hub, such as a ping. A `rejected` Fault, or a
   * SyntaxError or RangeError, is answered 400 (the sender's fault); anything else that is thrown 500 (ours: the sender comes again).
   */
  read(request: RawRequest, cx: Context): readonly Incoming[] | readonly Hint[];
  decode(bytes: Uint8Array): N;
}

/** Polling Consumer: reads what changed since `cursor`. The engine stores items and cursor in one transaction, fenced by the poller's lease. */
export interface PollSource<N> {
  readonly kind: 'poll';
  readonly name: string;
  readonly every: Duration;
  /** Shortest time from one look to the next, also when notices come meanwhile: each look costs the target something. Default: none. */
  readonly rest?: Duration;
  /** Several changes may share one `sourceVersion` (Odoo's `write_date` counts seconds): then the content decides. */
  readonly coarseVersions?: boolean;
  /**
   * Each record tells its subject whole, read later than all before it: of several that wait to be routed the last is enough, and one that goes back to an
   * earlier version is news, since a part of it may have been taken away.
   */
  readonly whole?: boolean;
  readonly personal?: PersonalNames;
  pull(cursor: string | null, cx: Context): AsyncIterable<{ items: Incoming[]; cursor: string }>;
  decode(bytes: Uint8Array): N;
}

/** A dropped file as it lay in the folder when the inbox was quiet. */
export interface DroppedFile {
  readonly name: string;
  /** SHA-256 of the bytes, hex. */
  readonly digest: string;
  readonly bytes: Uint8Array;
}

/** A file that was read before: its size in bytes and digest, hex. */
export interface KnownFile {
  readonly size: number;
  readonly digest: string;
}

/**
 * File source. `parse` reads one file whole (a `rejected` Fault sends the file to failed/ with a report); `events` turns the quiet inbox's
 * files, in name order, into facts.
 */
export interface FileSource<N, Parsed = unknown> {
  readonly kind: 'file';
  readonly name: string;
  /** Folder of this machine; what people call the place where `place` is given. */
  readonly folder: string;
  /** Where the files lie. Default: `folder`, on this machine. */
  readonly place?: FilePlace;
  /** How often the place is looked at. Default: half the quiet time, at most half a second; say more for a place that is far away. */
  readonly every?: Duration;
  /** File names to take, such as `*.csv`; `*.part` and dot files are never taken. */
  readonly pattern: string;
  /** How long nothing in the folder may have changed before it is read. */
  readonly quiet: Duration;
  /** Each file is a message by itself: it is read once it has not changed for the quiet time, whatever others do. Default false. */
  readonly alone?: boolean;
  /** As with a polled source: several messages may say the same moment, then the order in which they came decides. */
  readonly coarseVersions?: boolean;
  /** Larger files are refused unread. Bytes; default no limit. */
  readonly maxBytes?: number;
  /** Leave files where they are (each is still read once). */
  readonly keep: boolean;
  readonly personal?: PersonalNames;
  parse(file: DroppedFile, cx: Context): Parsed | Promise<Parsed>;
  events(files: { file: DroppedFile; parsed: Parsed }[], known: readonly KnownFile[]): Incoming[];
  /** Facts for the report beside the file, such as { lines: 3108, invoices: 143 }. */
  report(parsed: Parsed): Record<string, number>;
  decode(bytes: Uint8Array): N;
}

// biome-ignore lint/suspicious/noExplicitAny: what a file parses to is the connector's own business; the engine only hands it back
export type Source<N> = PollSource<N> | WebhookSource<N> | FileSource<N, any>;

/** One document owed to the target. */
export interface Item<T> {
  /** The document's canonical key. */
  readonly key: string;
  /** The target's id from the Binding, or null when nothing was bound yet. */
  readonly id: string | null;
  readonly document: T;
  /** Version of the document in the ledger, 1 and up. */
  readonly version: number;
  /** Where the sink `compares`: the document as it was last written there; null where something was and it is no longer known what. Absent: nothing was written yet. */
  readonly before?: T | null;
  /**
   * Fields of the document that are the flow's own; absent: all. The others are told by other flows and may be older here than at the target: a sink that
   * writes field by field gives them to a record that is made, and leaves them as they are in one that is there.
   */
  readonly fields?: readonly string[];
  /** Target ids of what the document needs, `links.get('product:85123A')`, and of what it follows: empty for what is not there. */
  readonly links: ReadonlyMap<string, string>;
  /** Where the sink asks for it (`minds`): of what the document needs or follows that of which a version is still on its way here (`order:7`): what fits only then is `early`. */
  readonly underway?: ReadonlySet<string>;
  /** Where the sink is `numbered`: unique within the connection, rising from 1, the same at every attempt of this version. */
  readonly number?: number;
  /** Since when it is owed: the same at every attempt. */
  readonly owedAt?: Date;
  /**
   * W3C `traceparent` of this attempt, in the trace of the event that caused it. `cx.fetch` sends it by itself where all items of the call are
   * of one trace; a sink that makes one call per item passes it on as a header.
   */
  readonly trace?: string;
}

/** The target's id of a canonical record that a delivery brought along. */
export interface Part {
  /** Kind of the document, such as `product`, and its key. */
  readonly kind: string;
  readonly key: string;
  readonly id: string;
}

/**
 * What must still come of a document that was sent, on another way: an acknowledgement, say. An Event of this connection answers it by its key (`replies` of
 * a Translation); what is not answered in time becomes an Exception, which the answer closes when it comes after all.
 */
export interface Expectation {
  /** Unique within the connection, such as `acknowledgement:12`. */
  readonly key: string;
  /** What the answer is made of, where it comes in parts: it has come when all have. */
  readonly parts?: readonly string[];
  readonly within: Duration;
  /** Short stable slug of the Exception, such as `not-acknowledged`. */
  readonly cause: string;
  /** What it is about, to go on a sentence: `fulfilment order WH/OUT/00012 of order S1001`. No persons. */
  readonly about: string;
  /** Words for an operator when nothing came in time. No persons. */
  readonly overdue: string;
}

/** By when a document must be sent, because somebody counts on it. */
export interface Due {
  readonly at: Date;
  /** What it is, to begin or go on a sentence: `fulfilment order WH/OUT/00012 of order S1001, promised for …`. No persons. */
  readonly about: string;
  /** What a person can do where it cannot wait, and must mind: it still goes. No persons. */
  readonly otherwise: string;
}

export type Result =
  /**
   * The target holds it, as read back. `id` is the target's. Where records also come back from there: `held` is what it holds, fields of the document
   * as its own source would tell them (it may round or fill in), and `version` the record's version there, comparable with `sourceVersion` of the
   * events it will send. With both the engine knows its own echo for certain. `parts` are records of their own that came into being with it, such
   * as the variants of a product: bound in the same transaction, so that what needs one of them can go. `expects` is what must still come of it (a later version of
   * the document says anew until when), `forgoes` are keys of what need not come any more.
   */
  | {
      outcome: 'done';
      id: string;
      held?: Readonly<Record<string, unknown>>;
      version?: bigint;
      parts?: readonly Part[];
      expects?: readonly Expectation[];
      forgoes?: readonly string[];
    }
  /** Nothing was done for this item (a batch neighbour spoilt it): goes again at once and spends no attempt. */
  | { outcome: 'untouched' }
  | { outcome: 'failed'; fault: Fault };

export type Idempotency =
  /** The target has an idempotency key. */
  | 'native'
  /** The target refuses or updates a second record of the same external id. */
  | 'external-id'
  /** Absolute values: the last write wins. */
  | 'overwrite'
  /** Asked first with `find`, and only after deadline + settle. */
  | 'find-first'
  /** Nothing protects from a double. */
  | 'unsafe';

/** What a target holds of a document, as `find` tells. */
export type Found =
  | { found: 'absent' }
  /** Some of it, or not as the document has it. `message` says in an operator's words what is there and what to do about it. */
  | { found: 'partial'; message?: string }
  /** All of it; `id` is the target's, `parts` as in a Result. */
  | { found: 'whole'; id: string; parts?: readonly Part[] };

/** What a target had of a record before the hub came, by what people know it by. `message` names the candidates in an operator's words, and no persons. */
export type Match =
  | { match: 'none' }
  /** `by`: what it was known by, such as `barcode`. */
  | { match: 'one'; id: string; by: string }
  | { match: 'several'; message: string };

/** Channel Adapter, outbound. */
export interface Sink<D extends AnyDocumentType = AnyDocumentType> {
  readonly name: string;
  readonly accepts: D;
  readonly idempotency: Idempotency;
  /** The target counts what it is sent (control numbers of EDI): each version of a document is given a number. */
  readonly numbered?: boolean;
  /** False: documents make sense here by themselves, so they do not wait until what they need is bound at this target. Default true. */
  readonly needsBound?: boolean;
  /** Takes away what its documents say is `withdrawn`; flows tell others nothing of it. Default false. */
  readonly withdraws?: boolean;
  /** False: what is told here stands elsewhere (a receipt), and its money is not counted as posted once more. Default true. */
  readonly posts?: boolean;
  /** Whether its Items say of which of their needs another version is `underway`. An `early` one costs no attempt while it is. */
  readonly minds?: 'underway';
  /** It writes what changed only: `before` of its Items says what was written last. */
  readonly compares?: boolean;
  /** What the target's ids look like, from the first to the last character: what a person says of one is held against it. */
  readonly ids?: RegExp;
  /**
   * By when a document must be sent, owed since a moment; null: that matters to nobody. What is not sent by then becomes an Exception, which holds nothing: it still goes
   * when it can, and closes it. A later version is owed since the first one that was not sent, so the same promise is due at the same moment.
   */
  due?(document: BodyOf<D>, since: Date): Due | null;
  /** How long the target may still commit after we stopped waiting. */
  readonly settle: Duration;
  /** Longest a call may take, all its steps together: the Intent's deadline. */
  readonly deadline: Duration;
  readonly batch: {
    /** 1–500 items. */
    readonly max: number;
    /** Sum of `measure().lines` above which no further item joins; large documents travel with fewer neighbours. */
    readonly maxLines?: number;
    /** What a failing item does to the rest. */
    readonly onFailure: 'none-lands' | 'stops' | 'independent';
  };
  /** What the target holds of these documents, one answer per item, same order. Reads only. `find-first` must have it; others are asked after a restore only. */
  find?(items: Item<BodyOf<D>>[], cx: Context): Promise<Found[]>;
  /**
   * What the target had of these documents by itself, one answer per item, same order, so that they can be bound and are not made again. Reads only. `links` of the items are what they
   * need and follow there, bound or just matched.
   */
  match?(items: Item<BodyOf<D>>[], cx: Context): Promise<Match[]>;
  /** How many records of the kind the target has in all. Reads only. */
  count?(cx: Context): Promise<number>;
  /** One Result per item, same order. Anything thrown that is not a FaultError counts as `unknown` for every item. */
  deliver(items: Item<BodyOf<D>>[], cx: Context): Promise<Result[]>;
}

/** One line of `crossdock check`. */
export interface Finding {
  readonly level: 'ok' | 'warning' | 'error';
  readonly subject: string;
  readonly message: string;
  readonly hint?: string;
  /** Names of the connection's sources and sinks that it concerns: the engine says which flows use them. */
  readonly ports?: readonly string[];
}

/** One configured instance of a connector (Endpoint), as the estate file makes it. Ports are values, so wiring is checked by the compiler. */
export interface Connection {
  readonly connector: string;
  /** Company, brand or country whose data this is. */
  readonly entity: string;
  /** Everything that names the same writer shares one: at most one call that writes is under way, in all hubs together. */
  readonly writer?: string;
  // biome-ignore lint/suspicious/noExplicitAny: ports of every native type; each flow takes exactly its own
  readonly sources: Readonly<Record<string, Source<any>>>;
  readonly sinks: Readonly<Record<string, Sink>>;
  /** What can be asked for at once, without a flow. */
  readonly lookups?: Readonly<Record<string, Lookup>>;
  /** What the system may ask the hub at once, and where it does. */
  readonly questions?: Readonly<Record<string, Question>>;
  readonly inquiries?: readonly Inquiry[];
  /** OpenAPI 3.1 document of what the system speaks with the hub, where the contract is ours. */
  readonly contract?: object;
  /** Connectivity, rights and versions; reads only. */
  check(cx: Context): AsyncIterable<Finding>;
}
