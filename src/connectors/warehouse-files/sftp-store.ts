import { dirname } from 'node:path/posix';
import type { FileEntryWithStats, SFTPWrapper, Client as SshClient } from 'ssh2';
import { FaultError } from '../../core/fault.ts';
import type { FileStore, ListedFile } from '../../core/file-store.ts';

/** Codes of the SFTP protocol, version 3. @see https://datatracker.ietf.org/doc/html/draft-ietf-secsh-filexfer-02#section-7 */
const NO_SUCH_FILE = 2;
const PERMISSION_DENIED = 3;
const FAILURE = 4;
const OP_UNSUPPORTED = 8;

type Callback<T> = (error: (Error & { code?: number }) | null | undefined, result: T) => void;

/** Whether a server has no such extension: it says so, or has not announced it. */
function isUnsupported(error: unknown): boolean {
  const { code, message } = error as { code?: number; message: string };
  return code === OP_UNSUPPORTED || message.includes('does not support');
}

/** The files of one folder of an SFTP server, over a connection of its own. */
export class SftpStore implements FileStore {
  readonly #client: SshClient;
  readonly #sftp: SFTPWrapper;
  readonly #root: string;
  readonly #where: string;
  /** Rejects when the connection ends, whoever ends it. */
  readonly #ended: Promise<never>;
  readonly #forget: () => void;

