import { setConnection } from '../engine/connections.ts';
import { type ConnectionState, connectionStates } from '../ledger/connections.ts';
import { actor } from './mapping.ts';
import { withLedger } from './open.ts';
import { printJson, sayTo, table } from './print.ts';

/** As `--json` shows it. */
export const visible = ({ changed_at: changedAt, ...state }: ConnectionState) => ({ ...state, changedAt });

export async function listConnections({ json = false }: { json?: boolean }): Promise<void> {
  await withLedger(async (ledger) => {
    const states = await connectionStates(ledger.db);
    if (json) return printJson(states.map(visible));
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

async function set(name: string, state: 'active' | 'paused', reason: string): Promise<void> {
  await withLedger(async ({ db }) => {
    await setConnection(db, name, state, { by: actor(), reason });
    sayTo(false)(`${name} is ${state}.`);
  });
}
