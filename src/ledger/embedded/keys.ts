import { randomBytes, randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { HubError } from '../../core/errors.ts';
import { ownerOf, writeFor } from './account.ts';

/** What must be remembered to reach the embedded server: kept in `<home>/postgres.json`, readable by its owner only. */
export interface Keys {
  port: number;
  /** Owns the database, not a superuser: what the hub works with. */
  crossdock: string;
  /** Bootstrap superuser `crossdock_admin`: proves at adoption that a server is ours, and for the administrator's own tools. */
  admin: string;
}

const file = (home: string) => join(home, 'postgres.json');
const password = () => randomBytes(24).toString('base64url');

/** Reads the keys; null when there are none (first start, or lost: new ones are then set in the data directory). */
export function readKeys(home: string): Keys | null {
  let text: string;
  try {
    text = readFileSync(file(home), 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new HubError('EMBEDDED_POSTGRES_USER', `The hub cannot read ${file(home)}.`, {
      hint: 'Run the hub as the user that ran it first, or give the directory to the one that runs it now.',
      cause,
    });
  }
  try {
    const keys = JSON.parse(text) as Partial<Keys>;
    if (typeof keys.crossdock === 'string' && typeof keys.admin === 'string' && Number.isInteger(keys.port))
      return keys as Keys;
  } catch {
    // cut short by a full disk, or edited: as good as lost
  }
  return null;
}

export const newKeys = (port: number): Keys => ({ port, crossdock: password(), admin: password() });

/** Writes the keys whole or not at all. */
export function writeKeys(home: string, keys: Keys): void {
  writeFor(file(home), `${JSON.stringify(keys, null, 2)}\n`, ownerOf(home));
}

/** True when nobody listens on the port of the loopback address. */
export const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });

/** A free port below 32768, where Linux begins to hand out ports to outgoing connections, so that it is still free at the next start. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = randomInt(20_000, 32_768);
    if (await isFree(port)) return port;
  }
  throw new HubError('EMBEDDED_POSTGRES_START', 'No free port was found between 20000 and 32767 on 127.0.0.1.');
}
