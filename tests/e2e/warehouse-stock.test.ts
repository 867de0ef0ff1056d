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
  [19, 'xml'],
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

    test('goods received are received of their purchase order once, however often the file comes, and are for sale in the shop', async () => {
      const order = await box.purchase({ MUG: 12, TEE: 6 });
      const file = box.clerk.received('RC1', order, { MUG: 12, TEE: 4 });
      await put(file);
      const shelf = { MUG: FIRST + 12, TEE: FIRST + 4, HAT: FIRST };
      assert.deepEqual(await box.onHand(), shelf);
      await shopSells(shelf);
      const half = [
        ['done', { MUG: 12, TEE: 4 }],
        ['assigned', { TEE: 2 }],
      ];
      assert.deepEqual(await box.receivedOf(order), half);
      box.clerk.put(file.name, file.text);
      box.clerk.put(file.name.replace(/(\.\w+)$/, '-copy$1'), file.text);
      box.clerk.put(file.name.replace(/(\.\w+)$/, '-anew$1'), file.again(new Date(Date.now() + 60_000)));
      await box.settled();
      assert.deepEqual([await box.onHand(), await box.receivedOf(order), await box.open()], [shelf, half, []]);
      // Three come where two were awaited, and the answer is lost.
      const rest = box.clerk.received('RC2', order, { TEE: 3 });
      box.lines.odoo.weather = { kind: 'cut after' };
      box.clerk.put(rest.name, rest.text);
      await until('the file is read', () => box.files('out').length === 0);
      for (let n = 0; n < 4; n++) {
        await new Promise((resolve) => setTimeout(resolve, 150));
        await box.pass(1);
      }
      box.lines.odoo.weather = { kind: 'clear' };
      await box.pass(5);
      await box.settled();
      const all = { ...shelf, TEE: FIRST + 7 };
      assert.deepEqual([await box.onHand(), await box.open()], [all, []], 'nor when the answer was lost');
      assert.deepEqual(await box.receivedOf(order), [half[0], ['done', { TEE: 3 }]]);
      await shopSells(all);
    });

    test('a number that nobody knows goes to a person, and moves nothing until it is put right', async () => {
      const before = await box.onHand();
      await put(box.clerk.received('RC3', 'PO-UNKNOWN', { HAT: 1 }));
      const [asked, ...others] = await box.open();
      assert.deepEqual([asked?.cause, others.length, await box.onHand()], ['unknown-reference', 0, before]);
      assert.match(asked!.words, /receipt RC3 is of PO-UNKNOWN, and Odoo knows no purchase order/);
      // The warehouse says it again, with the right number.
      const order = await box.purchase({ HAT: 1 });
      await put(box.clerk.received('RC3', order, { HAT: 1 }));
      assert.deepEqual(await box.onHand(), before, 'it waits until a person is done with what was wrong');
      await box.dismiss('unknown-reference');
      await box.settled();
      assert.deepEqual(await box.receivedOf(order), [['done', { HAT: 1 }]]);
      assert.deepEqual([await box.onHand(), await box.open()], [{ ...before, HAT: FIRST + 1 }, []]);
    });

    test('what nothing announced is found', async () => {
      const before = await box.onHand();
      await put(box.clerk.received('RC4', '', { HAT: 2 }));
      assert.deepEqual([await box.onHand(), await box.open()], [{ ...before, HAT: FIRST + 3 }, []]);
    });

    test('a count that agrees with Odoo asks nobody, whatever the shop is told; one that differs asks once, and moves no stock', async () => {
      const shelf = { MUG: FIRST + 12, TEE: FIRST + 7, HAT: FIRST + 3 };
      const counts = (claimed: number) => ({
        MUG: { onHand: shelf.MUG, available: shelf.MUG - claimed },
        TEE: { onHand: shelf.TEE },
        HAT: { available: shelf.HAT },
      });
      // Each some minutes after all that moved before it.
      let minutes = 0;
      const count = (report: string, shelves: Parameters<typeof box.clerk.counted>[1]): Promise<void> => {
        const { name, again } = box.clerk.counted(report, shelves);
        minutes += 2;
        return put({ name, text: again(new Date(Date.now() + minutes * 60_000)) });
      };
      await count('C1', counts(0));
      assert.deepEqual(await box.open(), []);
      await box.order({ MUG: 3 });
      await until('the order is reserved', () => box.levelOf('MUG') === shelf.MUG - 3 - SAFETY);
      await box.settled();
      await count('C2', counts(3));
      assert.deepEqual(await box.open(), [], 'an order claims goods, which are on the shelf until they leave');
      const wrong = { ...counts(3), TEE: { onHand: shelf.TEE - 2 } };
      await count('C3', wrong);
      const [asked, ...others] = await box.open();
      assert.deepEqual([asked?.cause, others.length], ['stock-differs', 0]);
      assert.match(
        asked!.words,
        /^Count C3 of the warehouse differs from the books in central: TEE 105 on the shelf \(books: 107\)\. Find out/,
      );
      assert.deepEqual(await box.onHand(), shelf, 'a count moves nothing');
      // Somebody counts again, and the warehouse was right.
      await box.at.count(box.products.get('TEE')!, shelf.TEE - 2);
      await until('the shop hears of it', () => box.levelOf('TEE') === shelf.TEE - 2 - SAFETY);
      await count('C4', wrong);
      assert.deepEqual(await box.open(), [], 'the next equal count closes it');
    });
  });
}
