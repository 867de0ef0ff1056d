import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type OdooLedger, type OdooWrite, readTillFiles, type Sold, verifyDaySales } from './verify.ts';

const sold: Sold[] = [
  {
    invoice: '1001',
    lines: [
      { code: '22111', quantity: 2, price: 425 },
      { code: '22111', quantity: 2, price: 425 },
      { code: '85123a', quantity: 1, price: 0.1 },
    ],
  },
  { invoice: 'C1002', lines: [{ code: '22111', quantity: -1, price: 425 }] },
  { invoice: '1003', lines: [{ code: '22111', quantity: -7, price: 0 }] },
];

type Order = OdooLedger['sale_orders'][number];

const line = (default_code: string, quantity: number, price_unit: number) => ({
  default_code,
  quantity,
  price_unit,
  discount: 0,
});
const order = (client_order_ref: string, lines: Order['lines'], state = 'sale'): Order => ({
  name: `S-${client_order_ref}`,
  xmlid: `hub.order_${client_order_ref}`,
  client_order_ref,
  state,
  lines,
});
const transfer = (origin: string, quantity: number, to = 'Virtual Locations/Inventory adjustment') => ({
  xmlid: `hub.adjustment_${origin}-out`,
  origin: `${origin} (till:${origin}:stock)`,
  state: 'done',
  moves: [{ state: 'done', default_code: '22111', quantity, to }],
});
const first = order('1001', [line('22111', 2, 4.25), line('22111', 2, 4.25), line('85123A', 1, 0.001)]);
const second = order('C1002', [line('22111', -1, 4.25)]);

const holding = (changes: Partial<OdooLedger> = {}): OdooLedger => ({
  sale_orders: [first, second],
  pickings: [transfer('1003', 7)],
  writes: [],
  ...changes,
});

const counts = (ledger: OdooLedger, exceptions: Parameters<typeof verifyDaySales>[2] = []) => {
  const { lost, duplicated, outOfOrder, wrong } = verifyDaySales(sold, ledger, exceptions);
  assert.equal(wrong.length === 0, lost + duplicated + outOfOrder === 0, wrong.join('\n'));
  return { lost, duplicated, outOfOrder };
};
const well = { lost: 0, duplicated: 0, outOfOrder: 0 };

test('an Odoo that holds what was sold is well, whatever deliveries it made of it', () => {
  const delivery = { ...transfer('x', 2, 'Partners/Customers'), origin: 'S-1001' };
  assert.deepEqual(counts(holding({ pickings: [transfer('1003', 7), delivery] })), well);
});

test('an order, a line, a confirmation or a transfer that is missing is lost', () => {
  assert.deepEqual(counts(holding({ sale_orders: [first] })), { ...well, lost: 1 });
  assert.deepEqual(counts(holding({ sale_orders: [order('1001', first.lines.slice(1)), second] })), {
    ...well,
    lost: 1,
  });
  assert.deepEqual(counts(holding({ sale_orders: [order('1001', first.lines, 'draft'), second] })), {
    ...well,
    lost: 3,
  });
  assert.deepEqual(counts(holding({ pickings: [] })), { ...well, lost: 1 });
  assert.deepEqual(counts(holding({ pickings: [{ ...transfer('1003', 7), moves: [] }] })), { ...well, lost: 1 });
});

test('a line of another quantity, price or product is lost and one too many', () => {
  for (const other of [line('22111', 3, 4.25), line('22111', 2, 4.26), line('22112', 2, 4.25)])
    assert.deepEqual(counts(holding({ sale_orders: [order('1001', [...first.lines.slice(1), other]), second] })), {
      ...well,
      lost: 1,
      duplicated: 1,
    });
  assert.deepEqual(counts(holding({ pickings: [transfer('1003', 7, 'WH/Stock')] })), {
    ...well,
    lost: 1,
    duplicated: 1,
  });
});

test('what stands as an Exception of that value is not lost', () => {
  const without = holding({ sale_orders: [order('1001', first.lines.slice(1)), second] });
  assert.deepEqual(counts(without, [{ labels: { invoice: '1001' }, lines: 1, value: '8.50' }]), well);
  assert.deepEqual(
    counts(holding({ sale_orders: [second] }), [
      { labels: { invoice: '1001' }, lines: 1, value: '0.00' },
      { labels: { invoice: '1001' }, lines: 2, value: '17.00' },
      { labels: { invoice: '1001' }, lines: 9, value: '99.00' },
    ]),
    well,
  );
  assert.deepEqual(counts(without, [{ labels: { invoice: '1001' }, lines: 1, value: '8.51' }]), { ...well, lost: 1 });
  assert.deepEqual(counts(without, [{ labels: { invoice: 'C1002' }, lines: 1, value: '8.50' }]), { ...well, lost: 1 });
});

