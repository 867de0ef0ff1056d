import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bench } from './testing.ts';

interface Figures {
  readonly free: readonly { readonly location: string; readonly default_code: string; readonly free: number }[];
  readonly prices: readonly { readonly list: string; readonly amount: number | null }[];
}

test('what was free and what it cost is kept as it became, also of what is deleted', async (t) => {
  const odoo = await bench(19);
  t.after(() => odoo.stop());
  const fields = ['id', 'name', 'default_code', 'type', 'is_storable'];
  const { ids } = await odoo.load('product.product', fields, [['t.p', 'Mug', 'MUG', 'consu', '1']]);
  const product_id = (ids as number[])[0]!;
  const [warehouse] = await odoo.read('stock.warehouse', [], ['lot_stock_id']);
  const location_id = (warehouse!.lot_stock_id as [number])[0];
  for (const inventory_quantity_auto_apply of [5, 7])
    await odoo.call('stock.quant', 'create', null, {
      vals_list: [{ product_id, location_id, inventory_quantity_auto_apply }],
      context: { inventory_mode: true },
    });
  const [list] = (await odoo.call('product.pricelist', 'create', null, { vals_list: [{ name: 'Shop' }] })) as number[];
  const rule = { pricelist_id: list!, applied_on: '0_product_variant', product_id, fixed_price: 3 };
  const [item] = (await odoo.call('product.pricelist.item', 'create', null, { vals_list: [rule] })) as number[];
  await odoo.call('product.pricelist.item', 'write', [item!], { vals: { fixed_price: 3.5 } });
  await odoo.call('product.pricelist.item', 'write', [item!], { vals: { compute_price: 'percentage' } });
  await odoo.call('product.pricelist.item', 'write', [item!], { vals: { compute_price: 'fixed' } });
  await odoo.call('product.pricelist.item', 'unlink', [item!], {});
  const { figures } = (await odoo.adminCall('GET', 'ledger')) as unknown as { figures: Figures };
  const here = figures.free.filter(({ location }) => location === 'WH/Stock');
  assert.deepEqual(
    here.map(({ default_code, free }) => [default_code, free]),
    [
      ['MUG', 5],
      ['MUG', 7],
    ],
  );
  assert.deepEqual(
    figures.prices.map(({ list: name, amount }) => [name, amount]),
    [
      ['Shop', 3],
      ['Shop', 3.5],
      ['Shop', null],
      ['Shop', 3.5],
      ['Shop', null],
    ],
  );
});
