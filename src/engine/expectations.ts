import { milliseconds } from '../core/clock.ts';
import type { Expectation, Result } from '../core/connector.ts';
import { nothing } from '../core/document.ts';
import type { Reply } from '../core/flow.ts';
import { newId } from '../core/ids.ts';
import { type AuditRecord, appendAudit } from '../ledger/audit.ts';
import type { Sql } from '../ledger/database.ts';
import type { ClaimedDelivery } from '../ledger/deliveries.ts';
import {
  type AwaitedRow,
  addExpectations,
  answerEarlier,
  answerExpectation,
  type ExpectationRow,
  forgetWants,
  lockOverdue,
  type NewExpectation,
  noteExceptions,
} from '../ledger/expectations.ts';
import { closeByItself, type ExceptionDraft, writeExceptions } from './exception.ts';
import type { Parts } from './parts.ts';
import type { Plan } from './translate.ts';
import { unsentWords } from './unsent.ts';

type Needed = Pick<Parts, 'vault' | 'wiring'>;
export type Words = Pick<Expectation, 'about' | 'cause' | 'overdue'>;
type Refusal = NonNullable<Reply['refusal']>;

export const messagePlace = ({ connection, key }: { connection: string; key: string }): string =>
  `expectation:${connection}:${key}`;
const refusalPlace = (connection: string, key: string): string => `refusal:${connection}:${key}`;

/** Writes down what must still come of what was delivered, with its outcome. An answer that was quicker than we are counts. */
export async function writeExpectations(
  parts: Needed,
  sql: Sql,
  connection: string,
  finished: readonly { delivery: ClaimedDelivery; result: Result }[],
): Promise<void> {
  const forgone = finished.flatMap(({ result }) => (result.outcome === 'done' ? (result.forgoes ?? []) : []));
  const rows = finished.flatMap(({ delivery, result }) =>
    result.outcome === 'done'
      ? (result.expects ?? []).map((expected) => newExpectation(parts, connection, delivery, expected))
      : [],
  );
  const renewed = rows.map(({ key, version }) => ({ key, version }));
  const [entity] = finished.map(({ delivery }) => delivery.entity);
  await closeByItself(sql, entity!, await forgetWants(sql, connection, { renewed, forgone }), {
    reason: 'a later version was sent',
  });
  await raise(parts, sql, await addExpectations(sql, rows));
}

function newExpectation(
  { vault, wiring }: Needed,
  connection: string,
  delivery: ClaimedDelivery,
  { key, within, about, cause, overdue, parts }: Expectation,
): NewExpectation {
  const { entity, kind, version, labels } = delivery;
  const flow = wiring.flow(delivery.flow);
  const words: Words = { about, cause, overdue };
  return {
    entity,
    connection,
    key,
    flow: delivery.flow,
    owner: flow?.onException.owner ?? 'operations',
    patienceSeconds: milliseconds(flow?.onException.within ?? '1d') / 1000,
    kind,
    documentKey: delivery.key,
    version,
    labels,
    message: vault.seal(JSON.stringify(words), messagePlace({ connection, key })),
    withinSeconds: milliseconds(within) / 1000,
    parts: parts ? JSON.stringify(parts) : null,
  };
}

/** What must come, in words that go on a sentence. */
export const aboutOf = (
  { vault }: Pick<Parts, 'vault'>,
  row: Pick<AwaitedRow, 'connection' | 'key' | 'message_sealed'>,
): string => (JSON.parse(vault.unseal(row.message_sealed, messagePlace(row)).toString()) as Words).about;

