import { add, decimal, decimalText, negate } from '../core/decimal.ts';
import type { AnyDocumentType, Taken } from '../core/document.ts';
import type { AnyFlow } from '../core/estate.ts';
import { newId } from '../core/ids.ts';
import type { Ledger, Sql } from '../ledger/database.ts';
import type { GaveWay } from '../ledger/deliveries.ts';
import { documentBodies } from '../ledger/documents.ts';
import type { UnroutedEvent } from '../ledger/events.ts';
import {
  appendTellings,
  type ConcernRow,
  dismissedVersions,
  forgetInFlight,
  landInFlight,
  putInFlight,
  type TakenQuantity,
  takeNudges,
  tellAfresh,
  tellInFlight,
} from '../ledger/in-flight.ts';
import { holdsLease, type Lease } from '../ledger/leases.ts';
import { documentPlace } from './look.ts';
import type { Parts } from './parts.ts';
import { shardOf } from './wiring.ts';

/** Whether an Event has no record and only says: tell what you heard last again, because what you heed has changed. */
export const isTelling = ({ payload_sealed }: Pick<UnroutedEvent, 'payload_sealed'>): boolean =>
  payload_sealed === null;

/** A document version that is now owed to a connection. */
export interface Owed {
  id: string;
  connection: string;
  type: AnyDocumentType;
  body: unknown;
  document: { id: string; entity: string; kind: string; key: string; version: number };
}

/** Puts into flight what newly owed documents take more than the version before that went, or may yet, where a flow heeds their kind. */
export async function takeOff(parts: Pick<Parts, 'vault' | 'wiring'>, sql: Sql, all: readonly Owed[]): Promise<void> {
  const owed = all.filter(({ connection, type }) => parts.wiring.heeded(connection, type.name));
  if (owed.length === 0) return;
  const bases = await basesOf(sql, owed);
  const bodies = new Map(
    bases.size === 0
      ? []
      : (await documentBodies(sql, [...bases.values()])).map((row) => [baseId(row.id, row.version), row]),
  );
  const taken = owed.flatMap(({ id, type, body, document }) => {
    const base = bases.get(id);
    const earlier = base && bodies.get(baseId(base.documentId, base.version));
    const place = documentPlace(document.entity, document.kind, document.key);
    const old = earlier ? type.takes(JSON.parse(parts.vault.unseal(earlier.body_sealed, place).toString())) : [];
    return differences(type.takes(body as never), old).map((one): TakenQuantity => ({ deliveryId: id, ...one }));
  });
  await putInFlight(
    sql,
    owed.map(({ id, connection, document }) => ({
      deliveryId: id,
      documentId: document.id,
      entity: document.entity,
      connection,
    })),
    taken,
  );
}

const baseId = (documentId: string, version: number): string => `${documentId} ${version}`;

/** The version that each owed one follows at its connection, by delivery: the newest before it that no person has dismissed there. */
async function basesOf(sql: Sql, owed: readonly Owed[]): Promise<Map<string, { documentId: string; version: number }>> {
  const later = owed.filter(({ document }) => document.version > 1);
  if (later.length === 0) return new Map();
  const dismissed = new Set(
    (
      await dismissedVersions(
        sql,
        later.map(({ connection, document }) => ({ connection, documentId: document.id })),
      )
    ).map(({ connection, documentId, version }) => JSON.stringify([connection, documentId, version])),
  );
  return new Map(
    later.flatMap(({ id, connection, document }) => {
      let version = document.version - 1;
      while (dismissed.has(JSON.stringify([connection, document.id, version]))) version -= 1;
      return version === 0 ? [] : [[id, { documentId: document.id, version }] as const];
    }),
  );
}

/** What was tried and gave way took is taken by the newer versions now. */
export async function passOn(
  { wiring }: Pick<Parts, 'wiring'>,
  sql: Sql,
  connection: string,
  all: readonly GaveWay[],
): Promise<void> {
  const heeded = all.filter(({ kind }) => wiring.heeded(connection, kind));
  await putInFlight(
    sql,
    heeded.map(({ newer, document_id, entity }) => ({
      deliveryId: newer,
      documentId: document_id,
      entity,
      connection,
    })),
    [],
  );
}

/** What is taken now and was not before, by name and place; 0 where that is the same. */
function differences(
  now: readonly Taken[],
  before: readonly Taken[],
): { name: string; place: string; quantity: string }[] {
  const sums = new Map<string, { name: string; place: string; quantity: string }>();
  const count = ({ name, place, quantity }: Taken, sign: 1 | -1): void => {
    const id = JSON.stringify([name, place]);
    const value = sign === 1 ? decimal(quantity) : negate(decimal(quantity));
    const sum = add(decimal(sums.get(id)?.quantity ?? '0'), value);
    sums.set(id, { name, place: place ?? '', quantity: decimalText(sum) });
  };
  for (const one of now) count(one, 1);
  for (const one of before) count(one, -1);
  return [...sums.values()];
}

/** A delivery that is in its target now; `body` is null where nobody knows what was sent. */
export interface Arrived {
  id: string;
  entity: string;
  kind: string;
  body: unknown;
}

/** What arrived is counted there from now on, and levels of what it put back on a shelf of the target's own are told again. */
export async function arrive(
  { wiring }: Pick<Parts, 'wiring'>,
  sql: Sql,
  connection: string,
  all: readonly Arrived[],
): Promise<void> {
  const heeded = all.flatMap(({ id, kind }) => (wiring.heeded(connection, kind) ? [id] : []));
  await (wiring.lands(connection) ? tellInFlight : forgetInFlight)(sql, heeded);
  if (!wiring.heeds) return;
  const restocked = all.flatMap(({ kind, entity, body }) =>
    (body === null ? [] : (wiring.type(kind)?.restocks(body as never) ?? [])).map((name) => ({ entity, name })),
  );
  await tellAfresh(sql, restocked);
}

/** Everything that changed at a connection until `looked` was read and stored: what it was told before that is counted there. */
export async function land(parts: Parts, connection: string, looked: Date, lease: Lease): Promise<void> {
  const told = await parts.db.transaction(async (sql) =>
    (await holdsLease(sql, lease)) ? landInFlight(sql, connection, looked) : 0,
  );
  if (told > 0) parts.bell.ring('route');
}

/** Makes an Event of each subject that is to be told again. Several hubs may do so at once. */
export async function tellAgain(db: Pick<Ledger, 'transaction'>): Promise<void> {
  await db.transaction(async (sql) => {
    const nudges = await takeNudges(sql);
    if (nudges.length > 0)
      await appendTellings(
        sql,
        nudges.map((nudge) => ({ ...nudge, id: newId() })),
      );
  });
}

/** The rows of what an Event's subject is about. */
export const concernsOf = (
  { entity, connection, source, subject }: UnroutedEvent,
  names: readonly string[],
): ConcernRow[] => {
  const shard = shardOf(connection, subject);
  return names.map((name) => ({ entity, connection, source, subject, shard, name }));
};

/** Flows that are told an Event: those that heed something, of one that only says to tell again. */
export const listeners = (flows: readonly AnyFlow[], event: UnroutedEvent): AnyFlow[] =>
  isTelling(event) ? flows.filter(({ heeds }) => heeds !== undefined) : [...flows];
