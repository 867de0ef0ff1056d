import { spawn, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';

const VERSIONS = '/usr/lib/postgresql';

/** The programs of an earlier major version of PostgreSQL that this machine has (Debian's packages), or null. */
export function otherPostgres(): { major: number; bin: string } | null {
  if (!existsSync(VERSIONS)) return null;
  const majors = readdirSync(VERSIONS)
    .map(Number)
    .filter((major) => major >= 15 && major < 18 && existsSync(join(VERSIONS, String(major), 'bin', 'initdb')));
  const major = Math.min(...majors);
  return majors.length > 0 ? { major, bin: join(VERSIONS, String(major), 'bin') } : null;
}

/** Runs a throw-away server of it; its role `crossdock` owns the database and is no superuser. */
export async function startOtherPostgres({ bin }: { bin: string }): Promise<{ url: string; stop(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'crossdock-other-'));
  const data = join(folder, 'data');
  const account: { uid?: number; gid?: number } = process.getuid?.() === 0 ? nobody() : {};
  if (account.uid !== undefined) chownSync(folder, account.uid, account.gid!);
  const made = spawnSync(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'admin', '-A', 'trust', '-E', 'UTF8', '--locale=C', '-N'],
    {
      ...account,
      cwd: folder,
    },
  );
  if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`);
  const port = await freePort();
  const settings = [`port=${port}`, 'listen_addresses=127.0.0.1', 'unix_socket_directories=', 'fsync=off'];
  const server = spawn(join(bin, 'postgres'), ['-D', data, ...settings.flatMap((setting) => ['-c', setting])], {
    ...account,
    cwd: folder,
    stdio: 'ignore',
  });
  const ended = new Promise((resolve) => server.once('exit', resolve));
  const stop = async () => {
    server.kill('SIGINT');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const admin = await connect(`postgres://admin@127.0.0.1:${port}/postgres`);
    await admin.query('create role crossdock login');
    await admin.query('create database crossdock owner crossdock');
    await admin.end();
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: `postgres://crossdock@127.0.0.1:${port}/crossdock`, stop };
}

async function connect(url: string): Promise<pg.Client> {
  for (let tries = 0; ; tries++) {
    const client = new pg.Client({ connectionString: url });
    try {
      await client.connect();
      return client;
    } catch (error) {
      if (tries === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

function nobody(): { uid: number; gid: number } {
  const [, , uid, gid] = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((line) => line.startsWith('nobody:'))!
    .split(':');
  return { uid: Number(uid), gid: Number(gid) };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
