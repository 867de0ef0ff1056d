import { join, resolve } from 'node:path';
import { readKeys } from './keys.ts';
import { probe } from './probe.ts';
import { isServerOf, readPidFile } from './process.ts';

/**
 * The embedded PostgreSQL that a running hub has started in this home, for commands beside it; null when none answers. A server that answers but
 * works on other data is not taken: a copied home has the port and passwords of the original.
 */
export async function attachEmbeddedPostgres(home: string): Promise<{ url: string } | null> {
  const dataDir = join(resolve(home), 'postgres');
  const keys = readKeys(resolve(home));
  const file = readPidFile(dataDir);
  if (!keys || !file?.port || !isServerOf(file.pid, dataDir) || (await probe(file.port, keys)) !== 'ready') return null;
  return { url: `postgres://crossdock:${keys.crossdock}@127.0.0.1:${file.port}/crossdock` };
}
