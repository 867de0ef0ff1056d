import { Odoo } from '../../src/connectors/odoo/database.ts';
import { secret } from '../../src/core/estate.ts';
import { startOdooSimulator } from '../../src/simulators/odoo/index.ts';

/** An Odoo that a test works on. */
export interface OdooServer {
  readonly url: string;
  readonly db: string;
  readonly login: string;
  readonly key: string;
  readonly company?: string;
  stop(): Promise<void>;
}

const { ODOO_URL, ODOO_DB, ODOO_LOGIN, ODOO_KEY, ODOO_COMPANY } = process.env;

/** The real Odoo of ODOO_URL, ODOO_DB, ODOO_LOGIN, ODOO_KEY (and ODOO_COMPANY); where they are not set, a simulated 18 and a simulated 19. */
export const servers: readonly { name: string; real: boolean; start: () => Promise<OdooServer> }[] =
  ODOO_URL && ODOO_DB && ODOO_LOGIN && ODOO_KEY
    ? [
        {
          name: `Odoo at ${ODOO_URL}`,
          real: true,
          start: async () => ({
            url: ODOO_URL,
            db: ODOO_DB,
            login: ODOO_LOGIN,
            key: ODOO_KEY,
            ...(ODOO_COMPANY ? { company: ODOO_COMPANY } : {}),
            stop: async () => {},
          }),
        },
      ]
    : ([18, 19] as const).map((version) => ({
        name: `simulated Odoo ${version}`,
        real: false,
        start: () => startOdooSimulator({ version, seed: 1 }),
      }));

/** Whether they are real. */
export const isReal = servers.some(({ real }) => real);

/** An Odoo whose company keeps euros: a simulated 19, or the real one of ODOO_URL, which must. */
export const startEuroOdoo = (seed: number): Promise<OdooServer> =>
  isReal ? servers[0]!.start() : startOdooSimulator({ version: 19, seed, currency: 'EUR' });

/** What a connection to a server is made with. The context it is used with needs the secret ODOO_KEY. */
export const accessTo = ({ url, db: database, login, company }: OdooServer) => ({
  url,
  database,
  login,
  key: secret('ODOO_KEY'),
  ...(company ? { company } : {}),
});

/** The connector's own way to a server, for what a test reads or writes beside the hub. */
export const directly = (server: OdooServer): Odoo =>
  new Odoo({
    ...accessTo(server),
    company: server.company,
    warehouse: undefined,
    prefix: undefined,
    settle: '120s',
    timeout: '150s',
  });

/**
 * Calls any public method, those the connector never calls included, by JSON-RPC (18 and 19 speak it). Throws with Odoo's own words, and what `fetch`
 * throws when no answer comes.
 */
export async function rpc(
  { url, db, key }: OdooServer,
  uid: number,
  model: string,
  method: string,
  args: readonly unknown[],
  named: Readonly<Record<string, unknown>> = {},
): Promise<unknown> {
  const params = { service: 'object', method: 'execute_kw', args: [db, uid, key, model, method, args, named] };
  const response = await fetch(`${url}/jsonrpc`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', method: 'call', id: 1, params }),
  });
  const { result, error } = (await response.json()) as { result?: unknown; error?: { data?: { message?: string } } };
  if (error) throw new Error(`${model}.${method}: ${error.data?.message ?? JSON.stringify(error)}`);
  return result;
}
