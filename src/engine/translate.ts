import type { Source } from '../core/connector.ts';
import { type AnyDocumentType, countable, type Measure, type Need, nothing } from '../core/document.ts';
import type { AnyFlow } from '../core/estate.ts';
import { type Fault, faultOf } from '../core/fault.ts';
import type { Draft, Reply, Translation } from '../core/flow.ts';
import { newId } from '../core/ids.ts';
import { canonicalJson } from '../core/seal.ts';
import { isAway } from '../ledger/database.ts';
import type { DocumentWrite } from '../ledger/documents.ts';
import { keyOfExternal } from '../ledger/echoes.ts';
import type { SubjectState, SubjectUpdate, UnroutedEvent } from '../ledger/events.ts';
import type { AnsweredObjections } from '../ledger/exceptions.ts';
import type { ConcernRow } from '../ledger/in-flight.ts';
import { beingMade, ownDigest } from './echo.ts';
import type { ExceptionDraft } from './exception.ts';
import { concernsOf, isTelling, listeners } from './in-flight.ts';
import { documentPlace, type Looked, memoryOf, nativeOf, subjectPlace, translate } from './look.ts';
import type { Parts } from './parts.ts';
import { flowToReplay, retold } from './replay.ts';
import { typeOf, validateDrafts } from './validate.ts';

/** A document a translation wants, ready to be written. */
export interface PlannedDocument {
  flow: AnyFlow;
  type: AnyDocumentType;
  draft: Draft;
  write: DocumentWrite;
}

/** All that is to be written about one Event, worked out before the transaction. */
export interface Plan {
  event: UnroutedEvent;
  /** `parked` keeps the event for a person, `delayed` tries it again. */
  outcome: 'routed' | 'duplicate' | 'late' | 'echo' | 'parked' | 'delayed';
  brought: Measure;
  documents: PlannedDocument[];
  looked: Looked[];
  subjects: SubjectUpdate[];
  /** What the event's subject is about. */
  concerns: ConcernRow[];
  exceptions: ExceptionDraft[];
  /** Objections to earlier Events of the subject that this one answers. */
  answers: AnsweredObjections[];
  /** What this one answers of what was sent. */
  replies: { flow: AnyFlow; reply: Reply }[];
}

/** What must be bound at the target before the document can go there. */
export const needsOf = (flow: AnyFlow, type: AnyDocumentType, draft: Draft): Need[] => [
  ...type.needs(draft.body),
  ...(flow.needs?.(draft) ?? []),
];

/** Message Translator: maps one Event by all flows of its source. Never throws but for an absent ledger: what goes wrong becomes part of the plan. */
export async function planEvent(parts: Parts, event: UnroutedEvent, subjects: readonly SubjectState[]): Promise<Plan> {
  const plan: Plan = {
    event,
    outcome: 'duplicate',
    brought: nothing,
    documents: [],
    looked: [],
    subjects: [],
    concerns: [],
    exceptions: [],
    answers: [],
    replies: [],
  };
  const again = flowToReplay(event);
  const all = parts.wiring.flowsOf(event.connection, event.source).filter(({ id }) => id === (again ?? id));
  if (all.length === 0) return unread(parts, event);
  const flows = listeners(all, event);
  for (const flow of flows) {
    const subject = subjects.find(
      (row) => row.connection === event.connection && row.subject === event.subject && row.flow === flow.id,
    );
    const age = olderThanKnown(event, subject, mayShareVersions(flow.from));
    if (age) {
      if (plan.outcome !== 'routed') plan.outcome = age;
      continue;
    }
    try {
      const made = await beingMade(parts, flow, event.connection);
      const translation =
        again === null
          ? await translate(parts, flow, event, isTelling(event) ? null : { native: nativeOf(parts, flow, event) }, {
              memory: memoryOf(parts, flow, event, subject),
              looked: plan.looked,
              lookedAt: laterOf(event.looked_at, isTelling(event) ? (subject?.looked_at ?? null) : null),
            })
          : await retold(parts, flow, event, plan.looked);
      if (await isBeingMade(parts, event, flow, translation, made))
        return { ...plan, outcome: 'delayed', documents: [], subjects: [], concerns: [], exceptions: [], replies: [] };
      await validateDrafts(parts, flow, event, translation.documents, plan);
      addTranslation(parts, plan, flow, translation);
    } catch (error) {
      if (isAway(error)) throw error;
      return stopped(parts, event, flow, error);
    }
  }
  return plan;
}

const laterOf = (a: Date | null, b: Date | null): Date | null => (a === null || (b !== null && b > a) ? b : a);

/** True when a record that seems new is one of ours whose id nobody has told us yet: the end of that write will. */
async function isBeingMade(
  parts: Parts,
  { connection, entity }: UnroutedEvent,
  flow: AnyFlow,
  { documents }: Translation,
  made: readonly { kind: string; key: string; digest: Buffer }[],
): Promise<boolean> {
  for (const { kind, body, externalId } of documents) {
    const alike = made.filter((one) => one.kind === kind && one.digest.equals(ownDigest(parts, flow, kind, body)));
    if (externalId === undefined || alike.length === 0) continue;
    const type = flow.documents.find(({ name }: AnyDocumentType) => name === kind);
    const key = type && parts.names.key(kind, type.key(body));
    const seemsNew = alike.every((one) => one.key !== key);
    // The write may have ended since the translation looked: then its id is bound to another key than the one that was made up here.
    if (seemsNew && (await keyOfExternal(parts.db, { connection, entity, kind }, externalId)) !== key) return true;
  }
  return false;
}