test('an order, a line or a transfer too many is a duplicate', () => {
  assert.deepEqual(counts(holding({ sale_orders: [first, second, second] })), { ...well, duplicated: 2 });
  assert.deepEqual(counts(holding({ sale_orders: [order('1001', [...first.lines, first.lines[0]!]), second] })), {
    ...well,
    duplicated: 1,
  });
  assert.deepEqual(counts(holding({ sale_orders: [first, second, order('1009', [])] })), { ...well, duplicated: 1 });
  assert.deepEqual(counts(holding({ pickings: [transfer('1003', 7), transfer('1003', 7)] })), {
    ...well,
    duplicated: 1,
  });
  assert.deepEqual(counts(holding({ pickings: [transfer('1003', 7), transfer('1004', 1)] })), {
    ...well,
    duplicated: 1,
  });
});

const wrote = (commit: number, lines: number[], kind: 'create' | 'write' = 'write'): OdooWrite[] =>
  lines.map((n) => ({
    commit,
    xmlid: `hub.order_line_1001-${n}`,
    model: 'sale.order.line',
    kind,
    values: { product_uom_qty: n },
  }));

test('an older version after a newer one is out of order', () => {
  const late = [...wrote(1, [1, 2], 'create'), ...wrote(2, [1, 2]), ...wrote(2, [3], 'create'), ...wrote(3, [1, 2])];
  assert.deepEqual(counts(holding({ writes: late })), { ...well, outOfOrder: 1 });
  assert.deepEqual(counts(holding({ writes: wrote(1, [1, 3, 2], 'create') })), { ...well, outOfOrder: 1 });
});

test('a field that goes back to what it was is out of order', () => {
  const origin = (commit: number, values: OdooWrite['values'], kind = 'write'): OdooWrite => ({
    commit,
    xmlid: 'hub.order_C1002',
    model: 'sale.order',
    kind,
    values,
  });
  const writes = [origin(1, {}, 'create'), origin(2, { origin: '1001' }), origin(3, { amount_total: 1 })];
  assert.deepEqual(counts(holding({ writes })), well);
  assert.deepEqual(counts(holding({ writes: [...writes, origin(4, { origin: false })] })), { ...well, outOfOrder: 1 });
});

test('repeats, longer versions and lines that a person let pass are in order', () => {
  const writes = [
    ...wrote(1, [1, 2, 4], 'create'),
    ...wrote(2, [1, 2, 4]),
    ...wrote(3, [1, 2]),
    ...wrote(3, [3], 'create'),
    ...wrote(3, [4]),
    {
      commit: 4,
      xmlid: 'hub.order_line_1001-1',
      model: 'sale.order.line',
      kind: 'write',
      values: { qty_delivered: 1 },
    },
    ...wrote(5, [5], 'create'),
    ...wrote(6, [5]),
    ...wrote(7, [7, 8], 'create'),
    ...wrote(8, [6], 'create'),
  ];
  assert.deepEqual(counts(holding({ writes })), well);
});

test('till files are read to the penny, headed or not, and a later file goes on with an invoice', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'crossdock-verify-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const header = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n';
  const files = [join(folder, '1.csv'), join(folder, '2.csv')];
  await writeFile(files[0]!, `${header}1,A,"4"" PLATE, BLUE",2,2010-12-01 08:26:00,1.15,17850.0,EIRE\r\n`);
  await writeFile(files[1]!, '1,B,,-3,2010-12-01 08:26:00,0.001,,EIRE\n2,C,x,1,2010-12-01 08:26:00,0.0,,EIRE');
  assert.deepEqual(await readTillFiles(files), [
    {
      invoice: '1',
      lines: [
        { code: 'A', quantity: 2, price: 115 },
        { code: 'B', quantity: -3, price: 0.1 },
      ],
    },
    { invoice: '2', lines: [{ code: 'C', quantity: 1, price: 0 }] },
  ]);
});
