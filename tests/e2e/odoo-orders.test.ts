import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { cancelOrder, fulfil } from '../../src/simulators/shopify/orders.ts';
import type { Order } from '../../src/simulators/shopify/records.ts';
import { moneyOut, type Sold } from '../support/money-out.ts';

/** Minor units that the shop paid back. */
const paidBack = ({ transactions }: Order): number =>
  transactions.filter(({ kind }) => kind === 'REFUND').reduce((sum, { amount }) => sum + Number(amount.shop), 0);

const UNIT = 1235;
const leaves = (one: Sold) => [{ company: null, number: `T${one.order.name}`, url: null }];
const naive = (date: Date): string => date.toISOString().slice(0, 19).replace('T', ' ');
/** When the shop says that an order is promised for, beside its checkout. */
const toldIn = ({ metafields = [] }: Order): string | undefined =>
  metafields.find(({ namespace, key }) => namespace === 'crossdock' && key === 'promised_at')?.value;

/** What people change of sale orders in Odoo is told to the shop: judged by the books of both. */
for (const version of [18, 19] as const)
  describe(`orders that people change in Odoo: simulated ${version}`, () => {
    test('are cancelled in the shop, each once and the money paid back once, though lines break and the hub is killed; what has left is for a person', async (t) => {
      const at = await moneyOut(t, version, 60 + version);
      const cancel = ({ sale }: Sold) =>
        at.at.call('sale.order', 'action_cancel', [[sale]], { disable_cancel_warning: true });
      const [unpaid] = (await at.buy(1, { paid: false })) as unknown as readonly [Sold];
      const bought = (await at.buy(6)) as unknown as readonly [Sold, Sold, Sold, Sold, Sold, Sold];
      const [paid, first, twice, own, meanwhile, untouched] = bought;
      const [gone] = (await at.sell(1)) as unknown as readonly [Sold];
      at.storm(0.12);
      await cancel(unpaid);
      await cancel(paid);
      await at.credit(first, 3);
      await cancel(first);
      await cancel(twice);
      cancelOrder(at.shop, own.order);
      await cancel(gone);
      // The parcel has left the warehouse, which told the shop first.
      fulfil(at.shop, meanwhile.order, leaves(meanwhile));
      await cancel(meanwhile);
      const cancelled = [unpaid, paid, first, twice, own];
      await at.until('something is cancelled', () => cancelled.some(({ order }) => order.cancelledAt !== null));
      await at.kill();
      await at.until('all are cancelled', () => cancelled.every(({ order }) => order.cancelledAt !== null));
      // Made anew from a draft, and cancelled again; and the money of the one that waited for its credit note.
      await at.at.call('sale.order', 'action_draft', [[twice.sale]]);
      await at.at.call('sale.order', 'action_confirm', [[twice.sale]]);
      await cancel(twice);
      assert.equal(paidBack(paid.order), 0, 'the books say what is paid back');
      await at.credit(paid, 3);
      await at.until('what was credited is paid back', () =>
        [paid, first, own].every(({ order }) => paidBack(order) >= 3 * UNIT),
      );
      at.storm(0);
      await at.until('two people are asked', async () => (await at.exceptions()).length >= 2);
      await at.quiet();
      assert.deepEqual(
        [unpaid, paid, first, twice, own, gone, meanwhile, untouched].map(({ order }) => [
          order.cancelledAt !== null,
          paidBack(order),
        ]),
        [
          [true, 0],
          [true, 3 * UNIT],
          [true, 3 * UNIT],
          [true, 0],
          [true, 3 * UNIT],
          [false, 0],
          [false, 0],
          [false, 0],
        ],
      );
      for (const one of [paid, first, own])
        await at.until(`one credit note of ${one.order.name} is paid back`, async () => {
          const notes = await at.notesOf(one.sale);
          return notes.length === 1 && notes[0]!.amount_total === 37.05 && notes[0]!.amount_residual === 0;
        });
      await at.quiet();
      const stateOf = async ({ sale }: Sold) =>
        (await at.at.direct.read('sale.order', [['id', '=', sale]], ['state'], at.at.cx))[0]!.state;
      assert.deepEqual(await Promise.all([...cancelled, untouched].map(stateOf)), [
        ...cancelled.map(() => 'cancel'),
        'sale',
      ]);
      assert.deepEqual((await at.exceptions()).map(({ cause }) => cause).sort(), [
        'cancelled-after-shipping',
        'shipped',
      ]);
      assert.deepEqual(
        (await at.told('cancellation')).sort(),
        [unpaid, paid, first, twice, meanwhile].map(({ sale }) => `odoo:cancelled-${sale}`).sort(),
        'what the shop cancelled is not told back',
      );
    });

    test('are promised anew in the shop: the last date wins, also over lost answers, and the shop’s old one does not come back', async (t) => {
      const at = await moneyOut(t, version, 80 + version);
      const today = Math.floor(Date.now() / 1000) * 1000;
      const day = (n: number): Date => new Date(today + n * 86_400_000);
      const text = (n: number): string => `${day(n).toISOString().slice(0, 19)}+00:00`;
      const moved = (await at.buy(3, { promisedAt: day(3) })) as unknown as readonly [Sold, Sold, Sold];
      const [later, back] = moved;
      const [none] = (await at.buy(1)) as unknown as readonly [Sold];
      const move = ({ sale }: Sold, n: number | null) =>
        at.at.write('sale.order', sale, { commitment_date: n === null ? false : naive(day(n)) });
      await at.quiet();
      assert.deepEqual(
        [...moved, none].map(({ order }) => toldIn(order)),
        [undefined, undefined, undefined, undefined],
      );
      at.storm(0.12);
      await move(later, 9);
      await move(back, 5);
      await move(none, 7);
      await at.until('the shop knows them', () =>
        [later, back, none].every(({ order }) => toldIn(order) !== undefined),
      );
      assert.deepEqual(
        [later, back, none].map(({ order }) => toldIn(order)),
        [text(9), text(5), text(7)],
      );
      await at.kill();
      for (const n of [10, 12, 11]) await move(later, n);
      await move(back, 3);
      await move(none, null);
      // The shop tells its order anew, with the date of its checkout.
      for (const { order } of moved) at.shop.touchOrder(order);
      await at.until('the shop has the last', () => toldIn(later.order) === text(11) && toldIn(back.order) === text(3));
      await at.until('what is promised no more is gone', () => toldIn(none.order) === undefined);
      at.storm(0);
      at.shop.touchOrder(later.order);
      await at.quiet();
      assert.deepEqual(
        [...moved, none].map(({ order }) => toldIn(order)),
        [text(11), text(3), undefined, undefined],
      );
      const dateOf = async ({ sale }: Sold) =>
        (await at.at.direct.read('sale.order', [['id', '=', sale]], ['commitment_date'], at.at.cx))[0]!.commitment_date;
      assert.deepEqual(await Promise.all(moved.map(dateOf)), [naive(day(11)), naive(day(3)), naive(day(3))]);
      assert.deepEqual(
        (await at.told('delivery-promise')).sort(),
        [later, back, none].map(({ order }) => `web:${order.id.split('/').at(-1)}`).sort(),
      );
      assert.deepEqual(await at.exceptions(), []);
    });
  });
