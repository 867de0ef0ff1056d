// Debian's OpenSSH server as the counterpart of the connector's SFTP: `npm run test:openssh`. Needs a Debian or Ubuntu with its package server (packages
// are unpacked into a temporary folder, nothing is installed). As root, where sshd runs as nobody and nobody may log in, its host key is checked, and the
// files go through Debian's sftp-server behind an SSH server of our own. Loopback only.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { makeLab } from '../../src/conformance/lab.ts';
import { writeOnce } from '../../src/connectors/warehouse-files/outbox.ts';
import { sftpPlace } from '../../src/connectors/warehouse-files/sftp.ts';
import { FaultError } from '../../src/core/fault.ts';

const folder = mkdtempSync(join(tmpdir(), 'crossdock-openssh-'));
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const NOBODY = 65534;

function unpack(): string {
  const at = join(folder, 'debian');
  mkdirSync(at);
  const packages = ['openssh-server', 'openssh-sftp-server', 'libwrap0'];
  const apt = spawnSync('apt-get', ['download', ...packages], { cwd: at, encoding: 'utf8' });
  const files = readdirSync(at).filter((name) => name.endsWith('.deb'));
  if (apt.status !== 0 || files.length < packages.length)
    throw new Error(`Debian's OpenSSH server is not to be had:\n${apt.stderr ?? apt.error?.message}`);
  for (const file of files) execFileSync('dpkg-deb', ['-x', file, '.'], { cwd: at });
  say(`unpacked ${files.join(', ')}`);
  return at;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function main(): Promise<void> {
  const root = process.getuid?.() === 0;
  const user = root ? 'nobody' : userInfo().username;
  const debian = unpack();
  const port = await freePort();
  const data = join(folder, 'data');
  mkdirSync(join(data, 'in'), { recursive: true });
  for (const name of ['host', 'user'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)]);
  const [, fingerprint] = execFileSync('ssh-keygen', ['-lf', join(folder, 'host.pub')], { encoding: 'utf8' }).split(
    ' ',
  );
  writeFileSync(
    join(folder, 'config'),
    [
      `ListenAddress 127.0.0.1:${port}`,
      `HostKey ${join(folder, 'host')}`,
      `AuthorizedKeysFile ${join(folder, 'user.pub')}`,
      `PidFile ${join(folder, 'pid')}`,
      'StrictModes no',
      'UsePAM no',
      'PasswordAuthentication no',
      'Subsystem sftp internal-sftp',
      'ForceCommand internal-sftp',
    ].join('\n'),
  );
  chmodSync(folder, 0o755);
  chmodSync(join(folder, 'user.pub'), 0o644);
  if (root) for (const path of ['host', 'data', 'data/in', '.']) chownSync(join(folder, path), NOBODY, NOBODY);
  const libraries = readdirSync(join(debian, 'usr/lib')).map((name) => join(debian, 'usr/lib', name));
  const child = spawn(join(debian, 'usr/sbin/sshd'), ['-D', '-e', '-f', join(folder, 'config')], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, LD_LIBRARY_PATH: libraries.join(':') },
    ...(root ? { uid: NOBODY, gid: NOBODY } : {}),
  });
  let log = '';
  child.stderr.on('data', (text) => {
    log += text;
  });
  try {
    for (let tries = 0; !log.includes('listening') && tries < 100; tries++)
      await new Promise((resolve) => setTimeout(resolve, 100));
    assert.match(log, /listening/, `the server did not start: ${log}`);
    await refusesStrangers({ port, user, fingerprint: fingerprint! });
    if (!root) return await exchange({ port, user, fingerprint: fingerprint!, data });
    const bridge = await openBridge(join(debian, 'usr/lib/openssh/sftp-server'));
    await exchange({ port: bridge.port, user, fingerprint: fingerprint!, data });
    bridge.close();
  } catch (error) {
    say(log);
    throw error;
  } finally {
    child.kill();
  }
}

async function exchange(at: { port: number; user: string; fingerprint: string; data: string }): Promise<void> {
  const { cx } = makeLab({ secrets: { KEY: readFileSync(join(folder, 'user'), 'utf8') } });
  const config = {
    kind: 'sftp',
    host: '127.0.0.1',
    port: at.port,
    user: at.user,
    privateKey: { secret: 'KEY' },
    hostKey: at.fingerprint,
    path: at.data,
  } as const;
  const store = await sftpPlace(config, 'in').open(cx);
  const bytes = Buffer.alloc(300_000, 'order ');
  await writeOnce(store, 'in', 'order.x12', bytes, (held) => bytes.equals(held), cx);
  await writeOnce(store, 'in', 'order.x12', bytes, (held) => bytes.equals(held), cx);
  assert.deepEqual(readdirSync(join(at.data, 'in')), ['order.x12']);
  assert.ok(bytes.equals(readFileSync(join(at.data, 'in/order.x12'))));
  say('a file is written whole, with fsync, and once');
  await store.put('other.part', Buffer.from('other'));
  assert.equal(await store.move('other.part', 'order.x12'), false);
  assert.ok(bytes.equals((await store.read('order.x12'))!));
  say('a name that is taken is not overwritten');
  assert.equal(await store.move('order.x12', 'done/order.x12'), true);
  assert.deepEqual(
    (await store.list('done')).map(({ name, size }) => [name, size]),
    [['order.x12', bytes.length]],
  );
  assert.deepEqual([await store.list('nowhere'), await store.read('nothing')], [[], null]);
  say('folders are made, listed and may be missing');
  await store.close();
}

/** An SSH server with the same host key that hands the subsystem to a program. */
async function openBridge(program: string): Promise<{ port: number; close(): void }> {
  const server = new ssh2.Server({ hostKeys: [readFileSync(join(folder, 'host'))] }, (client) => {
    client.on('error', () => undefined);
    client.on('authentication', (context) => context.accept());
    client.on('session', (accept) =>
      accept().on('subsystem', (acceptStream) => {
        const stream = acceptStream();
        const child = spawn(program, ['-e'], { stdio: ['pipe', 'pipe', 'ignore'] });
        stream.pipe(child.stdin);
        child.stdout.pipe(stream);
        stream.on('close', () => child.kill());
      }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as { port: number }).port, close: () => server.close() };
}

async function refusesStrangers(at: { port: number; user: string; fingerprint: string }): Promise<void> {
  const { cx } = makeLab({ secrets: { KEY: readFileSync(join(folder, 'user'), 'utf8') } });
  const config = { kind: 'sftp', host: '127.0.0.1', ...at, privateKey: { secret: 'KEY' } } as const;
  const stranger = `SHA256:${'A'.repeat(43)}`;
  const why = async (hostKey: string): Promise<string> => {
    try {
      await (await sftpPlace({ ...config, hostKey }, 'in').open(cx)).close();
      return '';
    } catch (error) {
      assert.ok(error instanceof FaultError && error.fault.kind === 'refused', String(error));
      return error.message;
    }
  };
  const refusal = await why(stranger);
  assert.ok(refusal.includes(at.fingerprint) && refusal.includes(stranger), refusal);
  assert.doesNotMatch(await why(at.fingerprint), /host key/);
  say('sshd: its host key is known by its fingerprint, another one is refused');
}

try {
  await main();
  say('OpenSSH: all as it should be');
} finally {
  if (existsSync(folder)) rmSync(folder, { recursive: true, force: true });
}
