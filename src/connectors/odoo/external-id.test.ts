import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { externalId, moduleOf } from './external-id.ts';

const key = fc.string({ unit: 'binary', minLength: 0, maxLength: 300 });
const keys = fc.array(key, { minLength: 1, maxLength: 3 });

describe('external ids', () => {
  it('reads like its key', () => {
    assert.equal(externalId('hub_odoo', 'order_line', '536365', '1'), 'hub_odoo.order_line_536365-1');
    assert.equal(externalId('hub_odoo', 'product', 'AB_1/ü'), 'hub_odoo.product_AB_5f_1_2f__fc_');
    assert.equal(moduleOf('odoo-main'), 'hub_odoo_2d_main');
  });

  it('is legal for every key: one dot, then letters, digits, _ and - only, and never too long', () => {
    fc.assert(
      fc.property(keys, (parts) => {
        const id = externalId(moduleOf('odoo-main'), 'order', ...parts);
        assert.match(id, /^hub_[A-Za-z0-9_]+\.order_[A-Za-z0-9_-]*$/);
        assert.ok(id.length < 250);
      }),
    );
  });

  it('differs for different keys', () => {
    const near = fc.array(fc.string({ unit: fc.constantFrom('a', '_', '-', '5', 'f', '.', 'ü'), maxLength: 4 }), {
      minLength: 1,
      maxLength: 3,
    });
    fc.assert(
      fc.property(fc.oneof(keys, near), fc.oneof(keys, near), (a, b) => {
        fc.pre(JSON.stringify(a) !== JSON.stringify(b) && a.join('').isWellFormed() && b.join('').isWellFormed());
        assert.notEqual(externalId('hub', 'order', ...a), externalId('hub', 'order', ...b));
      }),
      { numRuns: 2000 },
    );
  });

  it('does not meet what Odoo derives from a product', () => {
    // `load()` of product.product writes `<id>_product_template` as well.
    assert.notEqual(
      externalId('hub', 'product', 'A_product_template'),
      `${externalId('hub', 'product', 'A')}_product_template`,
    );
  });
});
