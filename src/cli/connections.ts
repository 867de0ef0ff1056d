import { HubError } from '../core/errors.ts';
import { appendAudit } from '../ledger/audit.ts';
import { connectionStates, setConnectionState } from '../ledger/connections.ts';
import { actor } from './mapping.ts';
import { withLedger } from './open.ts';
import { printJson, sayTo, table } from './print.ts';

export async function listConnections({ json = false }: { json?: boolean }): Promise<void> {
  await withLedger(async (ledger) => {
    const states = await connectionStates(ledger.db);
    if (json) return printJson(states);
    sayTo(false)(
      table(
        ['connection', 'connector', 'entity', 'state', 'reason'],
        states.map((row) => [row.name, row.connector, row.entity, row.state, row.reason ?? '']),
      ),
    );
  });
}

export const pauseConnection = (name: string, { reason }: { reason: string }): Promise<void> =>
  set(name, 'paused', reason);
export const resumeConnection = (name: string, { reason }: { reason: string }): Promise<void> =>
  set(name, 'active', reason);

/** Running hubs follow within seconds; what is owed waits meanwhile. */
async function set(name: string, state: 'active' | 'paused', reason: string): Promise<void> {
  await withLedger(async (ledger) => {
    const known = (await connectionStates(ledger.db)).find((row) => row.name === name);
    if (!known)
      throw new HubError('CONNECTION_UNKNOWN', `there is no connection '${name}'`, {
        hint: 'crossdock connections list',
      });
    await ledger.db.transaction(async (sql) => {
      if (await setConnectionState(sql, name, state, state === 'paused' ? reason : null, actor()))
        await appendAudit(sql, [
          {
            entity: known.entity,
            actor: actor(),
            action: `connection.${state}`,
            object: `connection:${name}`,
            detail: { reason },
          },
        ]);
    });
    sayTo(false)(`${name} is ${state}.`);
  });
}
