import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Hop, openHop } from '../support/hop.ts';
import { testLedger } from '../support/hub.ts';
import { until } from '../support/target.ts';

for (const version of [19, 18] as const) milestones(version);

function milestones(version: 18 | 19): void {
  describe(`how far goods have come, in Odoo ${version} and in the shop`, () => {
    let box: Hop;
    let close: () => Promise<void>;

    before(async () => {
      const ledger = await testLedger();
      box = await openHop(ledger, { version, format: 'csv' });
      close = async () => {
        await box.close();
        await ledger.db.close();
      };
    });
    after(() => close());

    /** The notes of a transfer without the times, what the shop was told of work on an order, and what its only fulfilment says. */
    const state = async (number: string) => {
      const [row] = await box.at.direct.read('stock.picking', [['name', '=', number]], ['note', 'state'], box.at.cx);
      const notes = [...String(row!.note || '').matchAll(/<p[^>]*>wms:(\S+ \w+) [^<]*<\/p>/g)].map(([, text]) => text);
      const order = [...box.shop.orders.values()].at(-1)!;
      const events = order.fulfillments.map((one) => one.events.map(({ status }) => status));
      const work = order.fulfillmentOrders.map(({ status, reports = [] }) => [
        status,
        ...reports.map((one) => one.notes!.replace(/ \d{4}-\d\d-\d\d \d\d:\d\d UTC/, '')),
      ]);
      return { state: row!.state, notes, work, events };
    };

    test('picked, packed, shipped, delivered: each is told once, and none goes back', async () => {
      const { number } = await box.order({ MUG: 2 });
      const parcel = { shipment: 'SH1', order: number, tracking: '', units: { MUG: 2 }, closes: true };
      const tell = async (milestone: string, tracking = ''): Promise<void> => {
        const { name, text } = box.clerk.told({ ...parcel, tracking, milestone });
        box.clerk.put(name.replace('SH1', `SH1-${milestone}`), text);
        await box.settled();
      };
      await tell('picked');
      const picked = ['IN_PROGRESS', 'picked, shipment SH1'];
      assert.deepEqual(await state(number), { state: 'assigned', notes: ['SH1 picked'], work: [picked], events: [] });
      await tell('packed');
      await tell('picked');
      const told = ['picked, shipment SH1', 'packed, shipment SH1'];
      const packed = { notes: ['SH1 picked', 'SH1 packed'], work: [['IN_PROGRESS', ...told]] };
      assert.deepEqual(await state(number), { ...packed, state: 'assigned', events: [] });
      const { name, text } = box.clerk.ship(number, { MUG: 2 });
      box.clerk.put(name, text);
      await box.settled();
      const left = { ...packed, work: [['CLOSED', ...told]], state: 'done' };
      assert.deepEqual(await state(number), { ...left, events: [[]] });
      await tell('delivered');
      await tell('packed');
      await tell('delivered');
      const arrived = { ...left, notes: [...packed.notes, 'SH1 delivered'], events: [['DELIVERED']] };
      assert.deepEqual(await state(number), arrived);
      assert.deepEqual([await box.judged(), await box.open()], [[], []]);
    });

    test('who hears of the delivery first is told of everything that came before it, and answers may be lost', async () => {
      const { number } = await box.order({ TEE: 1 });
      box.clerk.ship(number, { TEE: 1 });
      const [shipment, { tracking }] = [...box.clerk.left].at(-1)!;
      const parcel = { shipment, order: number, tracking, units: { TEE: 1 }, closes: true };
      for (const side of ['odoo', 'shop'] as const) box.lines[side].weather = { kind: 'cut after' };
      const last = box.clerk.told({ ...parcel, milestone: 'delivered' });
      box.clerk.put(last.name, last.text);
      await until('the file is read', () => box.files('out').length === 0);
      for (let n = 0; n < 4; n++) {
        await new Promise((resolve) => setTimeout(resolve, 150));
        await box.pass(1);
      }
      for (const side of ['odoo', 'shop'] as const) box.lines[side].weather = { kind: 'clear' };
      await box.pass(5);
      await box.settled();
      const late = box.clerk.told({ ...parcel, milestone: 'shipped' });
      box.clerk.put(late.name, late.text);
      await box.settled();
      const arrived = { state: 'done', notes: [`${shipment} delivered`], work: [['CLOSED']], events: [['DELIVERED']] };
      assert.deepEqual(await state(number), arrived);
      assert.deepEqual([await box.judged(), await box.open()], [[], []]);
    });

    test('a promise of the shop is the Delivery Date in Odoo and goes to the warehouse; one that people change there goes on, and stays', async () => {
      const in3 = new Date(Math.floor(Date.now() / 1000) * 1000 + 3 * 86_400_000);
      const { number, promisedAt } = await box.order({ HAT: 3 }, in3);
      const at = (date: Date): string => date.toISOString().replace('.000Z', 'Z');
      assert.equal(promisedAt, at(in3));
      const dateOf = async (): Promise<unknown> => {
        const [row] = await box.at.direct.read(
          'sale.order',
          [['client_order_ref', '=', order.name]],
          ['commitment_date'],
          box.at.cx,
        );
        return row!.commitment_date;
      };
      const order = [...box.shop.orders.values()].at(-1)!;
      const naive = (date: Date): string => date.toISOString().slice(0, 19).replace('T', ' ');
      assert.equal(await dateOf(), naive(in3));
      // Two of three leave; the third is not there in time, and somebody agrees a later day with the customer.
      const { name, text } = box.clerk.ship(number, { HAT: 2 }, false);
      box.clerk.put(name, text);
      await box.settled();
      const in9 = new Date(in3.getTime() + 6 * 86_400_000);
      const [sale] = await box.at.direct.read(
        'sale.order',
        [['client_order_ref', '=', order.name]],
        ['name'],
        box.at.cx,
      );
      await box.at.write('sale.order', sale!.id as number, { commitment_date: naive(in9) });
      await until('the warehouse hears of it', async () => {
        await box.settled();
        return box.jobs.get(number)?.promisedAt === at(in9);
      });
      assert.equal(box.jobs.get(number)!.action, 'change');
      box.shop.touchOrder(order);
      await box.settled();
      assert.equal(await dateOf(), naive(in9), 'what people agreed is not undone by the shop');
      const rest = box.clerk.ship(number, { HAT: 1 });
      box.clerk.put(rest.name, rest.text);
      await box.settled();
      assert.deepEqual([await box.judged(), await box.open()], [[], []]);
    });
  });
}
