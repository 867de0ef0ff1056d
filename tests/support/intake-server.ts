// A server in a process of its own: the `hub`, or one it is compared with. Says its port, then answers `stored`, `cpu` (microseconds used) and `rss`
// (bytes) until `stop`; `held` is the bytes that are in use once what is garbage is gone.
import { randomBytes } from 'node:crypto';
import { subscribe } from 'node:diagnostics_channel';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import pg from 'pg';
import { systemClock } from '../../src/core/clock.ts';
import { isSigned } from '../../src/core/standard-webhooks.ts';
import { Hub } from '../../src/engine/hub.ts';
import { startServer } from '../../src/server/index.ts';
import { Metrics } from '../../src/watch/metrics.ts';
import type { Served } from './apart.ts';
import { silent, testLedger } from './hub.ts';
import { OLD_SECRET, SECRET, webhookEstate } from './webhook.ts';

const ledger = await testLedger();
const count = async (table: string): Promise<number> =>
  (await ledger.db.query<{ n: number }>(`count_${table}`, `select count(*)::int as n from ${table}`))[0]!.n;

type Answer = (request: IncomingMessage, body: Buffer) => Promise<number>;

/** Node's own server, with nothing between it and what is measured. */
async function serve(answer: Answer, stored: () => Promise<number>, end: () => Promise<void>) {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      answer(request, Buffer.concat(chunks)).then(
        (status) => response.writeHead(status, { 'content-length': 2 }).end('ok'),
        () => response.writeHead(500).end(),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    server.close();
    await end();
  };
  return { port: (server.address() as AddressInfo).port, stored, stop };
}

/**
 * What people write first: INSERT and COMMIT for each request, then 200. A prepared statement, a pool of connections, repeats left out by a unique
 * key; no signature is looked at and nothing is sealed. `begin: false` leaves out BEGIN and COMMIT, which one statement alone does not need.
 */
async function bare({ pool: max, begin }: { pool: number; begin: boolean }) {
  const pool = new pg.Pool({ connectionString: ledger.url, max }).on('error', () => undefined);
  await pool.query(
    'create table bare (id bigint generated always as identity primary key, key text not null unique, received_at timestamptz not null default now(), body bytea not null)',
  );
  const insert = (request: IncomingMessage, body: Buffer) => ({
    name: 'insert',
    text: 'insert into bare (key, body) values ($1, $2) on conflict do nothing',
    values: [request.headers['webhook-id'], body],
  });
  const answer: Answer = async (request, body) => {
    if (!begin) {
      await pool.query(insert(request, body));
      return 200;
    }
    const client = await pool.connect();
    try {
      await client.query('begin');
      await client.query(insert(request, body));
      await client.query('commit');
      client.release();
    } catch (error) {
      client.release(true);
      throw error;
    }
    return 200;
  };
  return serve(
    answer,
    async () => (await pool.query('select count(*)::int as n from bare')).rows[0].n,
    () => pool.end(),
  );
}

/** The least that any server of signed webhooks does: reads the body and verifies its signature; nothing is stored. */
async function floor() {
  let accepted = 0;
  const answer: Answer = async ({ headers }, body) => {
    if (!isSigned({ headers, body }, [SECRET, OLD_SECRET], new Date())) return 401;
    accepted += 1;
    return 200;
  };
  return serve(
    answer,
    async () => accepted,
    async () => undefined,
  );
}

/** The hub's own server and intake; its loops are not started, so only what is received is measured. */
async function hub() {
  const { estate } = webhookEstate();
  const secrets: Record<string, string> = { NEW: SECRET, OLD: OLD_SECRET };
  const metrics = new Metrics({ version: 'bench' });
  const log = metrics.observe(silent);
  const own = new Hub({
    estate,
    db: ledger.db,
    vault: ledger.vault,
    clock: systemClock,
    random: () => randomBytes(4).readUInt32BE() / 2 ** 32,
    log,
    secret: (name) => secrets[name]!,
  });
  const server = await startServer({ hub: own, db: ledger.db, clock: systemClock, log, metrics, port: 0, env: {} });
  return { port: Number(new URL(server.url).port), stored: () => count('event'), stop: () => server.stop() };
}

/** The hub with a leak: every request, even one that is refused, is kept by a listener that somebody forgot. */
function leaking() {
  const kept: unknown[] = [];
  subscribe('http.server.request.start', (started) => kept.push(started));
  return hub();
}

const kinds: Record<Served, () => Promise<{ port: number; stored(): Promise<number>; stop(): Promise<void> }>> = {
  hub,
  leaking,
  floor,
  bare10: () => bare({ pool: 10, begin: true }),
  bare50: () => bare({ pool: 50, begin: true }),
  leanest: () => bare({ pool: 10, begin: false }),
};
const served = await kinds[process.argv[2] as Served]();
process.send!(served.port);
// Whoever asked for it is gone, be it by a failure.
process.on('disconnect', () => process.exit());
process.on('message', async (question) => {
  const { user, system } = process.cpuUsage();
  if (question === 'stored') process.send!(await served.stored());
  else if (question === 'cpu') process.send!(user + system);
  else if (question === 'rss') process.send!(process.memoryUsage.rss());
  else if (question === 'held') {
    globalThis.gc!();
    const { heapUsed, external } = process.memoryUsage();
    process.send!(heapUsed + external);
  } else {
    await served.stop();
    await ledger.db.close();
    process.disconnect();
  }
});
