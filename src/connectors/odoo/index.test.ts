import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { secret } from '../../core/estate.ts';
import { odoo } from './index.ts';
import { chooseCompany } from './session.ts';
import { difference } from './sinks/sale-orders.ts';
import { minorOf, naiveUtc } from './sinks/sink.ts';

const config = { url: 'https://ERP.example.com:443//', database: 'd', login: 'hub', key: secret('ODOO_KEY') };

describe('odoo()', () => {
  it('names one writer for one company however the address is spelt', () => {
    const a = odoo({ ...config, company: 1 });
    const b = odoo({ ...config, url: 'https://erp.example.com', company: 1 });
    assert.equal(a.writer, b.writer);
    assert.notEqual(a.writer, odoo({ ...config, company: 2 }).writer);
    assert.deepEqual(Object.keys(a.sinks), [
      'customers',
      'products',
      'saleOrders',
      'stockAdjustments',
      'journalEntries',
      'payments',
      'shipments',
      'receipts',
      'returns',
      'refunds',
      'stockLevels',
    ]);
    for (const sink of Object.values(a.sinks)) {
      const asks = sink === a.sinks.payments || sink === a.sinks.refunds;
      const grade = asks ? 'find-first' : sink === a.sinks.stockLevels ? 'overwrite' : 'external-id';
      assert.equal(sink.idempotency, grade);
      assert.equal(sink.settle, '120s');
      assert.ok(sink.batch.max >= 1 && sink.batch.max <= 500);
    }
  });

  it('refuses what cannot be', () => {
    assert.throws(() => odoo({ ...config, url: 'erp.example.com' }), /not an http/);
    assert.throws(() => odoo({ ...config, prefix: 'a.b' }), /prefix/);
    assert.throws(() => odoo({ ...config, timeout: 'soon' as '1s' }), RangeError);
  });
});

describe('the company', () => {
  const currency = { id: 1, name: 'EUR' };
  const companies = [
    { id: 1, name: 'North', currency },
    { id: 2, name: 'South', currency },
  ];
  it('is the named one or the only one, else the list is told', () => {
    assert.equal(chooseCompany(companies, 'South').id, 2);
    assert.equal(chooseCompany(companies, 2).id, 2);
    assert.equal(chooseCompany(companies.slice(0, 1), undefined).id, 1);
    assert.throws(() => chooseCompany(companies, undefined), /'North' \(1\), 'South' \(2\)/);
    assert.throws(() => chooseCompany(companies, 'West'), /may not use a company 'West'/);
    assert.throws(() => chooseCompany([], undefined), /none/);
  });
});

describe('reading back', () => {
  const order = {
    id: '1',
    number: 'W1',
    kind: 'sale' as const,
    refersTo: null,
    placedAt: '2026-11-20T10:11:12+01:00',
    businessDay: '2026-11-20',
    customer: 'C',
    currency: 'EUR',
    pricesIncludeTax: true,
    lines: [{ id: '1', sku: 'A', description: 'A', quantity: '3', unitPrice: '0.10', taxes: ['x'], total: 30 }],
  };
  const row = {
    state: 'sale',
    client_order_ref: 'W1',
    order_line: [7],
    currency_id: [1, 'EUR'],
    amount_total: 0.30000000000000004,
    amount_untaxed: 0.25,
  };

  it('compares the total or the untaxed amount to the cent', () => {
    assert.equal(difference(order, 1, row), null);
    assert.equal(difference({ ...order, pricesIncludeTax: false }, 1, row)?.cause, 'read-back-amount');
    assert.equal(difference({ ...order, pricesIncludeTax: false }, 1, { ...row, amount_untaxed: 0.3 }), null);
  });

  it('names every other difference', () => {
    const cause = (more: object) => difference(order, 1, { ...row, ...more })?.cause;
    assert.equal(difference(order, 1, undefined)?.cause, 'read-back-missing');
    assert.equal(cause({ client_order_ref: 'W2' }), 'read-back-reference');
    assert.equal(cause({ state: 'draft' }), 'read-back-state');
    assert.equal(cause({ order_line: [7, 8] }), 'read-back-lines');
    assert.equal(cause({ currency_id: [2, 'USD'] }), 'read-back-currency');
    assert.equal(difference(order, 0, { ...row, currency_id: [2, 'USD'] })?.cause, 'read-back-currency');
  });

  it('takes an order that people have cancelled there as it is, unless it has changed here', () => {
    const gone = { ...row, state: 'cancel' };
    assert.equal(difference(order, 1, gone), null);
    assert.equal(difference(order, 1, { ...gone, amount_total: 0.31 }), null, 'not rounded any more');
    for (const more of [{ amount_total: 0.32 }, { order_line: [7, 8] }, { currency_id: [2, 'USD'] }]) {
      const fault = difference(order, 1, { ...gone, ...more });
      assert.equal(fault?.cause, 'read-back-state');
      assert.match(fault.message, /was cancelled there, and /);
    }
    assert.equal(difference({ ...order, state: 'cancelled' }, 1, gone), null);
  });

  it('turns floats and times into what they mean', () => {
    assert.equal(minorOf(-168469.6, 'GBP'), -16846960n);
    assert.equal(minorOf(26.15, 'EUR'), 2615n);
    assert.equal(minorOf(1200, 'JPY'), 1200n);
    assert.throws(() => minorOf(false, 'EUR'));
    assert.equal(naiveUtc('2026-11-20T10:11:12+01:00', 'placedAt'), '2026-11-20 09:11:12');
    assert.throws(() => naiveUtc('yesterday', 'placedAt'), /RFC 3339/);
  });
});
