import { HubError } from '../core/errors.ts';
import { appendAudit } from '../ledger/audit.ts';
import { type ConnectionState, connectionStates, setConnectionState } from '../ledger/connections.ts';
import type { Ledger } from '../ledger/database.ts';
import type { Decision } from './resolve.ts';

/** Pauses or resumes a connection, with its audit. Running hubs follow within seconds; what is owed waits meanwhile. */
export async function setConnection(
  db: Pick<Ledger, 'transaction'>,
  name: string,
  state: ConnectionState['state'],
  { by, reason }: Decision,
): Promise<void> {
  await db.transaction(async (sql) => {
    const known = (await connectionStates(sql)).find((row) => row.name === name);
    if (!known)
      throw new HubError('CONNECTION_UNKNOWN', `there is no connection '${name}'`, {
        hint: 'crossdock connections list',
      });
    if (await setConnectionState(sql, name, state, state === 'paused' ? reason : null, by))
      await appendAudit(sql, [
        {
          entity: known.entity,
          actor: by,
          action: `connection.${state}`,
          object: `connection:${name}`,
          detail: { reason },
        },
      ]);
  });
}
