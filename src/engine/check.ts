import type { Finding } from '../core/connector.ts';
import { HubError } from '../core/errors.ts';
import { onlyLooking } from '../core/look.ts';
import { contextFor } from './context.ts';
import type { Parts } from './parts.ts';

/** Asks a connection's connector what it thinks of its settings, connectivity, rights and versions; reads only. What it throws is a finding too. */
export async function checkConnection(parts: Parts, name: string, signal: AbortSignal): Promise<Finding[]> {
  const connection = parts.estate.connections[name];
  if (!connection) throw new HubError('CONNECTION_UNKNOWN', `there is no connection '${name}' in the estate`);
  const findings: Finding[] = [];
  try {
    for await (const finding of connection.check(onlyLooking(contextFor(parts, name, signal, () => true))))
      findings.push(withFlows(parts, name, finding));
  } catch (error) {
    const hint = error instanceof HubError ? error.hint : undefined;
    const message = error instanceof Error ? error.message || error.name : String(error);
    findings.push({ level: 'error', subject: name, message, ...(hint === undefined ? {} : { hint }) });
  }
  return findings;
}

/** Says in the hint which flows use what a finding concerns. */
function withFlows({ wiring }: Parts, connection: string, { ports, ...finding }: Finding): Finding {
  if (ports === undefined) return finding;
  const read = ports.flatMap((port) => wiring.flowsOf(connection, port));
  const written = ports.flatMap((port) => wiring.flowsTo(connection, port));
  const ids = [...new Set([...read, ...written].map(({ id }) => id))].sort();
  const flows = ids.length === 0 ? 'no flow of the estate' : `${ids.length === 1 ? 'flow' : 'flows'} ${ids.join(', ')}`;
  const concerns = `concerns ${ports.join(', ')}: ${flows}`;
  return { ...finding, hint: finding.hint === undefined ? concerns : `${finding.hint}; ${concerns}` };
}
