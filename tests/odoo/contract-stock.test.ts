import assert from 'node:assert/strict';
import { it } from 'node:test';
import { contract, done, faultOf, rejection } from './contract.ts';

contract('stock adjustments', ({ at, run, product, count, productItem, order, adjustment, stock, freshProduct }) => {
  it('writes off and finds, and a replay moves nothing more', async () => {
    await freshProduct('P1');
    await freshProduct('P2');
    const one = adjustment(`mix-${run}`, [
      ['P1', '-3'],
      ['P2', '5'],
      ['P1', '-1.5'],
    ]);
    const id = done((await at.hub.sinks.stockAdjustments.deliver([one], at.cx))[0]);
    assert.equal(id.split(',').length, 2);
    assert.deepEqual([await stock('P1'), await stock('P2')], [-4.5, 5]);
    assert.equal(done((await at.hub.sinks.stockAdjustments.deliver([one], at.cx))[0]), id);
    assert.deepEqual([await stock('P1'), await stock('P2')], [-4.5, 5]);
  });

  it('moves all of it where the stock is less or reserved', async () => {
    await freshProduct('P3');
    done((await at.hub.sinks.stockAdjustments.deliver([adjustment(`got-${run}`, [['P3', '5']])], at.cx))[0]);
    done(
      (
        await at.hub.sinks.saleOrders.deliver([order(`res-${run}`, [{ sku: 'P3', quantity: '4', total: 4000 }])], at.cx)
      )[0],
    );
    done((await at.hub.sinks.stockAdjustments.deliver([adjustment(`off-${run}`, [['P3', '-7']])], at.cx))[0]);
    assert.equal(await stock('P3'), -2);
  });

  it('a product that has moved can still be renamed', async () => {
    await freshProduct('P8');
    done((await at.hub.sinks.stockAdjustments.deliver([adjustment(`ren-${run}`, [['P8', '5']])], at.cx))[0]);
    const renamed = productItem(`P8-${run}`, { name: 'Renamed' });
    const bound = { id: product.get('P8')!, before: productItem(`P8-${run}`).document };
    done((await at.hub.sinks.products.deliver([{ ...renamed, ...bound }], at.cx))[0]);
    done((await at.hub.sinks.products.deliver([renamed], at.cx))[0]);
  });

  it('lost answers of load and of button_validate: one effect', async () => {
    await freshProduct('P4');
    const one = adjustment(`lost-${run}`, [['P4', '2']]);
    at.proxy.next('stock.picking.load', { do: 'cut-after' });
    assert.equal(faultOf((await at.hub.sinks.stockAdjustments.deliver([one], at.cx))[0]).kind, 'unknown');
    at.proxy.next('stock.picking.button_validate', { do: 'cut-after' });
    done((await at.hub.sinks.stockAdjustments.deliver([one], at.cx))[0]);
    assert.equal(await stock('P4'), 2);
    done((await at.hub.sinks.stockAdjustments.deliver([one], at.cx))[0]);
    assert.equal(await stock('P4'), 2);
    assert.equal(await count('stock.picking', [['origin', 'like', `ADJ-lost-${run}`]]), 1);
  });

  it('a lost answer that cannot be looked up either is unknown', async () => {
    await freshProduct('P7');
    const one = adjustment(`dark-${run}`, [['P7', '2']]);
    at.proxy.next('stock.picking.button_validate', { do: 'cut-before' });
    assert.equal(faultOf((await at.hub.sinks.stockAdjustments.deliver([one], at.cx))[0]).kind, 'unknown');
    assert.equal(await stock('P7'), 0);
    done((await at.hub.sinks.stockAdjustments.deliver([one], at.cx))[0]);
    assert.equal(await stock('P7'), 2);
  });

  it('a done adjustment that now asks for more is an Exception, not silently done', async () => {
    await freshProduct('P9');
    const key = `more-${run}`;
    done((await at.hub.sinks.stockAdjustments.deliver([adjustment(key, [['P9', '-1']])], at.cx))[0]);
    const more = adjustment(key, [
      ['P9', '-1'],
      ['P9', '-2'],
    ]);
    assert.equal(
      rejection((await at.hub.sinks.stockAdjustments.deliver([more], at.cx))[0]).cause,
      'read-back-quantity',
    );
  });

  it('a wizard instead of an effect is not taken for one', async () => {
    await freshProduct('P5');
    const one = adjustment(`wiz-${run}`, [['P5', '2']]);
    const wizard = { type: 'ir.actions.act_window', res_model: 'stock.backorder.confirmation' };
    at.proxy.next('stock.picking.button_validate', { do: 'result', result: wizard });
    assert.equal(rejection((await at.hub.sinks.stockAdjustments.deliver([one], at.cx))[0]).cause, 'transfer-not-done');
    assert.equal(await stock('P5'), 0);
    done((await at.hub.sinks.stockAdjustments.deliver([one], at.cx))[0]);
    assert.equal(await stock('P5'), 2);
  });

  it('a bad neighbour fails alone', async () => {
    await freshProduct('P6');
    const bad = adjustment(`bad-${run}`, [['P6', '1']]);
    const results = await at.hub.sinks.stockAdjustments.deliver(
      [
        adjustment(`ok1-${run}`, [['P6', '1']]),
        { ...bad, links: new Map([['product:P6', '999999999']]) },
        adjustment(`nil-${run}`, [['P6', '0']]),
        adjustment(`tiny-${run}`, [['P6', '0.000001']]),
        adjustment(`ok2-${run}`, [['P6', '1']]),
      ],
      at.cx,
    );
    done(results[0]);
    assert.equal(rejection(results[1]).cause, 'product-missing');
    assert.equal(rejection(results[2]).cause, 'nothing-to-move');
    assert.equal(rejection(results[3]).cause, 'odoo-precision');
    done(results[4]);
    assert.equal(await stock('P6'), 2);
  });
});
