import { Cron } from 'croner';
import { milliseconds } from '../core/clock.ts';
import { type Measure, nothing } from '../core/document.ts';
import { errorFacts } from '../core/errors.ts';
import type { AnyFlow } from '../core/estate.ts';
import { newId } from '../core/ids.ts';
import { appendAudit } from '../ledger/audit.ts';
import { addAwaits, type BindingKey, unboundOf } from '../ledger/bindings.ts';
import { isAway, type Sql } from '../ledger/database.ts';
import { addDeliveries, type NewDelivery, supersedeWaiting } from '../ledger/deliveries.ts';
import { addReferences, changeDocuments, createDocuments, type WrittenDocument } from '../ledger/documents.ts';
import { adopt } from '../ledger/echoes.ts';
import {
  delayEvent,
  finishEvents,
  nextEvents,
  parkEvent,
  passOver,
  readSubjects,
  writeSubjects,
} from '../ledger/events.ts';
import { closeAnswered } from '../ledger/exceptions.ts';
import { addConcerns } from '../ledger/in-flight.ts';
import { laneId, refreshLanes, takePlaces } from '../ledger/lanes.ts';
import { holdsLease, type Lease } from '../ledger/leases.ts';
import { backoff } from './backoff.ts';
import { type Heard, withoutEchoes } from './echo.ts';
import { writeExceptions } from './exception.ts';
import { writeReplies } from './expectations.ts';
import { takeOff } from './in-flight.ts';
import type { Parts } from './parts.ts';
import { flowToReplay } from './replay.ts';
import { needsOf, type Plan, type PlannedDocument, planEvent, stopped } from './translate.ts';
import { writeUnsent } from './unsent.ts';

/** Thrown when the shard's lease was taken over: nothing of the transaction is kept. */
class LeaseLost extends Error {}

/** Routes the next events of one shard under its lease (Content-Based Router). Returns how many were routed; 0 when the lease was lost. */
export async function routeShard(parts: Parts, shard: number, lease: Lease): Promise<number> {
  await passOverEarlier(parts, shard, lease);
  const events = await nextEvents(parts.db, shard, parts.terms.routeBatch);
  if (events.length === 0) return 0;
  const keys = events.flatMap((event) =>
    parts.wiring
      .flowsOf(event.connection, event.source)
      .map((flow) => ({ connection: event.connection, flow: flow.id, subject: event.subject })),
  );
  const subjects = await readSubjects(parts.db, keys);
  const plans: Plan[] = [];
  for (const event of events) plans.push(await planEvent(parts, event, subjects));
  try {
    for (const batch of withoutClashes(plans)) await writeBatch(parts, lease, batch);
  } catch (error) {
    if (error instanceof LeaseLost) return 0;
    throw error;
  }
  parts.bell.ring('deliver');
  return plans.length;
}

/** Of records that tell all, only the last that waits is worth translating: a source that tells faster than is routed never falls behind. */
async function passOverEarlier({ db, wiring }: Parts, shard: number, lease: Lease): Promise<void> {
  if (wiring.wholes.length === 0) return;
  await db.transaction(async (sql) => {
    if (!(await holdsLease(sql, lease))) return;
    const passed = await passOver(sql, shard, wiring.wholes);
    await appendAudit(
      sql,
      passed.map(({ id, entity }) => ({ entity, actor: 'hub', action: 'event.late', object: `event:${id}` })),
    );
  });
}

/** Batches in order, such that no document is written twice in one batch (but for those that are only made when new). */
function withoutClashes(plans: readonly Plan[]): Plan[][] {
  const batches: Plan[][] = [];
  let written = new Set<string>();
  for (const plan of plans) {
    const own = plan.documents
      .filter(({ draft }) => !draft.onlyIfNew)
      .map(({ write }) => `${write.entity} ${write.kind} ${write.key}`);
    if (batches.length === 0 || own.some((key) => written.has(key))) {
      batches.push([]);
      written = new Set();
    }
    batches.at(-1)!.push(plan);
    for (const key of own) written.add(key);
  }
  return batches;
}

/** Writes a batch in one transaction; when that fails for a reason of one event, each gets its own, and the failing one becomes an Exception. */
async function writeBatch(parts: Parts, lease: Lease, plans: Plan[]): Promise<void> {
  try {
    await parts.db.transaction((sql) => writePlans(parts, sql, lease, plans));
  } catch (error) {
    if (isAway(error) || error instanceof LeaseLost) throw error;
    if (plans.length > 1) {
      for (const plan of plans) await writeBatch(parts, lease, [plan]);
      return;
    }
    const [plan] = plans;
    const flow = parts.wiring.flowsOf(plan!.event.connection, plan!.event.source)[0];
    if (!flow || plan!.outcome === 'parked') throw error;
    parts.log.error('an event could not be written', { event: plan!.event.id, ...errorFacts(error) });
    await parts.db.transaction((sql) => writePlans(parts, sql, lease, [stopped(parts, plan!.event, flow, error)]));
  }
}

