import type { Sink } from '../core/connector.ts';
import { type AnyDocumentType, countable } from '../core/document.ts';
import { HubError } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import { canonicalJson } from '../core/seal.ts';
import { appendAudit } from '../ledger/audit.ts';
import { bind, boundAs } from '../ledger/bindings.ts';
import type { Ledger, Sql } from '../ledger/database.ts';
import { finishDeliveries } from '../ledger/deliveries.ts';
import { documentBodies } from '../ledger/documents.ts';
import {
  carriedVersion,
  closeExceptions,
  dismissEvent,
  type ExceptionRow,
  eventPayload,
  laneOfDelivery,
  type ParkedDelivery,
  parkedDelivery,
  releaseDelivery,
  releaseEvent,
  repeatEvent,
  replaceDelivered,
} from '../ledger/exceptions.ts';
import { waitAgain } from '../ledger/expectations.ts';
import { dropInFlight } from '../ledger/in-flight.ts';
import { refreshLanes } from '../ledger/lanes.ts';
import type { Doorbell } from './doorbell.ts';
import { type Arrived, arrive, takeOff } from './in-flight.ts';
import { documentPlace } from './look.ts';
import type { Parts } from './parts.ts';
import { endSending } from './unsent.ts';
import { validateEdited } from './validate.ts';
import { shardOf } from './wiring.ts';

/** Who decides, and why: both go to the audit. */
export interface Decision {
  by: string;
  reason: string;
}

type Needed = Pick<Parts, 'vault' | 'wiring' | 'names'> & {
  db: Pick<Ledger, 'transaction'>;
  bell: Pick<Doorbell, 'ring'>;
};

/** Changes to a record as JSON Pointers (`/lines/0/quantity`) and their new values. */
export type Edits = ReadonlyMap<string, unknown>;

/** Tries again what an Exception holds, as it is. `answer` is the person's word to the flow, such as `append` or `duplicate`. */
export async function retryException(
  parts: Needed,
  exception: ExceptionRow,
  decision: Decision,
  answer: string | null = null,
): Promise<void> {
  await close(parts, exception, 'retried', decision, async (sql) => {
    if (exception.delivery_id) await backIntoLane(sql, exception.delivery_id);
    else if (exception.event_id && exception.holds) await expect(releaseEvent(sql, exception.event_id, answer, null));
    else if (exception.event_id) await routeAgain(parts, sql, exception, answer);
    else if (exception.kind) await waitOnceMore(sql, exception);
    else if (exception.cause === 'file-refused')
      throw new HubError('CONFLICT', 'A refused file cannot be tried again from here.', {
        hint: 'drop the corrected file into the inbox, then dismiss this Exception',
      });
  });
}

/** Changes the record that an Exception holds, then tries again. */
export async function editException(
  parts: Needed,
  exception: ExceptionRow,
  decision: Decision,
  edits: Edits,
): Promise<void> {
  await close(parts, exception, 'edited', decision, async (sql) => {
    if (exception.delivery_id) await replaceDocument(parts, sql, exception, edits);
    else if (exception.event_id && exception.holds) await replacePayload(parts, sql, exception.event_id, edits);
    else
      throw new HubError('CONFLICT', 'This Exception holds no record that could be edited.', {
        hint: 'retry it with --answer, or dismiss it',
      });
  });
}

/** Decides that what an Exception stands for shall not be done. Its lane or subject goes on with what comes after. */
export async function dismissException(parts: Needed, exception: ExceptionRow, decision: Decision): Promise<void> {
  await close(parts, exception, 'dismissed', decision, async (sql) => {
    if (exception.delivery_id) {
      const lane = await laneOfDelivery(sql, exception.delivery_id);
      // Locks it: no newer version comes meanwhile.
      if (lane) await refreshLanes(sql, [lane]);
      await endSending(sql, exception.entity, [exception.delivery_id], 'a person decided that it is not sent');
      await dropInFlight(sql, exception.delivery_id);
      await finishDeliveries(sql, [exception.delivery_id], 'dismissed');
      if (lane) await refreshLanes(sql, [lane]);
    } else if (exception.event_id && exception.holds) await dismissEvent(sql, exception.event_id);
  });
}

/**
 * Dismisses the delivery that an Exception holds because its record is in the target already, as a person has seen there: binds it to the target's id, and wakes
 * what waited for that. Throws HubError BAD_USE for what cannot be such an id, CONFLICT where the record or the id is bound otherwise.
 */
