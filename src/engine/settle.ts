import type { Duration } from '../core/clock.ts';
import type { Result } from '../core/connector.ts';
import type { Measure } from '../core/document.ts';
import { newId } from '../core/ids.ts';
import type { Trace } from '../core/trace.ts';
import { type AuditRecord, appendAudit } from '../ledger/audit.ts';
import { type BindingWrite, bind, bindParts, boundMeasures } from '../ledger/bindings.ts';
import { isAway, type Sql } from '../ledger/database.ts';
import {
  addAttempts,
  type ClaimedDelivery,
  finishDeliveries,
  freeLanes,
  giveWay,
  lockOwnLanes,
  type Postponed,
  postponeDeliveries,
} from '../ledger/deliveries.ts';
import { type FlowKey, type KnownState, noteWritten } from '../ledger/echoes.ts';
import { closeRefusal, openRefusal } from '../ledger/exceptions.ts';
import { refreshLanes } from '../ledger/lanes.ts';
import { ownDigest } from './echo.ts';
import { type ExceptionDraft, writeExceptions } from './exception.ts';
import { writeExpectations } from './expectations.ts';
import { arrive, passOn } from './in-flight.ts';
import { decide, type Next } from './outcome.ts';
import type { Parts } from './parts.ts';
import { endSending } from './unsent.ts';
import type { SinkPort } from './wiring.ts';

/** Lanes leased together with the Intents of their heads. */
export interface Claim {
  port: SinkPort;
  deliveries: ClaimedDelivery[];
  /** One per delivery, in the same order: the span of this attempt. */
  spans: readonly Trace[];
  /** One per delivery where the sink is numbered, else none. */
  numbers: readonly number[];
  epoch: bigint;
  /** Monotonic milliseconds just before the lease was asked for. */
  asked: number;
  startedAt: Date;
  /** What was sent, by delivery. */
  bodies: Map<string, unknown>;
  /** Deliveries of which something that they need was on its way there in another version. */
  waiting: Set<string>;
}

interface Outcome {
  delivery: ClaimedDelivery;
  result: Result;
  next: Next;
}

/**
 * Writes what became of a claim in one transaction: Attempts, Bindings, next states, Exceptions, audit. Fenced per row: of lanes that were
 * taken over meanwhile nothing is written, their new holder finds out for itself.
 */
export async function settle(
  parts: Parts,
  claim: Claim,
  results: readonly Result[],
  connectionDown: boolean,
): Promise<void> {
  const { sink } = claim.port;
  const outcomeOf = (delivery: ClaimedDelivery, result: Result): Outcome => ({
    delivery,
    result,
    next: decide(result, {
      idempotency: sink.idempotency,
      settle: sink.settle,
      attempts: delivery.attempts + 1,
      mostAttempts: parts.terms.attempts,
      retrySeconds: parts.terms.retrySeconds,
      connectionDown,
      underway: claim.waiting.has(delivery.id),
      random: parts.random,
    }),
  });
  const write = async (outcomes: readonly Outcome[]): Promise<void> => {
    const written = await parts.db.transaction((sql) => writeOutcomes(parts, sql, claim, outcomes));
    for (const outcome of outcomes) report(parts, claim, outcome, written.has(outcome.delivery.lane_key));
  };
  const outcomes = claim.deliveries.map((delivery, index) => outcomeOf(delivery, results[index]!));
  try {
    await write(outcomes);
  } catch (error) {
    if (isAway(error)) throw error;
    // One answer cannot be stored (a NUL in an id): it parks, the others' stand.
    for (const outcome of outcomes)
      await write([outcome]).catch((cause: unknown) => {
        if (isAway(cause)) throw cause;
        return write([outcomeOf(outcome.delivery, unstorable(cause))]);
      });
  }
  parts.bell.ring('deliver');
}

const unstorable = (cause: unknown): Result => ({
  outcome: 'failed',
  fault: {
    kind: 'rejected',
    cause: 'answer-unstorable',
    message: `The target's answer cannot be stored: ${(cause as Error).message}. The record may be there: look, then retry, or dismiss this and say under which id it is there.`,
  },
});

