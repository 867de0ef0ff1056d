import { type Duration, milliseconds } from '../core/clock.ts';
import { nothing } from '../core/document.ts';
import type { AnyFlow } from '../core/estate.ts';
import { newId } from '../core/ids.ts';
import { appendAudit } from '../ledger/audit.ts';
import {
  AWAITS_NOBODY,
  type ForlornException,
  type ForlornFigures,
  type ForlornRow,
  forlornFigures,
  isAnythingLate,
  lockForlorn,
  lockForlornExceptions,
  mayLookForForlorn,
  noteForlorn,
  refusingConnections,
  releaseForlorn,
  rewordException,
} from '../ledger/awaited.ts';
import type { Sql } from '../ledger/database.ts';
import { closeExceptions } from '../ledger/exceptions.ts';
import { unreadFor } from '../ledger/leases.ts';
import { writeExceptions } from './exception.ts';
import type { Parts } from './parts.ts';
import { pollerLease, type SourcePort, type Wiring } from './wiring.ts';

type Needed = Pick<Parts, 'db' | 'vault' | 'wiring' | 'log'>;

const LEAST = milliseconds('5m');
/** Records that one look takes up; the rest follows with the next. */
const MOST = 500;

/**
 * How long past its promise a delivery waits in silence for a record that nobody brings, in milliseconds: once more the promise where it is critical, three times
 * more where it is not; at least five minutes, for sources that are read less often, and never longer than the owner's own time.
 */
export function patienceOf({ promise, onException }: Pick<AnyFlow, 'promise' | 'onException'>): number {
  const more = milliseconds(promise.within) * (promise.critical ? 1 : 3);
  return Math.min(milliseconds(onException.within), Math.max(LEAST, more));
}

/** Seconds within which a source that is in order is read to its end: three of its turns, a minute at least. */
const readWithin = ({ source }: SourcePort): number =>
  Math.max(60, 'every' in source && source.every !== undefined ? (3 * milliseconds(source.every)) / 1000 : 0);

/** Flows that bring records of a kind to a connection, and where they read them. */
const bringersOf = (wiring: Wiring, connection: string, kind: string): { flow: AnyFlow; port: SourcePort }[] =>
  wiring
    .writersTo(connection, kind)
    .flatMap(({ flow }) => wiring.sources.filter(({ flows }) => flows.includes(flow)).map((port) => ({ flow, port })));

/**
 * Makes an Exception of records that deliveries wait for, far past their promise, and that nobody brings: one for each connection and kind, however many they are, and
 * closes it when all have come. What a system that is away, paused or refusing would bring is that system's matter, and so is what a source may hold that was not read of
 * late. Safe in several hubs at once. Returns how many records were added.
 */
export async function raiseForlorn(parts: Needed, paused: ReadonlySet<string>): Promise<number> {
  const added = await parts.db.transaction(async (sql) => {
    if (!(await mayLookForForlorn(sql))) return 0;
    const open: Standing[] = await lockForlornExceptions(sql);
    const changed = new Set(await releaseForlorn(sql));
    const forlorn = (await isAnythingLate(sql)) ? await lockForlorn(sql, await termsOf(parts, sql, paused)) : [];
    const standing = forlorn.map((row) => ({ ...row, exceptionId: exceptionOf(row, open).id }));
    await noteForlorn(sql, standing);
    for (const { exceptionId } of standing) changed.add(exceptionId);
    for (const exception of open) if (changed.has(exception.id)) await bringUpToDate(parts, sql, exception);
    return forlorn.length;
  });
  if (added > 0) parts.log.warn('deliveries wait for records that nobody brings', { records: added });
  return added;
}

async function termsOf({ wiring }: Needed, sql: Sql, paused: ReadonlySet<string>) {
  const refusing = new Set([...(await refusingConnections(sql)), ...paused]);
  const unread = await unreadFor(
    sql,
    wiring.readers.map((port) => ({ name: pollerLease(port), seconds: readWithin(port) })),
  );
  const kinds = wiring.types.map(({ name }) => name);
  const wanted = [...new Set(wiring.sinks.map(({ connection }) => connection))].flatMap((connection) =>
    kinds.map((kind) => ({ connection, kind, by: bringersOf(wiring, connection, kind) })),
  );
  return {
    patience: wiring.sources
      .flatMap(({ flows }) => flows)
      .map((flow) => ({ flow: flow.id, seconds: patienceOf(flow) / 1000 })),
    bringers: wanted.flatMap(({ connection, kind, by }) =>
      by.map(({ port }) => ({ connection, kind, from: port.connection, source: port.source.name })),
    ),
    excused: wanted.filter(
      ({ connection, by }) =>
        refusing.has(connection) ||
        by.some(({ port }) => refusing.has(port.connection) || unread.has(pollerLease(port))),
    ),
    limit: MOST,
  };
}

