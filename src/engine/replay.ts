import { nothing } from '../core/document.ts';
import { HubError } from '../core/errors.ts';
import type { AnyFlow } from '../core/estate.ts';
import type { Draft, Objection, Translation } from '../core/flow.ts';
import { newId } from '../core/ids.ts';
import { appendAudit } from '../ledger/audit.ts';
import { isAway, type Ledger } from '../ledger/database.ts';
import type { HeldBy } from '../ledger/deliveries.ts';
import { readSubjects } from '../ledger/events.ts';
import { repeatEvent, standingObjections } from '../ledger/exceptions.ts';
import { heldLanes, type RoutedEvent, routedEvents } from '../ledger/replay.ts';
import type { Vault } from '../ledger/vault.ts';
import { documentPlace, type Looked, nativeOf, translate } from './look.ts';
import type { Parts } from './parts.ts';
import { type Change, rehearse, type Trouble, troubleOf } from './rehearse.ts';
import { typeOf, validateDrafts } from './validate.ts';
import { shardOf } from './wiring.ts';

const REPLAY = 'replay:';

/** The decision that makes the router tell a subject's Events again to one flow. */
const replayBy = (flow: string): string => `${REPLAY}${flow}`;

/** The flow that an Event is to be told to again, or null for an Event that is none of a replay. */
export const flowToReplay = ({ decision }: { decision: string | null }): string | null =>
  decision?.startsWith(REPLAY) ? decision.slice(REPLAY.length) : null;

/** What a subject's Events mean to a flow as it is now: the documents they end in. */
interface Retelling {
  documents: Draft[];
  memory: unknown;
  /** The event whose record stands for the newest. */
  newest: RoutedEvent | null;
  trouble: Trouble | null;
}

type Needed = Pick<Parts, 'db' | 'vault' | 'mappings' | 'names'>;

/**
 * Tells a flow again what was heard about a subject: of a flow that keeps a memory all its Events from the first on, of others the newest record.
 * Writes nothing. What a flow refuses, or would ask a person about that no later Event answers and that does not stand already, is trouble: then nothing of the subject may be
 * written.
 */
async function retell(
  parts: Needed,
  flow: AnyFlow,
  where: { connection: string; subject: string },
  looked: Looked[] = [],
): Promise<Retelling> {
  const events = await routedEvents(parts.db, { ...where, source: flow.from.name });
  const [state] = await readSubjects(parts.db, [{ ...where, flow: flow.id }]);
  const inOrder = events.toSorted(byVersion);
  const newest = inOrder.at(-1) ?? null;
  // What a flow keeps to tell it again is its last record, not what came of all.
  const told = state?.memory_sealed && !flow.heeds ? events : inOrder.slice(-1);
  const failed = (trouble: Trouble): Retelling => ({ documents: [], memory: undefined, newest, trouble });
  if (newest === null || told.some(({ payload_sealed }) => payload_sealed === null))
    return failed({
      cause: 'past-retention',
      message: 'its raw records are past their retention, or were never routed',
    });
  const made = new Map<string, Draft>();
  const bodies = new Map<string, unknown>();
  let asked: Objection[] = [];
  let memory: unknown = null;
  for (const event of told) {
    let translation: Translation;
    try {
      const stored = { ...event, payload_sealed: event.payload_sealed!, decision: null };
      translation = await translate(
        parts,
        flow,
        stored,
        { native: nativeOf(parts, flow, stored) },
        {
          memory,
          looked,
          made: bodies,
        },
      );
    } catch (error) {
      if (isAway(error)) throw error;
      return failed(troubleOf(error));
    }
    const { objections = [], answers = [] } = translation;
    asked = [...asked.filter(({ cause }) => !answers.includes(cause)), ...objections];
    if (translation.memory !== undefined) memory = translation.memory;
    for (const draft of translation.documents) {
      const place = placeOf(parts, flow, event.entity, draft);
      if (draft.onlyIfNew && made.has(place)) continue;
      made.set(place, draft);
      bodies.set(place, draft.body);
    }
  }
  const [anew] = await askedAnew(parts, flow, where, asked);
  if (anew) return failed({ cause: anew.cause, message: anew.message });
  const documents = [...made.values()];
  try {
    await validateDrafts(parts, flow, { ...newest, decision: null }, documents, { looked });
  } catch (error) {
    if (isAway(error)) throw error;
    return failed(troubleOf(error));
  }
  return { documents, memory: memory ?? undefined, newest, trouble: null };
}

