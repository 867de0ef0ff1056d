import { type Duration, milliseconds } from '../core/clock.ts';
import type { Sql } from '../ledger/database.ts';
import { type NewException, openExceptions } from '../ledger/exceptions.ts';
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
