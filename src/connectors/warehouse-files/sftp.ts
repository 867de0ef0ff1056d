import { createHash } from 'node:crypto';
import type { ConnectConfig, SFTPWrapper, Client as SshClient } from 'ssh2';
import ssh2 from 'ssh2';
import type { Context } from '../../core/connector.ts';
import { HubError } from '../../core/errors.ts';
import type { Secret } from '../../core/estate.ts';
import { FaultError, rejected } from '../../core/fault.ts';
import type { FilePlace } from '../../core/file-store.ts';
import { SftpStore } from './sftp-store.ts';

/** An SFTP server, as the estate names it: it may be in one's own network. */
export interface SftpConfig {
  readonly kind: 'sftp';
  readonly host: string;
  /** Default 22. */
  readonly port?: number;
  readonly user: string;
  /** One of the two: a password, or a private key (OpenSSH or PEM). */
  readonly password?: Secret;
  readonly privateKey?: Secret;
  /** Passphrase of the private key. */
  readonly passphrase?: Secret;
  /**
   * SHA-256 fingerprints of the server's host keys, as `ssh-keygen -lf` prints them: `SHA256:…`. Any other key is refused. Two while the server changes
   * from one to the other.
   */
  readonly hostKey: string | readonly string[];
  /** Folder on the server that `inbox` and `outbox` are in. Default: where one arrives. */
  readonly path?: string;
}

const FINGERPRINT = /^SHA256:[A-Za-z0-9+/]{43}$/;
const READY_MS = 20_000;

/** A folder of an SFTP server. One connection for each piece of work. Throws HubError CONFIG_INVALID. */
export function sftpPlace(config: SftpConfig, folder: string): FilePlace {
  const { host, port = 22, user, password, privateKey, path } = config;
  const pinned = typeof config.hostKey === 'string' ? [config.hostKey] : config.hostKey;
  for (const key of pinned)
    if (!FINGERPRINT.test(key))
      throw new HubError('CONFIG_INVALID', `warehouse-files: '${key}' is not a fingerprint of a host key`, {
        hint: 'ask the warehouse for it, or: ssh-keyscan HOST | ssh-keygen -lf - (compare with the warehouse before you trust it)',
      });
  if (pinned.length === 0 || (password === undefined) === (privateKey === undefined))
    throw new HubError(
      'CONFIG_INVALID',
      'warehouse-files: an SFTP server needs its hostKey, and one of password and privateKey',
    );
  const root = path === undefined ? folder : `${path.replace(/\/+$/, '')}/${folder}`;
  const where = `sftp://${host}${port === 22 ? '' : `:${port}`}/${root.replace(/^\/+/, '')}`;
  const place = { host, port, where, pinned };
  return {
    where,
    open: async (cx, { look } = { look: false }) => {
      const credentials = {
        username: user,
        ...(password ? { password: cx.secret(password.secret) } : {}),
        ...(privateKey ? { privateKey: cx.secret(privateKey.secret) } : {}),
        ...(config.passphrase ? { passphrase: cx.secret(config.passphrase.secret) } : {}),
      };
      const { client, sftp } = await connect(place, credentials, cx);
      const store = new SftpStore(client, sftp, root, where, cx.signal);
      if (look && !(await store.isThere().catch(ending(store)))) {
        await store.close();
        throw rejected(
          `${where} is not there; a running hub would make it. Create it, or correct the path`,
          'folder-missing',
        );
      }
      return store;
    },
  };
}

/** Ends the connection, and throws what it is given. */
const ending =
  (store: SftpStore) =>
  async (error: unknown): Promise<never> => {
    await store.close();
    throw error;
  };

interface Address {
  readonly host: string;
  readonly port: number;
  readonly where: string;
  readonly pinned: readonly string[];
}

async function connect(
  { host, port, where, pinned }: Address,
  credentials: ConnectConfig,
  cx: Context,
): Promise<{ client: SshClient; sftp: SFTPWrapper }> {
  const client = new ssh2.Client();
  let strange: string | null = null;
  const give = (error: Error & { level?: string }): FaultError => {
    if (strange !== null)
      return refused(
        `${where} shows the host key ${strange}, and \`hostKey\` names ${pinned.join(' or ')}. Nothing was sent. Let the warehouse confirm the fingerprint: if it is theirs (a new key, or \`hostKey\` was mistyped), set \`hostKey\`; if it is not, somebody stands in between.`,
        error,
      );
    if (error.level === 'client-authentication')
      return refused(`${where} does not accept the credentials of user ${credentials.username}.`, error);
    return new FaultError(
      { kind: 'transient', message: `${where} cannot be reached (${codeOf(error)}).` },
      { cause: error },
    );
  };
  const stop = (): void => void client.destroy();
  cx.signal.addEventListener('abort', stop, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      // Stays for the life of the connection: an error that nobody listens to would end the hub.
      client.on('error', (error) => reject(give(error)));
      client.on('close', () => reject(give(new Error('closed'))));
      client.on('ready', () => resolve());
      client.connect({
        host,
        port,
        ...credentials,
        readyTimeout: READY_MS,
        keepaliveInterval: 5000,
        keepaliveCountMax: 3,
        hostVerifier: (key: Buffer): boolean => {
          const seen = `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
          if (pinned.includes(seen)) return true;
          strange = seen;
          return false;
        },
      });
    }).catch((error: unknown) => {
      throw error instanceof FaultError ? error : give(error as Error);
    });
    const sftp = await new Promise<SFTPWrapper>((resolve, reject) => {
      client.once('close', () => reject(give(new Error('closed'))));
      client.sftp((error, channel) => (error ? reject(give(error)) : resolve(channel)));
    });
    return { client, sftp };
  } catch (error) {
    client.destroy();
    throw error;
  } finally {
    cx.signal.removeEventListener('abort', stop);
  }
}

const refused = (message: string, cause: Error): FaultError => new FaultError({ kind: 'refused', message }, { cause });

/** ECONNREFUSED, ENOTFOUND, …: never the words of the other side. */
const codeOf = (error: Error & { code?: unknown; level?: string }): string =>
  typeof error.code === 'string' ? error.code : (error.level ?? 'the connection ended');
