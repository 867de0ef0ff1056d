import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Warehouse } from './index.ts';
import { interchange } from './x12.ts';

const at = new Date('2026-11-25T10:00:00Z');
const later = new Date(at.getTime() + 10_000);

const order = (n: number, status: 'N' | 'R' | 'F', group: number, skus: readonly string[] = ['WEB-1']) =>
  interchange('RETAILER', 'WMS', {
    number: group,
    at,
    functional: 'OW',
    set: '940',
    rows: [
      ['W05', status, `WH/OUT/${n}`],
      ...skus.flatMap((sku, index) => [
        ['LX', index + 1],
        ['W01', 2, 'EA', '', 'VN', sku],
        ['N9', 'LI', sku],
      ]),
    ],
  });

test('a warehouse goes on with its books; a round whose files were lost on the way is ended, and nothing leaves twice', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'wms-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const journal = join(folder, 'books.json');
  const open = () => new Warehouse({ folder, us: 'WMS', them: 'RETAILER', handling: 5000, journal });
  const send = (name: string, text: string) => writeFileSync(join(folder, 'in', name), text);
  const first = open();
  send('1.x12', order(1, 'N', 1));
  send('2.x12', order(2, 'N', 2));
  first.work(at);
  assert.deepEqual([first.orders.size, first.left.size, first.waiting], [2, 0, 2], 'not picked yet');
  send('3.x12', order(2, 'F', 3));
  // The books were kept, and then the power went: files that had come in are still there, and those that go out are not.
  for (const name of readdirSync(join(folder, 'out'))) rmSync(join(folder, 'out', name));
  send('1.x12', order(1, 'N', 1));
  const second = open();
  assert.equal(readdirSync(join(folder, 'out')).length, 2, 'both acknowledgements are there again');
  second.work(later);
  second.work(new Date(later.getTime() + 10_000));
  assert.deepEqual(
    [...second.left.values()].map((left) => [left.order, left.units]),
    [['WH/OUT/1', { 'WEB-1': 2 }]],
    'what was cancelled in time stays',
  );
  send('4.x12', order(1, 'R', 4));
  second.work(new Date(later.getTime() + 20_000));
  const third = open();
  third.work(new Date(later.getTime() + 40_000));
  assert.equal(third.left.size, 1, 'what has left is not picked again');
  assert.equal(JSON.parse(readFileSync(journal, 'utf8')).left.length, 1);
});

test('lines that are added one after the other, after the parcel has left, are shipped too, each once', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'wms-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const warehouse = new Warehouse({ folder, us: 'WMS', them: 'RETAILER', handling: 5000 });
  const round = (seconds: number) => warehouse.work(new Date(at.getTime() + seconds * 1000));
  const send = (group: number, ...skus: string[]) =>
    writeFileSync(join(folder, 'in', `${group}.x12`), order(1, group === 1 ? 'N' : 'R', group, skus));
  send(1, 'WEB-1');
  round(0);
  round(10);
  send(2, 'WEB-1', 'WEB-2');
  round(11);
  // The first change is not picked yet when the second one comes.
  send(3, 'WEB-1', 'WEB-2', 'WEB-3');
  round(12);
  round(30);
  assert.deepEqual(
    [...warehouse.left.values()].map(({ units }) => units),
    [{ 'WEB-1': 2 }, { 'WEB-2': 2, 'WEB-3': 2 }],
  );
});

test('what is not there is in the books, as what does not leave, from start to start; and what was counted last', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'wms-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const journal = join(folder, 'books.json');
  const open = () => new Warehouse({ folder, us: 'WMS', them: 'RETAILER', journal, faults: { shortage: 1 } });
  const first = open();
  writeFileSync(join(folder, 'in', '1.x12'), order(1, 'N', 1, ['WEB-1', 'WEB-2']));
  first.work(at);
  first.count({ 'WEB-1': 7 }, later);
  const { left, short, lastCount } = open();
  assert.deepEqual(
    [...left.values()].map(({ units }) => units),
    [{ 'WEB-1': 1, 'WEB-2': 2 }],
  );
  assert.deepEqual([...short], [['WH/OUT/1', { 'WEB-1': 1 }]]);
  assert.deepEqual(lastCount, { 'WEB-1': 7 });
});

test('a parcel that never was is told of, and is in the books as no parcel', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'wms-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const warehouse = new Warehouse({ folder, us: 'WMS', them: 'RETAILER', faults: { stray: 1 } });
  for (const n of [1, 2]) writeFileSync(join(folder, 'in', `940-${n}.x12`), order(n, 'N', n));
  assert.ok(warehouse.unread);
  warehouse.work(at);
  assert.ok(!warehouse.unread);
  const advices = readdirSync(join(folder, 'out')).filter((name) => name.startsWith('945'));
  assert.deepEqual([advices.length, warehouse.left.size, warehouse.strays.length], [4, 2, 2]);
  const told = advices.map((name) => readFileSync(join(folder, 'out', name), 'utf8')).join();
  for (const number of warehouse.strays) assert.match(told, new RegExp(`\\*${number}~`));
  assert.match(told, /W06\*F\*WH\/OUT\/10000\*.*STRAY-1/s, 'of no order, and of goods that the order has not');
});