async function writeOutcomes(parts: Parts, sql: Sql, claim: Claim, outcomes: readonly Outcome[]): Promise<Set<string>> {
  const { connection, sink } = claim.port;
  const keys = outcomes.map(({ delivery }) => delivery.lane_key);
  const own = await lockOwnLanes(sql, { connection, sink: sink.name, holder: parts.node, epoch: claim.epoch, keys });
  const ours = outcomes.filter(({ delivery }) => own.has(delivery.lane_key));
  if (ours.length === 0) return own;
  const excepted = await measuresBeyond(sql, claim, ours);
  const finished = ours.filter(({ next }) => next.next === 'finish');
  await addAttempts(
    sql,
    ours.map((outcome) => attemptRow(parts, claim, outcome)),
  );
  const released = await bind(
    sql,
    finished.map((outcome) => bindingOf(connection, outcome)),
  );
  const brought = await bindParts(
    sql,
    finished.flatMap((outcome) => partsOf(parts, connection, outcome)),
  );
  await noteWritten(
    sql,
    finished.flatMap((outcome) => writtenOf(parts, claim, outcome)),
  );
  const finishedIds = finished.map(({ delivery }) => delivery.id);
  if (sink.due) await endSending(sql, claim.port.entity, finishedIds, 'it was sent');
  await finishDeliveries(sql, finishedIds, 'delivered');
  await arrive(
    parts,
    sql,
    connection,
    finished.map(({ delivery: { id, kind, entity } }) => ({ id, kind, entity, body: claim.bodies.get(id) ?? null })),
  );
  await postponeDeliveries(
    sql,
    ours.flatMap(({ delivery, next }) => postponed(delivery, next) ?? []),
  );
  const unlanded = ours.filter(({ next }) => next.next === 'again' && next.settlesSeconds === null);
  const gaveWay = await giveWay(
    sql,
    unlanded.map(({ delivery }) => delivery.id),
  );
  await passOn(parts, sql, connection, gaveWay);
  await writeExceptions(
    parts,
    sql,
    ours.flatMap(({ delivery, next }) =>
      next.next === 'park' ? [parkedException(parts, claim, delivery, next, excepted.get(delivery.id)!)] : [],
    ),
  );
  await writeExpectations(parts, sql, connection, finished);
  await writeRefusal(parts, sql, claim, ours);
  await appendAudit(sql, ours.flatMap(auditOf));
  await freeLanes(
    sql,
    connection,
    sink.name,
    ours.map(({ delivery, next }) => ({
      key: delivery.lane_key,
      quietSeconds: next.next === 'finish' ? null : next.settlesSeconds,
    })),
  );
  await refreshLanes(sql, [
    ...ours.map(({ delivery }) => ({ connection, sink: sink.name, laneKey: delivery.lane_key })),
    ...released,
    ...brought,
  ]);
  return own;
}

function postponed(delivery: ClaimedDelivery, next: Next): Postponed | null {
  if (next.next === 'finish') return null;
  const common = { id: delivery.id, settlesSeconds: next.settlesSeconds };
  if (next.next === 'park') return { ...common, state: 'parked', afterSeconds: 0, spent: true };
  return {
    ...common,
    state: next.settlesSeconds === null ? 'waiting' : 'unknown',
    afterSeconds: next.afterSeconds,
    spent: next.spent,
  };
}

/** What the target holds now, as each flow that reads from there will hear it. */
function writtenOf(parts: Parts, claim: Claim, { delivery, result }: Outcome): (FlowKey & KnownState)[] {
  const { connection } = claim.port;
  const { id, entity, kind, key, version: document } = delivery;
  const sent = claim.bodies.get(id);
  if (result.outcome !== 'done' || sent === undefined) return [];
  const body = { ...(sent as object), ...result.held };
  return parts.wiring.readersOf(connection, kind).map((flow) => ({
    connection,
    entity,
    kind,
    key,
    flow: flow.id,
    digest: ownDigest(parts, flow, kind, body),
    version: result.version ?? null,
    document,
  }));
}

const bindingOf = (connection: string, { delivery, next }: Outcome): BindingWrite => ({
  connection,
  entity: delivery.entity,
  kind: delivery.kind,
  key: delivery.key,
  externalId: (next as Extract<Next, { next: 'finish' }>).externalId,
  version: delivery.version,
  lines: delivery.lines,
  currency: delivery.currency,
  minor: delivery.minor,
  absolute: delivery.absolute,
});

const partsOf = ({ names }: Parts, connection: string, { delivery: { entity }, result }: Outcome) =>
  result.outcome === 'done'
    ? (result.parts ?? []).map(({ kind, key, id }) => ({
        connection,
        entity,
        kind,
        key: names.key(kind, key),
        externalId: id,
      }))
    : [];

/** What a parked version would add to what the target already holds of the document. */
async function measuresBeyond(sql: Sql, claim: Claim, outcomes: readonly Outcome[]): Promise<Map<string, Measure>> {
  const parked = outcomes.filter(({ next }) => next.next === 'park').map(({ delivery }) => delivery);
  const held = await boundMeasures(
    sql,
    parked.map(({ entity, kind, key }) => ({ connection: claim.port.connection, entity, kind, key })),
  );
  return new Map(
    parked.map((delivery) => {
      const before = held.find(
        (row) => row.entity === delivery.entity && row.kind === delivery.kind && row.key === delivery.key,
      );
      const { lines, currency, minor, absolute } = delivery;
      return [
        delivery.id,
        {
          lines: lines - (before?.lines ?? 0),
          currency,
          minor: minor - (before?.minor ?? 0n),
          absolute: absolute - (before?.absolute ?? 0n),
        },
      ];
    }),
  );
}