export async function bindException(
  parts: Needed,
  exception: ExceptionRow,
  decision: Decision,
  externalId: string,
): Promise<void> {
  const act = async (sql: Sql): Promise<void> => {
    const delivery = exception.delivery_id && (await parkedDelivery(sql, exception.delivery_id));
    if (!delivery)
      throw new HubError('CONFLICT', 'This Exception holds no delivery whose record could be in the target.', {
        hint: 'dismiss it without an id of the target',
      });
    checkId(parts.wiring.port(delivery.connection, delivery.sink)?.sink, delivery, externalId);
    const { id, other } = await boundAs(sql, delivery, externalId);
    if (id !== null && id !== externalId)
      throw new HubError('CONFLICT', `The record is bound to '${id}' in ${delivery.connection} already.`);
    if (other !== null)
      throw new HubError(
        'CONFLICT',
        `In ${delivery.connection} '${externalId}' is bound to ${delivery.kind} '${other}' already.`,
        {
          hint: 'look there for the id of this record',
        },
      );
    const arrived = await arrivalOf(parts, sql, exception.delivery_id!, delivery);
    const released = await bind(sql, [{ ...delivery, externalId }]);
    await endSending(sql, exception.entity, [exception.delivery_id!], 'a person saw that it is there');
    await finishDeliveries(sql, [exception.delivery_id!], 'delivered');
    await arrive(parts, sql, delivery.connection, [arrived]);
    await refreshLanes(sql, [delivery, ...released]);
  };
  await close(parts, exception, 'bound', decision, act, { boundTo: externalId });
}

async function arrivalOf(
  { vault }: Needed,
  sql: Sql,
  id: string,
  { entity, kind, key }: ParkedDelivery,
): Promise<Arrived> {
  const held = await carriedVersion(sql, id);
  const [stored] = held ? await documentBodies(sql, [held]) : [];
  const body = stored
    ? JSON.parse(vault.unseal(stored.body_sealed, documentPlace(entity, kind, key)).toString())
    : null;
  return { id, entity, kind, body };
}

function checkId(sink: Sink | undefined, { connection, kind }: ParkedDelivery, id: string): void {
  const storable = id.length <= 300 && id.trim() === id && id !== '' && !/\p{Cc}/u.test(id) && id.isWellFormed();
  if (storable && (sink?.ids ?? /./).test(id)) return;
  throw new HubError('BAD_USE', `'${id.slice(0, 40)}' is no id that ${connection} gives to a ${kind}`, {
    hint: sink?.ids ? `its ids look like ${sink.ids.source}` : 'give the id as the target shows it',
  });
}

async function close(
  { db, bell }: Needed,
  exception: ExceptionRow,
  state: Exclude<ExceptionRow['state'], 'open'>,
  { by, reason }: Decision,
  act: (sql: Sql) => Promise<void>,
  detail: object = {},
): Promise<void> {
  await db.transaction(async (sql) => {
    const closed = await closeExceptions(sql, [exception.id], { state, reason, by });
    if (closed.length === 0) throw new HubError('CONFLICT', 'Somebody has decided on this Exception already.');
    await act(sql);
    await appendAudit(sql, [
      {
        entity: exception.entity,
        actor: by,
        action: `exception.${state}`,
        object: `exception:${exception.id}`,
        detail: { cause: exception.cause, reason, ...detail },
      },
    ]);
  });
  bell.ring('route');
  bell.ring('deliver');
}

async function expect(done: Promise<boolean>): Promise<void> {
  if (!(await done))
    throw new HubError('CONFLICT', 'The record is no longer held: somebody has decided on it already.');
}

/** What has not been answered in time is waited for once more; a negative answer stays what it is. */
async function waitOnceMore(sql: Sql, exception: ExceptionRow): Promise<void> {
  if (await waitAgain(sql, exception.id)) return;
  throw new HubError('CONFLICT', 'This was answered: there is nothing to wait for.', {
    hint: 'correct the record in its own system, which sends it again, then dismiss this Exception',
  });
}

async function backIntoLane(sql: Sql, deliveryId: string): Promise<void> {
  const lane = await releaseDelivery(sql, deliveryId);
  if (!lane) throw decidedAlready();
  await refreshLanes(sql, [lane]);
}

