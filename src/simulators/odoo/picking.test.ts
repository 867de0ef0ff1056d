import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Bench, bench } from './testing.ts';

for (const version of [18, 19] as const) {
  describe(`stock adjustments as transfers on Odoo ${version}`, () => {
    let odoo: Bench;
    let places: { stock: number; loss: number; type: number };

    before(async () => {
      odoo = await bench(version);
      const [warehouse] = await odoo.read('stock.warehouse', [], ['lot_stock_id', 'int_type_id']);
      const [loss] = await odoo.read(
        'stock.location',
        [
          ['usage', '=', 'inventory'],
          ['complete_name', 'like', 'adjustment'],
        ],
        ['id'],
      );
      const first = (value: unknown) => (value as [number])[0];
      places = { stock: first(warehouse!.lot_stock_id), loss: loss!.id as number, type: first(warehouse!.int_type_id) };
      await odoo.load(
        'product.product',
        ['id', 'name', 'default_code', 'type', 'is_storable'],
        [['t.p', 'Thing', 'T', 'consu', '1']],
      );
    });
    after(() => odoo.stop());

    const fields = [
      'id',
      'picking_type_id/.id',
      'location_id/.id',
      'location_dest_id/.id',
      'origin',
      'move_ids/id',
      'move_ids/product_id/id',
      'move_ids/product_uom_qty',
      'move_ids/quantity',
      'move_ids/picked',
      'move_ids/location_id/.id',
      'move_ids/location_dest_id/.id',
      ...(version < 19 ? ['move_ids/name'] : []),
    ];
    const row = (name: string, quantity: number): string[] => {
      const [from, to] = quantity > 0 ? [places.loss, places.stock] : [places.stock, places.loss];
      const amount = String(Math.abs(quantity));
      return [
        `t.pk_${name}`,
        String(places.type),
        String(from),
        String(to),
        name,
        `t.mv_${name}`,
        't.p',
        amount,
        amount,
        '1',
        String(from),
        String(to),
        ...(version < 19 ? ['x'] : []),
      ];
    };
    const onHand = async () =>
      (await odoo.read('product.product', [['default_code', '=', 'T']], ['qty_available']))[0]!.qty_available;

    test('in and out by external ids, validated together', async () => {
      const loaded = await odoo.load('stock.picking', fields, [row('in', 5), row('out', -7)]);
      assert.ok(loaded.ids, JSON.stringify(loaded));
      const states = await odoo.read('stock.picking', [['id', 'in', loaded.ids]], ['state']);
      assert.deepEqual(
        states.map(({ state }) => state),
        ['assigned', 'assigned'],
      );
      assert.equal(await odoo.call('stock.picking', 'button_validate', loaded.ids, {}), true);
      assert.equal(await onHand(), -2);
    });

    test('a replay of what is done is refused and moves nothing', async () => {
      const again = await odoo.load('stock.picking', fields, [row('in', 5)]);
      assert.equal(
        again.messages[0]!.message,
        'Changing the operation type of this record is forbidden at this point.',
      );
      assert.equal(await onHand(), -2);
    });

    test('a bare draft is confirmed and moved in full', async () => {
      const bare = (data: string[]) => data.filter((_, i) => ![8, 9, 10, 11].includes(i));
      const loaded = await odoo.load('stock.picking', bare(fields), [bare(row('draft', -4))]);
      const [before] = await odoo.read('stock.picking', [['id', 'in', loaded.ids as number[]]], ['state']);
      assert.equal(before!.state, 'draft');
      assert.equal(await odoo.call('stock.picking', 'button_validate', loaded.ids as number[], {}), true);
      assert.equal(await onHand(), -6);
    });
  });
}