/** Whether several changes of a subject may come with one version: then an equal one is news. */
export const mayShareVersions = (source: Source<unknown>): boolean =>
  ('coarseVersions' in source && source.coarseVersions === true) || ('whole' in source && source.whole === true);

/** A source version not newer than the last one heard changes nothing (I4); of coarse versions an equal one may. */
export function olderThanKnown(
  event: Pick<UnroutedEvent, 'source_version'>,
  subject: Pick<SubjectState, 'source_version'> | undefined,
  coarse: boolean,
): 'late' | 'duplicate' | null {
  if (coarse && event.source_version === subject?.source_version) return null;
  if (event.source_version === null || subject?.source_version == null || event.source_version > subject.source_version)
    return null;
  return event.source_version < subject.source_version ? 'late' : 'duplicate';
}

function addTranslation(parts: Parts, plan: Plan, flow: AnyFlow, translation: Translation): void {
  const { event } = plan;
  for (const draft of translation.documents) plan.documents.push(planDocument(parts, flow, event, draft));
  for (const objection of translation.objections ?? [])
    plan.exceptions.push({
      ...exceptionBase(parts, flow, event),
      holds: false,
      cause: objection.cause,
      field: objection.field ?? null,
      message: objection.message,
      ...countable(objection.measure),
    });
  if (translation.answers && translation.answers.length > 0)
    plan.answers.push({
      connection: event.connection,
      flow: flow.id,
      subject: event.subject,
      causes: translation.answers,
    });
  plan.concerns.push(...concernsOf(event, translation.concerns ?? []));
  for (const reply of translation.replies ?? []) plan.replies.push({ flow, reply });
  plan.subjects.push({
    entity: event.entity,
    connection: event.connection,
    flow: flow.id,
    subject: event.subject,
    sourceVersion: event.source_version,
    lookedAt: event.looked_at,
    memory:
      translation.memory === undefined
        ? null
        : parts.vault.seal(JSON.stringify(translation.memory), subjectPlace(flow, event)),
  });
  if (translation.outcome === 'routed') {
    // Several flows may read one source; each source line counts once.
    plan.brought = plan.outcome === 'routed' ? plan.brought : countable(translation.brought ?? event);
    plan.outcome = 'routed';
  }
}

function planDocument(parts: Parts, flow: AnyFlow, event: UnroutedEvent, draft: Draft): PlannedDocument {
  const type = typeOf(flow, draft);
  const key = parts.names.key(type.name, type.key(draft.body));
  const json = canonicalJson(draft.body);
  return {
    flow,
    type,
    draft,
    write: {
      id: newId(),
      entity: event.entity,
      kind: type.name,
      key,
      shape: type.version,
      digest: parts.vault.digest(json),
      body: parts.vault.seal(json, documentPlace(event.entity, type.name, key)),
      flow: flow.id,
      eventId: event.id,
      labels: event.labels,
      afresh: event.afresh,
      ...countable(type.measure(draft.body)),
    },
  };
}

/**
 * No flow of this hub's estate reads the Event's source: another hub's may (a release on its way), so it is left for a while; then a person is told.
 * Never is it taken for done.
 */
function unread(parts: Parts, event: UnroutedEvent): Plan {
  const { connection, source } = event;
  const base = {
    event,
    documents: [],
    looked: [],
    subjects: [],
    concerns: [],
    answers: [],
    replies: [],
    brought: countable(event),
  };
  if (event.attempts < parts.terms.attempts) return { ...base, outcome: 'delayed', exceptions: [] };
  return {
    ...base,
    outcome: 'parked',
    exceptions: [
      {
        ...exceptionBase(parts, null, event),
        holds: true,
        cause: 'no-flow',
        field: null,
        message: `No flow of the estate reads '${source}' of ${connection}, from which this came. Put the flow back and retry, or dismiss this.`,
        ...countable(event),
      },
    ],
  };
}

function exceptionBase(parts: Parts, flow: AnyFlow | null, event: UnroutedEvent) {
  return {
    id: newId(parts.clock.now().getTime()),
    entity: event.entity,
    flow: flow?.id ?? '',
    connection: event.connection,
    subject: event.subject,
    kind: null,
    key: null,
    eventId: event.id,
    deliveryId: null,
    owner: flow?.onException.owner ?? 'operations',
    within: flow?.onException.within ?? ('1d' as const),
    labels: event.labels,
  };
}

/** The whole Event cannot go on: tried again when the cause may pass, else an Exception that holds the subject (or not, as the flow says). */
export function stopped(parts: Parts, event: UnroutedEvent, flow: AnyFlow, error: unknown): Plan {
  const fault: Fault = faultOf(error, 'rejected');
  const base = {
    event,
    documents: [],
    looked: [],
    subjects: [],
    concerns: [],
    answers: [],
    replies: [],
    brought: countable(event),
  };
  const passes = fault.kind === 'transient' || fault.kind === 'throttled' || fault.kind === 'early';
  if (passes && event.attempts < parts.terms.attempts) return { ...base, outcome: 'delayed', exceptions: [] };
  const own = fault.kind === 'rejected' || fault.kind === 'early' ? fault : null;
  const known = own?.cause !== undefined;
  return {
    ...base,
    outcome: flow.onException.hold === 'nothing' ? 'routed' : 'parked',
    exceptions: [
      {
        ...exceptionBase(parts, flow, event),
        holds: flow.onException.hold !== 'nothing',
        cause: own?.cause ?? 'flow-failed',
        field: own?.field ?? null,
        message: known ? fault.message : `Flow '${flow.id}' could not handle this record: ${fault.message}`,
        ...countable(event),
      },
    ],
  };
}
