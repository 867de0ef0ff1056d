import type { Incoming, PollSource } from '../core/connector.ts';
import { readCursor, saveCursor } from '../ledger/connections.ts';
import type { Sql } from '../ledger/database.ts';
import { appendEvents, type NewEvent, recordRepeats } from '../ledger/events.ts';
import { ledgerTime, noteLooked } from '../ledger/in-flight.ts';
import { holdsLease, type Lease } from '../ledger/leases.ts';
import { lastReadings, noteReadings, type Reading } from '../ledger/readings.ts';
import { contextFor } from './context.ts';
import { type ExceptionDraft, writeExceptions } from './exception.ts';
import { land } from './in-flight.ts';
import { eventRow, withStorableNames } from './intake.ts';
import type { Parts } from './parts.ts';
import { isWhole, type SourcePort } from './wiring.ts';

/**
 * Stores items, what could not be read, and the cursor in one transaction, under the poller's fence: a zombie cannot move the cursor back. Null when the
 * lease was lost.
 */
export async function storeRead(
  parts: Parts,
  port: SourcePort,
  lease: Lease,
  items: readonly Incoming[],
  cursor: string,
  { exceptions = [], looked }: { exceptions?: readonly ExceptionDraft[]; looked?: Date | undefined } = {},
): Promise<Set<string> | null> {
  const rows = items.map((incoming) =>
    eventRow(parts, { connection: port.connection, source: port.source.name, incoming: withStorableNames(incoming) }),
  );
  const fresh = await parts.db.transaction(async (sql) => {
    if (!(await holdsLease(sql, lease))) return null;
    const news = isWhole(port) ? await newReadings(parts, sql, port, rows) : rows;
    const stored = new Set<string>();
    for (let from = 0; from < news.length; from += 500)
      for (const id of await appendEvents(sql, news.slice(from, from + 500))) stored.add(id);
    if (looked) await noteLooked(sql, [...stored], looked);
    await writeExceptions(parts, sql, exceptions);
    const repeated = rows.filter(({ id }) => !stored.has(id));
    for (let from = 0; from < repeated.length; from += 500) await recordRepeats(sql, repeated.slice(from, from + 500));
    await saveCursor(sql, port.entity, port.connection, port.source.name, cursor);
    return stored;
  });
  if (fresh) parts.bell.ring('route');
  return fresh;
}

/**
 * Of records that tell their subject whole those that differ from what was read of it last, in the order of reading; the rest are repeats. What was read
 * once before is news as well, and so is what seems older: a row that is taken away takes the time of its change along, so the record goes back to a version
 * that it had. It counts as not older than what was read before it.
 */
async function newReadings(
  { vault }: Pick<Parts, 'vault'>,
  sql: Sql,
  { connection, source }: SourcePort,
  rows: readonly NewEvent[],
): Promise<NewEvent[]> {
  const last = await lastReadings(
    sql,
    { connection, source: source.name },
    rows.map(({ subject }) => subject),
  );
  const read = new Map<string, Reading>();
  const news: NewEvent[] = [];
  for (const row of rows) {
    const before = read.get(row.subject) ?? last.get(row.subject);
    if (before?.key.equals(row.seenKey)) continue;
    const version = newerOf(row.sourceVersion, before?.version ?? null);
    read.set(row.subject, { ...row, key: row.seenKey, eventId: row.id, version });
    news.push(
      before === undefined
        ? row
        : {
            ...row,
            sourceVersion: version,
            seenKey: vault.digest(`${connection}\n${row.seenKey.toString('hex')} after ${before.eventId}`),
          },
    );
  }
  await noteReadings(sql, [...read.values()]);
  return news;
}

const newerOf = (a: bigint | null, b: bigint | null): bigint | null => (a === null || (b !== null && b > a) ? b : a);

/** Polling Consumer: reads what changed since the saved cursor. Returns how many new events it stored. */
export async function pollOnce(
  parts: Parts,
  port: SourcePort & { source: PollSource<unknown> },
  lease: Lease,
  signal: AbortSignal,
): Promise<number> {
  const cx = contextFor(parts, port.connection, signal, () => true);
  const cursor = await readCursor(parts.db, port.connection, port.source.name);
  const heeds = port.flows.some((flow) => flow.heeds !== undefined);
  const began = heeds ? await ledgerTime(parts.db) : undefined;
  const start = parts.clock.monotonic();
  let looked = began;
  let stored = 0;
  for await (const page of port.source.pull(cursor, cx)) {
    const fresh = await storeRead(parts, port, lease, page.items, page.cursor, { looked });
    if (!fresh) return stored;
    stored += fresh.size;
    // The next page is read from here on.
    if (began) looked = new Date(began.getTime() + Math.floor(parts.clock.monotonic() - start));
  }
  if (began && !signal.aborted) await land(parts, port.connection, began, lease);
  return stored;
}