type Standing = ForlornException & { readonly isNew?: true };

/** The open Exception of a record's connection and kind, or a new one, which joins `open`. */
function exceptionOf({ entity, connection, kind, flow }: ForlornRow, open: Standing[]): Standing {
  const known = open.find((one) => one.entity === entity && one.connection === connection && one.kind === kind);
  if (known) return known;
  const made: Standing = { id: newId(), entity, connection, kind, flow, isNew: true };
  open.push(made);
  return made;
}

/** Opens the Exception, says anew what it is about, or closes it, by what stands at it now. */
async function bringUpToDate(parts: Needed, sql: Sql, exception: Standing): Promise<void> {
  const { id, entity, connection, kind, isNew = false } = exception;
  const figures = await forlornFigures(sql, id);
  const object = `exception:${id}`;
  if (figures.records === 0) {
    const closed = await closeExceptions(sql, [id], {
      state: 'retried',
      reason: 'what was waited for came, or nothing waits for it any more',
      by: 'hub',
    });
    if (closed.length > 0)
      await appendAudit(sql, [{ entity, actor: 'hub', action: 'exception.answered', object, detail: {} }]);
    return;
  }
  const flow = parts.wiring.flow(exception.flow);
  const message = wordsOf(parts.wiring, exception, figures);
  if (!isNew) return rewordException(sql, id, parts.vault.seal(message, object));
  await writeExceptions(parts, sql, [
    {
      id,
      entity,
      flow: exception.flow,
      connection,
      subject: null,
      kind,
      key: figures.records === 1 ? figures.keys[0]! : null,
      eventId: null,
      deliveryId: null,
      holds: false,
      cause: AWAITS_NOBODY,
      field: null,
      message,
      owner: flow?.onException.owner ?? 'operations',
      within: flow?.onException.within ?? '1d',
      labels: {},
      // What waits is on its way, and counted there.
      ...nothing,
    },
  ]);
  const detail = { cause: AWAITS_NOBODY };
  await appendAudit(sql, [{ entity, actor: 'hub', action: 'exception.opened', object, detail }]);
}

/** What waits for what, since when, and what to do about it. */
function wordsOf(wiring: Wiring, { connection, kind, flow: id }: Standing, figures: ForlornFigures): string {
  const { records, keys, waiting, since } = figures;
  const flow = wiring.flow(id);
  const kinds = waiting.map((one) => `${one.count} ${one.kind}`).join(', ');
  const total = waiting.reduce((sum, { count }) => sum + count, 0);
  const more = records - keys.length;
  const names = `${keys.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  const promise = flow ? `; flow '${flow.id}' promises ${spoken(flow.promise.within)}` : '';
  return [
    `${kinds} for ${connection} ${total === 1 ? 'waits' : 'wait'} for ${records === 1 ? `the ${kind}` : `${records} ${kind} records`} ${names}, which ${connection} does not have and nothing brings.`,
    `The first has waited since ${since?.toISOString() ?? 'a while'}${promise}.`,
    remedy(wiring, connection, kind),
    'What waits goes by itself then, and this closes. Dismiss it if it is right that they wait.',
  ].join(' ');
}

function remedy(wiring: Wiring, connection: string, kind: string): string {
  const [by] = bringersOf(wiring, connection, kind);
  if (by)
    return `Flow '${by.flow.id}' brings each ${kind} from ${by.port.connection}: look whether it is there and complete; what ${connection} has already under another id is matched by: crossdock adopt --flow ${by.flow.id}.`;
  return `No flow brings a ${kind} by itself to ${connection}: have it made there by the record that it comes with, or by a flow of its own.`;
}

const spoken = (duration: Duration): string => (typeof duration === 'number' ? `${duration} ms` : duration);
