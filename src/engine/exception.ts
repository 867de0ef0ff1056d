import { type Duration, milliseconds } from '../core/clock.ts';
import { type AuditRecord, appendAudit } from '../ledger/audit.ts';
import type { Sql } from '../ledger/database.ts';
import { closeExceptions, type NewException, openExceptions } from '../ledger/exceptions.ts';
import type { Parts } from './parts.ts';

/** An Exception (Dead Letter Channel) before it is sealed: `message` in words an operator can act on, `within` the owner's time. */
export type ExceptionDraft = Omit<NewException, 'message' | 'dueSeconds'> & { message: string; within: Duration };

export async function writeExceptions(
  parts: Pick<Parts, 'vault'>,
  sql: Sql,
  drafts: readonly ExceptionDraft[],
): Promise<void> {
  await openExceptions(
    sql,
    drafts.map(({ message, within, ...rest }) => ({
      ...rest,
      message: parts.vault.seal(message, `exception:${rest.id}`),
      dueSeconds: milliseconds(within) / 1000,
    })),
  );
}

/** Closes Exceptions that what happened has answered; those that a person has decided on stay as they are. */
export async function closeByItself(
  sql: Sql,
  entity: string,
  ids: readonly string[],
  { reason, ...detail }: { reason: string; event?: string },
): Promise<void> {
  if (ids.length === 0) return;
  const closed = await closeExceptions(sql, ids, { state: 'retried', reason, by: 'hub' });
  await appendAudit(
    sql,
    closed.map(
      (id): AuditRecord => ({
        entity,
        actor: 'hub',
        action: 'exception.answered',
        object: `exception:${id}`,
        detail,
      }),
    ),
  );
}