async function writePlans(parts: Parts, sql: Sql, lease: Lease, given: readonly Plan[]): Promise<void> {
  if (!(await holdsLease(sql, lease))) throw new LeaseLost();
  const { plans, also, remember } = await withoutEchoes(parts, sql, given);
  const documents = await writeDocuments(parts, sql, plans, also);
  const versions = new Map(documents.map(({ document }) => [documentId(document), document.version]));
  await remember((document) => versions.get(documentId(document)));
  const awaited = await adopt(sql, adopted(plans));
  await owe(parts, sql, documents);
  await refreshLanes(sql, awaited);
  const finished = plans.flatMap(({ event, outcome, brought }) =>
    outcome === 'parked' || outcome === 'delayed' ? [] : [{ id: event.id, outcome, ...brought }],
  );
  if ((await finishEvents(sql, finished)) !== finished.length) throw new LeaseLost();
  for (const { event, outcome } of plans) {
    if (outcome === 'parked') await parkEvent(sql, event.id);
    if (outcome === 'delayed')
      await delayEvent(sql, event.id, backoff(event.attempts + 1, parts.terms.retrySeconds, parts.random));
  }
  await writeSubjects(
    sql,
    plans.flatMap((plan) => plan.subjects),
  );
  await addConcerns(
    sql,
    plans.flatMap((plan) => plan.concerns),
  );
  await closeAnsweredObjections(sql, plans);
  await writeReplies(parts, sql, plans);
  await writeExceptions(
    parts,
    sql,
    plans.flatMap((plan) => plan.exceptions),
  );
  await appendAudit(
    sql,
    plans
      .filter((plan) => plan.outcome !== 'delayed')
      .map(({ event, outcome, exceptions }) => ({
        entity: event.entity,
        actor: 'hub',
        action: flowToReplay(event) === null ? `event.${outcome}` : 'event.replayed',
        object: `event:${event.id}`,
        ...(exceptions.length > 0
          ? { detail: { exceptions: exceptions.map(({ id, cause }) => ({ id, cause })) } }
          : {}),
      })),
  );
}

async function closeAnsweredObjections(sql: Sql, plans: readonly Plan[]): Promise<void> {
  for (const { event, answers } of plans)
    for (const answered of answers)
      await appendAudit(
        sql,
        (await closeAnswered(sql, answered)).map(({ id, cause }) => ({
          entity: event.entity,
          actor: 'hub',
          action: 'exception.answered',
          object: `exception:${id}`,
          detail: { cause, event: event.id },
        })),
      );
}

/** Ids by which the events' connections know the records they are about. */
const adopted = (plans: readonly Plan[]) => [
  ...new Map(
    plans.flatMap(({ event: { connection }, documents }) =>
      documents.flatMap(({ draft: { externalId }, write: { entity, kind, key } }) =>
        externalId === undefined
          ? []
          : [[documentId({ entity, kind, key }), { connection, entity, kind, key, externalId }] as const],
      ),
    ),
  ).values(),
];

interface Fresh {
  planned: PlannedDocument;
  document: WrittenDocument;
  receivedAt: Date;
}

/** Writes new and changed documents with their references; returns those that are owed to their sinks. */
async function writeDocuments(parts: Parts, sql: Sql, plans: readonly Plan[], also: Heard['also']): Promise<Fresh[]> {
  const wanted = new Map<string, { planned: PlannedDocument; receivedAt: Date; all: PlannedDocument[] }>();
  for (const plan of plans)
    for (const planned of plan.documents) {
      const key = documentId(planned.write);
      const before = wanted.get(key);
      const all = [...(before?.all ?? []), planned];
      if (before && planned.draft.onlyIfNew) before.all = all;
      else wanted.set(key, { planned, receivedAt: plan.event.received_at, all });
    }
  if (wanted.size === 0) return [];
  const created = await createDocuments(
    sql,
    [...wanted.values()].map(({ planned }) => planned.write),
  );
  const isNew = new Set(created.map(documentId));
  const rest = [...wanted.entries()]
    .filter(([key, { planned }]) => !isNew.has(key) && !planned.draft.onlyIfNew)
    .map(([, { planned }]) => planned.write);
  const changed = rest.length > 0 ? await changeDocuments(sql, rest) : [];
  // Several flows may carry one document, each to its own sink.
  const fresh = [...created, ...changed].flatMap((document) => {
    const { all, receivedAt } = wanted.get(documentId(document))!;
    const back = also
      .filter(({ planned }) => documentId(planned.write) === documentId(document))
      .map(({ planned, flow }) => ({ ...planned, flow }));
    const owed = [...all.filter(({ draft }) => isNew.has(documentId(document)) || !draft.onlyIfNew), ...back];
    const bySink = new Map(owed.map((planned) => [parts.wiring.sink(planned.flow, document.kind), planned]));
    return [...bySink.values()].map((planned) => ({ planned, document, receivedAt }));
  });
  await addReferences(
    sql,
    fresh.flatMap(({ planned: { type, draft, write }, document }) =>
      type.references(draft.body).map(([kind, value]) => ({
        entity: write.entity,
        kind,
        value: parts.vault.digest(value),
        documentId: document.id,
      })),
    ),
  );
  return fresh;
}

