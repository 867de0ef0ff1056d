import { milliseconds } from '../core/clock.ts';
import type { Context, Found, Item, Result } from '../core/connector.ts';
import type { AnyDocumentType } from '../core/document.ts';
import { type Fault, FaultError, faultOf } from '../core/fault.ts';
import { newSpanId, spanFor, type Trace, traceparentOf } from '../core/trace.ts';
import { externalIds } from '../ledger/bindings.ts';
import type { Sql } from '../ledger/database.ts';
import { type ClaimedDelivery, claimDeliveries, renewLanes, underway } from '../ledger/deliveries.ts';
import { documentBodies } from '../ledger/documents.ts';
import { numbersOf } from '../ledger/partner-numbers.ts';
import type { Breaker } from './breaker.ts';
import { contextFor, type Guard } from './context.ts';
import { ownFieldsOf } from './echo.ts';
import { documentPlace } from './look.ts';
import { isPersonal } from './names.ts';
import type { Parts } from './parts.ts';
import { type Claim, settle } from './settle.ts';
import type { SinkPort } from './wiring.ts';

const SLOW_MS = 30_000;
const FAST_MS = 10_000;

/** Delivers what is owed to one sink, a batch at a time. Keeps the batch size that the target can take in good time, and tells the connection's breaker how calls went. */
export class Deliverer {
  readonly #parts: Parts;
  readonly #port: SinkPort;
  readonly #breaker: Breaker;
  #size: number;
  /** By the monotonic clock: what concerns this sink alone keeps no other from its work. */
  #restsUntil = 0;

  constructor(parts: Parts, port: SinkPort, breaker: Breaker) {
    this.#parts = parts;
    this.#port = port;
    this.#breaker = breaker;
    this.#size = port.sink.batch.max;
  }

