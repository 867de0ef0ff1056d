// npm run bench [-- --events N]: how fast the hub takes, routes and delivers, beside a bare "INSERT, COMMIT" in the same run. Figures are ratios.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Sink } from '../../src/core/connector.ts';
import { openEmbeddedPostgres } from '../../src/ledger/embedded/index.ts';
import { makeTemplate } from '../support/cluster.ts';
import { idle, NoteDocument, noteHub, send, testLedger } from '../support/hub.ts';

const { values } = parseArgs({ options: { events: { type: 'string', default: '5000' } } });
const EVENTS = Number(values.events);
const KEYS = Math.ceil(EVENTS / 10);
const CONCURRENCY = 50;

/** Runs `work(n)` for n = 0 … count − 1, some at a time; returns how many a second. */
async function rate(count: number, work: (n: number) => Promise<unknown>): Promise<number> {
  const started = performance.now();
  let next = 0;
  await Promise.all(
    Array.from({ length: CONCURRENCY }, async () => {
      for (let n = next++; n < count; n = next++) await work(n);
    }),
  );
  return (count / (performance.now() - started)) * 1000;
}

const home = mkdtempSync(join(tmpdir(), 'crossdock-bench-'));
const postgres = await openEmbeddedPostgres({ home, createDatabases: true }); // fsync stays on: what is measured is what is promised
try {
  await makeTemplate(postgres.url);
  process.env.CROSSDOCK_TEST_URL = postgres.url;
  const ledger = await testLedger();
  await ledger.db.query(
    'bare',
    'create table bare (id bigint generated always as identity primary key, body bytea not null)',
  );
  const body = Buffer.alloc(1024, 7);
  const bare = await rate(EVENTS, () =>
    ledger.db.transaction((sql) => sql.query('bare_insert', 'insert into bare (body) values ($1)', [body])),
  );

  let delivered = 0;
  const sink: Sink<typeof NoteDocument> = {
    name: 'notes',
    accepts: NoteDocument,
    idempotency: 'external-id',
    settle: 0,
    deadline: '30s',
    batch: { max: 500, onFailure: 'independent' },
    deliver: async (items) => {
      delivered += items.length;
      return items.map(({ key }) => ({ outcome: 'done' as const, id: key }));
    },
  };
  const hub = noteHub(ledger, sink);
  const text = 'x'.repeat(1000);
  const intake = await rate(EVENTS, (n) => send(hub, { id: `k${n % KEYS}`, n, text }, { key: `e${n}` }));
  const started = performance.now();
  await hub.start();
  await idle(hub, 600);
  const drain = (EVENTS / (performance.now() - started)) * 1000;
  await hub.stop();
  await ledger.db.close();

  const line = (name: string, perSecond: number, note: string) =>
    process.stdout.write(
      `${name.padEnd(34)} ${Math.round(perSecond).toString().padStart(7)}/s  ${(perSecond / bare).toFixed(2).padStart(6)} ×  ${note}\n`,
    );
  process.stdout.write(`${EVENTS} events of 1 KB, ${KEYS} keys, ${CONCURRENCY} at a time, fsync on\n`);
  line('bare INSERT, COMMIT', bare, 'the yardstick');
  line('intake (seen, sealed, committed)', intake, 'shared commits');
  line(
    'route + deliver, order kept',
    drain,
    `${delivered} deliveries after coalescing; documents, references, lanes, intents, attempts, bindings, audit`,
  );
} finally {
  await postgres.stop();
  rmSync(home, { recursive: true, force: true });
}
