import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Format } from '../support/clerk.ts';
import { FIRST, GOODS, type Hop, openHop } from '../support/hop.ts';
import { testLedger } from '../support/hub.ts';
import { until } from '../support/target.ts';

/** Pieces that the shop never sells: what it is told is less than what is there. */
const SAFETY = 5;

for (const [version, format] of [
  [19, 'x12'],
  [18, 'csv'],
] as const)
  stock(version, format);

function stock(version: 18 | 19, format: Format): void {
  describe(`what the warehouse receives and counts (${format}), in Odoo ${version} and in the shop`, () => {
    let box: Hop;
    let close: () => Promise<void>;

    before(async () => {
      const ledger = await testLedger();
      box = await openHop(ledger, { version, format, safety: String(SAFETY) });
      close = async () => {
        await box.close();
        await ledger.db.close();
      };
    });
    after(() => close());

    const shopSells = (units: Readonly<Record<string, number>>) =>
      until('the shop sells what is there', () => GOODS.every((sku) => box.levelOf(sku) === units[sku]! - SAFETY));
    const put = async ({ name, text }: { name: string; text: string }): Promise<void> => {
      box.clerk.put(name, text);
      await box.settled();
    };

    test('goods received are on the shelf in Odoo once, however often the file comes, and for sale in the shop', async () => {
      const file = box.clerk.received('RC1', 'PO4711', { MUG: 12, TEE: 4 });
      await put(file);
      const shelf = { MUG: FIRST + 12, TEE: FIRST + 4, HAT: FIRST };
      assert.deepEqual(await box.onHand(), shelf);
      await shopSells(shelf);
      box.clerk.put(file.name, file.text);
      box.clerk.put(file.name.replace(/(\.\w+)$/, '-copy$1'), file.text);
      box.clerk.put(file.name.replace(/(\.\w+)$/, '-anew$1'), file.again(new Date(Date.now() + 60_000)));
      await box.settled();
      assert.deepEqual(await box.onHand(), shelf);
      const receipts = (await box.books()).pickings.filter(({ origin }) => origin?.startsWith('PO4711'));
      assert.deepEqual(
        receipts.map(({ state, moves }) => [state, moves.map((move) => [move.default_code, move.quantity])]),
        [
          [
            'done',
            [
              ['MUG', 12],
              ['TEE', 4],
            ],
          ],
        ],
      );
      assert.deepEqual(await box.open(), []);
      const answer = await box.clerk.received('RC2', 'PO4712', { HAT: 1 });
      box.lines.odoo.weather = { kind: 'cut after' };
      box.clerk.put(answer.name, answer.text);
      await until('the file is read', () => box.files('out').length === 0);
      for (let n = 0; n < 4; n++) {
        await new Promise((resolve) => setTimeout(resolve, 150));
        await box.pass(1);
      }
      box.lines.odoo.weather = { kind: 'clear' };
      await box.pass(5);
      await box.settled();
      assert.deepEqual(await box.onHand(), { ...shelf, HAT: FIRST + 1 }, 'nor when the answer was lost');
      await shopSells({ ...shelf, HAT: FIRST + 1 });
    });

    test('a count that agrees with Odoo asks nobody, whatever the shop is told; one that differs asks once, and moves no stock', async () => {
      const shelf = { MUG: FIRST + 12, TEE: FIRST + 4, HAT: FIRST + 1 };
      const counts = (claimed: number) => ({
        MUG: { onHand: shelf.MUG, available: shelf.MUG - claimed },
        TEE: { onHand: shelf.TEE },
        HAT: { available: shelf.HAT },
      });
      await put(box.clerk.counted('C1', counts(0)));
      assert.deepEqual(await box.open(), []);
      await box.order({ MUG: 3 });
      await until('the order is reserved', () => box.levelOf('MUG') === shelf.MUG - 3 - SAFETY);
      await box.settled();
      await put(box.clerk.counted('C2', counts(3)));
      assert.deepEqual(await box.open(), [], 'an order claims goods, which are on the shelf until they leave');
      const wrong = { ...counts(3), TEE: { onHand: shelf.TEE - 2 } };
      await put(box.clerk.counted('C3', wrong));
      const [asked, ...others] = await box.open();
      assert.deepEqual([asked?.cause, others.length], ['stock-differs', 0]);
      assert.match(
        asked!.words,
        /^Count C3 of the warehouse differs from the books in central: TEE 102 on the shelf \(books: 104\)\. Find out/,
      );
      assert.deepEqual(await box.onHand(), shelf, 'a count moves nothing');
      // Somebody counts again, and the warehouse was right.
      await box.at.count(box.products.get('TEE')!, shelf.TEE - 2);
      await until('the shop hears of it', () => box.levelOf('TEE') === shelf.TEE - 2 - SAFETY);
      await put(box.clerk.counted('C4', wrong));
      assert.deepEqual(await box.open(), [], 'the next equal count closes it');
    });
  });
}
