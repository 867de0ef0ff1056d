import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { cancelOrder } from '../../src/simulators/shopify/orders.ts';
import type { Order } from '../../src/simulators/shopify/records.ts';
import { testLedger } from '../support/hub.ts';
import { openPickup, type Pickup, type Side } from '../support/pickup.ts';
import { until } from '../support/target.ts';

const away = { kind: 'cut before', bytes: 0 } as const;
const lost = { kind: 'cut after' } as const;
const clear = { kind: 'clear' } as const;
const sides = ['odoo', 'shop', 'till'] as const;

/** Goods that a customer collects in a store, or that a store ships. What each system holds is asked of it, by books that no hub has written. */
describe('click and collect', { concurrency: 2 }, () => {
  for (const version of [19, 18] as const) pickup(version);
});

function pickup(version: 18 | 19): void {
  describe(`Odoo ${version}`, { concurrency: false }, () => {
    let box: Pickup;
    let close: () => Promise<void>;

    before(async () => {
      const ledger = await testLedger();
      box = await openPickup(ledger, version);
      close = async () => {
        await box.close();
        await ledger.db.close();
      };
    });
    after(() => close());
    afterEach(() => {
      for (const side of sides) {
        box.lines[side].weather = clear;
        box.lines[side].heard = () => undefined;
      }
    });

    const collects = (quantity = 2): Order => box.buy({ MUG: { quantity, locationId: box.counter, collect: true } });
    const causes = async (): Promise<string[]> => (await box.open()).map(({ cause }) => cause);
    /** Some minutes pass while somebody does not answer, and some more once everybody does. */
    const endure = async (
      down: readonly Side[],
      weather: typeof away | typeof lost,
      minutes: number,
    ): Promise<void> => {
      for (let n = 0; n < 4; n++) {
        await new Promise((resolve) => setTimeout(resolve, 250));
        await box.pass(minutes / 4);
      }
      for (const side of down) assert.equal(box.lines[side].weather, weather);
      for (const side of down) box.lines[side].weather = clear;
      await box.pass(5);
      await box.settled();
    };
    /** From the call on that changes something nothing of what Odoo and the shop say arrives; they do it all the same. */
    const losesAnswersTo = (calls: RegExp): Set<Side> => {
      const heard = new Set<Side>();
      for (const side of ['odoo', 'shop'] as const)
        box.lines[side].heard = (data) => {
          if (heard.has(side) || !calls.test(data)) return;
          heard.add(side);
          box.lines[side].weather = lost;
        };
      return heard;
    };
    const ready = { odoo: 'assigned', notes: ['ready to be collected'], told: 1, handed: [] };
    const collected = { ...ready, odoo: 'done', handed: [[2, '']] };

    test('one line is collected and one shipped: each place hears of its own, and the customer of each part once', async () => {
      const order = box.buy({
        MUG: { quantity: 2, locationId: box.counter, collect: true },
        TEE: { quantity: 1, locationId: box.central },
      });
      const number = await box.asked(order);
      const job = box.store.counter.jobs.get(number)!;
      assert.deepEqual(
        [job.method, job.location, job.status, job.lines.map(({ sku, quantity }) => [sku, quantity])],
        ['collect', 'counter-1', 'open', [['MUG', '2']]],
      );
      assert.equal(job.recipient.name, order.shippingAddress!.name);
      await box.settled();
      assert.deepEqual(await box.state(order), { odoo: 'assigned', notes: [], told: 0, handed: [] });

      await box.says(number, 'ready');
      await box.settled();
      assert.deepEqual(await box.state(order), ready);
      // Said again, in words of its own.
      await box.says(number, 'ready');
      await box.settled();
      assert.deepEqual(await box.state(order), ready);

      await box.says(number, 'collected');
      await box.settled();
      assert.deepEqual(await box.state(order), collected);
      await box.says(number, 'collected');
      await box.says(number, 'ready');
      await box.settled();
      assert.deepEqual(await box.state(order), collected);

      const [other] = (await box.transfersOf(order)).filter(({ name }) => !name.startsWith('ST/'));
      assert.equal(other!.state, 'assigned');
      await box.at.ship(other!.id, 1, '1Z9');
      await until('the shop hears of the parcel', () => order.fulfillments.length === 2);
      assert.deepEqual(
        order.fulfillments.map(({ tracking }) => tracking.map((one) => one.number)),
        [[], ['1Z9']],
      );
      assert.ok(order.fulfillmentOrders.every(({ status }) => status === 'CLOSED'));
      assert.equal(order.fulfillmentOrders.flatMap(({ noticed }) => noticed ?? []).length, 1);
      assert.equal(
        box.store.counter.changes.get(number),
        1,
        'what the store did itself is no change of what it was asked for',
      );
      assert.deepEqual(await box.open(), []);
    });

    test('what a store sells to be collected later is promised in Odoo; of another day it hears for its sale and for what it is to prepare, once, though answers are lost', async () => {
      const today = Math.floor(Date.now() / 1000) * 1000;
      const day = (n: number): string => new Date(today + n * 86_400_000).toISOString();
      const naive = (n: number): string => day(n).slice(0, 19).replace('T', ' ');
      const line = {
        id: '1',
        sku: 'MUG',
        name: 'Mug',
        quantity: '2',
        unitPrice: '10',
        discount: 0,
        taxes: [],
        total: 2000,
      };
      const sold = {
        ...{ id: 'LATER', number: 'R-LATER', revision: 1, soldAt: day(0), location: 'counter-1', currency: 'EUR' },
        ...{ pricesIncludeTax: true, customer: { id: 'C1', name: 'Ann' }, refersTo: null, lines: [line], total: 2000 },
        delivery: { method: 'collect', promisedAt: day(3) },
      } as const;
      await box.store.take(sold);
      const number = await box.asked({ name: sold.number });
      const saleIn = async () =>
        (
          await box.at.direct.read(
            'sale.order',
            [['client_order_ref', '=', sold.number]],
            ['commitment_date', 'picking_ids'],
            box.at.cx,
          )
        )[0]!;
      const sale = await saleIn();
      const job = () => box.store.counter.jobs.get(number)!;
      const seconds = (time: string): number => Date.parse(time) / 1000;
      assert.deepEqual(
        [sale.commitment_date, job().method, seconds(job().promisedAt!)],
        [naive(3), 'collect', seconds(day(3))],
      );
      await box.settled();
      // Nothing was handed over yet, and its own promise is not told back.
      const state = async () =>
        (await box.at.direct.read('stock.picking', [['sale_id', '=', sale.id as number]], ['state'], box.at.cx)).map(
          (row) => row.state,
        );
      assert.deepEqual([await state(), [...box.store.promises]], [['assigned'], []]);
      box.lines.till.weather = lost;
      await box.at.write('sale.order', sale.id as number, { commitment_date: naive(9) });
      const hears = (n: number) => () => {
        const told = box.store.promises.get(sold.id)?.value;
        return (
          told !== undefined && seconds(told) === seconds(day(n)) && seconds(job().promisedAt!) === seconds(day(n))
        );
      };
      await until('the store hears of it', hears(9));
      await endure(['till'], lost, 4);
      // The store corrects its sale, which does not bring its own promise back.
      await box.store.take({ ...sold, revision: 2 });
      await box.settled();
      assert.ok(hears(9)());
      assert.deepEqual([box.store.promises.get(sold.id)?.changes, box.store.counter.changes.get(number)], [1, 2]);
      assert.equal((await saleIn()).commitment_date, naive(9));
      for (const status of ['ready', 'collected']) await box.says(number, status);
      await until('it is handed over', async () => (await state()).join() === 'done');
      await box.settled();
      const told = [...box.store.shipments.values()].map(({ value, changes }) => [
        value.sale,
        value.milestone,
        changes,
      ]);
      assert.deepEqual(told, [[sold.id, 'collected', 2]], 'the till hears of its sale, and of no order of the shop');
      assert.deepEqual(await box.open(), []);
    });

    test('reports that were never pushed are listed; all that the store hears is signed', async () => {
      const order = collects();
      const number = await box.asked(order);
      await box.store.report(number, 'ready');
      await until('the customer is told', async () => (await box.state(order)).told === 1);
      await box.store.report(number, 'collected');
      await until('it is handed over', async () => (await box.state(order)).handed.length === 1);
      await box.settled();
      assert.deepEqual([await box.state(order), await box.open()], [collected, []]);
      assert.equal(box.store.refused, 0);
    });

    test('all do what they are told and their answers are lost', async () => {
      box.lines.till.weather = lost;
      const order = collects();
      const number = await box.asked(order);
      await endure(['till'], lost, 4);
      assert.equal(box.store.counter.changes.get(number), 1);
      for (const status of ['ready', 'collected']) {
        const heard = losesAnswersTo(
          status === 'ready' ? /"note"|PreparedForPickup/ : /button_validate|fulfillmentCreate/,
        );
        await box.says(number, status);
        await until('both have done it', () => heard.size === 2);
        await endure(['odoo', 'shop'], lost, 4);
        assert.deepEqual(await box.state(order), status === 'ready' ? ready : collected);
      }
      assert.deepEqual(await box.open(), []);
    });

    for (const who of ['odoo', 'shop'] as const)
      test(`${who} away for an hour: the other hears at once, the one that was away when it is back`, async () => {
        const order = collects();
        const number = await box.asked(order);
        box.lines[who].weather = away;
        await box.says(number, 'ready');
        await box.says(number, 'collected');
        const there = async () => {
          const { odoo, handed } = await box.state(order);
          return who === 'odoo' ? handed.length === 1 && odoo === 'assigned' : odoo === 'done' && handed.length === 0;
        };
        await until('the other side has it', there);
        await endure([who], away, 60);
        const { notes: _, told: __, ...end } = await box.state(order);
        assert.deepEqual(end, { odoo: 'done', handed: [[2, '']] });
        assert.ok((await box.state(order)).told <= 1, 'who has the goods is not told that they are ready');
        assert.deepEqual(await box.open(), []);
      });

    test('the store away for an hour hears when it is back, and says what it did meanwhile', async () => {
      box.lines.till.weather = away;
      const order = collects();
      await until('it is in Odoo', async () => (await box.transfersOf(order)).length === 1);
      await endure(['till'], away, 60);
      const number = await box.asked(order);
      await box.says(number, 'ready');
      await box.says(number, 'collected');
      await box.settled();
      assert.equal(box.store.counter.changes.get(number), 1);
      const { odoo, handed } = await box.state(order);
      assert.deepEqual([odoo, handed, await box.open()], ['done', [[2, '']], []]);
    });

    test('cancelled before it is ready: the store hears it, and who says ready all the same tells nobody', async () => {
      const order = collects();
      const number = await box.asked(order);
      cancelOrder(box.shop, order);
      await until('the store hears of it', () => box.store.counter.jobs.get(number)!.status === 'cancelled');
      await box.says(number, 'ready');
      await box.settled();
      assert.deepEqual(await box.state(order), { odoo: 'cancel', notes: [], told: 0, handed: [] });
      await box.pass(3 * 60);
      await box.settled();
      assert.deepEqual(await box.open(), [], 'nor is it awaited');
    });

    test('cancelled after it is ready: the store takes it back; what was handed over all the same goes to a person', async () => {
      const shelf = await box.shelf('MUG');
      const order = collects();
      const number = await box.asked(order);
      await box.says(number, 'ready');
      await box.settled();
      cancelOrder(box.shop, order);
      await until('the store hears of it', () => box.store.counter.jobs.get(number)!.status === 'cancelled');
      await box.settled();
      assert.deepEqual(await box.state(order), { ...ready, odoo: 'cancel' });
      assert.deepEqual([await box.shelf('MUG'), await box.open()], [shelf, []]);
      await box.says(number, 'collected');
      await box.settled();
      const asked = await box.open();
      assert.deepEqual(asked.map(({ cause }) => cause).sort(), ['nothing-to-ship', 'shipped-after-cancellation']);
      assert.ok(asked.some(({ words }) => /2 × MUG left all the same \(handed over as ST/.test(words)));
      assert.deepEqual([await box.shelf('MUG'), (await box.state(order)).handed], [shelf, []]);
    });

    test('nobody comes for it: somebody is asked, until it is collected after all; what is left behind is asked about', async () => {
      const before = await causes();
      const order = collects();
      const number = await box.asked(order);
      await box.says(number, 'ready');
      await box.says(number, 'not-collected');
      await box.settled();
      assert.deepEqual(
        (await causes()).filter((cause) => !before.includes(cause)),
        ['not-collected'],
      );
      assert.deepEqual(await box.state(order), ready);
      const toldAgain = async () => {
        const { newest, trouble, changes } = await box.again(number);
        return [newest !== null, trouble, changes];
      };
      const sameAgain = [true, null, []];
      assert.deepEqual(await toldAgain(), sameAgain);
      await box.says(number, 'ready');
      await box.settled();
      assert.deepEqual(await causes(), before);
      assert.deepEqual(await toldAgain(), sameAgain);
      await box.says(number, 'not-collected');
      const [line] = box.store.counter.jobs.get(number)!.lines;
      await box.says(number, 'collected', { lines: [{ id: line!.id, quantity: '1' }] });
      await box.settled();
      const { odoo, handed } = await box.state(order);
      assert.deepEqual([odoo, handed], ['done', [[1, '']]]);
      const asked = (await box.open()).filter(({ cause }) => cause === 'not-collected');
      assert.deepEqual(
        asked.map(({ words }) => /did not take 1 × MUG/.test(words)),
        [true],
      );
      assert.deepEqual(await toldAgain(), sameAgain);
      assert.equal(box.store.counter.changes.get(number), 1, 'it is asked for nothing less');
    });

    test('a store that says nothing is asked about in time, and what it says then closes it', async () => {
      const order = collects();
      const number = await box.asked(order);
      await box.settled();
      await box.pass(119);
      await box.settled();
      assert.ok(!(await causes()).includes('not-ready'));
      await box.pass(3);
      await until('somebody is asked', async () => (await causes()).includes('not-ready'));
      await box.says(number, 'ready');
      await box.settled();
      assert.ok(!(await causes()).includes('not-ready'));
      await box.pass(8 * 24 * 60);
      await until('somebody is asked', async () => (await causes()).includes('still-waiting'));
      await box.says(number, 'collected');
      await box.settled();
      assert.ok(!(await causes()).includes('still-waiting'));
      assert.deepEqual(await box.state(order), collected);
    });

    test('a store ships in two parcels, each told once with its tracking number', async () => {
      const order = box.buy({ MUG: { quantity: 3, locationId: box.counter } });
      const number = await box.asked(order);
      const { method, lines } = box.store.counter.jobs.get(number)!;
      assert.equal(method, 'ship');
      const parcel = (n: number, last: boolean) => ({
        number: `P${number}-${n}`,
        carrier: 'brown',
        tracking: [`T${version}-${n}`],
        last,
      });
      const heard = losesAnswersTo(/button_validate|fulfillmentCreate/);
      await box.says(number, 'shipped', { lines: [{ id: lines[0]!.id, quantity: '2' }], parcel: parcel(1, false) });
      await until('both have done it', () => heard.size === 2);
      await endure(['odoo', 'shop'], lost, 4);
      await box.says(number, 'shipped', { lines: [{ id: lines[0]!.id, quantity: '1' }], parcel: parcel(2, true) });
      await box.settled();
      const sent = (await box.transfersOf(order)).map(({ state, tracking }) => [state, tracking]);
      assert.deepEqual(sent.sort(), [
        ['done', `T${version}-1`],
        ['done', `T${version}-2`],
      ]);
      const { told, handed } = await box.state(order);
      assert.deepEqual(
        [told, handed],
        [
          0,
          [
            [2, `T${version}-1`],
            [1, `T${version}-2`],
          ],
        ],
      );
      assert.equal(box.store.counter.changes.get(number), 1);
    });

    test('the last parcel is told of first, or booked first, and drops nothing of the other', async () => {
      const order = box.buy({ MUG: { quantity: 3, locationId: box.counter } });
      const number = await box.asked(order);
      const { lines } = box.store.counter.jobs.get(number)!;
      const parcel = (n: number, quantity: string) => ({
        lines: [{ id: lines[0]!.id, quantity }],
        parcel: { number: `P${number}-${n}`, carrier: 'brown', tracking: [`O${version}-${n}`], last: n === 2 },
      });
      box.lines.odoo.weather = away;
      await box.store.report(number, 'shipped', parcel(1, '2'));
      await box.says(number, 'shipped', parcel(2, '1'));
      await until('the shop has both', () => order.fulfillments.length === 2);
      await endure(['odoo'], away, 4);
      const sent = (await box.transfersOf(order)).map(({ state, tracking }) => [state, tracking]);
      assert.deepEqual(sent.sort(), [
        ['done', `O${version}-1`],
        ['done', `O${version}-2`],
      ]);
      const asked = (await box.open()).filter(({ words }) => words.includes(number) || words.includes(order.name));
      assert.deepEqual(asked, []);
    });
  });
}
