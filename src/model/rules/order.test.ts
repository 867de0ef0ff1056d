import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decimalText, multiply, roundTo } from '../../core/decimal.ts';
import type { Draft } from '../../core/flow.ts';
import { currencyDigits } from '../../core/money.ts';
import type { Order } from '../order.ts';
import { type OrderBounds, orderRules } from './order.ts';

const receivedAt = new Date('2026-05-02T10:00:00Z');
const products: Draft[] = [
  ['MUG', 'goods'],
  ['TEA', 'goods'],
  ['SHIPPING', 'service'],
  ['DISCOUNT', 'service'],
].map(([sku, kind]) => ({ kind: 'product', body: { sku, code: sku, name: sku, kind } }));

const line = (sku: string, quantity: string, unitPrice: string, total: number, more: object = {}) => ({
  id: `${sku} ${quantity} ${unitPrice}`,
  sku,
  description: sku,
  quantity,
  unitPrice,
  taxes: ['standard'],
  total,
  ...more,
});

const sound: Order = {
  id: 'web:1',
  number: '1001',
  kind: 'sale',
  refersTo: null,
  placedAt: '2026-05-02T09:00:00Z',
  businessDay: '2026-05-02',
  customer: 'web:c',
  currency: 'EUR',
  pricesIncludeTax: true,
  lines: [
    line('MUG', '3', '9.99', 2997),
    line('DISCOUNT', '1', '-2.00', -200),
    line('SHIPPING', '1', '0.00', 0),
    line('TEA', '0.350', '9.99', 350),
  ],
  total: 3147,
};

const causes = (change: Partial<Order>, bounds: Partial<OrderBounds> = {}): string[] =>
  orderRules(bounds).flatMap((rule) => rule({ ...sound, ...change }, { receivedAt, documents: products })?.cause ?? []);
const only = (...lines: Order['lines']): Partial<Order> => ({
  lines,
  total: lines.reduce((all, { total }) => all + total, 0),
});

test('a sound order passes; each fault has its cause', () => {
  const delivery = { method: 'ship', service: null, promisedAt: null } as const;
  const table: [string[], Partial<Order>, Partial<OrderBounds>?][] = [
    [[], {}],
    [['no-lines'], only()],
    [['currency-unknown'], { currency: 'ZZZ' }],
    [['currency-unknown'], {}, { currencies: ['GBP', 'USD'] }],
    [[], {}, { currencies: ['EUR'] }],
    [['totals-differ'], { total: 3148 }],
    [['totals-differ'], only(line('MUG', '3', '9.99', 2996))],
    [['totals-differ'], only(line('TEA', '0.350', '9.99', 349))],
    [['not-a-number'], only(line('MUG', 'three', '9.99', 2997))],
    [['not-a-number'], only(line('MUG', '3', '1e1', 2997))],
    // Without tax in the prices the total has it; a source that does not say how much leaves nothing to compare.
    [[], { ...only(line('MUG', '1', '10.00', 1000, { tax: 210 })), pricesIncludeTax: false, total: 1210 }],
    [
      ['totals-differ'],
      { ...only(line('MUG', '1', '10.00', 1000, { tax: 210 })), pricesIncludeTax: false, total: 1200 },
    ],
    [[], { ...only(line('MUG', '1', '10.00', 1000)), pricesIncludeTax: false, total: 1210 }],
    [['free-goods'], only(line('MUG', '2', '0.00', 0), line('TEA', '1', '1.00', 100))],
    [[], only(line('MUG', '2', '5.00', 1000), line('DISCOUNT', '1', '-10.00', -1000))],
    [[], only(line('MUG', '2', '0.00', 0)), { freeGoods: 'allowed' }],
    [[], { ...only(line('MUG', '-2', '0.00', 0)), kind: 'cancellation' }],
    [['negative-price'], only(line('MUG', '2', '-5.00', -1000))],
    [['negative-quantity'], { ...only(line('MUG', '-1', '5.00', -500)), delivery }],
    [[], only(line('MUG', '-1', '5.00', -500), line('TEA', '1', '9.00', 900))],
    [['in-the-future'], { placedAt: '2026-05-03T10:00:01Z' }],
    [[], { placedAt: '2026-05-03T10:00:00Z' }],
    [['quantity-out-of-range'], only(line('MUG', '10001', '0.01', 10001))],
    [['quantity-out-of-range'], { ...only(line('MUG', '-10001', '0.01', -10001)), kind: 'cancellation' }],
    [[], only(line('MUG', '10001', '0.01', 10001)), { quantity: null }],
    [['amount-out-of-range'], only(line('MUG', '2', '500000.01', 100000002))],
    [[], { ...only(line('MUG', '1', '2000000', 2000000)), currency: 'JPY' }],
    [['amount-out-of-range'], only(line('MUG', '1', '100.01', 10001)), { amount: { EUR: '100.00' } }],
  ];
  for (const [expected, change, bounds] of table)
    assert.deepEqual(causes(change, bounds), expected, JSON.stringify([change, bounds]));
});

test('what is soundly made always passes: any currency, weights, fractions of a coin, discounts, tax inside or outside', () => {
  const charge = fc.record({
    sku: fc.constantFrom('MUG', 'TEA', 'UNHEARD-OF'),
    quantity: fc.integer({ min: 1, max: 9_999_000 }),
    price: fc.integer({ min: 1, max: 9_999 }),
    places: fc.integer({ min: 0, max: 4 }),
    off: fc.integer({ min: 0, max: 500 }),
    tax: fc.integer({ min: 0, max: 2500 }),
    back: fc.boolean(),
  });
  const order = fc.record({
    currency: fc.constantFrom('EUR', 'JPY', 'KWD', 'HUF'),
    inclusive: fc.boolean(),
    shipping: fc.integer({ min: 0, max: 900 }),
    charges: fc.array(charge, { minLength: 1, maxLength: 8 }),
    ahead: fc.integer({ min: -1_000_000, max: 86_400 }),
  });
  fc.assert(
    fc.property(order, ({ currency, inclusive, shipping, charges, ahead }) => {
      const digits = currencyDigits(currency);
      const made = (id: string, sku: string, units: bigint, price: bigint, places: number, tax: number) => {
        const quantity = { coefficient: units, scale: 3 };
        const unit = { coefficient: price, scale: places };
        const total = Number(roundTo(multiply(quantity, unit), digits));
        return { ...line(sku, decimalText(quantity), decimalText(unit), total, { tax }), id };
      };
      const lines = [
        ...charges.flatMap(({ sku, quantity, price, places, off, tax, back }, n) => [
          made(`${n}`, sku, BigInt(back ? -quantity : quantity), BigInt(price), places, tax),
          made(`${n}-off`, 'DISCOUNT', 1000n, BigInt(back ? off : -off), digits, 0),
        ]),
        made('shipping', 'SHIPPING', 1000n, BigInt(shipping), digits, 0),
      ];
      const total = lines.reduce((all, one) => all + one.total + (inclusive ? 0 : (one as { tax?: number }).tax!), 0);
      const placedAt = new Date(receivedAt.getTime() + ahead * 1000).toISOString();
      assert.deepEqual(causes({ currency, lines, pricesIncludeTax: inclusive, total, placedAt }, { amount: {} }), []);
      assert.deepEqual(causes({ currency, lines, pricesIncludeTax: inclusive, total: total + 1 }, { amount: {} }), [
        'totals-differ',
      ]);
    }),
  );
});
