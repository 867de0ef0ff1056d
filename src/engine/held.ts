import type { Sql } from '../ledger/database.ts';
import { documentBodies } from '../ledger/documents.ts';
import { carriedVersion, type ExceptionRow, eventPayload } from '../ledger/exceptions.ts';
import { documentPlace } from './look.ts';
import type { Parts } from './parts.ts';

/** The record an Exception is about. */
export type Held =
  /** The raw record as it was received: JSON where it is JSON, else its text. */
  | { what: 'payload'; eventId: string; record: unknown }
  | { what: 'document'; documentId: string; kind: string; key: string; version: number; record: unknown };

/** The record an Exception is about, or null when there is none or it is past its retention. */
export async function heldRecord({ vault }: Pick<Parts, 'vault'>, sql: Sql, row: ExceptionRow): Promise<Held | null> {
  if (row.event_id) {
    const event = await eventPayload(sql, row.event_id);
    if (!event?.payload_sealed) return null;
    const record = parsed(vault.unseal(event.payload_sealed, `event:${event.id}`).toString());
    return { what: 'payload', eventId: event.id, record };
  }
  if (!row.delivery_id) return null;
  const carried = await carriedVersion(sql, row.delivery_id);
  const [body] = carried ? await documentBodies(sql, [carried]) : [];
  if (!body) return null;
  const { id, kind, key, version } = body;
  const record: unknown = JSON.parse(vault.unseal(body.body_sealed, documentPlace(row.entity, kind, key)).toString());
  return { what: 'document', documentId: id, kind, key, version, record };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
