import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/core/clock.ts';
import { cameBack, shipAll, wayBack } from '../medusa/people.ts';
import type { Placed } from '../medusa/shops.ts';
import { openStory } from '../medusa/story.ts';
import { isReal, startEuroOdoo } from '../odoo/servers.ts';
import { until } from '../support/target.ts';

test('orders of a Medusa become orders of Odoo, what Odoo ships is shipped there with its tracking, what comes back is in stock again, each once', async (t) => {
  const { lab, at, ledger, hub, returns } = await openStory(t, () => startEuroOdoo(5));
  await hub.start();
  const placed: Placed[] = [];
  const [a, b, c] = lab.variants as [(typeof lab.variants)[0], (typeof lab.variants)[0], (typeof lab.variants)[0]];
  placed.push(await lab.place([[a, 2]]));
  placed.push(
    await lab.place(
      [
        [b, 3],
        [c, 1],
      ],
      { promotion: true },
    ),
  );
  placed.push(await lab.place([[c, 5]], { country: 'nl' }));
  const numbers = placed.map(({ number }) => number);
  const inOdoo = () =>
    at.direct.read('sale.order', [['client_order_ref', 'in', numbers]], ['client_order_ref', 'amount_total'], at.cx);
  const open = async () =>
    (await ledger.db.query<{ cause: string }>('open', "select cause from exception where state = 'open'")).map(
      ({ cause }) => cause,
    );
  const soon = (what: string, isSo: () => Promise<boolean>) =>
    until(what, isSo, isReal ? 240 : 60).catch(async (error) => {
      throw new Error(`${error.message}: ${await open()}`);
    });
  // 2 × 9.99 and shipping with 21 %: 30.1653; 3 × 24.99 + 3.33 less 10 %, the same: 91.2630…; 5 × 3.33 + 4.95 without tax.
  const totals = ['30.17', '91.26', '21.6'];
  // Where Odoo adds up otherwise, an order stands there for a moment before its cent of rounding does.
  await soon('the orders are in Odoo, to the cent', async () => {
    const rows = (await inOdoo())
      .map((row) => [String(row.client_order_ref), String(row.amount_total)] as const)
      .sort();
    return JSON.stringify(rows.map(([, total]) => total)) === JSON.stringify(totals);
  });
  assert.equal(await shipAll(at, numbers), 3);
  await soon('the parcels are told', async () => {
    const all = await Promise.all(placed.map((one) => wayBack(lab, one)));
    return all.every(({ shipped }) => shipped.length > 0 && !shipped.includes('not shipped'));
  });
  const stockOf = async (item: string) =>
    (
      await lab.admin<{ inventory_levels: { stocked_quantity: number }[] }>(
        'GET',
        `/admin/inventory-items/${item}/location-levels`,
      )
    ).inventory_levels[0]!.stocked_quantity;
  const before = [await stockOf(a.inventoryItem), await stockOf(c.inventoryItem)];
  cameBack(returns, placed[0]!, true);
  cameBack(returns, placed[2]!, false);
  await soon('the returns are received', async () => {
    const all = await Promise.all([placed[0]!, placed[2]!].map((one) => wayBack(lab, one)));
    return all.every((one) => one.returns.some((text) => text.startsWith('received')));
  });
  await systemClock.sleep(1500);
  const ends = await Promise.all(placed.map((one) => wayBack(lab, one)));
  assert.deepEqual(ends, [
    { shipped: [`TRK-${numbers[0]}`], returns: ['received 1/0'] },
    { shipped: [`TRK-${numbers[1]}`], returns: [] },
    { shipped: [`TRK-${numbers[2]}`], returns: ['received 1/1'] },
  ]);
  assert.deepEqual([await stockOf(a.inventoryItem), await stockOf(c.inventoryItem)], [before[0]! + 1, before[1]]);
  assert.equal((await inOdoo()).length, 3);
  assert.deepEqual(await open(), []);
});