/** Objections but for those that were made of the subject in the same words before, and are open still or were dismissed. */
async function askedAnew(
  { db, vault }: Needed,
  flow: AnyFlow,
  where: { connection: string; subject: string },
  objections: readonly Objection[],
): Promise<Objection[]> {
  if (objections.length === 0) return [];
  const causes = objections.map(({ cause }) => cause);
  const standing = (await standingObjections(db, { ...where, flow: flow.id, causes })).map(
    ({ id, cause, message_sealed }) => `${cause}\n${vault.unseal(message_sealed, `exception:${id}`)}`,
  );
  return objections.filter(({ cause, message }) => !standing.includes(`${cause}\n${message}`));
}

/** A retelling as the router writes it: it brings nothing that was not there, and leaves everything as it is where there is trouble. */
export async function retold(
  parts: Needed,
  flow: AnyFlow,
  where: { connection: string; subject: string },
  looked: Looked[],
): Promise<Translation> {
  const { documents, memory, trouble } = await retell(parts, flow, where, looked);
  const base = { outcome: 'duplicate', brought: nothing } as const;
  if (trouble === null) return { ...base, documents, ...(memory === undefined ? {} : { memory }) };
  const message = `It was to be told again to flow '${flow.id}', which did not go: ${trouble.message} Nothing was changed.`;
  return { ...base, documents: [], objections: [{ cause: 'replay-not-done', message, measure: nothing }] };
}

const placeOf = ({ names }: Needed, flow: AnyFlow, entity: string, draft: Draft): string =>
  documentPlace(entity, draft.kind, names.key(draft.kind, typeOf(flow, draft).key(draft.body)));

/** By the source's version where it has one, else as they came. */
function byVersion(a: RoutedEvent, b: RoutedEvent): number {
  const [left, right] = [a.source_version ?? -1n, b.source_version ?? -1n];
  return left === right ? 0 : left < right ? -1 : 1;
}

/** One subject of a replay: what telling it again would change. */
export interface Rehearsed {
  subject: string;
  entity: string;
  newest: RoutedEvent | null;
  changes: Change[];
  /** Changed documents of which an earlier version is parked: the new one waits behind it. */
  held: (HeldBy & { kind: string; key: string })[];
  trouble: Trouble | null;
}

/** What telling a subject again would change; writes nothing. */
export async function rehearseReplay(
  parts: Needed & Pick<Parts, 'wiring'>,
  flow: AnyFlow,
  where: { connection: string; subject: string; entity: string },
): Promise<Rehearsed> {
  const { documents, newest, trouble } = await retell(parts, flow, where);
  const base = { subject: where.subject, entity: where.entity, newest };
  if (trouble) return { ...base, changes: [], held: [], trouble };
  const rehearsed = await rehearse(parts, flow, where, documents);
  const lanes = rehearsed.changes.map(({ kind, key }) => {
    const { connection, sink } = parts.wiring.sink(flow, kind);
    return { connection, sink: sink.name, laneKey: `${kind}:${key}` };
  });
  return { ...base, ...rehearsed, held: await heldLanes(parts.db, lanes) };
}

/** Has the router tell subjects again, each behind whatever is heard of it now; with who decided and why in the audit. */
export async function requestReplay(
  { db, vault }: { db: Pick<Ledger, 'transaction'>; vault: Vault },
  flow: AnyFlow,
  connection: string,
  subjects: readonly Rehearsed[],
  { by, reason }: { by: string; reason: string },
): Promise<void> {
  await db.transaction(async (sql) => {
    for (const { subject, entity, newest } of subjects) {
      const id = newId();
      const payload = vault.seal(vault.unseal(newest!.payload_sealed!, `event:${newest!.id}`), `event:${id}`);
      const shard = shardOf(connection, subject);
      if (!(await repeatEvent(sql, newest!.id, { id, shard, decision: replayBy(flow.id), payload })))
        throw new HubError('CONFLICT', `the records of '${subject}' went past their retention meanwhile`);
      await appendAudit(sql, [
        {
          entity,
          actor: by,
          action: 'replay.asked',
          object: `event:${id}`,
          detail: { flow: flow.id, subject, of: newest!.id, reason },
        },
      ]);
    }
  });
}
