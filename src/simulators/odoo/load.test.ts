import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Bench, bench } from './testing.ts';

const header = [
  'id',
  'partner_id/id',
  'client_order_ref',
  'date_order',
  'state',
  'order_line/id',
  'order_line/product_id/id',
  'order_line/product_uom_qty',
  'order_line/price_unit',
];

const rows = (order: string, quantity: string, state = 'sale', product = 't.p1') => [
  [`t.so_${order}`, 't.customer', order, '2026-11-20 10:11:12', state, `t.sol_${order}_1`, product, quantity, '2.5'],
  ['', '', '', '', '', `t.sol_${order}_2`, 't.p2', '1', '10'],
];

for (const version of [18, 19] as const) {
  describe(`load on Odoo ${version}`, () => {
    let odoo: Bench;

    before(async () => {
      odoo = await bench(version);
      await odoo.load(
        'product.product',
        ['id', 'name', 'default_code', 'type', 'is_storable'],
        [
          ['t.p1', 'One', 'P1', 'consu', '1'],
          ['t.p2', 'Two', 'P2', 'consu', '1'],
        ],
      );
      await odoo.load('res.partner', ['id', 'name'], [['t.customer', 'Customer']]);
    });
    after(() => odoo.stop());

    const count = async (order: string) =>
      (await odoo.read('sale.order', [['client_order_ref', '=', order]], ['state'])).length;

    test('creates and confirms with deliveries, and a replay changes nothing', async () => {
      const first = await odoo.load('sale.order', header, rows('A1', '4'));
      const again = await odoo.load('sale.order', header, rows('A1', '4'));
      assert.deepEqual(again.ids, first.ids);
      const [order] = await odoo.read(
        'sale.order',
        [['client_order_ref', '=', 'A1']],
        ['state', 'picking_ids', 'order_line', 'date_order'],
      );
      assert.equal(order!.state, 'sale');
      assert.equal(order!.date_order, '2026-11-20 09:11:12');
      assert.equal((order!.picking_ids as number[]).length, 1);
      assert.equal((order!.order_line as number[]).length, 2);
    });

    test('one bad row and nothing lands', async () => {
      const answer = await odoo.load('sale.order', header, [
        ...rows('B1', '1'),
        ...rows('B2', '1', 'sale', 't.unknown'),
      ]);
      assert.equal(answer.ids, false);
      assert.match(answer.messages[0]!.message, /No matching record found for external id 't.unknown'/);
      assert.equal(await count('B1'), 0);
      assert.equal((await odoo.load('sale.order', header, rows('B1', '1'))).ids === false, false);
    });

    test('lines without external ids are appended again', async () => {
      const fields = header.filter((name) => name !== 'order_line/id');
      const data = rows('C1', '1', 'draft').map((row) => row.filter((_, i) => i !== 5));
      await odoo.load('sale.order', fields, data);
      await odoo.load('sale.order', fields, data);
      const [order] = await odoo.read('sale.order', [['client_order_ref', '=', 'C1']], ['order_line']);
      assert.equal((order!.order_line as number[]).length, 4);
    });

    test('many loads of one external id at once make one order', async () => {
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => odoo.load('sale.order', header, rows('D1', '2'))),
      );
      assert.equal(new Set(answers.map((answer) => JSON.stringify(answer.ids))).size, 1);
      assert.equal(await count('D1'), 1);
    });

    test("a naive datetime is the wall clock of the context's zone, else of the user's", async () => {
      // As real 18 and 19 answered.
      const seen: [zone: string | false, text: string, kept: string][] = [
        [false, '2026-11-20 10:11:12', '2026-11-20 09:11:12'],
        ['UTC', '2026-11-20 10:11:12', '2026-11-20 10:11:12'],
        ['Pacific/Auckland', '2026-11-20 10:11:12', '2026-11-19 21:11:12'],
        ['Europe/London', '2026-10-25 01:30:00', '2026-10-25 01:30:00'],
        ['Europe/London', '2026-03-29 01:30:00', '2026-03-29 01:30:00'],
        ['Europe/London', '2026-07-01', '2026-06-30 23:00:00'],
        ['America/New_York', '2026-11-01 01:30:00', '2026-11-01 06:30:00'],
        ['America/New_York', '2026-03-08 02:30:00', '2026-03-08 07:30:00'],
        ['Australia/Lord_Howe', '2026-04-05 01:45:00', '2026-04-04 15:15:00'],
      ];
      for (const [n, [tz, text, kept]] of seen.entries()) {
        const fields = ['id', 'partner_id/id', 'client_order_ref', 'date_order'];
        const data = [[`t.zone_${n}`, 't.customer', `Z${n}`, text]];
        await odoo.call('sale.order', 'load', null, { fields, data, context: { tz } });
        const [order] = await odoo.read('sale.order', [['client_order_ref', '=', `Z${n}`]], ['date_order']);
        assert.equal(order!.date_order, kept, `${tz} ${text}`);
      }
    });

    test('a negative quantity comes back from the customer', async () => {
      await odoo.load('sale.order', header, rows('E1', '-3'));
      const [order] = await odoo.read('sale.order', [['client_order_ref', '=', 'E1']], ['picking_ids']);
      const pickings = await odoo.read(
        'stock.picking',
        [['id', 'in', order!.picking_ids!]],
        ['picking_type_code', 'state'],
      );
      assert.deepEqual(pickings.map((picking) => picking.picking_type_code).sort(), ['incoming', 'outgoing']);
    });

    test('a confirmed order refuses a pricelist, even the same one', async () => {
      const [pricelist] = await odoo.read('product.pricelist', [], ['id']);
      const data = [['t.so_F1', 't.customer', String(pricelist!.id), 'sale', 't.sol_F1', 't.p1', '1']];
      const fields = [
        'id',
        'partner_id/id',
        'pricelist_id/.id',
        'state',
        'order_line/id',
        'order_line/product_id/id',
        'order_line/product_uom_qty',
      ];
      assert.ok((await odoo.load('sale.order', fields, data)).ids);
      const again = await odoo.load('sale.order', fields, data);
      assert.equal(again.messages[0]!.message, 'You cannot change the pricelist of a confirmed order !');
    });
  });
}
