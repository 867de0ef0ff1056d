import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { rational, roundTo, toNumber } from './rational.ts';
import { orderTotals, type Tax } from './taxes.ts';
import type { Version } from './types.ts';

interface RecordedTax {
  name: string;
  amount_type: Tax['type'];
  amount: number;
  price_include: boolean;
  include_base_amount: boolean;
  is_base_affected: boolean;
  sequence: number;
  order: number;
  children?: string[];
}

interface Recorded {
  id: string;
  company_rounding: string;
  currency: { rounding: number };
  price_precision: number;
  qty_precision: number;
  taxes: RecordedTax[];
  lines: { qty: number; price_unit: number; discount: number; taxes: string[] }[];
  odoo: {
    lines: { price_subtotal: number; price_total: number }[];
    amount_untaxed: number;
    amount_tax: number;
    amount_total: number;
  };
}

const folder = resolve(import.meta.dirname, '../../../../shared/data/odoo-totals');

function taxesOf(record: Recorded): Map<string, Tax> {
  const make = (tax: RecordedTax): Tax => ({
    id: tax.order,
    type: tax.amount_type,
    amount: rational(tax.amount),
    included: tax.price_include,
    includeBase: tax.include_base_amount,
    baseAffected: tax.is_base_affected,
    sequence: tax.sequence,
    children: (tax.children ?? []).map((name) => make(record.taxes.find((child) => child.name === name)!)),
  });
  return new Map(record.taxes.map((tax) => [tax.name, make(tax)]));
}

const digits = (value: number, count: number) => roundTo(rational(value), { n: 1n, d: 10n ** BigInt(count) });

function compute(record: Recorded, version: Version) {
  const taxes = taxesOf(record);
  const lines = record.lines.map((line) => ({
    quantity: digits(line.qty, record.qty_precision),
    price: digits(line.price_unit, record.price_precision),
    discount: digits(line.discount, 2),
    taxes: line.taxes.map((name) => taxes.get(name)!),
  }));
  const step = rational(record.currency.rounding);
  return orderTotals(lines, { version, step, perLine: record.company_rounding === 'round_per_line' });
}

const near = (got: number, want: number) => Math.abs(got - want) < 1e-9;

for (const version of [18, 19] as const) {
  for (const method of ['round_per_line', 'round_globally']) {
    test(`Odoo ${version} totals, ${method}, are those recorded from real servers`, (t) => {
      const file = resolve(folder, `dev-${version}.ndjson`);
      if (!existsSync(file)) return t.skip('no recorded totals here');
      const records = readFileSync(file, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Recorded);
      for (const record of records.filter((one) => one.company_rounding === method)) {
        const totals = compute(record, version);
        const got = [totals.untaxed, totals.tax, totals.total].map(toNumber);
        const want = [record.odoo.amount_untaxed, record.odoo.amount_tax, record.odoo.amount_total];
        assert.ok(
          got.every((value, i) => near(value, want[i]!)),
          `${record.id}: ${got.join(', ')} for ${want.join(', ')}`,
        );
        for (const [i, line] of record.odoo.lines.entries()) {
          assert.ok(near(toNumber(totals.lines[i]!.subtotal), line.price_subtotal), `${record.id} line ${i} subtotal`);
          assert.ok(near(toNumber(totals.lines[i]!.total), line.price_total), `${record.id} line ${i} total`);
        }
      }
    });
  }
}

test('included and excluded 15 % on 100', () => {
  const tax = (included: boolean): Tax => ({
    id: 1,
    type: 'percent',
    amount: rational(15),
    included,
    includeBase: false,
    baseAffected: true,
    sequence: 1,
    children: [],
  });
  const total = (included: boolean) =>
    orderTotals([{ quantity: rational(1), price: rational(100), discount: rational(0), taxes: [tax(included)] }], {
      version: 19,
      step: rational(0.01),
      perLine: true,
    });
  assert.equal(toNumber(total(false).total), 115);
  assert.equal(toNumber(total(true).total), 100);
  assert.equal(toNumber(total(true).untaxed), 86.96);
});
