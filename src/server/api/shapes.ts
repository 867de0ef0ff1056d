import type { Static } from 'typebox';
import type { Measure } from '../../core/document.ts';
import { storedText } from '../../core/money.ts';
import type { MappingVersion } from '../../ledger/mappings.ts';
import type { AuditPageRow } from '../../ledger/pages/audit.ts';
import type { DeliveryRow } from '../../ledger/pages/deliveries.ts';
import type { DocumentRow } from '../../ledger/pages/documents.ts';
import type { EventRow } from '../../ledger/pages/events.ts';
import type { DecidedException } from '../../ledger/pages/exceptions.ts';
import type { MappingSummary } from '../../ledger/pages/mappings.ts';
import type {
  AuditView,
  DeliveryView,
  DocumentView,
  EventView,
  ExceptionView,
  MappingDetail,
  MappingView,
} from './schemas.ts';

/** Rows of the ledger as the API shows them. */
export const iso = (at: Date): string => at.toISOString();
export const isoOrNull = (at: Date | null): string | null => (at === null ? null : at.toISOString());

type Measured = Measure & { labels: Record<string, string> };
const measured = ({ labels, lines, currency, minor, absolute }: Measured) => ({
  labels,
  lines,
  value: currency === null ? null : { amount: storedText({ minor, currency }), currency },
  absolute: currency === null ? null : { amount: storedText({ minor: absolute, currency }), currency },
});

export const eventView = (row: EventRow): Static<typeof EventView> => ({
  id: row.id,
  entity: row.entity,
  connection: row.connection,
  source: row.source,
  subject: row.subject,
  sourceVersion: row.source_version === null ? null : String(row.source_version),
  state: row.state as Static<typeof EventView>['state'],
  attempts: row.attempts,
  occurredAt: iso(row.occurred_at),
  receivedAt: iso(row.received_at),
  finishedAt: isoOrNull(row.finished_at),
  payloadKept: row.kept,
  ...measured(row),
});

export const documentView = (row: DocumentRow): Static<typeof DocumentView> => ({
  id: row.id,
  entity: row.entity,
  kind: row.kind,
  key: row.key,
  version: row.version,
  shape: row.shape,
  flow: row.flow,
  event: row.event_id,
  writtenAt: iso(row.written_at),
  ...measured(row),
});

export const deliveryView = (row: DeliveryRow): Static<typeof DeliveryView> => ({
  id: row.id,
  entity: row.entity,
  flow: row.flow,
  connection: row.connection,
  sink: row.sink,
  lane: row.lane_key,
  place: String(row.place),
  document: row.document_id,
  kind: row.kind,
  key: row.key,
  version: row.version,
  event: row.event_id,
  state: row.state as Static<typeof DeliveryView>['state'],
  waitsFor: row.waits,
  awaits: row.awaits,
  behind: row.behind,
  late: row.late,
  attempts: row.attempts,
  notBefore: isoOrNull(row.not_before),
  settledAt: isoOrNull(row.settled_at),
  createdAt: iso(row.created_at),
  promisedAt: isoOrNull(row.promised_at),
  finishedAt: isoOrNull(row.finished_at),
  ...measured(row),
});

export const exceptionView = (
  row: DecidedException,
  { message, masked }: { message: string; masked: boolean },
): Static<typeof ExceptionView> => ({
  id: row.id,
  entity: row.entity,
  flow: row.flow,
  connection: row.connection,
  subject: row.subject,
  kind: row.kind,
  key: row.key,
  event: row.event_id,
  delivery: row.delivery_id,
  holds: row.holds,
  cause: row.cause,
  field: row.field,
  message,
  masked,
  owner: row.owner,
  state: row.state,
  openedAt: iso(row.opened_at),
  dueAt: iso(row.due_at),
  reason: row.reason,
  closedBy: row.closed_by,
  closedAt: isoOrNull(row.closed_at),
  ...measured(row),
});

const mappingFields = ({
  entity,
  name,
  version,
  owner,
  about,
  changed_by,
  changed_at,
}: Omit<MappingVersion, 'rows'>) => ({
  entity,
  name,
  version,
  owner,
  about,
  changedBy: changed_by,
  changedAt: iso(changed_at),
});
export const mappingView = ({ rows, ...rest }: MappingSummary): Static<typeof MappingView> => ({
  ...mappingFields(rest),
  rows,
});
export const mappingDetail = ({ rows, ...rest }: MappingVersion): Static<typeof MappingDetail> => ({
  ...mappingFields(rest),
  rows,
});

export const auditView = ({
  id,
  entity,
  at,
  actor,
  action,
  object,
  detail,
  sealed,
}: AuditPageRow): Static<typeof AuditView> => ({
  id,
  entity,
  at: iso(at),
  actor,
  action,
  object,
  detail,
  sealed,
});
