import type { AnyDocumentType } from '../core/document.ts';
import { isErased } from '../core/erase.ts';
import type { AnyFlow } from '../core/estate.ts';
import { rejected } from '../core/fault.ts';
import type { Look, Translation } from '../core/flow.ts';
import { documentsByReference, versionsSince } from '../ledger/documents.ts';
import { type CurrentDocument, currentDocuments, keyOfExternal } from '../ledger/echoes.ts';
import type { SubjectState, UnroutedEvent } from '../ledger/events.ts';
import { inFlightOf } from '../ledger/in-flight.ts';
import { isPersonal } from './names.ts';
import type { Parts } from './parts.ts';

/** What a flow is told of an Event, but for its record. */
export type Told = Pick<UnroutedEvent, 'entity' | 'connection' | 'subject' | 'received_at' | 'decision'>;

/** A document that was looked at, as it was: version 0 for one that was not there. */
export interface Looked {
  entity: string;
  kind: string;
  key: string;
  version: number;
}

type Needed = Pick<Parts, 'db' | 'vault' | 'mappings' | 'names'>;

export const documentPlace = (entity: string, kind: string, key: string): string => `document:${entity}:${kind}:${key}`;
export const subjectPlace = (flow: AnyFlow, event: Pick<Told, 'connection' | 'subject'>): string =>
  `subject:${event.connection}:${flow.id}:${event.subject}`;

/** What earlier Events of the subject left to the flow, or null. */
export const memoryOf = (
  { vault }: Pick<Parts, 'vault'>,
  flow: AnyFlow,
  event: Pick<Told, 'connection' | 'subject'>,
  subject: Pick<SubjectState, 'memory_sealed'> | undefined,
): unknown =>
  subject?.memory_sealed ? JSON.parse(vault.unseal(subject.memory_sealed, subjectPlace(flow, event)).toString()) : null;

/** The record of a stored Event, as its source has it. */
export const nativeOf = (
  { vault }: Pick<Parts, 'vault'>,
  flow: AnyFlow,
  event: Pick<UnroutedEvent, 'id' | 'payload_sealed'>,
): unknown => flow.from.decode(vault.unseal(event.payload_sealed!, `event:${event.id}`));

/** What a translation goes by beside the ledger. */
export interface Circumstances {
  /** What earlier Events of the subject left. */
  memory: unknown;
  /** Takes up the documents that are looked at. */
  looked: Looked[];
  /** Bodies that stand for what the ledger will hold by then, by `documentPlace`. */
  made?: ReadonlyMap<string, unknown>;
  /** When the source began to read the record, or was last seen not to have changed it. */
  lookedAt?: Date | null;
}

/** One Event by one flow, which may look at the ledger. `told` is its record, or null where the flow is to tell its last one again. */
export async function translate(
  parts: Needed,
  flow: AnyFlow,
  event: Told,
  told: { native: unknown } | null,
  circumstances: Circumstances,
): Promise<Translation> {
  const look = lookOf(parts, event, circumstances);
  return told ? flow.translate(told.native, look) : flow.heeds!.again(look);
}

/** What the ledger knows, for one Event. */
export function lookOf(
  parts: Needed,
  event: Told,
  { memory, looked, made = new Map(), lookedAt = null }: Circumstances,
): Look {
  const { db, vault, mappings, names } = parts;
  const { connection, entity } = event;
  return {
    connection,
    entity,
    memory,
    receivedAt: event.received_at,
    decision: event.decision,
    mapping: (table) => mappings.table(entity, table),
    keyOf: (type, externalId) => keyKnownAs(parts, event, type, externalId),
    current: async ({ name: kind }, known) => {
      const key = names.key(kind, known);
      const before = made.get(documentPlace(entity, kind, key));
      if (before !== undefined) return before as never;
      const [row] = await currentDocuments(db, [{ entity, kind, key }]);
      looked.push({ entity, kind, key, version: row?.version ?? 0 });
      return row ? (intact(parts, row) as never) : null;
    },
    since: async ({ name: kind }, known, moment) =>
      (await versionsSince(db, { entity, kind, key: names.key(kind, known) }, moment))
        .map((row) => bodyOf(parts, { ...row, entity }) as never)
        .filter((body) => !isErased(body)),
    inFlight: async (name) =>
      (await inFlightOf(db, { entity, connection, name }, lookedAt)).map(({ place, quantity }) => ({
        place: place === '' ? null : place,
        quantity,
      })),
    find: async (type, [kind, value]) =>
      (await documentsByReference(db, entity, type.name, kind, vault.digest(value)))
        .map((row) => bodyOf(parts, { ...row, entity }) as never)
        .filter((body) => !isErased(body)),
  };
}

/** The key of the document that an event's connection knows under an id, as its flow knows it. */
async function keyKnownAs(
  parts: Needed,
  { connection, entity }: Told,
  type: AnyDocumentType,
  externalId: string,
): Promise<string | null> {
  const kept = await keyOfExternal(parts.db, { connection, entity, kind: type.name }, externalId);
  if (kept === null || !isPersonal(type)) return kept;
  const [row] = await currentDocuments(parts.db, [{ entity, kind: type.name, key: kept }]);
  return row ? type.key(intact(parts, row) as never) : null;
}

/** What a document row holds. */
export const bodyOf = (
  { vault }: Pick<Parts, 'vault'>,
  { entity, kind, key, body_sealed }: Omit<CurrentDocument, 'id' | 'version'>,
): unknown => JSON.parse(vault.unseal(body_sealed, documentPlace(entity, kind, key)).toString());

/** The body of a document, unless a person was erased from it: nothing can be made of what is left. */
export function intact(parts: Pick<Parts, 'vault'>, row: CurrentDocument): unknown {
  const body = bodyOf(parts, row);
  if (!isErased(body)) return body;
  throw rejected(
    `A person was erased from the ${row.kind} ${row.key} that this is about, so what is missing here cannot be filled in. Remove it at its source too, or dismiss this.`,
    'person-erased',
  );
}
