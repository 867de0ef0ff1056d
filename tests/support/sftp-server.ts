import { createHash, generateKeyPairSync } from 'node:crypto';
import { constants, mkdirSync } from 'node:fs';
import { type FileHandle, link, mkdir, open, readdir, stat, unlink } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join, normalize } from 'node:path';
import ssh2, { type Connection, type SFTPWrapper } from 'ssh2';
import type { SftpConfig } from '../../src/connectors/warehouse-files/sftp.ts';

const { OPEN_MODE, STATUS_CODE } = ssh2.utils.sftp;

export interface SftpServerOptions {
  /** Folder of this machine that users see as their own. */
  root: string;
  user: string;
  password: string;
  port?: number;
  /** Decides before each act; true breaks the connection off, after the act for those of `late`. */
  breaks?: (act: string, path: string) => 'before' | 'after' | undefined;
}

export interface SftpServer {
  readonly port: number;
  /** SHA-256 fingerprint of its host key. */
  readonly fingerprint: string;
  /** Acts that clients asked for: `rename in/7.part`. */
  readonly acts: string[];
  config(passwordSecret: string): SftpConfig;
  /** Ends all connections and takes no more. */
  close(): Promise<void>;
}

/** A small SFTP server on the loopback interface, version 3 of the protocol: renaming never replaces a file. */
export async function openSftpServer(options: SftpServerOptions): Promise<SftpServer> {
  mkdirSync(options.root, { recursive: true });
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
  const parsed = ssh2.utils.parseKey(key);
  if (parsed instanceof Error || Array.isArray(parsed)) throw new Error('the key cannot be read');
  const fingerprint = `SHA256:${createHash('sha256').update(parsed.getPublicSSH()).digest('base64').replace(/=+$/, '')}`;
  const acts: string[] = [];
  const sockets = new Set<Socket>();
  const server = new ssh2.Server({ hostKeys: [key] }, (client) => serve(client, options, acts));
  const listener = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    server.injectSocket(socket);
  });
  await new Promise<void>((resolve) => listener.listen(options.port ?? 0, '127.0.0.1', resolve));
  const { port } = listener.address() as { port: number };
  return {
    port,
    fingerprint,
    acts,
    config: (secret) => ({
      kind: 'sftp',
      host: '127.0.0.1',
      port,
      user: options.user,
      password: { secret },
      hostKey: fingerprint,
    }),
    close: () =>
      new Promise((resolve) => {
        listener.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function serve(client: Connection, options: SftpServerOptions, acts: string[]): void {
  client.on('error', () => undefined);
  client.on('authentication', (context) => {
    if (context.method === 'password' && context.username === options.user && context.password === options.password)
      return context.accept();
    context.reject(['password']);
  });
  client.on('session', (accept) => {
    accept().on('sftp', (acceptSftp) => files(acceptSftp(), client, options, acts));
  });
}

type Acts = (act: string, path: string, request: number, work: () => Promise<void>) => void;

function files(sftp: SFTPWrapper, client: Connection, { root, breaks }: SftpServerOptions, acts: string[]): void {
  const handles = new Map<number, { file?: FileHandle; folder?: string; told?: boolean }>();
  let opened = 0;
  client.on('close', () => {
    for (const { file } of handles.values()) file?.close().catch(() => undefined);
  });
  const real = (path: string): string => join(root, normalize(`/${path}`));
  const handleOf = (handle: Buffer) => handles.get(handle.readUInt32BE(0))!;
  const give = (request: number, held: { file?: FileHandle; folder?: string }): void => {
    const handle = Buffer.alloc(4);
    handle.writeUInt32BE(++opened);
    handles.set(opened, held);
    sftp.handle(request, handle);
  };
  const act: Acts = (name, path, request, work) => {
    acts.push(`${name} ${path}`);
    const when = breaks?.(name, path);
    const cut = (): void => void client.end();
    if (when === 'before') return cut();
    work().then(
      () => undefined,
      (error: NodeJS.ErrnoException) => {
        const code =
          error.code === 'ENOENT'
            ? STATUS_CODE.NO_SUCH_FILE
            : error.code === 'EACCES'
              ? STATUS_CODE.PERMISSION_DENIED
              : STATUS_CODE.FAILURE;
        sftp.status(request, code);
      },
    );
  };
  const ok = (name: string, path: string, request: number): void => {
    if (breaks?.(`${name} done`, path) === 'after') return void client.end();
    sftp.status(request, STATUS_CODE.OK);
  };
  const attrsOf = async (path: string) => {
    const { mode, uid, gid, size, atimeMs, mtimeMs } = await stat(path);
    return { mode, uid, gid, size, atime: Math.floor(atimeMs / 1000), mtime: Math.floor(mtimeMs / 1000) };
  };
  sftp.on('OPEN', (request, path, flags) =>
    act('open', path, request, async () => {
      const writing = (flags & OPEN_MODE.WRITE) !== 0;
      const mode = writing ? constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC : constants.O_RDONLY;
      give(request, { file: await open(real(path), mode) });
    }),
  );
  sftp.on('READ', (request, handle, offset, length) =>
    act('read', '', request, async () => {
      const buffer = Buffer.alloc(length);
      const { bytesRead } = await handleOf(handle).file!.read(buffer, 0, length, offset);
      if (bytesRead === 0) sftp.status(request, STATUS_CODE.EOF);
      else sftp.data(request, buffer.subarray(0, bytesRead));
    }),
  );
  sftp.on('WRITE', (request, handle, offset, data) =>
    act('write', '', request, async () => {
      await handleOf(handle).file!.write(data, 0, data.length, offset);
      ok('write', '', request);
    }),
  );
  sftp.on('FSTAT', (request, handle) =>
    act('fstat', '', request, async () => {
      const { mode, uid, gid, size, atimeMs, mtimeMs } = await handleOf(handle).file!.stat();
      sftp.attrs(request, { mode, uid, gid, size, atime: atimeMs / 1000, mtime: mtimeMs / 1000 });
    }),
  );
  sftp.on('CLOSE', (request, handle) =>
    act('close', '', request, async () => {
      await handleOf(handle).file?.close();
      handles.delete(handle.readUInt32BE(0));
      ok('close', '', request);
    }),
  );
  sftp.on('OPENDIR', (request, path) =>
    act('opendir', path, request, async () => {
      await readdir(real(path));
      give(request, { folder: real(path) });
    }),
  );
  sftp.on('READDIR', (request, handle) =>
    act('readdir', '', request, async () => {
      const held = handleOf(handle);
      if (held.told) return void sftp.status(request, STATUS_CODE.EOF);
      held.told = true;
      const names = await readdir(held.folder!);
      const entries = await Promise.all(
        names.map(async (filename) => ({
          filename,
          longname: filename,
          attrs: await attrsOf(join(held.folder!, filename)),
        })),
      );
      if (entries.length === 0) sftp.status(request, STATUS_CODE.EOF);
      else sftp.name(request, entries);
    }),
  );
  const statted = (request: number, path: string): void =>
    act('stat', path, request, async () => void sftp.attrs(request, await attrsOf(real(path))));
  sftp.on('STAT', statted);
  sftp.on('LSTAT', statted);
  sftp.on('MKDIR', (request, path) =>
    act('mkdir', path, request, async () => {
      await mkdir(real(path));
      ok('mkdir', path, request);
    }),
  );
  sftp.on('REMOVE', (request, path) =>
    act('remove', path, request, async () => {
      await unlink(real(path));
      ok('remove', path, request);
    }),
  );
  sftp.on('RENAME', (request, from, to) =>
    act('rename', from, request, async () => {
      await link(real(from), real(to));
      await unlink(real(from));
      ok('rename', from, request);
    }),
  );
}
