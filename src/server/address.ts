import { HubError } from '../core/errors.ts';

/** Where to listen. An asked-for port is used or refused; without one the first free of 7070 to 7090 is taken. */
export interface Address {
  host: string;
  ports: readonly number[];
}

const FIRST = 7070;
const LAST = 7090;

/** From what the caller says, else CROSSDOCK_HOST and CROSSDOCK_PORT, else 127.0.0.1 and 7070. Throws HubError CONFIG_INVALID. */
export function addressOf(asked: { host?: string; port?: number }, env: NodeJS.ProcessEnv): Address {
  const host = asked.host ?? (env.CROSSDOCK_HOST?.trim() || '127.0.0.1');
  const port = asked.port ?? (env.CROSSDOCK_PORT ? Number(env.CROSSDOCK_PORT) : undefined);
  if (port === undefined) return { host, ports: Array.from({ length: LAST - FIRST + 1 }, (_, step) => FIRST + step) };
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new HubError('CONFIG_INVALID', 'CROSSDOCK_PORT is not a port', { hint: 'use a number from 1 to 65535' });
  return { host, ports: [port] };
}

/** The address a browser on this machine opens. */
export function urlOf(host: string, port: number): string {
  const near = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${near.includes(':') ? `[${near}]` : near}:${port}`;
}

/** Tries the ports in turn. Throws HubError CONFIG_INVALID when none can be had. */
export async function listenOn(
  { host, ports }: Address,
  listen: (host: string, port: number) => Promise<void>,
): Promise<void> {
  for (const port of ports)
    try {
      return await listen(host, port);
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (code === 'EADDRINUSE' && port !== ports.at(-1)) continue;
      throw refusal(host, ports, code, error);
    }
}

function refusal(host: string, ports: readonly number[], code: string, cause: unknown): HubError {
  const range = ports.length > 1 ? `the ports ${ports[0]} to ${ports.at(-1)} are` : `port ${ports[0]} is`;
  if (code === 'EADDRINUSE')
    return new HubError('CONFIG_INVALID', `${range} in use on ${host}`, {
      cause,
      hint: 'set CROSSDOCK_PORT to a free port, or leave it out: then the next free one from 7070 is taken',
    });
  return new HubError(
    'CONFIG_INVALID',
    `the server cannot listen on ${host} port ${ports[0]}: ${code || String(cause)}`,
    {
      cause,
      hint: 'CROSSDOCK_HOST must be an address of this machine; ports below 1024 need rights that the hub should not have',
    },
  );
}
