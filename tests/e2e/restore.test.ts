import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { RestoreReport } from '../../src/ledger/backup/read.ts';
import type { BackupReport } from '../../src/ledger/backup/write.ts';
import { readTillFiles, verifyDaySales } from '../../src/simulators/verify.ts';
import { drop, HEADER, makeSales, records } from '../chaos/sales.ts';
import { until, World } from '../chaos/world.ts';
import { otherPostgres, startOtherPostgres } from '../support/other-postgres.ts';
import { scale } from '../support/target.ts';

const other = otherPostgres();

/**
 * Days are read and delivered by a hub on an older PostgreSQL; a backup is taken in the middle of it; the hub goes on and is killed, its database thrown
 * away. The backup is restored into a new home with the embedded PostgreSQL, and a hub goes on there. Judged from the till's files and Odoo's ledger.
 */
test(`a backup under load, restored on another PostgreSQL${other ? ` (${other.major} to 18)` : ''}: nothing lost, nothing twice`, {
  skip: !other && 'no other PostgreSQL is on this machine',
}, async (t) => {
  const lines = Math.round(2500 * scale);
  const folder = mkdtempSync(join(tmpdir(), 'crossdock-restored-'));
  const world = await World.open({
    CHAOS_ORDERS: '15',
    CHAOS_SETTLE: '3s',
    CHAOS_TIMEOUT: '10s',
    CROSSDOCK_LEASE_SECONDS: '3',
  });
  const postgres = await startOtherPostgres(other!);
  try {
    const kept = join(folder, 'kept');
    mkdirSync(kept);
    const sales = makeSales({ seed: 11, count: Math.ceil(lines / 7.5), most: 16 });
    const perDay = Math.ceil(sales.length / 8);
    // Articles and a customer that the ledger hears of only after the backup.
    const fresh = ['90001', '90002', '90003'].map((code) => ({ code, quantity: 2, price: 500 }));
    sales.splice(4 * perDay, 0, { invoice: '800001', customer: '12999', lines: fresh });
    const days = Array.from({ length: 8 }, (_, day) => {
      const name = `day-${day + 1}.csv`;
      writeFileSync(join(kept, name), HEADER + records(sales.slice(day * perDay, (day + 1) * perDay)));
      return name;
    });
    const dropDay = (name: string) => drop(world.inbox, name, readFileSync(join(kept, name), 'utf8'));
    const env = { DATABASE_URL: postgres.url };
    const hub = world.hub({ env });
    const orders = async () => (await world.ledger()).sale_orders.length;
    for (const day of days.slice(0, 4)) dropDay(day);
    await until('a quarter of it has landed', 300 * scale, async () => {
      if (hub.over) throw new Error((await hub.ended).stderr);
      return (await orders()) > sales.length / 4;
    });
    const file = join(folder, 'hub.backup');
    const atBackup = await orders();
    const made = await world.run(['backup', file, '--json'], { env }).ended;
    assert.equal(made.code, 0, made.stderr);
    const backup = JSON.parse(made.stdout) as BackupReport;
    for (const day of days.slice(4, 7)) dropDay(day);
    await until('much more has landed', 300 * scale, async () => {
      const { sale_orders: all } = await world.ledger();
      const heard = all.some((order) => JSON.stringify(order).includes('800001'));
      return heard && all.length > (sales.length * 5) / 8;
    });
    hub.signal('SIGKILL');
    await hub.ended;
    await postgres.stop();
    const atEnd = await orders();
    // What a bookkeeper does while there is no hub must stand.
    const odoo = async (model: string, method: string, body: object): Promise<unknown> =>
      (
        await fetch(`${world.odoo.url}/json/2/${model}/${method}`, {
          method: 'POST',
          headers: {
            authorization: `bearer ${world.odoo.key}`,
            'content-type': 'application/json',
            'x-odoo-database': world.odoo.db,
          },
          body: JSON.stringify(body),
        })
      ).json();
    const products = (await odoo('product.product', 'search', { domain: [['default_code', '!=', false]] })) as number[];
    await odoo('product.product', 'write', { ids: products, vals: { list_price: 77, name: 'renamed' } });
    assert.ok(atEnd > atBackup + 20, `${atBackup} orders at the backup, ${atEnd} when the ledger was lost`);
    dropDay(days[7]!);
    const home = join(folder, 'home');
    mkdirSync(home);
    const elsewhere = { CROSSDOCK_HOME: home };
    const keyless = await world.run(['restore', file], { env: elsewhere }).ended;
    assert.equal(keyless.code, 1);
    assert.match(keyless.stderr, /no master key here.*master\.key.*nothing was changed.*MASTER_KEY/s);
    assert.throws(() => statSync(join(home, 'postgres')), 'nothing was touched');
    assert.throws(() => statSync(join(home, 'master.key')));
    copyFileSync(join(world.home, 'master.key'), join(home, 'master.key'));
    const began = Date.now();
    const back = await world.run(['restore', file, '--json'], { env: elsewhere }).ended;
    assert.equal(back.code, 0, back.stderr);
    const restore = JSON.parse(back.stdout) as RestoreReport;
    const last = await world.hub({ untilIdle: true, env: elsewhere }).ended;
    assert.equal(last.code, 0, last.stderr);
    const exceptions = JSON.parse((await world.run(['exceptions', 'list', '--json'], { env: elsewhere }).ended).stdout);
    const sold = await readTillFiles(days.map((name) => join(kept, name)));
    const verdict = verifyDaySales(sold, await world.ledger(), exceptions);
    assert.deepEqual(verdict, { lost: 0, duplicated: 0, outOfOrder: 0, wrong: [] });
    assert.deepEqual(exceptions, []);
    const now = (await odoo('product.product', 'read', { ids: products, fields: ['list_price', 'name'] })) as object[];
    assert.ok(now.length > 50);
    assert.deepEqual(
      now.map((product) => ({ ...product, id: 0 })),
      now.map(() => ({ id: 0, list_price: 77, name: 'renamed' })),
      'what people changed in Odoo is not written over',
    );
    const chain = await world.run(['audit', 'verify', '--json'], { env: elsewhere }).ended;
    assert.equal(chain.code, 0, chain.stdout);
    const rows = Object.values(backup.rows).reduce((a, b) => a + b, 0);
    t.diagnostic(
      `${sold.reduce((sum, { lines }) => sum + lines.length, 0)} lines; ${atBackup} orders at the backup, ${atEnd} when the ledger was lost, ${sales.length} sales`,
    );
    t.diagnostic(`backup: ${rows} rows, ${backup.size} bytes, ${backup.seconds.toFixed(2)} s under load`);
    t.diagnostic(
      `restore: ${restore.seconds.toFixed(2)} s; idle ${((Date.now() - began) / 1000).toFixed(0)} s after its start`,
    );
  } finally {
    await world.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
