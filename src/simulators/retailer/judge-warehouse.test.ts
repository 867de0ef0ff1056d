import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge } from './judge.ts';
import { agreed, tampers } from './testing.ts';

type Agreed = ReturnType<typeof agreed>;

const asks = (message: string) => ({ lines: 1, value: '0.00', message });

/** Of #1 one piece was not there, and people are asked about it. */
function short(x: Agreed): Agreed {
  x.warehouse.shipments[0]!.units = { 'WEB-1': 1, 'WEB-2': 1 };
  x.warehouse.short = [{ order: 'WH/OUT/1', units: { 'WEB-1': 1 } }];
  const goods = '1 × WEB-1 will not come. Ship that from elsewhere';
  x.excepted.push(asks(`The warehouse ships fulfilment order WH/OUT/1 (order #1) short: ${goods}`));
  return x;
}

/** Of one product the warehouse counts less than Odoo has, and people are asked about it. */
function counted(x: Agreed): Agreed {
  x.warehouse.counted = { 'WEB-1': 10, 'WEB-2': 3 };
  const goods = 'WEB-2 3 on the shelf (books: 4)';
  x.excepted.push(
    asks(`Count C3 of the warehouse differs from the books in central: ${goods}. Find out whose count is right`),
  );
  return x;
}

test('what the warehouse has not is not lost where people are asked about it; nor is it when the customer wants it no more', () => {
  const asked = judge(short(agreed()));
  assert.deepEqual([asked.ordersToWarehouse.wrong, asked.shortToPeople.wrong], [[], []]);
  assert.equal(asked.shortToPeople.compared, 1);
  const edited = short(agreed());
  edited.shop.orders[0]!.edited = true;
  edited.excepted.pop();
  assert.deepEqual(judge(edited).shortToPeople.wrong, []);
});

/** The warehouse acknowledged an order, late. */
function heard(x: Agreed): Agreed {
  x.warehouse.heard = ['12'];
  return x;
}

const silent = 'warehouse has not acknowledged fulfilment order WH/OUT/1 of order #1, sent as';

/** It told of a parcel that never was, and a person has settled that. */
function strayed(x: Agreed): Agreed {
  x.warehouse.strays = ['STRAY1'];
  x.settled.push('Shipment STRAY1 is of fulfilment order WH/OUT/10000, which is not known here.');
  return x;
}

test('what was acknowledged in the end, and what was sent by mistake and settled, is as it should be', () => {
  const ledgers = strayed(heard(agreed()));
  ledgers.excepted.push(asks(`${silent} 940-000000013-WH-OUT-00001-1.x12, within 15 seconds.`));
  const { silenceToPeople, straysToPeople } = judge(ledgers);
  assert.deepEqual([silenceToPeople.compared, silenceToPeople.wrong], [1, []], 'another one is still awaited');
  assert.deepEqual([straysToPeople.compared, straysToPeople.wrong], [1, []]);
});

test('counts are compared product by product', () => {
  const { countsToPeople } = judge(counted(agreed()));
  assert.deepEqual([countsToPeople.compared, countsToPeople.wrong], [2, []]);
});

tampers([
  [
    'nobody is asked about what the warehouse has not',
    'shortToPeople',
    'lost',
    /#1: nobody is asked about 1 × WEB-1, which the warehouse has not/,
    (x) => short(x).excepted.pop(),
  ],
  [
    'people are asked about a shortage that is none',
    'shortToPeople',
    'duplicated',
    /#1: people are asked about a shortage, and WH\/OUT\/1 was not short/,
    (x) => short(x).warehouse.short!.pop(),
  ],
  [
    'people are asked about an order of which the warehouse shipped all',
    'shortToPeople',
    'duplicated',
    /#1: people are asked about a shortage/,
    (x) => x.excepted.push(asks('The warehouse has nothing of fulfilment order WH/OUT/1 (order #1) and closes it.')),
  ],
  [
    'more is missing than the warehouse says that it has not',
    'ordersToWarehouse',
    'lost',
    /#1: 0 of 2 × WEB-1 left the warehouse/,
    (x) => {
      short(x).warehouse.shipments[0]!.units = { 'WEB-2': 1 };
    },
  ],
  [
    'people are still asked about what was acknowledged',
    'silenceToPeople',
    'duplicated',
    /asked about fulfilment order WH\/OUT\/1 of order #1, which the warehouse has acknowledged/,
    (x) => heard(x).excepted.push(asks(`${silent} 940-000000012-WH-OUT-00001-1.x12, within 15 seconds.`)),
  ],
  [
    'nobody was asked about a parcel that never was',
    'straysToPeople',
    'lost',
    /nobody was asked about shipment STRAY1, which never was/,
    (x) => strayed(x).settled.pop(),
  ],
  [
    'people are still asked about it',
    'straysToPeople',
    'duplicated',
    /people are still asked about STRAY1/,
    (x) => strayed(x).excepted.push(asks(x.settled[0]!)),
  ],
  [
    'a parcel that never was is in Odoo',
    'shipmentsToOdoo',
    'duplicated',
    /parcel 'STRAY1' is done in Odoo, and never left/,
    (x) => {
      strayed(x);
      x.books.pickings.push({ ...x.books.pickings[0]!, tracking: 'STRAY1' });
    },
  ],
  [
    'nobody is asked about a count that differs',
    'countsToPeople',
    'lost',
    /not asked about WEB-2 3 on the shelf \(books: 4\), but about ''/,
    (x) => counted(x).excepted.pop(),
  ],
  [
    'people read of another count',
    'countsToPeople',
    'lost',
    /not asked about WEB-2 2 on the shelf \(books: 4\), but about 'WEB-2 3 on the shelf/,
    (x) => {
      counted(x).warehouse.counted = { 'WEB-2': 2 };
    },
  ],
  [
    'people are asked about a count that agrees',
    'countsToPeople',
    'duplicated',
    /asked about 'WEB-2 3 on the shelf \(books: 4\)', and it is 3/,
    (x) => {
      counted(x).books.quants.find(({ default_code }) => default_code === 'WEB-2')!.quantity = 3;
    },
  ],
  [
    'people are asked about counts of before',
    'countsToPeople',
    'duplicated',
    /people are asked about 2 counts/,
    (x) => {
      counted(x);
      x.excepted.push(x.excepted.at(-1)!);
    },
  ],
]);