  /**
   * Claims free lanes with their Intents, calls the sink, and writes the outcome. Returns how many deliveries it tried; 0 when nothing was
   * ready, null when nothing may be sent for now. `allowed` is asked at the last moment before anything is sent.
   */
  async once(allowed: Guard): Promise<number | null> {
    if (this.#parts.clock.monotonic() < this.#restsUntil || !this.#breaker.enter()) return null;
    try {
      const claim = await this.#claim();
      if (!claim) return 0;
      if (this.#breaker.told) {
        await settle(this.#parts, claim, claim.deliveries.map(untouched), this.#breaker.open);
        return null;
      }
      const started = this.#parts.clock.monotonic();
      const results = await this.#call(claim, allowed);
      this.#learn(results, this.#parts.clock.monotonic() - started);
      await settle(this.#parts, claim, results, this.#breaker.open);
      return claim.deliveries.length;
    } finally {
      this.#breaker.leave();
    }
  }

  async #claim(): Promise<Claim | null> {
    const { sink, connection } = this.#port;
    const { terms, node } = this.#parts;
    const asked = this.#parts.clock.monotonic();
    const startedAt = this.#parts.clock.now();
    const { deliveries, numbers } = await this.#parts.db.transaction(async (sql) => {
      const claimed = await claimDeliveries(sql, {
        connection,
        sink: sink.name,
        holder: node,
        max: this.#breaker.open ? 1 : this.#size,
        maxLines: sink.batch.maxLines ?? 1_000_000,
        leaseSeconds: terms.leaseSeconds,
        deadlineSeconds: milliseconds(sink.deadline) / 1000,
        settleSeconds: milliseconds(sink.settle) / 1000,
      });
      return { deliveries: claimed, numbers: sink.numbered ? await numbered(sql, this.#port, claimed) : [] };
    });
    return deliveries.length === 0
      ? null
      : {
          port: this.#port,
          deliveries,
          spans: deliveries.map(({ labels, event_id }) => spanFor(labels, event_id)),
          numbers,
          epoch: deliveries[0]!.epoch,
          asked,
          startedAt,
          bodies: new Map(),
          waiting: new Set(),
        };
  }

  /** One Result per delivery; never throws but for an absent ledger. */
  async #call(claim: Claim, allowed: Guard): Promise<Result[]> {
    const { sink, connection } = this.#port;
    const deadline = AbortSignal.timeout(milliseconds(sink.deadline));
    const lease = this.#keepLease(claim);
    const cx = contextFor(
      this.#parts,
      connection,
      AbortSignal.any([deadline, lease.lost]),
      () => allowed() && lease.valid(),
      traceparentOf(spanOfCall(claim.spans)),
    );
    const failed = (error: unknown, whenUnclear: 'transient' | 'unknown'): Result[] => {
      const fault = faultOf(error, whenUnclear);
      return claim.deliveries.map(() => ({ outcome: 'failed', fault }));
    };
    try {
      const read = await readItems(this.#parts, claim, connection).catch((error: unknown) =>
        failed(error, 'transient'),
      );
      const sent = claim.deliveries.flatMap((delivery, index) => {
        const item = read[index]!;
        return 'outcome' in item ? [] : [{ delivery, item }];
      });
      for (const { delivery, item } of sent) {
        claim.bodies.set(delivery.id, item.document);
        if (item.underway && item.underway.size > 0) claim.waiting.add(delivery.id);
      }
      const results = sent.length > 0 ? await this.#deliver(sent, cx) : [];
      return read.map((item) => ('outcome' in item ? item : results.shift()!));
    } catch (error) {
      return failed(error, 'unknown');
    } finally {
      await lease.stop();
    }
  }

  /**
   * For a sink that must be asked first, asks about new records whose outcome was unknown (writing to a record whose id is bound doubles
   * nothing); after a restore any sink that can be asked is asked about what may have landed before it. Then delivers the rest.
   */
  async #deliver(sent: readonly { delivery: ClaimedDelivery; item: Item<unknown> }[], cx: Context): Promise<Result[]> {
    const { sink } = this.#port;
    const { era } = this.#parts;
    const items = sent.map(({ item }) => item);
    const known = new Map<number, Result>();
    if (sink.idempotency === 'unsafe')
      for (const [index, { delivery }] of sent.entries())
        if (delivery.settled_at ? delivery.attempts > 0 : era.mayHaveLanded(delivery.created_at, 'unsafe'))
          known.set(index, { outcome: 'failed', fault: delivery.settled_at ? lostCall : lostWithLedger });
    const asksFirst = sink.idempotency === 'find-first';
    const asked = items.flatMap((item, index) => {
      const { settled_at: unknown, created_at: createdAt } = sent[index]!.delivery;
      const doubtful = (unknown && asksFirst) || era.mayHaveLanded(createdAt, sink.idempotency);
      return doubtful && item.id === null && !known.has(index) && (asksFirst || sink.find) ? [{ item, index }] : [];
    });
    const answers =
      asked.length > 0
        ? await this.#find(
            asked.map(({ item }) => item),
            cx,
          )
        : [];
    for (const [n, answer] of answers.entries()) {
      const { item, index } = asked[n]!;
      const { delivery } = sent[index]!;
      if (answer.found === 'unknown') known.set(index, { outcome: 'failed', fault: answer.fault });
      // A later version of a record that landed before the restore: it is written to that record.
      else if (answer.found === 'whole' && delivery.version > 1 && !delivery.settled_at)
        items[index] = { ...item, id: answer.id };
      else if (answer.found === 'whole') known.set(index, doneBy(answer));
      else if (answer.found === 'partial' && asksFirst)
        known.set(index, { outcome: 'failed', fault: inPart(answer.message) });
    }
    const rest = items.flatMap((item, index) => (known.has(index) ? [] : [{ item, index }]));
    if (rest.length > 0) {
      const results = await sink.deliver(
        rest.map(({ item }) => item),
        cx,
      );
      if (results.length !== rest.length)
        throw new Error(`sink '${sink.name}' answered ${results.length} results for ${rest.length} items`);
      for (const [n, { index }] of rest.entries()) known.set(index, results[n]!);
    }
    return items.map((_, index) => known.get(index)!);
  }

  /** What the target already holds. A question that failed is asked again: it changed nothing. */
  async #find(items: readonly Item<unknown>[], cx: Context): Promise<(Found | { found: 'unknown'; fault: Fault })[]> {
    const { sink } = this.#port;
    if (!sink.find) throw new Error(`sink '${sink.name}' is find-first and has no find`);
    try {
      const found = await sink.find([...items], cx);
      if (found.length !== items.length)
        throw new Error(`sink '${sink.name}' found ${found.length} answers for ${items.length} items`);
      return found;
    } catch (error) {
      const fault = faultOf(error, 'transient');
      const again: Fault = fault.kind === 'unknown' ? { kind: 'transient', message: fault.message } : fault;
      return items.map(() => ({ found: 'unknown', fault: again }));
    }
  }

  /** Renews the claim's lanes while the call is alive, at the longest to the Intent's deadline. */
  #keepLease(claim: Claim): { valid: Guard; lost: AbortSignal; stop(): Promise<void> } {
    const { db, clock, terms, node, log } = this.#parts;
    const lost = new AbortController();
    const deadlineMs = milliseconds(this.#port.sink.deadline);
    const deadline = claim.deliveries[0]!.intent_deadline;
    let validUntil = claim.asked + Math.min(terms.leaseSeconds * 1000, deadlineMs);
    let renewing: Promise<void> = Promise.resolve();
    const renew = async () => {
      const asked = clock.monotonic();
      const kept = await renewLanes(db, node, claim.epoch, terms.leaseSeconds, deadline);
      if (kept === claim.deliveries.length)
        validUntil = Math.min(asked + terms.leaseSeconds * 1000, claim.asked + deadlineMs);
      else lost.abort(new Error('the lease was taken over'));
    };
    const timer = setInterval(
      () => {
        renewing = renewing
          .then(renew)
          .catch((error: Error) => log.warn('a lease could not be renewed', { error: error.message }));
      },
      (terms.leaseSeconds * 1000) / 3,
    );
    return {
      valid: () => !lost.signal.aborted && clock.monotonic() < validUntil - 500,
      lost: lost.signal,
      stop: async () => {
        clearInterval(timer);
        await renewing;
      },
    };
  }

  #learn(all: readonly Result[], elapsed: number): void {
    // What was decided here without a call says nothing about the target.
    const results = all.filter((result) => result.outcome !== 'failed' || !unsent.includes(result.fault));
    if (results.length === 0) return;
    const faults = results.flatMap((result) => (result.outcome === 'failed' ? [result.fault] : []));
    const kinds = new Set(faults.map((fault) => fault.kind));
    const max = this.#port.sink.batch.max;
    if (kinds.has('unknown') || elapsed > SLOW_MS) this.#size = Math.max(1, Math.floor(this.#size / 2));
    else if (elapsed < FAST_MS) this.#size = Math.min(max, this.#size * 2);
    for (const fault of faults)
      if (fault.kind === 'throttled') {
        const wait = milliseconds(fault.retryAfter);
        if (fault.alone) this.#rest(wait);
        else this.#breaker.wait(wait / 1000);
      }
    if (kinds.has('refused')) this.#rest(REFUSED_WAIT_MS);
    const allFailed =
      faults.length === results.length && faults.every(({ kind }) => kind === 'transient' || kind === 'unknown');
    if (allFailed) this.#breaker.failed();
    else if (!kinds.has('refused') && !kinds.has('throttled')) this.#breaker.succeeded();
  }

  #rest(milliseconds: number): void {
    this.#restsUntil = Math.max(this.#restsUntil, this.#parts.clock.monotonic() + milliseconds);
  }
}

