import { link, mkdir, open, readdir, readFile, rename, rm, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FaultError, rejected } from './fault.ts';
import type { FilePlace, FileStore, ListedFile } from './file-store.ts';

/** A folder of this machine. It is made when it is missing, but not by a mere look. */
export const folderPlace = (folder: string): FilePlace => ({
  where: folder,
  open: async (_cx, { look } = { look: false }) => {
    if (look) await isThere(folder);
    else await told(folder, () => mkdir(folder, { recursive: true }));
    return new Folder(folder);
  },
});

async function isThere(folder: string): Promise<void> {
  const found = await told(folder, () => stat(folder), null);
  if (found?.isDirectory()) return;
  throw rejected(
    found
      ? `${folder} is not a folder`
      : `${folder} is not there; a running hub would make it. Create it, or correct the path`,
    'folder-missing',
  );
}

class Folder implements FileStore {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  async list(folder = '.'): Promise<ListedFile[]> {
    const path = join(this.#root, folder);
    const entries = await told(path, () => readdir(path, { withFileTypes: true }), []);
    const files: ListedFile[] = [];
    for (const entry of entries.filter((one) => one.isFile())) {
      const status = await stat(join(path, entry.name)).catch(() => null);
      if (status) files.push({ name: entry.name, size: status.size, mtime: Math.round(status.mtimeMs) });
    }
    return files;
  }

  async read(path: string): Promise<Uint8Array | null> {
    return told(path, () => readFile(join(this.#root, path)), null);
  }

  async put(path: string, bytes: Uint8Array): Promise<void> {
    await told(path, async () => {
      await mkdir(dirname(join(this.#root, path)), { recursive: true });
      const file = await open(join(this.#root, path), 'w');
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
    });
  }

  async move(from: string, to: string): Promise<boolean> {
    const [source, target] = [join(this.#root, from), join(this.#root, to)];
    return told(from, async () => {
      await mkdir(dirname(target), { recursive: true });
      try {
        // A link fails where the name is taken; a rename would replace what has it.
        await link(source, target);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'EEXIST') return false;
        if (!NO_LINKS.has(code ?? '')) throw error;
        if (await stat(target).catch(() => null)) return false;
        await rename(source, target);
        await synced(dirname(target));
        return true;
      }
      await unlink(source);
      await synced(dirname(target));
      return true;
    });
  }

  async take(from: string, to: string): Promise<boolean> {
    const [source, target] = [join(this.#root, from), join(this.#root, to)];
    return told(
      from,
      async () => {
        await mkdir(dirname(target), { recursive: true });
        await rename(source, target);
        await synced(dirname(target));
        return true;
      },
      false,
    );
  }

  async remove(path: string): Promise<void> {
    await told(path, () => rm(join(this.#root, path), { force: true }));
  }

  async close(): Promise<void> {}
}

/** File systems without hard links, such as FAT and some network shares. */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV']);

/** The new name is on the disk only once its folder is. Not every system can do that with a folder. */
async function synced(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => null);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

/** Runs one act, in the words of Faults. `absent`, where given, is the answer for what is not there. */
async function told<T>(path: string, act: () => Promise<T>, ...absent: [T] | []): Promise<T> {
  try {
    return await act();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && absent.length === 1) return absent[0];
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
      throw new FaultError(
        { kind: 'refused', message: `${path}: the hub may not do this (${code}).` },
        { cause: error },
      );
    throw new FaultError({ kind: 'transient', message: `${path}: ${code ?? 'failed'}` }, { cause: error });
  }
}
