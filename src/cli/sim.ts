import { HubError } from '../core/errors.ts';
import { printJson, sayTo } from './print.ts';
import { startSimulatedOdoo } from './simulated-odoo.ts';

export async function simulate(
  system: string,
  {
    version,
    port,
    data,
    currency,
    json = false,
  }: { version: '18' | '19'; port?: string; data?: string; currency: string; json?: boolean },
): Promise<void> {
  if (system !== 'odoo')
    throw new HubError('BAD_USE', `there is no simulator for '${system}'`, { hint: 'crossdock sim odoo' });
  if (port !== undefined && !(Number(port) > 0 && Number(port) < 65_536))
    throw new HubError('BAD_USE', `'${port}' is not a port`);
  const simulator = await startSimulatedOdoo({
    version: version === '18' ? 18 : 19,
    currency,
    ...(port === undefined ? {} : { port: Number(port) }),
    ...(data === undefined ? {} : { data }),
  });
  const { stop, ...started } = simulator;
  if (json) printJson(started);
  else
    sayTo(false)(
      `Simulated Odoo ${version} runs until Ctrl-C. For a hub:\n  ODOO_URL=${started.url} ODOO_DB=${started.db} ODOO_LOGIN=${started.login} ODOO_KEY=${started.key}\nFaults and its ledger: ${started.admin}`,
    );
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
  });
  await stop();
}
