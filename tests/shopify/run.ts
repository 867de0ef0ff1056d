/**
 * A shop trades for long while its webhooks go wrong and its subscriptions are deleted once:
 * `npm run chaos:shopify [-- --orders 10000 --rate 10 --every 1m --seed 1 --points 2000 --changes 0.2 --books 19]`. Its orders go to a simulated Odoo (`--books 18|19`), or to a recorder
 * (`none`). Ends with what is in the books, compared with the shop's own ledger; fails where anything is missing, doubled or other than it was, or the gap was not closed within ten
 * minutes. `points`: Shopify's budget a second. `changes`: edits, cancellations, refunds and returns for each order.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Duration } from '../../src/core/clock.ts';
import { openTestCluster } from '../support/cluster.ts';
import { testLedger } from '../support/hub.ts';
import { odooBooks, recorder } from './books.ts';
import { trade } from './story.ts';

const { values } = parseArgs({
  options: {
    orders: { type: 'string', default: '10000' },
    rate: { type: 'string', default: '10' },
    every: { type: 'string', default: '1m' },
    seed: { type: 'string', default: '1' },
    points: { type: 'string', default: '2000' },
    changes: { type: 'string', default: '0.2' },
    books: { type: 'string', default: '19' },
  },
});
const CLOSED_WITHIN_SECONDS = 600;

if (!['18', '19', 'none'].includes(values.books)) throw new RangeError(`--books ${values.books}: 18, 19 or none`);
const books = values.books === 'none' ? recorder() : await odooBooks(Number(values.books) as 18 | 19);
const home = mkdtempSync(join(tmpdir(), 'crossdock-shopify-'));
const cluster = await openTestCluster(home);
process.env.CROSSDOCK_TEST_URL = cluster.url;
try {
  const ledger = await testLedger();
  const points = Number(values.points);
  const story = {
    orders: Number(values.orders),
    seed: Number(values.seed),
    every: values.every as Duration,
    rate: Number(values.rate),
    changes: Number(values.changes),
    bucket: [points * 10, points],
    say: (line: string) => process.stdout.write(`${line}\n`),
  } as const;
  const told = await trade(ledger, story, books);
  await ledger.db.close();
  const { wrong, ...figures } = told;
  process.stdout.write(`${JSON.stringify(figures, null, 2)}\n${wrong.slice(0, 20).join('\n')}\n`);
  const good = wrong.length === 0 && told.unheard + told.fooled === 0 && told.closed < CLOSED_WITHIN_SECONDS;
  process.stdout.write(
    `${wrong.length} wrong; subscriptions there again after ${told.resubscribed.toFixed(0)} s, gap closed after ${told.closed.toFixed(0)} s: ${good ? 'passed' : 'failed'}\n`,
  );
  process.exitCode = good ? 0 : 1;
} finally {
  await books.stop();
  await cluster.stop();
  rmSync(home, { recursive: true, force: true });
}