const documentId = ({ entity, kind, key }: { entity: string; kind: string; key: string }): string =>
  JSON.stringify([entity, kind, key]);

/** Gives each fresh document version its place in its lane (Guaranteed Delivery, Resequencer); waiting older versions give way. */
async function owe(parts: Parts, sql: Sql, fresh: readonly Fresh[]): Promise<void> {
  if (fresh.length === 0) return;
  const owed = fresh.map(({ planned, document, receivedAt }) => {
    const { connection, sink, priority } = parts.wiring.sink(planned.flow, document.kind);
    const needs = unique(
      (sink.needsBound === false ? [] : needsOf(planned.flow, planned.type, planned.draft)).map(
        ([kind, key]): BindingKey => ({ connection, entity: document.entity, kind, key: parts.names.key(kind, key) }),
      ),
    );
    const lane = { connection, sink: sink.name, laneKey: `${document.kind}:${document.key}` };
    const weight: Measure = sink.posts === false ? nothing : planned.write;
    const notBefore = releaseTime(planned.flow, parts.clock.now());
    return { id: newId(), planned, document, receivedAt, sink, lane, priority, needs, weight, notBefore };
  });
  const unbound = new Set((await unboundOf(sql, unique(owed.flatMap(({ needs }) => needs)))).map(bindingId));
  const places = await takePlaces(
    sql,
    owed.map(({ lane, document, priority }) => ({ ...lane, entity: document.entity, priority, count: 1 })),
  );
  const superseded = await supersedeWaiting(
    sql,
    owed
      .filter(({ document }) => document.version > 1)
      .map(({ document: { id, version }, lane: { connection, sink } }) => ({
        documentId: id,
        version,
        connection,
        sink,
      })),
  );
  if (superseded > 0) parts.log.debug('coalesced', { superseded });
  const waits = owed.map(({ needs }) => needs.filter((need) => unbound.has(bindingId(need))));
  await addDeliveries(
    sql,
    owed.map(({ id, planned, document, receivedAt, lane, weight, notBefore }, index): NewDelivery => {
      const { write, flow } = planned;
      return {
        id,
        ...lane,
        entity: document.entity,
        flow: flow.id,
        place: places.get(laneId(lane))!,
        documentId: document.id,
        kind: document.kind,
        key: document.key,
        version: document.version,
        eventId: write.eventId,
        waits: waits[index]!.length,
        notBefore,
        labels: write.labels,
        lines: weight.lines,
        currency: weight.currency,
        minor: weight.minor,
        absolute: weight.absolute,
        promisedAt: new Date(receivedAt.getTime() + milliseconds(flow.promise.within)),
      };
    }),
  );
  await takeOff(
    parts,
    sql,
    owed.map(({ id, planned: { type, draft }, document, lane: { connection } }) => ({
      id,
      connection,
      type,
      body: draft.body,
      document,
    })),
  );
  await writeUnsent(
    parts,
    sql,
    owed.map(({ planned: { flow, draft, write }, document, sink, lane: { connection }, notBefore }) => ({
      connection,
      sink,
      flow,
      body: draft.body,
      document,
      labels: write.labels,
      notBefore,
    })),
  );
  await addAwaits(
    sql,
    owed.flatMap(({ id }, index) => waits[index]!.map((need) => ({ ...need, deliveryId: id }))),
  );
  await refreshLanes(
    sql,
    owed.map(({ lane }) => lane),
  );
}

const bindingId = ({ connection, entity, kind, key }: BindingKey): string =>
  JSON.stringify([connection, entity, kind, key]);
const unique = (keys: readonly BindingKey[]): BindingKey[] => [
  ...new Map(keys.map((key) => [bindingId(key), key])).values(),
];

/** When a flow's deliveries may go: at once, or at the next time of its schedule in its zone (a time skipped by a clock change counts as just after). */
export function releaseTime(flow: AnyFlow, now: Date): Date | null {
  if (flow.latency === 'realtime') return null;
  return new Cron(flow.latency.batch, { timezone: flow.latency.zone }).nextRun(now);
}
