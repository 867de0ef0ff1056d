import type { Finding } from '../core/connector.ts';
import { HubError } from '../core/errors.ts';
import { contextFor } from './context.ts';
import type { Parts } from './parts.ts';

/** Asks a connection's connector what it thinks of its settings, connectivity, rights and versions; reads only. What it throws is a finding too. */
export async function checkConnection(parts: Parts, name: string, signal: AbortSignal): Promise<Finding[]> {
  const connection = parts.estate.connections[name];
  if (!connection) throw new HubError('CONNECTION_UNKNOWN', `there is no connection '${name}' in the estate`);
  const findings: Finding[] = [];
  try {
    for await (const finding of connection.check(contextFor(parts, name, signal, () => true))) findings.push(finding);
  } catch (error) {
    const hint = error instanceof HubError ? error.hint : undefined;
    const message = error instanceof Error ? error.message || error.name : String(error);
    findings.push({ level: 'error', subject: name, message, ...(hint === undefined ? {} : { hint }) });
  }
  return findings;
}
