import type { Sql } from '../database.ts';
import { type HeldBy, heldBy } from '../deliveries.ts';
import { byKey } from './find.ts';
import { idRange, type PageTerms } from './page.ts';

export interface DeliveryRow {
  id: string;
  entity: string;
  flow: string;
  connection: string;
  sink: string;
  lane_key: string;
  place: bigint;
  document_id: string;
  kind: string;
  key: string;
  version: number;
  event_id: string;
  state: string;
  /** Bindings it still waits for, and which. */
  waits: number;
  awaits: { kind: string; key: string }[];
  behind: HeldBy | null;
  /** Past its promise, and neither there nor held. */
  late: boolean;
  attempts: number;
  not_before: Date | null;
  settled_at: Date | null;
  labels: Record<string, string>;
  lines: number;
  currency: string | null;
  minor: bigint;
  absolute: bigint;
  created_at: Date;
  promised_at: Date | null;
  finished_at: Date | null;
}

const common =
  'id, entity, flow, connection, sink, lane_key, place, document_id, kind, key, version, event_id, attempts, labels, lines, currency, minor, absolute, created_at, promised_at';
const open = `select ${common}, state, waits, coalesce((select jsonb_agg(jsonb_build_object('kind', a.kind, 'key', a.key) order by a.kind, a.key)
  from awaits a where a.delivery_id = d.id), '[]') as awaits, ${heldBy} as behind,
  coalesce(promised_at < clock_timestamp() and state <> 'parked', false) as late, nullif(not_before, '-infinity') as not_before, settled_at, null::timestamptz as finished_at from delivery d`;
const done = `select ${common}, outcome as state, 0 as waits, '[]'::jsonb as awaits, null::jsonb as behind, false as late, null::timestamptz as not_before, null::timestamptz as settled_at, finished_at from delivery_history`;

export interface DeliveryFilter {
  state: string | null;
  flow: string | null;
  connection: string | null;
  kind: string | null;
  /** One of these. */
  key: readonly string[] | null;
  document: string | null;
}

/** Deliveries, open and finished, newest first. */
export async function pageOfDeliveries(sql: Sql, terms: PageTerms, filter: DeliveryFilter): Promise<DeliveryRow[]> {
  const where = (state: string): string =>
    `where id < $1 and id >= $2 and ($3::timestamptz is null or created_at >= $3) and ($4::text is null or entity = $4)
       and ($5::text is null or ${state} = $5) and ($6::text is null or flow = $6) and ($7::text is null or connection = $7)
       and ($8::text is null or kind = $8) and ($9::text[] is null or document_id = any(array(${byKey('$9')}))) and ($10::uuid is null or document_id = $10)
     order by id desc limit $11`;
  return sql.query<DeliveryRow>(
    'page_deliveries',
    `select * from ((${open} ${where('state')}) union all (${done} ${where('outcome')})) d order by id desc limit $11`,
    [
      ...idRange(terms),
      terms.since,
      terms.entity,
      filter.state,
      filter.flow,
      filter.connection,
      filter.kind,
      filter.key,
      filter.document,
      terms.limit,
    ],
  );
}

export async function deliveryById(sql: Sql, id: string): Promise<DeliveryRow | null> {
  const [row] = await sql.query<DeliveryRow>(
    'delivery_by_id',
    `${open} where id = $1 union all ${done} where id = $1 limit 1`,
    [id],
  );
  return row ?? null;
}

/** The documents that deliveries carry. */
export async function documentsOfDeliveries(
  sql: Sql,
  ids: readonly string[],
): Promise<{ id: string; document_id: string }[]> {
  if (ids.length === 0) return [];
  return sql.query(
    'deliveries_documents',
    `select id, document_id from delivery where id = any($1::uuid[])
     union all select id, document_id from delivery_history where id = any($1::uuid[])`,
    [ids],
  );
}

export interface AttemptPageRow {
  number: number;
  outcome: string;
  node: string;
  message_sealed: Buffer | null;
  started_at: Date;
  finished_at: Date;
  /** finished_at to the microsecond, for the next page. */
  at: string;
}

/** Attempts of a delivery, newest first. `before` is the `at` and number of the last one seen. */
export async function pageOfAttempts(
  sql: Sql,
  deliveryId: string,
  before: { at: string; number: number } | null,
  limit: number,
): Promise<AttemptPageRow[]> {
  return sql.query<AttemptPageRow>(
    'page_attempts',
    `select number, outcome, node, message_sealed, started_at, finished_at, finished_at::text as at from attempt
     where delivery_id = $1 and (finished_at, number) < ($2::timestamptz, $3) order by finished_at desc, number desc limit $4`,
    [deliveryId, before?.at ?? 'infinity', before?.number ?? 0, limit],
  );
}
