import { type OdooSimulator, type OdooSimulatorOptions, startOdooSimulator, type Version } from './index.ts';
import type { Json } from './types.ts';

/** What a load answered. */
interface Loaded {
  readonly ids: number[] | false;
  readonly messages: { message: string }[];
}

/** A simulator and the few calls tests make, in whichever protocol its version speaks. */
export interface Bench extends OdooSimulator {
  call(model: string, method: string, ids: number[] | null, args: Record<string, Json>): Promise<Json>;
  load(model: string, fields: string[], data: string[][]): Promise<Loaded>;
  read(model: string, domain: Json[], fields: string[]): Promise<Record<string, Json>[]>;
  adminCall(method: string, path: string, body?: Json): Promise<Record<string, Json>>;
}

/** An error answer of either protocol. */
export class Answered extends Error {
  readonly status: number;
  readonly kind: string;

  constructor(status: number, kind: string, message: string) {
    super(message);
    this.status = status;
    this.kind = kind;
  }
}

async function json2(
  simulator: OdooSimulator,
  model: string,
  method: string,
  named: Record<string, Json>,
): Promise<Json> {
  const response = await fetch(`${simulator.url}/json/2/${model}/${method}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `bearer ${simulator.key}` },
    body: JSON.stringify(named),
  });
  const text = await response.text();
  if (response.headers.get('content-type')?.startsWith('text/html')) throw new Answered(response.status, 'html', text);
  const answer = JSON.parse(text);
  if (!response.ok) throw new Answered(response.status, answer.name, answer.message);
  return answer;
}

async function jsonRpc(
  simulator: OdooSimulator,
  model: string,
  method: string,
  positional: Json[],
  keywords: Record<string, Json>,
): Promise<Json> {
  const args = [simulator.db, simulator.uid, simulator.key, model, method, positional, keywords];
  const response = await fetch(`${simulator.url}/jsonrpc`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, params: { service: 'object', method: 'execute_kw', args } }),
  });
  const answer = JSON.parse(await response.text());
  if (answer.error) throw new Answered(response.status, answer.error.data.name, answer.error.data.message);
  return answer.result ?? null;
}

/** Starts a simulator on a free port below the range systems hand out by themselves. */
async function start(options: OdooSimulatorOptions, attempt = 0): Promise<OdooSimulator> {
  try {
    return await startOdooSimulator({ ...options, port: 20_000 + Math.floor(Math.random() * 12_000) });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || attempt > 20) throw error;
    return start(options, attempt + 1);
  }
}

/** Starts a simulator for a test. */
export async function bench(version: Version, options: Partial<OdooSimulatorOptions> = {}): Promise<Bench> {
  const simulator = await start({ version, seed: 7, ...options });
  const call: Bench['call'] = (model, method, ids, args) =>
    version >= 19
      ? json2(simulator, model, method, { ...(ids ? { ids } : {}), ...args })
      : jsonRpc(simulator, model, method, ids ? [ids] : [], args as Record<string, Json>);
  return {
    ...simulator,
    call,
    load: async (model, fields, data) => (await call(model, 'load', null, { fields, data })) as unknown as Loaded,
    read: async (model, domain, fields) =>
      (await call(model, 'search_read', null, { domain, fields, order: 'id' })) as Record<string, Json>[],
    adminCall: async (method, path, body) => {
      const response = await fetch(`${simulator.admin}/${path}`, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return (await response.json()) as Record<string, Json>;
    },
  };
}