/** Writes down the answers that events brought: closes what had become an Exception, and opens one for a negative answer. */
export async function writeReplies(parts: Needed, sql: Sql, plans: readonly Plan[]): Promise<void> {
  for (const { event, replies } of plans)
    for (const { flow, reply } of replies) {
      const { connection, entity } = event;
      const { to: key, refusal, unasked = false, parts: came = null } = reply;
      const row = await answerExpectation(sql, {
        entity,
        connection,
        key,
        flow: flow.id,
        owner: flow.onException.owner,
        patienceSeconds: milliseconds(flow.onException.within) / 1000,
        labels: event.labels,
        unasked,
        parts: came,
        refusal: refusal ? parts.vault.seal(JSON.stringify(refusal), refusalPlace(connection, key)) : null,
      });
      if (!row.whole) continue;
      const earlier = refusal || row.kind === null ? [] : await answerEarlier(sql, row);
      await closeByItself(sql, entity, [...(row.exception_id === null ? [] : [row.exception_id]), ...earlier], {
        reason: 'the answer came',
        event: event.id,
      });
      if (row.exception_id !== null) await noteExceptions(sql, [{ connection, key, exceptionId: null }]);
      if (refusal && row.kind !== null) await raise(parts, sql, [row]);
    }
}

/** What was not sent or did not come in time becomes an Exception, and so does an answer to what nobody sent. Safe in several hubs at once. Returns how many. */
export async function raiseOverdue(parts: Pick<Parts, 'db' | 'vault' | 'wiring' | 'log'>): Promise<number> {
  const raised = await parts.db.transaction(async (sql) => {
    const due = await lockOverdue(sql, 100);
    await raise(parts, sql, due);
    return due.length;
  });
  if (raised > 0) parts.log.warn('what was expected did not come', { expectations: raised });
  return raised;
}

/** Opens the Exceptions that these rows have become, and remembers which. */
async function raise(parts: Needed, sql: Sql, rows: readonly ExpectationRow[]): Promise<void> {
  if (rows.length === 0) return;
  const unsent = await unsentWords(
    parts,
    sql,
    rows.filter((row) => row.unsent !== null),
  );
  const drafts = rows.map((row) => draft(parts, row, unsent));
  await writeExceptions(parts, sql, drafts);
  await noteExceptions(
    sql,
    rows.map(({ connection, key }, index) => ({ connection, key, exceptionId: drafts[index]!.id })),
  );
  await appendAudit(
    sql,
    drafts.map(
      ({ id, entity, cause }): AuditRecord => ({
        entity,
        actor: 'hub',
        action: 'exception.opened',
        object: `exception:${id}`,
        detail: { cause },
      }),
    ),
  );
}

function draft(parts: Needed, row: ExpectationRow, unsent: ReadonlyMap<ExpectationRow, string>): ExceptionDraft {
  const { entity, flow, connection, kind, labels, owner } = row;
  return {
    id: newId(),
    entity,
    flow,
    connection,
    subject: null,
    kind,
    key: row.document_key,
    eventId: null,
    deliveryId: null,
    holds: false,
    owner,
    within: row.patience_seconds * 1000,
    labels,
    // It is delivered or owed, and counts there.
    ...nothing,
    ...words(parts, row, unsent),
  };
}

function words(
  { vault }: Needed,
  row: ExpectationRow,
  unsent: ReadonlyMap<ExpectationRow, string>,
): Pick<ExceptionDraft, 'cause' | 'field' | 'message'> {
  const { connection, key } = row;
  const sent: Words | null =
    row.message_sealed === null ? null : JSON.parse(vault.unseal(row.message_sealed, messagePlace(row)).toString());
  if (sent === null)
    return {
      cause: 'answer-to-nothing',
      field: null,
      message: `${connection} answers '${key}', which was never sent from here. Ask there whose it is; if it was sent before a restore of this hub, dismiss this.`,
    };
  if (row.refusal_sealed === null) return { cause: sent.cause, field: null, message: unsent.get(row) ?? sent.overdue };
  const refusal: Refusal = JSON.parse(vault.unseal(row.refusal_sealed, refusalPlace(connection, key)).toString());
  return {
    cause: refusal.cause,
    field: refusal.field ?? null,
    message: `${refusal.message} It is about ${sent.about}.`,
  };
}
