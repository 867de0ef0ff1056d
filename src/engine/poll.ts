import type { Incoming, PollSource } from '../core/connector.ts';
import { readCursor, saveCursor } from '../ledger/connections.ts';
import { appendEvents, recordRepeats } from '../ledger/events.ts';
import { ledgerTime, noteLooked } from '../ledger/in-flight.ts';
import { holdsLease, type Lease } from '../ledger/leases.ts';
import { contextFor } from './context.ts';
import { type ExceptionDraft, writeExceptions } from './exception.ts';
import { land } from './in-flight.ts';
import { eventRow, withStorableNames } from './intake.ts';
import type { Parts } from './parts.ts';
import type { SourcePort } from './wiring.ts';

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
    const stored = new Set<string>();
    for (let from = 0; from < rows.length; from += 500)
      for (const id of await appendEvents(sql, rows.slice(from, from + 500))) stored.add(id);
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