async function routeAgain({ vault }: Needed, sql: Sql, exception: ExceptionRow, answer: string | null): Promise<void> {
  const stored = await eventPayload(sql, exception.event_id!);
  if (!stored?.payload_sealed)
    throw new HubError('NOT_FOUND', 'The raw record is past its retention: it cannot be routed again.');
  const id = newId();
  const payload = vault.seal(vault.unseal(stored.payload_sealed, `event:${stored.id}`), `event:${id}`);
  await expect(
    repeatEvent(sql, stored.id, {
      id,
      shard: shardOf(exception.connection, stored.subject),
      // One Event may stand at several Exceptions: the answer is for this one's cause.
      decision: `${answer ?? 'retry'}:${exception.cause}`,
      payload,
    }),
  );
}

async function replacePayload({ vault }: Needed, sql: Sql, eventId: string, edits: Edits): Promise<void> {
  const stored = await eventPayload(sql, eventId);
  if (!stored?.payload_sealed)
    throw new HubError('NOT_FOUND', 'The raw record is past its retention: it cannot be edited.');
  const place = `event:${eventId}`;
  let record: unknown;
  try {
    record = JSON.parse(vault.unseal(stored.payload_sealed, place).toString());
  } catch (cause) {
    throw new HubError('CONFLICT', 'The raw record is not JSON: it cannot be edited here.', {
      cause,
      hint: 'correct it at its source',
    });
  }
  await expect(releaseEvent(sql, eventId, null, vault.seal(JSON.stringify(applyEdits(record, edits)), place)));
}

async function replaceDocument(parts: Needed, sql: Sql, exception: ExceptionRow, edits: Edits): Promise<void> {
  const { vault, wiring, names } = parts;
  const flow = wiring.flow(exception.flow);
  const type = (flow?.documents as AnyDocumentType[] | undefined)?.find(({ name }) => name === exception.kind);
  if (!flow || !type) throw new HubError('FLOW_UNKNOWN', `flow '${exception.flow}' is not in the estate`);
  const held = await carriedVersion(sql, exception.delivery_id!);
  const [stored] = held ? await documentBodies(sql, [held]) : [];
  if (!stored) throw new HubError('NOT_FOUND', 'The document of this delivery is not in the ledger.');
  const place = documentPlace(exception.entity, stored.kind, stored.key);
  const body = applyEdits(JSON.parse(vault.unseal(stored.body_sealed, place).toString()), edits);
  validateEdited(flow, type, body, exception.opened_at);
  if (names.key(type.name, type.key(body as never)) !== stored.key)
    throw new HubError('BAD_USE', 'An edit must not change the key of the record.');
  const json = canonicalJson(body);
  const lane = await replaceDelivered(sql, exception.delivery_id!, {
    digest: vault.digest(json),
    body: vault.seal(json, place),
    ...countable(type.measure(body as never)),
  });
  if (lane) {
    const document = {
      id: stored.id,
      entity: stored.entity,
      kind: stored.kind,
      key: stored.key,
      version: stored.version + 1,
    };
    await takeOff(parts, sql, [{ id: exception.delivery_id!, connection: lane.connection, type, body, document }]);
    return refreshLanes(sql, [lane]);
  }
  if (!(await parkedDelivery(sql, exception.delivery_id!))) throw decidedAlready();
  throw new HubError('CONFLICT', 'A newer version of the record waits behind the one that this Exception holds.', {
    hint: 'dismiss this one, and the newer one goes; or retry this one, and it goes first',
  });
}

const decidedAlready = (): HubError =>
  new HubError('CONFLICT', 'The delivery is no longer parked: somebody has decided on it already.');

/** A copy of the record with the edits made. Throws HubError BAD_USE for a pointer that leads nowhere. */
export function applyEdits(record: unknown, edits: Edits): unknown {
  const copy = structuredClone(record);
  for (const [pointer, value] of edits) {
    const steps = pointer
      .split('/')
      .slice(1)
      .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = steps.pop();
    let at: unknown = copy;
    for (const step of steps) at = own(at, step);
    if (last === undefined || at === null || typeof at !== 'object' || !Object.hasOwn(at, last))
      throw new HubError('BAD_USE', `'${pointer}' is not a field of this record`, {
        hint: 'crossdock exceptions show ID prints the record',
      });
    (at as Record<string, unknown>)[last] = value;
  }
  return copy;
}

const own = (at: unknown, step: string): unknown =>
  at !== null && typeof at === 'object' && Object.hasOwn(at, step) ? (at as Record<string, unknown>)[step] : undefined;
