/**
 * Three channels sell what Odoo has, on bad lines: `npm run chaos:stock [-- --sales 10000 --moves 10000 --skus 50 --rate 50 --seed 1]`. Ends with the levels in
 * all four ledgers, with writes that undid newer ones, and with what was oversold; fails where any differs or was undone. `--sales 0 --moves 100000` counts the
 * calls that so many changes in Odoo cost each channel: at most one for fifty changes.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openTestCluster } from '../support/cluster.ts';
import { testLedger } from '../support/hub.ts';
import { trade } from './story.ts';

const { values } = parseArgs({
  options: {
    sales: { type: 'string', default: '10000' },
    moves: { type: 'string', default: '10000' },
    skus: { type: 'string', default: '50' },
    rate: { type: 'string', default: '50' },
    every: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    patience: { type: 'string', default: '600' },
  },
});
const [sales, moves] = [Number(values.sales), Number(values.moves)];
const home = mkdtempSync(join(tmpdir(), 'crossdock-stock-'));
const cluster = await openTestCluster(home);
process.env.CROSSDOCK_TEST_URL = cluster.url;
try {
  const ledger = await testLedger();
  const { wrong, ...figures } = await trade(ledger, {
    skus: Number(values.skus),
    sales,
    moves,
    seed: Number(values.seed),
    faulty: sales > 0,
    rate: Number(values.rate),
    every: Number(values.every),
    patience: Number(values.patience),
    say: (line) => process.stdout.write(`${line}\n`),
  });
  await ledger.db.close();
  process.stdout.write(`${JSON.stringify(figures, null, 2)}\n${wrong.slice(0, 20).join('\n')}\n`);
  const dear = sales === 0 && Math.max(...Object.values(figures.calls)) * 50 > moves;
  process.stdout.write(
    `${wrong.length} wrong${dear ? ', too many calls' : ''}: ${wrong.length === 0 && !dear ? 'passed' : 'failed'}\n`,
  );
  process.exitCode = wrong.length === 0 && !dear ? 0 : 1;
} finally {
  await cluster.stop();
  rmSync(home, { recursive: true, force: true });
}
