import type { Context } from '../../core/connector.ts';
import { FaultError, rejected } from '../../core/fault.ts';
import type { FileStore } from '../../core/file-store.ts';

/** An act that failed before anything could be seen under the file's own name. Foreign words are not kept: they may hold anything. */
const notYet = (name: string, cause: unknown): FaultError =>
  cause instanceof FaultError
    ? cause
    : new FaultError({ kind: 'transient', message: `${name} could not be written: the connection broke.` }, { cause });

/**
 * Puts a file in its place whole or not at all, once: under a temporary name, to disk, read back, renamed. A file that has the name already is this one
 * (`isOurs`) or throws `rejected`; nothing is ever overwritten. Only a lost answer to the renaming is `unknown`.
 */
export async function writeOnce(
  store: FileStore,
  where: string,
  name: string,
  bytes: Uint8Array,
  isOurs: (held: Uint8Array) => boolean,
  cx: Context,
): Promise<void> {
  const part = `${name}.part`;
  const act = async <T>(verb: string, path: string, run: () => Promise<T>): Promise<T> => {
    try {
      return await cx.call({ verb, to: `${where}/${path}` }, run);
    } catch (error) {
      throw notYet(name, error);
    }
  };
  const isThere = async (): Promise<boolean> => {
    const held = await act('read', name, () => store.read(name));
    if (held !== null && !isOurs(held)) throw taken(where, name);
    return held !== null;
  };
  if (await isThere()) return;
  await act('put', part, () => store.put(part, bytes));
  const back = await act('read', part, () => store.read(part));
  if (back === null || !Buffer.from(back).equals(bytes))
    throw new FaultError({
      kind: 'transient',
      message: `${name} did not arrive whole: ${back?.length ?? 0} of ${bytes.length} bytes.`,
    });
  if (await renamed(store, where, name, cx)) return;
  if (!(await isThere())) throw new FaultError({ kind: 'transient', message: `${name} could not be given its name.` });
  await act('remove', part, () => store.remove(part));
}

async function renamed(store: FileStore, where: string, name: string, cx: Context): Promise<boolean> {
  try {
    return await cx.call({ verb: 'move', to: `${where}/${name}` }, () => store.move(`${name}.part`, name));
  } catch (error) {
    if (error instanceof FaultError && error.fault.kind !== 'transient') throw error;
    throw new FaultError(
      { kind: 'unknown', message: `The connection broke while ${name} was given its name: it may be there.` },
      { cause: error },
    );
  }
}

const taken = (where: string, name: string): FaultError =>
  rejected(
    `${where} has another file called ${name}, and it is not ours. Nothing was overwritten. Look whose it is, move it away, then retry.`,
    'name-taken',
  );
