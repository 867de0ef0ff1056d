import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Systems, startSystems } from '../../src/cli/demo-systems.ts';
import { seeded, systemClock } from '../../src/core/clock.ts';
import type { Estate } from '../../src/core/estate.ts';
import { Hub } from '../../src/engine/hub.ts';
import { listExceptions } from '../../src/ledger/exceptions.ts';
import { startServer } from '../../src/server/index.ts';
import type { StoredSale } from '../../src/simulators/rest-store.ts';
import { BackOffice } from '../../src/simulators/retailer/back-office.ts';
import type { BooksLedger } from '../../src/simulators/retailer/ledgers.ts';
import { drained, silent, type TestLedger, testLedger } from '../support/hub.ts';
import { scratch } from '../support/package.ts';
import { until } from '../support/target.ts';

const { folder, clean } = scratch();
const recipient = {
  ...{ name: 'Ann', company: null, street: 'High Street 1', street2: null, city: 'Leeds', postalCode: 'LS1 1AA' },
  ...{ region: null, country: 'GB', phone: null, email: 'ann@example.com' },
};
/** How long the warehouse takes at most, in milliseconds. */
const HANDLING = 60_000;

/** examples/retailer with its systems, in which nobody is at work but the test. What became of a sale is asked of their own books. */
describe('what a store sells and hands over later', { concurrency: false }, () => {
  let systems: Systems;
  let office: BackOffice;
  let ledger: TestLedger;
  let hub: Hub;
  let door: Awaited<ReturnType<typeof startServer>>;

  before(async () => {
    systems = await startSystems(join(folder, 'demo'));
    office = new BackOffice(systems.odoo);
    await office.prepare();
    // Read anew, for the addresses of these systems.
    const file = `../../examples/retailer/crossdock.config.ts?${systems.odoo.url}`;
    const { default: estate } = (await import(file)) as { default: Estate };
    ledger = await testLedger();
    const { db, vault } = ledger;
    const parts = { db, vault, clock: systemClock, random: seeded(1), log: silent };
    hub = new Hub({ estate, ...parts, secret: (name) => process.env[name]!, terms: { pollSeconds: 0.2 } });
    await hub.start();
    door = await startServer({ hub, db, clock: systemClock, log: silent, port: 0, env: {} });
    await until('the goods are in Odoo', async () => (await office.enrol()) === 0);
  });
  after(async () => {
    await door.stop();
    await hub.stop();
    await systems.stop();
    await ledger.db.close();
    await clean();
  });

  /** Two pieces, in one line. */
  const sell = async (id: string, delivery?: StoredSale['delivery']): Promise<StoredSale> => {
    const line = { id: '7', sku: 'WEB-101', name: 'Oak shelf', quantity: '2', unitPrice: '4.95', discount: 0 };
    const sale: StoredSale = {
      ...{ id, number: `R-${id}`, revision: 1, soldAt: new Date().toISOString(), location: 'counter', currency: 'GBP' },
      ...{ pricesIncludeTax: true, customer: { id: 'C1', name: 'Ann' }, refersTo: null, total: 990 },
      ...(delivery ? { delivery } : {}),
      lines: [{ ...line, taxes: ['standard'], total: 990 }],
    };
    await systems.store.take(sale, `${door.url}/in/store/sales`);
    return sale;
  };
  /** The sale in Odoo: its id, and state and tracking of its transfers. */
  const inOdoo = async ({ number }: StoredSale) => {
    const { sale_orders, pickings } = (await (await fetch(`${systems.odoo.admin}/ledger`)).json()) as BooksLedger;
    const own = sale_orders
      .filter(({ client_order_ref }) => client_order_ref === number)
      .flatMap((one) => one.pickings);
    const transfers = pickings.filter(({ id }) => own.includes(id));
    return { numbers: transfers.map(({ name }) => name), ends: transfers.map((one) => [one.state, one.tracking]) };
  };
  const jobOf = ({ number }: StoredSale) =>
    [...systems.store.counter.jobs.values()].find(({ order }) => order === number);
  /** What the store was told of its sale's goods. */
  const toldOf = ({ id }: StoredSale) =>
    [...systems.store.shipments.values()]
      .filter(({ value }) => value.sale === id)
      .map(({ value: { milestone, tracking, lines }, changes }) => ({
        milestone,
        tracking: tracking.map(({ number }) => number),
        lines: lines.map(({ line, quantity }) => [line, quantity]),
        changes,
      }));
  const says = (sale: StoredSale, status: string, more: object = {}) =>
    systems.store.report(jobOf(sale)!.number, status, more, `${door.url}/in/store/reports`);
  const lines = [['7', '2']];
  const settled = async (): Promise<void> => {
    for (let quiet = 0; quiet < 4; quiet++) {
      await drained(hub);
      await new Promise((resolve) => setTimeout(resolve, 700));
    }
  };
  /** All is told, nobody is asked anything, and the shop is owed none of it. */
  const atRest = async (): Promise<void> => {
    await settled();
    const asked = (await listExceptions(ledger.db, null, 50)).map(({ cause }) => cause);
    const [owed] = await ledger.db.query<{ count: number }>(
      'test_owed',
      `select count(*)::int as count
       from (select connection, kind from delivery union all select connection, kind from delivery_history) as told
       where connection = 'shop' and kind in ('shipment', 'cancellation', 'delivery-promise')`,
    );
    assert.deepEqual([asked, owed!.count, systems.store.refused], [[], 0, 0]);
  };

  test('shipped by the warehouse: it is told by a file, and the store hears by its own ids that it has left, once; what is sold over the counter is asked of nobody', async () => {
    const { warehouse, store } = systems;
    const over = await sell('OVER');
    const sale = await sell('SHIP', { method: 'ship', promisedAt: null, location: 'central', recipient });
    const asked = () => [...warehouse.orders.values()].map(({ number }) => number);
    await until('the warehouse has read of it', () => {
      warehouse.work(new Date());
      return asked().length > 0;
    });
    const { numbers } = await inOdoo(sale);
    assert.deepEqual(asked(), numbers);
    warehouse.work(new Date(Date.now() + HANDLING));
    await until('the store hears of it', () => toldOf(sale).length > 0);
    await until('it is done in Odoo', async () => (await inOdoo(sale)).ends[0]![0] === 'done');
    await until('the counter is in Odoo', async () => (await inOdoo(over)).ends[0]?.[0] === 'done');
    const { tracking } = [...warehouse.left.values()][0]!;
    const once = [{ milestone: 'shipped', tracking: [tracking], lines, changes: 1 }];
    await atRest();
    assert.deepEqual(toldOf(sale), once);
    assert.deepEqual((await inOdoo(sale)).ends, [['done', tracking]]);
    assert.deepEqual([toldOf(over), [...store.counter.jobs], asked()], [[], [], numbers]);
  });

  test('collected at the store: it prepares it, and its till hears by the sale when it is ready and when it is gone', async () => {
    const sale = await sell('COLLECT', { method: 'collect', promisedAt: null });
    await until('the store is asked', () => jobOf(sale));
    assert.deepEqual([jobOf(sale)!.method, jobOf(sale)!.location], ['collect', 'counter']);
    await says(sale, 'ready');
    await until('it is ready', () => toldOf(sale).some(({ milestone }) => milestone === 'ready'));
    assert.deepEqual(toldOf(sale), [{ milestone: 'ready', tracking: [], lines, changes: 1 }]);
    await says(sale, 'collected');
    await until('it is done in Odoo', async () => (await inOdoo(sale)).ends[0]![0] === 'done');
    await atRest();
    assert.deepEqual(toldOf(sale), [{ milestone: 'collected', tracking: [], lines, changes: 2 }]);
  });

  test('people cancel it in Odoo before anything leaves: whoever prepares it stops, and it is cancelled at the store that sold it', async () => {
    const { store, warehouse } = systems;
    const fromStore = await sell('CANCEL', { method: 'ship', promisedAt: null, recipient });
    const elsewhere = await sell('CANCEL2', { method: 'ship', promisedAt: null, location: 'central', recipient });
    await until('both are asked', async () => {
      warehouse.work(new Date());
      const { numbers } = await inOdoo(elsewhere);
      return jobOf(fromStore) !== undefined && numbers.some((number) => warehouse.orders.has(number));
    });
    assert.equal(jobOf(fromStore)!.method, 'ship');
    for (const { number } of [fromStore, elsewhere]) {
      const domain = [['client_order_ref', '=', number]];
      const [id] = await office.desk.call<number[]>('sale.order', 'search', { domain });
      await office.desk.once('sale.order', 'action_cancel', { ids: [id] });
    }
    await until('the store hears of both', () => store.cancellations.size === 2);
    await until('nobody prepares it any more', async () => {
      warehouse.work(new Date());
      const [number] = (await inOdoo(elsewhere)).numbers;
      return jobOf(fromStore)!.status === 'cancelled' && warehouse.orders.get(number!)!.cancelled;
    });
    warehouse.work(new Date(Date.now() + HANDLING));
    await atRest();
    const told = [...store.cancellations].map(([id, { value, changes }]) => [id, value, changes]);
    assert.deepEqual(told.sort(), [
      ['CANCEL', 'other', 1],
      ['CANCEL2', 'other', 1],
    ]);
    for (const sale of [fromStore, elsewhere])
      assert.deepEqual([toldOf(sale), (await inOdoo(sale)).ends.map(([state]) => state)], [[], ['cancel']]);
  });
});
