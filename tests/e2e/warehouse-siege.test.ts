import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { raiseOverdue } from '../../src/engine/expectations.ts';
import { testLedger } from '../support/hub.ts';
import { openSftpServer } from '../support/sftp-server.ts';
import { scale } from '../support/target.ts';
import { type ExchangeOptions, openExchange } from '../support/warehouse.ts';

const clean: (() => unknown)[] = [];
after(async () => {
  for (const end of clean) await end();
});

async function exchange(options: ExchangeOptions = {}) {
  const ledger = await testLedger();
  const box = await openExchange(ledger, options);
  clean.push(async () => {
    await box.close();
    await ledger.db.close();
  });
  /** What left by the warehouse's books, shipment by shipment; shipments of nothing left out. */
  const left = () =>
    Object.fromEntries(
      [...box.warehouse.left]
        .filter(([, { units }]) => Object.keys(units).length > 0)
        .map(([number, { units }]) => [number, units] as const)
        .sort(([a], [b]) => a.localeCompare(b)),
    );
  return { ...box, ledger, left };
}

describe('a warehouse under siege', { concurrency: 2 }, () => {
  for (const seed of Array.from({ length: scale }, (_, n) => n + 1))
    test(`whatever goes wrong at the warehouse, on the line and here, each shipment is told once (seed ${seed})`, async () => {
      let acts = 0;
      const sftp = await openSftpServer({
        root: '/',
        user: 'crossdock',
        password: 'open sesame',
        breaks: () => {
          acts += 1;
          return acts % 199 === 0 ? 'before' : acts % 307 === 0 ? 'after' : undefined;
        },
      });
      const box = await exchange({
        seed,
        faults: {
          silence: 0.1,
          rejection: 0.1,
          shortage: 0.2,
          partial: 0.3,
          twice: 0.2,
          cut: 0.1,
          slow: 0.2,
          miscount: 0.1,
          disorder: 0.2,
        },
        at: (folder) => ({ ...sftp.config('WMS'), path: folder }),
      });
      clean.push(() => sftp.close());
      for (let n = 1; n <= 6; n++) {
        await box.order(n);
        if (n % 2 === 0) await box.rounds(1);
        if (n === 4) await box.restart();
      }
      await box.rounds(3);
      assert.equal(box.warehouse.heard.size, 6, 'every order was heard');
      assert.deepEqual(box.warehouse.unreadable, []);
      assert.deepEqual([box.books.units(), box.shop.units()], [box.left(), box.left()]);
      for (const { number, tracking } of box.books.held.values())
        assert.equal(
          tracking[0]!.number,
          box.warehouse.left.get(number)!.tracking,
          `${number} was undone by an older file`,
        );
      const most = Math.max(
        0,
        ...[...box.books.held.keys()].map((key) => box.books.effects.filter((one) => one === key).length),
      );
      assert.ok(most <= 2, 'only a correction is told a second time');
      await box.ledger.db.query('pass', "update expectation set due_at = now() - interval '1 second'");
      await raiseOverdue(box.hub().parts);
      const about = async (cause: string) => (await box.open()).filter((one) => one.cause === cause).length;
      assert.equal(await about('not-acknowledged'), box.warehouse.silent.length);
      assert.equal(await about('rejected-by-warehouse'), box.warehouse.rejected.length);
      assert.equal(await about('answer-to-nothing'), 0);
    });
});
