import type { Static, TSchema } from 'typebox';
import { isCurrency } from './money.ts';

/** How a field may be shown and where it may go. Declared in the schema with `classified(...)`; everything unclassified is internal. */
export type Classification = 'public' | 'internal' | 'personal' | 'payment';

/** What a record weighs: source lines, and its value in minor units of one currency (`absolute` adds line values without their sign). */
export interface Measure {
  readonly lines: number;
  readonly currency: string | null;
  readonly minor: bigint;
  readonly absolute: bigint;
}

export const nothing: Measure = { lines: 0, currency: null, minor: 0n, absolute: 0n };

/** Most that one record may be worth, in minor units: thousands of them still add up to a number that the ledger can hold. */
const MOST_WORTH = 10n ** 15n;

const within = (amount: bigint): boolean => amount <= MOST_WORTH && amount >= -MOST_WORTH;

/** A Measure that can be stored, added up and shown: money of no known currency, or of more than a record can be worth, is none. */
export const countable = ({ lines, currency, minor, absolute }: Measure): Measure =>
  currency !== null && isCurrency(currency) && within(minor) && within(absolute)
    ? { lines, currency, minor, absolute }
    : { ...nothing, lines };

/** Sum of two Measures. Throws RangeError when both have a currency and they differ. */
export function addMeasures(a: Measure, b: Measure): Measure {
  if (a.currency && b.currency && a.currency !== b.currency)
    throw new RangeError(`cannot add ${a.currency} to ${b.currency}`);
  return {
    lines: a.lines + b.lines,
    currency: a.currency ?? b.currency,
    minor: a.minor + b.minor,
    absolute: a.absolute + b.absolute,
  };
}

/** Another record this one cannot be written without: [kind, key]. */
export type Need = readonly [kind: string, key: string];

/**
 * What a record takes from what others may still promise: `quantity` (plain decimal) of `name`, such as a SKU, from `place`; null: from anywhere. 0: nothing, but its
 * channel may have counted it, and is told the figure again.
 */
export interface Taken {
  readonly name: string;
  readonly place: string | null;
  readonly quantity: string;
}

/** What people search by: [kind of reference, value]. Stored as a keyed digest. */
export type Reference = readonly [kind: string, value: string];

/** One kind of canonical record (Canonical Data Model). Types, JSON Schema, search, masking and docs are made from it. */
export interface DocumentType<Name extends string = string, Schema extends TSchema = TSchema> {
  readonly name: Name;
  /** Version of the shape, `major.minor`. */
  readonly version: string;
  readonly schema: Schema;
  /** Unique within its kind and entity, stable for the life of the record. */
  key(body: Static<Schema>): string;
  /**
   * `personal` where the key tells who a person is (a customer's number, an e-mail address): the ledger keeps a keyed digest in its place. Connectors
   * are given the key as it is; people find the record by either. Never changes back.
   */
  readonly keyClassification: 'internal' | 'personal';
  references(body: Static<Schema>): Reference[];
  needs(body: Static<Schema>): Need[];
  /** Records that go before this one where they go at all: nothing waits for them, but sinks are told what became of them (`Item.links`, `Item.underway`). */
  follows(body: Static<Schema>): Need[];
  measure(body: Static<Schema>): Measure;
  /** Counts for flows that heed the kind, from when it is known until the system they read from counts it. Names are not personal. */
  takes(body: Static<Schema>): Taken[];
  /** Of what whoever takes the record puts some on its own shelf, so that it is told its figures again. Names are not personal. */
  restocks(body: Static<Schema>): string[];
}

// biome-ignore lint/suspicious/noExplicitAny: a document of any shape; its methods take exactly the body that its own schema describes
export type AnyDocumentType = DocumentType<string, any>;
export type BodyOf<D extends AnyDocumentType> = Static<D['schema']>;

type DocumentParts<Name extends string, Schema extends TSchema> = Pick<
  DocumentType<Name, Schema>,
  'name' | 'version' | 'schema' | 'key'
> &
  Partial<DocumentType<Name, Schema>>;

export function defineDocument<const Name extends string, Schema extends TSchema>(
  parts: DocumentParts<Name, Schema>,
): DocumentType<Name, Schema> {
  return {
    keyClassification: 'internal',
    references: () => [],
    needs: () => [],
    follows: () => [],
    measure: () => nothing,
    takes: () => [],
    restocks: () => [],
    ...parts,
  };
}

/** Marks a schema field with its classification: `Type.String(classified('personal'))`. */
export const classified = <O extends object = object>(
  classification: Classification,
  options?: O,
): O & { classification: Classification } => ({ ...options, classification }) as O & { classification: Classification };