/** The numbers under which the claimed versions are sent, committed with their Intents. */
const numbered = (sql: Sql, { entity, connection, sink }: SinkPort, claimed: readonly ClaimedDelivery[]) =>
  claimed.length === 0
    ? []
    : numbersOf(
        sql,
        { entity, connection, sink: sink.name },
        claimed.map(({ document_id, version }) => ({ documentId: document_id, version })),
      );

/** A call for one trace is in it; one for several cannot be in all and has a trace of its own. */
function spanOfCall(spans: readonly Trace[]): Trace {
  const [first] = spans;
  return spans.every(({ traceId }) => traceId === first!.traceId)
    ? first!
    : { traceId: newSpanId() + newSpanId(), spanId: newSpanId(), sampled: spans.some(({ sampled }) => sampled) };
}

const REFUSED_WAIT_MS = 30_000;
/** Of an earlier attempt, whose hub is gone; a person's retry starts counting attempts anew and is sent. */
const lostCall: Fault = { kind: 'unknown', message: 'the hub that made the call is gone' };
const lostWithLedger: Fault = {
  kind: 'unknown',
  message: 'the ledger was restored from a backup, and what was sent after that backup is not in it',
};
const unsent: readonly Fault[] = [lostCall, lostWithLedger];
const untouched = (): Result => ({ outcome: 'untouched' });
const doneBy = ({ id, parts }: Extract<Found, { found: 'whole' }>): Result => ({
  outcome: 'done',
  id,
  ...(parts ? { parts } : {}),
});

const inPart = (found = 'The target holds a part of this record.'): Fault => ({
  kind: 'rejected',
  cause: 'landed-in-part',
  message: `${found} An answer was lost before that. Complete it there and dismiss this, saying under which id it is there, or remove it there and retry.`,
});