const outcomeName = ({ result, next }: Outcome): string =>
  result.outcome === 'done'
    ? 'delivered'
    : result.outcome === 'untouched'
      ? 'untouched'
      : next.next === 'park'
        ? 'parked'
        : result.fault.kind;

const attemptRow = (parts: Parts, claim: Claim, outcome: Outcome) => ({
  deliveryId: outcome.delivery.id,
  entity: outcome.delivery.entity,
  number: outcome.delivery.attempts + 1,
  node: parts.node,
  outcome: outcomeName(outcome),
  message:
    outcome.result.outcome === 'failed'
      ? parts.vault.seal(outcome.result.fault.message, `attempt:${outcome.delivery.id}`)
      : null,
  startedAt: claim.startedAt,
});

function parkedException(
  parts: Parts,
  claim: Claim,
  delivery: ClaimedDelivery,
  next: Extract<Next, { next: 'park' }>,
  measure: Measure,
): ExceptionDraft {
  const flow = parts.wiring.flow(delivery.flow);
  return {
    id: newId(),
    entity: delivery.entity,
    flow: delivery.flow,
    connection: claim.port.connection,
    subject: null,
    kind: delivery.kind,
    key: delivery.key,
    eventId: null,
    deliveryId: delivery.id,
    holds: true,
    cause: next.cause,
    field: next.field,
    message: next.message,
    owner: flow?.onException.owner ?? 'operations',
    within: flow?.onException.within ?? ('1d' as Duration),
    labels: delivery.labels,
    ...measure,
  };
}

const writing = { cause: 'connection-refused', subject: null } as const;

/** One Exception for a connection that refuses, whichever sinks it refuses: opened by the first of them, and closed when that one may write again. */
async function writeRefusal(parts: Parts, sql: Sql, claim: Claim, outcomes: readonly Outcome[]): Promise<void> {
  const { connection, entity, sink } = claim.port;
  const about = { connection, sink: sink.name, ...writing };
  const refusal = outcomes.flatMap(({ result }) =>
    result.outcome === 'failed' && result.fault.kind === 'refused' ? [result.fault.message] : [],
  )[0];
  if (refusal === undefined) {
    if (outcomes.some(({ next }) => next.next === 'finish')) await closeRefusal(sql, about);
    return;
  }
  const id = newId();
  const message = `${connection} refuses us: ${refusal} What goes to its ${sink.name} waits, and so does all else that it refuses; it goes on by itself once that is put right.`;
  const flow = parts.wiring.flow(outcomes[0]!.delivery.flow);
  await openRefusal(sql, {
    id,
    entity,
    ...about,
    flow: outcomes[0]!.delivery.flow,
    owner: flow?.onException.owner ?? 'operations',
    message: parts.vault.seal(message, `exception:${id}`),
  });
}

function auditOf({ delivery, result, next }: Outcome): AuditRecord[] {
  const object = `delivery:${delivery.id}`;
  const about = { kind: delivery.kind, version: delivery.version, attempt: delivery.attempts + 1 };
  if (next.next === 'finish')
    return [{ entity: delivery.entity, actor: 'hub', action: 'delivery.delivered', object, detail: about }];
  if (next.next === 'park')
    return [
      {
        entity: delivery.entity,
        actor: 'hub',
        action: 'delivery.parked',
        object,
        detail: { ...about, cause: next.cause },
      },
    ];
  if (result.outcome === 'failed' && result.fault.kind === 'unknown')
    return [{ entity: delivery.entity, actor: 'hub', action: 'delivery.unknown', object, detail: about }];
  return [];
}

function report(parts: Parts, claim: Claim, outcome: Outcome, written: boolean): void {
  const { delivery, result } = outcome;
  const failed = result.outcome === 'failed';
  const span = claim.spans[claim.deliveries.indexOf(delivery)];
  parts.log[failed ? 'warn' : 'info']('delivery.attempted', {
    delivery: delivery.id,
    entity: delivery.entity,
    flow: delivery.flow,
    connection: claim.port.connection,
    sink: claim.port.sink.name,
    kind: delivery.kind,
    version: delivery.version,
    attempt: delivery.attempts + 1,
    outcome: written ? outcomeName(outcome) : 'fenced',
    ...(failed ? { fault: result.fault.kind } : {}),
    ...(outcome.next.next === 'again' ? { againSeconds: outcome.next.afterSeconds } : {}),
    batch: claim.deliveries.length,
    trace: span?.traceId,
    span: span?.spanId,
    elapsedMs: Math.round(parts.clock.monotonic() - claim.asked),
  });
}