  constructor(client: SshClient, sftp: SFTPWrapper, root: string, where: string, signal: AbortSignal) {
    this.#client = client;
    this.#sftp = sftp;
    this.#root = root;
    this.#where = where;
    const stop = (): void => void client.destroy();
    this.#ended = new Promise((_, reject) => {
      client.once('close', () => reject(new Error('the connection ended')));
    });
    this.#ended.catch(() => undefined);
    signal.addEventListener('abort', stop, { once: true });
    this.#forget = () => signal.removeEventListener('abort', stop);
    if (signal.aborted) stop();
  }

  /** Whether the folder itself is there. */
  async isThere(): Promise<boolean> {
    const entries = await this.#act<FileEntryWithStats[] | null>(
      this.#root,
      (done) => this.#sftp.readdir(this.#root, done as Callback<FileEntryWithStats[] | null>),
      null,
    );
    return entries !== null;
  }

  async list(folder?: string): Promise<ListedFile[]> {
    const path = folder === undefined ? this.#root : this.#path(folder);
    const entries = await this.#act<FileEntryWithStats[]>(path, (done) => this.#sftp.readdir(path, done), []);
    return entries
      .filter(({ attrs }) => attrs.isFile())
      .map(({ filename, attrs }) => ({ name: filename, size: attrs.size, mtime: attrs.mtime * 1000 }));
  }

  async read(path: string): Promise<Uint8Array | null> {
    const full = this.#path(path);
    return this.#act<Uint8Array | null>(path, (done) => this.#sftp.readFile(full, done as Callback<Buffer>), null);
  }

  async put(path: string, bytes: Uint8Array): Promise<void> {
    const full = this.#path(path);
    await this.#inFolder(full, async () => {
      const handle = await this.#act<Buffer>(path, (done) => this.#sftp.open(full, 'w', done));
      try {
        await this.#write(path, handle, Buffer.from(bytes));
        await this.#sync(path, handle);
      } finally {
        await this.#act<void>(path, (done) => this.#sftp.close(handle, done as Callback<void>)).catch(() => undefined);
      }
    });
  }

  /** The renaming of version 3 fails where the name is taken: nothing is overwritten. */
  async move(from: string, to: string): Promise<boolean> {
    const [source, target] = [this.#path(from), this.#path(to)];
    return this.#inFolder(target, async () => {
      try {
        await this.#run((done) => this.#sftp.rename(source, target, done as Callback<void>));
        return true;
      } catch (error) {
        const { code } = error as { code?: number };
        // A taken name is a mere failure in this protocol; so is much else.
        if (code === FAILURE && (await this.#exists(to))) return false;
        throw this.#told(from, error);
      }
    });
  }

  /** In one step where the server can (`posix-rename@openssh.com`): the other renaming is two there, and what takes the name between them is lost. */
  async take(from: string, to: string): Promise<boolean> {
    const [source, target] = [this.#path(from), this.#path(to)];
    const rename = async (): Promise<boolean> => {
      try {
        await this.#run((done) => this.#sftp.ext_openssh_rename(source, target, done as Callback<void>));
      } catch (error) {
        if (!isUnsupported(error)) throw this.#told(from, error);
        await this.#act<void>(from, (done) => this.#sftp.rename(source, target, done as Callback<void>));
      }
      return true;
    };
    try {
      return await this.#inFolder(target, rename);
    } catch (error) {
      if (((error as Error).cause as { code?: number } | undefined)?.code === NO_SUCH_FILE) return false;
      throw error;
    }
  }

  async remove(path: string): Promise<void> {
    await this.#act<void>(
      path,
      (done) => this.#sftp.unlink(this.#path(path), done as (error?: Error | null) => void),
      undefined,
    );
  }

  async close(): Promise<void> {
    this.#forget();
    this.#client.end();
    // A server that does not answer must not keep us.
    setTimeout(() => this.#client.destroy(), 2000).unref();
  }

  #path(path: string): string {
    return `${this.#root}/${path}`;
  }

  async #exists(path: string): Promise<boolean> {
    const found = await this.#act<unknown>(
      path,
      (done) => this.#sftp.stat(this.#path(path), done as Callback<unknown>),
      null,
    );
    return found !== null;
  }

  /** Does it, and once more after making the folder where that was missing. */
  async #inFolder<T>(path: string, act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      if (!(error instanceof FaultError) || (error.cause as { code?: number } | undefined)?.code !== NO_SUCH_FILE)
        throw error;
      await this.#run((done) => this.#sftp.mkdir(dirname(path), done as Callback<void>)).catch(() => undefined);
      return act();
    }
  }

  async #write(path: string, handle: Buffer, bytes: Buffer): Promise<void> {
    const most = 32_000;
    for (let at = 0; at < bytes.length; at += most) {
      const length = Math.min(most, bytes.length - at);
      await this.#act<void>(path, (done) => this.#sftp.write(handle, bytes, at, length, at, done as Callback<void>));
    }
  }

  /** To the server's disk, where it can say so (`fsync@openssh.com`). */
  async #sync(path: string, handle: Buffer): Promise<void> {
    try {
      await this.#run((done) => this.#sftp.ext_openssh_fsync(handle, done as Callback<void>));
    } catch (error) {
      if (!isUnsupported(error)) throw this.#told(path, error);
    }
  }

  async #act<T>(path: string, begin: (done: Callback<T>) => unknown, ...absent: [T] | []): Promise<T> {
    try {
      return await this.#run(begin);
    } catch (error) {
      if ((error as { code?: number }).code === NO_SUCH_FILE && absent.length === 1) return absent[0];
      throw this.#told(path, error);
    }
  }

  #run<T>(begin: (done: Callback<T>) => unknown): Promise<T> {
    const answer = new Promise<T>((resolve, reject) => {
      begin((error, result) => (error ? reject(error) : resolve(result)));
    });
    answer.catch(() => undefined);
    return Promise.race([answer, this.#ended]);
  }

  #told(path: string, cause: unknown): FaultError {
    const { code } = cause as { code?: number };
    if (code === PERMISSION_DENIED)
      return new FaultError(
        { kind: 'refused', message: `${this.#where}: the hub may not do this to ${path}.` },
        { cause },
      );
    const why = code === undefined ? 'the connection ended' : `code ${code}`;
    return new FaultError({ kind: 'transient', message: `${this.#where}: ${path}: ${why}` }, { cause });
  }
}