/** One per delivery: what is to be sent, or why it cannot be. */
async function readItems(
  parts: Parts,
  { deliveries, spans, numbers, port }: Pick<Claim, 'deliveries' | 'spans' | 'numbers' | 'port'>,
  connection: string,
): Promise<(Item<unknown> | Result)[]> {
  const compared = deliveries.flatMap((delivery) => (port.sink.compares ? (boundVersion(delivery) ?? []) : []));
  const bodies = await documentBodies(parts.db, [
    ...deliveries.map(({ document_id, version }) => ({ documentId: document_id, version })),
    ...compared,
  ]);
  const bodyOf = (delivery: ClaimedDelivery, version: number): unknown => {
    const stored = bodies.find((body) => body.id === delivery.document_id && body.version === version);
    if (!stored) return null;
    const place = documentPlace(delivery.entity, stored.kind, stored.key);
    return JSON.parse(parts.vault.unseal(stored.body_sealed, place).toString());
  };
  const decode = (delivery: ClaimedDelivery) => {
    const document = bodyOf(delivery, delivery.version);
    if (document === null)
      throw new Error(`document ${delivery.document_id} version ${delivery.version} is not in the ledger`);
    const type = typeOf(parts, delivery);
    return { delivery, type, document, needs: [...type.needs(document), ...type.follows(document)] };
  };
  const decoded = deliveries.map((delivery) => {
    try {
      return decode(delivery);
    } catch (error) {
      return unreadable(error);
    }
  });
  const keyOf = (kind: string, key: string) => parts.names.key(kind, key);
  const needed = decoded
    .flatMap((item) => ('outcome' in item ? [] : [item]))
    .flatMap(({ delivery, needs }) =>
      needs.map(([kind, key]) => ({ connection, entity: delivery.entity, kind, key: keyOf(kind, key) })),
    );
  const links = await externalIds(parts.db, needed);
  const minds = port.sink.minds === 'underway';
  const coming = new Set(
    minds ? (await underway(parts.db, connection, needed)).map((one) => `${one.entity} ${one.kind}:${one.key}`) : [],
  );
  const idOf = new Map(links.map((link) => [`${link.entity} ${link.kind}:${link.key}`, link.external_id]));
  return decoded.map((item, index) => {
    if ('outcome' in item) return item;
    const { delivery, type, document, needs } = item;
    const fields = ownFieldsOf(parts.wiring.flow(delivery.flow), delivery.kind);
    return {
      key: isPersonal(type) ? type.key(document) : delivery.key,
      id: delivery.external_id,
      document,
      version: delivery.version,
      ...(port.sink.compares && delivery.bound_version !== null
        ? { before: bodyOf(delivery, delivery.bound_version) }
        : {}),
      ...(fields === undefined ? {} : { fields }),
      links: new Map(
        needs.map(([kind, key]) => [
          `${kind}:${key}`,
          idOf.get(`${delivery.entity} ${kind}:${keyOf(kind, key)}`) ?? '',
        ]),
      ),
      ...(minds
        ? {
            underway: new Set(
              needs.flatMap(([kind, key]) =>
                coming.has(`${delivery.entity} ${kind}:${keyOf(kind, key)}`) ? [`${kind}:${key}`] : [],
              ),
            ),
          }
        : {}),
      ...(numbers[index] === undefined ? {} : { number: numbers[index] }),
      owedAt: delivery.created_at,
      trace: traceparentOf(spans[index]!),
    };
  });
}

const boundVersion = ({ document_id, bound_version, version }: ClaimedDelivery) =>
  bound_version === null || bound_version === version ? null : { documentId: document_id, version: bound_version };

/** One record that cannot be made ready parks; the others of its batch go. */
const unreadable = (error: unknown): Result => ({
  outcome: 'failed',
  fault:
    error instanceof FaultError
      ? error.fault
      : { kind: 'rejected', cause: 'document-unreadable', message: `Nothing was sent: ${(error as Error).message}` },
});

function typeOf(parts: Parts, delivery: ClaimedDelivery): AnyDocumentType {
  const type = (parts.wiring.flow(delivery.flow)?.documents as AnyDocumentType[] | undefined)?.find(
    ({ name }) => name === delivery.kind,
  );
  if (!type) throw new Error(`flow '${delivery.flow}' no longer carries '${delivery.kind}'`);
  return type;
}
