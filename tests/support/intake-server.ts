// A server in a process of its own: the `hub`, or a `bare` or `leanest` one it is compared with. Says its port, then answers `stored`, `cpu` (microseconds used)
// and `rss` (bytes) until `stop`; `held` is the bytes that are in use once what is garbage is gone.
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../../src/core/clock.ts';
import { Hub } from '../../src/engine/hub.ts';
import type { Sql } from '../../src/ledger/database.ts';
import { startServer } from '../../src/server/index.ts';
import { silent, testLedger } from './hub.ts';
import { OLD_SECRET, SECRET, webhookEstate } from './webhook.ts';

const ledger = await testLedger();
const count = async (table: string): Promise<number> =>
  (await ledger.db.query<{ n: number }>(`count_${table}`, `select count(*)::int as n from ${table}`))[0]!.n;

/**
 * What people write first: INSERT and COMMIT for each request, then 200. A prepared statement, a pool of connections, nothing checked. `leanest` leaves
 * out BEGIN and COMMIT, which one statement alone does not need.
 */
async function bare(leanest: boolean) {
  await ledger.db.query(
    'bare',
    'create table bare (id bigint generated always as identity primary key, received_at timestamptz not null default now(), body bytea not null)',
  );
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const insert = (sql: Sql) =>
        sql.query('bare_insert', 'insert into bare (body) values ($1)', [Buffer.concat(chunks)]);
      (leanest ? insert(ledger.db) : ledger.db.transaction(insert)).then(
        () => response.writeHead(200, { 'content-length': 2 }).end('ok'),
        () => response.writeHead(500).end(),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    stored: () => count('bare'),
    stop: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** The hub's own server and intake; its loops are not started, so only what is received is measured. */
async function hub() {
  const { estate } = webhookEstate();
  const secrets: Record<string, string> = { NEW: SECRET, OLD: OLD_SECRET };
  const own = new Hub({
    estate,
    db: ledger.db,
    vault: ledger.vault,
    clock: systemClock,
    random: () => randomBytes(4).readUInt32BE() / 2 ** 32,
    log: silent,
    secret: (name) => secrets[name]!,
  });
  const server = await startServer({ hub: own, db: ledger.db, clock: systemClock, log: silent, port: 0, env: {} });
  return { port: Number(new URL(server.url).port), stored: () => count('event'), stop: () => server.stop() };
}

const served = await (process.argv[2] === 'hub' ? hub() : bare(process.argv[2] === 'leanest'));
process.send!(served.port);
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
