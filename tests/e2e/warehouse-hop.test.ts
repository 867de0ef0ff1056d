import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import type { Format } from '../support/clerk.ts';
import { FIRST, GOODS, type Hop, openHop } from '../support/hop.ts';
import { testLedger } from '../support/hub.ts';
import { until } from '../support/target.ts';

const away = { kind: 'cut before', bytes: 0 } as const;
const clear = { kind: 'clear' } as const;

const matrix = [
  [19, 'x12'],
  [18, 'csv'],
  [19, 'xml'],
] as const;

/** The same file is read by two flows, for two systems. What they hold is asked of them, by books that no hub has written. */
describe('one file of the warehouse updates Odoo and the shop, once', { concurrency: 2 }, () => {
  for (const [version, format] of matrix) hop(version, format);
});

function hop(version: 18 | 19, format: Format): void {
  describe(`Odoo ${version}, ${format}`, { concurrency: false }, () => {
    let box: Hop;
    let close: () => Promise<void>;

    before(async () => {
      const ledger = await testLedger();
      box = await openHop(ledger, { version, format });
      close = async () => {
        await box.close();
        await ledger.db.close();
      };
    });
    after(() => close());
    afterEach(() => {
      for (const side of ['odoo', 'shop'] as const) box.lines[side].weather = clear;
    });

    /** Every parcel that left is in Odoo and in the shop, once, with its goods and its number; nothing else is, and people were asked only this. */
    const agree = async (asked: readonly string[] = []): Promise<void> => {
      await box.settled();
      const open = await box.open();
      assert.deepEqual(
        open.map(({ cause }) => cause),
        asked,
        open.map(({ words }) => words).join('\n'),
      );
      assert.deepEqual(await box.judged(), []);
      const gone = (sku: string): number =>
        [...box.clerk.left.values()].reduce((sum, { units }) => sum + (units[sku] ?? 0), 0);
      const left = Object.fromEntries(GOODS.map((sku) => [sku, FIRST - gone(sku)]));
      assert.deepEqual(await box.onHand(), left, 'what left is off the shelf in Odoo, once');
      await until('the shop sells what is left', () => GOODS.every((sku) => box.levelOf(sku) === left[sku]));
    };
    /** Parcels that are in Odoo and in the shop, by their tracking numbers. */
    const known = async (tracking: string): Promise<{ odoo: number; shop: number }> => ({
      odoo: (await box.books()).pickings.filter((one) => one.state === 'done' && one.tracking === tracking).length,
      shop: [...box.shop.orders.values()].filter(({ fulfillments }) =>
        fulfillments.some((one) => one.tracking.some(({ number }) => number === tracking)),
      ).length,
    });
    const trackingOf = (): string => [...box.clerk.left.values()].at(-1)!.tracking;

    test('once: an order in one parcel, and one in two', async () => {
      const whole = await box.order({ MUG: 2, TEE: 1 });
      const { name, text } = box.clerk.ship(whole.number, { MUG: 2, TEE: 1 });
      box.clerk.put(name, text);
      await agree();
      assert.deepEqual(await known(trackingOf()), { odoo: 1, shop: 1 });
      const parts = await box.order({ MUG: 3, HAT: 1 });
      const first = box.clerk.ship(parts.number, { MUG: 2 }, false);
      box.clerk.put(first.name, first.text);
      await box.settled();
      assert.deepEqual(await known(trackingOf()), { odoo: 1, shop: 1 });
      const rest = box.clerk.ship(parts.number, { MUG: 1, HAT: 1 });
      box.clerk.put(rest.name, rest.text);
      await agree();
    });

    test('two parcels of one pick-up, of which the file of the last is read first: nothing of the other is dropped', async () => {
      const { number } = await box.order({ MUG: 3 });
      const first = box.clerk.ship(number, { MUG: 2 }, false);
      const last = box.clerk.ship(number, { MUG: 1 });
      box.clerk.put(last.name.replace('SH', '0-SH'), last.text);
      box.clerk.put(first.name, first.text);
      await agree();
    });

    test('sent twice: under its name, under another, and written anew with the same number', async () => {
      const { number } = await box.order({ TEE: 2 });
      const { name, text, again } = box.clerk.ship(number, { TEE: 2 });
      box.clerk.put(name, text);
      await agree();
      const anew = again(new Date(Date.now() + 120_000));
      assert.notEqual(anew, text);
      box.clerk.put(name, text);
      box.clerk.put(name.replace(/(\.\w+)$/, '-copy$1'), text);
      box.clerk.put(name.replace(/(\.\w+)$/, '-anew$1'), anew);
      await agree();
      // And two of them at once.
      const next = await box.order({ TEE: 1 });
      const file = box.clerk.ship(next.number, { TEE: 1 });
      box.clerk.put(file.name, file.text);
      box.clerk.put(file.name.replace(/(\.\w+)$/, '-copy$1'), file.again(new Date(Date.now() + 60_000)));
      await agree();
    });

    for (const [who, sides] of [
      ['Odoo', ['odoo']],
      ['the shop', ['shop']],
      ['both', ['odoo', 'shop']],
    ] as const)
      test(`${who} away for an hour: the other side hears at once, the one that was away when it is back, and nobody is asked`, async () => {
        const { number } = await box.order({ MUG: 1, HAT: 1 });
        const { name, text } = box.clerk.ship(number, { MUG: 1, HAT: 1 });
        for (const side of sides) box.lines[side].weather = away;
        box.clerk.put(name, text);
        const there = { odoo: sides.includes('odoo' as never) ? 0 : 1, shop: sides.includes('shop' as never) ? 0 : 1 };
        await until('the file is read', () => box.files('out').length === 0);
        const same = async (): Promise<boolean> => {
          const now = await known(trackingOf());
          return now.odoo === there.odoo && now.shop === there.shop;
        };
        await until('the other side has it', same);
        for (let minute = 0; minute < 60; minute += 10) {
          const before = sides.map((side) => box.lines[side].connections);
          await box.pass(10);
          // The same file comes again meanwhile.
          if (minute === 30) box.clerk.put(name, text);
          await until(
            'it is tried again',
            () => sides.every((side, n) => box.lines[side].connections > before[n]!),
            10,
          );
        }
        assert.ok(await same(), 'an hour later too');
        assert.deepEqual(await box.open(), []);
        for (const side of sides) box.lines[side].weather = clear;
        await box.pass(5);
        await agree();
        assert.deepEqual(await known(trackingOf()), { odoo: 1, shop: 1 });
      });

    test('both do what they are told and their answers are lost', async () => {
      const { number } = await box.order({ MUG: 2 });
      const { name, text } = box.clerk.ship(number, { MUG: 2 });
      for (const side of ['odoo', 'shop'] as const) box.lines[side].weather = { kind: 'cut after' };
      box.clerk.put(name, text);
      await until('the file is read', () => box.files('out').length === 0);
      for (let n = 0; n < 6; n++) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        await box.pass(1);
      }
      for (const side of ['odoo', 'shop'] as const) box.lines[side].weather = clear;
      await box.pass(5);
      await agree();
    });

    test('the hub ends in the middle: both were told, it never heard that they did it, and the next one does not tell them again', async () => {
      const { number } = await box.order({ TEE: 1, HAT: 1 });
      const { name, text } = box.clerk.ship(number, { TEE: 1, HAT: 1 });
      const held: string[] = [];
      for (const side of ['odoo', 'shop'] as const)
        box.lines[side].heard = (data) => {
          if (!/button_validate|fulfillmentCreate/.test(data) || held.includes(side)) return;
          held.push(side);
          box.lines[side].weather = { kind: 'half-open' };
        };
      box.clerk.put(name, text);
      await until('both have done it', async () => {
        const now = await known(trackingOf());
        return now.odoo === 1 && now.shop === 1;
      });
      await box.abandon();
      assert.deepEqual(held.sort(), ['odoo', 'shop']);
      for (const side of ['odoo', 'shop'] as const) box.lines[side].weather = clear;
      await agree();
    });

    test('cut: half a file is not read before its rest has come, or is refused until it comes whole', async () => {
      const { number } = await box.order({ HAT: 2 });
      const slow = box.clerk.ship(number, { HAT: 2 });
      for (let length = 0; length < slow.text.length; length += slow.text.length / 8)
        await new Promise((resolve) => {
          box.clerk.put(slow.name, slow.text.slice(0, length));
          setTimeout(resolve, 60);
        });
      box.clerk.put(slow.name, slow.text);
      await agree();
      const next = await box.order({ HAT: 1 });
      const file = box.clerk.ship(next.number, { HAT: 1 });
      box.clerk.put(file.name, file.text.slice(0, file.text.length / 2));
      await box.settled();
      assert.deepEqual(await known(trackingOf()), { odoo: 0, shop: 0 });
      box.clerk.put(file.name, file.text);
      await agree(['file-refused']);
    });
  });
}
