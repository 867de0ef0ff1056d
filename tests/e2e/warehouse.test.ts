import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { systemClock } from '../../src/core/clock.ts';
import { raiseOverdue } from '../../src/engine/expectations.ts';
import { traceSteps, wordsOf } from '../../src/ledger/trace.ts';
import { interchange } from '../../src/simulators/warehouse/x12.ts';
import { testLedger } from '../support/hub.ts';
import { openSftpServer } from '../support/sftp-server.ts';
import { until } from '../support/target.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
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

describe('a warehouse by files', { concurrency: 2 }, () => {
  test('one file tells the books and the shop of a shipment, once: sent again, renamed, cut, or while either side is away for an hour', async () => {
    let passed = 0;
    const clock = {
      ...systemClock,
      now: () => new Date(Date.now() + passed),
      monotonic: () => performance.now() + passed,
    };
    const box = await exchange({ clock });
    const read = async (name: string, text: string) => {
      writeFileSync(join(box.folder, 'out', name), text);
      await box.settled();
    };
    for (const n of [1, 2, 3]) await box.order(n);
    await box.rounds(1);
    assert.equal(box.warehouse.heard.size, 3);
    const once = ['wms:SH1', 'wms:SH2', 'wms:SH3'];
    assert.deepEqual([[...box.books.effects].sort(), [...box.shop.effects].sort()], [once, once]);
    const done = (name: string) => readFileSync(join(box.folder, 'out/done', name), 'utf8');
    const [first] = box.files('out/done').filter((name) => /^945_.*edi$/.test(name));
    const text = done(first!);
    copyFileSync(join(box.folder, 'out/done', first!), join(box.folder, 'out', first!));
    await box.settled();
    await read('945_other_name.edi', text);
    await read('945_cut.edi', text.slice(0, 200));
    await read('945_cut.edi', text);
    assert.deepEqual([box.books.effects.length, box.shop.effects.length], [3, 3]);
    assert.deepEqual(
      (await box.open()).map(({ cause }) => cause),
      ['file-refused'],
    );
    for (const [side, other] of [
      [box.books, box.shop],
      [box.shop, box.books],
    ] as const) {
      const n = 10 + box.warehouse.left.size;
      side.away = true;
      await box.order(n);
      await until('the warehouse has it', () => {
        box.warehouse.work(new Date());
        return box.warehouse.orders.has(`WH/OUT/${String(n).padStart(5, '0')}`);
      });
      const key = `wms:SH${box.warehouse.left.size}`;
      await until('the other side has it', () => other.held.has(key));
      passed += 3_600_000;
      await box.ledger.db.query('hour', "update delivery set not_before = not_before - interval '1 hour'");
      assert.equal(side.held.has(key), false);
      side.away = false;
      await box.settled();
      assert.equal(side.effects.filter((effect) => effect === key).length, 1);
    }
    assert.deepEqual([box.books.units(), box.shop.units()], [box.left(), box.left()]);
    box.warehouse.work(new Date());
    assert.ok(box.warehouse.answers.size >= 5, 'the warehouse hears that its messages were taken');
    assert.deepEqual(new Set(box.warehouse.answers.values()), new Set(['A']));
    assert.equal((await box.open()).length, 1, 'and nobody was asked anything else');
  });

  test('two channels on one warehouse: each hears of what it sold, once, and of nothing else', async () => {
    const box = await exchange();
    await box.order(1);
    await box.order(2, { order: 'market:1' });
    await box.rounds(2);
    const keysOf = (order: string) =>
      [...box.books.held].filter(([, shipment]) => shipment.order === order).map(([key]) => key);
    const [ofShop, ofMarket] = [keysOf('shop:1001'), keysOf('market:1')];
    assert.ok(ofShop.length > 0 && ofMarket.length > 0);
    assert.deepEqual([box.shop.effects.sort(), box.market.effects.sort()], [ofShop.sort(), ofMarket.sort()]);
    assert.deepEqual(await box.open(), []);
  });

  test('an order that is not acknowledged is an Exception before the promise breaks, and closes when it is', async () => {
    const box = await exchange({ faults: { silence: 1 } });
    const promisedAt = new Date(Date.now() + 600_000).toISOString();
    await box.order(1, { promisedAt });
    await box.rounds(1);
    const [due] = await box.ledger.db.query<{ seconds: number }>(
      'due',
      "select extract(epoch from due_at - now())::float8 as seconds from expectation where key like 'ack%'",
    );
    assert.ok(due!.seconds > 200 && due!.seconds < 300, `half the time to the promise: ${due!.seconds}`);
    await box.ledger.db.query('pass', "update expectation set due_at = due_at - interval '5 minutes'");
    await raiseOverdue(box.hub().parts);
    const [told, ...others] = await box.open();
    assert.deepEqual([told!.cause, told!.owner, others.length], ['not-acknowledged', 'logistics', 0]);
    assert.match(
      told!.words,
      /^wms has not acknowledged fulfilment order WH\/OUT\/00001 of order S1001, sent as 940-000000001-WH-OUT-00001-1\.x12, within 5 minutes\. The customer was promised it for 20/,
    );
    box.warehouse.acknowledge('1', new Date());
    await box.settled();
    assert.deepEqual(await box.open(), []);
  });

  test('an order that cannot be sent is an Exception before the promise breaks, once, and is sent and closed when the warehouse is back', async () => {
    const sftp = await openSftpServer({ root: '/', user: 'crossdock', password: 'open sesame' });
    const line = await TcpProxy.open(sftp.port);
    clean.push(
      () => line.close(),
      () => sftp.close(),
    );
    const time = new VirtualClock();
    const at = (folder: string) => ({ ...sftp.config('WMS'), port: line.port, path: folder });
    const box = await exchange({ at, clock: time.clock, acknowledgeWithin: '3h' });
    const pass = async (minutes: number) => {
      await time.pass(box.ledger, minutes);
      await raiseOverdue(box.hub().parts);
    };
    line.weather = { kind: 'cut before', bytes: 0 };
    await box.order(1, { promisedAt: new Date(Date.now() + 4 * 3_600_000).toISOString() });
    await until('the order is owed', async () => {
      const rows = await box.ledger.db.query('tried', 'select 1 from attempt');
      return rows.length > 0;
    });
    await pass(110);
    assert.deepEqual(await box.open(), [], 'there is still time');
    await pass(20);
    await box.restart();
    await pass(300);
    await until('it is told', async () => (await box.open()).length > 0);
    const [told, ...others] = await box.open();
    assert.deepEqual([told!.cause, told!.owner, others.length], ['not-sent', 'logistics', 0]);
    assert.match(
      told!.words,
      /^Fulfilment order WH\/OUT\/00001 of order S1001 is not sent to wms, and owed since 20\S+: wms takes nothing since 20\S+; its last answer was: .+\. It goes by itself .*The customer was promised it for 20\S+ If it cannot wait, tell the warehouse another way/,
    );
    line.weather = { kind: 'clear' };
    await pass(5);
    await until('the warehouse has it', () => {
      box.warehouse.work(new Date());
      return box.warehouse.orders.has('WH/OUT/00001');
    });
    await box.settled();
    assert.deepEqual(await box.open(), []);
    assert.equal(box.warehouse.heard.size, 1);
    const closed = await box.ledger.db.query('closed', 'select cause, state, closed_by, reason from exception');
    assert.deepEqual(closed, [{ cause: 'not-sent', state: 'retried', closed_by: 'hub', reason: 'it was sent' }]);
  });

  test('an order that is acknowledged and does not leave is an Exception while its promise can still be kept', async () => {
    const box = await exchange({ faults: { idle: 1 } });
    const { db, vault } = box.ledger;
    const promised = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();
    const due = async (): Promise<number | null> => {
      const [row] = await db.query<{ hours: number; answered: boolean }>(
        'due',
        "select extract(epoch from due_at - now())::float8 / 3600 as hours, answered_at is not null as answered from expectation where key like 'shipped%'",
      );
      return row!.answered ? null : Math.round(row!.hours);
    };
    await box.order(1, { promisedAt: promised(100) });
    await box.rounds(1);
    assert.equal(await due(), 76, 'a day before the promise');
    await db.query('pass', "update expectation set due_at = now() where key like 'shipped%'");
    await raiseOverdue(box.hub().parts);
    const [told, ...others] = await box.open();
    assert.deepEqual([told!.cause, told!.owner, others.length], ['not-shipped', 'logistics', 0]);
    assert.match(
      told!.words,
      /^wms has not told that everything of fulfilment order WH\/OUT\/00001 of order S1001 has left: it is awaited, since 20.*The customer was promised it for 20/,
    );
    const steps = await traceSteps(db, vault, 'WH/OUT/00001');
    const shown = steps.filter(({ what }) => what === 'expectation' || what === 'exception');
    assert.deepEqual(shown.map((step) => [step.what, step.about, step.state]).sort(), [
      ['exception', 'not-shipped', 'open'],
      ['expectation', 'wms acknowledgement:1', 'answered'],
      ['expectation', 'wms shipped:WH/OUT/00001', 'overdue'],
    ]);
    assert.match(
      shown.map((step) => wordsOf(step, vault)).join('\n'),
      /all goods of fulfilment order WH\/OUT\/00001 of order S1001 to leave wms/,
    );
    // The customer agreed to wait.
    await box.order(1, { promisedAt: promised(20) });
    await box.settled();
    assert.deepEqual([await due(), await box.open()], [15, []]);
    await box.order(2, { promisedAt: null });
    await box.order(1, { promisedAt: promised(20), state: 'cancelled' });
    await box.settled();
    const [open] = await db.query<{ keys: string[] }>(
      'awaited',
      "select array_agg(key || ' ' || round(within_seconds)) as keys from expectation where key like 'shipped%' and answered_at is null",
    );
    assert.deepEqual(open!.keys, ['shipped:WH/OUT/00002 259200']);
  });

  test('what left is no longer awaited: at once, in parts, closed short, or before anybody asked', async () => {
    const box = await exchange({ faults: { partial: 0.5, shortage: 0.3 }, seed: 5 });
    for (let n = 1; n <= 8; n++) await box.order(n);
    await box.rounds(4);
    const rows = await box.ledger.db.query<{ key: string }>(
      'open',
      'select key from expectation where answered_at is null or kind is null',
    );
    assert.deepEqual(rows, []);
    assert.ok(box.warehouse.left.size > 8, 'some left in parts');
  });

  test('a rejection names the segment; a change and a cancellation are told; a cancelled order does not leave', async () => {
    const box = await exchange({ faults: { rejection: 1 } });
    await box.order(1);
    await box.rounds(1);
    const [told] = await box.open();
    assert.equal(told!.cause, 'rejected-by-warehouse');
    assert.match(
      told!.words,
      /wms rejected message 1: W05, segment 2: it has elements that are wrong; one or more.*It is about fulfilment order WH\/OUT\/00001 of order S1001/,
    );
    const other = await exchange();
    await other.order(1);
    await other.settled();
    await other.order(1, { state: 'cancelled' });
    await other.rounds(1);
    assert.deepEqual(
      [...other.warehouse.orders.values()].map(({ status, cancelled }) => [status, cancelled]),
      [['F', true]],
    );
    assert.deepEqual([other.left(), await other.open()], [{}, []]);
  });

  test('what the order has not is not told to anybody, but asked; other orders go on', async () => {
    const box = await exchange();
    await box.order(1);
    await box.order(2);
    await box.rounds(1);
    const names = box.files('out/done').filter((name) => /^945_.*edi$/.test(name));
    const [text, other] = names.map((name) =>
      readFileSync(join(box.folder, 'out/done', name), 'utf8').replaceAll(/SH[12]~/g, 'SH91~'),
    ) as [string, string];
    writeFileSync(join(box.folder, 'out/945_stranger.edi'), text.replace('MUG-R', 'MUG-X'));
    writeFileSync(
      join(box.folder, 'out/945_more.edi'),
      other.replaceAll('SH91', 'SH92').replace('*3*3*0*', '*3*4*0*').replace('W03*6', 'W03*7'),
    );
    writeFileSync(
      join(box.folder, 'out/945_nobody.edi'),
      text.replaceAll('SH91', 'SH93').replace('WH/OUT/0000', 'WH/OUT/9000'),
    );
    await box.settled();
    const open = await box.open();
    assert.deepEqual(open.map(({ cause }) => cause).sort(), ['more-than-ordered', 'unknown-order', 'unknown-sku']);
    assert.match(
      open.find(({ cause }) => cause === 'unknown-sku')!.words,
      /SH91: fulfilment order WH\/OUT\/0000\d \(order S100\d\) has no MUG-X in line 1/,
    );
    assert.deepEqual([box.books.units(), box.shop.units()], [box.left(), box.left()]);
  });

  describe('two parcels of one pick-up, the second one the last', () => {
    let control = 500;
    /** A 945 as it stands in a file: what left of both goods, and whether more follows. */
    const advice = (n: number, shipment: string, [mugs, tees]: readonly [number, number], more: boolean): string =>
      interchange('WMS', 'CROSSDOCK', {
        number: ++control,
        at: new Date(),
        functional: 'SW',
        set: '945',
        rows: [
          ['W06', 'F', `WH/OUT/${String(n).padStart(5, '0')}`, '20261126', shipment],
          ['W27', 'M', 'UPSN'],
          ['W12', more ? 'PR' : 'CC', 3, mugs, 0, 'EA', '', 'VN', 'MUG-R'],
          ['W12', more ? 'PR' : 'CC', 3, tees, 0, 'EA', '', 'VN', 'TEE-M'],
          ['W03', mugs + tees],
        ],
      });
    const COUNT = 8;
    const orders = Array.from({ length: COUNT }, (_, index) => index + 1);
    const asked = async () => {
      const box = await exchange({ faults: { idle: 1 } });
      for (const n of orders) await box.order(n);
      await box.rounds(1);
      const put = (name: string, text: string) => writeFileSync(join(box.folder, 'out', name), text);
      return { ...box, put };
    };

    for (const [which, names] of [
      ['in order', ['945_a', '945_b']],
      ['the last one first', ['945_b', '945_a']],
    ] as const)
      test(`read in one go, ${which}: it drops nothing of the other`, async () => {
        const box = await asked();
        for (const n of orders) {
          box.put(`${names[0]}${n}.edi`, advice(n, `X${n}`, [2, 1], true));
          box.put(`${names[1]}${n}.edi`, advice(n, `Y${n}`, [1, 2], false));
        }
        await box.settled();
        for (const side of [box.books, box.shop]) {
          assert.deepEqual([...side.closing], []);
          assert.equal(side.held.size, 2 * COUNT);
        }
        assert.deepEqual(await box.open(), []);
      });

    test('read before the other, while the books are away: they hear of both, and that nothing is dropped', async () => {
      const box = await asked();
      box.books.away = true;
      for (const n of orders) box.put(`945_y${n}.edi`, advice(n, `Y${n}`, [1, 2], false));
      await until('the shop has them', () => box.shop.held.size === COUNT);
      for (const n of orders) box.put(`945_x${n}.edi`, advice(n, `X${n}`, [2, 1], true));
      await until('the shop has the others', () => box.shop.held.size === 2 * COUNT);
      box.books.away = false;
      await box.settled();
      assert.deepEqual([...box.books.closing], []);
      const still = [box.books, box.shop].map(({ held }) => [...held.values()].filter(({ closes }) => closes).length);
      assert.deepEqual(still, [0, 0]);
    });

    test('what does not come is asked about, in all that has left, until it has left after all', async () => {
      const box = await asked();
      const open = async () => (await box.open()).map(({ cause, words }) => [cause, words] as const);
      const read = async (name: string, text: string) => {
        box.put(name, text);
        await box.settled();
      };
      await read('945_1.edi', advice(1, 'SHORT1', [2, 3], false));
      const [[cause, words] = [], ...others] = await open();
      assert.deepEqual([cause, others], ['shipped-short', []]);
      assert.match(
        words!,
        /^The warehouse ships fulfilment order WH\/OUT\/00001 \(order S1001\) short: 1 × MUG-R will not come\. Ship that/,
      );
      await read('945_2.edi', advice(1, 'SHORT2', [1, 0], false));
      assert.deepEqual(await open(), []);
      // The one that closes it comes first: what people read is put right.
      await read('945_3.edi', advice(2, 'SHORT3', [1, 0], false));
      await read('945_4.edi', advice(2, 'SHORT4', [1, 3], true));
      assert.deepEqual(
        (await open()).map(([, said]) => /short: (.*) will not come/.exec(said)?.[1]),
        ['1 × MUG-R'],
      );
      await read('945_5.edi', advice(2, 'SHORT5', [1, 0], false));
      // Nothing at all.
      await read('945_6.edi', advice(3, 'SHORT6', [0, 0], false));
      assert.deepEqual(
        (await open()).map(([one]) => one),
        ['nothing-shipped'],
      );
      await read('945_7.edi', advice(3, 'SHORT7', [3, 3], false));
      assert.deepEqual(await open(), []);
    });

    test('a line of which nothing comes is asked about, whichever of its shipments says so, and the rest is not', async () => {
      const box = await asked();
      const lines = (n: number, shipment: string, rows: readonly (readonly [sku: string, units: number])[]) =>
        interchange('WMS', 'CROSSDOCK', {
          number: ++control,
          at: new Date(),
          functional: 'SW',
          set: '945',
          rows: [
            ['W06', 'F', `WH/OUT/${String(n).padStart(5, '0')}`, '20261126', shipment],
            ...rows.map(([sku, units]) => ['W12', 'CC', 3, units, 0, 'EA', '', 'VN', sku]),
            ['W03', rows.reduce((sum, [, units]) => sum + units, 0)],
          ],
        });
      for (const [n, parts] of [
        [1, [['MUG-R', 0] as const, ['TEE-M', 3] as const]],
        [2, [['TEE-M', 3] as const, ['MUG-R', 0] as const]],
      ] as const)
        for (const [index, part] of parts.entries()) {
          box.put(`945_${n}${index}.edi`, lines(n, `LINE${n}${index}`, [part]));
          await box.settled();
        }
      const words = (await box.open()).map(({ words: said }) => /order (S\d+)\) short: (.*) will/.exec(said)?.slice(1));
      assert.deepEqual(words, [
        ['S1001', '3 × MUG-R'],
        ['S1002', '3 × MUG-R'],
      ]);
      const stands = await box.open();
      // Said again, later: nothing new.
      box.put('945_again1.edi', lines(1, 'LINE10', [['MUG-R', 0]]));
      box.put('945_again2.edi', lines(2, 'LINE21', [['MUG-R', 0]]));
      await box.settled();
      assert.deepEqual(await box.open(), stands);
      // More that will not come is one question with what is known, and what leaves after all is none.
      box.put('945_3.edi', lines(3, 'LINE30', [['MUG-R', 0]]));
      await box.settled();
      box.put('945_4.edi', lines(3, 'LINE31', [['TEE-M', 1]]));
      await box.settled();
      const ofThree = async () =>
        (await box.open()).flatMap(({ words: said }) => /order S1003\) short: (.*) will/.exec(said)?.[1] ?? []);
      assert.deepEqual(await ofThree(), ['3 × MUG-R, 2 × TEE-M']);
      box.put('945_5.edi', lines(3, 'LINE32', [['MUG-R', 3]]));
      await box.settled();
      assert.deepEqual(await ofThree(), ['2 × TEE-M']);
      for (const n of [1, 2, 3]) {
        const { newest, trouble, changes } = await box.again(n);
        assert.deepEqual([newest !== null, trouble, changes], [true, null, []], 'told again it asks nothing anew');
      }
    });

    test('that no more of a line will come is asked about also where its shipment says nothing else that is new, once', async () => {
      const box = await asked();
      const line = (shipment: string, status: string, [sku, units]: readonly [string, number]) =>
        interchange('WMS', 'CROSSDOCK', {
          number: ++control,
          at: new Date(Date.UTC(2026, 10, 26, 9, control)),
          functional: 'SW',
          set: '945',
          rows: [
            ['W06', 'F', 'WH/OUT/00001', '20261126', shipment],
            ['W12', status, 3, units, 0, 'EA', '', 'VN', sku],
            ['W03', units],
          ],
        });
      const said = async (name: string, text: string) => {
        box.put(name, text);
        await box.settled();
        return (await box.open()).map(({ cause, words }) => [cause, /short: (.*) will/.exec(words)?.[1]]);
      };
      assert.deepEqual(await said('945_1.edi', line('S1', 'PR', ['MUG-R', 2])), []);
      const short = [['shipped-short', '1 × MUG-R']];
      assert.deepEqual(await said('945_2.edi', line('S1', 'CC', ['MUG-R', 2])), short);
      const stands = await box.open();
      await said('945_3.edi', line('S1', 'CC', ['MUG-R', 2]));
      await said('945_4.edi', line('S2', 'CC', ['TEE-M', 3]));
      assert.deepEqual(await box.open(), stands);
      assert.equal((await box.again(1)).trouble, null);
      const counted = await box.ledger.db.query<{ outcome: string; lines: number }>(
        'counted',
        "select outcome, lines from event_history where subject = 'fulfilment:WH/OUT/00001' order by received_at, id",
      );
      assert.deepEqual(
        counted.map(({ outcome, lines }) => [outcome, lines]),
        [
          ['routed', 1],
          ['routed', 0],
          ['duplicate', 0],
          ['routed', 1],
        ],
      );
      // The rest leaves after all.
      assert.deepEqual(await said('945_5.edi', line('S3', 'CC', ['MUG-R', 1])), []);
    });

    test('of an order that stays short one of them closes it, whichever comes first, and a correction counts by when it was sent', async () => {
      const box = await asked();
      const older = advice(1, 'X1', [3, 3], true);
      box.put('945_y.edi', advice(1, 'Y1', [1, 1], false));
      await box.settled();
      box.put('945_x2.edi', advice(1, 'X1', [1, 1], true));
      await box.settled();
      box.put('945_x1.edi', older);
      box.put('945_y2.edi', advice(1, 'Y1', [1, 1], false));
      await box.settled();
      const closing = [...box.books.held.values()].filter(({ closes }) => closes).map(({ number }) => number);
      assert.deepEqual(closing, ['Y1']);
      assert.deepEqual(box.books.units(), { X1: { 'MUG-R': 1, 'TEE-M': 1 }, Y1: { 'MUG-R': 1, 'TEE-M': 1 } });
      assert.deepEqual(box.books.effects, ['wms:Y1', 'wms:X1'], 'what was sent before a correction undoes nothing');
    });
  });
});
